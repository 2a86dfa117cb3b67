"""A CSV file with known columns as texts and doubles, and every cell that does not hold what its column should.

Made for millions of rows as a program writes them and for a few rows as a person does: numbers with spaces around
them, thousands separators, full-width digits. Knows nothing of what the columns mean.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, say
from muheng.documents.spelling import nearest

MOST_TOLD = 20
"""Of each kind of fault in a file; the others are counted."""
_HEAD_BYTES = 1 << 20
_GROUPED = re.compile(r"[0-9]{1,3}([, ][0-9]{3})+(\.[0-9]*)?")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]+)?")
_MARKS = str.maketrans({"−": "-", "﹣": "-", "，": ",", "。": "."})
_SAVE_AS = say("另存为 UTF-8 编码的 CSV（逗号分隔）。")


@dataclass(frozen=True)
class Column:
    """``number``: how small a number may be; None: a text. A text that is not ``required`` may be empty."""

    name: str
    number: float | None = None
    required: bool = True


@dataclass(frozen=True, eq=False)
class Table:
    """``frame`` has a column for each one asked: texts without blanks around them, numbers as Float64."""

    file: str
    frame: pl.DataFrame
    lines: NDArray[np.int64] | None
    """Where each row stands in the file; None: one after the other, from line 2 on."""

    def line_of(self, row: int) -> int:
        return row + 2 if self.lines is None else int(self.lines[row])

    def tell(
        self, rows: Iterable[int], column: str, what: Callable[[object], Message], fix: Message
    ) -> Iterator[Diagnostic]:
        """The same fault in several rows; ``what`` is given what stands in the column."""
        rows = list(rows)
        for row in rows[:MOST_TOLD]:
            found = what(self.frame.get_column(column)[row])
            yield Diagnostic("error", self.file, self.line_of(row), column, found, fix)
        yield from count_others(self.file, column, len(rows))


def count_others(file: str, column: str, count: int) -> Iterator[Diagnostic]:
    """How many more there are than were told."""
    if count > MOST_TOLD:
        what = say("这样的另有 {count} 处，没有一一列出。", count=count - MOST_TOLD)
        yield Diagnostic("error", file, None, column, what)


def shorten(found: list[Diagnostic]) -> list[Diagnostic]:
    """The first of what is wrong in one file, and how many more there are."""
    others = count_others(found[0].file, "", len(found)) if found else ()
    return [*found[:MOST_TOLD], *others]


def read_table(path: Path, columns: Sequence[Column]) -> tuple[Table | None, list[Diagnostic]]:
    """The table, or None and what is wrong; with a table there are only warnings."""
    file = path.name
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except FileNotFoundError:
        there = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        fix = say("这个文件夹要有 {file}。", file=file)
        if (meant := nearest(file, there)) is not None:
            fix = say("是不是把它写成了“{meant}”？改名为 {file}。", meant=meant, file=file)
        return None, [Diagnostic("error", file, None, "", say("找不到这个文件。"), fix)]
    except OSError as error:
        what = say("文件打不开：{reason}。", reason=error.strerror or str(error))
        return None, [Diagnostic("error", file, None, "", what)]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, [Diagnostic("error", file, 1, "", say("文件的编码是 UTF-16，应为 UTF-8。"), _SAVE_AS)]
    if b"\0" in head:
        return None, [Diagnostic("error", file, None, "", say("这不是文本文件。"), _SAVE_AS)]
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        fix = say("第一行写列名：{names}。", names=",".join(column.name for column in columns))
        return None, [Diagnostic("error", file, None, "", say("文件是空的。"), fix)]
    return _Reading(path, columns).read(head)


class _Reading:
    """One file on its way in."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self.path = path
        self.file = path.name
        self.columns = columns
        self.found: list[Diagnostic] = []

    def read(self, head: bytes) -> tuple[Table | None, list[Diagnostic]]:
        places = self._find_columns(_first_line(head))
        if places is None:
            return None, self.found
        try:
            if b"\r" in head.partition(b"\n")[0].rstrip(b"\r"):
                raise pl.exceptions.ComputeError("lines end as on an old Macintosh")
            whole = pl.scan_csv(self.path, infer_schema=False)
            frame = self._convert(whole, places).collect(engine="streaming")
        except pl.exceptions.PolarsError:
            rows = self._read_carefully()
            if rows is None:
                return None, self.found
            whole = rows.lazy()
            frame = self._convert(whole, places).collect()
        frame = self._mend(whole, frame, places)
        table = self._without_blank_rows(frame)
        self._check_texts(table)
        if any(each.severity == "error" for each in self.found):
            return None, self.found
        return table, self.found

    # -- columns ---------------------------------------------------------------------------------------------------

    def _find_columns(self, header: str) -> dict[str, int] | None:
        """Where each column stands."""
        try:
            cells = next(csv.reader([header]), [])
        except csv.Error:
            cells = header.split(",")
        names = [_fold(cell) for cell in cells]
        asked = [column.name for column in self.columns]
        if len(names) == 1 and (mark := next((mark for mark in "\t;|" if mark in header), None)) is not None:
            what = say("列与列之间是“{mark}”，应是逗号。", mark="Tab" if mark == "\t" else mark)
            self._add(1, "", what, _SAVE_AS)
            return None
        for name in dict.fromkeys(names):
            if name in asked and names.count(name) > 1:
                self._add(
                    1,
                    name,
                    say("列名“{name}”有 {count} 个。", name=name, count=names.count(name)),
                    say("只留一个。"),
                )
        unknown = [name for name in names if name and name not in asked]
        for name in asked:
            if name not in names:
                meant = nearest(name, unknown)
                fix = say("第一行写列名：{names}。", names=",".join(asked))
                if meant is not None:
                    fix = say("是不是写成了“{meant}”？改为 {name}。", meant=meant, name=name)
                self._add(1, "", say("缺少列“{name}”。", name=name), fix)
        if self.found:
            return None
        if unknown:
            what = say("不认识的列没有用：{names}。", names="、".join(unknown))
            self.found.append(Diagnostic("warning", self.file, 1, "", what))
        return {name: names.index(name) for name in asked}

    def _convert(self, whole: pl.LazyFrame, places: dict[str, int]) -> pl.LazyFrame:
        return whole.select(
            _text(places[column.name]).alias(column.name)
            if column.number is None
            else _text(places[column.name]).cast(pl.Float64, strict=False).alias(column.name)
            for column in self.columns
        )

    # -- what Polars does not read -------------------------------------------------------------------------------------

    def _read_carefully(self) -> pl.DataFrame | None:
        """Record by record, so that what is wrong can be told with its line."""
        raw = self.path.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            try:
                text = raw.decode("gb18030")
            except UnicodeDecodeError:
                self._add(
                    raw.count(b"\n", 0, error.start) + 1, "", say("文件不是 UTF-8 编码的文本。"), _SAVE_AS
                )
                return None
            what = say("文件是用 GBK 编码保存的，已按 GBK 读取。")
            self.found.append(Diagnostic("warning", self.file, None, "", what))
            try:
                return pl.read_csv(io.BytesIO(text.encode()), infer_schema=False)
            except pl.exceptions.PolarsError:
                pass
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows: list[list[str]] = []
        faults = 0
        begun = 1
        try:
            width = len(next(reader))
            begun = reader.line_num + 1
            for row in reader:
                if row and len(row) != width:
                    faults += 1
                    if faults <= MOST_TOLD:
                        what = say("这一行有 {count} 格，应有 {width} 格。", count=len(row), width=width)
                        self._add(begun, "", what, say("格子里有逗号的，用英文双引号括起来。"))
                rows.append(row if len(row) == width else [""] * width)
                begun = reader.line_num + 1
        except csv.Error:
            self._add(begun, "", say("从这一行开始的双引号没有结束，或写得不对。"), say("补上或删去双引号。"))
            return None
        self.found += count_others(self.file, "", faults)
        return pl.DataFrame(rows, schema={str(at): pl.String for at in range(width)}, orient="row")

    # -- cells ---------------------------------------------------------------------------------------------------------

    def _mend(self, whole: pl.LazyFrame, frame: pl.DataFrame, places: dict[str, int]) -> pl.DataFrame:
        """Cells that are no plain number, read once more as a person would; those that are none are told."""
        numbers = [(column, column.number) for column in self.columns if column.number is not None]
        odd = frame.select(
            (~(pl.col(column.name).is_finite() & (pl.col(column.name) >= least)).fill_null(False)).alias(
                column.name
            )
            for column, least in numbers
        )
        somewhere = odd.select(pl.all().any()).row(0) if odd.height else ()
        troubled = [pair for pair, any_odd in zip(numbers, somewhere, strict=False) if any_odd]
        if not troubled:
            return frame
        at = np.flatnonzero(odd.select(pl.any_horizontal(pl.all())).to_series().to_numpy())
        texts = whole.select(_text(places[column.name]).alias(column.name) for column in self.columns)
        cells = texts.with_row_index("/row").filter(pl.col("/row").is_in(pl.Series(at).implode())).collect()
        cells = cells.filter(pl.any_horizontal(pl.exclude("/row") != ""))
        for column, least in troubled:
            frame = self._mend_column(frame, cells, odd.get_column(column.name), column.name, least)
        return frame

    def _mend_column(
        self, frame: pl.DataFrame, cells: pl.DataFrame, odd: pl.Series, name: str, least: float
    ) -> pl.DataFrame:
        rows = cells.get_column("/row")
        own = odd.gather(rows)
        rows, texts = rows.filter(own), cells.get_column(name).filter(own)
        meant = {text: read_number(text) for text in texts.unique()}
        good = {
            text: value
            for text, value in meant.items()
            if value is not None and math.isfinite(value) and value >= least
        }
        mended = texts.is_in(list(good))
        faults = (~mended).arg_true()
        for at in faults.head(MOST_TOLD):
            self._add(rows[at] + 2, name, *_fault(texts[at], meant[texts[at]], least))
        self.found += count_others(self.file, name, len(faults))
        if not good:
            return frame
        values = texts.filter(mended).replace_strict(good, return_dtype=pl.Float64)
        return frame.with_columns(frame.get_column(name).scatter(rows.filter(mended), values))

    def _without_blank_rows(self, frame: pl.DataFrame) -> Table:
        texts = [column.name for column in self.columns if column.number is None]
        numbers = [column.name for column in self.columns if column.number is not None]
        first = frame.get_column(texts[0])
        if not (first == "").any():
            return Table(self.file, frame, None)
        filled = frame.select(
            pl.any_horizontal(
                *(pl.col(name) != "" for name in texts), *(pl.col(name).is_not_null() for name in numbers)
            )
        ).to_series()
        return Table(self.file, frame.filter(filled), np.flatnonzero(filled.to_numpy()) + 2)

    def _check_texts(self, table: Table) -> None:
        for column in self.columns:
            if column.number is None and column.required:
                empty = table.frame.get_column(column.name) == ""
                if empty.any():
                    fix = say("填上；不要的整行删去。")
                    self.found += table.tell(
                        empty.arg_true(), column.name, lambda _: say("这一格是空的。"), fix
                    )

    def _add(self, line: int, path: str, what: Message, fix: Message) -> None:
        self.found.append(Diagnostic("error", self.file, line, path, what, fix))


