"""Rows of the receiver's store, as a digest would have found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from muheng.monitoring.store.values import COLUMNS, write_fresh, write_part


def make_rows(
    mn: str,
    kind: str,
    times: Sequence[datetime],
    values: Mapping[str, Sequence[float | None]],
    *,
    flag: str = "N",
    received: datetime | None = None,
    totals: Mapping[str, Sequence[float]] | None = None,
) -> pl.DataFrame:
    """A row for each factor and time."""
    rows = []
    for factor, series in values.items():
        for at, (time, value) in enumerate(zip(times, series, strict=True)):
            came = (received or time + timedelta(minutes=1)) - timedelta(hours=8)
            total = (totals or {}).get(factor)
            rows.append(
                {
                    "mn": mn,
                    "kind": kind,
                    "time": time,
                    "factor": factor,
                    "value": value,
                    "total": None if total is None else total[at],
                    "flag": flag,
                    "late": False,
                    "received": (came - datetime(1970, 1, 1)) // timedelta(microseconds=1),
                    "segment": "2026-11-20/000001",
                    "offset": at,
                }
            )
    return pl.DataFrame(rows, schema=COLUMNS)


def put_fresh(store: Path, serial: int, *frames: pl.DataFrame) -> None:
    """What a digest does with what it found."""
    rows = pl.concat(frames)
    store.mkdir(parents=True, exist_ok=True)
    write_part(store, serial, rows)
    write_fresh(store, serial, rows)
