"""A file of any accepted kind as tables of text, cell for cell. Understands no column and converts nothing.

Numbers of a workbook come as the text that Excel itself would show (15 significant digits: see `numbers`).
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.address import column_letters
from muheng.intake.archive import MAX_CELLS, CellRange, RefusedFileError, SheetScan, scan_workbook
from muheng.intake.problem import PROBLEM_SHEET, Problem
from muheng.intake.progress import SILENT, Progress

# A workbook of 100,000 × 40 is 25 MB. Text files are not packed, so the same figures take more.
MAX_WORKBOOK_BYTES = 256 << 20
MAX_TEXT_BYTES = 256 << 20
# Excel's own limit: a longer text file could not be handed back as a workbook.
MAX_TEXT_ROWS = 1_048_576

# Of the time that a workbook takes, this much goes by before its cells are read.
_SCANNING = 0.4
_TOLD_ROWS = 5_000

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SAVE_AS = say("请用 Excel 打开后另存为 .xlsx 再交。")


@dataclass(frozen=True)
class TextTable:
    """One sheet: `frame` has a String column for each used column, named by its letters, from row 1 on.

    `uncomputed` and `errors` are the addresses of formulas without a stored result and of error values, which
    stand as null in `frame`. In a `delimited` text a stray separator moves the rest of its row.
    """

    file: str
    sheet: str
    sha256: str
    frame: pl.DataFrame
    merges: tuple[CellRange, ...] = ()
    uncomputed: frozenset[str] = frozenset()
    errors: frozenset[str] = frozenset()
    delimited: bool = False


def read_tables(path: Path, progress: Progress = SILENT) -> tuple[list[TextTable], list[Problem]]:
    """The visible sheets of a workbook, or the one table of a text file, and what could not be read.

    Never raises for what is in the file; OSError when it cannot be read at all.
    """
    problems: list[Problem] = []
    try:
        tables = list(_read(path, problems, progress))
    except RefusedFileError as refusal:
        return [], [*problems, _about(path, None, "error", refusal.what, refusal.fix)]
    if not tables and not problems:
        problems.append(_about(path, None, "error", say("工作簿里没有数据。"), None))
    return tables, problems


def _about(path: Path, sheet: str | None, severity: Any, what: Message, fix: Message | None) -> Problem:
    return Problem(severity, path.name, sheet, None, None, None, "", what, fix)


def _read(path: Path, problems: list[Problem], progress: Progress) -> Iterator[TextTable]:
    size = path.stat().st_size
    if size == 0:
        raise RefusedFileError(say("文件是空的。"), say("请重新导出后再交。"))
    with path.open("rb") as stream:
        head = stream.read(4096)
    kind = path.suffix.lower()
    if head.startswith((_ZIP, _OLE)):
        if size > MAX_WORKBOOK_BYTES:
            raise _too_big(size, MAX_WORKBOOK_BYTES)
        if head.startswith(_ZIP):
            scans = scan_workbook(path, progress.within(0, _SCANNING))
            yield from _read_workbook(path, scans, problems, progress.within(_SCANNING, 1))
        elif _contains(path, _ENCRYPTED):
            raise RefusedFileError(say("工作簿加了密码，打不开。"), say("请在 Excel 里取消密码后再交。"))
        else:
            yield from _read_workbook(path, None, problems, progress)
    elif head.lstrip(codecs.BOM_UTF8 + b" \r\n\t").startswith(b"<"):
        raise RefusedFileError(say("其实是网页或 XML 文件，不是工作簿。"), _SAVE_AS)
    elif kind in (".csv", ".txt", ".tsv", ".tab", ".xls"):
        # Many systems export tab-separated text and name it .xls.
        if size > MAX_TEXT_BYTES:
            raise _too_big(size, MAX_TEXT_BYTES)
        yield _read_text(path, progress)
    else:
        raise RefusedFileError(say("不是 Excel 工作簿，或已损坏。"), _SAVE_AS)


def _too_big(size: int, limit: int) -> RefusedFileError:
    return RefusedFileError(
        say("文件有 {size} MB，超过上限 {limit} MB，没有打开。", size=size >> 20, limit=limit >> 20),
        say("请分成几个文件再交。"),
    )


def _contains(path: Path, needle: bytes) -> bool:
    with path.open("rb") as stream:
        rest = b""
        while chunk := stream.read(1 << 20):
            if needle in rest + chunk:
                return True
            rest = chunk[-len(needle) :]
    return False


def _read_workbook(
    path: Path, scans: list[SheetScan] | None, problems: list[Problem], progress: Progress
) -> Iterator[TextTable]:
    """Sheets of an .xlsx that was scanned, or of an .xls (at most 65,536 × 256 cells by its format)."""
    digest = _digest(path)
    reader = _open(path)
    known = {scan.name: scan for scan in scans} if scans is not None else None
    names = reader.sheet_names
    for at, name in enumerate(names):
        progress.tell(say("读取 {file}·{sheet}", file=path.name, sheet=name), at / len(names))
        scan = SheetScan(name, False) if known is None else known.get(name)
        if scan is None or name == PROBLEM_SHEET:
            continue  # A chart sheet, or the list that we added ourselves.
        if scan.hidden:
            if scan.rows:
                problems.append(_hidden(path, name))
            continue
        if known is not None and not scan.rows:
            continue
        frame, hidden = _load(reader, name)
        if hidden:
            problems.append(_hidden(path, name))
        elif frame.width:
            yield TextTable(path.name, name, digest, frame, scan.merges, scan.uncomputed, scan.errors)


def _hidden(path: Path, name: str) -> Problem:
    return _about(
        path,
        name,
        "warning",
        say("工作表“{sheet}”是隐藏的，没有读取。", sheet=name),
        say("如需要里面的数据，请取消隐藏后再交。"),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _open(path: Path) -> fastexcel.ExcelReader:
    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        if "assword" in str(error):
            raise RefusedFileError(
                say("工作簿加了密码，打不开。"), say("请在 Excel 里取消密码后再交。")
            ) from error
        raise RefusedFileError(say("文件已损坏，打不开。"), _SAVE_AS) from error
    except BaseException as error:
        raise _crashed(error) from error


def _load(reader: fastexcel.ExcelReader, name: str) -> tuple[pl.DataFrame, bool]:
    try:
        sheet = reader.load_sheet(name, dtypes="string", header_row=None, skip_rows=0)
        if sheet.visible != "visible":
            return pl.DataFrame(), True
        letters = [column_letters(column.absolute_index) for column in sheet.available_columns()]
        frame: pl.DataFrame = sheet.to_polars()
    except fastexcel.FastExcelError as error:
        raise RefusedFileError(say("工作表“{sheet}”已损坏，读不出。", sheet=name), _SAVE_AS) from error
    except BaseException as error:
        raise _crashed(error) from error
    frame.columns = letters
    return frame, False


def _crashed(error: BaseException) -> BaseException:
    """A crash inside the reader is a damaged file to its sender; an interrupt goes on as it is."""
    if type(error).__name__ == "PanicException":
        return RefusedFileError(say("文件已损坏，打不开。"), _SAVE_AS)
    return error


def _read_text(path: Path, progress: Progress) -> TextTable:
    """Comma, tab or semicolon separated text in UTF-8, UTF-16 (with its mark) or GB 18030."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    text = _decode(data)
    reading, lines = say("读取 {file}", file=path.name), text.count("\n") + 1
    progress.tell(reading)
    rows: list[list[str]] = []
    width = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True):
            rows.append(row)
            width = max(width, len(row))
            if len(rows) % _TOLD_ROWS == 0:
                progress.tell(reading, len(rows) / lines)
            if width * len(rows) > MAX_CELLS:
                raise RefusedFileError(say("表格超过 {limit} 个单元格，没有读取。", limit=f"{MAX_CELLS:,}"))
            if len(rows) > MAX_TEXT_ROWS:
                raise RefusedFileError(say("表格超过 {limit} 行，没有读取。", limit=f"{MAX_TEXT_ROWS:,}"))
    except csv.Error as error:
        raise RefusedFileError(
            say("第 {row} 行附近的引号不成对，读不下去。", row=len(rows) + 1), _SAVE_AS
        ) from error
    columns = {
        column_letters(index): pl.Series(values, dtype=pl.String)
        for index, values in enumerate(zip_longest(*rows, fillvalue=None))
    }
    if not columns:
        raise RefusedFileError(say("文件是空的。"), say("请重新导出后再交。"))
    frame = pl.DataFrame(columns).with_columns(pl.all().replace("", None))
    return TextTable(path.name, path.stem, digest, frame, delimited=True)


def _decode(data: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return _decode_as(data, encoding)
    if b"\0" in data:
        raise RefusedFileError(say("不是文本文件，也不是工作簿。"), _SAVE_AS)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_as(data, "gb18030")


def _decode_as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise RefusedFileError(
            say("第 {row} 行有认不出的字符：文件既不是 UTF-8，也不是 GBK 编码。", row=row), _SAVE_AS
        ) from error


def _delimiter(text: str) -> str:
    head = text[:20_000]
    return max(",\t;", key=head.count)
