"""Plans by prices against every possible answer of small problems."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from brute_force import (
    enumerate_level,
    find_least_cost,
    find_least_miss,
    find_least_miss_together,
    find_least_together,
    miss,
    needs,
    part,
    problems,
    weigh,
    write_problem,
)
from hypothesis import given, settings

from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.problem import Problem
from muheng.emergency.plan.solve import solve
from muheng.emergency.plan.verify import verify

GAP = Fraction(1, 1000)


def missed_of(plan: Plan, v: int) -> tuple[Fraction, ...]:
    """What the plan really misses of each ratio."""
    found = weigh(plan.problem, list(plan.levels[v].reductions))
    return miss(found, needs(plan.problem, v))


def cost_of(plan: Plan, v: int) -> int:
    problem = plan.problem
    charge = problem.loss if problem.charge is None else problem.charge
    return int(charge[plan.chosen[v]].sum())


@given(problems())
@settings(max_examples=250)
def test_one_level_is_the_least_of_all_answers(problem: Problem) -> None:
    plan = solve(problem, GAP)
    assert verify(plan) == ()
    missed = missed_of(plan, 0)
    assert part(missed, needs(problem, 0)) <= find_least_miss(problem, 0) + Fraction(1, 10**9)
    least = find_least_cost(problem, 0, missed)
    assert plan.levels[0].bound <= least
    assert least <= cost_of(plan, 0) <= least * (1 + GAP)
    assert plan.levels[0].gap <= GAP
    assert plan.levels[0].feasible == (not any(missed))


@given(problems(most_lines=3, levels=3))
@settings(max_examples=150)
def test_three_levels_are_nested_and_least_together(problem: Problem) -> None:
    plan = solve(problem, GAP)
    assert verify(plan) == ()
    assert plan.joint is not None
    missed = [missed_of(plan, v) for v in range(3)]
    least_missed = find_least_miss_together(problem)
    assert least_missed is not None
    together = sum(part(gone, needs(problem, v)) for v, gone in enumerate(missed))
    assert together <= least_missed + Fraction(1, 10**9)
    least = find_least_together(problem, missed)
    assert least is not None
    assert plan.joint.bound <= least <= plan.joint.loss <= least * (1 + GAP)
    for v in range(3):
        assert plan.levels[v].bound <= find_least_cost(problem, v, missed[v])


@given(problems(levels=2, most_lines=4, extras=False))
@settings(max_examples=100)
def test_other_ids_for_the_same_lines_cost_the_same(problem: Problem) -> None:
    plan, again = solve(problem, GAP), solve(turn_round(problem), GAP)
    for one, other in zip(plan.levels, again.levels, strict=True):
        assert one.feasible == other.feasible
        assert one.bound <= other.loss
        assert other.bound <= one.loss
    assert plan.joint is not None
    assert again.joint is not None
    if all(figures.feasible for figures in plan.levels):
        assert plan.joint.bound <= again.joint.loss
        assert again.joint.bound <= plan.joint.loss


def turn_round(problem: Problem) -> Problem:
    """The last line first."""
    lines = [
        [
            (int(problem.loss[j]), tuple(problem.reduction[j].tolist()))
            for j in range(int(problem.start[i]), int(problem.start[i + 1]))
        ]
        for i in range(len(problem.lines))
    ]
    return write_problem(lines[::-1], problem.need.tolist())


@given(problems(levels=2))
@settings(max_examples=50)
def test_the_same_problem_gives_the_same_plan(problem: Problem) -> None:
    plan, again = solve(problem, GAP), solve(problem, GAP)
    assert (plan.chosen == again.chosen).all()
    assert plan.levels == again.levels


@given(problems(extras=False))
@settings(max_examples=100)
def test_a_higher_ratio_is_never_cheaper(problem: Problem) -> None:
    higher = replace(problem, need=problem.need + np.maximum(problem.need // 10, 1))
    low, high = solve(problem, GAP).levels[0], solve(higher, GAP).levels[0]
    if high.feasible:
        assert low.feasible
        assert high.loss * (1 + GAP) >= low.loss


@given(problems(extras=False))
@settings(max_examples=100)
def test_an_exemption_dropped_is_never_dearer(problem: Problem) -> None:
    exempt = np.ones((1, len(problem.loss)), bool)
    exempt[0, int(problem.start[0]) + 1 : int(problem.start[1])] = False
    bound, free = solve(replace(problem, permitted=exempt), GAP).levels[0], solve(problem, GAP).levels[0]
    if bound.feasible:
        assert free.feasible
        assert free.loss <= bound.loss * (1 + GAP)


@given(problems(most_lines=4))
@settings(max_examples=150)
def test_no_plan_within_the_gap_changes_fewer_lines(problem: Problem) -> None:
    if problem.filed is None:
        problem = replace(problem, filed=problem.start[None, :-1].astype(np.int32))
    filed = problem.filed
    assert filed is not None
    plan = solve(problem, GAP)
    assert verify(plan) == ()
    due = tuple(d - m for d, m in zip(needs(problem, 0), missed_of(plan, 0), strict=True))
    fewest = min(
        sum(f >= 0 and f != j for f, j in zip(filed[0].tolist(), chosen, strict=True))
        for chosen, found, cost in enumerate_level(problem, 0)
        if cost <= plan.levels[0].bound * (1 + GAP) and all(f >= d for f, d in zip(found, due, strict=True))
    )
    assert plan.changes == (fewest,)
