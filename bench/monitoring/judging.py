"""A year of hourly data of many outlets judged, beside a straightforward pandas version of the same rules.

The peer does what a script of an evening does, outlet by outlet: validity, conversion, exceedance by hour and day, capture
rates, totals with replaced hours, missing and flat stretches, merged events. Copying, drift, clipping, marks and tiers it
leaves out, so it does less. Its totals and exceedances are held against ours. It runs on fewer outlets, and its time is
stated for as many. The target is held against the time of the processor, on one core: a busy machine would tell another story by
the wall.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from muheng.monitoring.judgement.demo import make_hours, spoil
from muheng.monitoring.judgement.hours import Hours, lay_hours
from muheng.monitoring.judgement.judging import Judged, judge, list_exceedances
from muheng.monitoring.judgement.rules import Rules, load_rules

HEAD = "| job | outlets | processor | wall | for 1,000: processor | wall | target |\n|---|---|---|---|---|---|---|"
START, DAYS = date(2025, 1, 1), 365
PEER_OUTLETS = 20
TARGET = 10.0


@dataclass(frozen=True)
class Row:
    """Seconds of so many outlets."""

    job: str
    outlets: int
    processor: float
    wall: float
    target: float | None = None

    def __str__(self) -> str:
        """A row of a Markdown table."""
        each = 1000 / self.outlets
        target = ""
        if self.target is not None:
            target = f"{self.target:.0f} s: {'met' if self.processor * each < self.target else 'missed'}"
        return (
            f"| {self.job} | {self.outlets:,} | {self.processor:.2f} s | {self.wall:.2f} s "
            f"| {self.processor * each:.1f} s | {self.wall * each:.1f} s | {target} |"
        )


def run(outlets: int = 1000) -> Iterator[Row]:
    """Rows come as they are measured."""
    rules, found = load_rules()
    assert rules is not None, found
    hours = make_hours(outlets, START, DAYS)
    hours = [spoil(each, "jump", at)[0] if at % 10 == 0 else each for at, each in enumerate(hours)]
    judged: list[Judged] = []
    yield _measure("a year judged", outlets, lambda: judged.extend(judge(hours, rules)), TARGET)
    few = hours[:PEER_OUTLETS]
    ours = {
        (each.outlet, each.factor, each.month): each for one in judged[:PEER_OUTLETS] for each in one.totals
    }
    peer: list[tuple[dict[tuple[str, str, str], float], int]] = []
    yield _measure(
        "a part of it in pandas", PEER_OUTLETS, lambda: peer.extend(_judge(each, rules) for each in few)
    )
    for totals, _ in peer:
        for key, tonnes in totals.items():
            assert abs(float(ours[key].tonnes) - tonnes) < 1e-6, (key, ours[key], tonnes)
    exceeded = len(list_exceedances(judged[:PEER_OUTLETS]))
    assert exceeded == sum(count for _, count in peer), "the peer finds other exceedances"
    some = hours[: max(outlets // 10, 1)]
    frame = _tell(some)
    yield _measure(
        f"laying out {len(frame):,} rows",
        len(some),
        lambda: lay_hours(frame, [each.outlet for each in some], START, DAYS, rules),
    )


def _measure(job: str, outlets: int, act: Callable[[], Any], target: float | None = None) -> Row:
    wall, processor = time.perf_counter(), time.process_time()
    act()
    return Row(job, outlets, time.process_time() - processor, time.perf_counter() - wall, target)


def _tell(hours: list[Hours]) -> pl.DataFrame:
    """The hours as rows, as a store of series gives them."""
    frames = []
    for each in hours:
        time_of = np.datetime64(START, "us") + np.arange(each.values.shape[1]).astype("timedelta64[h]")
        for row, factor in enumerate(each.factors):
            flag = np.where(each.stopped, "F", np.where(each.flagged[row], "C", "N"))
            frames.append(
                pl.DataFrame({"time": time_of, "value": each.values[row], "flag": flag}).with_columns(
                    outlet=pl.lit(each.outlet.id), factor=pl.lit(factor)
                )
            )
    return pl.concat(frames).with_columns(pl.col("outlet", "factor", "flag").cast(pl.Categorical))


def _judge(hours: Hours, rules: Rules) -> tuple[dict[tuple[str, str, str], float], int]:
    """The peer: tonnes by month, and how many hours exceed."""
    index = pd.date_range(START, periods=hours.values.shape[1], freq="h")
    values = pd.DataFrame(hours.values.T, index=index, columns=list(hours.factors))
    valid = pd.DataFrame(hours.valid.T, index=index, columns=list(hours.factors))
    state = pd.Series("", index=index)
    for mark in hours.marks:
        state[(index >= mark.begin) & (index < mark.end)] = rules.limits.marks[mark.mark].effect
    stopped = pd.Series(hours.stopped, index=index) | (state == "stopped")
    valid = valid.mul(~stopped, axis=0).mul(state != "invalid", axis=0).astype(bool)
    values = values.where(valid)
    oxygen = values["a19001"].where(values["a19001"] <= float(rules.validity.oxygen.at_most))
    quarter = index.to_period("Q")
    totals: dict[tuple[str, str, str], float] = {}
    exceeded = 0
    for limit in hours.outlet.limits:
        series = values[limit.factor]
        converted = (series * (21 - (hours.outlet.reference_oxygen or 0)) / (21 - oxygen)).round(3)
        over = converted.where(state != "exempt") > limit.most
        exceeded += int(over.sum())
        events = (over & ~over.shift(fill_value=False)).cumsum()[over]
        events.groupby(events).size()
        daily = converted.where(state != "exempt").resample("D").mean()
        daily[converted.resample("D").count() < rules.method("stack").day_hours] = np.nan
        rate = valid[limit.factor].groupby(quarter).sum() / (~stopped).groupby(quarter).sum()
        gone = ~valid[limit.factor] & ~stopped
        stretches = (gone != gone.shift()).cumsum()
        gone.groupby(stretches).agg(["first", "size"]).query("first and size >= 2")
        same = series.groupby((series != series.shift()).cumsum()).transform("size")
        same[same >= rules.alerts.signs.flat_hours].count()
        amount = (series * values["a00000"]).round()
        measured = amount.copy()
        holes = measured.isna() & ~stopped
        for _, part in measured[holes].groupby((~holes).cumsum()[holes]):
            before = measured[: part.index[0]].dropna()
            for at in part.index if len(before) else ():
                good = rate[at.to_period("Q")] >= 0.9
                window = (180 if len(part) <= 24 else 720) if good else 2160
                amount[at] = before.iloc[-window:].max()
        for month, tonnes in (amount.groupby(index.to_period("M")).sum() / 1e9).items():
            totals[hours.outlet.id, limit.factor, str(month)] = float(tonnes)
    return totals, exceeded
