"""The plan of a problem: what everybody calls.

Problems that only the ratios hold together are decided by prices, the others by the general method. Figures are added up
from the options chosen; bounds are brought down to whole units of money.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.emergency.plan.answer import JointFigures, LevelFigures, Plan
from muheng.emergency.plan.changes import count_changes, keep_filed
from muheng.emergency.plan.choice import Floats
from muheng.emergency.plan.cover import (
    POOLED,
    Cover,
    add_exactly,
    add_integers,
    charge_of,
    cover_level,
    measure_row,
    write_rows,
)
from muheng.emergency.plan.least import Least, find_least
from muheng.emergency.plan.nesting import Alone, Chosen, nest
from muheng.emergency.plan.problem import LEVEL_NAMES, POLLUTANTS, Problem

DEFAULT_GAP = Fraction(1, 5000)
_DOUBT = 1e-9
"""Part of a bound by which it is lowered: more than floating point can have raised it."""

Progress = Callable[[Message], None]


def solve(problem: Problem, gap: Fraction = DEFAULT_GAP, progress: Progress | None = None) -> Plan:
    """A plan whose cost is within ``gap`` of a proven bound, or as near as the method came."""
    if not problem.plain:
        from muheng.emergency.plan.general import solve_general

        return solve_general(problem, gap, progress)
    tell = progress or (lambda message: None)
    near = float(gap)
    alone: list[Alone] = []
    for v, level in enumerate(problem.levels):
        tell(say("正在求{level}预警的方案", level=LEVEL_NAMES[level]))
        alone.append(_solve_alone(problem, v, near, alone[-1] if alone else None))
    chosen = np.stack([each.options for each in alone])
    together = 0.0
    if len(alone) > 1 and bool((np.diff(chosen, axis=0) < 0).any()):
        tell(say("正在使各级方案依次从严"))
        nested = nest(problem, alone, near)
        chosen, together = nested.chosen, nested.bound
        alone = [_ask_reached(problem, v, each, chosen[v], near) for v, each in enumerate(alone)]
    joint = sum(_floor(each.least.bound) * w for each, w in zip(alone, _weights(problem), strict=True))
    joint = max(joint, _floor(together))
    if problem.filed is not None:
        chosen = _keep_filed(problem, alone, chosen, gap)
    return _report(problem, alone, chosen, joint)


def _solve_alone(problem: Problem, v: int, gap: float, before: Alone | None) -> Alone:
    """``before``: a milder level, with whose prices the search begins."""
    cover = cover_level(problem, v, None if problem.permitted is None else problem.permitted[v])
    begin = None
    if before is not None and before.least.prices.all():
        begin = before.least.prices / before.cover.scale * cover.scale
    least = find_least(cover, gap, begin=begin)
    asked = [row.need - short for row, short in zip(cover.rows, least.short, strict=True)]
    return Alone(cover.ask(asked) if any(least.short) else cover, least)


def _ask_reached(problem: Problem, v: int, each: Alone, row: Chosen, gap: float) -> Alone:
    """A level asked for what the nested plan reaches, where alone it was asked for more."""
    cut = add_exactly(problem, row)
    needs = [min(due.need, measure_row(problem, due, cut)) for due in write_rows(problem, v)]
    if all(need >= asked.need for need, asked in zip(needs, each.cover.rows, strict=True)):
        return each
    cover = each.cover.ask(needs)
    known = np.flatnonzero(cover.option[0] == row[problem.line_of[cover.option[0]]])
    return Alone(cover, find_least(cover, gap, known))


def _weights(problem: Problem) -> tuple[int, ...]:
    return problem.weight or (1,) * len(problem.levels)


def _floor(bound: float) -> int:
    """The least whole cost that the bound allows."""
    return max(0, math.ceil(bound - _DOUBT * abs(bound)))


def _keep_filed(problem: Problem, alone: list[Alone], chosen: Chosen, gap: Fraction) -> Chosen:
    """Nearer to the list in force, within the gap, missing no more than before."""
    charge = charge_of(problem)
    budgets, covers = [], []
    for each, row in zip(alone, chosen, strict=True):
        budgets.append(max(add_integers(charge[row]), math.floor(_floor(each.least.bound) * (1 + gap))))
        cut = add_exactly(problem, row)
        needs = [min(due.need, measure_row(problem, due, cut)) for due in each.cover.rows]
        covers.append(each.cover.ask(needs))
    return keep_filed(problem, covers, chosen, budgets)


def _price_units(problem: Problem, cover: Cover, least: Least) -> Floats:
    """Money units for a mass unit of each pollutant."""
    prices = np.zeros(len(POLLUTANTS))
    for row, price, scale in zip(cover.rows, least.prices, cover.scale, strict=True):
        if row.pollutant != POOLED:
            prices[row.pollutant] = price / scale
        elif problem.pool is not None:
            prices[:2] = [price / scale / base for base in problem.pool.base]
    return prices


def _report(problem: Problem, alone: list[Alone], chosen: NDArray[np.int32], joint: int) -> Plan:
    charge = charge_of(problem)
    totals = [add_integers(charge[row]) for row in chosen]
    together = None
    if len(alone) > 1:
        total = sum(w * each for w, each in zip(_weights(problem), totals, strict=True))
        joint = min(joint, total)
        together = JointFigures(total, joint, _gap(total, joint))
    return Plan(
        problem=problem,
        chosen=chosen,
        levels=tuple(_report_level(problem, v, alone[v], chosen[v], totals[v]) for v in range(len(alone))),
        joint=together,
        changes=count_changes(problem, chosen),
    )


def _report_level(problem: Problem, v: int, alone: Alone, row: NDArray[np.int32], total: int) -> LevelFigures:
    bound = min(_floor(alone.least.bound), total)
    so2, nox, pm, voc = add_exactly(problem, row)
    prices = _price_units(problem, alone.cover, alone.least) * 10.0 ** (
        problem.mass_digits - problem.money_digits
    )
    return LevelFigures(
        level=problem.levels[v],
        loss=add_integers(problem.loss[row]),
        bound=bound,
        gap=_gap(total, bound),
        reductions=(so2, nox, pm, voc),
        shortfall=_miss(problem, v, (so2, nox, pm, voc)),
        prices=(float(prices[0]), float(prices[1]), float(prices[2]), float(prices[3])),
    )


def _gap(cost: int, bound: int) -> float:
    if cost == bound:
        return 0.0
    return (cost - bound) / bound if bound else math.inf


def _miss(problem: Problem, v: int, cut: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """What is missing of each pollutant; of SO2 and NOx together, each half of the ratio."""
    missing = [0] * len(POLLUTANTS)
    for row in write_rows(problem, v):
        miss = max(row.need - measure_row(problem, row, cut), Fraction(0))
        if row.pollutant != POOLED:
            missing[row.pollutant] = math.ceil(miss)
        elif problem.pool is not None:
            missing[:2] = [math.ceil(miss / 2 * base) for base in problem.pool.base]
    return missing[0], missing[1], missing[2], missing[3]
