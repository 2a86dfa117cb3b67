"""Sheets of a results workbook: what stands where, and how it looks. Knows nothing of what the columns mean.

XlsxWriter lays the workbook out with an empty first and last row for each table; the rows between are written
as XML by ``rows`` and streamed into the file, which is several times faster than cell by cell and needs no
more memory for more rows.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import polars as pl
import xlsxwriter

from muheng.reports.rows import Column, write_rows
from muheng.reports.whole_file import write_whole

MAX_ROWS = 1_000_000
MAX_CELLS = 15_000_000
"""In one sheet: more would pass the 2 GiB that a part of the file may have without zip64."""
WIDEST = 46
NOTE_COLUMNS = 6
UPRIGHT = 7
PRINTABLE = 16
"""Columns that fit on an upright and on a lying page of A4."""
NAME_LENGTH = 31


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


@dataclass(frozen=True)
class _Gap:
    """Where a table's rows belong: sheet rows ``first`` to ``last``, 1-based."""

    table: Table
    first: int

    @property
    def last(self) -> int:
        return self.first + self.table.height - 1


def write_sheets(sheets: Sequence[Sheet], path: Path, created: datetime.datetime) -> None:
    """Write a workbook; the same sheets give the same bytes, and a failure leaves no half file.

    Raises OSError where the file cannot be written.
    """
    layout = io.BytesIO()
    gaps = _lay_out(sheets, layout, created)
    with write_whole(path) as stream:
        _fill(layout, gaps, stream)


def _lay_out(sheets: Sequence[Sheet], layout: IO[bytes], created: datetime.datetime) -> list[list[_Gap]]:
    """Write everything but the tables' rows; returns the gaps of each sheet."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(layout, options) as book:
        book.set_properties({"created": created})
        formats = _Formats(book)
        taken: set[str] = set()
        return [
            _write_sheet(book, formats, replace(piece, name=_free_name(piece.name, taken)))
            for sheet in sheets
            for piece in _pieces(sheet)
        ]


def _fill(layout: IO[bytes], gaps: Sequence[Sequence[_Gap]], stream: IO[bytes]) -> None:
    """Copy the workbook, with the tables' rows in their gaps."""
    by_part = {f"xl/worksheets/sheet{number}.xml": given for number, given in enumerate(gaps, 1)}
    with zipfile.ZipFile(layout) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            with target.open(_dateless(entry), "w") as part:
                if not by_part.get(entry.filename):
                    part.write(content)
                    continue
                for piece in _filled(content.decode(), by_part[entry.filename]):
                    part.write(piece.encode())


def _dateless(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _filled(text: str, gaps: Sequence[_Gap]) -> Iterator[str]:
    """The sheet's XML with every gap's first to last row replaced."""
    done = 0
    for gap in gaps:
        start = text.index(f'<row r="{gap.first}"', done)
        end = text.index("</row>", text.index(f'<row r="{gap.last}"', start)) + len("</row>")
        first_row = text[start : text.index("</row>", start)]
        yield text[done:start]
        yield from write_rows(gap.table.columns, re.findall(r' s="(\d+)"', first_row), gap.first)
        done = end
    yield text[done:]


def _pieces(sheet: Sheet) -> Iterator[Sheet]:
    """The sheet, in parts where Excel's rows would not suffice."""
    table = sheet.tables[0]
    most = min(MAX_ROWS, MAX_CELLS // len(table.columns))
    if len(sheet.tables) > 1 or table.height <= most:
        yield sheet
        return
    for number, start in enumerate(range(0, table.height, most), 1):
        columns = tuple(replace(column, values=column.values.slice(start, most)) for column in table.columns)
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
        header = {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#E8EDF2", "bottom": 1}
        self.header = book.add_format(header)
        self.number_header = book.add_format({**header, "align": "right"})
        self.made: dict[str, Any] = {}

    def of(self, column: Column) -> Any:
        if column.is_text:
            code = "@"
        else:
            whole = "0" if column.plain else "#,##0"
            code = f"{whole}.{'0' * column.digits}" if column.digits else whole
        if code not in self.made:
            self.made[code] = self.book.add_format({"num_format": code})
        return self.made[code]


def _write_sheet(book: Any, formats: _Formats, sheet: Sheet) -> list[_Gap]:
    page = book.add_worksheet(sheet.name)
    page.set_paper(9)  # A4
    many = max(len(table.columns) for table in sheet.tables)
    if many > UPRIGHT:
        page.set_landscape()
    if many <= PRINTABLE:
        page.fit_to_pages(1, 0)
    widths: dict[int, int] = {}
    for table in sheet.tables:
        for index, column in enumerate(table.columns):
            widths[index] = max(widths.get(index, 0), _width(column))
    alone = len(sheet.tables) == 1
    for index, width in widths.items():
        # With one table its columns carry the formats, so that empty cells have them too.
        page.set_column(index, index, width, formats.of(sheet.tables[0].columns[index]) if alone else None)
    gaps: list[_Gap] = []
    row = 0
    for table in sheet.tables:
        row = _write_table(page, formats, table, row, alone, gaps) + 2
    return gaps


def _write_table(page: Any, formats: _Formats, table: Table, row: int, alone: bool, gaps: list[_Gap]) -> int:
    """Returns the row after the table."""
    for number, line in enumerate(table.lines):
        page.write_string(row, 0, line, formats.line if number else formats.title)
        row += 1
    header = row
    page.set_row(row, 32)
    for index, column in enumerate(table.columns):
        look = formats.header if column.is_text else formats.number_header
        page.write_string(row, index, column.title, look)
    row += 1
    if table.height:
        gap = _Gap(table, row + 1)
        gaps.append(gap)
        for edge in {gap.first, gap.last}:
            for index, column in enumerate(table.columns):
                page.write_blank(edge - 1, index, None, formats.of(column))
        row = gap.last
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
    if column.is_text:
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
