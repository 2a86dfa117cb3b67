"""One clock of one case: what it has used up, when it is due, and whether it was kept. Exact.

A clock in days is marked with days, the local dates of what happened. The start day is not counted; a pause takes out the
days after the pausing day up to and with the resuming day; the last day counts to its end. A clock in hours is marked with
moments. It counts natural hours, nights and days off like any other, from the very moment of the act that started it; a pause
takes out what lies between its two moments; what is done at the moment when it is due is in time. Knows no case type and no
now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from fractions import Fraction
from functools import cached_property

from muheng.casework.document import Unit
from muheng.standards.calendar import Calendar

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China's time, whatever the zone of the server; without the summer times of 1986 to 1991."""

Mark = date
"""What a clock is marked with: a day; in hours a moment, a datetime with its zone, which is a date too."""
Amount = int | Fraction
"""Of days a whole number; of hours any part of one."""

_INSTANT = timedelta(microseconds=1)
_INSTANTS = timedelta(hours=1) // _INSTANT


def begin_of(mark: Mark, zone: tzinfo = CHINA) -> datetime:
    """The first moment of a day; a moment is itself."""
    return mark if isinstance(mark, datetime) else datetime.combine(mark, time.min, zone)


def end_of(mark: Mark, zone: tzinfo = CHINA) -> datetime:
    """The last moment of a day; a moment is itself."""
    return mark if isinstance(mark, datetime) else datetime.combine(mark, time.max, zone)


@dataclass(frozen=True)
class Pause:
    """The clock stands still after `paused_on` until the end of `resumed_on`."""

    paused_on: Mark
    resumed_on: Mark | None
    reason: str


@dataclass(frozen=True)
class Extended:
    """`amount` is days, or hours, as the clock counts."""

    extended_on: Mark
    amount: int
    reason: str


