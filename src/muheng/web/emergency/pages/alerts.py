"""The room's first page, and the enterprise's."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from muheng.web.people.rights import require
from muheng.web.request import Request


def home(request: Request) -> HttpResponse:
    """What the air is like to be, which alert is in force, which list and plan."""
    require(request.user, "emergency.view")
    return render(request, "emergency/home.html", {})


def mine(request: Request) -> HttpResponse:
    """What the person's enterprises have to do."""
    require(request.user, "own.emergency")
    return render(request, "emergency/mine.html", {})
