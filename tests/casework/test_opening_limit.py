"""A room of the site may set the limit that its own procedure promised; nobody else may."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from muheng.casework.case_type import load_types
from muheng.casework.history import Actor, Event, take
from muheng.documents.message import Refusal
from muheng.standards.calendar import load_calendar

OPENED = datetime(2026, 2, 10, 2, tzinfo=UTC)


def open_with(part: Any, days: Any) -> date | None:
    case_type = load_types()[0]["objection" if part == "room" else "demand"]
    data = {"kind": "figure", "fields": {"title": "用地面积"}, "days": days}
    if part != "room":
        data = {"kind": "other", "fields": {"title": "路灯", "detail": "不亮"}, "days": days}
    standing = take(case_type, None, Event(1, OPENED, "open", Actor(part), data), load_calendar())
    return next(iter(standing.clocks.values())).due


def test_a_room_says_how_long_its_clock_runs() -> None:
    assert open_with("room", 15) == date(2026, 3, 9)


@pytest.mark.parametrize("days", [-1, 4000, True, "5", 1.5])
def test_a_limit_is_a_number_of_days(days: object) -> None:
    with pytest.raises(Refusal):
        open_with("room", days)


def test_nobody_else_sets_a_limit() -> None:
    with pytest.raises(Refusal, match="days"):
        open_with("enterprise", 30)


def change_kind(part: Any, opened_as: str, kind: str, days: int | None = None) -> tuple[Any, Any]:
    """The first clock before and after a case is of another kind."""
    case_type = load_types()[0]["objection" if part == "room" else "demand"]
    fields = {"title": "用地", "detail": "红线"} if part != "room" else {"title": "用地"}
    data = {"kind": opened_as, "fields": fields} | ({} if days is None else {"days": days})
    standing = take(case_type, None, Event(1, OPENED, "open", Actor(part), data), load_calendar())
    if part != "room":
        standing = take(case_type, standing, Event(2, OPENED, "accept", Actor("desk")), load_calendar())
        warned = {"clock": "promised", "level": 80}
        standing = take(case_type, standing, Event(3, OPENED, "warn", Actor("site"), warned), load_calendar())
    number = standing.version + 1
    by = Actor("room" if part == "room" else "desk")
    after = take(case_type, standing, Event(number, OPENED, "assign", by, {"kind": kind}), load_calendar())
    name = "answer" if part == "room" else "promised"
    return standing.clocks[name], after.clocks[name]


def test_a_kind_with_the_same_limit_leaves_the_term_of_a_room() -> None:
    before, after = change_kind("room", "figure", "result", 15)
    assert (before.limit, after.limit) == (15, 15)


def test_a_kind_with_a_longer_limit_is_warned_of_anew_and_a_shorter_one_is_not() -> None:
    before, longer = change_kind("enterprise", "other", "land")
    assert (before.warned, before.limit, longer.warned, longer.limit) == (80, 10, 0, 15)
    _before, shorter = change_kind("enterprise", "other", "approval")
    assert (shorter.warned, shorter.limit) == (80, 7)
