"""Performance grades: what facts reach, what is lacking, what takes a firm down, what the next grade would save."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.documents.message import Refusal
from muheng.emergency.grading import (
    Fact,
    GradeTable,
    explain_grading,
    grade_firm,
    grading_json,
    load_grade_file,
    load_grade_tables,
    read_fact,
    save_by_grade,
)

ON = date(2026, 11, 20)
TEXT = """
id = "cement"
trade = "水泥"
english = "Cement"
status = "illustrative"
grades = ["A", "B", "B-", "C", "D"]
ungraded = "D"

[[indicator]]
id = "pm"
name = "颗粒物"
english = "Particles"
group = "排放限值"
type = "number"
unit = "mg/m³"
needs = { A = { at_most = 5 }, B = { at_most = 10 }, B- = { at_most = 10 }, C = { at_most = 20.5 } }

[[indicator]]
id = "clean"
name = "清洁运输比例"
english = "Clean transport"
group = "运输方式"
type = "share"
needs = { A = { at_least = 80 }, B = { at_least = 50 } }

[[indicator]]
id = "process"
name = "脱硝"
english = "Denitration"
group = "污染治理技术"
type = "choice"
choices = ["SCR", "SNCR", "无"]
needs = { A = { one_of = ["SCR"] }, B = { one_of = ["SCR", "SNCR"] }, B- = { one_of = ["SCR", "SNCR"] } }

[[indicator]]
id = "online"
name = "在线监测"
english = "On-line monitoring"
group = "监测监控"
type = "flag"
needs = { A = { yes = true } }

