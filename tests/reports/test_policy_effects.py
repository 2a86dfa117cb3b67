"""What each rule did in a run, beside the rule: the figures are those of the result."""

from __future__ import annotations

import re

import polars as pl
import pytest

from muheng.policy import plan as p
from muheng.policy.run import Result
from muheng.reports.policy_chapters import write_policy
from muheng.reports.policy_effects import Effects, find_effects


@pytest.fixture(scope="module")
def effects(result: Result) -> Effects:
    return find_effects(result, write_policy(result.plan))


def numbers(effects: Effects, key: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", str(effects[key][0]))]


def test_every_effect_stands_beside_a_rule(result: Result, effects: Effects) -> None:
    text = write_policy(result.plan)
    assert set(effects) <= set(text.places)
    for name in result.plan.document.input:
        assert f"input.{name}" in effects


def test_classes_and_exemptions_count_everyone(result: Result, effects: Effects) -> None:
    for name in result.plan.classes:
        members = result.grades.filter(pl.col(p.CLASS) == name).height
        assert numbers(effects, f"class.{name}.when") == [members]
    for rule in result.plan.document.exempt:
        let_out = result.grades.filter(pl.col(p.REASON) == rule.name).height
        assert let_out > 0
        assert numbers(effects, f"exempt[{rule.name}]") == [let_out]


def test_grades_before_and_after_regrading(result: Result, effects: Effects) -> None:
    for ranking in result.plan.rankings:
        members = result.grades.filter(pl.col(p.CLASS).is_in(ranking.only))
        path = ".".join(map(str, ranking.path))
        for grade in result.plan.grades:
            first = members.filter(pl.col(p.FIRST_GRADE) == grade).height
            last = members.filter(pl.col(p.GRADE) == grade).height
            assert numbers(effects, f"{path}.quota.{grade}") == [first, last]


def test_moves_and_points_count_whom_they_touched(result: Result, effects: Effects) -> None:
    counted: dict[str, int] = {}
    for row in range(result.values.height):
        for move in result.moves(row):
            key = f"{move.path[0]}[{move.title}]"
            counted[key] = counted.get(key, 0) + 1
    assert counted
    for key, many in counted.items():
        assert numbers(effects, key) == [many]
    for node in result.plan.nodes:
        if isinstance(node, p.Adjustment):
            key = f"{'bonus' if node.sign > 0 else 'deduction'}[{node.title}]"
            assert numbers(effects, key) == [int((result.values[node.name] > 0).sum())]


def test_indicators_say_their_benchmark_and_mean(result: Result, effects: Effects) -> None:
    for item in result.plan.indicators:
        said = "\n".join(map(str, effects[f"class.{item.class_name}.indicator[{item.name}]"]))
        assert "平均得 " in said
        if isinstance(item.base, str):
            assert "基准值 " in said


def test_nobody_graded_is_told_without_a_figure_made_up(nobody: Result) -> None:
    effects = find_effects(nobody, write_policy(nobody.plan))
    assert not any(".indicator[" in key for key in effects)
    assert all(
        str(said).endswith("初评 0 户，调整后 0 户")
        for key, (said, *_) in effects.items()
        if ".quota." in key
    )
