"""Days, months, quarters and years of a stretch of hours that begins at midnight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np

from muheng.monitoring.judgement.runs import Counts


@dataclass(frozen=True)
class Period:
    """Hours ``begin`` to ``end`` (exclusive) of the stretch."""

    name: str
    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Calendar:
    """``quarter_of`` is the place in ``quarters`` of every hour."""

    start: date
    hours: int
    months: tuple[Period, ...]
    quarters: tuple[Period, ...]
    years: tuple[Period, ...]
    quarter_of: Counts

    def hour_of(self, day: date) -> int:
        """The first hour of a day, kept within the stretch."""
        return min(max((day - self.start).days * 24, 0), self.hours)

    def time_of(self, hour: int) -> datetime:
        return datetime(self.start.year, self.start.month, self.start.day) + timedelta(hours=hour)


@lru_cache(maxsize=64)
def lay_calendar(start: date, days: int) -> Calendar:
    """The calendar of so many days."""
    dates = [start + timedelta(days=each) for each in range(days)]
    quarters = _split([f"{each.year}Q{(each.month + 2) // 3}" for each in dates])
    quarter_of = np.zeros(days * 24, dtype=np.int64)
    for at, period in enumerate(quarters):
        quarter_of[period.begin : period.end] = at
    return Calendar(
        start,
        days * 24,
        _split([f"{each.year}-{each.month:02d}" for each in dates]),
        quarters,
        _split([str(each.year) for each in dates]),
        quarter_of,
    )


def _split(names: list[str]) -> tuple[Period, ...]:
    begins = [at for at, name in enumerate(names) if at == 0 or name != names[at - 1]]
    ends = [*begins[1:], len(names)]
    return tuple(Period(names[begin], begin * 24, end * 24) for begin, end in zip(begins, ends, strict=True))
