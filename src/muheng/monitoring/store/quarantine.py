"""What was not taken, newest first: for whoever finds out why a device's data are missing.

The digest notes each such frame in ``quarantine/<day of receipt>.jsonl``, so that nobody has to look through segments; the
frames themselves stay there. What is not digested yet is read from the segments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from muheng.monitoring.store.cursor import read_place, read_state
from muheng.monitoring.store.rows import Taken, to_local
from muheng.monitoring.store.segments import (
    Place,
    list_segments,
    read_record,
    read_segment,
    segment_name,
    segment_path,
)

FOLDER = "quarantine"
SEGMENTS = "segments"


class Refused(NamedTuple):
    """``reasons``: codes of the receiver. ``received``: in China, without a zone."""

    place: Place
    received: datetime
    mn: str
    peer: str
    reasons: tuple[str, ...]
    raw: bytes


def note_refused(store: Path, taken: Sequence[Taken]) -> None:
    """Of these records the ones in quarantine. Noted again, as after a crash, they still count once."""
    by_day: dict[str, list[str]] = {}
    for place, record in taken:
        if record.verdict:
            noted = [record.received, record.mn, record.peer, record.verdict, *place]
            by_day.setdefault(to_local(record.received).date().isoformat(), []).append(json.dumps(noted))
    for day, lines in by_day.items():
        path = store / FOLDER / f"{day}.jsonl"
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="ascii") as file:
            # The line before may have been torn by a crash.
            file.write("\n" + "\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())


def remove_notes(store: Path, before: date) -> None:
    """Notes of days before one. The frames stay in their segments."""
    for path in (store / FOLDER).glob("????-??-??.jsonl"):
        if path.stem < before.isoformat():
            path.unlink(missing_ok=True)


def list_quarantine(
    store: Path, begin: datetime, end: datetime, mn: str | None = None, most: int = 1000
) -> list[Refused]:
    """Received from ``begin`` to before ``end``, local times; at most ``most``, the newest."""
    chosen: dict[Place, tuple[int, str, str, str]] = {}
    noted = chain(_read_undigested(store), _read_noted(store, begin, end, mn))
    for place, received, device, peer, verdict in noted:
        if (mn is None or device == mn) and begin <= to_local(received) < end:
            chosen[place] = received, device, peer, verdict
    newest = sorted(chosen.items(), key=lambda each: (each[1][0], each[0]), reverse=True)[:most]
    found = []
    for place, (received, device, peer, verdict) in newest:
        record = read_record(segment_path(store / SEGMENTS, place.segment), place.offset)
        raw = b"" if record is None else record.raw
        found.append(Refused(place, to_local(received), device, peer, tuple(verdict.split()), raw))
    return found


_Noted = tuple[Place, int, str, str, str]


def _read_noted(store: Path, begin: datetime, end: datetime, mn: str | None) -> Iterator[_Noted]:
    wanted = None if mn is None else json.dumps(mn)
    for path in sorted((store / FOLDER).glob("????-??-??.jsonl")):
        if begin.date().isoformat() <= path.stem <= end.date().isoformat():
            yield from _read_lines(path.read_text(encoding="ascii", errors="replace").splitlines(), wanted)


def _read_lines(lines: Iterable[str], wanted: str | None) -> Iterator[_Noted]:
    for line in lines:
        if wanted is not None and wanted not in line:
            continue
        try:
            received, mn, peer, verdict, segment, offset = json.loads(line)
        except ValueError:
            continue
        yield Place(segment, offset), received, mn, peer, verdict


def _read_undigested(store: Path) -> Iterator[_Noted]:
    done = read_place(read_state(store)["done"])
    for path in list_segments(store / SEGMENTS, "" if done is None else done.segment.partition("/")[0]):
        name = segment_name(path)
        if done is not None and name < done.segment:
            continue
        begin = done.offset if done is not None and name == done.segment else 0
        for place, record in read_segment(path, begin):
            if record.verdict:
                yield place, record.received, record.mn, record.peer, record.verdict
