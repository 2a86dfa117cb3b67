"""How long cases took and whether they were on time: one case exactly, many by any column, groups ranked.

Every figure is a whole number of days or a fraction of counts; rounding is for reading and comes last. What is good
or bad is not judged here, beyond the order that a ranking is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import polars as pl

from muheng.casework.clock_standing import ClockStanding
from muheng.casework.document import CaseType, Unit
from muheng.casework.standing import CHINA, Standing
from muheng.standards.calendar import Calendar
from muheng.standards.rounding import scale_half_up, unscale

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
    net: int
    gross: int
    on_time: bool
    runs: int
    extended: int
    """Days."""

    @property
    def compression(self) -> Fraction | None:
        """What was saved of the limit: 1 − net ÷ limit; below 0 when it took longer."""
        return 1 - Fraction(self.net, self.limit) if self.limit else None


@dataclass(frozen=True)
class Measured:
    """One case that has ended.

    Gross days go from the day of opening to that of closing. Net days are those of them on which some clock ran:
    pauses do not count, nor does waiting for which the file sets no limit. Without clocks net is gross.
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
    spans = _merged([span for run in standing.runs for span in _counted(run, last)])
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
            if (found := _clock(case_type, clock.id, standing.runs, last)) is not None
        },
        rating=standing.rating,
        reopened=standing.reopened,
    )


def _clock(case_type: CaseType, name: str, runs: Sequence[ClockStanding], last: date) -> ClockMeasure | None:
    declared = case_type.clock(name)
    mine = [run for run in runs if run.id == name]
    if declared is None or not mine:
        return None
    return ClockMeasure(
        id=name,
        nature=declared.nature,
        unit=declared.unit,
        limit=mine[-1].base,
        net=sum(run.spent(last) for run in mine),
        gross=sum(run.count(run.stopped_on or last, run.unit, gross=True) for run in mine),
        on_time=not any(run.is_late(last) for run in mine),
        runs=len(mine),
        extended=sum(run.limit - run.base for run in mine),
    )


def _counted(run: ClockStanding, last: date) -> Iterable[tuple[date, date]]:
    """(after this day, up to and with this day): the stretches on which the clock ran."""
    stop = min(run.stopped_on or last, last)
    begin = run.started_on
    for pause in run.pauses:
        yield begin, min(pause.paused_on, stop)
        if pause.resumed_on is None:
            return
        begin = pause.resumed_on
    yield begin, stop


