"""The clerk's workbook handed back."""

from __future__ import annotations

from pathlib import Path

import openpyxl
from openpyxl.styles import Font

from muheng.documents.message import say
from muheng.intake.annotate import annotate
from muheng.intake.layout import Layout
from muheng.intake.problem import PROBLEM_SHEET, Problem
from muheng.intake.workbooks import read_workbooks

from .conftest import MakeWorkbook, make_code, make_name, roster_rows

RED, YELLOW = "FFFFC7CE", "FFFFEB9C"


def tax_book(workbook: MakeWorkbook) -> Path:
    path = workbook(
        "税务局2022.xlsx",
        {
            "入库税收": [
                ["统一社会信用代码", "企业名称", "入库税收"],
                [make_code(0), make_name(0), "1,234.5万"],
                [make_code(1), make_name(1), -5],
                [make_code(9), "虚构别处有限公司", 5],
                [make_code(2), make_name(2), 7],
            ]
        },
    )
    book = openpyxl.load_workbook(path)
    book["入库税收"]["A1"].font = Font(bold=True, color="FF112233")
    book["入库税收"].column_dimensions["B"].width = 44
    book["入库税收"].freeze_panes = "A2"
    book.save(path)
    return path


def test_bad_cells_are_coloured_commented_and_listed(
    workbook: MakeWorkbook, layouts: list[Layout], tmp_path: Path
) -> None:
    source = tax_book(workbook)
    intake = read_workbooks([workbook("经信局.xlsx", {"名单": roster_rows(4)}), source], layouts, 2022)
    target = tmp_path / "退回.xlsx"
    assert annotate(source, intake.problems, target)
    book = openpyxl.load_workbook(target)
    sheet = book["入库税收"]
    assert sheet["C2"].fill.fgColor.rgb == RED
    assert sheet["C3"].fill.fgColor.rgb == YELLOW
    assert sheet["A4"].fill.fgColor.rgb == RED
    assert sheet["C5"].comment is None
    assert sheet["C2"].value == "1,234.5万"
    assert "“1,234.5万” 不是数字。\n本列单位是 万元；请只填数值 1234.5。" in sheet["C2"].comment.text
    assert sheet["A1"].font.color.rgb == "FF112233"
    assert sheet.column_dimensions["B"].width == 44
    assert sheet.freeze_panes == "A2"
    listed = book[PROBLEM_SHEET]
    rows = list(listed.iter_rows(min_row=2, values_only=True))
    assert len(rows) == 3
    assert rows[0][1:6] == ("错误", "入库税收", "C2", make_name(0), make_code(0))
    assert listed["D2"].hyperlink.location == "'入库税收'!C2"


def test_the_mended_workbook_reads_well_and_loses_its_marks(
    workbook: MakeWorkbook, layouts: list[Layout], tmp_path: Path
) -> None:
    source = tax_book(workbook)
    roster = workbook("经信局.xlsx", {"名单": roster_rows(4)})
    folder = tmp_path / "退回"
    folder.mkdir()
    target = folder / source.name
    annotate(source, read_workbooks([roster, source], layouts, 2022).problems, target)
    book = openpyxl.load_workbook(target)
    book["入库税收"]["C2"] = 1234.5
    book["入库税收"]["A4"] = make_code(3)
    book.save(target)
    intake = read_workbooks([roster, target], layouts, 2022)
    assert not [p for p in intake.problems if p.severity == "error"]
    again = folder / "再退.xlsx"
    annotate(target, intake.problems, again)
    sheet = openpyxl.load_workbook(again)["入库税收"]
    assert sheet["C2"].comment is None
    assert sheet["C2"].fill.fgColor.rgb not in (RED, YELLOW)
    assert sheet["C3"].fill.fgColor.rgb == YELLOW
    assert sheet["C3"].comment.text.count("“-5” 是负数") == 1


def test_what_we_write_is_never_a_formula(workbook: MakeWorkbook, tmp_path: Path) -> None:
    source = workbook("税.xlsx", {"表": [["a", "b"], ["=1+1", 2]]})
    hostile = '=HYPERLINK("http://x","点我")'
    problems = [
        Problem(
            "error",
            "税.xlsx",
            "表",
            2,
            hostile,
            "B2",
            text,
            say("“{found}” 不是数字。", found=text),
            None,
            text,
            text,
        )
        for text in (hostile, "+1", "-1", "@SUM(A1)", "\x01\x02=1")
    ]
    target = tmp_path / "回.xlsx"
    annotate(source, problems, target)
    book = openpyxl.load_workbook(target)
    for row in book[PROBLEM_SHEET].iter_rows(min_row=2):
        for cell in row[1:]:
            assert cell.data_type != "f"
    assert book[PROBLEM_SHEET]["G2"].value == hostile
    assert book["表"]["A2"].value == "=1+1"


def test_a_merged_cell_is_marked_where_its_text_is(workbook: MakeWorkbook, tmp_path: Path) -> None:
    source = workbook("税.xlsx", {"表": [["a", "b"], ["x", 2], [None, 3]]}, {"表": ["A2:A3"]})
    problem = Problem("warning", "税.xlsx", "表", 3, "a", "A3", "x", say("没有数据。"))
    target = tmp_path / "回.xlsx"
    annotate(source, [problem], target)
    book = openpyxl.load_workbook(target)
    assert book["表"]["A2"].fill.fgColor.rgb == YELLOW


def test_text_files_come_back_as_workbooks_of_text(layouts: list[Layout], tmp_path: Path) -> None:
    source = tmp_path / "水务.csv"
    text = (
        f"信用代码,户名,水表户号,用水量\n{make_code(1)},{make_name(1)},0001,约5\n=cmd|x,{make_name(0)},2,1\n"
    )
    source.write_bytes(text.encode("gbk"))
    roster = tmp_path / "名单.csv"
    roster.write_text("\n".join(",".join(map(str, row)) for row in roster_rows(3)), encoding="utf-8")
    intake = read_workbooks([source, roster], layouts, 2022)
    target = tmp_path / "回.xlsx"
    assert annotate(source, intake.problems, target)
    sheet = openpyxl.load_workbook(target)["水务"]
    assert sheet["A2"].value == make_code(1)
    assert sheet["C2"].value == "0001"
    assert sheet["A3"].value == "=cmd|x"
    assert sheet["A3"].data_type == "s"
    assert sheet["D2"].fill.fgColor.rgb == RED


def test_a_file_that_cannot_be_copied_gets_its_list(layouts: list[Layout], tmp_path: Path) -> None:
    source = tmp_path / "坏.xlsx"
    source.write_bytes(b"PK\x03\x04 torn")
    intake = read_workbooks([source], layouts, 2022)
    target = tmp_path / "回.xlsx"
    assert not annotate(source, intake.problems, target)
    book = openpyxl.load_workbook(target)
    assert book.sheetnames == [PROBLEM_SHEET]
    assert "已损坏" in book[PROBLEM_SHEET]["H2"].value


def test_the_list_can_be_in_english(workbook: MakeWorkbook, tmp_path: Path) -> None:
    source = workbook("税.xlsx", {"表": [["a"], [1]]})
    target = tmp_path / "回.xlsx"
    annotate(source, [Problem("error", "税.xlsx", "表", 2, "a", "A2", "", say("没有数据。"))], target, "en")
    assert openpyxl.load_workbook(target)[PROBLEM_SHEET].max_row == 2
