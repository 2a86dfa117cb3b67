"""What a person is shown of a sheet, and what they may decide about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.documents.message import Refusal
from muheng.intake.facts import CODE
from muheng.intake.layout import Layout
from muheng.intake.recognition import ColumnView, SheetView
from muheng.intake.sheet_fix import SheetFix, fixes_from_json, fixes_json
from muheng.intake.workbooks import Intake, read_workbooks, recognise_workbooks

from .conftest import MakeWorkbook, Row, make_code, make_name, roster_rows

FILE, SHEET = "税务局.xlsx", "税收"
KEY = (FILE, SHEET)


@pytest.fixture
def sent(workbook: MakeWorkbook) -> Callable[[list[Row]], list[Path]]:
    """A roster and a tax workbook with the rows given."""

    def write(rows: list[Row]) -> list[Path]:
        return [workbook("经信局.xlsx", {"名单": roster_rows(4)}), workbook(FILE, {SHEET: rows})]

    return write


def column(view: SheetView, letters: str) -> ColumnView:
    return next(each for each in view.columns if each.letters == letters)


def tax(views: tuple[SheetView, ...]) -> SheetView:
    return next(view for view in views if view.file == FILE)


def paid(intake: Intake, number: int) -> object:
    return intake.facts.frame.filter(pl.col(CODE) == make_code(number)).get_column("入库税收").item()


def test_every_column_is_shown_with_what_it_was_taken_for(
    sent: Callable[[list[Row]], list[Path]], layouts: list[Layout]
) -> None:
    files = sent(
        [
            ["2022年税收", None, None, None, None, None],
            ["统一社会信用代码", "纳税人名称", "入库税收（元）", "2022年增值税", "街道办", "房产税（度）"],
            *([make_code(n), make_name(n), 10_000 * n, n, None, 1] for n in range(4)),
        ]
    )
    view = tax(recognise_workbooks(files, layouts, 2022))
    assert (view.layout, view.kind, view.department, view.header_row, view.rows) == (
        "tax", "税收", "税务", 2, 4,
    )  # fmt: skip
    assert view.what is None
    assert [each.matched for each in view.columns] == ["列名", "别名", "近似", "近似", None, None]
    assert [each.letters for each in view.columns] == list("ABCDEF")
    money = column(view, "C")
    assert (money.header, money.column, money.items) == ("入库税收(元)", "入库税收", ("入库税收",))
    assert (money.unit, money.into, money.unit_from) == ("元", "万元", "表头")
    assert money.samples == ("0", "10000", "20000")
    assert column(view, "D").unit_from == "布局"
    assert column(view, "E").column is None
    assert "不是同一种量" in str(column(view, "F").remarks[0].what)
    # What is shown is what is read.
    assert next(v for v in read_workbooks(files, layouts, 2022).views if v.file == FILE) == view


def test_sheets_and_files_that_are_not_read_are_shown_with_the_reason(
    workbook: MakeWorkbook, layouts: list[Layout], tmp_path: Path
) -> None:
    broken = tmp_path / "坏.xlsx"
    broken.write_bytes(b"PK\x03\x04 nothing")
    cover = workbook("封面.xlsx", {"封面": [["关于报送的函"], ["某某局", "2022年"]]})
    views = recognise_workbooks([broken, cover], layouts, 2022)
    assert [(view.sheet, view.layout) for view in views] == [(None, None), ("封面", None)]
    assert "已损坏" in str(views[0].what)
    assert "没有找到表头" in str(views[1].what)
    assert [each.header for each in views[1].columns] == ["某某局", "2022年"]


STRANGE: list[Row] = [
    ["编码", "谁", "多少", "别的"],
    *([make_code(n), make_name(n), 10_000 * (n + 1), n] for n in range(4)),
]


def test_a_person_says_which_column_is_which(
    sent: Callable[[list[Row]], list[Path]], layouts: list[Layout]
) -> None:
    files = sent(STRANGE)
    assert tax(recognise_workbooks(files, layouts, 2022)).layout is None
    named = {"A": "统一社会信用代码", "B": "企业名称", "C": "入库税收", "D": None}
    fix = SheetFix("tax", "税收", header_row=1, columns=named, units={"C": "元"})
    intake = read_workbooks(files, layouts, 2022, fixes={KEY: fix})
    assert [paid(intake, n) for n in range(4)] == [100, 200, 300, 400]
    # What was decided is not told as something unread.
    assert [problem for problem in intake.problems if problem.file == FILE] == []
    view = tax(intake.views)
    assert view.fixed
    assert [each.matched for each in view.columns] == ["指定", "指定", "指定", None]
    assert (column(view, "C").unit, column(view, "C").unit_from) == ("元", "指定")


def test_a_sheet_without_a_header_can_be_read(
    sent: Callable[[list[Row]], list[Path]], layouts: list[Layout]
) -> None:
    named = {"A": "统一社会信用代码", "C": "入库税收"}
    fix = SheetFix("tax", "税收", header_row=0, columns=named, units={"C": "元"})
    intake = read_workbooks(sent(STRANGE[1:]), layouts, 2022, fixes={KEY: fix})
    assert [paid(intake, n) for n in range(4)] == [100, 200, 300, 400]
    assert intake.facts.cells(make_code(0), "入库税收")[0].cell == "C1"
    text = (sent(STRANGE[1:])[0].parent) / "税.csv"
    text.write_text(f"{make_code(1)},{make_name(1)},30000\n", "gb18030")
    fixes = {("税.csv", "税"): fix}
    roster = sent(STRANGE)[0]
    assert paid(read_workbooks([roster, text], layouts, 2022, fixes=fixes), 1) == 300


def test_a_decision_settles_two_columns_of_one_name_and_overrules_the_header(
    sent: Callable[[list[Row]], list[Path]], layouts: list[Layout]
) -> None:
    head: Row = ["信用代码", "企业名称", "入库税收", "入库税收", "增值税"]
    files = sent([head, *([make_code(n), make_name(n), 1, 2, 3] for n in range(4))])
    assert tax(recognise_workbooks(files, layouts, 2022)).what is not None
    for fix, value in (
        (SheetFix(columns={"C": None}), 200),
        (SheetFix(columns={"D": None}), 100),
        (SheetFix("tax", "税收", columns={"E": "入库税收"}), 300),
        (SheetFix(columns={"C": None}, units={"D": "亿元"}), 2_000_000),
    ):
        assert paid(read_workbooks(files, layouts, 2022, fixes={KEY: fix}), 1) == value


def test_a_sheet_can_be_left_out(sent: Callable[[list[Row]], list[Path]], layouts: list[Layout]) -> None:
    files = sent([["信用代码", "企业名称", "入库税收"], [make_code(1), make_name(1), "坏"]])
    intake = read_workbooks(files, layouts, 2022, fixes={KEY: SheetFix(ignore=True)})
    assert intake.problems == ()
    assert tax(intake.views).ignored
    assert paid(intake, 1) is None


@pytest.mark.parametrize(
    ("fix", "words"),
    [
        (SheetFix("taxes", "税收"), "没有布局“taxes”"),
        (SheetFix("tax", "税"), "没有“税”这种表"),
        (SheetFix(kind="税收"), "没有布局"),
        (SheetFix(header_row=99), "没有第 99 行"),
        (SheetFix(header_row=-1), "没有第 -1 行"),
        (SheetFix(columns={"Z": None}), "没有 Z 列"),
        (SheetFix(columns={"A": "入库税收"}), "先指定这是哪一种表"),
        (SheetFix("tax", "税收", columns={"A": "能耗"}), "没有名为“能耗”的列"),
        (SheetFix("tax", "税收", columns={"C": "入库税收", "D": "入库税收"}), "都指定为“入库税收”"),
        (SheetFix("tax", "税收", columns={"C": "入库税收"}, units={"C": "光年"}), "不认识的单位“光年”"),
        (SheetFix("tax", "税收", columns={"C": "入库税收"}, units={"C": "亩"}), "不是同一种量"),
        (SheetFix("tax", "税收", columns={"B": "企业名称"}, units={"B": "元"}), "不是数字列"),
        (
            SheetFix("tax", "税收", columns={"A": "统一社会信用代码", "C": "入库税收"}, units={"D": "元"}),
            "D 列没有读入",
        ),
    ],
)
def test_a_decision_that_cannot_be_is_refused_in_words(
    sent: Callable[[list[Row]], list[Path]], layouts: list[Layout], fix: SheetFix, words: str
) -> None:
    files = sent(STRANGE)
    for read in (read_workbooks, recognise_workbooks):
        with pytest.raises(Refusal, match=words) as refused:
            read(files, layouts, 2022, fixes={KEY: fix})
        assert refused.value.at[:2] == KEY
        assert FILE in str(refused.value.what)


def test_a_decision_about_a_sheet_that_is_not_there_is_refused(
    sent: Callable[[list[Row]], list[Path]], layouts: list[Layout]
) -> None:
    with pytest.raises(Refusal, match=r"没有可读的工作表 税务局\.xlsx·别的"):
        read_workbooks(sent(STRANGE), layouts, 2022, fixes={(FILE, "别的"): SheetFix(ignore=True)})


def test_what_is_still_lacking_is_told_as_ever(
    sent: Callable[[list[Row]], list[Path]], layouts: list[Layout]
) -> None:
    fix = SheetFix("tax", "税收", columns={"A": "统一社会信用代码"})
    intake = read_workbooks(sent(STRANGE), layouts, 2022, fixes={KEY: fix})
    assert any("缺少列 “入库税收”" in str(problem.what) for problem in intake.problems)


letters = st.sampled_from(["A", "B", "AA"])


@given(
    st.dictionaries(
        st.tuples(st.text(max_size=5), st.text(max_size=5)),
        st.builds(
            SheetFix,
            st.none() | st.text(max_size=3),
            st.none() | st.text(max_size=3),
            st.booleans(),
            st.none() | st.integers(0, 9),
            st.dictionaries(letters, st.none() | st.text(max_size=3)),
            st.dictionaries(letters, st.text(max_size=3)),
        ),
        max_size=3,
    )
)
def test_decisions_are_plain_data(fixes: dict[tuple[str, str], SheetFix]) -> None:
    assert fixes_from_json(json.loads(json.dumps(fixes_json(fixes)))) == fixes


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [1],
        [{"file": "a"}],
        [{"file": "a", "sheet": "b", "header_row": True}],
        [{"file": "a", "sheet": "b", "header_row": "1"}],
        [{"file": "a", "sheet": "b", "columns": {"A": 1}}],
        [{"file": "a", "sheet": "b", "columns": []}],
        [{"file": "a", "sheet": "b", "units": {"A": None}}],
        [{"file": "a", "sheet": "b", "other": 1}],
    ],
)
def test_what_is_no_decision_is_refused(value: object) -> None:
    with pytest.raises(Refusal, match="第 1 条改动的格式不对"):
        fixes_from_json(value)
