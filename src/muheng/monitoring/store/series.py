"""A long series as few points that look the same when drawn: every peak and every gap stays."""

from __future__ import annotations

import polars as pl

TIME, VALUE = "time", "value"


def thin(frame: pl.DataFrame, points: int) -> pl.DataFrame:
    """Of rows in the order of ``time`` about ``points``: of each stretch of time the first, least, greatest and last row.

    Rows without a ``value`` are gaps: each run of them leaves one row, so that no line is drawn across.
    """
    if frame.height <= points:
        return frame
    buckets = max(points // 4, 1)
    begin, end = frame[TIME][0], frame[TIME][-1]
    width = max((end - begin).total_seconds() / buckets, 1e-6)
    empty = pl.col(VALUE).is_null()
    marked = frame.with_row_index("_at").with_columns(
        ((pl.col(TIME) - begin).dt.total_microseconds() / (width * 1e6)).floor().alias("_bucket"),
        (empty & ~empty.shift(1, fill_value=False)).alias("_gap"),
    )
    kept = (
        marked.filter(~empty)
        .group_by("_bucket")
        .agg(
            pl.col("_at").first().alias("first"),
            pl.col("_at").get(pl.col(VALUE).arg_min()).alias("least"),
            pl.col("_at").get(pl.col(VALUE).arg_max()).alias("greatest"),
            pl.col("_at").last().alias("last"),
        )
    )
    rows = pl.concat(
        [*(kept[name] for name in ("first", "least", "greatest", "last")), marked.filter("_gap")["_at"]]
    )
    return frame[rows.unique().sort()]
