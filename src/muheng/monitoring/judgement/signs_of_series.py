"""Signs in one factor's own series: missing, flat, drifting, clipped under the limit, jumping, beyond what can be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from muheng.documents.message import Message, say
from muheng.monitoring.judgement.exceedance import Against
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.rules import Signs
from muheng.monitoring.judgement.runs import Hold, Numbers, count_on, find_runs
from muheng.monitoring.judgement.signs import Sign, SignKind
from muheng.monitoring.judgement.standing import Standing

_REPEAT_HOURS = 240
"""Stretches whose middle repeat rate is the series' own: a flat line shorter than half the data does not move it."""
_JUMP_HOURS_APART = 6
"""Jumps as near as this are one: up and back again."""


def put_sign(
    hours: Hours, kind: SignKind, factor: str, begin: int, end: int, times: float, seen: Message
) -> Sign:
    """A sign over hours ``begin`` to ``end``."""
    calendar = hours.calendar
    return Sign(
        kind, hours.outlet.id, factor, calendar.time_of(begin), calendar.time_of(end), round(times, 2), seen
    )


def find_absent(hours: Hours, standing: Standing) -> Hold:
    """By factor: hours that ran, and nothing came, and nobody said why."""
    excused = standing.stopped | standing.marked | hours.to_come
    if hours.unheard is not None:
        excused = excused | hours.unheard
    absent: Hold = ~(standing.valid | hours.flagged | excused)
    for row, factor in enumerate(hours.factors):
        if factor not in hours.outlet.pollutants:
            # What need not be measured is missed only from when it first came.
            absent[row] &= np.maximum.accumulate(np.isfinite(hours.values[row]))
    return absent


def find_silent(hours: Hours, absent: Hold) -> Hold:
    """Hours in which nothing at all came of several pollutants: that is one thing, and not one for each."""
    rows = [row for row, factor in enumerate(hours.factors) if factor in hours.outlet.pollutants]
    if len(rows) < 2:
        return np.zeros(absent.shape[1], dtype=np.bool_)
    silent: Hold = np.logical_and.reduce(absent[rows], axis=0)
    return silent


def find_missing(hours: Hours, factor: str, missing: Hold, rule: Signs) -> Iterator[Sign]:
    """``factor`` empty: of all pollutants together."""
    for begin, end in find_runs(missing, rule.missing_hours):
        seen = say("连续 {hours} 小时没有有效数据，也没有标记。", hours=end - begin)
        times = (end - begin) / rule.missing_hours
        yield put_sign(hours, "missing", factor, begin, end, times, seen)


def find_flat_hours(equal: Hold, rule: Signs) -> int:
    """From how many equal hours on a series this coarse is flat; ``equal``: the same as the hour before.

    Longer than repeats by chance get, and than three times what it does in the middle stretch: values at the detection
    limit come in rows.
    """
    whole = len(equal) // _REPEAT_HOURS * _REPEAT_HOURS
    if whole == 0 or not equal.any():
        return rule.flat_hours
    middle = whole // _REPEAT_HOURS // 2
    rate = float(np.sort(equal[:whole].reshape(-1, _REPEAT_HOURS).mean(axis=1))[middle])
    if rate <= 0:
        return rule.flat_hours
    longest = np.sort(count_on(equal)[:whole].reshape(-1, _REPEAT_HOURS).max(axis=1))[middle]
    if rate >= 1:
        return len(equal) + 1
    expected = float(rule.chance) / (len(equal) * (1 - rate))
    by_chance = 1 + math.ceil(math.log(expected) / math.log(rate))
    return max(rule.flat_hours, by_chance, 3 * (int(longest) + 1) if longest > 1 else 0)


