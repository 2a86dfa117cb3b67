"""What is to be locked as evidence, as whoever locks it knows it. Frames and values are taken from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from muheng.monitoring.store.values import Kind

JUDGED = pl.Schema(
    {
        "time": pl.Datetime("us"),
        "factor": pl.String(),
        "limit": pl.Float64(),
        "ratio": pl.Float64(),
        "verdict": pl.String(),
    }
)
MARKS = ("begin", "end", "factor", "mark", "reason", "by", "at")
ANSWERS = ("at", "by", "text")
STEPS = ("at", "step", "by", "note")

Row = Mapping[str, object]


@dataclass(frozen=True)
class Photo:
    """``name`` as the file is to be called; ``taken`` and ``note`` as they were given with it."""

    name: str
    data: bytes
    taken: str = ""
    by: str = ""
    note: str = ""


@dataclass(frozen=True)
class Request:
    """``begin`` to before ``end``: DataTime, local in China, without a zone; ``sealed`` has one.

    ``event``, ``outlet`` and ``limits`` stand in the manifest as given; see ``name_event``. ``rules``: files by name, of which the SHA-256 is
    kept. ``judged``: what was said of each hour and factor, with JUDGED's columns; it is put beside the values of that hour.
    Rows of ``marks``, ``answers`` and ``steps`` have the columns of MARKS, ANSWERS and STEPS.
    """

    event: Row
    outlet: Row
    mn: str
    begin: datetime
    end: datetime
    operator: str
    sealed: datetime
    kinds: Sequence[Kind] = ("minute", "hour")
    limits: Sequence[Row] = ()
    rules: Mapping[str, bytes] = field(default_factory=dict)
    judged: pl.DataFrame | None = None
    marks: Sequence[Row] = ()
    answers: Sequence[Row] = ()
    steps: Sequence[Row] = ()
    photos: Sequence[Photo] = ()


def name_event(event: Row) -> str:
    """By its number and its title or name."""
    return _join(event, "number", "title", "name")


def name_outlet(outlet: Row) -> str:
    """By whose it is and its name."""
    return _join(outlet, "enterprise", "name")


def _join(about: Row, *keys: str) -> str:
    return " ".join(str(about[key]) for key in keys if about.get(key))
