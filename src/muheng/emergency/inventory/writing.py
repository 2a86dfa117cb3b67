"""The emergency list as a workbook in its usual columns, empty or filled in, with a plan beside it where there is one.

What is written is read again as the same list. Computes nothing but the ratios of what it writes.
"""

from __future__ import annotations

import datetime
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from muheng.documents.message import Language, Message, say
from muheng.emergency.inventory import cells, sheets
from muheng.emergency.inventory.cells import Cell
from muheng.emergency.inventory.filed import add, filed_ratios, shares
from muheng.emergency.inventory.model import NOTHING, Inventory, Level, Mass
from muheng.emergency.inventory.notes import COLUMN_NOTES
from muheng.intake.layout import Column
from muheng.standards.rounding import scale_half_up


class Planned(NamedTuple):
    """What a plan has a line do at a level: ``part`` in thousandths, ``cut`` g a day, ``loss`` fen a day."""

    name: str
    part: int
    cut: Mass
    loss: int


Plan = Mapping[tuple[str, Level], Planned]
"""By line and level; a line that goes on as usual may be left out."""

_WRITTEN = (sheets.FIRMS, sheets.LINES, sheets.OFFERS, sheets.FILED, sheets.TRANSPORT, sheets.BASE)
_HEADER_ROWS = 2
_FIRST_ROW = 1 + _HEADER_ROWS
_ROOM = 2000
"""Rows beyond the last for which drop-downs are laid out."""
_DATES = datetime.datetime(1980, 1, 1)
_BEHIND = {"停产准备时间": "小时", "恢复时间": "小时"}
_WIDE = {"企业名称": 30, "措施内容": 40, "治理设施": 24, "生产设备": 24, "统一社会信用代码": 21}
_PRINTABLE = 20
"""Columns that can still be read on one page."""
_SMALL_PART = 10
"""Up to one per cent a bare figure could be taken for a fraction, so it bears its sign."""


def write_inventory(
    inventory: Inventory, path: Path, plan: Plan | None = None, *, lang: Language = "zh"
) -> None:
    """Write the list; with ``plan`` its measures on a sheet of their own, and what it reaches among the ratios.

    The same list gives the same bytes. Raises OSError where the file cannot be written.
    """
    rows: dict[str, Iterable[Mapping[str, Cell]]] = {
        sheets.FIRMS: map(cells.firm_cells, inventory.firms),
        sheets.LINES: cells.line_rows(inventory),
        sheets.OFFERS: cells.offer_rows(inventory),
        sheets.FILED: cells.filed_rows(inventory),
        sheets.TRANSPORT: cells.transport_rows(inventory),
        sheets.BASE: map(cells.source_cells, inventory.base),
    }

    def fill(book: Any, looks: _Looks) -> None:
        for kind in _WRITTEN:
            _write_sheet(book, looks, kind, inventory.title, list(rows[kind]), None)
        if plan is not None:
            _write_plan(book, looks, inventory, plan, lang)
        if inventory.base:
            _write_ratios(book, looks, inventory, plan, lang)

    _write_book(path, fill)


def write_template(path: Path, *, lang: Language = "zh") -> None:
    """An empty list: every sheet with its columns, a note at each, drop-downs, and how to fill it in.

    Raises OSError where the file cannot be written.
    """

    def fill(book: Any, looks: _Looks) -> None:
        _write_notes(book, looks, lang)
        for kind in _WRITTEN:
            _write_sheet(book, looks, kind, sheets.list_layout().name, [], lang)

    _write_book(path, fill)


@dataclass(frozen=True)
class _Looks:
    """Formats of cells."""

    title: Any
    line: Any
    head: Any
    text: Any
    date: Any
    whole: Any
    numbers: Mapping[int, Any]


def _write_book(path: Path, fill: Any) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, **options}) as book:
        book.set_properties({"created": _DATES})
        head = {"bold": True, "text_wrap": True, "valign": "vcenter", "align": "center", "border": 1}
        looks = _Looks(
            book.add_format({"bold": True, "font_size": 14}),
            book.add_format({"text_wrap": True, "valign": "top"}),
            book.add_format({**head, "bg_color": "#E8EDF2"}),
            book.add_format({"num_format": "@"}),
            book.add_format({"num_format": "yyyy-mm-dd"}),
            book.add_format({"num_format": "0"}),
            {
                digits: book.add_format({"num_format": "#,##0." + "0" * shown if shown else "#,##0"})
                for digits, shown in ((0, 0), (1, 1), (2, 2), (3, 3), (6, 6))
            },
        )
        fill(book, looks)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content.getvalue())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write_sheet(
    book: Any,
    looks: _Looks,
    kind: str,
    title: str,
    rows: Sequence[Mapping[str, Cell]],
    notes: Language | None,
) -> None:
    """One declared sheet: a title, two rows of headers, the rows. ``notes``: say at each header what it holds."""
    columns = sheets.written_columns(kind)
    page = book.add_worksheet(kind)
    page.write_string(0, 0, title, looks.title)
    heads = [_head(name, column) for name, column in columns.items()]
    _write_heads(page, looks, heads)
    for at, (name, column) in enumerate(columns.items()):
        look = _look(looks, name, column)
        page.set_column(at, at, _WIDE.get(name, 12), look)
        if column.values is not None:
            page.data_validation(
                _FIRST_ROW,
                at,
                _FIRST_ROW + len(rows) + _ROOM,
                at,
                {"validate": "list", "source": list(column.values)},
            )
        note = COLUMN_NOTES.get(name)
        if notes is not None and note is not None:
            page.write_comment(1, at, note.render(notes), {"x_scale": 1.6})
        for row, values in enumerate(rows, _FIRST_ROW):
            _write_cell(page, row, at, values.get(name), column, look)
    fixed = 3 if kind in (sheets.LINES, sheets.OFFERS, sheets.FILED) else 2
    page.freeze_panes(_FIRST_ROW, fixed if kind != sheets.BASE else 1)
    if rows:
        page.autofilter(_HEADER_ROWS, 0, _HEADER_ROWS + len(rows), len(heads) - 1)
    _set_paper(page, len(heads))