def is_its_way(holds: Hold) -> bool:
    """Whether it happens in the middle stretch too: what a series does all the time says nothing."""
    whole = len(holds) // _REPEAT_HOURS * _REPEAT_HOURS
    if whole == 0:
        return False
    shares = np.sort(holds[:whole].reshape(-1, _REPEAT_HOURS).any(axis=1))
    return bool(shares[len(shares) // 2])


def find_flat(hours: Hours, row: int, equal: Hold, flat_hours: int) -> Iterator[Sign]:
    for begin, end in find_runs(equal, flat_hours - 1):
        length = end - begin + 1
        value = float(hours.values[row, begin])
        seen = say("连续 {hours} 小时都是 {value}；按平常的重复率，{least} 小时起就不寻常。",
                   hours=length, value=f"{value:g}", least=flat_hours)  # fmt: skip
        yield put_sign(hours, "flat", hours.factors[row], begin - 1, end, length / flat_hours, seen)


def find_drift(hours: Hours, rows: Sequence[int], valid: Numbers, rule: Signs) -> Iterator[Sign]:
    """Stretches whose daily means lie near a line that climbs or falls far enough. ``valid``: NaN where not valid."""
    days, series = rule.drift_days, valid[list(rows)].reshape(len(rows), -1, 24)
    known = np.isfinite(series)
    if series.shape[1] < days:
        return
    place = np.arange(days) - (days - 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(known, series, 0.0).sum(axis=2) / known.sum(axis=2)
        windows = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(means, days, axis=1))
        level = windows.mean(axis=2)
        slope = windows @ place / (place @ place)
        spread = (windows**2).sum(axis=2) - days * level**2
        fit = slope**2 * (place @ place) / spread
        change = slope * (days - 1) / level * 100
        holds = (fit >= float(rule.drift_fit)) & (np.abs(change) >= rule.drift_percent)
    for at, row in enumerate(rows):
        for begin, end in find_runs(holds[at]):
            part = change[at, begin:end]
            most = float(part[np.abs(part).argmax()])
            seen = say("{days} 天里日均值持续{way}，{span} 天内变化 {percent}%。", days=end - begin + days - 1,
                       way=say("上升") if most > 0 else say("下降"), span=days, percent=round(abs(most)))  # fmt: skip
            last = (end + days - 1) * 24
            times = abs(most) / rule.drift_percent
            yield put_sign(hours, "drift", hours.factors[row], begin * 24, last, times, seen)


def find_clipped(hours: Hours, against: Against, rule: Signs) -> Iterator[Sign]:
    """Periods with many values just under the limit, few below them and next to none above."""
    band = rule.clip_percent / 100
    ratio = against.value / against.most
    near = (ratio > 1 - 2 * band) & (ratio <= 1 + band)
    if int(near.sum()) < rule.clip_hours:
        return
    under, over = near & (ratio > 1 - band) & (ratio <= 1), near & (ratio > 1)
    step = rule.period_days * 24
    begins = np.arange(0, len(ratio), step)
    count = np.add.reduceat(near, begins, dtype=np.int64)
    tight = np.add.reduceat(under, begins, dtype=np.int64)
    above = np.add.reduceat(over, begins, dtype=np.int64)
    for at, begin in enumerate(begins.tolist()):
        close, high = int(tight[at]), int(above[at])
        low = int(count[at]) - close - high
        beside = rule.clip_times * max(low, high * rule.clip_times, 1)
        if close >= rule.clip_hours and close >= beside:
            seen = say("{close} 小时在限值以下 {percent}% 以内，再低一段只有 {low} 小时，超过的 {high} 小时。",
                       close=close, percent=rule.clip_percent, low=low, high=high)  # fmt: skip
            end = min(begin + step, len(ratio))
            times = close / max(rule.clip_hours, low * rule.clip_times)
            yield put_sign(hours, "clipped", against.factor, begin, end, times, seen)


def find_jumps(
    hours: Hours, row: int, value: Numbers, usual: float, marked: Hold, flow: Numbers | None, rule: Signs
) -> Iterator[Sign]:
    """Changes within an hour far beyond the usual ones, that the flow did not take part in."""
    change = np.abs(np.diff(value))
    known = change[np.isfinite(change)]
    if len(known) < 24:
        return
    typical = float(known.mean())
    level = max(usual, float(np.nanmean(value)))
    line = max(typical * rule.jump_times, level * rule.jump_percent / 100)
    if line <= 0:
        return
    holds = (change >= line) & ~marked[1:] & ~marked[:-1]
    if not holds.any():
        return
    if flow is not None:
        before, after = flow[:-1], flow[1:]
        holds &= ~(np.abs(after - before) > 0.3 * np.fmax(before, after))
    hits = (np.flatnonzero(holds) + 1).tolist()
    while hits:
        near = [hits.pop(0)]
        while hits and hits[0] - near[-1] <= _JUMP_HOURS_APART:
            near.append(hits.pop(0))
        most = max(near, key=lambda hour: float(change[hour - 1]))
        seen = say("一小时里从 {before} 变到 {after}，平常的变化约 {typical}，流量没有相应变化。",
                   before=f"{value[most - 1]:g}", after=f"{value[most]:g}", typical=f"{typical:.3g}")  # fmt: skip
        times = float(change[most - 1]) / line
        yield put_sign(hours, "jump", hours.factors[row], near[0], near[-1] + 1, times, seen)


def find_out_of_range(hours: Hours, row: int, value: Numbers, rule: Signs) -> Iterator[Sign]:
    factor = hours.factors[row]
    for each in rule.range:
        if each.factor != factor:
            continue
        least, most = float(each.least), float(each.most)
        for begin, end in find_runs((value < least) | (value > most)):
            part = value[begin:end]
            worst = float(part[np.maximum(part - most, least - part).argmax()])
            seen = say("{hours} 小时不在 {least} 到 {most} 之间，例如 {value}。",
                       hours=end - begin, least=each.least, most=each.most, value=f"{worst:g}")  # fmt: skip
            yield put_sign(hours, "range", factor, begin, end, float(end - begin), seen)
