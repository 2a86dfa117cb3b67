"""The clerk's own workbook handed back: bad cells coloured and commented, and a sheet listing all problems.

The copy keeps the workbook's formatting; pictures and charts are lost, as openpyxl does not carry them. What
we write is text and never a formula. This module finds no problem and mends none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from muheng.documents.message import Language, say
from muheng.intake.archive import RefusedFileError, scan_workbook
from muheng.intake.problem import PROBLEM_SHEET, SEVERITY_NAMES, Problem
from muheng.intake.tables import read_tables

# openpyxl needs about 1 KB and 20 µs for each cell: half a million cells are 0.5 GB and ten seconds.
MAX_COPIED_CELLS = 500_000
# Nobody looks at more comments than these; the list has them all.
MAX_MARKED_CELLS = 5_000
# Excel shows no more rows.
MAX_LISTED_PROBLEMS = 1_000_000

_AUTHOR = "亩衡"
_FILLS = {"error": "FFFFC7CE", "warning": "FFFFEB9C"}
_XLSX = b"PK\x03\x04"
_WIDTHS = (6, 8, 16, 10, 30, 22, 24, 60, 60)


def annotate(source: Path, problems: Sequence[Problem], target: Path, lang: Language = "zh") -> bool:
    """Write `target` (.xlsx): a copy of `source` with the problems of that file marked and listed.

    A text file or .xls is copied as text cells. A file that is unsafe, unreadable or too large to copy gets
    only the list; then the answer is False. Raises OSError when a file cannot be read or written.
    """
    own = [problem for problem in problems if problem.file == source.name]
    book = _copy_workbook(source)
    copied = book is not None
    if book is None:
        book = Workbook()
        book.remove(book.worksheets[0])
    else:
        _mark(book, own, lang)
    _list(book, own, lang)
    book.save(target)
    return copied


def _copy_workbook(source: Path) -> Workbook | None:
    with source.open("rb") as stream:
        packed = stream.read(4) == _XLSX
    if packed:
        try:
            scans = scan_workbook(source)
        except RefusedFileError:
            return None
        if sum(scan.rows * scan.columns for scan in scans) > MAX_COPIED_CELLS:
            return None
        try:
            book = load_workbook(source)
        except Exception:  # openpyxl raises whatever an odd style or validation makes it stumble over.
            return None
        _wipe_old_marks(book)
        return book
    tables, _ = read_tables(source)
    if not tables or sum(table.frame.height * table.frame.width for table in tables) > MAX_COPIED_CELLS:
        return None
    book = Workbook()
    book.remove(book.worksheets[0])
    for table in tables:
        sheet = book.create_sheet(table.sheet[:31])
        for letters in table.frame.columns:
            for row, text in enumerate(table.frame.get_column(letters), start=1):
                if text is not None:
                    _write_text(sheet[f"{letters}{row}"], text)
    return book


def _wipe_old_marks(book: Workbook) -> None:
    """A workbook that was handed back before comes with our marks on it."""
    if PROBLEM_SHEET not in book.sheetnames:
        return
    del book[PROBLEM_SHEET]
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell, MergedCell):
                    continue
                if cell.comment is not None and cell.comment.author == _AUTHOR:
                    cell.comment = None
                if cell.fill.fgColor.rgb in _FILLS.values():
                    cell.fill = PatternFill()


def _mark(book: Workbook, problems: Iterable[Problem], lang: Language) -> None:
    cells: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.sheet is not None and problem.row is not None:
            cells[problem.sheet, problem.cell or f"A{problem.row}"].append(problem)
    worst_first = sorted(cells.items(), key=lambda entry: all(p.severity == "warning" for p in entry[1]))
    for (sheet_name, address), found in worst_first[:MAX_MARKED_CELLS]:
        sheet = _find_sheet(book, sheet_name)
        if sheet is None:
            continue
        cell = _top_left(sheet, address)
        severity = "error" if any(problem.severity == "error" for problem in found) else "warning"
        cell.fill = PatternFill("solid", fgColor=_FILLS[severity])
        own = [cell.comment.text] if cell.comment is not None else []
        text = "\n".join([*own, *(_sentence(problem, lang) for problem in found)])
        cell.comment = Comment(_clean(text)[:10_000], _AUTHOR, width=320, height=140)


def _find_sheet(book: Workbook, name: str) -> Worksheet | None:
    return next((sheet for sheet in book.worksheets if sheet.title == name[:31]), None)


def _top_left(sheet: Worksheet, address: str) -> Cell:
    """The cell at an address; of a merged range, the one that carries its text."""
    cell = sheet[address]
    if isinstance(cell, MergedCell):
        span = next(span for span in sheet.merged_cells.ranges if address in span)
        cell = sheet.cell(span.min_row, span.min_col)
    assert isinstance(cell, Cell)
    return cell


def _sentence(problem: Problem, lang: Language) -> str:
    what = problem.what.render(lang)
    return what if problem.fix is None else f"{what}\n{problem.fix.render(lang)}"


def _list(book: Workbook, problems: Sequence[Problem], lang: Language) -> None:
    sheet = book.create_sheet(PROBLEM_SHEET)
    head = (
        say("序号"),
        say("级别"),
        say("工作表"),
        say("单元格"),
        say("企业"),
        say("代码"),
        say("填写内容"),
        say("问题"),
        say("改法"),
    )
    for column, (title, width) in enumerate(zip(head, _WIDTHS, strict=True), start=1):
        cell = _cell(sheet, 1, column)
        _write_text(cell, title.render(lang))
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.freeze_panes = "A2"
    levels = {severity: name.render(lang) for severity, name in SEVERITY_NAMES.items()}
    for number, problem in enumerate(problems[:MAX_LISTED_PROBLEMS], start=1):
        row = number + 1
        place = problem.cell or (f"A{problem.row}" if problem.row is not None else "")
        texts = (
            levels[problem.severity],
            problem.sheet or "",
            place,
            problem.enterprise or "",
            problem.code or "",
            problem.found,
            problem.what.render(lang),
            "" if problem.fix is None else problem.fix.render(lang),
        )
        _cell(sheet, row, 1).value = number
        for column, text in enumerate(texts, start=2):
            cell = _cell(sheet, row, column)
            _write_text(cell, text)
            cell.alignment = Alignment(wrap_text=column >= 8, vertical="top")
        if place and problem.sheet is not None and _find_sheet(book, problem.sheet) is not None:
            cell = _cell(sheet, row, 4)
            quoted = problem.sheet[:31].replace("'", "''")
            cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{quoted}'!{place}")
            cell.font = Font(color="FF0563C1", underline="single")
        _cell(sheet, row, 2).fill = PatternFill("solid", fgColor=_FILLS[problem.severity])


def _cell(sheet: Worksheet, row: int, column: int) -> Cell:
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)
    return cell


def _write_text(cell: Cell, text: str) -> None:
    """Text stays text, even when it begins with = + - or @."""
    cell.value = _clean(text)
    cell.data_type = "s"


def _clean(text: str) -> str:
    """Without the control characters that XML forbids, cut to what a cell holds."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)[:32_767]