def _head(name: str, column: Column) -> tuple[str, str]:
    """What stands in the two rows: 年排放量(t) over SO2."""
    top, _, bottom = name.partition("|")
    unit = column.unit if column.unit not in (None, "1") else _BEHIND.get(name)
    return (top if unit is None else f"{top}({unit})"), bottom


def _write_heads(page: Any, looks: _Looks, heads: Sequence[tuple[str, str]]) -> None:
    at = 0
    while at < len(heads):
        top, bottom = heads[at]
        last = at
        while bottom and last + 1 < len(heads) and heads[last + 1][0] == top:
            last += 1
        if not bottom:
            page.merge_range(1, at, 2, at, top, looks.head)
        elif last == at:
            page.write_string(1, at, top, looks.head)
            page.write_string(2, at, bottom, looks.head)
        else:
            page.merge_range(1, at, 1, last, top, looks.head)
            for place in range(at, last + 1):
                page.write_string(2, place, heads[place][1], looks.head)
        at = last + 1
    page.set_row(1, 30)


def _look(looks: _Looks, name: str, column: Column) -> Any:
    if column.type == "日期":
        return looks.date
    if column.type != "数字":
        return looks.text
    if column.unit == "%":
        return None
    return looks.numbers.get(column.scale) if name != "年生产天数" else looks.whole


def _write_cell(page: Any, row: int, at: int, value: Cell, column: Column, look: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, datetime.date):
        page.write_datetime(row, at, datetime.datetime.combine(value, datetime.time()), look)
    elif isinstance(value, str):
        page.write_string(row, at, value, look)
    elif column.unit == "%":
        assert isinstance(value, int)
        if 0 < value <= _SMALL_PART:
            page.write_string(row, at, f"{value / 10:g}%")
        else:
            page.write_number(row, at, value / 10)
    else:
        page.write_number(row, at, float(Fraction(value, 10**column.scale)), look)


