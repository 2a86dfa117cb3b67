"""The emergency list as it is stored: one JSON text, the same for the same list whatever the order of its rows was.

Where its rows stood in their workbook lies beside it, so that a list that was only sorted anew keeps its digest.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from muheng.emergency.inventory.model import (
    Filed,
    Firm,
    Inventory,
    Line,
    Mass,
    Offer,
    Source,
    Transport,
)

FORMAT = 1
_LIST = "list.json"
_PLACES = "places.json"


def to_bytes(inventory: Inventory) -> bytes:
    """The list as canonical JSON, without the places."""
    content = {
        "format": FORMAT,
        "title": inventory.title,
        "firms": _table(Firm, inventory.firms),
        "lines": _table(Line, inventory.lines),
        "offers": _table(Offer, inventory.offers),
        "filed": _table(Filed, inventory.filed),
        "transport": _table(Transport, inventory.transport),
        "base": _table(Source, inventory.base),
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return text.encode()


def from_bytes(content: bytes) -> Inventory:
    """What `to_bytes` gave. Raises ValueError, KeyError or TypeError for anything else."""
    held = json.loads(content)
    if held["format"] != FORMAT:
        raise ValueError(f"format {held['format']} of a list is not known")
    return Inventory(
        held["title"],
        tuple(_firm(row) for row in _rows(held["firms"])),
        tuple(_line(row) for row in _rows(held["lines"])),
        tuple(_with_cut(Offer, row) for row in _rows(held["offers"])),
        tuple(_with_cut(Filed, row) for row in _rows(held["filed"])),
        tuple(Transport(**row) for row in _rows(held["transport"])),
        tuple(_source(row) for row in _rows(held["base"])),
    )


def to_folder(inventory: Inventory, folder: Path) -> None:
    """Write `list.json` and `places.json`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _LIST).write_bytes(to_bytes(inventory))
    places = [[*key, place] for key, place in sorted(inventory.places.items())]
    (folder / _PLACES).write_text(
        json.dumps(places, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )


def from_folder(folder: Path) -> Inventory:
    """What `to_folder` wrote. Raises OSError, ValueError, KeyError or TypeError for anything else."""
    inventory = from_bytes((folder / _LIST).read_bytes())
    held = json.loads((folder / _PLACES).read_text(encoding="utf-8"))
    places = {(kind, key): place for kind, key, place in held}
    return Inventory(
        **{each.name: getattr(inventory, each.name) for each in fields(Inventory) if each.name != "places"},
        places=places,
    )


def _table(kind: type[Any], values: Iterable[Any]) -> dict[str, Any]:
    """Names of columns once, then the rows."""
    names = [each.name for each in fields(kind)]
    read = attrgetter(*names)
    return {"columns": names, "rows": [read(value) for value in values]}


def _plain(value: object) -> object:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value)} has no place in a list")


def _rows(table: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    columns = table["columns"]
    return (dict(zip(columns, row, strict=True)) for row in table["rows"])


def _mass(amounts: Any) -> Mass:
    so2, nox, pm, voc = amounts
    return so2, nox, pm, voc


def _firm(row: dict[str, Any]) -> Firm:
    until = row["grade_until"]
    row["grade_until"] = None if until is None else datetime.date.fromisoformat(until)
    row["permitted"] = tuple(row["permitted"])
    return Firm(**row)


def _line(row: dict[str, Any]) -> Line:
    row["yearly"], row["daily"], row["serves"] = (
        tuple(row["yearly"]),
        _mass(row["daily"]),
        tuple(row["serves"]),
    )
    return Line(**row)


def _with_cut(kind: type[Any], row: dict[str, Any]) -> Any:
    if row["cut"] is not None:
        row["cut"] = _mass(row["cut"])
    return kind(**row)


def _source(row: dict[str, Any]) -> Source:
    cuts = {level: _mass(cut) for level, cut in row["cut"].items()}
    return Source(row["name"], _mass(row["emission"]), cuts)
