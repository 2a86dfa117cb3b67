"""The first page: what to do today, and the city at a glance."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from muheng.web.request import Request


def home(request: Request) -> HttpResponse:
    return render(request, "home/home.html")
