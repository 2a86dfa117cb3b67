"""From segments to values: what was received since the last time, taken up once and only once.

``digest.json`` says how far it came. Before anything is written the same file says what is about to be done, so that after a
crash at any point exactly that is done again, into the same files. Only one digest of a store runs at a time. Nothing here
judges a value, and the site's database is fed from ``fresh``, not from here.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from muheng.documents.message import say
from muheng.monitoring.dialogue.devices import FILE, DevicesRefused, read_devices
from muheng.monitoring.hj212.decoding import Keys
from muheng.monitoring.hj212.parts import PATIENCE, Assembly, Joined
from muheng.monitoring.store.cursor import read_place, read_state, write_state
from muheng.monitoring.store.quarantine import note_refused, remove_notes
from muheng.monitoring.store.rows import Piece, Taken, read_joined, read_rows, to_local
from muheng.monitoring.store.segments import (
    CHINA,
    LINK,
    Place,
    StoreError,
    list_segments,
    read_from,
    read_record,
    segment_name,
    segment_path,
    split_batch,
    walk_batches,
)
from muheng.monitoring.store.values import (
    FRESH,
    compact,
    day_folder,
    list_days,
    merge_small,
    remove_fresh,
    write_fresh,
    write_part,
)

SEGMENTS = "segments"
MOST = 50_000
KEEP_FRESH = timedelta(days=7)
KEEP_NOTES = timedelta(days=31)
"""Of what was refused."""
MOST_LOCKED = 10_000
"""So many enciphered frames wait for a key; they stay in their segments in any case."""


class Digested(NamedTuple):
    """``records`` read, ``rows`` of values found, ``parts`` written (names of files), ``up_to`` where it came."""

    records: int
    rows: int
    parts: list[str]
    up_to: Place | None


def digest(store: Path, now: datetime, most: int = MOST) -> Digested:
    """Takes up at least one batch where there is one, and about ``most`` records at most."""
    with _alone(store):
        state = read_state(store)
        folder = store / SEGMENTS
        done = read_place(state["done"])
        list_mark = _mark(store / FILE)
        retry = bool(state["locked"]) and state["list"] != list_mark
        if state["doing"] is None:
            taken, up_to = _read_range(folder, done, None, most)
            expired = _is_any_expired(folder, state["parts"], now)
            if not taken and not retry and not expired:
                _tidy(store, now, state)
                return Digested(0, 0, [], up_to)
            doing = {"to": up_to, "now": _local(now).isoformat(), "retry": retry}
            write_state(store, {**state, "doing": doing})
        else:
            doing = state["doing"]
            taken, up_to = _read_range(folder, done, read_place(doing["to"]), most)
        note_refused(store, taken)
        rows, pieces, locked = _take(store, state, doing, taken)
        serial, written = state["serial"], []
        if len(rows):
            serial += 1
            written = [path.name for path in write_part(store, serial, rows)]
            write_fresh(store, serial, rows)
        state |= {
            "done": up_to,
            "serial": serial,
            "parts": pieces,
            "locked": locked,
            "list": list_mark,
            "doing": None,
        }
        write_state(store, state)
        for day in rows["time"].dt.date().unique().sort().to_list():
            merge_small(store, day)
        _tidy(store, now, state)
        return Digested(len(taken), len(rows), written, up_to)


def _take(
    store: Path, state: dict[str, Any], doing: dict[str, Any], taken: list[Taken]
) -> tuple[pl.DataFrame, list[Place], list[Place]]:
    """Values, and the places of parts and of enciphered frames that still wait."""
    folder = store / SEGMENTS
    keys = _find_keys(store)
    locked = [Place(*place) for place in state["locked"]]
    again = _reread(folder, locked) if doing["retry"] else []
    found = read_rows([*again, *taken], keys)
    kept = found.locked if doing["retry"] else [*locked, *found.locked]
    earlier = read_rows(_reread(folder, [Place(*place) for place in state["parts"]]), keys)
    frames, pieces = _assemble([*earlier.parts, *found.parts], datetime.fromisoformat(doing["now"]))
    return pl.concat([found.rows, *frames]), pieces, kept[-MOST_LOCKED:]


def _assemble(pieces: Sequence[Piece], now: datetime) -> tuple[list[pl.DataFrame], list[Place]]:
    """Messages that are whole, or given up, and the places of the parts that wait on."""
    assembly = Assembly()
    waiting: dict[int, Piece] = {}
    frames = []

    def settle(messages: list[Joined]) -> None:
        for joined in messages:
            own = [waiting.pop(id(packet)) for packet in joined.parts]
            latest = max(own, key=lambda piece: piece.place)
            frames.append(read_joined(joined, latest.place, latest.record))

    pieces = sorted(pieces, key=lambda piece: piece.place)
    for piece in pieces:
        waiting[id(piece.packet)] = piece
        settle(assembly.add(piece.packet, to_local(piece.record.received)))
    settle(assembly.expire(now))
    if not assembly.waiting:
        return frames, []
    # What came twice waits for nothing, and is let go when its time is over.
    horizon = now - PATIENCE
    return frames, [piece.place for piece in waiting.values() if to_local(piece.record.received) >= horizon]


# -- reading ---------------------------------------------------------------------------------------------------------


def _read_range(
    folder: Path, done: Place | None, to: Place | None, most: int
) -> tuple[list[Taken], Place | None]:
    """Records after ``done``: to ``to``, or as far as they are durable and about ``most``; and how far that is."""
    taken: list[Taken] = []
    for path in list_segments(folder, "" if done is None else done.segment.partition("/")[0]):
        name = segment_name(path)
        if done is not None and _number(name) < _number(done.segment):
            continue
        if to is not None and _number(name) > _number(to.segment):
            break
        begin = done.offset if done is not None and name == done.segment else 0
        if begin > path.stat().st_size:
            begin = 0  # an older copy of the segment was put back
        base, data = _read_durable(path, begin)
        for batch in walk_batches(data, LINK if base else 0):
            if not batch.whole or base + batch.begin < begin:
                continue
            if to is not None and name == to.segment and base + batch.end > to.offset:
                break
            if to is None and len(taken) >= most:
                return taken, done
            taken += [(Place(name, base + at), record) for at, record in split_batch(data, batch)]
            done = Place(name, base + batch.end)
    return taken, done


def _number(segment: str) -> str:
    return segment.partition("/")[2]


def _read_durable(path: Path, begin: int) -> tuple[int, bytes]:
    """What would still be there after a power failure: nothing else may be remembered as done."""
    base, data = read_from(path, begin)
    if len(data) > LINK:
        file = os.open(path, os.O_RDONLY)
        try:
            os.fdatasync(file)
        finally:
            os.close(file)
    return base, data


def _reread(folder: Path, places: list[Place]) -> list[Taken]:
    taken = []
    for place in places:
        record = read_record(segment_path(folder, place.segment), place.offset)
        if record is not None:
            taken.append((place, record))
    return taken


def _is_any_expired(folder: Path, places: list[list[Any]], now: datetime) -> bool:
    received = [record.received for _, record in _reread(folder, [Place(*each) for each in places[:1]])]
    return bool(places) and (not received or to_local(received[0]) + PATIENCE < _local(now))


def _find_keys(store: Path) -> Keys:
    """Read when the first enciphered frame asks; a list that cannot be read has no keys, and the frames wait for it."""

    @cache
    def load() -> Callable[[str], bytes | None]:
        try:
            devices = read_devices(store / FILE)
        except (OSError, DevicesRefused):
            return lambda mn: None
        return lambda mn: devices[mn].key if mn in devices else None

    return lambda mn: load()(mn)


# -- where it stands -------------------------------------------------------------------------------------------------


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    store.mkdir(parents=True, exist_ok=True)
    lock = os.open(store / ".digest.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(say("{folder} 正由另一个进程整理。", folder=store)) from None
        yield
    finally:
        os.close(lock)


def _local(now: datetime) -> datetime:
    """In China, without a zone."""
    return now if now.tzinfo is None else now.astimezone(CHINA).replace(tzinfo=None)


def _mark(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns}-{found.st_size}"


def _tidy(store: Path, now: datetime, state: dict[str, Any]) -> None:
    """Once an hour: days that are over become few files, what was left half written and old news go."""
    local = _local(now)
    hour = local.isoformat(timespec="hours")
    if hour == state["tidied"]:
        return
    for folder in (store / FRESH, *(day_folder(store, day) for day in list_days(store))):
        for draft in folder.glob("*.draft"):
            draft.unlink()
    for day in list_days(store):
        if day < local.date() - timedelta(days=1):
            compact(store, day)
    remove_fresh(store, local.replace(tzinfo=CHINA), KEEP_FRESH)
    remove_notes(store, local.date() - KEEP_NOTES)
    write_state(store, {**state, "tidied": hour})
