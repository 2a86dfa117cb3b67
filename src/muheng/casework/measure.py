"""How long a case took and whether it was on time, exactly: whole days, for clocks in hours hours, and fractions of them.

What many cases add up to is in ``figures``, who stands where in ``ranking``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from fractions import Fraction
from typing import Literal

from muheng.casework.clock_standing import Amount, ClockStanding
from muheng.casework.document import CaseType, Unit
from muheng.casework.standing import CHINA, Standing
from muheng.standards.calendar import Calendar

SATISFIED = 3
"""The lowest rating that counts as satisfied: 3 基本满意, 4 满意, 5 非常满意."""


@dataclass(frozen=True)
class ClockMeasure:
    """One clock over all its runs, in its own unit."""

    id: str
    nature: Literal["legal", "promised"]
    unit: Unit
    limit: int
    """Of the last run, without extensions."""
    net: Amount
    gross: Amount
    on_time: bool
    runs: int
    extended: int

    @property
    def compression(self) -> Fraction | None:
        """What was saved of the limit: 1 − net ÷ limit; below 0 when it took longer."""
        return 1 - Fraction(self.net, self.limit) if self.limit else None


@dataclass(frozen=True)
class Measured:
    """One case that has ended.

    Gross days go from the day of opening to that of closing. Net days are those of them on which some clock ran:
    pauses do not count, nor does waiting for which the file sets no limit. Without clocks net is gross. A clock in hours ran
    on the days after that of its start up to that of its stop.
    """

    net_working: int
    gross_working: int
    net_calendar: int
    gross_calendar: int
    clocks: Mapping[str, ClockMeasure]
    rating: int | None
    reopened: int

    @property
    def on_time(self) -> bool | None:
        """No clock was late; None for a case that never had one."""
        return all(clock.on_time for clock in self.clocks.values()) if self.clocks else None

    @property
    def compression(self) -> Fraction | None:
        """That of the first legal clock of the file which the case had."""
        return next((clock.compression for clock in self.clocks.values() if clock.nature == "legal"), None)


def measure(
    case_type: CaseType, standing: Standing, calendar: Calendar, zone: tzinfo = CHINA
) -> Measured | None:
    """The measures of a case that has ended; None while it has not."""
    if standing.closed_at is None:
        return None
    first = standing.opened_at.astimezone(zone).date()
    last = standing.closed_at.astimezone(zone).date()
    spans = _merged(
        (run.day(begin), run.day(end))
        for run in standing.runs
        for begin, end in run.spans(standing.closed_at)
    )
    gross = (last - first).days
    gross_working = calendar.count_working_days(first, last)
    timed = bool(standing.runs)
    return Measured(
        net_working=sum(calendar.count_working_days(*span) for span in spans) if timed else gross_working,
        gross_working=gross_working,
        net_calendar=sum((end - begin).days for begin, end in spans) if timed else gross,
        gross_calendar=gross,
        clocks={
            clock.id: found
            for clock in case_type.clocks
            if (found := _clock(case_type, clock.id, standing.runs, standing.closed_at)) is not None
        },
        rating=standing.rating,
        reopened=standing.reopened,
    )


def _clock(
    case_type: CaseType, name: str, runs: Sequence[ClockStanding], closed_at: datetime
) -> ClockMeasure | None:
    declared = case_type.clock(name)
    mine = [run for run in runs if run.id == name]
    if declared is None or not mine:
        return None
    return ClockMeasure(
        id=name,
        nature=declared.nature,
        unit=declared.unit,
        limit=mine[-1].base,
        net=sum(run.spent(closed_at) for run in mine),
        gross=sum(run.count(run.stopped_on or closed_at, run.unit, gross=True) for run in mine),
        on_time=not any(run.is_late(closed_at) for run in mine),
        runs=len(mine),
        extended=sum(run.limit - run.base for run in mine),
    )


def _merged(spans: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """The same days, none twice."""
    merged: list[tuple[date, date]] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
