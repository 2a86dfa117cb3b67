"""Cases on an enterprise's timeline: when one was opened, and when it ended."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.casework import queries
from muheng.web.casework.kinds import case_types
from muheng.web.casework.wording import say_state
from muheng.web.people.models import User
from muheng.web.reading import language
from muheng.web.registry.models import Enterprise
from muheng.web.registry.timeline import KINDS, Event, provider

KINDS["case"] = gettext_lazy("事项")
_MOST = 60


@provider
def cases(enterprise: Enterprise, user: User) -> Iterator[Event]:
    """The newest cases that the person may see."""
    seen = queries.visible_cases(user).filter(enterprise=enterprise).order_by("-opened_at", "-pk")
    columns = ("number", "title", "type", "state", "opened_at", "closed_at")
    for row in seen.values(*columns)[:_MOST]:
        case_type = case_types()[row["type"]]
        href = reverse("casework:show", args=[row["number"]])
        said = {"type": case_type.title(language()), "title": row["title"]}
        opened = timezone.localdate(row["opened_at"])
        yield Event(opened, "case", _("%(type)s：%(title)s") % said, row["number"], href)
        if row["closed_at"] is not None:
            ended = timezone.localdate(row["closed_at"])
            state = say_state(case_type, row["state"])
            yield Event(
                ended,
                "case",
                _("%(type)s结束：%(title)s，%(state)s") % {**said, "state": state},
                row["number"],
                href,
            )
