"""Sheets of a results workbook, from columns to cells, in constant memory.

Knows nothing of what the columns mean. Text never becomes a formula, a link or markup; a number is written
from its scaled integer, so that the cell holds the nearest double to the exact decimal.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

MAX_ROWS = 1_000_000
SLICE = 4_096
WIDEST = 46
NOTE_COLUMNS = 6
NAME_LENGTH = 31


@dataclass(frozen=True)
class Column:
    """``values``: String, or Int64 holding value × 10**digits (null: an empty cell)."""

    title: str
    values: pl.Series
    digits: int = 0
    plain: bool = False  # a number without thousands separators: a place, a row


@dataclass(frozen=True)
class Table:
    """``lines`` stand above the header, the first as a title; ``notes`` below the rows, wrapped."""

    lines: tuple[str, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        return len(self.columns[0].values)


@dataclass(frozen=True)
class Sheet:
    """A sheet with one table has its header frozen and a filter; several tables stand below one another."""

    name: str
    tables: tuple[Table, ...]


def write_sheets(sheets: Sequence[Sheet], path: Path, created: datetime.datetime) -> None:
    """Write a workbook; the same sheets give the same bytes, and a failure leaves no half file.

    Raises OSError where the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    try:
        with part.open("wb") as stream, xlsxwriter.Workbook(stream, options) as book:
            book.set_properties({"created": created})
            formats = _Formats(book)
            taken: set[str] = set()
            for sheet in (piece for whole in sheets for piece in _pieces(whole)):
                _write_sheet(book, formats, replace(sheet, name=_free_name(sheet.name, taken)))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def cells(table: Table) -> Iterator[tuple[Any, ...]]:
    """The table's rows as Python values: text, number or None."""
    for start in range(0, table.height, SLICE):
        yield from zip(
            *(_python_values(column, column.values.slice(start, SLICE)) for column in table.columns),
            strict=True,
        )


def _python_values(column: Column, values: pl.Series) -> list[Any]:
    if values.dtype == pl.String:
        # XlsxWriter writes what looks like rich text as raw markup; a space at the end keeps it text.
        frame = values.to_frame("v")
        rich = pl.col("v").str.starts_with("<r>") & pl.col("v").str.ends_with("</r>")
        return frame.select(pl.when(rich).then(pl.col("v") + " ").otherwise("v")).to_series().to_list()
    if column.digits:
        # By numpy: Polars multiplies by a constant's reciprocal, which makes 9.950000000000001 of 9.95.
        quotients = pl.Series(values.fill_null(0).to_numpy() / 10.0**column.digits)
        return quotients.set(values.is_null(), None).to_list()
    return values.to_list()


def _pieces(sheet: Sheet) -> Iterator[Sheet]:
    """The sheet, in parts where Excel's rows would not suffice."""
    table = sheet.tables[0]
    if len(sheet.tables) > 1 or table.height <= MAX_ROWS:
        yield sheet
        return
    for number, start in enumerate(range(0, table.height, MAX_ROWS), 1):
        columns = tuple(
            replace(column, values=column.values.slice(start, MAX_ROWS)) for column in table.columns
        )
        yield Sheet(f"{sheet.name[: NAME_LENGTH - 5]} ({number})", (replace(table, columns=columns),))


def _free_name(name: str, taken: set[str]) -> str:
    """A name that Excel accepts and that no earlier sheet has."""
    cleaned = "".join("_" if letter in "[]:*?/\\" or ord(letter) < 32 else letter for letter in name)
    cleaned = _cut(cleaned.strip().strip("'") or "_", NAME_LENGTH)
    if cleaned.lower() == "history":
        cleaned += "_"
    free, number = cleaned, 1
    while free.casefold() in taken:
        number += 1
        free = f"{_cut(cleaned, NAME_LENGTH - 4)}_{number}"
    taken.add(free.casefold())
    return free


def _cut(name: str, length: int) -> str:
    """At most ``length`` UTF-16 units, which is how Excel counts."""
    while len(name.encode("utf-16-le")) > 2 * length:
        name = name[:-1]
    return name


class _Formats:
    """The workbook's cell formats, each made once."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.line = book.add_format({"font_color": "#444444"})
        self.note = book.add_format({"text_wrap": True, "valign": "top", "font_color": "#444444"})
        self.header = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#E8EDF2", "bottom": 1}
        )
        self.made: dict[str, Any] = {}

    def of(self, column: Column) -> Any:
        if column.values.dtype == pl.String:
            code = "@"
        else:
            whole = "0" if column.plain else "#,##0"
            code = f"{whole}.{'0' * column.digits}" if column.digits else whole
        if code not in self.made:
            self.made[code] = self.book.add_format({"num_format": code})
        return self.made[code]


def _write_sheet(book: Any, formats: _Formats, sheet: Sheet) -> None:
    page = book.add_worksheet(sheet.name)
    page.set_paper(9)  # A4
    page.set_landscape()
    page.fit_to_pages(1, 0)
    widths: dict[int, int] = {}
    for table in sheet.tables:
        for index, column in enumerate(table.columns):
            widths[index] = max(widths.get(index, 0), _width(column))
    alone = len(sheet.tables) == 1
    for index, width in widths.items():
        # With one table its columns carry the formats, so that empty cells have them too.
        page.set_column(index, index, width, formats.of(sheet.tables[0].columns[index]) if alone else None)
    row = 0
    for table in sheet.tables:
        row = _write_table(page, formats, table, row, alone) + 2


def _write_table(page: Any, formats: _Formats, table: Table, row: int, alone: bool) -> int:
    """Returns the row after the table."""
    for number, line in enumerate(table.lines):
        page.write_string(row, 0, line, formats.line if number else formats.title)
        row += 1
    header = row
    page.set_row(row, 32)
    for index, column in enumerate(table.columns):
        page.write_string(row, index, column.title, formats.header)
    row += 1
    writers = [
        page.write_string if column.values.dtype == pl.String else page.write_number
        for column in table.columns
    ]
    styles = [None if alone else formats.of(column) for column in table.columns]
    written = list(zip(range(len(writers)), writers, styles, strict=True))
    for values in cells(table):
        for (index, write, style), value in zip(written, values, strict=True):
            if value is not None:
                write(row, index, value, style)
        row += 1
    if alone:
        page.freeze_panes(header + 1, 0)
        page.repeat_rows(header)
        page.autofilter(header, 0, max(row - 1, header), len(table.columns) - 1)
    for note in table.notes:
        last = max(len(table.columns), NOTE_COLUMNS) - 1
        page.set_row(row, 15 * (1 + sum(map(_display_width, note)) // 100))
        page.merge_range(row, 0, row, last, note, formats.note)
        row += 1
    return row


def _width(column: Column) -> int:
    """In characters: the widest value, and the header at about half its length, as it may wrap."""
    title = sum(map(_display_width, column.title))
    if column.values.dtype == pl.String:
        texts = pl.DataFrame([column.values.alias("v")])
        # A Chinese character has three bytes and the width of two letters.
        size = (pl.col("v").str.len_bytes() + pl.col("v").str.len_chars()) // 2
        widest = texts.select(size.max()).item() or 0
    else:
        ends = [value for value in (column.values.min(), column.values.max()) if isinstance(value, int)]
        widest = max((len(str(value)) * 4 // 3 + 1 for value in ends), default=0)
    return min(max(widest + 2, min(title, 12) + 2, title // 2 + 2, 6), WIDEST)


def _display_width(letter: str) -> int:
    return 1 if ord(letter) < 0x2E80 else 2
