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
