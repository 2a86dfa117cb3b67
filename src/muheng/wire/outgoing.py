"""What goes out to a province, packet by packet, and how far it has gone: messages of what the digests found.

A message is JSON: ``mn``, ``cn``, ``kind``, ``datatime`` (as devices write times), ``received``, ``late``, ``factors`` (code →
``value``, ``least``, ``most``, ``total``, ``converted``, ``flag``, only what there is), ``segment`` and ``offset`` of its raw frame.
What is in quarantine does not go out. Nothing is sent here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from muheng.monitoring.store.rows import KINDS
from muheng.monitoring.store.segments import CHINA
from muheng.monitoring.store.values import list_fresh, replace_durably

FILE = "broker.json"
ROOT = "hj212"
_COMMANDS = {kind: command for command, kind in KINDS.items()}
_FIGURES = ("value", "least", "most", "total", "converted", "flag")
_ABOUT = ("segment", "offset", "time", "mn", "kind", "late", "received")
_UNFIT = re.compile(r"[^0-9A-Za-z_-]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Outgoing(NamedTuple):
    """``id`` is the same whenever the same packet is sent."""

    subject: str
    id: str
    payload: bytes


@dataclass(frozen=True)
class Cursor:
    """Of the ``fresh`` files all up to ``serial`` are out, and of the next one ``index`` messages.

    ``sent`` counts messages; ``refused`` those that are too long for the broker; ``missed`` files that were removed before
    their turn came. ``error`` says why it does not go on, ``at`` since when.
    """

    serial: int = 0
    index: int = 0
    sent: int = 0
    refused: int = 0
    missed: int = 0
    error: str = ""
    at: str = ""


def read_cursor(store: Path) -> Cursor:
    """A file that cannot be read begins anew; how far the broker has come tells ``find_message`` then."""
    try:
        found = json.loads((store / FILE).read_bytes())
        return Cursor(**found)
    except (FileNotFoundError, ValueError, TypeError):
        return Cursor()


def has_lost_its_place(store: Path, cursor: Cursor) -> bool:
    """It begins anew, or the store was digested anew: serials have begun from 1 again."""
    waiting = list_fresh(store)
    return bool(waiting) and (cursor.serial + cursor.index == 0 or waiting[-1][0] < cursor.serial)


def find_message(store: Path, wanted: str) -> Cursor | None:
    """The cursor for when the message of this id is out; None where no ``fresh`` file has it any more."""
    segment, offset, _ = wanted.rsplit(":", 2)
    for serial, path in reversed(list_fresh(store)):
        rows = pl.read_parquet(path)
        if rows.filter(segment=segment, offset=int(offset)).is_empty():
            continue
        ids = [message.id for message in make_messages(rows)]
        if wanted in ids:
            index = ids.index(wanted) + 1
            return Cursor(serial - 1, index) if index < len(ids) else Cursor(serial)
    return None


def write_cursor(store: Path, cursor: Cursor) -> None:
    draft = store / (FILE + ".draft")
    draft.write_text(json.dumps(cursor.__dict__), encoding="utf-8")
    replace_durably(draft, store / FILE)


def read_batches(store: Path, cursor: Cursor, most: int) -> Iterator[tuple[list[Outgoing], Cursor]]:
    """What waits, at most so many messages at a time, each time with the cursor for when they are out."""
    waiting = list_fresh(store)
    if waiting and waiting[-1][0] < cursor.serial:
        cursor = replace(cursor, serial=0, index=0)
    for serial, path in waiting:
        if serial <= cursor.serial:
            continue
        if cursor.serial and serial > cursor.serial + 1:
            missed = cursor.missed + serial - cursor.serial - 1
            cursor = replace(cursor, serial=serial - 1, index=0, missed=missed)
        messages = list(make_messages(pl.read_parquet(path)))
        for at in range(cursor.index, len(messages), most):
            some = messages[at : at + most]
            cursor = replace(cursor, serial=serial - 1, index=at + len(some), sent=cursor.sent + len(some))
            if cursor.index == len(messages):
                cursor = replace(cursor, serial=serial, index=0)
            yield some, cursor
        cursor = replace(cursor, serial=serial, index=0)


def make_messages(rows: pl.DataFrame) -> Iterator[Outgoing]:
    """One for each packet, always in the same order; a message in parts is one where its parts agree about the time."""
    rows = rows.select(*_ABOUT, "factor", *_FIGURES).sort("segment", "offset", "time", maintain_order=True)
    for about, some in groupby(rows.iter_rows(), key=lambda row: row[: len(_ABOUT)]):
        yield _make_message(dict(zip(_ABOUT, about, strict=True)), [row[len(_ABOUT) :] for row in some])


def _make_message(about: dict[str, Any], items: list[tuple[Any, ...]]) -> Outgoing:
    time = f"{about['time']:%Y%m%d%H%M%S}"
    received = (_EPOCH + timedelta(microseconds=about["received"])).astimezone(CHINA)
    factors = {
        code: {name: figure for name, figure in zip(_FIGURES, figures, strict=True) if figure is not None}
        for code, *figures in items
    }
    contents = {
        "mn": about["mn"],
        "cn": _COMMANDS[about["kind"]],
        "kind": about["kind"],
        "datatime": time,
        "received": received.isoformat(timespec="milliseconds"),
        "late": about["late"],
        "factors": factors,
        "segment": about["segment"],
        "offset": about["offset"],
    }
    subject = f"{ROOT}.{about['kind']}.{_UNFIT.sub('_', about['mn'])}"
    payload = json.dumps(contents, ensure_ascii=False, separators=(",", ":")).encode()
    return Outgoing(subject, f"{about['segment']}:{about['offset']}:{time}", payload)
