"""A thinned series shows what the long one shows: its peaks, its ends and its gaps."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from muheng.monitoring.store.series import thin

START = datetime(2026, 11, 1)


def make(values: list[float | None], minutes: list[int] | None = None) -> pl.DataFrame:
    steps = range(len(values)) if minutes is None else minutes
    times = [START + timedelta(minutes=step) for step in steps]
    return pl.DataFrame({"time": times, "value": pl.Series(values, dtype=pl.Float64())})


@given(st.lists(st.floats(0, 100) | st.none(), min_size=1, max_size=300), st.integers(4, 40))
def test_peaks_ends_and_gaps_stay(values: list[float | None], points: int) -> None:
    frame = make(values)
    thinned = thin(frame, points)
    assert thinned["time"].is_sorted()
    assert thinned.join(frame, on=["time", "value"], how="anti", nulls_equal=True).is_empty()
    known = [value for value in values if value is not None]
    left = thinned["value"].drop_nulls().to_list()
    if known:
        assert (min(left), max(left), left[0], left[-1]) == (min(known), max(known), known[0], known[-1])
    runs = [value is None for value in values]
    gaps = sum(gap and not before for gap, before in zip(runs, [False, *runs], strict=False))
    assert thinned["value"].is_null().sum() >= gaps
    assert thinned.height <= max(points + gaps + 4, frame.height if frame.height <= points else 0)


def test_a_month_of_minutes_is_about_as_many_points_as_asked() -> None:
    values: list[float | None] = [float(number * 7919 % 101) for number in range(43_200)]
    values[20_000] = 500.0
    values[30_000:30_060] = [None] * 60
    thinned = thin(make(values), 2000)
    assert 1500 < thinned.height <= 2010
    assert thinned["value"].max() == 500
    (gap,) = thinned.filter(pl.col("value").is_null())["time"].to_list()
    assert gap == START + timedelta(minutes=30_000)


def test_a_short_series_stays_as_it_is() -> None:
    frame = make([1.0, None, 2.0])
    assert thin(frame, 10).equals(frame)
    assert thin(frame.clear(), 10).is_empty()
