"""An enterprise's own cases: which wait for it, and by which act it goes on."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from muheng.casework.document import Act
from muheng.web.casework import queries
from muheng.web.casework.kinds import case_types
from muheng.web.casework.models import Case
from muheng.web.people.models import User
from muheng.web.reading import language


def cases_of(user: User) -> QuerySet[Case]:
    """The cases of a person's enterprises that are shown to them."""
    return Case.objects.filter(queries.own_q(user))


def waiting_for(user: User) -> QuerySet[Case]:
    """Cases in which the enterprise has the next step."""
    return cases_of(user).filter(live=True, waits_for="enterprise").order_by("turn_at", "pk")


def waiting_for_rating(user: User) -> list[Case]:
    """Cases that have ended and are not yet rated, the newest first; who does not want to need not."""
    types = [each.id for each in case_types().values() if any(act.asks_rating for act in each.acts)]
    since = timezone.localdate() - timedelta(days=RATE_WITHIN)
    rows = cases_of(user).filter(phase=Case.Phase.CLOSED, rating=None, type__in=types, closed_on__gte=since)
    return list(rows.order_by("-closed_on", "-pk")[:5])


RATE_WITHIN = 30
"""Days for which an ended case is shown as one to be rated."""


def acts_of(case: Case) -> tuple[tuple[str, str], ...]:
    """The acts by which the enterprise goes on, as links; whether each may be done the case's page says."""
    case_type = case_types()[case.type]

    def suits(act: Act) -> bool:
        return "enterprise" in act.by and (act.to is not None or act.asks_rating) and not act.reopens

    found = [each for each in case_type.acts_from(case.state) if suits(each)]
    return tuple((each.id, each.title(language())) for each in found[:2])
