"""From minutes to hours to days: means over what is valid, and whether there was enough of it."""

from __future__ import annotations

import numpy as np
import polars as pl

from muheng.monitoring.judgement.rules import Method
from muheng.monitoring.judgement.runs import Counts, Hold, Numbers


def average_minutes(minutes: pl.DataFrame, method: Method, interval: int = 1) -> pl.DataFrame:
    """Hourly rows (outlet, factor, time, value, flag, minutes) of minute rows (outlet, factor, time, value, flag).

    ``interval``: how many minutes each row stands for. ``flag``: one that counts where the hour is valid, otherwise the
    one seen most, the first in the alphabet of those seen equally often. A value that came twice counts once, the last.
    """
    counts = pl.col("flag").cast(pl.String).is_in(list(method.counts)) & pl.col("value").is_finite()
    counts = counts.fill_null(False)
    keys = ["outlet", "factor", "hour"]
    once = minutes.unique(["outlet", "factor", "time"], keep="last", maintain_order=True).with_columns(
        pl.col("time").dt.truncate("1h").alias("hour")
    )
    rows = once.group_by(keys, maintain_order=True).agg(
        value=pl.col("value").filter(counts).mean(),
        minutes=(counts.sum() * interval).clip(upper_bound=60).cast(pl.Int32),
        seen=pl.col("flag").cast(pl.String).mode().sort().first(),
        counted=pl.col("flag").cast(pl.String).filter(counts).first(),
    )
    flag = pl.when(pl.col("minutes") >= method.hour_minutes).then("counted").otherwise("seen")
    return rows.select(
        "outlet", "factor", pl.col("hour").alias("time"), "value", flag.alias("flag"), "minutes"
    )


def average_days(
    values: Numbers, counts: Hold, method: Method, flow: Numbers | None = None
) -> tuple[Numbers, Counts]:
    """Daily means over the hours that count (NaN where none does), and how many did.

    With ``flow`` the mean is weighted by it, where the method asks for that and any flowed; NaN flow weighs nothing.
    """
    shape = (-1, 24)
    counted = counts.reshape(shape)
    number: Counts = counted.sum(axis=1)
    filled = np.where(counted, values.reshape(shape), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        plain: Numbers = filled.sum(axis=1) / number
        if flow is None or not method.weighted:
            return plain, number
        weight = np.where(counted, np.nan_to_num(flow.reshape(shape)), 0.0)
        total = weight.sum(axis=1)
        weighted: Numbers = (filled * weight).sum(axis=1) / total
    return np.where(total > 0, weighted, plain), number
