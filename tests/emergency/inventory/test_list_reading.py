"""Workbooks as clerks write them: what is understood, what is refused, at which cell and with what words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import openpyxl
import pytest
from list_samples import (
    CUT,
    DAILY,
    LINE_HEAD,
    YEARLY,
    Rows,
    firm_rows,
    line_rows,
    make_code,
    make_name,
    write_list,
)

from muheng.emergency.inventory.model import Inventory
from muheng.emergency.inventory.reading import read_inventory
from muheng.emergency.inventory.writing import write_inventory, write_template
from muheng.intake.annotate import annotate
from muheng.intake.problem import PROBLEM_SHEET, Problem, format_problem

Read = Callable[..., tuple[Inventory | None, list[Problem]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a workbook with two enterprises and a line each, changed as told, and read it."""

    def run(
        more: Mapping[str, Rows] | None = None, merges: Mapping[str, Sequence[str]] | None = None
    ) -> tuple[Inventory | None, list[Problem]]:
        tables: dict[str, Rows] = {"企业": firm_rows(), "生产线": line_rows(), **(more or {})}
        return read_inventory(write_list(tmp_path / "清单.xlsx", tables, merges))

    return run


def good(answer: tuple[Inventory | None, list[Problem]]) -> Inventory:
    inventory, problems = answer
    assert inventory is not None, "\n".join(format_problem(problem) for problem in problems)
    return inventory


def errors(answer: tuple[Inventory | None, list[Problem]]) -> list[Problem]:
    """The errors of a list of which nothing was taken."""
    inventory, problems = answer
    assert inventory is None
    return [problem for problem in problems if problem.severity == "error"]


def only(answer: tuple[Inventory | None, list[Problem]]) -> Problem:
    found = errors(answer)
    assert len(found) == 1, "\n".join(format_problem(problem) for problem in found)
    return found[0]


def test_a_plain_list(read: Read) -> None:
    answer = read()
    inventory = good(answer)
    assert [firm.name for firm in inventory.firms] == [make_name(0), make_name(1)]
    line = inventory.lines[0]
    assert (line.id, line.firm) == (f"{make_code(0)}-1", make_code(0))
    assert line.yearly == (3_000_000, 6_000_000, 1_500_000, 0)
    assert line.daily == (10_000, 20_000, 5_000, 0)
    assert inventory.places["line", line.id] == "生产线!A3"
    told = "\n".join(str(problem.what) for problem in answer[1])
    for sheet in ("减排措施", "可选措施", "运输", "减排基数"):
        assert f"没有“{sheet}”表" in told


def test_the_sheet_of_each_kind_is_known_by_its_columns_not_by_name_or_order(tmp_path: Path) -> None:
    path = write_list(tmp_path / "乱.xlsx", {"Sheet1": line_rows(), "Sheet2": firm_rows()})
    shuffled = good(read_inventory(path))
    path = write_list(tmp_path / "顺.xlsx", {"企业": firm_rows(), "生产线": line_rows()})
    assert shuffled.lines == good(read_inventory(path)).lines


def test_rates_in_headers_say_year_or_day(read: Read) -> None:
    head = [
        *LINE_HEAD,
        "排放量(t/a)|SO₂",
        "排放量(t/a)|氮氧化物",
        "排放量(kg/d)|二氧化硫",
        "排放量(kg/d)|NOx",
        "停产损失（万元/天）",
    ]
    rows = [head, [make_code(0), None, "1#", "窑", 300, 3, 6, 10.5, 20, 1.25]]
    line = good(read({"生产线": rows})).lines[0]
    assert line.yearly == (3_000_000, 6_000_000, None, None)
    assert line.daily == (10_500, 20_000, 0, 0)
    assert line.stop_loss == 1_250_000


def test_a_daily_unit_over_a_yearly_column_is_refused(read: Read) -> None:
    head = [*LINE_HEAD, "年排放量(kg/d)|SO2", "年排放量(kg/d)|NOx"]
    found = errors(read({"生产线": [head, [make_code(0), None, "1", "窑", 300, 3, 6]]}))
    assert {problem.column for problem in found} == {"年排放量|SO2", "年排放量|NOx"}
    assert "年与日对不上" in str(found[0].what)


def test_hours_given_in_days_are_refused(read: Read) -> None:
    rows = line_rows(1)
    rows[0].append("停产准备时间(天)")
    rows[1].append(2)
    assert "单位是小时" in str(only(read({"生产线": rows})).what)


