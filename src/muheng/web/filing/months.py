"""A month that is filed for: what it is called, when it is due, and which months are open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.utils import timezone

from muheng.standards.calendar import Deadline, load_calendar
from muheng.web.filing.items import form
from muheng.web.reading import language

_WRITTEN = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_NAMES = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def title(self) -> str:
        """2026年10月, or October 2026."""
        if language() == "en":
            return f"{_NAMES[self.month - 1]} {self.year}"
        return f"{self.year}年{self.month}月"

    @property
    def short(self) -> str:
        """10月, or Oct."""
        return _NAMES[self.month - 1][:3] if language() == "en" else f"{self.month}月"

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return self.shift(1).first - timedelta(days=1)

    @property
    def deadline(self) -> Deadline:
        """The last day to file it, counted in working days after its end."""
        return _deadline(self.last)

    def shift(self, months: int) -> Month:
        at = self.year * 12 + self.month - 1 + months
        return Month(at // 12, at % 12 + 1)

    def until(self, last: Month) -> Iterator[Month]:
        """The months from this one to ``last``, both included."""
        at = self
        while at <= last:
            yield at
            at = at.shift(1)


@lru_cache(maxsize=600)
def _deadline(last: date) -> Deadline:
    return load_calendar().add_working_days(last, form().working_days)


def month_of(day: date) -> Month:
    return Month(day.year, day.month)


def parse_month(text: str) -> Month | None:
    """2026-10; None for anything else."""
    found = _WRITTEN.fullmatch(text)
    return Month(int(found[1]), int(found[2])) if found else None


def newest_month(today: date | None = None) -> Month:
    """The last month that has ended: the newest that can be filed."""
    return month_of(today or timezone.localdate()).shift(-1)
