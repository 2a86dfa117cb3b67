"""An objection is a case too: it stands in inboxes, its clock warns and escalates, and it is counted with the rest.

The evaluation alone moves it: what is answered here, the case says after.
"""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from muheng.web.casework.actions import act, open_case
from muheng.web.casework.models import Case
from muheng.web.casework.ways import Way, register_way
from muheng.web.evaluation.models import Objection
from muheng.web.people.models import User

KIND = "evaluation.objection"
_PARTIES = {
    Objection.Party.OWN: "本企业",
    Objection.Party.OTHER: "其他企业",
    Objection.Party.PUBLIC: "公众",
}
"""As the case type of comments writes them."""
_ACTS = {
    "objection": {
        Objection.State.UPHELD: "uphold",
        Objection.State.PARTLY: "uphold_partly",
        Objection.State.REJECTED: "reject",
        Objection.State.WITHDRAWN: "withdraw",
    },
    "comment": {
        Objection.State.UPHELD: "adopt",
        Objection.State.PARTLY: "adopt",
        Objection.State.REJECTED: "reject",
        Objection.State.WITHDRAWN: "discard",
    },
}
_MOST_TITLE = 60


@register_way
def find_objection(case: Case, user: User) -> Way | None:
    """Where an objection is answered."""
    kind, _colon, number = case.source.rpartition(":")
    if kind != KIND or not number.isdecimal():
        return None
    return Way(_("在评价中办理"), reverse("evaluation:objection", args=[int(number)]))


def open_case_of(actor: User, objection: Objection) -> Case:
    """The case of an objection that has just been raised; with the term that the evaluation gives for answers."""
    own = objection.party == Objection.Party.OWN
    evaluation = objection.evaluation
    title = f"{evaluation.title}：{objection.item or objection.text.partition('。')[0]}"
    title = title if len(title) <= _MOST_TITLE else f"{title[: _MOST_TITLE - 1]}…"
    fields = {"title": title, "text": objection.text}
    if own:
        fields |= {"item": objection.item, "shown": objection.shown, "claimed": objection.claimed}
    else:
        fields |= {"party": _PARTIES[Objection.Party(objection.party)], "who": objection.who}
    return open_case(
        actor,
        "objection" if own else "comment",
        title,
        enterprise=objection.enterprise,
        kind=("figure" if objection.item else "result") if own else "",
        fields=fields,
        organisation=evaluation.organisation,
        part="room",
        source=f"{KIND}:{objection.pk}",
        days=evaluation.answer_days,
        shown_to_enterprise=own,
        at=objection.raised_at,
    )


def settle_case_of(actor: User | None, objection: Objection, note: str, at: datetime) -> None:
    """The case ends as the objection did. Objections from before there were cases have none."""
    case = Case.objects.filter(source=f"{KIND}:{objection.pk}").first()
    if case is None:
        return
    verb = _ACTS[case.type][Objection.State(objection.state)]
    settled = {"settled": objection.settled} if objection.settled and case.type == "objection" else {}
    act(actor, case, verb, note=note, fields=settled, part="room", at=max(at, objection.raised_at))
