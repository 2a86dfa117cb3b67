"""``points.csv``: what the points of the store are called and what holds there, for whoever reads the values by themselves.

Written by who knows the points; a store without it is complete. Limits are those in force on the day of writing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = "points.csv"
COLUMNS = ("point", "name", "kind", "reference_oxygen", "factor", "most", "least")


@dataclass(frozen=True)
class StoredPoint:
    """``limits``: factor, upper and lower limit in the factor's unit."""

    id: str
    name: str
    kind: str
    reference_oxygen: float | None
    limits: tuple[tuple[str, float | None, float | None], ...]


def write_points(path: Path, points: Iterable[StoredPoint]) -> None:
    """By id; one line for each limit, one without for a point that has none."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for each in sorted(points, key=lambda point: point.id):
        head = (each.id, each.name, each.kind, _write(each.reference_oxygen))
        for factor, most, least in each.limits or (("", None, None),):
            rows.writerow((*head, factor, _write(most), _write(least)))
    new = path.with_name(path.name + ".new")
    new.write_text(text.getvalue(), encoding="utf-8", newline="")
    new.replace(path)


def read_points(path: Path) -> dict[str, StoredPoint]:
    """By id; none where there is no file. Raises ValueError for a file that was not written here."""
    if not path.is_file():
        return {}
    found: dict[str, StoredPoint] = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path.name}: {rows.fieldnames}")
        for row in rows:
            known = found.get(row["point"])
            limits = () if known is None else known.limits
            if row["factor"]:
                limits = (*limits, (row["factor"], _read(row["most"]), _read(row["least"])))
            oxygen = _read(row["reference_oxygen"])
            found[row["point"]] = StoredPoint(row["point"], row["name"], row["kind"], oxygen, limits)
    return found


def _write(number: float | None) -> str:
    return "" if number is None else f"{number:.12g}"


def _read(text: str) -> float | None:
    return float(text) if text else None
