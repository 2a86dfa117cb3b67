"""An enterprise's own cases: what waits for it first, then what others are at, then what has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from muheng.web.casework import listing, own
from muheng.web.casework.models import Case
from muheng.web.entrance import read_number
from muheng.web.people.rights import require
from muheng.web.people.scope import scope_of
from muheng.web.request import Request

ENDED = 20


@dataclass(frozen=True)
class Waiting:
    """A case with the acts that it waits for: (id, title), the first is the likeliest."""

    row: listing.Row
    acts: tuple[tuple[str, str], ...]


def mine(request: Request) -> HttpResponse:
    """What waits for the enterprise to confirm, complete or rate, first."""
    user, now = request.user, timezone.now()
    if not scope_of(user).enterprises:
        require(user, "own.case")
        raise Http404
    number = min(max(read_number(request.GET.get("page", "")) or 1, 1), listing.FARTHEST)
    waiting = list(own.waiting_for(user)[: listing.PAGE])
    asked = own.waiting_for_rating(user)
    live = own.cases_of(user).filter(live=True).exclude(waits_for="enterprise").order_by("turn_at", "pk")
    ended = own.cases_of(user).filter(live=False).order_by("-opened_at", "-pk")
    keys = list(ended.values_list("pk", flat=True)[(number - 1) * ENDED : number * ENDED + 1])
    context = {
        "waiting": _waiting(waiting, now),
        "asked": _waiting(asked, now),
        "live": listing.read_rows(live.values_list("pk", flat=True)[: 2 * listing.PAGE], now),
        "ended": listing.read_rows(keys[:ENDED], now),
        "page": number,
        "more": len(keys) > ENDED,
        "several": len(scope_of(user).enterprises) > 1,
    }
    return render(request, "casework/mine.html", context)


def _waiting(cases: list[Case], now: datetime) -> list[Waiting]:
    rows = {row.pk: row for row in listing.read_rows([case.pk for case in cases], now)}
    return [Waiting(rows[case.pk], own.acts_of(case)) for case in cases if case.pk in rows]
