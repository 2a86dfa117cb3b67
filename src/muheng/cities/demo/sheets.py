"""Lay records out as the sheets that arrive: titles, headers, totals, odd ways of writing, blank tails.

The outcome is a grid of plain cells, and for every planted defect the cell that it stands in. Writes no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

from xlsxwriter.utility import xl_col_to_name

from muheng.cities.demo.defects import MERGED, Planted
from muheng.cities.demo.parameters import Noise, SheetForm, SheetKind, WorkbookForm
from muheng.cities.demo.records import AsNumber, AsText, Record, Value

Cell = str | float | date | None


@dataclass(frozen=True)
class Sheet:
    """Cells; merged ranges, 0-based (first row, first column, last row, last column); blank rows after."""

    name: str
    rows: tuple[tuple[Cell, ...], ...]
    merges: tuple[tuple[int, int, int, int], ...] = ()
    hidden: bool = False
    blank_tail: int = 0


@dataclass(frozen=True)
class Workbook:
    """A file to write: .xlsx, or a .csv of one sheet in `encoding`."""

    file: str
    sheets: tuple[Sheet, ...]
    encoding: str | None = None


@dataclass(frozen=True)
class Defect:
    """A planted defect, where it stands, and what should come of it (see `defects.Outcome`; 略过: left out).

    `codes` are the enterprises whose row it is; `items` are the facts that cannot be trusted because of it,
    `*` for all of them. `row` is 1-based.
    """

    kind: str
    outcome: str
    file: str
    sheet: str
    row: int
    cell: str
    found: str
    codes: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


def lay_out(
    forms: Sequence[WorkbookForm],
    records: Mapping[SheetKind, list[Record]],
    planted: Sequence[Planted],
    noise: Noise,
    seed: int,
    year: int,
) -> tuple[tuple[Workbook, ...], tuple[Defect, ...]]:
    """Workbooks and defects, in the order of the forms."""
    workbooks, defects = [], []
    for form in forms:
        file = form.file.format(year=year)
        sheets = []
        for sheet_form in form.sheet:
            random = Random(f"{seed}/noise/{year}/{sheet_form.of}")
            layer = _Layer(file, sheet_form, noise, random, year)
            sheets.append(layer.lay(records[sheet_form.of]))
            layer.place([p for p in planted if p.sheet == sheet_form.of])
            if sheet_form.stale is not None:
                sheets.append(layer.stale(records[sheet_form.of]))
            defects += layer.defects
        if any(sheet_form.of == "名单" for sheet_form in form.sheet):
            sheets.append(
                Sheet("下拉选项", (("规上", "正常"), ("规下", "停产"), (None, "在建")), hidden=True)
            )
            defects.append(Defect("隐藏工作表", "略过", file, "下拉选项", 1, "A1", "规上"))
        workbooks.append(Workbook(file, tuple(sheets), form.encoding))
    return tuple(workbooks), tuple(defects)


class _Layer:
    """One sheet while it is laid out."""

    def __init__(self, file: str, form: SheetForm, noise: Noise, random: Random, year: int) -> None:
        self.file, self.form, self.noise, self.random, self.year = file, form, noise, random, year
        self.name = form.name.format(year=year)
        self.grid: list[tuple[Cell, ...]] = []
        self.merges: list[tuple[int, int, int, int]] = []
        self.rows: dict[int, int] = {}
        """id of a record → 1-based row."""
        self.defects: list[Defect] = []

    def lay(self, records: Sequence[Record]) -> Sheet:
        self.head()
        if self.form.total == "top":
            self.total("总计", records)
        merged_from: dict[int, int] = {}
        for serial, record in enumerate(records, 1):
            row = len(self.grid)
            self.rows[id(record)] = row + 1
            cells: list[Cell] = []
            for at, column in enumerate(self.form.columns):
                value = record.values.get(column.is_)
                if value is MERGED:
                    merged_from.setdefault(at, row - 1)
                elif at in merged_from:
                    self.merges.append((merged_from.pop(at), at, row - 1, at))
                cells.append(
                    float(serial) if column.is_ == "序号" else self.write(value, column.times, row, at)
                )
            self.grid.append(tuple(cells))
        self.merges += [(first, at, len(self.grid) - 1, at) for at, first in merged_from.items()]
        if self.form.total == "bottom":
            self.total("合计", records)
        if self.form.blank_tail:
            self.defects.append(self.structure("末尾空行", len(self.grid), 0, ""))
        return Sheet(self.name, tuple(self.grid), tuple(self.merges), blank_tail=self.form.blank_tail)

    def head(self) -> None:
        form, width = self.form, len(self.form.columns)
        words = {"year": self.year, "next": self.year + 1, "last": self.year - 1}
        self.banner(form.title.format(**words))
        if form.note is not None:
            self.banner(form.note.format(**words))
        if form.corner is not None:
            self.grid.append((None,) * (width - 1) + (form.corner,))
        if any(column.top is not None for column in form.columns):
            row = len(self.grid)
            self.grid.append(tuple(column.top or column.header for column in form.columns))
            self.grid.append(tuple(column.header if column.top else None for column in form.columns))
            start = 0
            for at in range(1, width + 1):
                if at < width and form.columns[at].top and form.columns[at].top == form.columns[start].top:
                    continue
                if form.columns[start].top is None:
                    self.merges.append((row, start, row + 1, start))
                elif at - 1 > start:
                    self.merges.append((row, start, row, at - 1))
                start = at
            self.defects.append(self.structure("两行表头", row, 0, str(self.grid[row][0])))
        else:
            self.grid.append(tuple(column.header for column in form.columns))

    def banner(self, text: str) -> None:
        width = len(self.form.columns)
        self.merges.append((len(self.grid), 0, len(self.grid), width - 1))
        self.grid.append((text,) + (None,) * (width - 1))

    def total(self, word: str, records: Sequence[Record]) -> None:
        cells: list[Cell] = []
        for column in self.form.columns:
            amounts = [v for r in records if isinstance(v := r.values.get(column.is_), Decimal)]
            if column.is_ == "名称":
                cells.append(word)
            else:
                cells.append(float(sum(amounts) * column.times) if amounts else None)
        at = next(i for i, column in enumerate(self.form.columns) if column.is_ == "名称")
        self.defects.append(self.structure("合计行", len(self.grid), at, word))
        self.grid.append(tuple(cells))

    def write(self, value: Value, times: int, row: int, at: int) -> Cell:
        if isinstance(value, AsText):
            return value.text or None
        if isinstance(value, AsNumber):
            return value.value
        if isinstance(value, date):
            return self.write_date(value)
        if isinstance(value, Decimal):
            return self.write_number(value * times, row, at)
        if value is None and self.is_number(at) and self.random.random() < self.noise.dash:
            return self.random.choice(("—", "—", "—", "-", "/"))
        return value

    def is_number(self, at: int) -> bool:
        return self.form.columns[at].is_ not in _TEXT_COLUMNS

    def write_number(self, value: Decimal, row: int, at: int) -> Cell:
        draw = self.random.random()
        plain = f"{value.normalize():f}"
        for kind, share, write in _STYLES:
            draw -= getattr(self.noise, share)
            if draw < 0:
                text = write(value, plain)
                if text != plain or kind == "文本数字":
                    self.defects.append(self.structure(kind, row, at, text, "读入"))
                    return text
                break
        return float(value)

    def write_date(self, value: date) -> Cell:
        y, m, d = value.year, value.month, value.day
        styles: tuple[Cell, ...] = (
            value,
            value,
            value,
            value,
            value,
            value,
            value,
            f"{y}.{m}.{d}",
            f"{y}年{m}月{d}日",
            f"{y}{m:02d}{d:02d}",
            f"{y}/{m}/{d}",
            value.isoformat(),
        )
        return self.random.choice(styles)

    def structure(self, kind: str, row: int, at: int, found: str, outcome: str = "略过") -> Defect:
        return Defect(kind, outcome, self.file, self.name, row + 1, f"{xl_col_to_name(at)}{row + 1}", found)

    def place(self, planted: Sequence[Planted]) -> None:
        columns = {column.is_: at for at, column in enumerate(self.form.columns)}
        for plant in planted:
            row, at = self.rows[id(plant.record)], columns[plant.column]
            found = self.grid[row - 1][at]
            text = "" if found is None else found if isinstance(found, str) else f"{found}"
            cell = f"{xl_col_to_name(at)}{row}"
            self.defects.append(
                Defect(
                    plant.kind, plant.outcome, self.file, self.name, row, cell, text, plant.codes, plant.items
                )
            )

    def stale(self, records: Sequence[Record]) -> Sheet:
        """Last year's sheet, hidden and forgotten: the same header over figures that must not be counted."""
        name = (self.form.stale or "").format(last=self.year - 1)
        rows: list[tuple[Cell, ...]] = [tuple(column.header for column in self.form.columns)]
        for serial, record in enumerate(records, 1):
            rows.append(
                tuple(
                    float(serial)
                    if column.is_ == "序号"
                    else float((value * column.times * Decimal("0.9")).quantize(Decimal("0.01")))
                    if isinstance(value := record.values.get(column.is_), Decimal)
                    else value
                    if isinstance(value, str)
                    else None
                    for column in self.form.columns
                )
            )
        self.defects.append(Defect("隐藏工作表", "略过", self.file, name, 1, "A1", str(rows[0][0])))
        return Sheet(name, tuple(rows), hidden=True)


def _full_width(value: Decimal, plain: str) -> str:
    return plain.translate(
        {ord(a): ord(b) for a, b in zip("0123456789.-", "０１２３４５６７８９．－", strict=True)}
    )


_STYLES: tuple[tuple[str, str, Callable[[Decimal, str], str]], ...] = (
    ("全角数字", "full_width", _full_width),
    ("千分位", "thousands", lambda value, plain: f"{Decimal(plain):,f}"),
    ("文本数字", "text", lambda value, plain: plain),
)
_TEXT_COLUMNS = {
    "序号",
    "代码",
    "名称",
    "规模",
    "行业代码",
    "行业",
    "行业组",
    "区县",
    "乡镇",
    "园区",
    "注册日期",
    "投产日期",
    "约定投产日期",
    "状态",
    "标签",
    "安全事故等级",
    "环境违法等级",
    "失信",
    "上年等级",
    "合并组",
    "主体企业",
    "宗地号",
    "证号",
    "用途",
    "坐落",
    "出租方代码",
    "出租方",
    "承租方代码",
    "承租方",
    "租期起",
    "租期止",
    "户号",
    "性质",
}
