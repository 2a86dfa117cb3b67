"""On an enterprise's timeline: who began to look after it, and who ended. Visits are there as cases."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.liaison.queries import pairings_for
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