def _set_paper(page: Any, columns: int) -> None:
    page.set_paper(8)  # A3: the list is wide.
    page.set_landscape()
    page.repeat_rows(0, _FIRST_ROW - 1)
    if columns > _PRINTABLE:
        page.repeat_columns(0, 1)
    page.fit_to_pages(1 + columns // _PRINTABLE, 0)


def _write_plan(book: Any, looks: _Looks, inventory: Inventory, plan: Plan, lang: Language) -> None:
    """One row for each line: who it is, and what it does at each level."""
    page = book.add_worksheet(sheets.PLANNED)
    title = say("{title}：拟定措施（供年度清单修订，由主管部门决定）", title=inventory.title)
    page.write_string(0, 0, title.render(lang), looks.title)
    own = (sheets.CODE, sheets.NAME, "县（市、区）", "绩效等级", sheets.NUMBER, "生产线名称")
    heads = [(name, "") for name in own]
    for level in sheets.LEVELS:
        heads += [(sheets.alert(level), part) for part in ("措施", "限产比例(%)", "日损失(元)")]
        heads += [(sheets.alert(level), f"{name}(kg)") for name in sheets.POLLUTANTS]
    _write_heads(page, looks, heads)
    for at, width in enumerate((21, 30, 12, 10, 12, 20)):
        page.set_column(at, at, width, looks.text)
    page.set_column(len(own), len(heads) - 1, 14)
    firms = {firm.code: firm for firm in inventory.firms}
    for row, line in enumerate(inventory.lines, _FIRST_ROW):
        firm = firms[line.firm]
        number = sheets.own_number(line.id, line.firm)
        texts = (firm.code, firm.name, firm.county, firm.grade or sheets.NOT_GRADED, number, line.name)
        for at, text in enumerate(texts):
            page.write_string(row, at, text, looks.text)
        at = len(own)
        for level in sheets.LEVELS:
            planned = plan.get((line.id, level))
            if planned is not None:
                page.write_string(row, at, planned.name, looks.text)
                page.write_number(row, at + 1, planned.part / 10)
                page.write_number(row, at + 2, planned.loss / 100, looks.numbers[2])
                for place, cut in enumerate(planned.cut, at + 3):
                    page.write_number(row, place, cut / 1000, looks.numbers[3])
            at += 7
    last = _FIRST_ROW + len(inventory.lines)
    page.write_string(last, 0, _TOTAL.render(lang), looks.head)
    for at in range(len(own), len(heads)):
        level_at, part = divmod(at - len(own), 7)
        if part >= 2:
            span = f"{xl_col_to_name(at)}{_FIRST_ROW + 1}:{xl_col_to_name(at)}{last}"
            total = _column_total(inventory, plan, level_at, part)
            page.write_formula(
                last,
                at,
                f"=SUM({span})" if inventory.lines else "=0",
                looks.numbers[2 if part == 2 else 3],
                total,
            )
    page.freeze_panes(_FIRST_ROW, 2)
    page.autofilter(_HEADER_ROWS, 0, max(last - 1, _HEADER_ROWS), len(heads) - 1)
    _set_paper(page, len(heads))


_TOTAL = say("合计")


def _column_total(inventory: Inventory, plan: Plan, level_at: int, part: int) -> float:
    level = list(sheets.LEVELS)[level_at]
    chosen = [plan[line.id, level] for line in inventory.lines if (line.id, level) in plan]
    if part == 2:
        return sum(each.loss for each in chosen) / 100
    return sum(each.cut[part - 3] for each in chosen) / 1000


def _write_ratios(book: Any, looks: _Looks, inventory: Inventory, plan: Plan | None, lang: Language) -> None:
    """By level and pollutant: what the region emits, what is cut, and which part that is."""
    page = book.add_worksheet(sheets.RATIOS)
    title = say("{title}：减排比例", title=inventory.title)
    page.write_string(0, 0, title.render(lang), looks.title)
    heads: list[Message] = [say("预警级别"), say("污染物"), say("全社会日排放(kg)"), say("其他源减排(kg)")]
    columns = [filed_ratios(inventory)]
    heads += [say("现行措施减排(kg)"), say("现行比例(%)")]
    if plan is not None:
        cuts: dict[Level, Mass] = dict.fromkeys(sheets.LEVELS, NOTHING)
        for (_, level), planned in plan.items():
            cuts[level] = add(cuts[level], planned.cut)
        columns.append(shares(inventory, cuts))
        heads += [say("拟定措施减排(kg)"), say("拟定比例(%)")]
    for at, head in enumerate(heads):
        page.write_string(2, at, head.render(lang), looks.head)
    page.set_column(0, len(heads) - 1, 18)
    row = _FIRST_ROW
    for level, name in sheets.LEVELS.items():
        for place, pollutant in enumerate(sheets.POLLUTANTS):
            page.write_string(row, 0, name, looks.text)
            page.write_string(row, 1, pollutant, looks.text)
            page.write_number(row, 2, columns[0][level].base[place] / 1000, looks.numbers[3])
            page.write_number(row, 3, columns[0][level].others[place] / 1000, looks.numbers[3])
            for at, share in enumerate(columns):
                page.write_number(row, 4 + 2 * at, share[level].listed[place] / 1000, looks.numbers[3])
                ratio = share[level].ratios[place]
                if ratio is not None:
                    page.write_number(row, 5 + 2 * at, scale_half_up(ratio * 100, 2) / 100, looks.numbers[2])
            row += 1
    note = say("比例 =（其他源减排 + 清单各线减排）÷ 全社会日排放；同一条线的措施合计不超过它的排放。")
    page.write_string(row + 1, 0, note.render(lang))
    page.freeze_panes(_FIRST_ROW, 2)
    _set_paper(page, len(heads))


def _write_notes(book: Any, looks: _Looks, lang: Language) -> None:
    """How to fill the list in: every column of every sheet."""
    page = book.add_worksheet(sheets.NOTES)
    page.write_string(0, 0, say("应急减排清单填表说明").render(lang), looks.title)
    first = say(
        "列名可以用通行的别名，列的先后不限；单位写在表头括号里，数里不写单位。有一处错误，整份清单都不导入。"
    )
    page.merge_range(1, 0, 1, 5, first.render(lang), looks.line)
    page.set_row(1, 32)
    heads = (say("表"), say("列"), say("单位"), say("必填"), say("可填的值"), say("说明"))
    for at, head in enumerate(heads):
        page.write_string(2, at, head.render(lang), looks.head)
    for at, width in enumerate((12, 24, 8, 6, 50, 60)):
        page.set_column(at, at, width, looks.line)
    row = _FIRST_ROW
    for kind in _WRITTEN:
        for name, column in sheets.written_columns(kind).items():
            note = COLUMN_NOTES.get(name)
            texts = (
                kind,
                name.replace("|", " "),
                column.unit if column.unit not in (None, "1") else _BEHIND.get(name, ""),
                say("是").render(lang) if column.required else "",
                "、".join(column.values or ()),
                "" if note is None else note.render(lang),
            )
            for at, text in enumerate(texts):
                page.write_string(row, at, text or "", looks.line)
            row += 1
    page.freeze_panes(_FIRST_ROW, 0)
    _set_paper(page, len(heads))
