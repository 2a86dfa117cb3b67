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
from muheng.monitoring.judgement.runs import Hold, Numbers

_FLAGS: tuple[DataFlag, ...] = get_args(DataFlag)


@dataclass(frozen=True, eq=False)
class Hours:
    """``values[at]`` and ``valid[at]`` are the series of ``factors[at]``; missing values are NaN."""

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
) -> list[Hours]:
    """The hours of a frame (outlet, factor, time, value, flag, and minutes where they are known), one for each outlet.

    ``time`` is the beginning of the hour. Rows of other outlets and times are left out.
    """
    names = frame["factor"].unique().cast(pl.String).sort().to_list()
    begin = datetime(start.year, start.month, start.day)
    placed = frame.select(
        outlet=_code("outlet", [each.id for each in outlets]),
        factor=_code("factor", names),
        hour=((pl.col("time") - begin).dt.total_seconds() // 3600).cast(pl.Int32),
        value=pl.col("value").cast(pl.Float64),
        flag=_code("flag", _FLAGS),
        minutes=pl.col("minutes") if "minutes" in frame.columns else pl.lit(60),
    ).filter(pl.col("outlet").is_not_null() & (pl.col("hour") >= 0) & (pl.col("hour") < days * 24))
    width = max(len(names), 1)
    pair = placed["outlet"].cast(pl.Int64).to_numpy() * width + placed["factor"].cast(pl.Int64).to_numpy()
    seen = np.zeros(len(outlets) * width, dtype=np.bool_)
    seen[pair] = True
    row_of = np.cumsum(seen) - 1
    rows, hour = row_of[pair], placed["hour"].to_numpy()
    values = np.full((int(seen.sum()), days * 24), np.nan)
    values[rows, hour] = placed["value"].fill_null(np.nan).to_numpy()
    flags = np.full(values.shape, len(_FLAGS), dtype=np.uint8)
    flags[rows, hour] = placed["flag"].cast(pl.UInt8).fill_null(len(_FLAGS)).to_numpy()
    minutes = np.zeros(values.shape, dtype=np.uint8)
    minutes[rows, hour] = placed["minutes"].cast(pl.UInt8).fill_null(0).to_numpy()
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
        laid.append(Hours(outlet, start, factors, values[part], valid, flagged, stopped, given_marks))
    return laid


def _code(column: str, names: Sequence[str]) -> pl.Expr:
    """The place of a text among names, null for another."""
    return pl.col(column).cast(pl.String).cast(pl.Enum(list(names)), strict=False).to_physical().alias(column)


def _is_one_of(flags: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], wanted: Sequence[DataFlag]) -> Hold:
    table = np.zeros(len(_FLAGS) + 1, dtype=np.bool_)
    table[[_FLAGS.index(each) for each in wanted]] = True
    found: Hold = table[flags]
    return found
