"""What the receiver still has to know after it was begun anew, read from the store. Writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from muheng.monitoring.dialogue.conversation import Host
from muheng.monitoring.dialogue.gaps import DAY, KINDS
from muheng.monitoring.dialogue.times import local_time
from muheng.monitoring.store.segments import list_segments, read_segment

NAMES = {"2051": "minute", "2061": "hour", "2031": "day"}
"""How the store calls what a command uploads."""
SLICE = 50
"""Devices noted before connections are looked after again."""


def recall_packets(host: Host, folder: Path, most: int, now: int) -> None:
    """The last packets, from ``most`` bytes of segments or a whole one: so that none is kept twice that comes again."""
    chosen: list[Path] = []
    size = 0
    for path in reversed(list_segments(folder)):
        chosen.insert(0, path)
        size += path.stat().st_size
        if size >= most:
            break
    for path in chosen:
        for _, record in read_segment(path):
            host.recall(record, now)


async def recall_intervals(host: Host, store: Path, now: int) -> None:
    """Which means have values, day by day, while devices are already listened to."""
    today = local_time(now).date()
    for back in range(max(kind.window for kind in KINDS.values()) // DAY, -1, -1):
        day = today - timedelta(days=back)
        for command, kind in KINDS.items():
            if back * DAY > kind.window:
                continue
            found = await asyncio.to_thread(_read_times, store, day, NAMES[command])
            for number, (mn, times) in enumerate(found):
                for begin in times:
                    host.recall_interval(mn, command, begin, now)
                if number % SLICE == 0:
                    await asyncio.sleep(0)


def _read_times(store: Path, day: date, kind: str) -> list[tuple[str, list[int]]]:
    """Of each device the local seconds of the intervals that are there."""
    import polars as pl

    from muheng.monitoring.store.values import list_parts

    for last in _attempts():
        parts = [part.path for part in list_parts(store, day) if part.kind == kind]
        if not parts:
            return []
        try:
            rows = pl.scan_parquet(parts, glob=False, hive_partitioning=False)
            times = (
                rows.select("mn", pl.col("time").dt.epoch("s")).group_by("mn").agg(pl.col("time").unique())
            )
            return times.collect().rows()
        except OSError:
            # Files are merged while we read.
            if last:
                raise
    return []


def _attempts() -> Iterator[bool]:
    """Several, and whether it is the last."""
    yield from (False, False, False, True)
