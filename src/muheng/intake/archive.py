"""A look inside an .xlsx before any reader opens it: is it safe to open, and what does the reader not tell?

An .xlsx is a zip of XML. A reader builds every sheet as a full rectangle, so a few bytes can ask for hundreds
of gigabytes (a zip bomb, or one cell in the last row and column). Every XML part is therefore streamed once,
with its sizes counted, before the workbook is opened. The same pass notes what the reader drops: merged
ranges, formulas without a stored result, error values. This module reads no figure.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Refusal, say
from muheng.intake.address import column_number
from muheng.intake.progress import SILENT, Progress

# 100,000 rows × 40 columns unpack to 143 MB; a gigabyte is the largest county's roster several times over.
MAX_UNPACKED_BYTES = 1 << 30
# Sheets of figures pack 5 to 20 times; blank formatted cells go beyond 200, and are small when unpacked.
MAX_RATIO = 200
RATIO_MATTERS_ABOVE = 200 << 20
# The reader holds about 80 bytes for each cell of the used rectangle: 20 million cells are 1.6 GB.
MAX_CELLS = 20_000_000
# Excel's own limit for one cell; longer text only comes from a forged file.
MAX_TEXT_CHARACTERS = 32_767
# Shared strings are stored once and expanded for every cell that names them.
MAX_EXPANDED_TEXT_BYTES = 1 << 30
MAX_PARTS = 10_000
# Beyond this a list of bad cells helps nobody: the whole sheet needs mending.
MAX_LISTED_CELLS = 100_000
_SMALL_PART_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 19
# One row is held in memory while it is scanned.
_MAX_ROW_BYTES = 64 << 20


@dataclass(frozen=True)
class CellRange:
    """A rectangle of cells, 1-based and inclusive."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True)
class SheetScan:
    """What the streaming pass saw of one sheet. Cells are addresses such as F17.

    `rows` and `columns` bound its cells, formatted blanks included; not `addressed`: some cells do not say
    where they stand.
    """

    name: str
    hidden: bool
    rows: int = 0
    columns: int = 0
    addressed: bool = True
    merges: tuple[CellRange, ...] = ()
    uncomputed: frozenset[str] = frozenset()
    errors: frozenset[str] = frozenset()


class RefusedFileError(Refusal):
    """The file must not be opened; `what` says why and `fix` what to do."""