def _merged(spans: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """The same days, none twice."""
    merged: list[tuple[date, date]] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


# -- many cases ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """Sums over closed cases; shares and averages follow from them. Sums of parts add up to the sum of the whole.

    The columns of the frame that `tally` reads are `on_time` (true, false or null), `net`, `gross` (days), `rating`
    (1 to 5 or null) and `reopened` (times).
    """

    count: int = 0
    timed: int = 0
    """Cases that had a clock."""
    on_time: int = 0
    net: int = 0
    gross: int = 0
    rated: int = 0
    rating: int = 0
    """Sum of the ratings."""
    satisfied: int = 0
    reopened: int = 0
    """Cases that were reopened at least once."""
    median_net: Fraction | None = field(default=None, compare=False)
    p90_net: int | None = field(default=None, compare=False)
    """Nearest rank: the smallest number of days within which nine cases in ten were done."""

    def __add__(self, other: Figures) -> Figures:
        """The sums of both; a median of parts is no median of the whole, so it is left out."""
        summed = {name: getattr(self, name) + getattr(other, name) for name in _SUMS}
        return Figures(**summed)

    @property
    def on_time_share(self) -> Fraction | None:
        return _ratio(self.on_time, self.timed)

    @property
    def average_net(self) -> Fraction | None:
        return _ratio(self.net, self.count)

    @property
    def average_gross(self) -> Fraction | None:
        return _ratio(self.gross, self.count)

    @property
    def average_rating(self) -> Fraction | None:
        return _ratio(self.rating, self.rated)

    @property
    def satisfaction(self) -> Fraction | None:
        """Of the rated, the share with SATISFIED or more."""
        return _ratio(self.satisfied, self.rated)

    @property
    def reopened_share(self) -> Fraction | None:
        return _ratio(self.reopened, self.count)


_SUMS = tuple(each.name for each in fields(Figures) if each.name not in ("median_net", "p90_net"))


def to_tenths(value: Fraction | None) -> Decimal | None:
    """Rounded half up to 0.1, for reading: 3.25 → 3.3."""
    return None if value is None else unscale(scale_half_up(value, 1), 1)


def to_percent(value: Fraction | None) -> Decimal | None:
    """A share in percent, rounded half up to 0.1: 2/3 → 66.7."""
    return None if value is None else to_tenths(value * 100)


def tally(frame: pl.DataFrame, by: Sequence[str] = ()) -> dict[tuple[Any, ...], Figures]:
    """Figures of each group, keyed by the values of the columns; of all cases under () without columns.

    Groups come in the order of their values, those without a value first.
    """
    sums = [
        pl.len().alias("count"),
        pl.col("on_time").is_not_null().sum().alias("timed"),
        pl.col("on_time").fill_null(False).sum().alias("on_time"),
        pl.col("net").cast(pl.Int64).sum(),
        pl.col("gross").cast(pl.Int64).sum(),
        pl.col("rating").is_not_null().sum().alias("rated"),
        pl.col("rating").cast(pl.Int64).sum(),
        (pl.col("rating") >= SATISFIED).fill_null(False).sum().alias("satisfied"),
        (pl.col("reopened") > 0).sum(),
        pl.col("net").cast(pl.Int64).sort().alias("days"),
    ]
    grouped = frame.group_by(list(by) or pl.lit(True)).agg(sums)
    rows = (grouped.sort(list(by)) if by else grouped).iter_rows(named=True)
    return {tuple(row[name] for name in by): _figures(row) for row in rows} or ({} if by else {(): Figures()})


def _figures(row: Mapping[str, Any]) -> Figures:
    days = row["days"]
    middle = len(days) // 2
    median = None
    if days:
        median = Fraction(days[middle]) if len(days) % 2 else Fraction(days[middle - 1] + days[middle], 2)
    p90 = days[-(-9 * len(days) // 10) - 1] if days else None
    return Figures(**{name: row[name] for name in _SUMS}, median_net=median, p90_net=p90)


# -- ranking ---------------------------------------------------------------------------------------

RankedBy = Literal["on_time", "net", "gross", "satisfaction", "reopened", "count"]
ORDER: tuple[RankedBy, ...] = ("on_time", "net", "reopened")
"""First the share on time, then the fewest net days, then the smallest share reopened."""


@dataclass(frozen=True)
class Place:
    """`place` is None for a group with too few cases to be ranked; equal groups share a place."""

    place: int | None
    name: str
    figures: Figures
    shared: bool = False


def rank(groups: Mapping[str, Figures], order: Sequence[RankedBy] = ORDER, least: int = 1) -> list[Place]:
    """Best first; groups equal in every key share their place and stand by name, and the next place is skipped
    (1, 2, 2, 4). Fractions are compared, not what they are rounded to. What a group lacks counts as the worst."""
    ranked = [name for name, figures in groups.items() if figures.count >= least]
    keys = {name: tuple(_key(groups[name], key) for key in order) for name in ranked}
    ranked.sort(key=lambda name: (keys[name], name))
    values = list(keys.values())
    places = [
        Place(
            place=sum(other < keys[name] for other in values) + 1,
            name=name,
            figures=groups[name],
            shared=values.count(keys[name]) > 1,
        )
        for name in ranked
    ]
    rest = sorted(set(groups) - set(ranked))
    return places + [Place(None, name, groups[name]) for name in rest]


def _key(figures: Figures, by: RankedBy) -> tuple[bool, Fraction]:
    """Smaller is better."""
    value, more_is_better = {
        "on_time": (figures.on_time_share, True),
        "net": (figures.average_net, False),
        "gross": (figures.average_gross, False),
        "satisfaction": (figures.satisfaction, True),
        "reopened": (figures.reopened_share, False),
        "count": (Fraction(figures.count), True),
    }[by]
    if value is None:
        return True, Fraction(0)
    return False, -value if more_is_better else value


def _ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None
