"""Pages of casework."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from muheng.web.casework import queries
from muheng.web.request import Request


def inbox(request: Request) -> HttpResponse:
    """What waits for a person, the next due first."""
    cases = queries.visible_cases(request.user).filter(live=True).order_by("due", "pk")[:50]
    return render(request, "casework/inbox.html", {"cases": cases})


def mine(request: Request) -> HttpResponse:
    """The cases of a person's enterprise."""
    cases = queries.visible_cases(request.user)[:50]
    return render(request, "casework/inbox.html", {"cases": cases})


def show(request: Request, number: str) -> HttpResponse:
    """A case with its history."""
    return render(request, "casework/show.html", {"case": queries.find_case(request.user, number)})
