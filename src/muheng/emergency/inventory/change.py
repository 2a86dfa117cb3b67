"""What is different between two emergency lists, for the yearly revision: rows that came, went, or say something else.

Compares by credit code, line and level, in the words of the workbook's columns. Does not say which list is right.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from muheng.emergency.inventory import cells, sheets
from muheng.emergency.inventory.cells import Cell
from muheng.emergency.inventory.model import Inventory
from muheng.intake.layout import Column
from muheng.standards.rounding import format_trimmed

Key = tuple[str, ...]
_LEVELS = tuple(sheets.LEVELS.values())


@dataclass(frozen=True)
class FieldChange:
    """A column that says something else; empty where nothing stood."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """A row of ``sheet``; ``name`` is what a person calls it, ``fields`` what changed in a row that is in both."""

    sheet: str
    what: Literal["added", "gone", "changed"]
    firm: str | None
    line: str | None
    name: str
    fields: tuple[FieldChange, ...] = ()


def compare(before: Inventory, after: Inventory) -> list[Change]:
    """All changes, in the order of the workbook's sheets and of their keys."""
    changes: list[Change] = []
    for sheet in (
        sheets.FIRMS,
        sheets.LINES,
        sheets.OFFERS,
        sheets.FILED,
        sheets.TRANSPORT,
        sheets.BASE,
    ):
        old, new = _rows(before, sheet), _rows(after, sheet)
        declared = sheets.written_columns(sheet)
        # An enterprise that took another name changed once, not in each of its rows.
        columns = {
            name: column for name, column in declared.items() if sheet == sheets.FIRMS or name != sheets.NAME
        }
        for key in sorted(old.keys() | new.keys()):
            if key not in old:
                changes.append(_change(sheet, "added", key, new[key]))
            elif key not in new:
                changes.append(_change(sheet, "gone", key, old[key]))
            else:
                fields = tuple(_compare_cells(old[key], new[key], columns))
                if fields:
                    changes.append(_change(sheet, "changed", key, new[key], fields))
    return changes


def _rows(inventory: Inventory, sheet: str) -> dict[Key, Mapping[str, Cell]]:
    given: Mapping[str, Iterable[Mapping[str, Cell]]] = {
        sheets.FIRMS: map(cells.firm_cells, inventory.firms),
        sheets.LINES: cells.line_rows(inventory),
        sheets.OFFERS: cells.offer_rows(inventory),
        sheets.FILED: cells.filed_rows(inventory),
        sheets.TRANSPORT: cells.transport_rows(inventory),
        sheets.BASE: map(cells.source_cells, inventory.base),
    }
    seen: Counter[Key] = Counter()
    rows: dict[Key, Mapping[str, Cell]] = {}
    for row in given[sheet]:
        key = _key(sheet, row)
        seen[key] += 1
        if sheet == sheets.FILED:
            # One measure at a level as a rule: what it is may change. Several are told apart by their order.
            key = (*key, str(seen[key]))
        rows[key] = row
    return rows


def _key(sheet: str, row: Mapping[str, Cell]) -> Key:
    columns = {
        sheets.FIRMS: (sheets.CODE,),
        sheets.LINES: (sheets.CODE, sheets.NUMBER),
        sheets.OFFERS: (sheets.CODE, sheets.NUMBER, "措施名称"),
        sheets.FILED: (sheets.CODE, sheets.NUMBER, "预警级别"),
        sheets.TRANSPORT: (sheets.CODE,),
        sheets.BASE: ("排放源",),
    }
    key = tuple(str(row[column]) for column in columns[sheet])
    return key if sheet != sheets.FILED else (*key[:2], str(_LEVELS.index(key[2])))


def _change(
    sheet: str,
    what: Literal["added", "gone", "changed"],
    key: Key,
    row: Mapping[str, Cell],
    fields: tuple[FieldChange, ...] = (),
) -> Change:
    if sheet == sheets.BASE:
        return Change(sheet, what, None, None, key[0], fields)
    line = f"{key[0]}-{key[1]}" if len(key) > 1 else None
    words = (
        row.get(sheets.NAME),
        row.get("生产线名称") or (key[1] if len(key) > 1 else None),
        row.get("预警级别"),
        row.get("措施名称"),
    )
    return Change(sheet, what, key[0], line, " · ".join(str(word) for word in words if word), fields)


def _compare_cells(
    old: Mapping[str, Cell], new: Mapping[str, Cell], columns: Mapping[str, Column]
) -> Iterator[FieldChange]:
    for name, column in columns.items():
        before, after = _show(old.get(name), column), _show(new.get(name), column)
        if before != after:
            yield FieldChange(name.replace("|", " "), before, after)


def _show(value: Cell, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    if column.unit == "%":
        return f"{format_trimmed(value, 1)}%"
    text = format_trimmed(value, column.scale)
    return text if column.unit == "1" else f"{text} {column.unit}"
