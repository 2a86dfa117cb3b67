"""Alert rule sets: the shipped ones are clean and say what their sources say; each mistake has its sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from muheng.emergency.alert_rules import COMMON, load_alert_file, load_alert_rules

TEXT = (COMMON / "CN-2024.toml").read_text(encoding="utf-8")


def test_the_shipped_rules_are_clean() -> None:
    rules, found = load_alert_rules()
    assert found == []
    assert {"CN-2018", "CN-2024"} <= set(rules)
    assert all([level.id for level in each.levels] == ["yellow", "orange", "red"] for each in rules.values())
    assert rules["CN-2024"].from_day is not None
    assert all(each.source for each in rules.values())


@pytest.mark.parametrize(
    ("rules", "level", "conditions"),
    [
        ("CN-2024", "yellow", [[(200, None)], [(150, 48)]]),
        ("CN-2024", "orange", [[(200, 48)], [(150, 72)]]),
        ("CN-2024", "red", [[(200, 72), (300, 24)]]),
        ("CN-2018", "yellow", [[(200, 48)]]),
        ("CN-2018", "orange", [[(200, 72)]]),
        ("CN-2018", "red", [[(200, 96), (300, 48)], [(499, None)]]),
    ],
)
def test_the_clauses_are_those_of_the_sources(
    rules: str, level: str, conditions: list[list[tuple[int, int | None]]]
) -> None:
    found = load_alert_rules()[0][rules]
    clauses = next(each for each in found.levels if each.id == level).any
    assert [[(each.line, each.hours) for each in clause.all] for clause in clauses] == conditions
    assert (found.notice_hours, found.clear.more_than_hours) == (24, 36)
    assert found.cut_pollutants == ("PM2.5",)


def test_only_the_example_has_a_tier_below_yellow() -> None:
    rules = load_alert_rules()[0]
    assert [id_ for id_, each in rules.items() if each.tier is not None] == ["CN-2024-tier"]


def test_a_citys_own_takes_the_place_of_the_common_one(tmp_path: Path) -> None:
    folder = tmp_path / "emergency" / "alerts"
    folder.mkdir(parents=True)
    (folder / "CN-2024.toml").write_text(TEXT.replace("notice_hours = 24", "notice_hours = 48"), "utf-8")
    (folder / "own.toml").write_text(TEXT.replace('"CN-2024"', '"own"'), "utf-8")
    rules, found = load_alert_rules(tmp_path)
    assert found == []
    assert set(rules) == {*load_alert_rules()[0], "own"}
    assert rules["CN-2024"].notice_hours == 48
    assert rules["own"].notice_hours == 24


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("notice_hours = 24", "notice_hour = 24", "不认识的名称“notice_hour”。"),
        ("{ above = 200 }", "{ above = 200, reaches = 201 }", "above 和 reaches 要写一个，只写一个。"),
        ("{ above = 200 }", "{ hours = 24 }", "above 和 reaches 要写一个，只写一个。"),
        ("{ above = 200 }", "{ above = 149 }", "启动线 149 低于解除线 150：启动时就已满足解除条件。"),
        ("{ above = 200 }", "{ above = 500 }", "应小于 500，写的是 500。"),
        ('id               = "orange"', 'id               = "yellow"', "各级预警要由低到高，每级一次。"),
        ('id           = "ozone"', 'id           = "pm25"', "“pm25”写了两次。"),
        ('["O3"]', '["PM2.5"]', "PM2.5 已归到“细颗粒物”。"),
        ('["O3"]', "[]", "首要污染物是 O3 时，不知道归哪种成因。"),
        ("cuts         = true", "cuts         = false", "没有一种首要污染物会启动减排清单。"),
        (
            "from    = 2024-01-23",
            "from = 2024-01-23\nuntil = 2024-01-23",
            "适用期间的终止日期应晚于起始日期。",
        ),
        ('count = "together"', 'count = "some"', '没有 "some" 这个选项。'),
    ],
)
def test_each_mistake_has_its_sentence(old: str, new: str, what: str) -> None:
    assert TEXT.count(old) >= 1
    rules, found = load_alert_file(TEXT.replace(old, new, 1))
    assert rules is None
    assert what in [str(each.what) for each in found]
    assert all(each.line is not None for each in found if str(each.what) == what)


def test_a_clause_that_decides_nothing_is_told() -> None:
    rules, found = load_alert_file(
        TEXT.replace("{ above = 150, hours = 48 }", "{ above = 150, hours = 72 }", 1)
    )
    assert rules is not None
    assert [str(each.what) for each in found] == ["这一条永远不起作用：满足它时总是已达到橙色预警。"]


def test_a_file_is_called_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(TEXT, encoding="utf-8")
    rules, found = load_alert_file(tmp_path / "ours.toml")
    assert rules is None
    assert [str(each.what) for each in found] == ["代号是“CN-2024”，文件名是“ours.toml”。"]