def test_a_capacity_takes_the_unit_of_its_header(read: Read) -> None:
    rows = line_rows()
    rows[0].append("产能(万吨/年)")
    rows[1].append(50)
    rows[2].append("30台套")
    assert [line.capacity for line in good(read({"生产线": rows})).lines] == ["50万吨/年", "30台套"]


def offers(*parts: object, head: str = "限产比例(%)") -> list[list[object]]:
    top = ["统一社会信用代码", "生产线编号", "措施名称", "严格程度", "措施类型", head]
    return [
        list(top),
        *([make_code(0), "1", f"措施{at}", at, "限产", part] for at, part in enumerate(parts, 1)),
    ]


def test_per_cent_and_fractions(read: Read) -> None:
    def parts(*given: object, head: str = "限产比例(%)") -> list[int]:
        return [offer.part for offer in good(read({"可选措施": offers(*given, head=head)})).offers]

    assert parts(30, 50, 100) == [300, 500, 1000]
    assert parts(0.3, 0.5, 1) == [300, 500, 1000]  # cells that Excel shows as per cent
    assert parts("30%", "50％", 100) == [300, 500, 1000]
    assert parts("0.5%", "1%", "30%") == [5, 10, 300]
    told = read({"可选措施": offers(0.3, 0.5)})[1]
    assert sum("按小数读" in str(problem.what) for problem in told) == 1


def test_a_column_with_per_cent_and_fractions_is_asked_about(read: Read) -> None:
    problem = only(read({"可选措施": offers(30, 0.5)}))
    assert (problem.cell, str(problem.what)) == (
        "F3",
        "“0.5”是 50% 还是 0.5%，分不清：同一列别处写的是百分数。",
    )
    assert "0 到 100%" in str(only(read({"可选措施": offers(30, 130)})).what)


def test_what_the_name_of_a_measure_says_is_understood(read: Read) -> None:
    head = ["统一社会信用代码", "生产线编号", "预警级别", "措施名称", *CUT]
    rows = [
        head,
        [make_code(0), 1, "Ⅲ级", "限产30%", None, None, None, None],
        [make_code(0), 1, "橙", "停产", 10, None, None, None],
    ]
    filed = good(read({"减排措施": rows})).filed
    assert [(each.level, each.kind, each.part, each.cut) for each in filed] == [
        ("yellow", "限产", 300, None),
        ("orange", "停产", 1000, (10_000, 0, 0, 0)),
    ]


def test_three_levels_side_by_side(read: Read) -> None:
    levels = [
        f"{level}预警|{part}" for level in ("黄色", "橙色", "红色") for part in ("减排措施", "SO2", "NOx")
    ]
    rows = [
        ["信用代码", "生产线编号", *levels],
        [make_code(1), "1", None, None, None, "限产50%", 5, 10, "停产", 10, 20],
    ]
    filed = good(read({"一厂一策": rows})).filed
    assert [(each.level, each.name, each.part, each.cut) for each in filed] == [
        ("orange", "限产50%", 500, (5_000, 10_000, 0, 0)),
        ("red", "停产", 1000, (10_000, 20_000, 0, 0)),
    ]


def test_enterprises_by_name_where_the_code_is_missing_or_damaged(read: Read) -> None:
    rows = line_rows()
    rows[1][0], rows[2][0] = None, "9.1370800E+17"
    answer = read({"生产线": rows})
    assert [line.firm for line in good(answer).lines] == [make_code(0), make_code(1)]
    assert any("按名称认作" in str(problem.what) for problem in answer[1])


def test_a_code_that_excel_made_a_number(read: Read) -> None:
    rows = firm_rows()
    rows[1][0] = "9.1E+17"
    problem = only(read({"企业": rows}))
    assert "当成了数字" in str(problem.what)
    assert (problem.sheet, problem.cell) == ("企业", "A2")


def test_full_width_codes_and_merged_names(read: Read) -> None:
    rows = firm_rows(1)
    rows[1][0] = "".join(chr(ord(letter) + 0xFEE0) for letter in make_code(0))
    lines = line_rows(1)
    lines.append([None, None, "2", "二号窑", 300, 1, 1, 1, 1])
    inventory = good(read({"企业": rows, "生产线": lines}, {"生产线": ["A3:A4", "B3:B4"]}))
    assert [line.id for line in inventory.lines] == [f"{make_code(0)}-1", f"{make_code(0)}-2"]


