"""Working days of mainland China, from the State Council's yearly notices in `data/calendars`.

A year without a notice is counted Monday to Friday and marked provisional: the answer may move when the
notice comes. What a legal time limit is, and when its clock pauses, is not known here.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from importlib.resources import files
from itertools import accumulate

SATURDAY = 5


@dataclass(frozen=True)
class Deadline:
    """`provisional`: some day on the way lies in a year whose calendar is not published, or not held here."""

    due: date
    provisional: bool


@dataclass(frozen=True)
class Holiday:
    """A holiday of one notice, both days included."""

    name: str
    first: date
    last: date


@dataclass(frozen=True)
class Calendar:
    """`years`: published year → its notice. `holidays` may fall on weekends; `make_up_days` are worked.

    `named` says which holidays these are; nothing is counted by it.
    """

    years: dict[int, str]
    holidays: frozenset[date]
    make_up_days: frozenset[date]
    named: tuple[Holiday, ...] = ()

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
        if not days:
            return Deadline(start, not self.is_published(start))
        due = self._day_of(self._worked_until(start.toordinal()) + days)
        return Deadline(due, not self._is_published_between(start, due))

    def add_calendar_days(self, start: date, days: int) -> Deadline:
        """The end of `days` calendar days after `start`, put off to a working day where it falls on a day off.

        Civil Code, article 203. Provisional when the days from the end to the working day are. Raises as
        `add_working_days`.
        """
        if days < 0:
            raise ValueError(f"days to add must not be negative: {days}")
        end = start + timedelta(days=days)
        due = self.next_working_day(end)
        return Deadline(due, not self._is_published_between(end, due))

    def next_working_day(self, day: date) -> date:
        """`day` itself where it is worked, else the first day after it that is."""
        return self._day_of(self._worked_until(day.toordinal() - 1) + 1)

    def count_working_days(self, start: date, end: date) -> int:
        """Working days after `start` up to and with `end`; negative when `end` is earlier.

        The inverse of `add_working_days`: adding n working days and counting them gives n.
        """
        return self._worked_until(end.toordinal()) - self._worked_until(start.toordinal())

    def _is_published_between(self, first: date, last: date) -> bool:
        return all(year in self.years for year in range(first.year, last.year + 1))

    # A million deadlines are counted anew when a calendar comes out, so no day is walked: Monday to Friday is
    # a division, and the days that differ from it are few and sorted.

    @cached_property
    def _exceptions(self) -> tuple[list[int], list[int], list[int]]:
        """Ordinals of the days that differ from Monday to Friday; what they add up to before each of them (and
        after the last); the working days from the beginning of time up to and with each."""
        changes = {
            day.toordinal(): self.is_working_day(day) - (day.weekday() < SATURDAY)
            for day in self.holidays | self.make_up_days
        }
        days = sorted(day for day, change in changes.items() if change)
        sums = [0, *accumulate(changes[day] for day in days)]
        return days, sums, [_weekdays_until(day) + sums[n + 1] for n, day in enumerate(days)]

    def _worked_until(self, ordinal: int) -> int:
        """Working days from 1 January of the year 1 up to and with this day."""
        days, sums, _ = self._exceptions
        return _weekdays_until(ordinal) + sums[bisect_right(days, ordinal)]

    def _day_of(self, count: int) -> date:
        """The first day up to which `count` days were worked. Raises OverflowError."""
        days, sums, worked = self._exceptions
        place = bisect_left(worked, count)
        weeks, rest = divmod(count - sums[place] - 1, 5)
        ordinal = 7 * weeks + rest + 1
        if place < len(days):
            ordinal = min(ordinal, days[place])
        if ordinal > date.max.toordinal():
            raise OverflowError("date value out of range")
        return date.fromordinal(ordinal)


def _weekdays_until(ordinal: int) -> int:
    """Mondays to Fridays up to and with this day; the first day of all, 1 January of the year 1, is a Monday."""
    weeks, rest = divmod(ordinal, 7)
    return 5 * weeks + min(rest, 5)


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
    named: list[Holiday] = []
    for data in calendar_files().values():
        published = tomllib.loads(data.decode())
        years[published["year"]] = published["source"]["document"]
        make_up_days.update(published["work"])
        for holiday in published["holiday"]:
            named.append(Holiday(holiday["name"], holiday["first"], holiday["last"]))
            length = (holiday["last"] - holiday["first"]).days + 1
            holidays.update(holiday["first"] + timedelta(days=n) for n in range(length))
    return Calendar(years, frozenset(holidays), frozenset(make_up_days), tuple(named))
