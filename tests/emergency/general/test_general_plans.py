"""The general method finds what trying everything finds, keeps every rule, and names what cannot be kept."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_problems import (
    RULES,
    find_avoidable,
    find_forced,
    join_points,
    list_points,
    make_problem,
    measure_widths,
)

from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.closure import Impossible
from muheng.emergency.plan.general import solve_general
from muheng.emergency.plan.general_model import Choice
from muheng.emergency.plan.general_rows import Rows
from muheng.emergency.plan.general_search import narrow
from muheng.emergency.plan.problem import Demand, Labels, Link, Problem
from muheng.emergency.plan.verify import verify

seeds = st.integers(0, 10**6)
mixtures = st.sets(st.sampled_from(RULES), max_size=4)


def _solve(problem: Problem, gap: Fraction = Fraction(0)) -> Plan | None:
    try:
        return solve_general(problem, gap)
    except Impossible:
        return None


def _unit(problem: Problem, v: int) -> float:
    """A whole unit of SO2 as a part of the pooled need: what is missing is stated in these."""
    if problem.pool is None or not problem.pool.need[v]:
        return 0.0
    return float(1 / (problem.pool.need[v] * problem.pool.base[0]))


@given(seed=seeds, rules=mixtures)
@settings(max_examples=150)
def test_one_level(seed: int, rules: set[str]) -> None:
    """Least missing of the ratios, then least cost; no plan exactly where nothing keeps the other rules."""
    problem = make_problem(seed, rules)
    points = list_points(problem, 0)
    plan = _solve(problem)
    assert (plan is None) == (not points)
    if plan is None:
        return
    assert verify(plan) == ()
    found = next(point for point in points if point.options == tuple(plan.chosen[0].tolist()))
    assert sum(found.short) <= min(sum(point.short) for point in points) + 1e-5 + _unit(problem, 0)
    assert plan.levels[0].shortfall == found.missing
    best = min(point.cost for point in points if _reaches(point.missing, found.missing))
    assert found.cost == best
    assert best - 1 <= plan.levels[0].bound <= best


@given(seed=seeds, rules=mixtures, levels=st.sampled_from([2, 3]))
@settings(max_examples=80)
def test_levels_together(seed: int, rules: set[str], levels: int) -> None:
    problem = make_problem(seed, rules, levels, lines=4)
    points = [list_points(problem, v) for v in range(levels)]
    if np.prod([max(len(at_level), 1) for at_level in points]) > 100_000:
        return
    joined = join_points(problem, points)
    plan = _solve(problem)
    assert (plan is None) == (not joined)
    if plan is None:
        return
    assert verify(plan) == ()
    chosen = [tuple(row) for row in plan.chosen.tolist()]
    found = next(ways for ways in joined if [point.options for point in ways] == chosen)
    missing = sum(sum(point.short) for point in found)
    least = min(sum(sum(point.short) for point in ways) for ways in joined)
    assert missing <= least + 1e-5 + sum(_unit(problem, v) for v in range(levels))
    best = min(
        sum(point.cost for point in ways)
        for ways in joined
        if all(_reaches(a.missing, b.missing) for a, b in zip(ways, found, strict=True))
    )
    assert plan.joint is not None
    assert plan.joint.loss == best
    assert best - 1 <= plan.joint.bound <= best
    for v, figures in enumerate(plan.levels):
        assert figures.bound <= min(
            point.cost for point in points[v] if _reaches(point.missing, found[v].missing)
        )


def _reaches(missing: tuple[int, ...], allowed: tuple[int, ...]) -> bool:
    return all(a <= b for a, b in zip(missing, allowed, strict=True))


@given(seed=seeds, rules=mixtures, percent=st.sampled_from([0, 5, 20, 50]))
@settings(max_examples=80)
def test_fairness_within_its_band(seed: int, rules: set[str], percent: int) -> None:
    """As near to each other as the band can pay for, to a hundredth of where they were."""
    problem = make_problem(seed, rules, lines=6)
    cheapest = _solve(problem)
    fair = _solve(replace(problem, band=Fraction(percent, 100)))
    assert (cheapest is None) == (fair is None)
    if cheapest is None or fair is None:
        return
    assert verify(fair) == ()
    points = {point.options: point for point in list_points(problem, 0)}
    before, after = (points[tuple(plan.chosen[0].tolist())] for plan in (cheapest, fair))
    budget = floor(before.cost * (1 + Fraction(percent, 100)))
    assert after.cost <= budget
    forced = find_forced(problem)
    affordable = [
        find_avoidable(measure_widths(problem, point.options), forced)
        for point in points.values()
        if point.cost <= budget and _reaches(point.missing, before.missing)
    ]
    was, found = (find_avoidable(measure_widths(problem, point.options), forced) for point in (before, after))
    assert found <= min(affordable) + was / 100
    widest = max(measure_widths(problem, after.options).values(), default=Fraction(0))
    assert fair.unfairness == (pytest.approx(float(widest), abs=1e-9),)


@given(seed=seeds, rules=mixtures, tenths=st.sampled_from([0, 1, 3]))
@settings(max_examples=80)
def test_fewest_changes(seed: int, rules: set[str], tenths: int) -> None:
    """As many lines as the gap leaves room for do what the list in force says."""
    problem, gap = make_problem(seed, rules, lines=6), Fraction(tenths, 10)
    random = Random(seed)
    spans = zip(problem.start[:-1].tolist(), problem.start[1:].tolist(), strict=True)
    filed = [random.randrange(a, b) if random.random() < 0.9 else -1 for a, b in spans]
    free = _solve(problem, gap)
    near = _solve(replace(problem, filed=np.array([filed], np.int32)), gap)
    if free is None or near is None:
        assert free is near
        return
    assert verify(near) == ()

    def count(options: tuple[int, ...]) -> int:
        return sum(f >= 0 and f != o for f, o in zip(filed, options, strict=True))

    points = {point.options: point for point in list_points(problem, 0)}
    before = points[tuple(free.chosen[0].tolist())]
    budget = max(before.cost, floor(free.levels[0].bound * (1 + gap)))
    least = min(
        count(point.options)
        for point in points.values()
        if point.cost <= budget and _reaches(point.missing, before.missing)
    )
    assert near.changes == (count(tuple(near.chosen[0].tolist())),) == (least,)


def test_same_answer_again() -> None:
    problem = make_problem(7, {"county", "cap", "grade"}, levels=3, lines=12)
    first, second = (solve_general(problem, Fraction(1, 100)) for _ in range(2))
    assert (first.chosen == second.chosen).all()
    assert first.levels == second.levels


def _write(lines: list[list[tuple[int, int]]], need: int, names: str = "", **more: object) -> Problem:
    """Lines with (loss, cut of SO2) from the mildest on, each an enterprise of its own, all of grade ``names[i]``."""
    n = len(lines)
    flat = [option for line in lines for option in line]
    one = Labels(np.zeros(n, np.int32), ("x",))
    letters = tuple(sorted(set(names)))
    return Problem(
        lines=pl.Series("line", [f"L{i}" for i in range(n)]),
        firms=Labels(np.arange(n, dtype=np.int32), tuple(f"企业{i}" for i in range(n))),
        counties=more.pop("counties", one),  # type: ignore[arg-type]
        industries=Labels(np.zeros(n, np.int32), ("铸造",)),
        grades=Labels(np.array([letters.index(x) for x in names], np.int32), letters) if names else one,
        start=np.cumsum([0, *map(len, lines)]),
        options=Labels(np.arange(len(flat), dtype=np.int32), tuple(f"o{j}" for j in range(len(flat)))),
        loss=np.array([option[0] for option in flat], np.int64),
        reduction=np.array([[option[1], 0, 0, 0] for option in flat], np.int64),
        levels=("orange",),
        need=np.array([[need, 0, 0, 0]], np.int64),
        **more,  # type: ignore[arg-type]
    )


def _chosen(plan: Plan) -> list[int]:
    assert verify(plan) == ()
    return (plan.chosen[0] - plan.problem.start[:-1]).tolist()


TWO = [[(0, 0), (10, 10)], [(0, 0), (15, 10)]]
"""The first is the cheaper one to stop."""


def test_county_share_asks_the_dearer_one() -> None:
    counties = Labels(np.array([0, 1], np.int32), ("东县", "西县"))
    share = np.array([[[0] * 4, [10, 0, 0, 0]]], np.int64)
    problem = _write(TWO, 10, counties=counties, county_need=share)
    assert _chosen(solve_general(problem, Fraction(0))) == [0, 1]


def test_cap_spares_the_cheaper_one() -> None:
    problem = _write(TWO, 10, firm_cap=np.array([9, 20], np.int64))
    assert _chosen(solve_general(problem, Fraction(0))) == [0, 1]


def test_caps_leave_a_shortfall() -> None:
    """Caps hold; it is the ratio that gives way, and says by how much."""
    problem = _write(TWO, 20, firm_cap=np.array([9, 20], np.int64))
    plan = solve_general(problem, Fraction(0))
    assert _chosen(plan) == [0, 1]
    assert plan.levels[0].shortfall == (10, 0, 0, 0)
    assert not plan.levels[0].feasible


def test_heat_has_to_be_delivered() -> None:
    heat = Demand("供热", np.array([0, 1]), np.array([5, 0]), (5,))
    assert _chosen(solve_general(_write(TWO, 10, demands=(heat,)), Fraction(0))) == [0, 1]


def test_boiler_stops_last() -> None:
    """Stopping the boiler is cheapest, and costs stopping what it serves as well: 10 + 15 against 18."""
    lines = [*TWO, [(0, 0), (18, 10)]]
    problem = _write(lines, 10, links=(Link(0, 1, (1,)),))
    assert _chosen(solve_general(problem, Fraction(0))) == [0, 1, 0]
    problem = _write(lines, 20, links=(Link(0, 1, (1,)),))
    assert _chosen(solve_general(problem, Fraction(0))) == [1, 1, 0]


def test_better_grade_gives_up_no_more() -> None:
    output = np.array([100, 100], np.int64)
    problem = _write(TWO, 10, "AC", grade_order=True, output=output)
    assert _chosen(solve_general(problem, Fraction(0))) == [0, 1]


def test_impossible_rules_are_named() -> None:
    counties = Labels(np.array([0, 1], np.int32), ("东县", "西县"))
    share = np.array([[[0] * 4, [11, 0, 0, 0]]], np.int64)
    with pytest.raises(Impossible, match="西县 的 SO2 最低份额"):
        solve_general(_write(TWO, 10, counties=counties, county_need=share), Fraction(0))
    heat = Demand("供热", np.array([0, 1, 2, 3]), np.array([5, 0, 5, 0]), (10,))
    share[0, 1, 0] = 10
    with pytest.raises(Impossible, match=r"供热|西县"):
        solve_general(_write(TWO, 10, counties=counties, county_need=share, demands=(heat,)), Fraction(0))


def test_impossible_across_lines_is_named() -> None:
    """Each rule can be kept, and each pair; all of them together cannot: a row alone does not show it."""
    counties = Labels(np.array([0, 0], np.int32), ("东县",))
    share = np.array([[[10, 0, 0, 0]]], np.int64)
    heat = Demand("供热", np.array([0, 2]), np.array([5, 5]), (10,))
    problem = _write(TWO, 0, counties=counties, county_need=share, demands=(heat,))
    with pytest.raises(Impossible, match=r"供热|东县"):
        solve_general(problem, Fraction(0))


def test_levels_that_exclude_each_other() -> None:
    problem = _write(TWO, 0)
    problem = replace(
        problem,
        levels=("yellow", "orange"),
        need=np.zeros((2, 4), np.int64),
        permitted=np.array([[False, True, True, True], [True, False, True, True]]),
        band=Fraction(0),
        output=np.array([100, 100]),
    )
    with pytest.raises(Impossible, match="L0"):
        solve_general(problem, Fraction(0))


def test_large_numbers_are_exact() -> None:
    """Fen and grams of a province: nothing slips by a hair."""
    big = 10**12
    lines = [[(0, 0), (big, big)], [(0, 0), (big + 7, big)], [(0, 0), (3, 1)]]
    problem = _write(lines, big + 1, firm_cap=np.array([2 * big] * 3, np.int64))
    plan = solve_general(problem, Fraction(0))
    assert _chosen(plan) == [1, 0, 1]
    problem = _write(lines, big + 1, "ABC", grade_order=True, output=np.array([big * 9] * 3, np.int64))
    assert verify(solve_general(problem, Fraction(0))) == ()


def test_rows_rule_out_what_cannot_be() -> None:
    """5 of the first two groups' 4 + 3 leaves two to spare: the first must give at least 2, the second is free to give 1."""
    rows = Rows(
        "ratio", np.zeros(5, np.intp), np.array([0, 1, 2, 3, 4]), np.array([1, 4, 1, 3, 0]), np.array([5]), ()
    )
    choice = Choice(np.array([0, 2, 4, 5]), np.zeros(5, np.int64), np.ones(5, np.bool_), (rows,))
    assert narrow(choice).allowed.tolist() == [False, True, True, True, True]
