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
from muheng.monitoring.judgement.runs import Counts, Hold, find_runs
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
            milligrams, measured, standing.stopped, capture[factor], hours.calendar, replacements
        )
        totals += _sum_months(hours, factor, amounts, standing.stopped)
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
    replaced = np.zeros(len(milligrams), dtype=np.bool_)
    outside = replaced.copy()
    known, before = milligrams[measured], np.cumsum(measured)
    begins, ends, lows, highs = [], [], [], []
    for begin, end in find_runs(~measured & ~stopped):
        count = int(before[begin])
        place = begin if count else end
        while place < end:
            quarter = int(calendar.quarter_of[place])
            until = min(end, calendar.quarters[quarter].end)
            rule, within = _choose(capture[quarter], end - begin, replacements)
            begins.append(place)
            ends.append(until)
            lows.append(max(0, count - rule.hours))
            highs.append(count)
            outside[place:until] = not within
            place = until
    if begins:
        # One more value, so that a stretch may end with the last; every second maximum is of what lies between two.
        pairs = np.stack((lows, highs), axis=1).ravel()
        most = np.maximum.reduceat(np.append(known, 0), pairs)[::2]
        for place, until, each in zip(begins, ends, most.tolist(), strict=True):
            milligrams[place:until] = each
            replaced[place:until] = True
    return Amounts(milligrams, measured, replaced, outside)


def _choose(rate: CaptureRate, gap: int, replacements: Sequence[Replacement]) -> tuple[Replacement, bool]:
    for each in replacements:
        if (each.gap_up_to is None or gap <= each.gap_up_to) and rate.reaches(each.capture_from):
            return each, True
    return replacements[-1], False


def _sum_months(hours: Hours, factor: str, amounts: Amounts, stopped: Hold) -> list[MonthTotal]:
    months = hours.calendar.months
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
            month.end - month.begin - measured[at] - replaced[at] - still[at],
            still[at],
            outside[at],
        )
        for at, month in enumerate(months)
    ]
