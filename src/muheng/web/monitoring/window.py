"""The hours of points over a stretch of days, laid out for judging: settled days as they lie, the others hour by hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from muheng.monitoring.judgement.hours import Grid
from muheng.monitoring.judgement.rules import Rules
from muheng.monitoring.judgement.runs import Hold, Numbers
from muheng.web.monitoring.models import Hour, Point, SettledDay
from muheng.web.monitoring.moments import to_aware
from muheng.web.monitoring.settling import Pair, letter_of

DAYS = 35
"""Of hours that are judged together, and again when something changed: the signs look at thirty days and a little more."""
_HOUR = timedelta(hours=1)
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Window:
    """``unsettled``: days of points that were read hour by hour."""

    grid: Grid
    unsettled: tuple[Pair, ...]


@dataclass(frozen=True, eq=False)
class _Table:
    """By point, factor, day and hour, before it is known which factors a point has."""

    begin: datetime
    place: dict[int, int]
    name: dict[str, int]
    values: Numbers
    flags: Bytes
    minutes: Bytes
    seen: Hold
    """Point and factor: something came."""
    settled: Hold
    """Point and day."""


def read_window(points: Sequence[Point], begin: datetime, days: int, rules: Rules) -> Window:
    """Of points so many days from a local midnight: what has a limit, flow and oxygen. Factors with limits are there if nothing came
    of them either: what never came is missing too."""
    wanted = [_factors_of(point, rules) for point in points]
    names = sorted(set().union(*wanted))
    shape = (len(points), len(names), days, 24)
    table = _Table(
        begin,
        {point.pk: at for at, point in enumerate(points)},
        {name: at for at, name in enumerate(names)},
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.uint8),
        np.full(shape, 60, dtype=np.uint8),
        np.zeros(shape[:2], dtype=np.bool_),
        np.zeros((len(points), days), dtype=np.bool_),
    )
    _lay_settled(table)
    _lay_rows(table)
    own = np.array([[name in each for name in names] for each in wanted]).reshape(shape[:2])
    own &= table.seen | _limited(points, names)
    flat = (*shape[:2], days * 24)
    grid = Grid(
        tuple(names),
        own,
        table.values.reshape(flat)[own],
        table.flags.reshape(flat)[own],
        table.minutes.reshape(flat)[own],
    )
    places, late = np.nonzero(~table.settled)
    first = begin.date()
    numbers = [point.pk for point in points]
    unsettled = (
        (numbers[at], first + timedelta(days=day))
        for at, day in zip(places.tolist(), late.tolist(), strict=True)
    )
    return Window(grid, tuple(unsettled))  # fmt: skip


def _factors_of(point: Point, rules: Rules) -> set[str]:
    method = rules.method(point.kind)
    return {each for each in (method.flow, method.oxygen) if each} | {each["factor"] for each in point.limits}


def _limited(points: Sequence[Point], names: Sequence[str]) -> Hold:
    own = [{each["factor"] for each in point.limits} for point in points]
    found: Hold = np.array([[name in each for name in names] for each in own]).reshape(len(own), len(names))
    return found


def _lay_settled(table: _Table) -> None:
    """Rows with the same factors are of one make and are laid out together."""
    first = table.begin.date()
    rows = SettledDay.objects.filter(
        point__in=list(table.place), day__gte=first, day__lt=first + timedelta(days=table.settled.shape[1])
    )
    makes: dict[str, tuple[list[int], list[int], list[bytes | memoryview]]] = {}
    for point, day, factors, hours in rows.values_list("point_id", "day", "factors", "hours").iterator(
        chunk_size=5000
    ):
        owners, days, parts = makes.setdefault(factors, ([], [], []))
        owners.append(table.place[point])
        days.append((day - first).days)
        parts.append(hours)
    for factors, (owners, days, parts) in makes.items():
        table.settled[owners, days] = True
        codes = factors.split()
        wide = len(codes) * 24
        whole = np.frombuffer(b"".join(parts), dtype=np.uint8).reshape(len(parts), -1)
        values = np.ascontiguousarray(whole[:, : wide * 8]).view("<f8")
        flags, minutes = whole[:, wide * 8 : wide * 9], whole[:, wide * 9 :]
        for at, code in enumerate(codes):
            name = table.name.get(code)
            if name is None:
                continue
            part = slice(at * 24, at * 24 + 24)
            table.values[owners, name, days] = values[:, part]
            table.flags[owners, name, days] = flags[:, part]
            table.minutes[owners, name, days] = minutes[:, part]
            table.seen[owners, name] = True


def _lay_rows(table: _Table) -> None:
    """Days that are not settled: of all points those from which on nobody's are, of some the ones before."""
    days = table.settled.shape[1]
    reached = np.flatnonzero(table.settled.sum(axis=0))
    open_from = int(reached[-1]) + 1 if len(reached) else 0
    numbers = np.array(list(table.place))
    _lay_hours(table, numbers.tolist(), open_from, days)
    missing = ~table.settled[:, :open_from]
    lacking = np.flatnonzero(missing.sum(axis=1))
    if len(lacking):
        since = int(np.flatnonzero(missing.sum(axis=0))[0])
        _lay_hours(table, numbers[lacking].tolist(), since, open_from)


def _lay_hours(table: _Table, numbers: Sequence[int], first: int, until: int) -> None:
    """Rows of points from a day to before another, but for those of settled days."""
    begin = to_aware(table.begin)
    day = timedelta(days=1)
    rows = Hour.objects.filter(
        point__in=numbers, time__gte=begin + first * day, time__lt=begin + until * day
    ).values_list("point_id", "time", "values")
    pointed: list[int] = []
    named: list[int] = []
    timed: list[int] = []
    values: list[float | None] = []
    flags: list[int] = []
    minutes: list[int] = []
    letters: dict[str | None, int] = {}
    settled = [set(np.flatnonzero(each).tolist()) for each in table.settled]
    for number, moment, given in rows.iterator(chunk_size=5000):
        hour = (moment - begin) // _HOUR
        at = table.place[number]
        if hour // 24 in settled[at]:
            continue
        for code, (value, flag, count) in given.items():
            name = table.name.get(code)
            if name is None:
                continue
            letter = letters.get(flag)
            if letter is None:
                letter = letters[flag] = letter_of(flag)
            pointed.append(at)
            named.append(name)
            timed.append(hour)
            values.append(value)
            flags.append(letter)
            minutes.append(count or 0)
    shape = (*table.values.shape[:2], -1)
    place = (pointed, named, timed)
    table.values.reshape(shape)[place] = np.array(values, dtype=np.float64)
    table.flags.reshape(shape)[place] = flags
    table.minutes.reshape(shape)[place] = minutes
    table.seen[pointed, named] = True


def newest_heard(grid: Grid, points: Sequence[Point]) -> list[int]:
    """By point, how many hours after the beginning the newest with a value ended; 0 where none has."""
    known = np.isfinite(grid.values)
    last = np.where(known.any(axis=1), grid.values.shape[1] - np.argmax(known[:, ::-1], axis=1), 0)
    heard = np.zeros(len(points), dtype=np.int64)
    np.maximum.at(heard, np.repeat(np.arange(len(points)), grid.own.sum(axis=1)), last)
    found: list[int] = heard.tolist()
    return found