def scan_workbook(path: Path, progress: Progress = SILENT) -> list[SheetScan]:
    """Stream every XML part of an .xlsx once, in bounded memory, telling of every half megabyte.

    Raises RefusedFileError when the file is not an .xlsx workbook, is damaged, or would take more memory than
    the limits above.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _scan_archive(archive, partial(progress.tell, say("检查 {file}", file=path.name)))
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        KeyError,
        ElementTree.ParseError,
    ) as error:
        raise RefusedFileError(
            say("文件已损坏，打不开。"), say("请用 Excel 打开后另存为 .xlsx 再交。")
        ) from error
    except RuntimeError as error:
        raise RefusedFileError(say("压缩包设了密码，打不开。"), say("请取消密码后再交。")) from error


def _scan_archive(archive: zipfile.ZipFile, tell: Callable[[float], None]) -> list[SheetScan]:
    parts = archive.infolist()
    declared = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if len(parts) > MAX_PARTS:
        raise RefusedFileError(say("压缩包里有 {count} 个文件，不是正常的工作簿。", count=f"{len(parts):,}"))
    _check_size(declared, packed)
    names = {part.filename for part in parts}
    if "xl/workbook.bin" in names:
        raise RefusedFileError(say("是 .xlsb 二进制工作簿，不支持。"), say("请用 Excel 另存为 .xlsx 再交。"))
    if "xl/workbook.xml" not in names:
        raise RefusedFileError(say("不是 Excel 工作簿。"), say("请交 .xlsx 或 .csv 文件。"))
    sheets = _list_sheets(archive, names)
    budget = _Budget(packed, lambda unpacked: tell(unpacked / max(declared, 1)))
    strings = _StringLengths()
    scans: list[SheetScan] = []
    expanded = 0
    for part in parts:
        if part.filename.endswith((".xml", ".rels")) and part.filename not in sheets:
            with archive.open(part) as stream:
                for chunk in budget.chunks(stream):
                    if part.filename.lower().endswith("sharedstrings.xml"):
                        strings.add(chunk)
    for part_name, sheet in sheets.items():
        with archive.open(part_name) as stream:
            scan, shared = _scan_sheet(sheet, budget.chunks(stream))
        scans.append(scan)
        if not scan.hidden:
            expanded = max(expanded, shared * strings.longest)
            if scan.rows * scan.columns > MAX_CELLS:
                rows, columns = scan.rows, scan.columns
                if not scan.addressed:
                    raise _too_wide(scan.name, rows, columns)
                with archive.open(part_name) as stream:
                    rows, columns = _fill_extent(_whole_rows(iter(partial(stream.read, _CHUNK_BYTES), b"")))
                if rows * columns > MAX_CELLS:
                    raise _too_wide(scan.name, rows, columns)
    if strings.longest > 4 * MAX_TEXT_CHARACTERS:
        raise RefusedFileError(say("有单元格的文字超过 32,767 个字，不是正常的工作簿。"))
    if (
        expanded > MAX_EXPANDED_TEXT_BYTES
        and _expand_text(archive, sheets, strings) > MAX_EXPANDED_TEXT_BYTES
    ):
        raise _too_large(expanded, MAX_EXPANDED_TEXT_BYTES)
    return scans


def _check_size(unpacked: int, packed: int) -> None:
    if unpacked > MAX_UNPACKED_BYTES:
        raise _too_large(unpacked, MAX_UNPACKED_BYTES)
    if unpacked > RATIO_MATTERS_ABOVE and unpacked > MAX_RATIO * max(packed, 1):
        raise RefusedFileError(
            say(
                "解压后有 {size} MB，是压缩包的 {times} 倍，不像正常的工作簿，没有打开。",
                size=f"{unpacked >> 20:,}",
                times=f"{unpacked // max(packed, 1):,}",
            ),
            say("请用 Excel 打开后，把数据复制到新的工作簿再交。"),
        )


def _too_large(size: int, limit: int) -> RefusedFileError:
    return RefusedFileError(
        say(
            "解压后有 {size} MB，超过上限 {limit} MB，没有打开。",
            size=f"{size >> 20:,}",
            limit=limit >> 20,
        ),
        say("请删去空白的格式行列，或分成几个文件再交。"),
    )


def _too_wide(sheet: str, rows: int, columns: int) -> RefusedFileError:
    return RefusedFileError(
        say(
            "工作表“{sheet}”的使用区域有 {rows} 行 × {columns} 列，太大，没有打开。",
            sheet=sheet,
            rows=f"{rows:,}",
            columns=f"{columns:,}",
        ),
        say("多半是表格远处有一个不小心填上的单元格：请把数据复制到新工作表再交。"),
    )


class _Budget:
    """Counts what is really unpacked; the sizes that a zip declares may lie."""

    def __init__(self, packed: int, tell: Callable[[int], None]) -> None:
        self.unpacked = 0
        self.packed = packed
        self.tell = tell

    def chunks(self, stream: IO[bytes]) -> Iterator[bytes]:
        head = b""
        while chunk := stream.read(_CHUNK_BYTES):
            self.unpacked += len(chunk)
            _check_size(self.unpacked, self.packed)
            self.tell(self.unpacked)
            if not head:
                head = chunk[:4096]
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                    raise RefusedFileError(say("文件里有 XML 实体声明，不是正常的工作簿，没有打开。"))
            yield chunk


class _StringLengths:
    """Lengths in bytes of the shared strings, markup included."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.longest = 0
        self._open = 0

    def add(self, chunk: bytes) -> None:
        # A tag cut by the chunk's edge only makes two strings look like one: the bound stays an upper one.
        pieces = chunk.split(b"<si>")
        self._open += len(pieces[0])
        for piece in pieces[1:]:
            self.lengths.append(self._open)
            self.longest = max(self.longest, self._open)
            self._open = len(piece)
        self.longest = max(self.longest, self._open)


def _list_sheets(archive: zipfile.ZipFile, names: set[str]) -> dict[str, SheetScan]:
    """Part name → sheet, in the workbook's order; chart sheets are left out."""
    book = _parse_small(archive, "xl/workbook.xml")
    relations = "xl/_rels/workbook.xml.rels"
    targets: dict[str, str] = {}
    if relations in names:
        for node in _parse_small(archive, relations):
            if node.get("Type", "").endswith("/worksheet"):
                target = node.get("Target", "")
                full = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
                targets[node.get("Id", "")] = full
    sheets: dict[str, SheetScan] = {}
    # The reader looks parts up without regard to case.
    spelt = {name.lower(): name for name in names}
    for node in book.iter():
        if _local(node.tag) == "sheet":
            link = next((value for key, value in node.attrib.items() if _local(key) == "id"), "")
            part = spelt.get(targets.get(link, "").lower())
            if part is not None:
                sheets[part] = SheetScan(node.get("name", ""), node.get("state", "visible") != "visible")
    return sheets


