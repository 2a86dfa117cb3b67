"""Lists with nonsense in their cells: never a crash, never half a list."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from list_samples import CUT, DAILY, firm_rows, line_rows, make_code, make_name, write_list

from muheng.emergency.inventory.checking import check
from muheng.emergency.inventory.reading import read_inventory
from muheng.emergency.inventory.writing import write_inventory

NASTY = st.sampled_from(
    [
        None, "", " ", "-", "/", "无", "合计", "总计", "注：", "=1/0", "=A1", "#N/A", "9.1E+17", "1e400", "-0", "NaN",
        "inf", "١٢", "３", "1,234.5万", "50%", "0.5", 0.5, 50, 1e308, -1, 0, True, "黄", "停产", "限产30%", "停产、限产",
        "a" * 40_000, "\u202e反", b"\x00\x01".decode("latin-1").replace("\x00", "").replace("\x01", ""),
        "<script>", "'; drop table", "{0}", "{name}", "%s", make_code(1), make_name(1), "9137", "2026-02-30", "国五",
    ]
)  # fmt: skip


def tables() -> dict[str, list[list[object]]]:
    code = make_code(0)
    return {
        "企业": [
            [*firm_rows(0)[0], "等级有效期至", "保障类型", "保障最高级别", "长期停产", "日产值(元)", "经度"],
            *([*row, "2027-01-01", "民生保障", "黄色", "否", 100, 116.5] for row in firm_rows(3)[1:]),
        ],
        "生产线": [
            [*line_rows(0)[0], *DAILY, "最低负荷(%)", "停产准备时间(小时)", "日停产损失(元)", "服务生产线"],
            *([*row, 10, 20, 5, 0, 30, 4, 100, None] for row in line_rows(3)[1:]),
        ],
        "可选措施": [
            ["统一社会信用代码", "生产线编号", "措施名称", "严格程度", "限产比例(%)", "日损失(元)"],
            [code, "1", "限产30%", 1, 30, 5],
            [code, "1", "停产", 2, 100, 50],
        ],
        "减排措施": [
            ["统一社会信用代码", "生产线编号", "预警级别", "措施名称", "核查方式", *CUT],
            [code, "1", "黄色", "停产", "用电", 1, 2, 3, 0],
        ],
        "运输": [
            ["统一社会信用代码", "日常车次", "黄色预警车次", "橙色预警车次", "红色预警车次"],
            [code, 4, 3, 2, 1],
        ],
        "减排基数": [["排放源", *DAILY], ["工业源", 100, 100, 100, 100]],
    }


PLACES = [
    (sheet, row, column)
    for sheet, rows in tables().items()
    for row in range(len(rows))
    for column in range(len(rows[0]))
]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(PLACES), NASTY), min_size=1, max_size=6))
def test_nonsense_anywhere_never_breaks_the_reading(
    tmp_path: Path, changes: list[tuple[tuple[str, int, int], object]]
) -> None:
    held = tables()
    for (sheet, row, column), value in changes:
        if row == 0 and value is None:
            continue
        held[sheet][row][column] = value if row else str(value)
    path = write_list(tmp_path / "乱.xlsx", held)
    inventory, problems = read_inventory(path)
    wrong = [problem for problem in problems if problem.severity == "error"]
    assert (inventory is None) == bool(wrong)
    for problem in problems:
        assert problem.what.render("en")
        assert problem.fix is None or problem.fix.render("en")
    if inventory is not None:
        check(inventory)
        write_inventory(inventory, tmp_path / "又.xlsx")
        assert read_inventory(tmp_path / "又.xlsx")[0] == inventory


def test_the_list_that_the_nonsense_is_put_in_is_sound(tmp_path: Path) -> None:
    assert read_inventory(write_list(tmp_path / "好.xlsx", tables()))[0] is not None


def test_rows_of_formulas_without_results_below_the_table(tmp_path: Path) -> None:
    path = write_list(tmp_path / "公式.xlsx", tables())
    book = openpyxl.load_workbook(path)
    for sheet in ("企业", "生产线", "减排措施"):
        for row in range(8, 12):
            for column in range(1, 12):
                book[sheet].cell(row, column).value = "=NOW()"
    book.save(path)
    inventory, problems = read_inventory(path)
    assert inventory is None
    assert any("公式没有结果" in str(problem.what) for problem in problems)


def test_two_thousand_columns(tmp_path: Path) -> None:
    rows = firm_rows(50)
    for at, row in enumerate(rows):
        row += [f"列{n}" if at == 0 else n for n in range(2000)]
    inventory, problems = read_inventory(
        write_list(tmp_path / "宽.xlsx", {"企业": rows, "生产线": line_rows(50)})
    )
    assert inventory is not None
    assert any("没有读入" in str(problem.what) for problem in problems)


def test_a_list_of_another_city_is_told_row_by_row(tmp_path: Path) -> None:
    lines = line_rows(300)
    path = write_list(tmp_path / "别.xlsx", {"企业": firm_rows(1), "生产线": lines})
    inventory, problems = read_inventory(path)
    assert inventory is None
    assert sum("不在名单里" in str(problem.what) for problem in problems) == 299


@pytest.mark.parametrize("name", ["清单.xls", "清单.csv", "清单.txt"])
def test_other_kinds_of_file_are_read_or_refused_in_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("统一社会信用代码\t企业名称\t县区\t绩效等级\n".encode("gb18030"))
    inventory, problems = read_inventory(path)
    assert inventory is None
    assert problems
