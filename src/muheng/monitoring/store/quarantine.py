"""What was not taken, newest first: for whoever finds out why a device's data are missing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from muheng.monitoring.store.rows import to_local
from muheng.monitoring.store.segments import (
    Place,
    list_segments,
    read_seal,
    read_segment,
)

SEGMENTS = "segments"


class Refused(NamedTuple):
    """``reasons``: codes of the receiver. ``received``: in China, without a zone."""

    place: Place
    received: datetime
    mn: str
    peer: str
    reasons: tuple[str, ...]
    raw: bytes


def list_quarantine(
    store: Path, begin: datetime, end: datetime, mn: str | None = None, most: int = 1000
) -> list[Refused]:
    """Received from ``begin`` to before ``end``, local times; at most ``most``, the newest."""
    found: list[Refused] = []
    for path in reversed(list_segments(store / SEGMENTS)):
        seal = read_seal(path)
        if path.parent.name > end.date().isoformat() or (seal is not None and not any(seal["verdicts"])):
            continue
        if seal is not None and datetime.fromisoformat(seal["end"]).replace(tzinfo=None) < begin:
            break
        rows = [
            Refused(place, received, record.mn, record.peer, tuple(record.verdict.split()), record.raw)
            for place, record in read_segment(path)
            if record.verdict
            and (mn is None or record.mn == mn)
            and begin <= (received := to_local(record.received)) < end
        ]
        found += reversed(rows)
        if len(found) >= most:
            break
    return found[:most]