def _parse_small(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as stream:
        data = stream.read(_SMALL_PART_BYTES + 1)
    if len(data) > _SMALL_PART_BYTES:
        raise _too_large(len(data), _SMALL_PART_BYTES)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise RefusedFileError(say("文件里有 XML 实体声明，不是正常的工作簿，没有打开。"))
    return ElementTree.fromstring(data)


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*[^/>])?>(.*?)</(?:\w+:)?c>", re.S)
_REF = re.compile(rb'\br="([A-Z]+\d+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_RESULT = re.compile(rb"<(?:\w+:)?(?:v|t)(?:\s[^>]*)?>[^<]")


def _scan_sheet(sheet: SheetScan, chunks: Iterator[bytes]) -> tuple[SheetScan, int]:
    """The scan of one sheet and the number of its cells that name a shared string."""
    rows = columns = shared = 0
    addressed = True
    uncomputed: list[str] = []
    errors: list[str] = []
    merges: list[CellRange] = []
    block = b""
    for block, extent in _measured(_whole_rows(chunks)):
        if extent.unaddressed:
            addressed = False
            rows, columns = _count_slowly(block, rows, columns)
        rows, columns = max(rows, extent.rows), max(columns, extent.columns)
        shared += extent.shared
        if extent.special:
            _note_cells(block, uncomputed, errors)
            if len(uncomputed) + len(errors) > MAX_LISTED_CELLS:
                raise RefusedFileError(
                    say("工作表“{sheet}”里有大量公式没有结果或结果是错误值。", sheet=sheet.name),
                    say("请用 Excel 打开，等计算完成后保存一次再交；或复制后“选择性粘贴—数值”。"),
                )
    # Merged ranges stand behind the rows, so all of them are in the last block.
    for left, top, right, bottom in _MERGE.findall(block):
        merges.append(CellRange(int(top), column_number(left), int(bottom), column_number(right)))
        if len(merges) > MAX_LISTED_CELLS:
            raise RefusedFileError(say("工作表“{sheet}”里合并单元格过多，没有打开。", sheet=sheet.name))
    scan = replace(
        sheet,
        rows=rows,
        columns=columns,
        addressed=addressed,
        merges=tuple(merges),
        uncomputed=frozenset(uncomputed),
        errors=frozenset(errors),
    )
    return scan, shared


def _note_cells(block: bytes, uncomputed: list[str], errors: list[str]) -> None:
    for cell in _CELL.finditer(block):
        attributes, body = cell.group(1) or b"", cell.group(2)
        wrong = b't="e"' in attributes
        # A formula whose stored result is an empty text (t="str") was computed: it is a blank cell.
        if not wrong and (b't="str"' in attributes or not _FORMULA.search(body) or _RESULT.search(body)):
            continue
        ref = _REF.search(attributes)
        if ref is not None:
            (errors if wrong else uncomputed).append(ref.group(1).decode())


def _whole_rows(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The stream cut before rows, so that no cell is torn."""
    rest = b""
    for chunk in chunks:
        block = rest + chunk
        cut = block.rfind(b"<row")
        if cut < 0:
            cut = block.rfind(b":row ")
        if cut <= 0:
            if len(block) > _MAX_ROW_BYTES:
                raise RefusedFileError(
                    say("有一行数据超过 {limit} MB，不是正常的工作簿。", limit=_MAX_ROW_BYTES >> 20)
                )
            rest = block
            continue
        yield block[:cut]
        rest = block[cut:]
    if rest:
        yield rest


_QUOTE, _EQUALS, _LESS, _C, _F, _R, _S, _T, _E = (ord(letter) for letter in '"=<cfrste')
_ENDS_NAME = np.isin(np.arange(256), list(b" \t\r\n/>"))
_PAD = b"\0" * 16
# Blocks waiting to be measured while the next are unpacked.
_AHEAD = 3


@dataclass(frozen=True)
class _Extent:
    """The used rectangle of some whole rows, and the number of cells that name a shared string.

    `unaddressed`: there are cells without an address; `special`: there are formulas or error values.
    """

    rows: int
    columns: int
    shared: int
    unaddressed: bool
    special: bool


def _measured(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, _Extent]]:
    """Measure blocks on a second thread while the first unpacks what follows."""
    waiting: deque[tuple[bytes, Future[_Extent]]] = deque()
    with ThreadPoolExecutor(1) as pool:
        for block in blocks:
            waiting.append((block, pool.submit(_measure, block)))
            if len(waiting) > _AHEAD:
                first, extent = waiting.popleft()
                yield first, extent.result()
        for first, extent in waiting:
            yield first, extent.result()


def _measure(block: bytes) -> _Extent:
    """Works on bytes with numpy, because a sheet of 100,000 × 40 has four million addresses."""
    data = np.frombuffer(block + _PAD, np.uint8)
    first, second = data[:-1], data[1:]
    opening = np.flatnonzero((first == _EQUALS) & (second == _QUOTE))
    before, after = data[opening - 1], data[opening + 2]
    cells = opening[(before == _R) & (after >= 65) & (after <= 90)] + 2
    tag = first == _LESS
    tags = int(np.count_nonzero(tag & (second == _C)))
    if tags > len(cells):
        # Also <col, <cols, <conditionalFormatting: only a name that ends after the c is a cell.
        starts = np.flatnonzero(tag & (second == _C))
        tags = int(np.count_nonzero(_ENDS_NAME[data[starts + 2]]))
    prefixed = not len(cells) and b":c " in block
    named = tag & (second == _F)
    formulas = np.flatnonzero(named) if named.any() else opening[:0]
    typed = after[before == _T]
    special = bool(np.any(typed == _E)) or bool(np.any(_ENDS_NAME[data[formulas + 2]]))
    rows, columns = _locate(data, cells) if len(cells) else (0, 0)
    return _Extent(
        rows, columns, int(np.count_nonzero(typed == _S)), tags > len(cells) or prefixed, special or prefixed
    )


def _locate(data: NDArray[np.uint8], cells: NDArray[np.int64]) -> tuple[int, int]:
    """The largest row and the largest column among the addresses at `cells`."""
    two = data[cells + 1] >= 65
    three = cells[two][data[cells[two] + 2] >= 65]
    letters = (three, 3) if len(three) else (cells[two], 2) if two.any() else (cells, 1)
    digits = cells + 1 + two
    digits[two] += data[digits[two]] >= 65
    count = 0
    while count < 7:
        found = data[digits + count]
        longer = (found >= 48) & (found <= 57)
        if not longer.any():
            break
        digits = digits[longer]
        count += 1
    return int(_largest(data, digits, count) or b"0"), column_number(_largest(data, *letters))


def _count_slowly(block: bytes, rows: int, columns: int) -> tuple[int, int]:
    """The rectangle so far, widened by cells without addresses, which stand one after another."""
    row, column = rows, 0
    for tag in _TAG.finditer(block):
        address = _ADDRESS.search(tag.group(2))
        if tag.group(1) == b"row":
            row, column = (int(address.group(2)) if address else row + 1), 0
        elif address is not None and address.group(1):
            row, column = int(address.group(2)), column_number(address.group(1))
        else:
            column += 1
        rows, columns = max(rows, row), max(columns, column)
    return rows, columns


def _fill_extent(blocks: Iterator[bytes]) -> tuple[int, int]:
    """The rectangle of the cells that hold something: formatted blanks cost the reader nothing."""
    rows = columns = 0
    for block in blocks:
        for letters, digits in _FILLED.findall(block):
            rows, columns = max(rows, int(digits)), max(columns, column_number(letters))
    return rows, columns


_FILLED = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"(?:[^>]*[^/>])?>')


def _largest(data: NDArray[np.uint8], starts: NDArray[np.int64], length: int) -> bytes:
    """The largest of the texts of one length that begin at `starts`."""
    text = bytearray()
    for offset in range(length):
        letter = data[starts + offset]
        most = letter.max()
        starts = starts[letter == most]
        text.append(int(most))
    return bytes(text)


_TAG = re.compile(rb"<(?:\w+:)?(row|c)\b([^>]*)>")
_ADDRESS = re.compile(rb'\br="([A-Z]{0,3})(\d{1,7})"')


def _expand_text(archive: zipfile.ZipFile, sheets: dict[str, SheetScan], strings: _StringLengths) -> int:
    """Bytes of the fullest visible sheet when every shared string stands in its cells."""
    lengths = np.array([*strings.lengths[1:], strings.longest], np.int64)
    largest = 0
    for name, sheet in sheets.items():
        if sheet.hidden:
            continue
        total = 0
        with archive.open(name) as stream:
            for block in _whole_rows(iter(partial(stream.read, _CHUNK_BYTES), b"")):
                indexes = np.array([int(found) for found in _SHARED.findall(block)], np.int64)
                total += int(lengths[np.minimum(indexes, len(lengths) - 1)].sum())
        largest = max(largest, total)
    return largest


_SHARED = re.compile(rb't="s"[^>]*><v>(\d{1,9})<')
