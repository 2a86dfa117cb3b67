"""The demo's workbooks read by intake: the undamaged arrives exactly, every planted defect is seen."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from muheng.cities.demo import Defect, DemoCity
from muheng.cities.pack import Pack
from muheng.intake.facts import CODE, NAME, Facts, Item, facts_from_table
from muheng.intake.layout import Layout, load_layouts
from muheng.intake.problem import Problem
from muheng.intake.workbooks import Intake, read_workbooks


@pytest.fixture(scope="module")
def layouts(maanshan: Pack) -> list[Layout]:
    found, diagnostics = load_layouts(maanshan.layouts)
    assert diagnostics == []
    return found


def items_of(layouts: list[Layout]) -> dict[str, Item]:
    return {name: item for layout in layouts for name, item in layout.items().items()}


def as_facts(truth: pl.DataFrame, items: dict[str, Item], year: int) -> Facts:
    """The truth as facts: decimals to scaled integers, which must not lose a digit."""
    columns = [pl.col(CODE), pl.col(NAME)]
    for name, item in items.items():
        if name in truth.columns:
            scaled = pl.col(name) * 10 ** (item.digits or 0) if item.kind == "number" else pl.col(name)
            if item.kind == "number":
                assert truth.select((scaled == scaled.round(0)).all()).item(), name
            columns.append(scaled.cast(item.dtype).alias(name))
    return facts_from_table(truth.select(columns), items, year)


@pytest.fixture(scope="module")
def intake(city: DemoCity, files: list[Path], layouts: list[Layout]) -> Intake:
    past = as_facts(city.past, items_of(layouts), city.year - 1)
    return read_workbooks(files, layouts, city.year, past=past)


@pytest.fixture(scope="module")
def by_row(intake: Intake) -> dict[tuple[str, str | None, int | None], list[Problem]]:
    found: dict[tuple[str, str | None, int | None], list[Problem]] = defaultdict(list)
    for problem in intake.problems:
        found[problem.file, problem.sheet, problem.row].append(problem)
    return found


def planted(city: DemoCity, *outcomes: str) -> list[Defect]:
    return [defect for defect in city.defects if defect.outcome in outcomes]


def test_every_sheet_is_recognised_and_no_row_is_lost(city: DemoCity, intake: Intake) -> None:
    visible = {
        (workbook.file, sheet.name)
        for workbook in city.workbooks
        for sheet in workbook.sheets
        if not sheet.hidden
    }
    assert {(report.file, report.sheet) for report in intake.sheets} == visible
    for report in intake.sheets:
        assert report.rows == report.imported + report.listed + report.skipped
        assert report.imported > 0.75 * report.rows


def test_undamaged_figures_arrive_exactly(city: DemoCity, intake: Intake, layouts: list[Layout]) -> None:
    items = items_of(layouts)
    truth = as_facts(city.truth, items, city.year).frame
    kinds = {(report.file, report.sheet): (report.layout, report.kind) for report in intake.sheets}
    given = {
        (layout.id, kind): set(sheet.items()) for layout in layouts for kind, sheet in layout.sheet.items()
    }
    given["power", "分摊"] = given["power", "用电"]
    # A row with a bad cell is withheld until it is mended: its other figures are missing then, not wrong.
    wrong_allowed: dict[str, set[str]] = defaultdict(set)
    missing_allowed: dict[str, set[str]] = defaultdict(set)
    for defect in planted(city, "问题"):
        for code in defect.codes:
            wrong_allowed[code] |= set(defect.items)
            missing_allowed[code] |= given[kinds[defect.file, defect.sheet]]
    lost = {code for code, wrong in wrong_allowed.items() if "*" in wrong}
    read = {row[CODE]: row for row in intake.facts.frame.iter_rows(named=True)}
    assert set(truth.get_column(CODE)) - set(read) <= lost
    compared = [name for name in items if name in city.truth.columns]
    assert len(compared) > 50
    differing, checked = [], 0
    for row in truth.iter_rows(named=True):
        code = row[CODE]
        if code in lost:
            continue
        for name in compared:
            right, found = row[name], read[code][name]
            if right == found:
                checked += right is not None
            elif name not in wrong_allowed[code] and not (found is None and name in missing_allowed[code]):
                differing.append((code, name, right, found))
    assert differing == []
    assert checked > 39_000


@pytest.mark.parametrize("kind", ["千分位", "全角数字", "文本数字", "名称变体", "纵向合并"])
def test_odd_ways_of_writing_are_read_without_a_word(
    city: DemoCity, by_row: dict[tuple[str, str | None, int | None], list[Problem]], kind: str
) -> None:
    """Their values are among those that `test_undamaged_figures_arrive_exactly` compares."""
    quiet = planted(city, "读入")
    spoken = {(d.file, d.sheet, d.cell) for d in planted(city, "问题", "提示", "认出")}
    harmed = {code for d in planted(city, "问题") for code in d.codes}
    for defect in quiet:
        if defect.kind == kind and (defect.file, defect.sheet, defect.cell) not in spoken:
            said = by_row[defect.file, defect.sheet, defect.row]
            about = [p for p in said if p.cell == defect.cell and p.code not in harmed]
            # A negative figure, or one far from last year's, is remarked on however it is written.
            assert [p for p in about if "负数" not in str(p.what) and "倍" not in str(p.what)] == [], defect


def test_every_defect_is_listed_as_a_problem(
    city: DemoCity, intake: Intake, by_row: dict[tuple[str, str | None, int | None], list[Problem]]
) -> None:
    unseen = []
    for defect in planted(city, "问题", "提示"):
        about = by_row[defect.file, defect.sheet, defect.row]
        if defect.kind == "一宗多企":
            # A shared parcel is told once, at one of its rows.
            about = [p for p in intake.problems if p.file == defect.file and defect.found in str(p.what)]
        if not about:
            unseen.append(defect)
    assert unseen == []


def test_a_row_without_a_good_code_is_known_by_its_name_with_the_reason_kept(
    city: DemoCity, intake: Intake
) -> None:
    known = {
        (row["文件"], row["工作表"], row["行"]): row
        for row in intake.matches.filter(pl.col("主体") != "出租方").rows(named=True)
    }
    found = planted(city, "认出")
    assert len(found) > 50
    for defect in found:
        match = known[defect.file, defect.sheet, defect.row]
        assert (match[CODE],) == defect.codes, defect
        assert "按名称" in match["依据"], defect


def test_totals_and_hidden_sheets_are_not_read(
    city: DemoCity, intake: Intake, by_row: dict[tuple[str, str | None, int | None], list[Problem]]
) -> None:
    status = {(row["文件"], row["工作表"], row["行"]): row["处理"] for row in intake.matches.rows(named=True)}
    for defect in planted(city, "略过"):
        if defect.kind == "合计行":
            assert "跳过" in status[defect.file, defect.sheet, defect.row]
        if defect.kind == "隐藏工作表":
            assert any("隐藏" in str(p.what) for p in by_row[defect.file, defect.sheet, None])
            assert (defect.file, defect.sheet) not in {
                (table.file, table.sheet) for table in intake.facts.sources
            }
        if defect.kind == "末尾空行":
            report = next(r for r in intake.sheets if (r.file, r.sheet) == (defect.file, defect.sheet))
            assert report.rows <= defect.row


def test_nothing_is_said_of_rows_that_nobody_damaged(city: DemoCity, intake: Intake) -> None:
    """An error stands only where a defect was planted; so a clerk who mends those is done."""
    damaged = {(d.file, d.sheet, d.row) for d in planted(city, "问题", "提示", "认出")}
    codes = {code for d in planted(city, "问题") for code in d.codes}
    for problem in intake.problems:
        if problem.severity == "error" and (problem.file, problem.sheet, problem.row) not in damaged:
            assert problem.code in codes or problem.enterprise is not None, problem
    errors = [p for p in intake.problems if p.severity == "error"]
    assert len(errors) < 2 * len(planted(city, "问题"))


def test_a_figure_can_be_traced_to_its_cell(city: DemoCity, intake: Intake) -> None:
    grids = {
        (workbook.file, sheet.name): sheet.rows for workbook in city.workbooks for sheet in workbook.sheets
    }
    harmed = {code for d in city.defects for code in d.codes}
    traced = 0
    for code in city.truth.get_column(CODE).to_list()[::40]:
        if code in harmed:
            continue
        for cell in intake.facts.cells(code, "入库税收"):
            row = int(cell.cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            assert cell.cell == f"D{row}"
            assert grids[cell.file, cell.sheet][row - 1][1] == code
            traced += 1
    assert traced > 20
