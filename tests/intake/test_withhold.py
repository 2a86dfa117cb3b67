"""Enterprises that the sender may not speak of: their rows are listed, nothing of theirs is kept."""

from __future__ import annotations

import polars as pl

from muheng.documents.message import say
from muheng.intake.facts import CODE, NAME
from muheng.intake.identity import Roster
from muheng.intake.layout import Layout
from muheng.intake.withhold import withhold
from muheng.intake.workbooks import Intake, read_workbooks

from .conftest import MakeWorkbook, Row, make_code, make_name, roster_rows

WORDS = say("没有可读的工作表。")


def read(workbook: MakeWorkbook, layouts: list[Layout]) -> Intake:
    tax: list[Row] = [
        ["信用代码", "企业名称", "入库税收"],
        *([make_code(n), make_name(n), n] for n in range(4)),
        [make_code(3), make_name(3), "坏"],
    ]
    lease = ["出租方信用代码", "出租方", "承租方信用代码", "承租方", "租赁面积"]
    rows: list[Row] = [lease, [make_code(0), make_name(0), make_code(1), make_name(1), 5]]
    files = [
        workbook("经信局.xlsx", {"名单": roster_rows(4)}),
        workbook("税务局.xlsx", {"税收": tax}),
        workbook("租赁.xlsx", {"租赁": rows}),
    ]
    return read_workbooks(files, layouts, 2022)


def test_nothing_of_theirs_is_kept_and_every_row_is_listed(
    workbook: MakeWorkbook, layouts: list[Layout]
) -> None:
    intake = read(workbook, layouts)
    less = withhold(intake, {make_code(1)}, WORDS)
    assert set(intake.facts.frame[CODE]) - set(less.facts.frame[CODE]) == {make_code(1)}
    assert all(make_code(1) not in table.frame[CODE].to_list() for table in less.facts.sources)
    added = [problem for problem in less.problems if problem.what == WORDS]
    assert set(intake.problems) < set(less.problems)
    assert {(p.file, p.cell, p.enterprise, p.severity) for p in added} == {
        (file, cell, make_name(1), "error")
        for file, cell in (("税务局.xlsx", "A3"), ("租赁.xlsx", "A2"), ("经信局.xlsx", "A3"))
    }
    assert len(added) == 3
    for sheet in less.sheets:
        assert sheet.rows == sheet.imported + sheet.listed + sheet.skipped
    # The lessor may be spoken of: the contract counts for it.
    counts = {sheet.file: sheet.imported for sheet in less.sheets}
    assert counts == {"经信局.xlsx": 3, "税务局.xlsx": 2, "租赁.xlsx": 1}


def test_none_to_withhold_changes_nothing(workbook: MakeWorkbook, layouts: list[Layout]) -> None:
    intake = read(workbook, layouts)
    assert withhold(intake, set(), WORDS) is intake
    stranger = withhold(intake, {make_code(99)}, WORDS)
    assert stranger.problems == intake.problems
    assert stranger.facts.frame.equals(intake.facts.frame)


def test_the_sender_learns_nothing_of_them(workbook: MakeWorkbook, layouts: list[Layout]) -> None:
    frame = pl.DataFrame({CODE: [make_code(n) for n in range(3)], NAME: [make_name(n) for n in range(3)]})
    hidden = {make_code(1), make_code(2)}
    tax: list[Row] = [
        ["信用代码", "企业名称", "入库税收"],
        [make_code(1), "另一个名字", "坏"],
        ["9134", make_name(2), 5],
        [None, make_name(2) + "？", 6],
        [None, make_name(0) + "？", 6],
    ]
    path = workbook("税务局.xlsx", {"税收": tax})
    intake = read_workbooks([path], layouts, 2022, roster=Roster(frame, unoffered=frozenset(hidden)))
    told = withhold(intake, hidden, WORDS).problems
    text = "\n".join(f"{p.what}{p.fix}{p.enterprise}{p.code}" for p in told)
    assert make_name(1) not in text
    assert make_code(2) not in text
    assert [(p.cell, p.enterprise, p.code) for p in told if p.what == WORDS] == [
        ("A2", "另一个名字", make_code(1)),
        ("A3", make_name(2), "9134"),
    ]
    assert f"相近的有：{make_name(0)}。" in text
    assert make_name(2) + "。" not in text
