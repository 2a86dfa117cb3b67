"""Hourly values of an outlet, laid out hour by hour over whole days. Says which are valid by flag and minutes.

A value that came twice counts as it came last. What marks do to them is in ``standing``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.monitoring.judgement.calendar import Calendar, lay_calendar
from muheng.monitoring.judgement.outlet import Marked, Outlet
from muheng.monitoring.judgement.rules import DataFlag, Rules
from muheng.monitoring.judgement.runs import Counts, Hold, Numbers

Bytes = NDArray[np.uint8]
_FLAGS: tuple[DataFlag, ...] = get_args(DataFlag)
_LETTERS = np.array([ord(each) for each in _FLAGS], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Hours:
    """``values[at]`` and ``valid[at]`` are the series of ``factors[at]``; missing values are NaN and never valid."""

    outlet: Outlet
    start: date
    factors: tuple[str, ...]
    values: Numbers
    valid: Hold
    flagged: Hold
    """Something came whose flag says why it does not count."""
    stopped: Hold
    """The plant did not run, by the data's own flags."""
    marks: tuple[Marked, ...] = ()
    over: int | None = None
    """So many hours have passed; the rest of the last day is still to come. None: all have."""
    unheard: Hold | None = None
    """Hours in which nothing is missed, of all factors or of each: whoever receives the data got none from anybody, or the
    factor was not asked for."""

    @property
    def to_come(self) -> Hold:
        found: Hold = np.arange(self.values.shape[1]) >= (
            self.values.shape[1] if self.over is None else self.over
        )
        return found

    @property
    def calendar(self) -> Calendar:
        return lay_calendar(self.start, self.values.shape[1] // 24)

    def place(self, factor: str | None) -> int | None:
        """The row of a factor, None where it is not measured."""
        return self.factors.index(factor) if factor in self.factors else None


@dataclass(frozen=True, eq=False)
class Grid:
    """What came, hour by hour, before anybody asked what counts: rows by outlet and, within one, in the order of ``names``.

    ``own[outlet, name]``: whether there is a row. ``flags``: letters as numbers, 0 where none came.
    """

    names: tuple[str, ...]
    own: Hold
    values: Numbers
    flags: Bytes
    minutes: Bytes


def lay_hours(
    frame: pl.DataFrame,
    outlets: Sequence[Outlet],
    start: date,
    days: int,
    rules: Rules,
    marks: Mapping[str, tuple[Marked, ...]] | None = None,
    over: int | None = None,
    unheard: Hold | None = None,
) -> list[Hours]:
    """The hours of a frame (outlet, factor, time, value, flag, and minutes where they are known), one for each outlet.

    ``time`` is the beginning of the hour. Rows of other outlets and times are left out. Where the last day is not over,
    ``over`` says how many hours have passed: others would count as missing. ``unheard``: see :class:`Hours`.
    """
    return weigh_grid(make_grid(frame, outlets, start, days), outlets, start, rules, marks, over, unheard)


def make_grid(frame: pl.DataFrame, outlets: Sequence[Outlet], start: date, days: int) -> Grid:
    """The rows of a frame, as ``lay_hours`` takes it."""
    names = frame["factor"].cast(pl.String).unique().drop_nulls().sort().to_list()
    begin = datetime(start.year, start.month, start.day)
    owner = _find_codes(frame["outlet"], [each.id for each in outlets])
    factor = _find_codes(frame["factor"], names)
    hour = (
        frame.select((pl.col("time") - begin).dt.total_seconds() // 3600).to_series().fill_null(-1).to_numpy()
    )
    flag = _find_codes(frame["flag"], _FLAGS)
    taken = (owner >= 0) & (factor >= 0) & (hour >= 0) & (hour < days * 24)
    owner, factor, hour, flag = owner[taken], factor[taken], hour[taken], flag[taken]
    width = max(len(names), 1)
    pair = owner * width + factor
    seen = np.zeros(len(outlets) * width, dtype=np.bool_)
    seen[pair] = True
    rows = (np.cumsum(seen) - 1)[pair]
    values = np.full((int(seen.sum()), days * 24), np.nan)
    values[rows, hour] = frame["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()[taken]
    flags = np.zeros(values.shape, dtype=np.uint8)
    flags[rows, hour] = np.where(flag < 0, 0, _LETTERS[flag])
    minutes = np.full(values.shape, 60, dtype=np.uint8)
    if "minutes" in frame.columns:
        minutes[rows, hour] = frame["minutes"].fill_null(0).to_numpy()[taken]
    return Grid(tuple(names), seen.reshape(len(outlets), width), values, flags, minutes)


def weigh_grid(
    grid: Grid,
    outlets: Sequence[Outlet],
    start: date,
    rules: Rules,
    marks: Mapping[str, tuple[Marked, ...]] | None = None,
    over: int | None = None,
    unheard: Hold | None = None,
) -> list[Hours]:
    """The hours of each outlet, and which of them count by their flags and minutes."""
    count = grid.own.sum(axis=1)
    bounds = np.concatenate(([0], np.cumsum(count))).tolist()
    methods = [rules.method(outlet.kind) for outlet in outlets]
    valid, stopped, flagged = (np.zeros(grid.values.shape, dtype=np.bool_) for _ in range(3))
    for method in {each.id: each for each in methods}.values():
        rows = np.repeat([each is method for each in methods], count)
        part: slice | Hold = slice(None) if rows.all() else rows
        flags = grid.flags[part]
        counts = _is_one_of(flags, method.counts)
        valid[part] = counts & (grid.minutes[part] >= method.hour_minutes) & np.isfinite(grid.values[part])
        stopped[part] = _is_one_of(flags, method.stopped)
        flagged[part] = _is_one_of(flags, _FLAGS) & ~counts
    laid = []
    for at, outlet in enumerate(outlets):
        rows_of = slice(bounds[at], bounds[at + 1])
        factors = tuple(name for name, given in zip(grid.names, grid.own[at].tolist(), strict=False) if given)
        laid.append(
            Hours(
                outlet,
                start,
                factors,
                grid.values[rows_of],
                valid[rows_of],
                flagged[rows_of],
                np.asarray(stopped[rows_of].any(axis=0)),
                (marks or {}).get(outlet.id, ()),
                over,
                unheard,
            )
        )
    return laid


def _find_codes(column: pl.Series, names: Sequence[str]) -> Counts:
    """The place of each text among names, −1 for another."""
    kinds = column.cast(pl.Categorical) if column.dtype == pl.String else column
    present = kinds.drop_nulls().unique()
    physical = present.to_physical().cast(pl.Int64).to_numpy()
    place = {name: at for at, name in enumerate(names)}
    table = np.full(int(physical.max(initial=-1)) + 2, -1, dtype=np.int64)
    table[physical] = [place.get(each, -1) for each in present.cast(pl.String).to_list()]
    codes = kinds.to_physical().cast(pl.Int64).fill_null(len(table) - 1).to_numpy()
    found: Counts = table[codes]
    return found


def _is_one_of(flags: Bytes, wanted: Sequence[DataFlag]) -> Hold:
    table = np.zeros(256, dtype=np.bool_)
    table[[ord(each) for each in wanted]] = True
    found: Hold = table[flags]
    return found
