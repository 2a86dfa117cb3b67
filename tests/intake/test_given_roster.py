"""A department's workbook alone, matched against a roster that is kept elsewhere."""

from __future__ import annotations

import polars as pl
import pytest

from muheng.intake.facts import CODE, NAME
from muheng.intake.identity import Roster
from muheng.intake.layout import Layout
from muheng.intake.workbooks import Intake, read_workbooks

from .conftest import MakeWorkbook, Row, make_code, make_name, roster_rows

TAX: Row = ["统一社会信用代码", "企业名称", "入库税收"]
OLD = "虚构老字号机械厂"


def names(*pairs: tuple[int, str]) -> pl.DataFrame:
    table = {CODE: [make_code(number) for number, _ in pairs], NAME: [name for _, name in pairs]}
    return pl.DataFrame(table, {CODE: pl.String, NAME: pl.String})


@pytest.fixture
def known() -> Roster:
    frame = names(*((number, make_name(number)) for number in range(6)))
    scales = frame.select(CODE).with_columns(
        pl.Series("规模", ["规上" if number % 2 else "规下" for number in range(6)])
    )
    return Roster(frame, names((3, OLD), (5, OLD + "分厂")), scales)


def value(intake: Intake, number: int, item: str) -> object:
    return intake.facts.frame.filter(pl.col(CODE) == make_code(number)).get_column(item).item()


def test_the_tax_bureau_sends_its_workbook_alone(
    workbook: MakeWorkbook, layouts: list[Layout], known: Roster
) -> None:
    rows: list[Row] = [
        TAX,
        [make_code(1), make_name(1), 5],
        [None, make_name(2), 6],
        [None, OLD, 7],
        [make_code(4), OLD + "分厂", 8],
        [make_code(99), "虚构外地有限公司", 9],
    ]
    intake = read_workbooks([workbook("税务局.xlsx", {"税收": rows})], layouts, 2022, roster=known)
    # Only those that the file gives something of: the roster itself is not handed in.
    assert intake.facts.frame.get_column(CODE).to_list() == sorted(make_code(n) for n in (1, 2, 3))
    assert value(intake, 3, "入库税收") == 700
    assert intake.facts.cells(make_code(3), "入库税收")[0].cell == "C4"
    errors = [str(problem.what) for problem in intake.problems if problem.severity == "error"]
    assert len(errors) == 2
    assert "属于两家企业" in errors[0]
    assert "不在名单里" in errors[1]
    reasons = intake.matches.get_column("依据").to_list()
    assert reasons[:3] == ["按信用代码", "按名称：没有代码", "按曾用名"]


def test_a_former_name_under_the_right_code_is_nothing_to_tell(
    workbook: MakeWorkbook, layouts: list[Layout], known: Roster
) -> None:
    path = workbook("税务局.xlsx", {"税收": [TAX, [make_code(3), OLD, 5]]})
    assert read_workbooks([path], layouts, 2022, roster=known).problems == ()
    (told,) = read_workbooks([path], layouts, 2022, roster=Roster(known.frame)).problems
    assert "与名单里的" in str(told.what)


def test_a_name_that_one_bears_and_another_bore_is_not_guessed(
    workbook: MakeWorkbook, layouts: list[Layout], known: Roster
) -> None:
    path = workbook("税务局.xlsx", {"税收": [TAX, [None, make_name(1), 5]]})
    roster = Roster(known.frame, names((2, make_name(1))))
    intake = read_workbooks([path], layouts, 2022, roster=roster)
    assert intake.facts.frame.height == 0
    assert "没有唯一对应的企业" in str(intake.problems[0].what)


def test_a_roster_among_the_files_counts_and_knows_the_other_names(
    workbook: MakeWorkbook, layouts: list[Layout], known: Roster
) -> None:
    files = [
        workbook("经信局.xlsx", {"名单": roster_rows(5)}),
        workbook("税务局.xlsx", {"税收": [TAX, [None, OLD, 5], [make_code(5), make_name(5), 6]]}),
    ]
    intake = read_workbooks(files, layouts, 2022, roster=known)
    assert intake.facts.frame.height == 5
    assert value(intake, 3, "入库税收") == 500
    # The fifth is on the roster that was given, but not on the one that was handed in.
    assert [problem.severity for problem in intake.problems if problem.row == 3] == ["error"]


def test_what_the_roster_knows_decides_what_is_counted(
    workbook: MakeWorkbook, layouts: list[Layout], known: Roster
) -> None:
    head = ["出租方信用代码", "出租方", "承租方信用代码", "承租方", "租赁面积", "租期起", "租期止"]
    lessor = [make_code(1), make_name(1)]
    rows: list[Row] = [
        head,
        *([*lessor, make_code(n), make_name(n), 10, "2020-01-01", "2030-01-01"] for n in (2, 3, 4)),
    ]
    path = workbook("租赁.xlsx", {"租赁": rows})
    item = next(
        name
        for layout in layouts
        for sheet in layout.sheet.values()
        for subject in sheet.subjects.values()
        for name, count in subject.counts.items()
        if count.when == "规模"
    )
    assert value(read_workbooks([path], layouts, 2022, roster=known), 1, item) == 2
    blind = read_workbooks([path], layouts, 2022, roster=Roster(known.frame))
    assert value(blind, 1, item) is None
    assert any(f"“{item}”没有算" in str(problem.what) for problem in blind.problems)


def test_without_any_roster_it_is_told(workbook: MakeWorkbook, layouts: list[Layout]) -> None:
    path = workbook("税务局.xlsx", {"税收": [TAX, [make_code(1), make_name(1), 5]]})
    intake = read_workbooks([path], layouts, 2022)
    assert "没有评价名单" in str(intake.problems[0].what)
