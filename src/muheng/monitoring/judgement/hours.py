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

from muheng.monitoring.judgement.calendar import Calendar, lay_calendar
from muheng.monitoring.judgement.outlet import Marked, Outlet
from muheng.monitoring.judgement.rules import DataFlag, Rules
from muheng.monitoring.judgement.runs import Counts, Hold, Numbers

_FLAGS: tuple[DataFlag, ...] = get_args(DataFlag)


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
    flags = np.full(values.shape, len(_FLAGS), dtype=np.uint8)
    flags[rows, hour] = np.where(flag < 0, len(_FLAGS), flag)
    minutes = np.full(values.shape, 60, dtype=np.uint8)
    if "minutes" in frame.columns:
        minutes[rows, hour] = frame["minutes"].fill_null(0).to_numpy()[taken]
    bounds = np.concatenate(([0], np.cumsum(seen.reshape(len(outlets), width).sum(axis=1))))
    own = seen.reshape(len(outlets), width)
    laid = []
    for at, outlet in enumerate(outlets):
        part = slice(int(bounds[at]), int(bounds[at + 1]))
        method = rules.method(outlet.kind)
        valid = _is_one_of(flags[part], method.counts) & (minutes[part] >= method.hour_minutes)
        valid &= np.isfinite(values[part])
        stopped = np.asarray(_is_one_of(flags[part], method.stopped).any(axis=0))
        flagged = (flags[part] != len(_FLAGS)) & ~_is_one_of(flags[part], method.counts)
        factors = tuple(name for name, given in zip(names, own[at], strict=False) if given)
        given_marks = (marks or {}).get(outlet.id, ())
        laid.append(
            Hours(outlet, start, factors, values[part], valid, flagged, stopped, given_marks, over, unheard)
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


def _is_one_of(flags: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], wanted: Sequence[DataFlag]) -> Hold:
    table = np.zeros(len(_FLAGS) + 1, dtype=np.bool_)
    table[[_FLAGS.index(each) for each in wanted]] = True
    found: Hold = table[flags]
    return found
