"""``plants.csv``: what simulated devices are to measure, where the list of devices belongs to outlets that somebody knows.

One line a device: MN, kind, reference oxygen (may be empty), limits as ``a21026=35;a21002=50``. Devices without a line get a
plant by their number. A real device needs none of this.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import get_args
from zlib import crc32

from muheng.documents.message import Refusal, say
from muheng.monitoring.plant import Kind, Plant

FILE = "plants.csv"
COLUMNS = ("mn", "kind", "reference_oxygen", "limits")


def read_plants(path: Path, seed: int = 1) -> dict[str, Plant]:
    """By MN. Raises Refusal with the line of what cannot be read, and OSError."""
    rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), restval="")
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        what = say("{file} 缺少列 {names}。", file=path, names="、".join(missing))
        raise Refusal(what, say("第一行写表头：{columns}", columns=",".join(COLUMNS)))
    plants = {}
    for row in rows:
        try:
            plants[row["mn"]] = _read_plant(row, seed)
        except (ValueError, TypeError) as error:
            raise Refusal(
                say("{file} 第 {line} 行读不出来。", file=path, line=rows.line_num),
                say(
                    "kind 写 {kinds}；limits 写成 a21026=35;a21002=50，用因子编码和正数。",
                    kinds="、".join(get_args(Kind)),
                ),
            ) from error
    return plants


def write_plants(path: Path, plants: Mapping[str, Plant]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for mn, plant in sorted(plants.items()):
            oxygen = "" if plant.reference_oxygen is None else f"{plant.reference_oxygen:g}"
            rows.writerow([mn, plant.kind, oxygen, _write_limits(plant.limits)])


def _read_plant(row: Mapping[str, str], seed: int) -> Plant:
    kinds: tuple[Kind, ...] = get_args(Kind)
    kind = kinds[kinds.index(row["kind"])]
    oxygen = float(row["reference_oxygen"]) if row["reference_oxygen"] else None
    if oxygen is not None and not 0 <= oxygen < 21:
        raise ValueError(oxygen)
    limits = tuple(_read_limit(text) for text in row["limits"].split(";"))
    return Plant(kind, crc32(row["mn"].encode(), seed), limits, oxygen)


def _read_limit(text: str) -> tuple[str, float]:
    factor, _, most = text.strip().partition("=")
    limit = float(most)
    if not factor.isalnum() or not isfinite(limit) or limit <= 0:
        raise ValueError(text)
    return factor, limit


def _write_limits(limits: Iterable[tuple[str, float]]) -> str:
    return ";".join(f"{factor}={most:g}" for factor, most in limits)
