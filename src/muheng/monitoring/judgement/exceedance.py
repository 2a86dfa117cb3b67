"""Which hours or days exceed a limit, by the basis of the standard, and by how much. Marked hours are left out as the rules say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.means import average_days
from muheng.monitoring.judgement.outlet import Limit
from muheng.monitoring.judgement.oxygen import convert, find_factor
from muheng.monitoring.judgement.rules import Basis, Rules
from muheng.monitoring.judgement.runs import Counts, Hold, Numbers
from muheng.monitoring.judgement.standing import Standing


@dataclass(frozen=True, eq=False)
class Against:
    """One pollutant beside its limits, hour by hour and day by day.

    ``ratio`` is value ÷ limit, NaN where an hour is not judged; for a factor with a lower limit too, anything above 1 is
    out of bounds. ``hourly``: whether each hour's limit is judged by the hour; the others by their day.
    """

    factor: str
    value: Numbers
    """As judged: at the reference oxygen where that is asked; NaN where not valid."""
    most: Numbers
    least: Numbers
    ratio: Numbers
    hourly: Hold
    day_value: Numbers
    day_ratio: Numbers
    """NaN where the day has too few hours, or none that is judged."""
    unconverted: int
    """Valid hours without a value to judge, because the oxygen was missing or beyond the rule."""

    @property
    def over_hours(self) -> Counts:
        return np.flatnonzero((self.ratio > 1) & self.hourly)

    @property
    def over_days(self) -> Counts:
        return np.flatnonzero((self.day_ratio > 1) & ~self.hourly[::24])


def compare_with_limits(hours: Hours, standing: Standing, rules: Rules) -> tuple[Against, ...]:
    """Every pollutant that is measured and has a limit."""
    method, usual = rules.method(hours.outlet.kind), rules.kind(hours.outlet.kind).basis
    oxygen, flow = hours.place(method.oxygen), hours.place(method.flow)
    reference = hours.outlet.reference_oxygen
    factor = None
    if reference is not None:
        blank = np.full(hours.values.shape[1], np.nan)
        series = blank if oxygen is None else np.where(standing.valid[oxygen], hours.values[oxygen], np.nan)
        factor = find_factor(series, reference, rules.validity.oxygen)
    flowed = None if flow is None else np.where(standing.valid[flow], hours.values[flow], np.nan)
    compared = []
    for pollutant in hours.outlet.pollutants:
        row = hours.place(pollutant)
        if row is None:
            continue
        limits = [limit for limit in hours.outlet.limits if limit.factor == pollutant]
        most, least, hourly, converted = _lay_limits(hours, limits, usual)
        valid = standing.valid[row]
        value = np.where(valid, hours.values[row], np.nan)
        if factor is not None and converted.any():
            value = np.where(converted, convert(value, factor, rules.validity.oxygen), value)
        unconverted = int((valid & np.isnan(value)).sum())
        ratio = _divide(np.where(standing.exempt, np.nan, value), most, least)
        judged = np.isfinite(value) & ~standing.exempt
        day_value, number = average_days(value, judged, method, flowed)
        if factor is not None:
            day_value = np.round(day_value, rules.validity.oxygen.digits)
        enough = np.isfinite(value).reshape(-1, 24).sum(axis=1) >= method.day_hours
        day_ratio = _divide(day_value, most[::24], least[::24])
        day_ratio[~enough | (number == 0) | hours.to_come[23::24]] = np.nan
        compared.append(
            Against(pollutant, value, most, least, ratio, hourly, day_value, day_ratio, unconverted)
        )
    return tuple(compared)


def _divide(value: Numbers, most: Numbers, least: Numbers) -> Numbers:
    ratio: Numbers = value / most
    if not np.isnan(least).all():
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.fmax(ratio, np.where(value > 0, least / value, np.where(value <= 0, np.inf, np.nan)))
    return ratio


def _lay_limits(hours: Hours, limits: list[Limit], usual: Basis) -> tuple[Numbers, Numbers, Hold, Hold]:
    """Upper and lower limit, whether judged by the hour, whether at the reference oxygen: of every hour."""
    length = hours.values.shape[1]
    most, least = np.full(length, np.nan), np.full(length, np.nan)
    hourly, converted = np.full(length, usual == "hour"), np.zeros(length, dtype=np.bool_)
    calendar = hours.calendar
    for limit in limits:
        begin = 0 if limit.from_day is None else calendar.hour_of(limit.from_day)
        end = length if limit.until is None else calendar.hour_of(limit.until)
        most[begin:end] = np.nan if limit.most is None else limit.most
        least[begin:end] = np.nan if limit.least is None else limit.least
        hourly[begin:end] = (limit.basis or usual) == "hour"
        converted[begin:end] = limit.converted
    return most, least, hourly, converted
