"""What was recognised of each sheet, column by column, for a person to look at and to mend.

Says what intake will do with a sheet; reads no figure and finds no problem in the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.header import Header, Matched, Remark, UnitSource, Unrecognised
from muheng.intake.layout import Sheet
from muheng.intake.sheet_fix import SheetFix
from muheng.intake.tables import TextTable

SAMPLES = 3


@dataclass(frozen=True)
class ColumnView:
    """One column of a sheet. `header` is its text as found, "" for none; `column` the declared column that it
    was taken for, None when it is not read; `items` are what its figures become; `unit` is they are in, `into` what they are converted to.
    """

    letters: str
    header: str
    column: str | None
    items: tuple[str, ...]
    unit: str | None
    into: str | None
    unit_from: UnitSource | None
    matched: Matched | None
    samples: tuple[str, ...]
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class SheetView:
    """One sheet, or a file without any that could be read (`sheet` is None).

    `layout` and `kind` are None when it was not recognised; then `what` says why. `header_row` is 1-based, 0
    for none; `height` counts all rows, `rows` those below the header, blank ones included. `remarks` are about the sheet as a whole.
    """

    file: str
    sheet: str | None
    layout: str | None
    kind: str | None
    department: str | None
    header_row: int
    height: int
    rows: int
    columns: tuple[ColumnView, ...]
    lacking: tuple[str, ...]
    remarks: tuple[Remark, ...]
    what: Message | None
    fix: Message | None
    ignored: bool
    fixed: bool


def view_sheet(
    table: TextTable, header: Header | Unrecognised, lacking: tuple[str, ...], fix: SheetFix | None
) -> SheetView:
    """A sheet as it was recognised; `lacking` are the columns without which it cannot be read."""
    fixed = fix is not None
    if isinstance(header, Unrecognised):
        return SheetView(
            table.file,
            table.sheet,
            None,
            None,
            None,
            header.row,
            table.frame.height,
            table.frame.height - header.row,
            tuple(_view_column(table, header.row, letters, header.texts) for letters in table.frame.columns),
            (),
            (),
            header.what,
            header.fix,
            False,
            fixed,
        )
    what = say("{columns} 不能用，整张表没有读。", columns=_quoted(lacking)) if lacking else None
    return SheetView(
        table.file,
        table.sheet,
        header.layout.id,
        header.kind,
        header.layout.department,
        header.row,
        table.frame.height,
        table.frame.height - header.first_row + 1,
        tuple(_view_read_column(table, header, letters) for letters in table.frame.columns),
        lacking,
        tuple(remark for remark in header.remarks if remark.letters is None),
        what,
        None,
        False,
        fixed,
    )


def view_ignored(table: TextTable) -> SheetView:
    """A sheet that a person said is not to be read."""
    columns = tuple(_view_column(table, 0, letters, {}) for letters in table.frame.columns)
    return SheetView(
        table.file, table.sheet, None, None, None, 0, table.frame.height, table.frame.height, columns, (), (),
        None, None, True, True,
    )  # fmt: skip


def view_unread(file: str, what: Message, fix: Message | None) -> SheetView:
    """A file of which no sheet could be read."""
    return SheetView(file, None, None, None, None, 0, 0, 0, (), (), (), what, fix, False, False)


def _quoted(names: tuple[str, ...]) -> str:
    return "、".join(f"“{name}”" for name in names)


def _view_column(table: TextTable, row: int, letters: str, texts: Mapping[str, str]) -> ColumnView:
    samples = _samples(table.frame, letters, row)
    return ColumnView(letters, texts.get(letters, ""), None, (), None, None, None, None, samples, ())


def _view_read_column(table: TextTable, header: Header, letters: str) -> ColumnView:
    name = next((name for name, found in header.columns.items() if found.letters == letters), None)
    remarks = tuple(remark for remark in header.remarks if remark.letters == letters)
    samples = _samples(table.frame, letters, header.first_row - 1)
    text = header.texts.get(letters, "")
    if name is None:
        return ColumnView(letters, text, None, (), None, None, None, None, samples, remarks)
    found, declared = header.columns[name], header.sheet.columns[name]
    unit = found.unit.symbol if found.unit is not None else None
    return ColumnView(
        letters,
        text,
        name,
        _items(header.sheet, name),
        unit,
        declared.unit,
        found.unit_from,
        found.matched,
        samples,
        remarks,
    )


def _items(sheet: Sheet, column: str) -> tuple[str, ...]:
    own = sheet.columns[column].item
    given = [item for party in sheet.subjects.values() for item, by in party.gives.items() if by == column]
    return tuple([own] if own is not None else []) + tuple(given)


def _samples(frame: pl.DataFrame, letters: str, above: int) -> tuple[str, ...]:
    return tuple(frame.get_column(letters).slice(above).drop_nulls().head(SAMPLES).to_list())
