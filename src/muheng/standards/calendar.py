"""Working days of mainland China, from the State Council's yearly notices in `data/calendars`.

A year without a notice is counted Monday to Friday and marked provisional: the answer may move when the
notice comes. What a legal time limit is, and when its clock pauses, is not known here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

SATURDAY = 5
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Deadline:
    """`provisional`: some day on the way lies in a year whose calendar is not published, or not held here."""

    due: date
    provisional: bool


@dataclass(frozen=True)
class Calendar:
    """`years`: published year → its notice. `holidays` may fall on weekends; `make_up_days` are worked."""

    years: dict[int, str]
    holidays: frozenset[date]
    make_up_days: frozenset[date]

    def is_working_day(self, day: date) -> bool:
        if day in self.make_up_days:
            return True
        return day.weekday() < SATURDAY and day not in self.holidays

    def is_published(self, day: date) -> bool:
        """Does a notice cover this day?"""
        return day.year in self.years

    def add_working_days(self, start: date, days: int) -> Deadline:
        """The last of `days` working days after `start`; the start day itself is not counted.

        With 0 days the answer is `start`. Raises ValueError for negative days, and OverflowError beyond the
        year 9999.
        """
        if days < 0:
            raise ValueError(f"working days to add must not be negative: {days}")
        due = start
        provisional = not self.is_published(start)
        while days:
            due += ONE_DAY
            provisional = provisional or not self.is_published(due)
            days -= self.is_working_day(due)
        return Deadline(due, provisional)

    def count_working_days(self, start: date, end: date) -> int:
        """Working days after `start` up to and with `end`; negative when `end` is earlier.

        The inverse of `add_working_days`: adding n working days and counting them gives n.
        """
        if end < start:
            return -self.count_working_days(end, start)
        return sum(self.is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def calendar_files() -> dict[str, bytes]:
    """The calendars shipped with the software: file name → content, by name."""
    folder = files("muheng.standards").joinpath("data", "calendars")
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return {entry.name: entry.read_bytes() for entry in entries if entry.name.endswith(".toml")}


@cache
def load_calendar() -> Calendar:
    """All calendars shipped with the software."""
    years: dict[int, str] = {}
    holidays: set[date] = set()
    make_up_days: set[date] = set()
    for data in calendar_files().values():
        published = tomllib.loads(data.decode())
        years[published["year"]] = published["source"]["document"]
        make_up_days.update(published["work"])
        for holiday in published["holiday"]:
            length = (holiday["last"] - holiday["first"]).days + 1
            holidays.update(holiday["first"] + timedelta(days=n) for n in range(length))
    return Calendar(years, frozenset(holidays), frozenset(make_up_days))
