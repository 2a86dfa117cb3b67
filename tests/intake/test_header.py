"""Where headers stand and what they mean."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from muheng.intake.address import column_letters
from muheng.intake.header import Header, Unrecognised, recognise
from muheng.intake.layout import Layout
from muheng.intake.tables import TextTable

Cells = Sequence[Sequence[str | None]]

CODE_CELL = "91340500MA0000001X"


def table(rows: Cells, sheet: str = "Sheet1") -> TextTable:
    width = max(len(row) for row in rows)
    columns = {
        column_letters(at): pl.Series([row[at] if at < len(row) else None for row in rows], dtype=pl.String)
        for at in range(width)
    }
    return TextTable("表.xlsx", sheet, "", pl.DataFrame(columns))


def understood(rows: Cells, layouts: list[Layout], sheet: str = "Sheet1", year: int = 2022) -> Header:
    header = recognise(table(rows, sheet), layouts, year)
    assert isinstance(header, Header), header
    return header


def letters(header: Header) -> dict[str, str]:
    return {name: found.letters for name, found in header.columns.items()}


TAX = ["统一社会信用代码", "企业名称", "入库税收"]


def test_a_plain_header(layouts: list[Layout]) -> None:
    header = understood([TAX, [CODE_CELL, "甲", "1"]], layouts)
    assert (header.layout.id, header.row, header.first_row) == ("tax", 1, 2)
    assert letters(header) == {"统一社会信用代码": "A", "企业名称": "B", "入库税收": "C"}
    assert not header.remarks


def test_titles_notes_units_and_column_numbers_are_passed_over(layouts: list[Layout]) -> None:
    rows = [
        ["2022年度企业税收情况表"],
        [None, "填报单位：某某局", None, "单位：元"],
        [],
        ["序号", "纳税人识别号", "纳税人名称", "入库税收合计", "增值税（万元）"],
        ["甲", "乙", "丙", "1", "2"],
        ["1", CODE_CELL, "甲", "1", "2"],
    ]
    header = understood(rows, layouts)
    assert (header.row, header.first_row) == (4, 6)
    assert letters(header) == {"统一社会信用代码": "B", "企业名称": "C", "入库税收": "D", "增值税": "E"}
    units = {name: found.unit.symbol for name, found in header.columns.items() if found.unit is not None}
    assert units == {"入库税收": "元", "增值税": "万元"}


def test_a_row_of_units_below_the_header(layouts: list[Layout]) -> None:
    rows = [TAX, [None, None, "（元）"], [CODE_CELL, "甲", "1"]]
    header = understood(rows, layouts)
    assert header.first_row == 3
    assert header.columns["入库税收"].unit is not None
    assert header.columns["入库税收"].unit.symbol == "元"


def test_two_header_rows_are_joined(layouts: list[Layout]) -> None:
    rows = [
        ["企业名称", "信用代码", "排放量（吨）", None, None, None, "排污权核定量（千克）", None],
        [None, None, "COD", "氨氮", "SO2", "NOx", "COD", "氨氮"],
        ["甲", CODE_CELL, "1", "2", "3", "4", "5", "6"],
    ]
    header = understood(rows, layouts)
    assert (header.layout.id, header.row, header.first_row) == ("ecology", 2, 3)
    assert letters(header) == {
        "企业名称": "A",
        "统一社会信用代码": "B",
        "COD排放量": "C",
        "氨氮排放量": "D",
        "二氧化硫排放量": "E",
        "氮氧化物排放量": "F",
        "COD核定量": "G",
        "氨氮核定量": "H",
    }
    assert header.columns["COD核定量"].unit is not None
    assert header.columns["COD核定量"].unit.symbol == "千克"


def test_a_title_over_the_header_is_not_joined_to_it(layouts: list[Layout]) -> None:
    header = understood([["税收表", "2022"], TAX, [CODE_CELL, "甲", "1"]], layouts)
    assert (header.row, header.first_row) == (2, 3)


def test_headers_are_known_however_they_are_written(layouts: list[Layout]) -> None:
    rows = [["　统一社会 信用代码*", "企业\n名称", "２０２２年入库税收 ( 元 )"], [CODE_CELL, "甲", "1"]]
    header = understood(rows, layouts)
    assert letters(header) == {"统一社会信用代码": "A", "企业名称": "B", "入库税收": "C"}
    glued = understood([["信用代码", "单位名称", "税收万元"], [CODE_CELL, "甲", "1"]], layouts)
    assert letters(glued)["入库税收"] == "C"


def test_only_the_years_own_column_is_read(layouts: list[Layout]) -> None:
    rows = [["信用代码", "2021年入库税收", "2022年入库税收", "入库税收(2020年)"], [CODE_CELL, "1", "2", "3"]]
    assert letters(understood(rows, layouts))["入库税收"] == "C"
    assert letters(understood(rows, layouts, year=2021))["入库税收"] == "B"
    missing = recognise(table(rows), layouts, 2019)
    assert isinstance(missing, Unrecognised)
    assert str(missing.what) == "表里的“入库税收”是 2021 年的，不是 2019 年的。"


def test_a_column_named_twice_is_not_guessed(layouts: list[Layout]) -> None:
    rows = [["信用代码", "入库税收", "入库税收", "增值税"], [CODE_CELL, "1", "2", "3"]]
    header = understood(rows, layouts)
    assert "入库税收" not in header.columns
    assert "（B、C），不知道用哪一列" in str(header.remarks[0].what)
    better = understood([["信用代码", "税收合计", "入库税收"], [CODE_CELL, "1", "2"]], layouts)
    assert letters(better)["入库税收"] == "C"
    assert better.unread == ("税收合计",)


def test_a_unit_of_another_kind_is_refused(layouts: list[Layout]) -> None:
    rows = [["信用代码", "企业名称", "综合能耗（吨）", "营业收入（万元）"], [CODE_CELL, "甲", "1", "2"]]
    header = understood(rows, layouts)
    assert "综合能耗" not in header.columns
    (remark,) = header.remarks
    assert remark.severity == "error"
    assert "表头单位“吨”与“综合能耗”的单位“tce”不是同一种量" in str(remark.what)


@pytest.mark.parametrize(
    ("head", "column", "remarks"),
    [
        ("综合能耗（吨标准煤）", "综合能耗", 1),
        ("综合能耗（等价值，吨标准煤）", "综合能耗", 0),
        ("综合能耗（吨标准煤、当量值）", "综合能耗当量值", 0),
        ("综合能源消费量（当量值）(tce)", "综合能耗当量值", 0),
        ("综合能耗当量值(tce)", "综合能耗当量值", 0),
        ("等价值综合能耗", "综合能耗", 0),
    ],
)
def test_the_basis_of_coal_equivalents_is_read_or_asked_for(
    layouts: list[Layout], head: str, column: str, remarks: int
) -> None:
    header = understood([["信用代码", "营业收入", head], [CODE_CELL, "1", "2"]], layouts)
    assert letters(header)[column] == "C"
    assert len(header.remarks) == remarks


def test_every_department_is_told_from_the_others(layouts: list[Layout]) -> None:
    for layout in layouts:
        for kind, sheet in layout.sheet.items():
            header = understood([list(sheet.columns), ["1"] * len(sheet.columns)], layouts, "任意")
            assert (header.layout.id, header.kind) == (layout.id, kind)
            assert set(header.columns) == set(sheet.columns)
            least = [name for name, column in sheet.columns.items() if column.required]
            least += [name for party in sheet.parties().values() for name in [party.code] if name]
            if len(set(least)) > 1 and layout.id not in ("statistics", "ecology"):
                header = understood([list(dict.fromkeys(least)), ["1"] * len(set(least))], layouts, "任意")
                assert (header.layout.id, header.kind) == (layout.id, kind)


def test_what_is_missing_is_named(layouts: list[Layout]) -> None:
    answer = recognise(table([["信用代码", "企业名称", "宗地编号"], [CODE_CELL, "甲", "1"]]), layouts, 2022)
    assert isinstance(answer, Unrecognised)
    assert str(answer.what) == "没有认出这张表：最像“用地”，但缺少列 “面积”。"
    nothing = recognise(table([["填表说明"], ["请认真填写"]]), layouts, 2022)
    assert isinstance(nothing, Unrecognised)
    assert "没有找到表头" in str(nothing.what)


def test_a_tie_is_settled_by_the_sheets_name_or_not_at_all(layouts: list[Layout]) -> None:
    rows = [["信用代码", "企业名称", "营业收入"], [CODE_CELL, "甲", "1"]]
    statistics = next(layout for layout in layouts if layout.id == "statistics")
    sheet = statistics.sheet["统计"].model_copy(update={"names": ("快报",)})
    both = [
        statistics,
        statistics.model_copy(update={"id": "flash", "name": "快报", "sheet": {"快报": sheet}}),
    ]
    answer = recognise(table(rows), both, 2022)
    assert isinstance(answer, Unrecognised)
    assert str(answer.what) == "这张表像“统计”，也像“快报”，分不清。"
    assert understood(rows, both, "快报").layout.id == "flash"
    assert understood(rows, both, "统计年报").layout.id == "statistics"


@pytest.mark.parametrize(
    "note", ["金额单位：人民币元（列至角分）", "单位：元（人民币）", "金额单位：元至角分", "单位：人民币元"]
)
def test_yuan_is_yuan_however_forms_put_it(layouts: list[Layout], note: str) -> None:
    header = understood([[None, None, note], TAX, [CODE_CELL, "甲", "1"]], layouts)
    unit = header.columns["入库税收"].unit
    assert unit is not None
    assert unit.factor == 1
    assert not header.remarks


@pytest.mark.parametrize(("note", "factor"), [("人民币元", 1), ("RMB万元", 10_000), ("万", 10_000)])
def test_the_currency_beside_a_unit_changes_nothing(layouts: list[Layout], note: str, factor: int) -> None:
    header = understood([[*TAX[:2], f"入库税收（{note}）"], [CODE_CELL, "甲", "1"]], layouts)
    unit = header.columns["入库税收"].unit
    assert unit is not None
    assert unit.factor == factor


@pytest.mark.parametrize("note", ["美元", "万美元", "亿", "千"])
def test_a_unit_that_is_not_known_is_not_taken_for_the_columns_own(layouts: list[Layout], note: str) -> None:
    header = understood([[*TAX[:2], f"入库税收（{note}）"], [CODE_CELL, "甲", "1"]], layouts)
    assert "入库税收" not in header.columns
    assert [remark.severity for remark in header.remarks] == ["error"]
    assert f"“{note}”" in str(header.remarks[0].what)


def test_an_unknown_unit_above_the_header_is_told(layouts: list[Layout]) -> None:
    header = understood([[None, "填报单位：某某局", "单位：美元"], TAX, [CODE_CELL, "甲", "1"]], layouts)
    assert [(remark.severity, remark.header) for remark in header.remarks] == [("warning", "美元")]
