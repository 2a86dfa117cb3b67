"""The small workbook that an enterprise fills in place of the form: months down, items across, units in the head.

Reading gives what was typed, by month; whether it can be filed is for the same checks as the form's.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.intake.address import column_letters
from muheng.intake.tables import read_tables
from muheng.web.filing.entries import read_entries
from muheng.web.filing.items import FiledItem, form
from muheng.web.filing.months import Month, parse_month
from muheng.web.filing.wording import sentence
from muheng.web.reading import language
from muheng.web.refusal import Refused

SHEET = "月度填报"
_MONTH = "月份"
_CODE = "统一社会信用代码"
_MOST_WRONG = 20


class BadWorkbook(Refused):
    """A workbook that was not taken: every wrong cell with what to do."""

    def __init__(self, what: str, fix: str, cells: Sequence[str] = ()) -> None:
        super().__init__(what, fix, status=422, code="invalid", at="file")
        self.cells = list(cells)

    def body(self) -> dict[str, object]:
        body = super().body()
        body["error"]["cells"] = self.cells  # type: ignore[index]
        return body


@dataclass(frozen=True)
class Sheet:
    """What a workbook says: whose it is, and what was typed for each month that has anything."""

    code: str
    months: Mapping[Month, Mapping[str, str]]


def head_of(item: FiledItem) -> str:
    return f"{item.name}（{item.unit}）"


def make_workbook(code: str, name: str, months: Mapping[Month, Mapping[str, str]]) -> bytes:
    """The workbook to fill, with what is known already."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    items = list(form().items.values())
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(SHEET)
        bold = book.add_format({"bold": True, "bg_color": "#e4f0ec", "border": 1, "text_wrap": True})
        quiet = book.add_format({"font_color": "#55615c", "text_wrap": True, "valign": "top"})
        fixed = book.add_format({"border": 1, "bg_color": "#f2f4f3"})
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, len(items), 17)
        sheet.set_row(2, 48)
        sheet.write_row(0, 0, [_CODE, code])
        sheet.write_row(1, 0, ["企业名称", name])
        sheet.merge_range(
            2,
            0,
            2,
            len(items),
            "请只填数值，不写单位；没有发生填 0，还没有数据就留空。不要改动月份和表头。填好后在“月度填报”页面上传，"
            "核对后再提交。",
            quiet,
        )
        sheet.write_row(3, 0, [_MONTH, *(head_of(item) for item in items)], bold)
        for row, (when, figures) in enumerate(months.items(), 4):
            sheet.write_string(row, 0, str(when), fixed)
            for column, item in enumerate(items, 1):
                places = f".{'0' * item.digits}"
                cell = book.add_format({"border": 1, "num_format": f"#,##0{places.replace('0', '#')}"})
                figure = figures.get(item.name)
                if figure is None:
                    sheet.write_blank(row, column, None, cell)
                else:
                    sheet.write_number(row, column, float(figure), cell)
        sheet.freeze_panes(4, 1)
    return out.getvalue()


def read_workbook(path: Path, name: str) -> Sheet:
    """What stands in a filled workbook. Raises BadWorkbook with every cell that cannot be read; takes all or nothing."""
    lang = language()
    try:
        tables, problems = read_tables(path)
    except (OSError, Refusal) as error:
        raise BadWorkbook(_("文件打不开。"), _("请另存为 .xlsx 后再上传。")) from error
    table = next((each for each in tables if each.sheet == SHEET), tables[0] if len(tables) == 1 else None)
    if table is None:
        first = next((each for each in problems if each.severity == "error"), None)
        raise BadWorkbook(
            first.what.render(lang)
            if first is not None
            else _("文件里没有“%(sheet)s”工作表。") % {"sheet": SHEET},
            (first.fix.render(lang) if first is not None and first.fix is not None else "")
            or _("请下载模板，在模板里填写。"),
        )
    rows = [["" if cell is None else cell.strip() for cell in row] for row in table.frame.iter_rows()]
    heads = {head_of(item): item for item in form().items.values()}
    at = next((at for at, row in enumerate(rows[:20]) if row and row[0] == _MONTH), None)
    if at is None:
        raise BadWorkbook(
            _("没有找到表头“%(head)s”。") % {"head": _MONTH}, _("请下载模板，在模板里填写，不改动表头。")
        )
    columns: dict[int, FiledItem] = {}
    wrong: list[str] = []
    for column, head in enumerate(rows[at][1:], 1):
        if head in heads:
            columns[column] = heads[head]
        elif head:
            cell = f"{column_letters(column)}{at + 1}"
            wrong.append(
                _("%(cell)s：表头“%(head)s”不认识。应为：%(heads)s。")
                % {"cell": cell, "head": head, "heads": "、".join(heads)}
            )
    code = next((row[1] for row in rows[:at] if len(row) > 1 and row[0] == _CODE), "")
    broken = {*table.errors, *table.uncomputed}
    months: dict[Month, dict[str, str]] = {}
    for number, row in enumerate(rows[at + 1 :], at + 2):
        typed = {item.name: row[column] for column, item in columns.items() if row[column]}
        for column in columns:
            cell = f"{column_letters(column)}{number}"
            if cell in broken:
                wrong.append(_("%(cell)s：公式没有算出结果。请改填数值。") % {"cell": cell})
        if not row[0] and not typed:
            continue
        when = parse_month(row[0][:7])
        if when is None or when in months:
            what = _("月份重复") if when is not None else _("月份应写成 2026-10 的样子")
            wrong.append(
                _("A%(row)d：“%(found)s”，%(what)s。") % {"row": number, "found": row[0], "what": what}
            )
            continue
        for finding in read_entries(typed).wrong:
            column = next(at for at, item in columns.items() if item.name == finding.item)
            told = sentence(finding.stored())
            wrong.append(f"{column_letters(column)}{number}：{told['what']}{told['fix']}")
        if typed:
            months[when] = typed
    if wrong:
        raise BadWorkbook(
            _("“%(name)s”有 %(count)d 处要改，没有导入任何数据。") % {"name": name, "count": len(wrong)},
            _("请按下面的单元格逐处改正后，重新上传。"),
            wrong[:_MOST_WRONG],
        )
    if not months:
        raise BadWorkbook(_("表里没有填任何数据。"), _("请填好数值后再上传。"))
    return Sheet(code, months)
