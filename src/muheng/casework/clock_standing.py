"""One clock of one case: what it has used up, when it is due, and whether it was kept. Exact, in whole days.

A day is the local date. The start day is not counted; a pause takes out the days after the pausing day up to and
with the resuming day. Knows no case type and no today.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property

from muheng.casework.document import Unit
from muheng.standards.calendar import Calendar


@dataclass(frozen=True)
class Pause:
    """The clock stands still after `paused_on` until the end of `resumed_on`."""

    paused_on: date
    resumed_on: date | None
    reason: str


@dataclass(frozen=True)
class Extended:
    extended_on: date
    days: int
    reason: str


@dataclass(frozen=True)
class ClockStanding:
    """`base` is the limit of the file for the case's kind; `limit` adds the extensions."""

    id: str
    started_on: date
    base: int
    unit: Unit
    calendar: Calendar = field(compare=False, repr=False)
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Extended, ...] = ()
    stopped_on: date | None = None
    warned: int = 0
    """The highest share, in percent, that was warned of."""
    escalated: int = 0
    """The highest level that was told."""

    @property
    def limit(self) -> int:
        return self.base + sum(extension.days for extension in self.extensions)

    @property
    def paused(self) -> bool:
        return self.stopped_on is None and bool(self.pauses) and self.pauses[-1].resumed_on is None

    @property
    def running(self) -> bool:
        return self.stopped_on is None and not self.paused

    @property
    def due(self) -> date | None:
        """The last day of the limit; None while a pause leaves it open."""
        return self._end[0]

    @property
    def provisional(self) -> bool:
        """A day on the way lies in a year whose calendar is not published."""
        return self._end[1]

    @property
    def late(self) -> bool:
        """Stopped after it was due. A clock that still runs is asked `is_late`."""
        return self.stopped_on is not None and self.is_late(self.stopped_on)

    def is_late(self, on: date) -> bool:
        """Was it overdue on this day, or stopped too late before it?"""
        day = on if self.stopped_on is None else min(on, self.stopped_on)
        return self.due is not None and day > self.due

    def spent(self, on: date) -> int:
        """Net days: those that count until this day, in the clock's unit."""
        last = on if self.stopped_on is None else min(on, self.stopped_on)
        return self.count(last, self.unit)

    def count(self, until: date, unit: Unit, gross: bool = False) -> int:
        """Days after the start up to and with `until`, without the pauses unless `gross`."""
        spans = [(self.started_on, None)] if gross else self._spans()
        total = 0
        for first, last in spans:
            end = until if last is None else min(last, until)
            if end > first:
                total += self._between(first, end, unit)
        return total

    def share(self, on: date) -> Fraction:
        """Of the limit, what is used up; more than 1 when overdue. A limit of no days is used up at once."""
        return Fraction(self.spent(on), self.limit) if self.limit else Fraction(1 + self.spent(on))

    def overdue(self, on: date) -> int:
        """Days after the due date, in the clock's unit; 0 when it is not late."""
        if not self.is_late(on) or self.due is None:
            return 0
        day = on if self.stopped_on is None else min(on, self.stopped_on)
        return self._between(self.due, day, self.unit)

    def pause(self, on: date, reason: str) -> ClockStanding:
        return replace(self, pauses=(*self.pauses, Pause(on, None, reason)))

    def resume(self, on: date) -> ClockStanding:
        last = replace(self.pauses[-1], resumed_on=on)
        return replace(self, pauses=(*self.pauses[:-1], last))

    def stop(self, on: date) -> ClockStanding:
        resumed = self.resume(on) if self.paused else self
        return replace(resumed, stopped_on=on)

    def extend(self, on: date, days: int, reason: str) -> ClockStanding:
        """A longer limit is warned of anew."""
        return replace(self, extensions=(*self.extensions, Extended(on, days, reason)), warned=0)

    def day_of(self, days: int) -> date | None:
        """The first day on which `days` net days are spent; None while a pause leaves it open."""
        left = days
        for first, last in self._spans():
            passing = None if last is None else self._between(first, last, self.unit)
            if passing is None or left <= passing:
                if self.unit == "calendar":
                    return first + timedelta(days=left)
                return self.calendar.add_working_days(first, left).due
            left -= passing
        return None

    @cached_property
    def _end(self) -> tuple[date | None, bool]:
        if self.unit == "calendar":
            return self._calendar_end()
        due = self.day_of(self.limit)
        return due, due is not None and not self._published(self.started_on, due)

    def _calendar_end(self) -> tuple[date | None, bool]:
        """The end is put off to a working day; a pause that begins before that day takes its days out too."""
        left = self.limit
        end: date | None = None
        for first, last in self._spans():
            if end is None:
                if last is not None and left > (last - first).days:
                    left -= (last - first).days
                    continue
                end = first + timedelta(days=left)
                candidate = self.calendar.next_working_day(end)
            else:
                candidate = self.calendar.next_working_day(first + timedelta(days=1))
            if last is None or candidate <= last:
                return candidate, not self._published(end, candidate)
        return None, False

    def _spans(self) -> Iterator[tuple[date, date | None]]:
        """(after this day, up to and with this day or without end): the stretches that count."""
        first = self.started_on
        for pause in self.pauses:
            yield first, pause.paused_on
            if pause.resumed_on is None:
                return
            first = pause.resumed_on
        yield first, None

    def _between(self, first: date, last: date, unit: Unit) -> int:
        return (last - first).days if unit == "calendar" else self.calendar.count_working_days(first, last)

    def _published(self, first: date, last: date) -> bool:
        return all(year in self.calendar.years for year in range(first.year, last.year + 1))
