"""What introductions make of their need, and how a need's end ends them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from muheng.web.audit.actions import record
from muheng.web.matching.actions.checks import moment_of
from muheng.web.matching.models import Introduction, Need, Step

State = Introduction.State


def resettle(need: Need, at: datetime) -> None:
    """The state that a need's introductions give it; one that a person ended stays so.

    It is met when what was agreed comes to what was looked for.
    """
    if need.closed_reason:
        return
    rows = list(need.introductions.values_list("state", "amount"))
    agreed = [amount for state, amount in rows if state == State.AGREED]
    enough = need.amount is None or None in agreed or sum(each or 0 for each in agreed) >= need.amount
    if agreed and enough:
        need.state, need.closed_at = Need.State.MET, need.closed_at or at
    elif any(state != State.FAILED for state, _amount in rows):
        need.state, need.closed_at = Need.State.TALKING, None
    else:
        need.state, need.closed_at = Need.State.OPEN, None
    need.version += 1
    need.save()


def end_introductions(actor: Any, need: Need, reason: str, at: datetime) -> None:
    """What is still under way for a need that ended comes to nothing."""
    now, day = moment_of(at)
    for row in need.introductions.exclude(state__in=(State.FAILED, State.AGREED)):
        row.state, row.changed_on = State.FAILED, max(day, row.changed_on)
        row.version += 1
        row.save()
        write_step(actor, row, State.FAILED, row.changed_on, now, reason)
        record(actor, "matching.introduction.failed", row, note=reason)


def write_step(
    actor: Any,
    row: Introduction,
    state: str,
    day: date,
    now: datetime,
    note: str,
    amount: int | None = None,
) -> None:
    """One more step of an introduction."""
    Step.objects.create(
        introduction=row,
        number=row.steps.count() + 1,
        state=state,
        on=day,
        at=now,
        by=actor,
        amount=amount,
        note=note,
    )
