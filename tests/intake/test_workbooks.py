"""Departments' workbooks to facts: what each hard case of `facts/policies.md` §5 comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from muheng.intake.facts import CODE, NAME, Item
from muheng.intake.layout import Layout
from muheng.intake.problem import Problem, format_problem, problem_json
from muheng.intake.workbooks import Intake, read_plain, read_workbooks

from .conftest import MakeWorkbook, Row, make_code, make_name, roster_rows

TAX: Row = ["统一社会信用代码", "企业名称", "入库税收"]


@pytest.fixture
def read(workbook: MakeWorkbook, layouts: list[Layout]) -> Callable[..., Intake]:
    """Read one or more sheets of departments beside a roster of `count` enterprises."""

    def run(*books: dict[str, Sequence[Row]], count: int = 6, year: int = 2022, **kwargs: Any) -> Intake:
        files = [workbook("经信局.xlsx", {"名单": roster_rows(count)})]
        for number, sheets in enumerate(books):
            files.append(workbook(f"部门{number}.xlsx", sheets, kwargs.get("merges")))
        return read_workbooks(files, layouts, year)

    return run


def value(intake: Intake, number: int, item: str) -> object:
    return intake.facts.frame.filter(pl.col(CODE) == make_code(number)).get_column(item).item()


def about(intake: Intake, text: str) -> list[Problem]:
    return [problem for problem in intake.problems if text in str(problem.what)]


def errors(intake: Intake) -> list[Problem]:
    return [problem for problem in intake.problems if problem.severity == "error"]


def test_the_tone_of_a_bad_cell(workbook: MakeWorkbook, layouts: list[Layout]) -> None:
    rows: list[Row] = [TAX, *([make_code(n), make_name(n), 100 + n] for n in range(1500))]
    rows[17] = [make_code(16), make_name(16), "1,234.5万"]
    files = [
        workbook("经信局.xlsx", {"名单": roster_rows(1500)}),
        workbook("税务局2022.xlsx", {"入库税收": rows}),
    ]
    intake = read_workbooks(files, layouts, 2022)
    (problem,) = intake.problems
    code = make_code(16)
    assert format_problem(problem) == (
        "税务局2022.xlsx · 入库税收 · C18：“1,234.5万” 不是数字。\n"
        f"  本列单位是 万元；请只填数值 1234.5。此行（{make_name(16)}，{code[:4]}…{code[-1]}）未导入，"
        "其余 1,499 行不受影响，等待您确认后一并生效。"
    )
    assert problem_json(problem)["cell"] == "C18"
    assert value(intake, 16, "入库税收") is None
    assert value(intake, 17, "入库税收") == 11700


def test_figures_are_exact_and_know_their_cells(read: Callable[..., Intake]) -> None:
    intake = read({"税收": [TAX, [make_code(3), make_name(3), 480], [make_code(1), make_name(1), "0.1"]]})
    assert value(intake, 3, "入库税收") == 48000
    assert value(intake, 1, "入库税收") == 10
    (cell,) = intake.facts.cells(make_code(3), "入库税收")
    assert (cell.file, cell.sheet, cell.cell, cell.value) == ("部门0.xlsx", "税收", "C2", "480.00")
    assert intake.facts.cells(make_code(0), "入库税收") == []
    assert not errors(intake)


def test_a_sheet_that_does_not_begin_in_the_first_column(read: Callable[..., Intake]) -> None:
    rows = [[None, None], [None, None, *TAX], [None, None, make_code(1), make_name(1), 7]]
    intake = read({"税收": rows})
    assert [cell.cell for cell in intake.facts.cells(make_code(1), "入库税收")] == ["E3"]


def test_yuan_are_converted_and_the_rounding_is_told(read: Callable[..., Intake]) -> None:
    head = ["统一社会信用代码", "企业名称", "入库税收（元）"]
    intake = read(
        {"税收": [head, [make_code(1), make_name(1), 4800000], [make_code(2), make_name(2), 1234.56]]}
    )
    assert value(intake, 1, "入库税收") == 48000
    assert value(intake, 2, "入库税收") == 12
    (told,) = about(intake, "四舍五入")
    assert str(told.what) == "有 1 个数按 万元 保留 2 位小数时四舍五入（第一个在 C3）。"


def test_matching_goes_by_code_then_by_a_unique_name(read: Callable[..., Intake]) -> None:
    code = make_code(1)
    rows: list[Row] = [
        TAX,
        [f" {code.lower()} ", make_name(1), 1],
        [None, f"{make_name(2)[:5]} {make_name(2)[5:].replace('有限公司', '有限责任公司')}*", 2],
        ["9.1340500E+17", make_name(3), 3],
        ["913405000000000", make_name(4), 4],
        [make_code(77), make_name(5), 5],
        [make_code(88), "虚构别处机械有限公司", 6],
        [None, "虚构第9号机械有限公司", 7],
    ]
    intake = read({"税收": rows})
    matches = intake.matches.filter(pl.col("文件") == "部门0.xlsx").sort("行")
    assert matches.get_column("依据").to_list() == [
        "按信用代码",
        "按名称：没有代码",
        "按名称：代码受损",
        "按名称：代码受损",
        "按名称：代码不在名单",
        None,
        None,
    ]
    assert [value(intake, n, "入库税收") for n in range(1, 6)] == [100, 200, 300, 400, 500]
    assert len(errors(intake)) == 2
    assert "不在名单里" in str(errors(intake)[0].what)
    assert "名单里相近的有：" in str(errors(intake)[1].fix)
    assert make_name(0) in str(errors(intake)[1].fix)


def test_a_name_that_two_enterprises_bear_matches_neither(
    workbook: MakeWorkbook, layouts: list[Layout]
) -> None:
    roster = [list(row) for row in roster_rows(4)]
    roster[2][1] = roster[1][1]
    tax: list[Row] = [TAX, [None, roster[1][1], 1], [make_code(0), roster[1][1], 2]]
    files = [workbook("经信局.xlsx", {"名单": roster}), workbook("税务局.xlsx", {"税收": tax})]
    intake = read_workbooks(files, layouts, 2022)
    assert value(intake, 0, "入库税收") == 200
    assert value(intake, 1, "入库税收") is None
    assert "没有唯一对应的企业" in str(errors(intake)[0].what)


def test_a_code_and_a_name_of_two_enterprises_are_not_guessed(read: Callable[..., Intake]) -> None:
    intake = read({"税收": [TAX, [make_code(1), make_name(2), 5], [make_code(3), "虚构更名后有限公司", 6]]})
    (wrong,) = errors(intake)
    assert "属于两家企业" in str(wrong.what)
    assert value(intake, 1, "入库税收") is None
    assert value(intake, 2, "入库税收") is None
    assert value(intake, 3, "入库税收") == 600
    assert len(about(intake, f"与名单里的“{make_name(3)}”不同")) == 1


def test_totals_notes_blank_rows_and_repeated_headers_are_skipped_and_told(
    read: Callable[..., Intake],
) -> None:
    rows: list[Row] = [
        TAX,
        [make_code(1), make_name(1), 1],
        [None, "小 计", 1],
        [None, None, None],
        TAX,
        [make_code(2), make_name(2), 2],
        ["合计", None, 3],
        ["注：本表由征管系统导出"],
        ["制表人：某某", None, None],
    ]
    intake = read({"税收": rows})
    report = next(report for report in intake.sheets if report.layout == "tax")
    assert (report.rows, report.imported, report.listed, report.skipped, report.blank) == (7, 2, 0, 5, 1)
    assert [str(p.what) for p in intake.problems] == [
        "第 3、7 行是合计行，共 2 行，已跳过。",
        "第 5 行是重复的表头，共 1 行，已跳过。",
        "第 8、9 行是说明行，共 2 行，已跳过。",
    ]


def test_an_enterprise_called_sum_is_no_total(read: Callable[..., Intake], workbook: MakeWorkbook) -> None:
    intake = read({"税收": [TAX, [make_code(1), "合计", 5]]})
    assert value(intake, 1, "入库税收") == 500


def test_several_parcels_add_up_and_the_largest_names_the_parcel(read: Callable[..., Intake]) -> None:
    head = ["权利人信用代码", "权利人", "宗地号", "不动产权证号", "面积（平方米）", "用途", "坐落"]
    rows: list[Row] = [
        head,
        [make_code(1), make_name(1), "A-1", "证1", 2000, "工业", "甲路"],
        [make_code(1), make_name(1), "A-2", "证2", 33333, "工业", "乙路"],
        [make_code(2), make_name(2), "A-2", "证2", 1000, "工业", "乙路"],
    ]
    intake = read({"用地": rows})
    assert value(intake, 1, "自有用地") == 529995
    assert value(intake, 1, "宗地号") == "A-2"
    assert value(intake, 1, "不动产权证号") == "证1|证2"
    assert value(intake, 1, "土地用途") == "工业"
    assert [cell.cell for cell in intake.facts.cells(make_code(1), "自有用地")] == ["E2", "E3"]
    shared = about(intake, "宗地 A-2 由 2 家企业共用")
    assert [problem.cell for problem in shared] == ["C3", "C4"]
    without = about(intake, "没有 自有用地、承租用地")
    assert {problem.code for problem in without} == {make_code(n) for n in (0, 3, 4, 5)}


def test_one_bad_parcel_withholds_the_enterprises_land(read: Callable[..., Intake]) -> None:
    rows: list[Row] = [
        ["信用代码", "企业名称", "宗地号", "面积（亩）"],
        [make_code(1), make_name(1), "A-1", 10],
        [make_code(1), make_name(1), "A-2", "五亩"],
        [make_code(2), make_name(2), "A-3", 7],
    ]
    intake = read({"用地": rows})
    assert value(intake, 1, "自有用地") is None
    assert value(intake, 2, "自有用地") == 70000
    assert intake.facts.cells(make_code(1), "自有用地") == []
    assert [(p.severity, p.row) for p in intake.problems if p.code == make_code(1) and p.row] == [
        ("warning", 2),
        ("error", 3),
    ]
    assert "为免只算一部分" in str(about(intake, "为免")[0].what)


def test_a_merged_code_belongs_to_all_its_rows_and_a_merged_figure_to_one_enterprise(
    read: Callable[..., Intake],
) -> None:
    rows: list[Row] = [
        ["信用代码", "企业名称", "宗地号", "面积（亩）"],
        [make_code(1), make_name(1), "A-1", 10],
        [None, None, "A-2", 5],
        [make_code(2), make_name(2), "A-3", 7],
        [make_code(3), make_name(3), "A-3", None],
    ]
    intake = read({"用地": rows}, merges={"用地": ["A2:A3", "B2:B3", "D4:D5"]})
    assert value(intake, 1, "自有用地") == 150000
    assert value(intake, 2, "自有用地") is None
    assert value(intake, 3, "自有用地") is None
    assert [p.row for p in about(intake, "合并单元格 D4:D5 由几家企业共用一个数")] == [4, 5]


LEASES: Row = [
    "出租方名称",
    "出租方信用代码",
    "承租方名称",
    "承租方信用代码",
    "面积（亩）",
    "租期起",
    "租期止",
]


def test_leases_give_to_both_parties(read: Callable[..., Intake]) -> None:
    year = [date(2020, 1, 1), date(2025, 12, 31)]
    rows: list[Row] = [
        LEASES,
        [make_name(1), make_code(1), make_name(2), make_code(2), 3, *year],
        [make_name(1), make_code(1), make_name(2), make_code(2), 1, *year],
        [make_name(1), make_code(1), make_name(3), make_code(3), 2, *year],
        [make_name(1), make_code(1), "虚构外地有限公司", None, 4, *year],
        ["某某镇某某村村民委员会", None, make_name(4), make_code(4), 5, *year],
        [make_name(1), make_code(1), make_name(5), make_code(5), 9, date(2018, 1, 1), date(2022, 6, 30)],
        [make_name(1), make_code(1), make_name(0), None, 6, None, None],
    ]
    intake = read({"租赁": rows})
    assert value(intake, 1, "出租用地") == 160000
    assert value(intake, 1, "出租户数") == 4
    # 规下: numbers 0 and 2; the firm outside the roster has no known scale.
    assert value(intake, 1, "出租规下户数") == 2
    assert [value(intake, n, "承租用地") for n in (0, 2, 3, 4, 5)] == [60000, 40000, 20000, 50000, None]
    assert not errors(intake)
    assert len(about(intake, "没有信用代码，按名称“虚构外地有限公司”")) == 1
    assert len(about(intake, "租期不在本年度")) == 1
    states = intake.matches.filter(pl.col("工作表") == "租赁")
    assert (
        states.filter((pl.col("行") == 6) & (pl.col("主体") == "出租方"))["依据"].item() == "村、街道等，不计"
    )
    assert states.filter(pl.col("行") == 7)["处理"].to_list() == ["跳过：租期不在本年度"]
    assert [cell.cell for cell in intake.facts.cells(make_code(2), "承租用地")] == ["E2", "E3"]
    counted = intake.facts.cells(make_code(1), "出租户数")
    assert [(cell.cell, cell.value) for cell in counted] == [
        ("C2", "1"),
        ("C3", "0"),
        ("C4", "1"),
        ("C5", "1"),
        ("C8", "1"),
    ]


def test_a_bad_lease_withholds_both_parties(read: Callable[..., Intake]) -> None:
    rows: list[Row] = [
        LEASES,
        [make_name(1), make_code(1), make_name(2), make_code(2), "三亩", None, None],
        [make_name(1), make_code(1), make_name(3), make_code(3), 2, None, None],
        [make_name(4), make_code(4), make_name(4), make_code(4), 2, None, None],
        [make_name(5), make_code(5), make_name(0), make_code(0), 2, date(2023, 1, 1), date(2021, 1, 1)],
    ]
    intake = read({"租赁": rows})
    assert value(intake, 1, "出租用地") is None
    assert value(intake, 2, "承租用地") is None
    assert value(intake, 3, "承租用地") == 20000
    assert [p.row for p in about(intake, "各方是同一家企业")] == [4]
    assert [p.row for p in about(intake, "租期止早于租期起")] == [5]


POWER: Row = ["户号", "户名", "信用代码", "电表性质", "用电量（万千瓦时）"]
SPLIT: Row = ["户号", "使用企业", "使用企业信用代码", "分摊比例（%）"]


def test_meters_add_up_and_shared_ones_are_split_to_the_last_digit(read: Callable[..., Intake]) -> None:
    power: list[Row] = [
        POWER,
        ["0001", make_name(1), make_code(1), "专用", 10],
        ["0002", make_name(1), None, "专用", 2.5],
        ["0003", "某某园区管委会", None, "公用", 1],
        ["0004", make_name(5), make_code(5), "公用", 8],
    ]
    split: list[Row] = [
        SPLIT,
        ["0003", make_name(1), None, 33.3333],
        ["0003", make_name(2), make_code(2), 33.3333],
        ["0003", "虚构外地有限公司", None, 33.3334],
        ["0009", make_name(3), None, 100],
    ]
    intake = read({"用电": power, "分摊": split})
    assert value(intake, 1, "用电量") == 125000 + 3333
    assert value(intake, 2, "用电量") == 3333
    assert value(intake, 1, "用电户号") == "0001|0002|0003"
    assert value(intake, 5, "用电量") is None
    assert [p.row for p in about(intake, "户号 0004 是公用电表，没有可用的分摊")] == [5]
    assert [p.row for p in about(intake, "户号 0009 不在用电表里")] == [5]
    assert len(about(intake, "虚构外地有限公司")) == 1
    assert [cell.cell for cell in intake.facts.cells(make_code(1), "用电量")] == ["E2", "E3", "E4"]
    state = intake.matches.filter((pl.col("工作表") == "用电") & (pl.col("行") == 4))
    assert state.select("依据", "处理").rows() == [("公用电表：按分摊", "导入")]


def test_shares_typed_into_percent_cells_and_shares_that_do_not_add_up(read: Callable[..., Intake]) -> None:
    power: list[Row] = [
        POWER,
        ["1", "园区", None, "公用", 10],
        ["2", "园区", None, "公用", 10],
        ["3", make_name(4), make_code(4), "专用", 1],
    ]
    split: list[Row] = [
        SPLIT,
        ["1", make_name(1), None, 0.4],
        ["1", make_name(2), None, 0.6],
        ["2", make_name(3), None, 50],
        ["2", make_name(4), None, 40],
    ]
    intake = read({"用电": power, "分摊": split})
    assert value(intake, 1, "用电量") == 40000
    assert value(intake, 2, "用电量") == 60000
    assert value(intake, 3, "用电量") is None
    # Its own meter alone would look like its use and be too little.
    assert value(intake, 4, "用电量") is None
    assert [p.row for p in about(intake, "的分摊比例合计 90.0000%，应为 100%")] == [4, 5]


def test_a_split_without_meters(read: Callable[..., Intake]) -> None:
    intake = read({"分摊": [SPLIT, ["1", make_name(1), None, 100]]})
    assert len(about(intake, "户号 1 不在用电表里")) == 1
    report = next(report for report in intake.sheets if report.kind == "分摊")
    assert (report.rows, report.listed) == (1, 1)


def test_emissions_are_missing_only_when_all_are(read: Callable[..., Intake]) -> None:
    rows: list[Row] = [
        ["信用代码", "企业名称", "排放量（吨）", None, None, None],
        [None, None, "COD", "氨氮", "SO2", "NOx"],
        [make_code(1), make_name(1), 1.5, None, "—", 0.25],
        [make_code(2), make_name(2), None, None, None, "无"],
    ]
    intake = read({"排放": rows}, merges={"排放": ["C1:F1", "A1:A2", "B1:B2"]})
    assert value(intake, 1, "主要污染物排放量") == 17500
    assert value(intake, 2, "主要污染物排放量") is None
    assert [cell.cell for cell in intake.facts.cells(make_code(1), "主要污染物排放量")] == ["C3", "F3"]
    assert value(intake, 1, "排污权核定量") is None


def test_the_roster_gives_texts_dates_and_tags(workbook: MakeWorkbook, layouts: list[Layout]) -> None:
    head = ["统一社会信用代码", "企业名称", "企业规模", "投产日期", "标签/荣誉", "安全事故等级", "园区"]
    rows: list[Row] = [
        head,
        [
            make_code(1),
            make_name(1),
            "规模以上",
            date(2021, 3, 5),
            "高新技术企业、专精特新：省级",
            "无",
            "东区",
        ],
        [make_code(1), make_name(1), "规模以上", "2021/3/5", "高新技术企业|品牌:市级", "无", "西区"],
        [make_code(2), make_name(2), "中型", None, None, None, None],
        ["9.1E+17", make_name(3), "规下", None, None, None, None],
        [make_code(4), make_name(4), "规下", "20210231", None, "较大事故", None],
    ]
    intake = read_workbooks([workbook("名单.xlsx", {"名单": rows})], layouts, 2022)
    assert intake.facts.frame.get_column(CODE).to_list() == sorted(make_code(n) for n in (1, 2, 4))
    assert value(intake, 1, "规模") == "规上"
    assert value(intake, 1, "投产日期") == date(2021, 3, 5)
    assert value(intake, 1, "标签") == "高新技术企业|专精特新:省级|品牌:市级"
    assert value(intake, 1, "园区") == "东区|西区"
    assert len(about(intake, "在几个“园区”各有一行")) == 2
    # A bad cell keeps the row out; who the enterprise is stays known.
    assert value(intake, 2, "规模") is None
    assert value(intake, 4, "安全事故等级") is None
    assert [p.row for p in errors(intake)] == [4, 5, 6]


def test_rows_that_contradict_each_other_count_for_nothing(read: Callable[..., Intake]) -> None:
    head = ["信用代码", "企业名称", "营业收入（万元）", "平均职工人数"]
    rows: list[Row] = [
        head,
        [make_code(1), make_name(1), 100, 5],
        [make_code(1), make_name(1), 100, 6],
        [make_code(2), make_name(2), 100, 5],
        [None, make_name(2), 100, 5],
        [make_code(3), make_name(3), 100, None],
        [make_code(3), make_name(3), None, 7],
    ]
    intake = read({"统计": rows})
    assert value(intake, 1, "营业收入") is None
    assert [p.row for p in about(intake, "“平均职工人数”不一致")] == [2, 3]
    assert value(intake, 2, "营业收入") == 10000
    assert [p.row for p in about(intake, "与第 4 行完全相同，只计一次")] == [5]
    assert (value(intake, 3, "营业收入"), value(intake, 3, "平均职工人数")) == (10000, 7)


def test_a_row_that_stands_twice_is_added_once(read: Callable[..., Intake]) -> None:
    rows: list[Row] = [TAX, *[[make_code(1), make_name(1), 5]] * 2, [make_code(1), make_name(1), 6]]
    intake = read({"税收": rows})
    assert value(intake, 1, "入库税收") == 1100
    report = next(report for report in intake.sheets if report.layout == "tax")
    assert (report.rows, report.imported, report.listed) == (3, 2, 1)
    assert [cell.cell for cell in intake.facts.cells(make_code(1), "入库税收")] == ["C2", "C4"]


def test_townships_may_each_send_a_file_and_nobody_the_same_twice(
    workbook: MakeWorkbook, layouts: list[Layout], tmp_path: Path
) -> None:
    files = [
        workbook("经信局.xlsx", {"名单": roster_rows(4)}),
        workbook("税务一所.xlsx", {"税收": [TAX, [make_code(1), make_name(1), 1]]}),
        workbook(
            "税务二所.xlsx", {"税收": [TAX, [make_code(1), make_name(1), 2], [make_code(2), make_name(2), 3]]}
        ),
    ]
    copy = tmp_path / "税务二所（副本）.xlsx"
    copy.write_bytes(files[2].read_bytes())
    intake = read_workbooks([*files, copy], layouts, 2022)
    assert value(intake, 1, "入库税收") == 300
    assert value(intake, 2, "入库税收") == 300
    assert [p.file for p in about(intake, "内容完全相同")] in (["税务二所（副本）.xlsx"], ["税务二所.xlsx"])
    backwards = read_workbooks([copy, *reversed(files)], layouts, 2022)
    assert backwards.facts.frame.equals(intake.facts.frame)
    assert backwards.problems == intake.problems


def test_negative_figures_as_the_layout_says(read: Callable[..., Intake]) -> None:
    head = [*TAX, "增值税"]
    intake = read({"税收": [head, [make_code(1), make_name(1), "(1,234.50)", -3]]})
    assert value(intake, 1, "入库税收") == -123450
    assert value(intake, 1, "增值税") == -300
    (told,) = about(intake, "是负数")
    assert (told.severity, told.cell) == ("warning", "C2")
    land: list[Row] = [["信用代码", "企业名称", "宗地号", "面积"], [make_code(1), make_name(1), "A", -5]]
    intake = read({"用地": land})
    assert value(intake, 1, "自有用地") is None
    assert [str(p.what) for p in errors(intake)] == ["“-5” 是负数。"]


def test_without_a_roster_nothing_is_matched(workbook: MakeWorkbook, layouts: list[Layout]) -> None:
    path = workbook("税务局.xlsx", {"税收": [TAX, [make_code(1), make_name(1), 1]]})
    intake = read_workbooks([path], layouts, 2022)
    assert intake.facts.frame.height == 0
    assert "没有评价名单" in str(intake.problems[0].what)
    assert read_workbooks([], layouts, 2022).facts.frame.height == 0


def test_facts_have_every_item_of_the_layouts(read: Callable[..., Intake], layouts: list[Layout]) -> None:
    facts = read({"税收": [TAX, [make_code(1), make_name(1), 1]]}).facts
    assert list(facts.items) == [name for layout in layouts for name in layout.items()]
    assert facts.frame.columns == [CODE, NAME, *facts.items]
    for name, item in facts.items.items():
        assert facts.frame.schema[name] == item.dtype
    assert facts.frame.get_column("用水量").null_count() == facts.frame.height
    assert facts.frame.get_column(CODE).is_sorted()


def test_sums_of_years_ago_are_refused_with_the_year(read: Callable[..., Intake]) -> None:
    intake = read({"税收": [["信用代码", "企业名称", "2021年入库税收"], [make_code(1), make_name(1), 1]]})
    assert [str(p.what) for p in errors(intake)] == ["表里的“入库税收”是 2021 年的，不是 2022 年的。"]


def test_columns_that_are_not_read_are_named(read: Callable[..., Intake]) -> None:
    intake = read({"税收": [["序号", *TAX, "经办人"], [1, make_code(1), make_name(1), 1, "某某"]]})
    assert [str(p.what) for p in intake.problems] == ["这些列没有读入：经办人。"]


def test_a_plain_table_for_studies(tmp_path: Path) -> None:
    items = {
        "税收": Item("税收", "number", "万元", 2),
        "用地": Item("用地", "number", "亩", 4),
        "综合能耗": Item("综合能耗", "number", "tce", 2, "等价值"),
        "得分": Item("得分", "number", "1", 4),
        "规模": Item("规模", "text"),
        "投产": Item("投产", "date"),
        "标签": Item("标签", "tags"),
    }
    path = tmp_path / "数据.csv"
    path.write_text(
        "代码,名称,税收（元）,用地（m²）,综合能耗,规模,投产,标签\n"
        "乙,乙厂,4800000,33333,2000,规下,2021-03-05,品牌：省级\n"
        "甲,甲厂,-1.5e3,,3000,规上,,\n"
        "丙,丙厂,100,1,1,规上,,\n",
        encoding="utf-8",
    )
    intake = read_plain(path, items, 2022)
    assert intake.facts.items == items
    assert intake.facts.frame.get_column(CODE).to_list() == ["丙", "乙", "甲"]
    row = intake.facts.frame.filter(pl.col(CODE) == "乙").row(0, named=True)
    assert (row["税收"], row["用地"], row["综合能耗"], row["得分"]) == (48000, 499995, 200000, None)
    assert (row["规模"], row["投产"], row["标签"]) == ("规下", date(2021, 3, 5), "品牌:省级")
    assert [p.cell for p in errors(intake)] == ["C3"]
    assert [cell.cell for cell in intake.facts.cells("乙", "用地")] == ["D2"]


def test_a_plain_table_repeating_a_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "数据.csv"
    path.write_text("code,税收\n甲,1\n甲,2\n乙,3\n", encoding="utf-8")
    intake = read_plain(path, {"税收": Item("税收", "number", "万元", 2)}, 2022)
    assert dict(intake.facts.frame.select(CODE, "税收").iter_rows()) == {"甲": None, "乙": 300}
    assert len(errors(intake)) == 2
