"""How much was emitted, month by month, with missing hours replaced as the rule says.

An hour's amount is the measured concentration times the flow, rounded to whole milligrams; from there on all sums are of
integers and exact. Replaced amounts serve totals only, never a judgement. The standard's text was not at hand: that what
is replaced is the hourly amount, and not concentration and flow each, is how the rule is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from muheng.monitoring.judgement.calendar import Calendar
from muheng.monitoring.judgement.capture import CaptureRate
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.rules import Method, Replacement
from muheng.monitoring.judgement.runs import Counts, Hold
from muheng.monitoring.judgement.standing import Standing


@dataclass(frozen=True)
class MonthTotal:
    """What one outlet emitted of one pollutant; hours by how they came into it."""

    outlet: str
    factor: str
    month: str
    milligrams: int
    measured_hours: int
    replaced_hours: int
    empty_hours: int
    """Ran, not measured, and no valid hour before to replace it from: counted as nothing."""
    stopped_hours: int
    outside_hours: int
    """Of the replaced: in quarters whose capture rate is below what the rules provide for."""

    @property
    def tonnes(self) -> Decimal:
        """Exact."""
        return Decimal(self.milligrams).scaleb(-9)


@dataclass(frozen=True, eq=False)
class Amounts:
    """Milligrams of every hour, ``empty`` where nothing is known."""

    milligrams: Counts
    measured: Hold
    replaced: Hold
    outside: Hold


def find_totals(
    hours: Hours,
    standing: Standing,
    capture: dict[str, tuple[CaptureRate, ...]],
    method: Method,
    replacements: Sequence[Replacement],
) -> tuple[MonthTotal, ...]:
    """Every pollutant of an outlet with a flow; none without."""
    flow = hours.place(method.flow)
    if flow is None:
        return ()
    totals: list[MonthTotal] = []
    for factor in hours.outlet.pollutants:
        row = hours.place(factor)
        if row is None:
            continue
        measured = standing.valid[row] & standing.valid[flow]
        product = np.where(measured, hours.values[row] * hours.values[flow], 0.0) * method.milligrams
        milligrams = np.rint(np.maximum(product, 0.0)).astype(np.int64)
        amounts = replace_missing(
            milligrams,
            measured,
            standing.stopped | hours.to_come,
            capture[factor],
            hours.calendar,
            replacements,
        )
        totals += _sum_months(hours, factor, amounts, standing.stopped & ~hours.to_come)
    return tuple(totals)


def replace_missing(
    milligrams: Counts,
    measured: Hold,
    stopped: Hold,
    capture: Sequence[CaptureRate],
    calendar: Calendar,
    replacements: Sequence[Replacement],
) -> Amounts:
    """A missing hour takes the largest of so many measured hours before its gap; of fewer, where there are fewer.

    A gap is a stretch of hours that ran and were not measured. How many hours, the gap's length and the capture rate of
    the hour's own quarter say; below all rates the last rule is used, and said.
    """
    milligrams = np.where(measured, milligrams, 0)
    missing = ~measured & ~stopped
    replaced, outside = np.zeros_like(missing), np.zeros_like(missing)
    places = np.flatnonzero(missing)
    if len(places) == 0 or not measured.any():
        return Amounts(milligrams, measured, replaced, outside)
    breaks = np.diff(places, prepend=-2) != 1
    gap_of = np.cumsum(breaks) - 1
    gap = np.bincount(gap_of)[gap_of]
    count = np.cumsum(measured)[places[breaks]][gap_of]
    window, within = _choose(capture, calendar.quarter_of[places], gap, replacements)
    kept = count > 0
    places, count, window, within = places[kept], count[kept], window[kept], within[kept]
    if len(places):
        # The hours of a gap in one quarter take the same; one more value, so that a stretch may end with the last.
        first = np.flatnonzero(np.diff(count, prepend=-1) | np.diff(window, prepend=-1))
        lows = np.maximum(count[first] - window[first], 0)
        pairs = np.stack((lows, count[first]), axis=1).ravel()
        most = np.maximum.reduceat(np.append(milligrams[measured], 0), pairs)[::2]
        milligrams[places] = np.repeat(most, np.diff(first, append=len(places)))
        replaced[places], outside[places] = True, ~within
    return Amounts(milligrams, measured, replaced, outside)


def _choose(
    capture: Sequence[CaptureRate], quarter: Counts, gap: Counts, replacements: Sequence[Replacement]
) -> tuple[Counts, Hold]:
    """For each missing hour: from how many hours it is replaced, and whether the rules provide for its quarter."""
    window = np.full(len(gap), replacements[-1].hours)
    within = np.zeros(len(gap), dtype=np.bool_)
    for each in reversed(replacements):
        fits = np.array([rate.reaches(each.capture_from) for rate in capture])[quarter]
        if each.gap_up_to is not None:
            fits &= gap <= each.gap_up_to
        window[fits] = each.hours
        within |= fits
    return window, within


def _sum_months(hours: Hours, factor: str, amounts: Amounts, stopped: Hold) -> list[MonthTotal]:
    months = hours.calendar.months
    passed = hours.values.shape[1] if hours.over is None else hours.over
    begins = [month.begin for month in months]

    def add(each: Counts | Hold) -> list[int]:
        found: list[int] = np.add.reduceat(each, begins, dtype=np.int64).tolist()
        return found

    milligrams, measured, replaced = add(amounts.milligrams), add(amounts.measured), add(amounts.replaced)
    still, outside = add(stopped & ~amounts.measured), add(amounts.outside)
    return [
        MonthTotal(
            hours.outlet.id,
            factor,
            month.name,
            milligrams[at],
            measured[at],
            replaced[at],
            max(min(month.end, passed) - month.begin, 0) - measured[at] - replaced[at] - still[at],
            still[at],
            outside[at],
        )
        for at, month in enumerate(months)
    ]
