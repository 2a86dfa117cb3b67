"""What happened to a case, in a sentence an event: who did what."""

from __future__ import annotations

from django.utils.translation import gettext as _

from muheng.casework.document import CaseType
from muheng.casework.history import BUILT_INS
from muheng.documents.message import say
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case, CaseEvent
from muheng.web.reading import language
from muheng.web.templatetags.words import moment


def name_of_act(case_type: CaseType, act_id: str) -> str:
    """An act as people call it."""
    if act_id == "open":
        return say("登记").render(language())
    declared = case_type.act(act_id)
    if declared is not None:
        return declared.title(language())
    return BUILT_INS[act_id].name.render(language())


QUIET = frozenset({"warn", "escalate", "recount"})
"""What the site itself notes of clocks; nobody's deed is overtaken by it."""


def describe_events(case: Case, after: int = 0, inside: bool = True) -> list[str]:
    """What people did after a version, each as one sentence; without ``inside`` not what officials noted for themselves."""
    case_type = find_type(case.type)
    rows = case.events.filter(number__gt=after).exclude(act__in=QUIET).order_by("number")
    return [
        describe_event(case_type, row)
        for row in rows
        if inside or not (row.data.get("internal") or row.act == "erase")
    ]


def describe_event(case_type: CaseType, row: CaseEvent) -> str:
    """Who did what, when."""
    return _("%(who)s %(when)s %(act)s") % {
        "who": row.actor_name or _("系统"),
        "when": moment(row.at),
        "act": name_of_act(case_type, row.act),
    }
