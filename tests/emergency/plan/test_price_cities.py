"""Plans by prices on instances worked by hand, at the edges, and on synthetic cities."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from bench.emergency.city import make_city
from brute_force import write_problem
from instances import MEASURES, OPTIMUM, T1, make_t1, make_unreachable

from muheng.documents.message import Refusal
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.problem import LEVELS, Pool
from muheng.emergency.plan.solve import solve
from muheng.emergency.plan.verify import verify

GAP = Fraction(1, 1000)


def names_of(plan: Plan, v: int) -> tuple[str, ...]:
    options = plan.problem.options
    return tuple(options.names[options.codes[j]] for j in plan.chosen[v])


@pytest.mark.parametrize("level", LEVELS)
def test_t1_at_one_level(level: str) -> None:
    plan = solve(make_t1((level,)))
    assert verify(plan) == ()
    assert plan.levels[0].loss == plan.levels[0].bound == OPTIMUM[level]
    assert names_of(plan, 0) == MEASURES[level]
    assert plan.joint is None


def test_t1_nested_costs_what_order_costs() -> None:
    """The three best plans are not nested: together they cost at least 61.4, and 61.9 is the least that is nested."""
    plan = solve(make_t1())
    assert verify(plan) == ()
    assert plan.joint is not None
    assert plan.joint.loss == 61_900_000
    assert plan.joint.bound > sum(OPTIMUM.values())
    assert [figures.bound for figures in plan.levels] == list(OPTIMUM.values())


def test_t1_whatever_the_order_of_its_lines() -> None:
    plan, again = solve(make_t1()), solve(make_t1(lines=T1[::-1]))
    assert (plan.chosen == again.chosen).all()


def test_the_twin_of_t1_tells_how_far_it_goes() -> None:
    plan = solve(make_unreachable())
    assert verify(plan) == ()
    figures = plan.levels[0]
    assert not figures.feasible
    assert figures.shortfall == (39_000, 0, 0, 0)  # 162 kg due; 40 + 40 + 10 + 33 = 123 kg is all there is
    assert figures.loss == 32_200_000


def test_the_exempt_go_on_and_d_stops() -> None:
    plan = solve(make_t1())
    for v in range(3):
        measures = names_of(plan, v)
        assert measures[0] == measures[5] == "none"
        assert measures[4] == "stop"


def test_nothing_to_cut_costs_what_must_be() -> None:
    problem = write_problem([[(0, (0, 0, 0, 0)), (5, (9, 9, 9, 9))], [(7, (1, 0, 0, 0))]], [[0, 0, 0, 0]])
    plan = solve(problem)
    assert verify(plan) == ()
    assert plan.levels[0].loss == plan.levels[0].bound == 7
    assert plan.levels[0].prices == (0.0, 0.0, 0.0, 0.0)


def test_all_that_can_be_cut_is_needed() -> None:
    lines = [[(0, (0, 0, 0, 0)), (i, (3 * i, i, 7, 1)), (2 * i, (3 * i + 1, i, 7, 1))] for i in range(1, 40)]
    need = np.sum([line[-1][1] for line in lines], axis=0)
    plan = solve(write_problem(lines, [need.tolist()]))
    assert verify(plan) == ()
    assert plan.levels[0].feasible
    assert plan.levels[0].loss == plan.levels[0].bound == sum(2 * i for i in range(1, 40))


def test_one_line_with_one_option_that_does_not_do() -> None:
    plan = solve(write_problem([[(4, (1, 2, 3, 4))]], [[2, 2, 2, 2], [2, 2, 9, 9]]))
    assert verify(plan) == ()
    assert [figures.shortfall for figures in plan.levels] == [(1, 0, 0, 0), (1, 0, 6, 5)]
    assert plan.joint is not None
    assert plan.joint.loss == plan.joint.bound == 8


def test_amounts_beyond_what_floating_point_holds() -> None:
    """Losses near 10**17: the plan is still met in integers, the bound still below it."""
    big = 10**17
    lines = [[(0, (0, 0, 0, 0)), (big + i, (10**15 + i, 1, 0, 0))] for i in range(7)]
    plan = solve(write_problem(lines, [[3 * 10**15 + 3, 0, 0, 0]]))
    assert verify(plan) == ()
    assert plan.levels[0].feasible
    assert 3 * big <= plan.levels[0].loss <= 3 * (big + 6)


def test_a_line_that_may_not_become_stricter_is_refused() -> None:
    problem = write_problem([[(0, (0, 0, 0, 0)), (1, (1, 1, 1, 1))]], [[0] * 4, [0] * 4])
    with pytest.raises(Refusal, match="L0"):
        solve(replace(problem, permitted=np.array([[False, True], [True, False]])))


def test_pooling_lets_one_pollutant_stand_for_the_other() -> None:
    lines = [[(0, (0, 0, 0, 0)), (10, (100, 0, 0, 0))], [(0, (0, 0, 0, 0)), (1, (0, 100, 0, 0))]]
    problem = write_problem(lines, [[50, 50, 0, 0]])
    assert solve(problem).levels[0].loss == 11
    pooled = replace(problem, pool=Pool((1000, 1000), (Fraction(1, 10),)))
    plan = solve(pooled)
    assert verify(plan) == ()
    assert plan.levels[0].loss == 1


def test_the_list_in_force_stays_where_it_does_no_harm() -> None:
    """Two lines alike: the filed one is taken."""
    lines = [[(0, (0, 0, 0, 0)), (10, (5, 5, 5, 5))] for _ in range(4)]
    problem = write_problem(lines, [[10, 10, 10, 10]])
    for filed in ([1, 3, 4, 6], [0, 2, 5, 7], [1, 2, 5, 6]):
        plan = solve(replace(problem, filed=np.array([filed], np.int32)))
        assert verify(plan) == ()
        assert plan.changes == (0,)
        assert plan.chosen[0].tolist() == filed


@pytest.mark.parametrize(("lines", "spread", "gap"), [(1000, 0.0, 1000), (2000, 0.8, 1000)])
def test_cities(lines: int, spread: float, gap: int) -> None:
    plan = solve(make_city(lines, 7, spread), Fraction(1, gap))
    assert verify(plan) == ()
    assert plan.joint is not None
    assert plan.joint.gap <= 1 / gap
    for figures in plan.levels:
        assert figures.feasible
        assert min(figures.prices) >= 0


@pytest.mark.parametrize("levels", [1, 2])
def test_lines_all_alike_are_proved_too(levels: int) -> None:
    """Where the tree can't tell lines apart, it has as many nodes as there are ways to exchange them."""
    line = [(0, (0, 0, 0, 0)), (311, (3, 2, 1, 2)), (577, (5, 3, 1, 4)), (1113, (10, 5, 3, 8))]
    need = [[23 * v, 12 * v, 7 * v, 18 * v] for v in range(1, levels + 1)]
    plan = solve(write_problem([line] * 12, need), GAP)
    assert verify(plan) == ()
    assert plan.levels[0].gap <= GAP
    assert plan.joint is None or plan.joint.gap <= GAP