@dataclass(frozen=True)
class ClockStanding:
    """`base` is the limit of the file for the case's kind, in the clock's unit; `limit` adds the extensions.

    Whatever is asked for a day or a moment may be asked for the other: a moment has its day, and a day is over for a clock
    in hours.
    """

    id: str
    started_on: Mark
    base: int
    unit: Unit
    calendar: Calendar = field(compare=False, repr=False)
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Extended, ...] = ()
    stopped_on: Mark | None = None
    warned: int = 0
    """The highest share, in percent, that was warned of."""
    escalated: int = 0
    """The highest level that was told."""
    zone: tzinfo = field(default=CHINA, compare=False, repr=False)

    @property
    def limit(self) -> int:
        return self.base + sum(extension.amount for extension in self.extensions)

    @property
    def paused(self) -> bool:
        return self.stopped_on is None and bool(self.pauses) and self.pauses[-1].resumed_on is None

    @property
    def running(self) -> bool:
        return self.stopped_on is None and not self.paused

    @property
    def due(self) -> Mark | None:
        """The last day of the limit, or its last moment; None while a pause leaves it open."""
        return self._end[0]

    @property
    def provisional(self) -> bool:
        """A day on the way lies in a year whose calendar is not published."""
        return self._end[1]

    @property
    def late(self) -> bool:
        """Stopped after it was due. A clock that still runs is asked `is_late`."""
        return self.stopped_on is not None and self.is_late(self.stopped_on)

    def mark(self, at: Mark) -> Mark:
        """A day or a moment as this clock is marked."""
        if self.unit == "hour":
            return end_of(at, self.zone).astimezone(self.zone)
        return self.day(at)

    def day(self, at: Mark) -> date:
        """The local day of a mark."""
        return at.astimezone(self.zone).date() if isinstance(at, datetime) else at

    def is_late(self, at: Mark) -> bool:
        """Was it overdue then, or stopped too late before?"""
        return self.due is not None and self._ticked(at) > self.due

    def spent(self, at: Mark) -> Amount:
        """What counts until then, in the clock's unit: net of pauses, and nothing after it was stopped."""
        return self.count(self._ticked(at), self.unit)

    def count(self, until: Mark, unit: Unit, gross: bool = False) -> Amount:
        """From the start up to and with `until`, without the pauses unless `gross`."""
        until = self.mark(until)
        spans = [(self.started_on, None)] if gross else self._spans()
        total: Amount = 0
        for first, last in spans:
            end = until if last is None else min(last, until)
            if end > first:
                total += self._between(first, end, unit)
        return total

    def share(self, at: Mark) -> Fraction:
        """Of the limit, what is used up; more than 1 when overdue. A limit of no days is used up at once."""
        return Fraction(self.spent(at), self.limit) if self.limit else Fraction(1 + self.spent(at))

    def overdue(self, at: Mark) -> Amount:
        """How long after it was due, in the clock's unit; 0 when it is not late."""
        if not self.is_late(at) or self.due is None:
            return 0
        return self._between(self.due, self._ticked(at), self.unit)

    def pause(self, at: Mark, reason: str) -> ClockStanding:
        return replace(self, pauses=(*self.pauses, Pause(self.mark(at), None, reason)))

    def resume(self, at: Mark) -> ClockStanding:
        last = replace(self.pauses[-1], resumed_on=self.mark(at))
        return replace(self, pauses=(*self.pauses[:-1], last))

    def stop(self, at: Mark) -> ClockStanding:
        resumed = self.resume(at) if self.paused else self
        return replace(resumed, stopped_on=self.mark(at))

    def extend(self, at: Mark, amount: int, reason: str) -> ClockStanding:
        """A longer limit is warned of anew."""
        extended = Extended(self.mark(at), amount, reason)
        return replace(self, extensions=(*self.extensions, extended), warned=0)

    def mark_of(self, amount: Amount) -> Mark | None:
        """The first day on which so many net days are spent, or the moment at which so many hours are; None while a pause
        leaves it open."""
        left = amount
        for first, last in self._spans():
            passing = None if last is None else self._between(first, last, self.unit)
            if passing is None or left <= passing:
                return self.after(first, left)
            left -= passing
        return None

    def after(self, first: Mark, amount: Amount) -> Mark:
        """So many hours after a moment, or the last of so many days after a day."""
        if self.unit == "hour":
            return first + int(amount * _INSTANTS) * _INSTANT
        if self.unit == "calendar":
            return first + timedelta(days=int(amount))
        return self.calendar.add_working_days(first, int(amount)).due

    def spans(self, until: Mark) -> Iterator[tuple[Mark, Mark]]:
        """(after this mark, up to and with this one): the stretches that count, as far as a mark."""
        until = self._ticked(until)
        for first, last in self._spans():
            yield first, until if last is None else min(last, until)

    def _ticked(self, at: Mark) -> Mark:
        """Nothing passes after it was stopped."""
        mark = self.mark(at)
        return mark if self.stopped_on is None else min(mark, self.stopped_on)

    @cached_property
    def _end(self) -> tuple[Mark | None, bool]:
        if self.unit == "calendar":
            return self._calendar_end()
        due = self.mark_of(self.limit)
        if due is None or self.unit == "hour":
            return due, False
        return due, not self._published(self.started_on, due)

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

    def _spans(self) -> Iterator[tuple[Mark, Mark | None]]:
        """(after this mark, up to and with this one or without end): the stretches that count."""
        first = self.started_on
        for pause in self.pauses:
            yield first, pause.paused_on
            if pause.resumed_on is None:
                return
            first = pause.resumed_on
        yield first, None

    def _between(self, first: Mark, last: Mark, unit: Unit) -> Amount:
        if unit == "hour":
            return Fraction((last - first) // _INSTANT, _INSTANTS)
        return (last - first).days if unit == "calendar" else self.calendar.count_working_days(first, last)

    def _published(self, first: date, last: date) -> bool:
        return all(year in self.calendar.years for year in range(first.year, last.year + 1))
