"""Whom an event of a case is told: whoever has the next step, whoever waits for it, and the heads where it is late."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from muheng.casework.history import Event
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case
from muheng.web.notices.actions import tell
from muheng.web.people.models import User

ROOM = "casework"


def tell_of(case: Case, event: Event, actor: User | None) -> None:
    """Tell who has to know of an event that was just written."""
    case_type = find_type(case.type)
    state = case_type.state(case.state)
    waits_for = state.waits_for if state is not None else "nobody"
    told = {person.pk: person for person in _people(case, waits_for)}
    if event.by.part == "enterprise" and event.act == "note":
        told |= {person.pk: person for person in _people(case, "handler")}
    if actor is not None:
        told.pop(actor.pk, None)
    if event.act in ("child", "child_closed", "recount", "absorb") or event.data.get("internal"):
        return
    tell(
        told.values(),
        _("有一件事等您办理") if case.live else _("您的一件事已办结"),
        case.title,
        reverse("casework:show", args=[case.number]),
        room=ROOM,
        key=f"case:{case.pk}:{event.number}",
        at=event.at,
    )


def _people(case: Case, part: str) -> Iterable[User]:
    if part == "enterprise":
        if case.enterprise_id is None or not case.shown_to_enterprise:
            return ()
        return User.objects.filter(represented__enterprise=case.enterprise_id, represented__until=None)
    if part == "handler" and case.handler is not None:
        return (case.handler,)
    if part == "opener" and case.opener is not None:
        return (case.opener,)
    return ()
