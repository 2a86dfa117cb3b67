"""The plan of a problem: what everybody calls.

Problems that only the ratios hold together are decided by prices, the others by the general method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Message
from muheng.emergency.plan.answer import JointFigures, LevelFigures, Plan
from muheng.emergency.plan.choice import choose
from muheng.emergency.plan.cover import POOLED, Cover, add_exactly, add_integers, cover_level
from muheng.emergency.plan.problem import Problem

Progress = Callable[[Message], None]

DEFAULT_GAP = Fraction(1, 5000)


def solve(problem: Problem, gap: Fraction = DEFAULT_GAP, progress: Progress | None = None) -> Plan:
    """A plan whose cost is within ``gap`` of a proven bound, or as near as the method came."""
    if not problem.plain:
        from muheng.emergency.plan.general import solve_general

        return solve_general(problem, gap, progress)
    order = [len(problem.levels) // 2]
    order += [*range(order[0] - 1, -1, -1), *range(order[0] + 1, len(problem.levels))]
    chosen = np.zeros((len(problem.levels), len(problem.lines)), np.int32)
    done: list[int] = []
    figures: dict[int, LevelFigures] = {}
    charge = problem.loss if problem.charge is None else problem.charge
    for v in order:
        usable = (
            np.ones(len(problem.loss), bool) if problem.permitted is None else problem.permitted[v].copy()
        )
        free = cover_level(problem, v, usable)
        for other in done:
            edge = chosen[other][problem.line_of]
            index = np.arange(len(problem.loss))
            usable &= (index <= edge) if v < other else (index >= edge)
        cover = cover_level(problem, v, usable)
        short = reach(cover)
        need = cover.need - short
        bound = choose(free.start, free.cost, free.cut, need, gap=float(gap) / 2).bound
        picked = choose(cover.start, cover.cost, cover.cut, need, gap=float(gap) / 2).options
        assert picked is not None
        chosen[v] = cover.option[0][picked]
        total = add_integers(charge[chosen[v]])
        low = min(total, math.ceil(bound - 1e-6 * abs(bound) - 1e-6))
        sums = add_exactly(problem, chosen[v])
        missed = [0, 0, 0, 0]
        for row, miss in zip(cover.rows, cover.missing_of([sums]), strict=True):
            if row.pollutant == POOLED:
                assert problem.pool is not None
                missed[0] = max(0, math.ceil(miss * problem.pool.base[0]))
            else:
                missed[row.pollutant] = max(0, math.ceil(miss))
        figures[v] = LevelFigures(
            level=problem.levels[v],
            loss=add_integers(problem.loss[chosen[v]]),
            bound=low,
            gap=(total - low) / low if low > 0 else 0.0,
            reductions=(sums[0], sums[1], sums[2], sums[3]),
            shortfall=(missed[0], missed[1], missed[2], missed[3]),
            prices=(0.0, 0.0, 0.0, 0.0),
        )
        done.append(v)
    return Plan(
        problem, chosen, tuple(figures[v] for v in range(len(problem.levels))), join(problem, chosen, figures)
    )


def join(
    problem: Problem, chosen: NDArray[np.int32], figures: dict[int, LevelFigures]
) -> JointFigures | None:
    if len(problem.levels) == 1:
        return None
    weight = problem.weight or (1,) * len(problem.levels)
    charge = problem.loss if problem.charge is None else problem.charge
    total = sum(w * add_integers(charge[chosen[v]]) for v, w in enumerate(weight))
    low = sum(w * figures[v].bound for v, w in enumerate(weight))
    return JointFigures(total, low, (total - low) / low if low > 0 else 0.0)


def reach(cover: Cover) -> NDArray[np.float64]:
    """What of each row cannot be covered: least sum of parts of the needs."""
    found = choose(
        cover.start, np.zeros(len(cover.cost)), cover.cut, cover.need, elastic=np.ones(len(cover.need))
    )
    return np.where(found.short > 1e-9, found.short, 0.0)
