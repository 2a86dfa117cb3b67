"""Write laid-out sheets to files: .xlsx by XlsxWriter, .csv in the encoding that the department uses.

The same sheets give the same bytes: the created date is fixed, and no cell is a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import xlsxwriter

from muheng.cities.demo.sheets import Cell, Sheet, Workbook

_CREATED = datetime(2000, 1, 1)


def write_workbooks(workbooks: Iterable[Workbook], folder: Path) -> list[Path]:
    """Write every workbook into `folder`, which is made when it is not there. The paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for workbook in workbooks:
        path = folder / workbook.file
        if workbook.encoding is None:
            _write_xlsx(workbook, path)
        else:
            path.write_bytes(_csv_text(workbook.sheets[0]).encode(workbook.encoding))
        paths.append(path)
    return paths


def _csv_text(sheet: Sheet) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_plain(cell) for cell in row] for row in sheet.rows)
    return text.getvalue()


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return cell if isinstance(cell, str) else cell.isoformat()


def _write_xlsx(workbook: Workbook, path: Path) -> None:
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": _CREATED, "title": "演示数据", "author": "", "comments": "合成数据"})
    centred = book.add_format({"align": "center", "valign": "vcenter"})
    dated = book.add_format({"num_format": "yyyy-mm-dd"})
    bordered = book.add_format({"border": 1})
    for sheet in workbook.sheets:
        page = book.add_worksheet(sheet.name)
        for row, cells in enumerate(sheet.rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, str):
                    page.write_string(row, column, cell)
                elif isinstance(cell, float):
                    page.write_number(row, column, cell)
                elif isinstance(cell, date):
                    page.write_datetime(row, column, cell, dated)
        for first_row, first, last_row, last in sheet.merges:
            page.merge_range(first_row, first, last_row, last, "", centred)
            head = sheet.rows[first_row][first]
            page.write(first_row, first, head, centred)
        width = max(len(cells) for cells in sheet.rows)
        for row in range(len(sheet.rows), len(sheet.rows) + sheet.blank_tail):
            for column in range(width):
                page.write_blank(row, column, None, bordered)
        if sheet.hidden:
            page.hide()
    book.close()
