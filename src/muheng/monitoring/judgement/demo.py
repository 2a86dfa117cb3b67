"""Invented outlets with a year of hourly data: sound ones, and ways to spoil them. For demonstrations, tests and measuring.

Nothing here was taken from a real plant; the shapes are plain (slow noise, a day's rhythm, stops, calibrations).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
from numpy.random import Generator, default_rng

from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.outlet import Limit, Marked, Outlet
from muheng.monitoring.judgement.runs import Hold, Numbers

SO2, NOX, DUST, FLOW, OXYGEN = "a21026", "a21002", "a34013", "a00000", "a19001"
FACTORS = (FLOW, OXYGEN, NOX, SO2, DUST)
_LIMITS = {SO2: 35.0, NOX: 50.0, DUST: 10.0}
_DIGITS = (0, 2, 2, 2, 2)


def make_hours(count: int, start: date, days: int, seed: int = 1) -> list[Hours]:
    """So many stacks with flow, oxygen and three pollutants, and nothing wrong with them."""
    random = default_rng(seed)
    return [_make_one(f"DA{at:04d}", start, days, random) for at in range(count)]


def _make_one(id: str, start: date, days: int, random: Generator) -> Hours:  # noqa: A002
    length = days * 24
    limits = tuple(Limit(factor, most) for factor, most in _LIMITS.items())
    outlet = Outlet(id, "stack", limits, 6.0, key=bool(random.random() < 0.3))
    hour = np.arange(length)
    load = (
        1 + 0.1 * np.sin((hour + random.integers(24)) * 2 * np.pi / 24) + _wander(length, 0.9, 0.08, random)
    )
    load = np.clip(load, 0.5, 1.5)
    flow = load * random.uniform(2e4, 4e5)
    oxygen = np.clip(random.uniform(5, 8) - 1.5 * (load - 1) + _wander(length, 0.8, 0.3, random), 2, 12)
    values = [flow, oxygen]
    for factor in (NOX, SO2, DUST):
        level = _LIMITS[factor] * random.uniform(0.25, 0.5)
        noise = np.exp(_wander(length, 0.85, 0.13, random))
        values.append(level * noise * load**0.5 * (21 - oxygen) / 15)
    table = np.stack(values)
    valid = np.ones(table.shape, dtype=np.bool_)
    flagged = np.zeros(table.shape, dtype=np.bool_)
    stopped = np.zeros(length, dtype=np.bool_)
    marks: list[Marked] = []
    for begin in sorted(random.integers(0, max(length - 200, 1), size=max(days // 90, 1)).tolist()):
        marks += _stop(table, stopped, start, begin, int(random.integers(24, 120)), random)
    for begin in range(int(random.integers(0, 168)), length, 168):
        flagged[2:, begin] = True  # calibration once a week
        valid[2:, begin] = False
    lost = random.random(table.shape) < 0.001
    table = np.stack([np.round(row, digits) for row, digits in zip(table, _DIGITS, strict=True)])
    table[lost] = np.nan
    valid &= ~lost & ~stopped
    flagged &= ~lost
    return Hours(outlet, start, FACTORS, table, valid, flagged, stopped, tuple(marks))


def _wander(length: int, keep: float, spread: float, random: Generator) -> Numbers:
    """Noise that forgets: each hour keeps a part of the hour before."""
    reach = int(np.log(1e-3) / np.log(keep))
    kernel = keep ** np.arange(reach)
    noise = random.standard_normal(length + reach - 1)
    wandered: Numbers = np.convolve(noise, kernel, mode="valid") * spread * np.sqrt(1 - keep**2)
    return wandered


def _stop(
    table: Numbers, stopped: Hold, start: date, begin: int, length: int, random: Generator
) -> list[Marked]:
    """Down for some days; dirty and full of air while it stops and starts, and marked so."""
    end = min(begin + length, table.shape[1])
    down, up = slice(max(begin - 3, 0), begin), slice(end, min(end + 8, table.shape[1]))
    stopped[begin:end] = True
    table[:, begin:end] *= 0.01
    for part in (down, up):
        table[1, part] = random.uniform(15, 20.5, size=part.stop - part.start)
        table[2:, part] *= 1.5
    origin = datetime(start.year, start.month, start.day)

    def mark(name: str, part: slice) -> Marked:
        return Marked(name, origin + timedelta(hours=part.start), origin + timedelta(hours=part.stop))

    return [mark("stopping", down), mark("plant_stopped", slice(begin, end)), mark("starting", up)]


# ways to spoil


def spoil(hours: Hours, how: str, seed: int = 1) -> tuple[Hours, int, int]:
    """The hours with one thing wrong with them, and where: from hour to hour. ``how``: one of ``SPOILS``."""
    random = default_rng(seed)
    length = hours.values.shape[1]
    running = ~hours.stopped
    for mark in hours.marks:
        origin = hours.calendar.time_of(0)
        begin = (mark.begin - origin) // timedelta(hours=1)
        running[max(begin, 0) : (mark.end - origin) // timedelta(hours=1)] = False
    span = _SPANS[how]
    free = np.flatnonzero(np.convolve(~running, np.ones(span + 24), mode="valid") < 0.5)
    free = free[(free >= length // 2)]
    begin = int(random.choice(free)) + 12 if len(free) else length // 2
    begin = begin // 24 * 24 if how in _WHOLE_DAYS else begin
    spoiled = replace(
        hours, values=hours.values.copy(), valid=hours.valid.copy(), flagged=hours.flagged.copy()
    )
    end = min(begin + span, length)
    return SPOILS[how](spoiled, begin, end, random), begin, end


def _set(hours: Hours, row: int, begin: int, end: int, values: Numbers | float) -> Hours:
    hours.values[row, begin:end] = values
    hours.valid[row, begin:end] = np.isfinite(values)
    hours.flagged[row, begin:end] = False
    return hours


def _lose(hours: Hours, begin: int, end: int, _: Generator) -> Hours:
    hours.values[:, begin:end] = np.nan
    hours.valid[:, begin:end] = False
    hours.flagged[:, begin:end] = False
    return hours


def _flatten(hours: Hours, begin: int, end: int, _: Generator) -> Hours:
    return _set(hours, 2, begin, end, float(np.nan_to_num(hours.values[2, begin], nan=20.0)))


def _drift(hours: Hours, begin: int, end: int, _: Generator) -> Hours:
    fallen: Numbers = hours.values[3, begin:end] * (1 - 0.7 * np.arange(end - begin) / (end - begin))
    return _set(hours, 3, begin, end, np.round(fallen, 2))


def _clip(hours: Hours, begin: int, end: int, random: Generator) -> Hours:
    oxygen = np.nan_to_num(hours.values[1, begin:end], nan=6.0)
    high = 50.0 * random.uniform(0.975, 1.0, size=end - begin)
    clipped = np.where(
        random.random(end - begin) < 0.5, high * (21 - oxygen) / 15, hours.values[2, begin:end]
    )
    return _set(hours, 2, begin, end, np.floor(clipped * 100) / 100)


def _jump(hours: Hours, begin: int, end: int, _: Generator) -> Hours:
    return _set(hours, 3, begin, end, hours.values[3, begin:end] + 60.0)


def _copy_time(hours: Hours, begin: int, end: int, _: Generator) -> Hours:
    source = begin - 24 * 17 - 5
    return _set(hours, 2, begin, end, hours.values[2, source : source + end - begin])


def _dilute(hours: Hours, begin: int, end: int, _: Generator) -> Hours:
    for row in (2, 3, 4):
        _set(hours, row, begin, end, np.round(hours.values[row, begin:end] * 0.04, 2))
    return hours


def _lower_oxygen(hours: Hours, begin: int, end: int, random: Generator) -> Hours:
    usual = float(np.nanmedian(hours.values[1]))
    _set(hours, 1, begin, end, np.round(random.uniform(1.0, 1.6, size=end - begin), 2))
    dirty = 50.0 * random.uniform(1.05, 1.2, size=end - begin) * (21 - usual) / 15
    most: Numbers = np.minimum(dirty, 50.0 * 19.3 / 15)
    return _set(hours, 2, begin, end, np.round(most, 2))


def _hide(hours: Hours, begin: int, end: int, random: Generator) -> Hours:
    _set(hours, 2, begin, end, np.round(random.uniform(90, 140, size=end - begin), 2))
    since = hours.calendar.time_of(begin)
    mark = Marked("maintenance", since, since + timedelta(hours=end - begin))
    return replace(hours, marks=(*hours.marks, mark))


def _run_marked(hours: Hours, begin: int, end: int, _: Generator) -> Hours:
    since = hours.calendar.time_of(begin)
    mark = Marked("plant_stopped", since, since + timedelta(hours=end - begin))
    return replace(hours, marks=(*hours.marks, mark))


SPOILS: dict[str, Callable[[Hours, int, int, Generator], Hours]] = {
    "missing": _lose,
    "flat": _flatten,
    "drift": _drift,
    "clipped": _clip,
    "jump": _jump,
    "copied_time": _copy_time,
    "unlike_flow": _dilute,
    "oxygen_low": _lower_oxygen,
    "convenient": _hide,
    "running": _run_marked,
}
"""Named as the sign that should be seen."""
_SPANS = {
    "missing": 6, "flat": 12, "drift": 24 * 20, "clipped": 24 * 10, "jump": 2, "copied_time": 36, "unlike_flow": 8,
    "oxygen_low": 48, "convenient": 24, "running": 24,
}  # fmt: skip
_WHOLE_DAYS = ("drift", "oxygen_low")


def copy_neighbour(mine: Hours, other: Hours, begin: int, end: int) -> Hours:
    """``mine`` with the other's nitrogen oxides from hour to hour."""
    spoiled = replace(mine, values=mine.values.copy(), valid=mine.valid.copy(), flagged=mine.flagged.copy())
    spoiled.values[2, begin:end] = other.values[2, begin:end]
    spoiled.valid[2, begin:end] = other.valid[2, begin:end]
    spoiled.flagged[2, begin:end] = other.flagged[2, begin:end]
    return spoiled
