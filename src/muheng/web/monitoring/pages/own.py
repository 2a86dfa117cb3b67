"""An enterprise's own monitoring."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from muheng.web.people.rights import require
from muheng.web.request import Request


def mine(request: Request) -> HttpResponse:
    require(request.user, "own.monitoring")
    return render(request, "monitoring/mine.html", {})
