"""An enterprise's own cases: what waits for it first, then what others are at, then what has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from muheng.casework.document import Act
from muheng.web.casework import listing, queries
from muheng.web.casework.kinds import case_types
from muheng.web.casework.models import Case
from muheng.web.entrance import read_number
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.people.scope import scope_of
from muheng.web.reading import language
from muheng.web.request import Request

ENDED = 20


@dataclass(frozen=True)
class Waiting:
    """A case with the acts that it waits for: (id, title), the first is the likeliest."""

    row: listing.Row
    acts: tuple[tuple[str, str], ...]


def mine(request: Request) -> HttpResponse:
    """What waits for the enterprise to confirm, complete or rate, first."""
    user, today = request.user, timezone.localdate()
    if not scope_of(user).enterprises:
        require(user, "own.case")
        raise Http404
    number = min(max(read_number(request.GET.get("page", "")) or 1, 1), listing.FARTHEST)
    waiting = list(waiting_for(user)[: listing.PAGE])
    asked = waiting_for_rating(user)
    live = cases_of(user).filter(live=True).exclude(waits_for="enterprise").order_by("turn_on", "pk")
    ended = cases_of(user).filter(live=False).order_by("-opened_at", "-pk")
    keys = list(ended.values_list("pk", flat=True)[(number - 1) * ENDED : number * ENDED + 1])
    context = {
        "waiting": _waiting(waiting, today),
        "asked": _waiting(asked, today),
        "live": listing.read_rows(live.values_list("pk", flat=True)[: 2 * listing.PAGE], today),
        "ended": listing.read_rows(keys[:ENDED], today),
        "page": number,
        "more": len(keys) > ENDED,
        "several": len(scope_of(user).enterprises) > 1,
        "today": today,
    }
    return render(request, "casework/mine.html", context)


def cases_of(user: User) -> QuerySet[Case]:
    """The cases of a person's enterprises that are shown to them."""
    return Case.objects.filter(queries.own_q(user))


def waiting_for(user: User) -> QuerySet[Case]:
    """Cases in which the enterprise has the next step."""
    return cases_of(user).filter(live=True, waits_for="enterprise").order_by("turn_on", "pk")


def waiting_for_rating(user: User) -> list[Case]:
    """Cases that have ended and are not yet rated, the newest first; who does not want to need not."""
    types = [each.id for each in case_types().values() if any(act.asks_rating for act in each.acts)]
    since = timezone.localdate() - timedelta(days=RATE_WITHIN)
    rows = cases_of(user).filter(phase=Case.Phase.CLOSED, rating=None, type__in=types, closed_on__gte=since)
    return list(rows.order_by("-closed_on", "-pk")[:5])


RATE_WITHIN = 30
"""Days for which an ended case is shown as one to be rated."""


def _waiting(cases: list[Case], today: date) -> list[Waiting]:
    rows = {row.pk: row for row in listing.read_rows([case.pk for case in cases], today)}
    return [Waiting(rows[case.pk], acts_of(case)) for case in cases if case.pk in rows]


def acts_of(case: Case) -> tuple[tuple[str, str], ...]:
    """The acts by which the enterprise goes on, as links; whether each may be done the case's page says."""
    case_type = case_types()[case.type]

    def suits(act: Act) -> bool:
        return "enterprise" in act.by and (act.to is not None or act.asks_rating) and not act.reopens

    found = [each for each in case_type.acts_from(case.state) if suits(each)]
    return tuple((each.id, each.title(language())) for each in found[:2])
