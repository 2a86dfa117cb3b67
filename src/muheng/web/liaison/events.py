"""On an enterprise's timeline: who began to look after it, and visits."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.casework.queries import visible_cases
from muheng.web.liaison.queries import MADE, VISIT_TYPE, pairings_for, visit_from
from muheng.web.liaison.wording import say_way
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise
from muheng.web.registry.timeline import KINDS, Event, provider

KINDS["liaison"] = gettext_lazy("结对走访")
_MOST = 60


@provider
def pairings(enterprise: Enterprise, user: User) -> Iterator[Event]:
    """Who looked after it, as far as the person may see it."""
    for row in pairings_for(user).filter(enterprise=enterprise)[:_MOST]:
        said = _("由%(officer)s（%(office)s）联系") % {
            "officer": row.officer.name,
            "office": row.office.title,
        }
        yield Event(row.since, "liaison", said, row.reason)
        if row.until is not None:
            said = _("%(officer)s不再联系") % {"officer": row.officer.name}
            yield Event(row.until, "liaison", said, row.end_reason)


@provider
def visits(enterprise: Enterprise, user: User) -> Iterator[Event]:
    """Visits that the person may see, with a link to the case."""
    rows = visible_cases(user).filter(enterprise=enterprise, type=VISIT_TYPE, phase__in=MADE)
    for case in rows.select_related("opener").order_by("-opened_at")[:_MOST]:
        visit = visit_from(case.fields, case.opened_on)
        who = case.opener.name if case.opener is not None else ""
        said = _("%(who)s走访（%(way)s）") % {"way": say_way(visit.way), "who": who}
        yield Event(visit.day, "liaison", said, case.title, reverse("casework:show", args=[case.number]))