def test_a_merged_figure_is_nobodys(read: Read) -> None:
    lines = line_rows(1)
    lines.append([make_code(0), make_name(0), "2", "二号窑", 300, None, 1, 1, 1])
    problem = only(read({"生产线": lines}, {"生产线": ["F3:F4"]}))
    assert "F3:F4 由几行共用一个数" in str(problem.what)


@pytest.mark.parametrize(
    ("sheet", "column", "value", "words"),
    [
        ("企业", 2, None, "没有填“县（市、区）”"),
        ("企业", 3, "E", "不是本列的取值"),
        ("企业", 1, None, "没有填“企业名称”"),
        ("生产线", 2, None, "没有填“生产线编号”"),
        ("生产线", 2, "1、2", "里有顿号"),
        ("生产线", 4, 400, "应在 1 到 366 之间"),
        ("生产线", 4, None, "没有年生产天数"),
        ("生产线", 5, "1,2,3", "不是数字"),
        ("生产线", 5, -3, "是负数"),
        ("生产线", 5, "3kg", "不是数字"),
        ("生产线", 0, "91370800MA9999999Y", "不在名单里"),
    ],
)
def test_a_bad_cell_keeps_the_whole_list_out(
    read: Read, sheet: str, column: int, value: object, words: str
) -> None:
    tables = {"企业": firm_rows(), "生产线": line_rows()}
    tables[sheet][1][column] = value
    if words == "不在名单里":
        tables[sheet][1][1] = "某某有限公司"
    found = errors(read(tables))
    assert any(words in str(problem.what) for problem in found), [str(problem.what) for problem in found]
    assert {problem.sheet for problem in found} == {sheet}


def test_rows_that_are_there_twice(read: Read) -> None:
    firms, lines = firm_rows(), line_rows()
    firms.append(firms[1])
    lines.append(lines[1])
    found = errors(read({"企业": firms, "生产线": lines}))
    assert [(problem.cell, str(problem.what)) for problem in found] == [
        ("A4", f"信用代码 {make_code(0)} 已在 企业!A2。"),
        ("C5", "生产线编号“1”已在 生产线!A3。"),
    ]


def test_measures_of_lines_that_are_not_there(read: Read) -> None:
    rows = offers(30)
    rows[1][1] = "9"
    assert "不在这家企业的生产线里" in str(only(read({"可选措施": rows})).what)
    twice = offers(30, 50)
    twice[2][3] = 1
    assert "严格程度都是 1" in str(only(read({"可选措施": twice})).what)


def test_a_shared_facility_names_its_lines(read: Read) -> None:
    lines = [[*row, extra] for row, extra in zip(line_rows(), ["服务生产线", None, None], strict=True)]
    lines.append([make_code(0), None, "GL", "锅炉", 300, 1, 1, 1, 0, "1"])
    boiler = good(read({"生产线": lines})).lines[1]
    assert boiler.serves == (f"{make_code(0)}-1",)
    lines[-1][-1] = "1、7"
    assert "“服务生产线”里的“7”" in str(only(read({"生产线": lines})).what)


def test_the_base_by_source(read: Read) -> None:
    head = ["排放源", *DAILY, "黄色预警减排量(kg)|SO2", "黄色预警减排量(kg)|NOx"]
    rows = [
        head,
        ["移动源", 1, 2, 3, 4, 0, 0.5],
        ["工业源", 10, 20, 30, 40, None, None],
        ["合计", 11, 22, 33, 44, 0, 0.5],
    ]
    base = good(read({"减排基数": rows})).base
    assert [source.name for source in base] == ["工业源", "移动源"]
    assert base[1].emission == (1000, 2000, 3000, 4000)
    assert base[1].cut == {"yellow": (0, 500, 0, 0)}
    assert base[0].cut == {}


def test_the_clerk_gets_the_workbook_back_with_every_bad_cell_marked(tmp_path: Path) -> None:
    firms, lines = firm_rows(), line_rows()
    firms[1][3], lines[2][5] = "E", "三吨"
    path = write_list(tmp_path / "清单.xlsx", {"企业": firms, "生产线": lines})
    _, problems = read_inventory(path)
    assert annotate(path, problems, tmp_path / "退回.xlsx")
    book = openpyxl.load_workbook(tmp_path / "退回.xlsx")
    assert book["企业"]["D2"].comment is not None
    assert "不是数字" in str(book["生产线"]["F4"].comment)
    assert PROBLEM_SHEET in book.sheetnames


