"""results.xlsx opened again with other readers: what stands in it, and what must never."""

from __future__ import annotations

import datetime
import hashlib
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastexcel
import openpyxl
import polars as pl
import pytest
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from report_city import POLICY, make_facts, make_plan

from muheng.documents.message import say
from muheng.intake.facts import CODE, NAME
from muheng.intake.problem import Problem
from muheng.policy import plan as p
from muheng.policy.run import Result, evaluate
from muheng.reports import sheet as sheets
from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.reports.workbook import write_results

PUBLISHED = ["序号", "企业名称", "统一社会信用代码", "类别", "所在乡镇（园区）", "评价等级"]
HOSTILE = [
    '=HYPERLINK("http://example.org","点我")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "http://example.org",
    "mailto:a@example.org",
    "<r><t>粗体</t></r>",
    "<script>alert(1)</script>",
    "{=1}",
    "控制\x07字符_x0041_",
    "'前撇",
    "1234567890123456789",
    " 前后空格 ",
    "非字符\ufffe\uffff",
]


@pytest.fixture(scope="module")
def path(result: Result, problems: list[Problem], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results") / "results.xlsx"
    write_results(result, problems, path, engines={"muheng": "0.1.0"})
    return path


@pytest.fixture(scope="module")
def book(path: Path) -> Workbook:
    return openpyxl.load_workbook(path)


def header_row(page: Worksheet) -> int:
    """The row that the filter stands on."""
    return int(page.auto_filter.ref.split(":")[0].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def rows(page: Worksheet) -> tuple[list[str], list[list[Any]]]:
    """Header and the rows of the filtered table."""
    first = header_row(page)
    last = int(page.auto_filter.ref.split(":")[1].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    header, *body = page.iter_rows(min_row=first, max_row=last, values_only=True)
    return [str(title) for title in header], [list(row) for row in body]


def test_the_sheets(book: Workbook) -> None:
    assert book.sheetnames == ["公布名单", "明细 规上", "明细 规下", "数据问题", "并列与分界", "统计", "说明"]


def test_the_published_list_has_everyone_graded_and_no_score_or_rank(book: Workbook, result: Result) -> None:
    header, body = rows(book["公布名单"])
    assert header == PUBLISHED
    graded = result.grades.filter(pl.col(p.GRADE).is_not_null())
    assert {(row[2], row[1], row[3], row[5]) for row in body} == set(
        graded.select(CODE, NAME, p.CLASS, p.GRADE).iter_rows()
    )
    assert [row[0] for row in body] == list(range(1, graded.height + 1))
    numbers = [value for row in body for value in row[1:] if isinstance(value, int | float)]
    assert numbers == []


def test_the_published_order_tells_no_rank(book: Workbook, result: Result) -> None:
    _, body = rows(book["公布名单"])
    facts = {
        code: (town, park) for code, town, park in result.facts.frame.select(CODE, "乡镇", "园区").iter_rows()
    }

    def key(row: list[Any]) -> tuple[object, ...]:
        town, park = facts[row[2]]
        return ("ABCD".index(row[5]), town is None, town or "", park is None, park or "", row[2])

    assert body == sorted(body, key=key)
    places = dict(result.grades.select(CODE, p.PLACE).iter_rows())
    best = [places[row[2]] for row in body if row[5] == "A" and row[3] == "规下"]
    assert best != sorted(best)


def test_the_published_list_says_what_it_rests_on(book: Workbook) -> None:
    texts = "\n".join(
        str(value)
        for row in book["公布名单"].iter_rows(values_only=True)
        for value in row
        if value is not None
    )
    assert "排名不分先后" in texts
    assert "示例市工业企业亩均效益综合评价办法 2025 年度评价结果名单" in texts
    assert "示政办〔2025〕0号" in texts
    assert "文本没有说明总分相同时怎样排序" in texts
    assert "示例规则，不是当地现行规定。" in texts


@pytest.mark.parametrize("class_name", ["规上", "规下"])
def test_internal_figures_are_those_of_the_result(book: Workbook, result: Result, class_name: str) -> None:
    header, body = rows(book[f"明细 {class_name}"])
    grades = {row[CODE]: row for row in result.grades.iter_rows(named=True)}
    at = {title: index for index, title in enumerate(header)}
    assert len(body) == sum(row[p.CLASS] == class_name for row in grades.values())
    own = [indicator for indicator in result.plan.indicators if indicator.class_name == class_name]
    for row in body:
        code = row[at["统一社会信用代码"]]
        position = result.rows[code]
        total = row[at["总分（分）"]]
        expected = grades[code]["总分"]
        assert (total is None) == (expected is None)
        assert expected is None or Decimal(str(total)) == Decimal(expected)
        for indicator in own:
            unit = result.plan.numeric(indicator.value).unit
            for title, node in (
                (f"{indicator.name}（{unit}）", indicator.value),
                (f"{indicator.name}·得分（分）", indicator.filled),
            ):
                text = result.figure(position, node)
                value = row[at[title]]
                assert (value is None) == (text is None)
                assert text is None or Decimal(str(value)) == Decimal(text)
        assert row[at["评价等级"]] == grades[code][p.GRADE]
        assert row[at["名次"]] == grades[code][p.PLACE]
        assert row[at["状态"]] == grades[code][p.STANDING]


def test_benchmarks_stand_beside_the_values(book: Workbook) -> None:
    header, body = rows(book["明细 规上"])
    at = {title: index for index, title in enumerate(header)}
    assert {row[at["亩均税收·基准（万元/亩）"]] for row in body} == {14.75}
    assert len({row[at["亩均增加值·基准（万元/亩）"]] for row in body}) > 1
    assert {
        "单位能耗增加值·最小（万元/tce）",
        "单位能耗增加值·最大（万元/tce）",
        "单位能耗增加值·得分（分）",
    } <= at.keys()
    assert "加分·创新绿色加分（分）" in at
    assert "减分·出租减分（分）" in at
    assert "上年等级" in at
    reasons = {row[at["调整依据"]] for row in body}
    assert "省级领跑者（提 1 档）" in reasons
    assert any(text and "绿色工厂 +3" in text for row in body for text in [row[at["加减分依据"]]])


def test_internal_lists_are_in_the_order_of_places(book: Workbook) -> None:
    header, body = rows(book["明细 规上"])
    at = {title: index for index, title in enumerate(header)}
    found: dict[str, list[int | None]] = {}
    for row in body:
        found.setdefault(row[at["排名组"]], []).append(row[at["名次"]])
    for group, places in found.items():
        assert places == ([None] * len(places) if group is None else sorted(filter(None, places)))


def test_numbers_show_their_decimals_and_headers_their_units(book: Workbook) -> None:
    page = book["明细 规上"]
    first = header_row(page)
    formats = {cell.value: page.cell(first + 1, cell.column).number_format for cell in page[first]}
    assert formats["亩均税收（万元/亩）"] == "#,##0.0000"
    assert formats["总分（分）"] == "#,##0.0"
    assert formats["名次"] == "0"
    assert formats["统一社会信用代码"] == "@"


def test_headers_are_frozen_and_filtered(book: Workbook) -> None:
    for name in book.sheetnames:
        page = book[name]
        if name == "统计":
            continue
        assert page.freeze_panes == f"A{header_row(page) + 1}"
        assert page.column_dimensions["B"].width > 6


def test_data_problems_name_the_cell(book: Workbook) -> None:
    header, body = rows(book["数据问题"])
    first = dict(zip(header, body[0], strict=True))
    assert (first["文件"], first["工作表"], first["单元格"]) == ("税务局2025.xlsx", "入库税收", "F17")
    assert first["问题"] == "“1,234.5万”不是数字。"
    assert first["改法"] == "请只填数值 1234.5。"
    assert len(body) == 3


def test_cuts_and_about(book: Workbook, result: Result) -> None:
    header, body = rows(book["并列与分界"])
    assert len(body) == 12
    assert header[-1] == "由什么分开"
    about = dict(tuple(row) for row in rows(book["说明"])[1])
    assert about["规则含义指纹（SHA-256）"] == result.plan.meaning
    assert about["规则文本指纹（SHA-256）"] == result.plan.wording
    assert about["计算环境：muheng"] == "0.1.0"
    assert about["依据文本未说明 1"].startswith("文本没有说明总分相同时")
    assert about["适用期间"] == "2025-01-01 起，2027-01-01 前（不含当日）"


def test_another_reader_reads_the_same(path: Path, result: Result) -> None:
    reader = fastexcel.read_excel(path)
    frame = reader.load_sheet("公布名单", header_row=4 + 1).to_polars()
    assert frame.columns[:6] == PUBLISHED
    graded = result.grades[p.GRADE].drop_nulls().len()
    assert frame["统一社会信用代码"].drop_nulls().len() == graded


def test_the_same_values_give_the_same_bytes(
    path: Path, result: Result, problems: list[Problem], tmp_path: Path
) -> None:
    again = tmp_path / "again.xlsx"
    write_results(result, problems, again, engines={"muheng": "0.1.0"})
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    facts = make_facts(60)
    names = [HOSTILE[index % len(HOSTILE)] for index in range(60)]
    frame = facts.frame.with_columns(pl.Series(NAME, names), pl.Series("乡镇", names[::-1]))
    result = evaluate(make_plan(), replace(facts, frame=frame))
    problem = Problem(
        "error", "=1+1.xlsx", "=2", None, None, None, "=cmd|' /C calc'!A0", say("{text}", text="=3")
    )
    path = tmp_path / "hostile.xlsx"
    write_results(result, [problem], path)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name).decode()
            assert "<f>" not in content
            assert "<hyperlink" not in content
            assert "<t>粗体</t>" not in content
    book = openpyxl.load_workbook(path)
    seen = {cell.value for page in book for row in page.iter_rows() for cell in row if cell.data_type == "s"}
    assert not [cell for page in book for row in page.iter_rows() for cell in row if cell.data_type == "f"]
    assert {
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "http://example.org",
        "1234567890123456789",
        "<r><t>粗体</t></r>",
    } <= seen
    assert "=cmd|' /C calc'!A0" in seen


def test_sheet_names_that_excel_refuses_are_mended(tmp_path: Path) -> None:
    strange = "规上[1]/2:*?\\很长很长很长很长很长很长很长很长很长很长很长很长很长"
    text = POLICY.replace("class.规上", f"class.{json_key(strange)}").replace(
        "class.规下", f"class.{json_key(strange + '二')}"
    )
    result = evaluate(make_plan(text), make_facts(80))
    path = tmp_path / "strange.xlsx"
    write_results(result, [], path)
    names = openpyxl.load_workbook(path).sheetnames
    assert len(names) == len({name.casefold() for name in names}) == 7
    assert all(len(name) <= 31 for name in names)
    assert sum(name.startswith("明细 规上_1__2____很长") for name in names) == 2


def json_key(name: str) -> str:
    """A quoted TOML key."""
    return '"' + name.replace("\\", "\\\\") + '"'


def test_an_empty_class_has_an_empty_sheet(one: Result, tmp_path: Path) -> None:
    path = tmp_path / "one.xlsx"
    write_results(one, [], path)
    book = openpyxl.load_workbook(path)
    found = {name: len(rows(book[name])[1]) for name in book.sheetnames if name not in ("统计", "说明")}
    assert found == {"公布名单": 1, "明细 规上": 1, "明细 规下": 0, "数据问题": 0, "并列与分界": 0}
    assert book["数据问题"]["A1"].value == "各部门数据问题：0 处"


def test_nobody_graded_publishes_nobody(nobody: Result, tmp_path: Path) -> None:
    path = tmp_path / "nobody.xlsx"
    write_results(nobody, [], path)
    page = openpyxl.load_workbook(path)["公布名单"]
    header, body = rows(page)
    assert (header, body) == (PUBLISHED, [])
    assert "另有 40 户未定级，不列入本名单。" in [row[0] for row in page.iter_rows(values_only=True)]


def test_the_statistics_add_up(book: Workbook) -> None:
    totals = [row for row in book["统计"].iter_rows(values_only=True) if row[0] == "合计"]
    assert len(totals) == 5
    assert {row[1] for row in totals} == {1200}
    for row in totals:
        assert sum(row[2:10:2]) + row[10] == 1200
        assert sum(row[3:11:2]) == pytest.approx(100, abs=0.2)


def test_in_english(result: Result, problems: list[Problem], tmp_path: Path) -> None:
    path = tmp_path / "english.xlsx"
    write_results(result, problems, path, lang="en")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[0] == "To publish"
    header, _ = rows(book["To publish"])
    assert header == ["No.", "Enterprise", "Credit code", "Class", "Township (park)", "Grade"]
    header, body = rows(book["Details 规上"])
    assert {row[header.index("Standing")] for row in body} <= {"rated", "exempt", "deferred", "not rated"}


def test_more_rows_than_excel_holds_go_to_further_sheets(
    tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 500)
    write_results(result, [], tmp_path / "split.xlsx")
    book = openpyxl.load_workbook(tmp_path / "split.xlsx")
    parts = [name for name in book.sheetnames if name.startswith("公布名单")]
    graded = result.grades[p.GRADE].drop_nulls().len()
    assert parts == ["公布名单 (1)", "公布名单 (2)", "公布名单 (3)"]
    assert sum(len(rows(book[name])[1]) for name in parts) == graded


def test_a_scaled_integer_becomes_the_nearest_double(tmp_path: Path) -> None:
    values = [0, 1, -1, 995, 123456789012345, -99999999999999, 10**15 + 1]
    column = Column("值（分）", pl.Series(values, dtype=pl.Int64), 2)
    path = tmp_path / "numbers.xlsx"
    write_sheets([Sheet("数", (Table(("题",), (column,)),))], path, datetime.datetime(2025, 1, 1))
    page = openpyxl.load_workbook(path)["数"]
    assert [page.cell(3 + i, 1).value for i in range(len(values))] == [
        float(Decimal(value) / 100) for value in values
    ]


@pytest.mark.parametrize("where", ["missing/results.xlsx", "."])
def test_a_failure_leaves_no_file(where: str, result: Result, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((OSError, ValueError)):
        write_results(result, [], tmp_path / where)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_older_file_stays_whole_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    path.write_bytes(b"older")
    unwritable = Column("值", pl.Series([[1], [2]]))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        write_sheets([Sheet("坏", (Table((), (unwritable,)),))], path, datetime.datetime(2025, 1, 1))
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]
