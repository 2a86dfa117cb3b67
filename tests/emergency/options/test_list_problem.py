"""From the list to the problem: the worked instance, its infeasible twin, and each rule by hand."""

from __future__ import annotations

import pytest

from emergency.options.t1_list import WAN, build, t1_list, t1_twin
from muheng.emergency.plan.solve import solve
from muheng.emergency.plan.verify import verify

WORKED = {
    "yellow": (12.5, "正常生产 限产50% 限产30% 正常生产 停产 正常生产 正常生产 正常生产"),
    "orange": (20.2, "正常生产 停产 正常生产 限产50% 停产 正常生产 限产30% 正常生产"),
    "red": (28.7, "正常生产 停产 限产50% 停产 停产 正常生产 限产30% 限产50%"),
}


@pytest.mark.parametrize("level", WORKED)
def test_the_worked_instance(level: str) -> None:
    built = build(t1_list(), level)
    plan = solve(built.problem)
    assert verify(plan) == ()
    loss, names = WORKED[level]
    assert plan.levels[0].loss == round(loss * WAN)
    assert [built.options[option].name for option in plan.chosen[0]] == names.split()


def test_nested_levels_cost_no_less_than_each_alone() -> None:
    built = build(t1_list())
    plan = solve(built.problem)
    assert verify(plan) == ()
    for figures in plan.levels:
        assert figures.loss >= round(WORKED[figures.level][0] * WAN)


def test_the_twin_cannot_be_reached_and_says_by_how_much() -> None:
    built = build(t1_twin(), "orange")
    plan = solve(built.problem)
    assert verify(plan) == ()
    assert plan.levels[0].shortfall[0] > 0
    assert plan.levels[0].shortfall[1:] == (0, 0, 0)