def test_an_empty_template_is_told_and_a_filled_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "模板.xlsx"
    write_template(path)
    assert {str(problem.what) for problem in errors(read_inventory(path))} == {
        "“企业”表里没有数据。",
        "“生产线”表里没有数据。",
    }
    book = openpyxl.load_workbook(path)
    for sheet, values in (
        ("企业", {1: make_code(0), 2: make_name(0), 3: "东县", 6: "C"}),
        ("生产线", {1: make_code(0), 3: "1", 4: "窑", 11: 300, 12: 3}),
    ):
        for column, value in values.items():
            book[sheet].cell(4, column).value = value
    assert book["企业"].cell(2, 6).comment is not None
    assert any("A,B,B-" in str(rule.formula1) for rule in book["企业"].data_validations.dataValidation)
    book.save(path)
    inventory = good(read_inventory(path))
    assert inventory.lines[0].yearly[0] == 3_000_000
    write_template(tmp_path / "en.xlsx", lang="en")
    notes = openpyxl.load_workbook(tmp_path / "en.xlsx")["填表说明"]
    assert notes["A1"].value == "How to fill in the emergency list"


def test_files_that_are_no_list(tmp_path: Path) -> None:
    path = tmp_path / "税.csv"
    path.write_bytes("企业名称,入库税收\n虚构有限公司,3\n".encode("gb18030"))
    found = errors(read_inventory(path))
    assert {"没有“企业”表。", "没有“生产线”表。"} <= {str(problem.what) for problem in found}
    path.write_bytes(b"PK\x03\x04 torn")
    assert len(errors(read_inventory(path))) == 1
    wide = write_list(tmp_path / "宽.xlsx", {"企业": [[f"列{at}" for at in range(2000)], [1] * 2000]})
    assert errors(read_inventory(wide))


def test_an_enterprise_that_is_refused_is_told_once(read: Read) -> None:
    firms = firm_rows()
    firms[1][0] = "123"
    assert only(read({"企业": firms})).cell == "A2"


def test_texts_that_look_like_formulas_stay_texts(tmp_path: Path, read: Read) -> None:
    firms = firm_rows()
    firms[0].append("联系人")
    firms[1].append("'=cmd|'/c calc'!A1")
    inventory = good(read({"企业": firms}))
    path = tmp_path / "写.xlsx"
    write_inventory(inventory, path)
    assert good(read_inventory(path)) == inventory
    cells = [cell for row in openpyxl.load_workbook(path)["企业"].iter_rows() for cell in row]
    assert any("calc" in str(cell.value) for cell in cells)
    assert all(cell.data_type != "f" for cell in cells)


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    forwards = {"企业": firm_rows(6), "生产线": line_rows(6)}
    backwards = {name: [rows[0], *reversed(rows[1:])] for name, rows in forwards.items()}
    one = read_inventory(write_list(tmp_path / "1.xlsx", forwards))[0]
    other = read_inventory(write_list(tmp_path / "2.xlsx", backwards))[0]
    assert one is not None
    assert other is not None
    assert (one.firms, one.lines) == (other.firms, other.lines)


def test_yearly_columns_alone_in_one_header_row(read: Read) -> None:
    head = [*LINE_HEAD, "SO2年排放量（吨）", "年NOx排放量(吨/年)"]
    line = good(read({"生产线": [head, [make_code(0), None, "1", "窑", 300, 3, "６.６"]]})).lines[0]
    assert line.yearly == (3_000_000, 6_600_000, None, None)
    assert YEARLY[0].startswith("年排放量")


def test_measures_in_the_rows_of_the_lines(read: Read) -> None:
    """One wide sheet, as many lists are: emissions and what is done at each level in the line's own row."""
    levels = [
        f"{level}预警|{part}"
        for level in ("黄色", "橙色", "红色")
        for part in ("减排措施", "限产比例", "NOx")
    ]
    lines = line_rows()
    lines[0] += levels
    lines[1] += [None, None, None, "限产", 0.3, 6, "停产", 1, 20]
    lines[2] += ["自主减排"] + [None] * 8
    answer = read({"生产线": lines})
    filed = good(answer).filed
    assert [(each.line[-1], each.level, each.kind, each.part, each.cut) for each in filed] == [
        ("1", "orange", "限产", 300, (0, 6_000, 0, 0)),
        ("1", "red", "停产", 1000, (0, 20_000, 0, 0)),
        ("1", "yellow", "自主减排", 0, None),
    ]
    assert not any("没有“减排措施”表" in str(problem.what) for problem in answer[1])