def _text(place: int) -> pl.Expr:
    return pl.nth(place).fill_null("").str.strip_chars()


def _first_line(head: bytes) -> str:
    line = head.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n").partition(b"\n")[0]
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("gb18030", errors="replace")


def _fault(text: str, value: float | None, least: float) -> tuple[Message, Message]:
    if not text:
        return say("这一格是空的。"), say("没有就写 0。") if least == 0 else say("填一个数。")
    shown = text if len(text) <= 40 else text[:39] + "…"
    if value is None:
        return say("“{found}” 不是数字。", found=shown), say("只填数值，不带单位；没有就写 0。")
    if value < 0:
        return say("“{found}” 是负数。", found=shown), say("填不小于 0 的数。")
    return say("“{found}” 太大了。", found=shown), say("核对数值和单位。")


def read_number(text: str) -> float | None:
    """What a person means by ``１，２３４．５`` or ``1 234.5``; None where it is no number.

    A footnote's mark (①, ²) is none: as a digit it would become part of the figure.
    """
    if any(unicodedata.category(letter) == "No" for letter in text):
        return None
    folded = _fold(text).translate(_MARKS)
    if _GROUPED.fullmatch(folded):
        folded = folded.replace(",", "").replace(" ", "")
    return float(folded) if _NUMBER.fullmatch(folded) else None


def _fold(text: str) -> str:
    """Half-width, small, without blanks around it and letters that nobody sees."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in folded if unicodedata.category(letter) != "Cf").strip().casefold()
