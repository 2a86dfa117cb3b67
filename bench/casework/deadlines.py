"""A million due dates in working days, each with up to two pauses, beside a loop over the days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from bench.comparison import Comparison, time_once
from muheng.casework.clock_standing import ClockStanding, Pause
from muheng.standards.calendar import Calendar, load_calendar

FIRST = date(2022, 1, 4)
STARTS = 1_500
"""Days after the first on which a clock may start."""
Given = tuple[date, int, tuple[Pause, ...]]


def run(count: int = 1_000_000) -> Iterator[Comparison]:
    """Both give the same day for each."""
    calendar = load_calendar()
    given = make_clocks(count)
    ours: list[date | None] = []
    theirs: list[date | None] = []
    first = time_once(lambda: ours.extend(count_ours(given, calendar)))
    second = time_once(lambda: theirs.extend(count_days(given, calendar)))
    assert ours == theirs
    yield Comparison(f"due dates with pauses, {count:,}", first, "a loop over the days", second)


def make_clocks(count: int) -> list[Given]:
    """Limits of 2 to 60 working days; none, one or two pauses of up to a month; one in fifty is paused still."""
    rng = np.random.default_rng(11)
    starts = rng.integers(0, STARTS, count)
    limits = rng.choice([2, 5, 7, 10, 15, 20, 30, 60], count)
    gaps = rng.integers(0, 12, (count, 2))
    lengths = rng.integers(0, 30, (count, 2))
    many = rng.choice([0, 1, 2], count, p=[0.7, 0.2, 0.1])
    still = rng.random(count) < 0.02
    made = []
    for at in range(count):
        start = FIRST + timedelta(days=int(starts[at]))
        pauses, day = [], start
        for number in range(many[at]):
            paused = day + timedelta(days=int(gaps[at, number]))
            day = paused + timedelta(days=int(lengths[at, number]))
            open_end = bool(still[at]) and number == many[at] - 1
            pauses.append(Pause(paused, None if open_end else day, ""))
        made.append((start, int(limits[at]), tuple(pauses)))
    return made


def count_ours(given: Sequence[Given], calendar: Calendar) -> Iterator[date | None]:
    """As a case's clocks do it."""
    for start, limit, pauses in given:
        yield ClockStanding("limit", start, limit, "working", calendar, pauses).due


def count_days(given: Sequence[Given], calendar: Calendar) -> Iterator[date | None]:
    """Day by day, as one would write it down first."""
    for start, limit, pauses in given:
        day, left = start, limit
        found: date | None = day
        while left:
            day += timedelta(days=1)
            if any(pause.paused_on < day and pause.resumed_on is None for pause in pauses):
                found = None
                break
            inside = any(pause.paused_on < day <= (pause.resumed_on or day) for pause in pauses)
            if not inside and calendar.is_working_day(day):
                left -= 1
            found = day
        yield found
