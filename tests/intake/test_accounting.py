"""No row is lost: rows in = imported + listed as problems + skipped, whatever the workbook."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muheng.cities.pack import COMMON_LAYOUTS
from muheng.intake.facts import CODE
from muheng.intake.layout import Layout, load_layouts
from muheng.intake.workbooks import Intake, read_workbooks

from .conftest import make_code, make_name, roster_rows

ENTERPRISES = 5
# Not a fixture: hypothesis would print all of it with each failure.
LAYOUTS, _ = load_layouts(sorted(COMMON_LAYOUTS.glob("*.toml")))

codes = st.one_of(
    st.none(),
    st.integers(0, ENTERPRISES + 1).map(make_code),
    st.sampled_from(["9.134E+17", "913405000000000", "—", "  ", "91340500000000000", "合计", "ＡＢＣ"]),
)
names = st.one_of(
    st.none(),
    st.integers(0, ENTERPRISES + 1).map(make_name),
    st.sampled_from(["合计", "小 计", "虚构第1号机械有限责任公司", "企业名称", "某某村", "注：无", "", " "]),
)
figures = st.one_of(
    st.none(),
    st.integers(-5, 10**9),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 4)),
    st.sampled_from(["1,234.5", "1,234.5万", "—", "无", "12%", "＝", "３．５", " ", "=1+1", "1e9"]),
)
dates = st.one_of(st.none(), st.dates().map(str), st.sampled_from(["2022-13-01", "44260", "—"]))
meters = st.sampled_from(["001", "002", "003", None])

SHEETS = {
    "税收": (["统一社会信用代码", "企业名称", "入库税收", "增值税"], [codes, names, figures, figures]),
    "用地": (["统一社会信用代码", "企业名称", "宗地号", "面积"], [codes, names, meters, figures]),
    "租赁": (
        ["出租方名称", "出租方信用代码", "承租方名称", "承租方信用代码", "面积", "租期起", "租期止"],
        [names, codes, names, codes, figures, dates, dates],
    ),
    "用电": (
        ["户号", "户名", "统一社会信用代码", "电表性质", "用电量"],
        [meters, names, codes, st.sampled_from(["公用", "专用", None]), figures],
    ),
    "分摊": (
        ["户号", "使用企业名称", "使用企业信用代码", "分摊比例"],
        [meters, names, codes, st.sampled_from([0.5, 50, 100, 1, None, "五成"])],
    ),
    "统计": (["统一社会信用代码", "企业名称", "营业收入", "综合能耗"], [codes, names, figures, figures]),
    "排放": (["统一社会信用代码", "企业名称", "COD", "氨氮"], [codes, names, figures, figures]),
    "名单": (
        ["统一社会信用代码", "企业名称", "规模", "投产日期"],
        [codes, names, st.sampled_from(["规上", "规模以下", "大", None]), dates],
    ),
}  # fmt: skip


@st.composite
def workbooks(draw: st.DrawFn) -> dict[str, list[list[object]]]:
    sheets: dict[str, list[list[object]]] = {}
    for name, (head, columns) in SHEETS.items():
        if name == "名单" or draw(st.booleans()):
            rows = draw(st.lists(st.tuples(*columns).map(list), max_size=8))
            sheets[name] = [list(head), *rows]
    if draw(st.booleans()):
        sheets["名单"] = [list(row) for row in roster_rows(ENTERPRISES)]
    return sheets


def read(sheets: dict[str, list[list[object]]], layouts: list[Layout], folder: Path) -> Intake:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    path = folder / "各部门.xlsx"
    book.save(path)
    return read_workbooks([path], layouts, 2022)


@given(workbooks())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_row_is_imported_or_listed_or_skipped(
    tmp_path_factory: pytest.TempPathFactory, sheets: dict[str, list[list[object]]]
) -> None:
    intake = read(sheets, LAYOUTS, tmp_path_factory.mktemp("books"))
    reports = {report.sheet: report for report in intake.sheets}
    listed = Counter((p.sheet, p.row) for p in intake.problems if p.row is not None)
    for title, rows in sheets.items():
        report = reports[title]
        declared = [row for row in rows[1:] if any(cell is not None and str(cell).strip() for cell in row)]
        assert report.rows <= len(rows) - 1
        assert report.rows == report.imported + report.listed + report.skipped
        # Only rows without anything in a declared column are left uncounted.
        assert report.rows >= len(declared)
        states = intake.matches.filter(pl.col("工作表") == title)
        assert states.get_column("行").n_unique() == report.rows
        for row, fates in states.group_by("行").agg("处理").iter_rows():
            (fate,) = set(fates)
            if fate == "问题":
                assert listed[title, row], (title, row)
        for state in states.iter_rows(named=True):
            assert (state[CODE] is None) or (state["依据"] is not None)


@given(workbooks())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_figure_is_the_sum_of_its_cells_or_is_withheld(
    tmp_path_factory: pytest.TempPathFactory, sheets: dict[str, list[list[object]]]
) -> None:
    intake = read(sheets, LAYOUTS, tmp_path_factory.mktemp("books"))
    facts = intake.facts
    added = [
        name
        for layout in LAYOUTS
        for sheet in layout.sheet.values()
        for name in [
            *(c.item for c in sheet.columns.values() if c.repeat == "相加"),
            *sheet.sums,
            *(item for subject in sheet.subjects.values() for item in (*subject.gives, *subject.counts)),
        ]
        if name
    ]
    assert len(added) > 20
    for row in facts.frame.iter_rows(named=True):
        for name in added:
            digits = facts.items[name].digits or 0
            cells = facts.cells(row[CODE], name)
            total = sum(round(float(cell.value) * 10**digits) for cell in cells)
            assert row[name] == (total if cells else None), (name, cells)
    errors = {(p.sheet, p.code) for p in intake.problems if p.severity == "error" and p.code is not None}
    for table in facts.sources:
        for sheet, code in errors:
            if table.sheet == sheet and sheet != "租赁":
                assert code not in table.frame.get_column(CODE).to_list()
