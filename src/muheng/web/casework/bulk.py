"""One act for many cases: for each by itself whether it may be done and what comes of it, and then doing it.

What cannot be done to one keeps nobody from doing it to the others; why not is said. Only acts that their type allows
for many (``bulk``) are done so, and ``assign`` and ``urge``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from muheng.casework.standing import Standing
from muheng.web.casework.actions import act, try_act
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.casework.writing import standing_of
from muheng.web.people.models import Organisation, User
from muheng.web.reading import language
from muheng.web.refusal import Refused

MOST = 200
ALWAYS = ("assign", "urge")


@dataclass(frozen=True)
class Done:
    """What was done, or would be: the case, and its state before and after as people call them."""

    case: Case
    before: str
    after: str


@dataclass(frozen=True)
class NotDone:
    """What was not done, and why. ``title`` is empty for a case that the person does not see."""

    number: str
    title: str
    why: str
    fix: str = ""


@dataclass(frozen=True)
class Outcome:
    """Of all that were asked for, in their order."""

    done: tuple[Done, ...]
    not_done: tuple[NotDone, ...]


def preview_many(
    actor: User,
    numbers: Iterable[str],
    act_id: str,
    *,
    type_id: str = "",
    seen: Mapping[str, int] | None = None,
    **given: Any,
) -> Outcome:
    """What :func:`act_on_many` would do. Writes nothing."""

    def attempt(case: Case) -> tuple[Standing, Standing]:
        return try_act(actor, case, act_id, seen=(seen or {}).get(case.number), **given)

    return _each(actor, numbers, act_id, type_id, attempt)


def act_on_many(
    actor: User,
    numbers: Iterable[str],
    act_id: str,
    *,
    type_id: str = "",
    seen: Mapping[str, int] | None = None,
    **given: Any,
) -> Outcome:
    """Do an act to many cases, each in a transaction of its own.

    ``seen``: the versions that the person saw by number; ``given`` as :func:`actions.act` takes it (``note``,
    ``reason``, ``fields``, ``organisation``, ``handler``, ``kind``). Raises Refused where too many are asked for.
    """

    def attempt(case: Case) -> tuple[Standing, Standing]:
        before = standing_of(case)
        return before, standing_of(act(actor, case, act_id, seen=(seen or {}).get(case.number), **given))

    return _each(actor, numbers, act_id, type_id, attempt)


def assign_many(
    actor: User,
    numbers: Iterable[str],
    organisation: Organisation,
    handler: User | None = None,
    note: str = "",
    seen: Mapping[str, int] | None = None,
) -> Outcome:
    """Give many cases to one office, or to a person there."""
    return act_on_many(
        actor, numbers, "assign", seen=seen, organisation=organisation, handler=handler, note=note
    )


def _each(
    actor: User,
    numbers: Iterable[str],
    act_id: str,
    type_id: str,
    attempt: Callable[[Case], tuple[Standing, Standing]],
) -> Outcome:
    asked = list(dict.fromkeys(number.strip().upper() for number in numbers))
    if not asked:
        raise Refused(_("还没有选。"), _("至少选一件。"), status=422, code="invalid", at="numbers")
    if len(asked) > MOST:
        raise Refused(
            _("一次最多办 %(most)s 件，选了 %(count)s 件。") % {"most": MOST, "count": len(asked)},
            _("请分几次办。"),
            status=422,
            code="invalid",
            at="numbers",
        )
    rows = {case.number: case for case in _rows(actor, asked)}
    done: list[Done] = []
    not_done: list[NotDone] = []
    for number in asked:
        case = rows.get(number)
        if case is None:
            not_done.append(NotDone(number, "", _("没有找到。")))
            continue
        try:
            _check_act(case, act_id, type_id)
            before, after = attempt(case)
        except Refused as refused:
            not_done.append(NotDone(number, case.title, refused.what, refused.fix))
        else:
            done.append(Done(case, _state(case, before), _state(case, after)))
    return Outcome(tuple(done), tuple(not_done))


def _rows(actor: User, numbers: Sequence[str]) -> Iterable[Case]:
    return (
        visible_cases(actor)
        .filter(number__in=numbers)
        .select_related("enterprise", "organisation", "county", "township", "handler")
    )


def _check_act(case: Case, act_id: str, type_id: str) -> None:
    case_type = find_type(case.type)
    if type_id and case.type != type_id:
        raise Refused(_("这一件是“%(type)s”，不是这一类。") % {"type": case_type.title(language())})
    declared = case_type.act(act_id)
    if act_id in ALWAYS or (declared is not None and declared.bulk):
        return
    if declared is None:
        raise Refused(_("“%(type)s”没有这个动作。") % {"type": case_type.title(language())})
    raise Refused(_("“%(act)s”要一件一件办。") % {"act": declared.title(language())}, _("请打开这一件再办。"))


def _state(case: Case, standing: Standing) -> str:
    state = find_type(case.type).state(standing.state)
    return state.title(language()) if state is not None else standing.state
