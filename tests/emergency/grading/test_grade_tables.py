"""Grade tables: the shipped ones are clean and say that they are examples; each mistake has its sentence; ``muheng check``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from muheng.cities.pack import PACKS
from muheng.cli.check import check_path
from muheng.emergency.alert_rules import COMMON as ALERTS
from muheng.emergency.grading import COMMON, list_trades, load_grade_file, load_grade_tables

TEXT = (COMMON / "foundry.toml").read_text(encoding="utf-8")


def test_the_shipped_tables_are_clean() -> None:
    tables, found = load_grade_tables()
    assert found == []
    assert {"水泥", "铸造", "工业涂装", "家具制造", "玻璃", "包装印刷"} <= set(tables)
    assert {len(table.grades) for table in tables.values()} == {2, 4, 5}
    for table in tables.values():
        assert table.status == "illustrative"
        assert "示例" in table.note
        assert {drop.to for drop in table.drops} <= {"C", "非引领性"}


def test_the_industries_that_are_graded() -> None:
    trades = list_trades()
    assert (
        len(trades) == len({trade.name for trade in trades}) == len({trade.english for trade in trades}) == 39
    )
    assert trades[0].name == "长流程联合钢铁"
    assert trades[-1].name == "工业涂装"


def test_a_citys_own_takes_the_place_of_the_common_one(tmp_path: Path) -> None:
    folder = tmp_path / "emergency" / "grades"
    folder.mkdir(parents=True)
    (folder / "foundry.toml").write_text(TEXT.replace("at_most = 10 ", "at_most = 8 "), encoding="utf-8")
    tables, found = load_grade_tables(tmp_path)
    assert found == []
    limit = tables["铸造"].indicator("melting_pm")
    assert limit is not None
    assert limit.needs["A"].at_most == 8
    (folder / "own.toml").write_text(TEXT.replace('"foundry"', '"own"'), encoding="utf-8")
    assert [str(each.what) for each in load_grade_tables(tmp_path)[1]] == [
        "“foundry”和“own”都是“铸造”的指标表。"
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('trade    = "铸造"', 'trade = "铸照"', "“铸照”不在重点行业之列。"),
        ('ungraded = "D"', 'ungraded = "引领性"', "本表没有“引领性”这一级。"),
        ('["A", "B", "B-", "C", "D"]', '["B", "A", "B-", "C", "D"]', "等级的次序或名称不对。"),
        ('["A", "B", "B-", "C", "D"]', '["A", "B", "B-", "D"]', "本表没有“C”这一级。"),
        ("B- = { at_most = 20 }", "B- = { at_most = 12 }", "“B”的要求不比“B-”严。"),
        ("A = { at_most = 10 }\n", "", "“A”的要求不比“B”严。"),
        ("A = { at_most = 10 }", "A = { yes = true }", "这一项要写 at_most、at_least。"),
        ("A = { at_most = 10 }", "A = { at_most = 10 }\nD = { at_most = 99 }", "最低一级不写要求。"),
        ('A = { one_of = ["覆膜袋式"] }', 'A = { one_of = ["滤筒"] }', "“滤筒”不在选项里。"),
        ('choices = ["覆膜袋式", "袋式", "其他"]\n', "", "选项至少两个。"),
        ('unit    = "mg/m³"\n', "", "缺少“unit”。"),
        ('id      = "dust_control"', 'id = "furnace"', "“furnace”写了两次。"),
        ('to      = "C"', 'to = "非引领性"', "本表没有“非引领性”这一级。"),
        ('id      = "false_data"', 'id = "serious_violation"', "“serious_violation”写了两次。"),
        ('group   = "装备水平"', 'group = "装备"', '没有 "装备" 这个选项。'),
        ("at_most = 10 ", 'at_most = "10" ', '应是数字，写的是 "10"。'),
    ],
)
def test_each_mistake_has_its_sentence(old: str, new: str, what: str) -> None:
    assert old in TEXT
    table, found = load_grade_file(TEXT.replace(old, new, 1))
    assert table is None
    assert what in [str(each.what) for each in found]
    assert all(each.line is not None for each in found if str(each.what) == what)


def test_a_grade_that_asks_for_nothing_is_refused() -> None:
    text = TEXT[: TEXT.index("[[indicator]]")] + (
        '[[indicator]]\nid = "a"\nname = "甲"\nenglish = "A"\ngroup = "环境管理"\ntype = "flag"\n'
        "needs = { A = { yes = true } }\n"
    )
    table, found = load_grade_file(text)
    assert table is None
    assert [str(each.what) for each in found] == [
        "“B”没有任何要求，谁都达到。",
        "“B-”没有任何要求，谁都达到。",
        "“C”没有任何要求，谁都达到。",
    ]


def test_a_table_without_a_source_cannot_be_sourced() -> None:
    start, end = TEXT.index("[[source]]"), TEXT.index("[[indicator]]")
    text = (TEXT[:start] + TEXT[end:]).replace('"illustrative"', '"sourced"')
    assert [str(each.what) for each in load_grade_file(text)[1]] == ["没有写来源，不能是 sourced。"]


# -- muheng check ------------------------------------------------------------------------------------


def test_check_knows_alert_rules_and_grade_tables() -> None:
    for folder, kind in ((ALERTS, "alert"), (COMMON, "grades")):
        answer = check_path(str(folder), "zh")
        assert not answer.failed
        assert {each["kind"] for each in answer.data["checked"]} == {kind}


def test_check_reads_those_of_a_pack(tmp_path: Path) -> None:
    pack = tmp_path / "jining"
    shutil.copytree(PACKS / "jining", pack)
    for shipped, name in ((ALERTS / "CN-2024.toml", "alerts"), (COMMON / "foundry.toml", "grades")):
        (pack / "emergency" / name).mkdir(parents=True)
        text = (
            shipped.read_text(encoding="utf-8")
            .replace("english =", "englisch =", 1)
            .replace("english  =", "englisch =", 1)
        )
        (pack / "emergency" / name / shipped.name).write_text(text, encoding="utf-8")
    answer = check_path(str(pack), "zh")
    assert answer.failed
    wrong = {Path(each["file"]).relative_to(pack).as_posix() for each in answer.data["diagnostics"]}
    assert wrong == {"emergency/alerts/CN-2024.toml", "emergency/grades/foundry.toml"}
