"""What every step of the procedure asks first: whose turn it is, on which day, and by when."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.standards.calendar import Deadline, load_calendar
from muheng.web.evaluation.models import Evaluation
from muheng.web.people.rights import require
from muheng.web.refusal import Refused

State = Evaluation.State
MOST_DAYS = 250
"""Working days of a year: a longer term is a slip of the hand."""


def hold(number: int) -> Evaluation:
    """The evaluation, for this transaction alone: two who act on it follow each other."""
    rows = Evaluation.objects.select_for_update(of=("self",)).select_related("policy", "organisation")
    return rows.get(pk=number)


def take(actor: Any, evaluation: Evaluation, right: str, *states: str) -> Evaluation:
    """Hold the evaluation, ask for the right where it belongs, and for its being at one of these states.

    Raises Refused.
    """
    held = hold(evaluation.pk)
    if actor is not None:
        require(actor, right, held.organisation)
    expect(held, *states)
    return held


def expect(evaluation: Evaluation, *states: str) -> None:
    """Raises Refused where the evaluation is at another step."""
    if evaluation.state not in states:
        raise Refused(
            _("现在是“%(now)s”，这一步要在“%(then)s”时办。")
            % {
                "now": evaluation.get_state_display(),
                "then": "、".join(str(State(state).label) for state in states),
            },
            _("可能有人先办过了，请刷新页面查看。"),
            code="wrong_step",
        )


def move(evaluation: Evaluation, state: str, **fields: Any) -> None:
    """The evaluation is at another step."""
    evaluation.state = state
    for name, value in fields.items():
        setattr(evaluation, name, value)
    evaluation.save(update_fields=("state", *fields))


def now(at: datetime | None) -> datetime:
    """When a deed is done: now, or, for the demo's history, when it was."""
    return at or timezone.now()


def today(at: datetime | None = None) -> date:
    """The day on which a deed is done, where the city is."""
    return timezone.localtime(now(at)).date()


def due_after(day: date, working_days: int) -> Deadline:
    """The last of so many working days after ``day``."""
    return load_calendar().add_working_days(day, check_days(working_days))


def last_of(first: date, working_days: int) -> Deadline:
    """The day until which so many working days run, the first day counted where it is one."""
    return load_calendar().add_working_days(first - timedelta(days=1), check_days(working_days))


def check_days(working_days: int) -> int:
    """Raises Refused for a term that is none."""
    if not 1 <= working_days <= MOST_DAYS:
        raise Refused(
            _("期限应为 1 到 %(most)s 个工作日。") % {"most": MOST_DAYS},
            status=422,
            code="invalid",
            at="working_days",
        )
    return working_days


def need_text(text: str, what: str, at: str, most: int = 2000) -> str:
    """The text without blanks around it. Raises Refused where there is none, or too much."""
    text = text.strip()
    if not text:
        raise Refused(_("请写明%(what)s。") % {"what": what}, status=422, code="invalid", at=at)
    if len(text) > most:
        raise Refused(
            _("%(what)s太长：最多 %(most)s 个字。") % {"what": what, "most": most},
            status=422,
            code="invalid",
            at=at,
        )
    return text