[[drop]]
id = "false_data"
name = "数据弄虚作假"
english = "False data"
to = "C"
from = 2019-10-01
until = 2027-01-01
basis = "示例"
"""
BEST: dict[str, Fact] = {"pm": Decimal(5), "clean": Decimal(80), "process": "SCR", "online": True}


def table() -> GradeTable:
    read, found = load_grade_file(TEXT)
    assert found == []
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("change", "grade"),
    [
        ({}, "A"),
        ({"pm": Decimal("5.01")}, "B"),
        ({"clean": Decimal("79.9")}, "B"),
        ({"clean": Decimal("49.9")}, "B-"),
        ({"online": False}, "B"),
        ({"online": None}, "B"),
        ({"process": "SNCR"}, "B"),
        ({"process": "无"}, "C"),
        ({"process": "无", "pm": Decimal("20.5")}, "C"),
        ({"pm": Decimal("20.6")}, "D"),
        ({"pm": None}, "D"),
    ],
)
def test_all_conditions_of_a_grade_must_hold(change: dict[str, Fact], grade: str) -> None:
    assert grade_firm(table(), BEST | change, ON).grade == grade


def test_what_is_lacking_for_each_higher_grade() -> None:
    found = grade_firm(table(), {"pm": Decimal(12), "process": "SNCR", "online": False}, ON)
    assert found.grade == "C"
    told = {
        step.grade: [(lack.indicator.id, lack.found, lack.gap, lack.unknown) for lack in step.lacks]
        for step in found.higher
    }
    assert list(told) == ["B-", "B", "A"]
    assert told["B-"] == [("pm", Decimal(12), Decimal(2), False)]
    assert told["B"] == [("pm", Decimal(12), Decimal(2), False), ("clean", None, None, True)]
    assert told["A"] == [
        ("pm", Decimal(12), Decimal(7), False),
        ("clean", None, None, True),
        ("process", "SNCR", None, False),
        ("online", False, None, False),
    ]
    words = [str(each) for each in explain_grading(found)]
    assert words[0] == "“水泥”的指标数值为示例，未按正式附件核对，结论只供试算。"
    assert words[1:4] == [
        "按已有情况达到 C 级。",
        "到 B- 级还差 1 项：",
        "· 颗粒物：要求不大于 10 mg/m³，现为 12 mg/m³，差 2 mg/m³",
    ]
    assert "· 清洁运输比例：要求不小于 50%，没有数据" in words
    assert "· 脱硝：要求是 SCR，现为 SNCR" in words
    assert "· 在线监测：要求具备，现为 不具备" in words


def test_nothing_known_is_the_lowest_grade() -> None:
    found = grade_firm(table(), {}, ON)
    assert found.grade == "D"
    assert all(lack.unknown for step in found.higher for lack in step.lacks)


@pytest.mark.parametrize(
    ("facts", "on", "grade"),
    [
        (BEST, date(2019, 9, 30), "A"),
        (BEST, date(2019, 10, 1), "C"),
        (BEST, date(2026, 12, 31), "C"),
        (BEST, date(2027, 1, 1), "A"),
        ({}, ON, "D"),
    ],
)
def test_false_data_take_a_firm_down_while_the_rule_is_in_force(
    facts: dict[str, Fact], on: date, grade: str
) -> None:
    found = grade_firm(table(), facts, on, ["false_data"])
    assert found.grade == grade
    assert ("因“数据弄虚作假”降为 C 级（示例）。" in map(str, explain_grading(found))) is (grade == "C")


def test_what_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(Refusal, match="没有“pn”"):
        grade_firm(table(), {"pn": Decimal(3)}, ON)
    with pytest.raises(Refusal, match="不能作为“颗粒物”"):
        grade_firm(table(), {"pm": True}, ON)
    with pytest.raises(Refusal, match="降级情形"):
        grade_firm(table(), {}, ON, ["fire"])


@pytest.mark.parametrize(
    ("indicator", "text", "fact"),
    [
        ("pm", "12.50", Decimal("12.50")),
        ("pm", " １２ ", Decimal(12)),
        ("pm", "—", None),
        ("clean", "80%", Decimal(80)),
        ("process", "SCR", "SCR"),
        ("online", "是", True),
        ("online", "否", False),
        ("online", "", None),
    ],
)
def test_facts_as_people_write_them(indicator: str, text: str, fact: Fact) -> None:
    found = table().indicator(indicator)
    assert found is not None
    assert read_fact(found, text) == fact


@pytest.mark.parametrize(
    ("indicator", "text"),
    [("pm", "<5"), ("pm", "1e3"), ("clean", "101"), ("process", "SRC"), ("online", "x")],
)
def test_facts_that_cannot_be(indicator: str, text: str) -> None:
    found = table().indicator(indicator)
    assert found is not None
    with pytest.raises(Refusal, match="不能作为"):
        read_fact(found, text)


def test_what_the_next_grade_saves() -> None:
    """12 days yellow, 7 orange, 2 red; 300 fen a day less at yellow, 1,000 at orange, nothing at red."""
    saved = save_by_grade(
        {"yellow": 12, "orange": 7, "red": 2},
        {"yellow": 300, "orange": 1_500, "red": 4_000},
        {"yellow": 0, "orange": 500, "red": 4_000},
    )
    assert saved.by_level == {"yellow": 3_600, "orange": 7_000, "red": 0}
    assert saved.total == 10_600
    assert save_by_grade({"red": 0}, {}, {}).total == 0
    with pytest.raises(ValueError, match="red"):
        save_by_grade({"red": 1}, {"red": 3}, {})


# -- properties, on every shipped table -------------------------------------------------------------

TABLES = load_grade_tables()[0]


@st.composite
def facts_of(draw: st.DrawFn, made: GradeTable) -> dict[str, Fact]:
    """Facts around the limits of the table."""
    facts: dict[str, Fact] = {}
    for indicator in made.indicators:
        bounds = sorted(
            bound
            for condition in indicator.needs.values()
            for bound in (condition.at_most, condition.at_least)
            if bound is not None
        )
        near = [bound + step for bound in bounds for step in (-1, 0, 1)]
        values: list[Fact] = {
            "flag": [True, False],
            "choice": list(indicator.choices),
        }.get(indicator.type, near)  # type: ignore[assignment, arg-type]
        facts[indicator.id] = draw(st.sampled_from([None, *values]))
    return facts


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_more_that_is_fulfilled_never_lowers_the_grade(trade: str, data: st.DataObject) -> None:
    made = TABLES[trade]
    before = data.draw(facts_of(made))
    found = grade_firm(made, before, ON)
    other = data.draw(facts_of(made))
    better = dict(before)
    for indicator in made.indicators:
        held = {grade for grade, each in indicator.needs.items() if each.holds(before[indicator.id])}
        now = {grade for grade, each in indicator.needs.items() if each.holds(other[indicator.id])}
        if held <= now:
            better[indicator.id] = other[indicator.id]
    after = grade_firm(made, better, ON)
    assert made.grades.index(after.grade) <= made.grades.index(found.grade)


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_mending_all_that_is_lacking_reaches_the_grade(trade: str, data: st.DataObject) -> None:
    made = TABLES[trade]
    facts = data.draw(facts_of(made))
    found = grade_firm(made, facts, ON)
    for step in found.higher:
        mended = dict(facts)
        for lack in step.lacks:
            condition = lack.condition
            assert not condition.holds(lack.found)
            value: Fact = condition.at_most if condition.at_most is not None else condition.at_least
            if condition.one_of is not None:
                value = condition.one_of[0]
            mended[lack.indicator.id] = condition.yes if condition.yes is not None else value
            if lack.gap is not None:
                assert lack.gap > 0
        reached = grade_firm(made, mended, ON).grade
        assert made.grades.index(reached) <= made.grades.index(step.grade)


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_every_grading_can_be_said_in_both_languages(trade: str, data: st.DataObject) -> None:
    made = TABLES[trade]
    found = grade_firm(made, data.draw(facts_of(made)), ON, ["false_data"])
    told = grading_json(found, "en")
    choices = [choice for indicator in made.indicators for choice in indicator.choices]
    words = " ".join(told["explanation"])
    for choice in sorted([*choices, *(drop.basis for drop in made.drops)], key=len, reverse=True):
        words = words.replace(choice, "")
    assert not re.search(r"[\u4e00-\u9fff]", words)
    assert made.grades.index(found.grade) >= made.grades.index(found.reached)
