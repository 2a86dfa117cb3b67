"""The series store: what devices measured, as Parquet by the day that the data are of, readable by plain Polars.

``values/day=<YYYY-MM-DD>/<kind>.<level>.<first>.<last>….parquet`` holds values of one kind, found by the digests of these
serials. New files are of level 0; as they become many they are merged into larger ones, and days that are over into files of
level 9, sorted so that one device's month is a few pages of each. The same interval sent twice stands twice: what
was received last counts, and ``scan_values`` and every merging leave only that. No value is judged here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import count, groupby
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import polars as pl

Kind = Literal["realtime", "minute", "hour", "day", "status"]
KINDS: tuple[Kind, ...] = get_args(Kind)

COLUMNS = pl.Schema(
    {
        "mn": pl.String(),
        "kind": pl.String(),
        "time": pl.Datetime("us"),
        "factor": pl.String(),
        "value": pl.Float64(),
        "least": pl.Float64(),
        "most": pl.Float64(),
        "total": pl.Float64(),
        "converted": pl.Float64(),
        "flag": pl.String(),
        "late": pl.Boolean(),
        "received": pl.Int64(),
        "segment": pl.String(),
        "offset": pl.Int64(),
    }
)
KEY = ("mn", "kind", "time", "factor")
SORTED = ("mn", "time", "factor")
ORDER = ("received", "segment", "offset")
FOLDER = "values"
TOGETHER = 32
"""So many files of one level are merged into one of the next."""
SETTLED = 9
"""The level of a day that is over."""
BETWEEN = "~"
"""Stands in a name between the first device and the last."""
_DEVICE = re.compile("[0-9A-Za-z-]{1,64}")
ROWS_OF_GROUP = 32_768
ROWS_OF_FILE = 4_000_000
"""More than this are not held in memory for merging."""
ATTEMPTS = 5


class Part(NamedTuple):
    """A file of one day, by its name. ``low`` to ``high``: its devices, where the name tells."""

    path: Path
    kind: str
    level: int
    first: str
    last: str
    low: str = ""
    high: str = ""

    def may_hold(self, mns: Sequence[str] | None) -> bool:
        return mns is None or not self.low or any(self.low <= mn <= self.high for mn in mns)


def read_values(
    store: Path, kind: Kind, begin: datetime, end: datetime, mns: Sequence[str] | None = None
) -> pl.DataFrame:
    """As ``scan_values``, by mn, time and factor; begins anew where files were merged while it read."""
    for attempt in range(ATTEMPTS):
        try:
            rows = scan_values(store, kind, begin, end, mns).collect()
        except OSError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            # Days follow each other, and each is sorted.
            return rows if mns is not None and len(mns) == 1 else rows.sort(SORTED)
    raise AssertionError


def scan_values(
    store: Path, kind: Kind, begin: datetime, end: datetime, mns: Sequence[str] | None = None
) -> pl.LazyFrame:
    """From ``begin`` to before ``end``, one row for each device, time and factor: the one received last."""
    conditions = [pl.col("time") >= begin, pl.col("time") < end]
    if mns is not None:
        conditions.insert(0, pl.col("mn") == mns[0] if len(mns) == 1 else pl.col("mn").is_in(list(mns)))
    days = [day for day in list_days(store) if begin.date() <= day <= end.date()]
    found = [[part for part in list_parts(store, day) if part.kind == kind] for day in days]
    scans = []
    for alone, some in groupby(filter(None, found), _is_settled):
        chosen = [[part for part in parts if part.may_hold(mns)] for parts in some]
        if alone:
            chosen = [[part for parts in chosen for part in parts]]
        for parts in filter(None, chosen):
            rows = _scan(parts).filter(conditions)
            scans.append(rows if alone else _keep_last(rows).sort(SORTED))
    return pl.concat(scans) if scans else pl.LazyFrame(schema=COLUMNS)


def _scan(parts: Sequence[Part]) -> pl.LazyFrame:
    return pl.scan_parquet([part.path for part in parts], hive_partitioning=False, glob=False)


def _keep_last(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.sort(ORDER).unique(KEY, keep="last")


def list_days(store: Path) -> list[date]:
    """That hold values, in order."""
    return sorted(date.fromisoformat(path.name[4:]) for path in (store / FOLDER).glob("day=????-??-??"))


def list_parts(store: Path, day: date) -> list[Part]:
    parts = []
    for path in sorted(day_folder(store, day).glob("*.parquet")):
        kind, level, first, last, *more = path.name.split(".")
        low, _, high = "".join(more[-2:-1]).partition(BETWEEN)
        parts.append(Part(path, kind, int(level), first, last, *((low, high) if high else ())))
    return parts


def day_folder(store: Path, day: date) -> Path:
    return store / FOLDER / f"day={day.isoformat()}"


# -- writing ---------------------------------------------------------------------------------------------------------


def write_part(store: Path, serial: int, rows: pl.DataFrame) -> list[Path]:
    """The rows that one digest found, by day and kind. Written again they replace themselves."""
    written = []
    keyed = rows.with_columns(pl.col("time").dt.date().alias("day"))
    for (day, kind), found in keyed.partition_by("day", "kind", include_key=True, as_dict=True).items():
        assert isinstance(day, date)
        path = day_folder(store, day) / f"{kind}.0.{serial:08d}.{serial:08d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not found["received"].is_sorted():
            found = found.sort(ORDER)
        found = found.drop("day").unique(KEY, keep="last").sort(SORTED)
        written.append(_write(path, found))
    return written


def compact(store: Path, day: date) -> list[Path]:
    """All files of a day become one of each kind, or several by device where they are large. Returns what was written."""
    written = []
    for kind in KINDS:
        parts = [part for part in list_parts(store, day) if part.kind == kind]
        if len(parts) > 1 and not _is_settled(parts):
            written += _merge(parts, SETTLED)
    return written


def merge_small(store: Path, day: date) -> list[Path]:
    """Files of a day that have become many, level by level, so that a running day stays quick to read."""
    written = []
    for kind in KINDS:
        for level in range(SETTLED - 1):
            parts = [part for part in list_parts(store, day) if (part.kind, part.level) == (kind, level)]
            if len({(part.first, part.last) for part in parts}) >= TOGETHER:
                written += _merge(parts, level + 1)
    return written


def _is_settled(parts: list[Part]) -> bool:
    """One file, or those that one merging made: nothing stands twice in them."""
    merged = (
        all(part.level == SETTLED for part in parts) and len({(part.first, part.last) for part in parts}) == 1
    )
    return merged or len(parts) == 1


def _merge(parts: list[Part], level: int) -> list[Path]:
    """New files have names of their own and are whole before the old ones go; a crash leaves rows twice, never none."""
    kind, folder = parts[0].kind, parts[0].path.parent
    first, last = min(part.first for part in parts), max(part.last for part in parts)
    taken = {part.path.name for part in parts}
    written: list[Path] = []
    for low, high in _slice(parts):
        rows = _scan(parts).filter(pl.col("mn") >= low, pl.col("mn") <= high)
        plain = _DEVICE.fullmatch(low) and _DEVICE.fullmatch(high)
        about = f"{low}{BETWEEN}{high}.parquet" if plain else "parquet"
        names = (f"{kind}.{level}.{first}.{last}.{number:04d}.{about}" for number in count(len(written)))
        path = folder / next(name for name in names if name not in taken)
        written.append(_write(path, _keep_last(rows).sort(SORTED).collect()))
    for part in parts:
        part.path.unlink(missing_ok=True)
    return written


def _slice(parts: list[Part]) -> list[tuple[str, str]]:
    """Ranges of devices that fit in memory together."""
    counts = _scan(parts).group_by("mn").len().sort("mn").collect()
    slices: list[tuple[str, str]] = []
    room = 0
    for mn, rows in counts.iter_rows():
        if slices and rows <= room:
            slices[-1] = slices[-1][0], mn
        else:
            slices.append((mn, mn))
            room = ROWS_OF_FILE
        room -= rows
    return slices


def _write(path: Path, rows: pl.DataFrame) -> Path:
    """At one stroke, so that nobody reads half a file."""
    draft = path.with_name(path.name + ".draft")
    rows.write_parquet(
        draft, compression="zstd", compression_level=1, statistics=True, row_group_size=ROWS_OF_GROUP
    )
    replace_durably(draft, path)
    return path


def replace_durably(draft: Path, path: Path) -> None:
    """``draft`` becomes ``path``, also after a power failure."""
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# -- what is new -----------------------------------------------------------------------------------------------------

FRESH = "fresh"


def write_fresh(store: Path, serial: int, rows: pl.DataFrame) -> Path:
    """What a digest found, for whoever follows; serials only grow."""
    path = store / FRESH / f"{serial:08d}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    return _write(path, rows)


def list_fresh(store: Path, after: int = 0) -> list[tuple[int, Path]]:
    """Serial and file, in order, of those after a serial."""
    folder = store / FRESH
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        # A large fleet's week is some hundred thousand files, and they are listed every second.
        names = [each.name for each in entries if each.name.endswith(".parquet")]
        found = sorted(int(name[:-8]) for name in names if name[:-8].isdigit())
        return [(serial, folder / f"{serial:08d}.parquet") for serial in found if serial > after]
    return []


def remove_fresh(store: Path, now: datetime, keep: timedelta) -> list[Path]:
    """Those written longer ago than ``keep``; the newest stays, so that serials go on growing."""
    old: Iterable[tuple[int, Path]] = list_fresh(store)[:-1]
    gone = [path for _, path in old if now.timestamp() - path.stat().st_mtime > keep.total_seconds()]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone
