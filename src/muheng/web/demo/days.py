"""The demo's days: working days before today, so that what is under way is under way whenever the demo is loaded."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from muheng.standards.calendar import load_calendar

_CHINA = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)


def working_day_before(count: int, day: date | None = None) -> date:
    """The working day that lies so many working days back; with 0 the last one up to ``day`` (today)."""
    calendar = load_calendar()
    at = day or timezone.localdate()
    while not calendar.is_working_day(at):
        at -= _DAY
    for _ in range(count):
        at -= _DAY
        while not calendar.is_working_day(at):
            at -= _DAY
    return at


def working_day_of(first: date, number: int) -> date:
    """The ``number``-th working day of a round that opens on ``first``, which is its first where it is one."""
    return load_calendar().add_working_days(first - _DAY, number).due


def moment(day: date, hour: int = 10, minute: int = 0) -> datetime:
    """A moment of a day where the city is, never after now."""
    return min(datetime(day.year, day.month, day.day, hour, minute, tzinfo=_CHINA), timezone.now())
