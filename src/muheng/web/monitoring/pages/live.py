"""The live board."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from muheng.web.people.rights import require
from muheng.web.request import Request


def home(request: Request) -> HttpResponse:
    require(request.user, "monitoring.view")
    return render(request, "monitoring/home.html", {})
