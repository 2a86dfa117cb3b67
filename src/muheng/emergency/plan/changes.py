"""Nearest to the list in force: of all plans within the gap, one that changes fewest lines.

The same method with another cost: a line costs one where it does not do what is filed; what may be lost is one row more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.plan.cover import CHARGED, Cover, Row, charge_of
from muheng.emergency.plan.least import find_least
from muheng.emergency.plan.problem import Problem

_GAP = 0.01
"""Of the number of changes."""
_NODES = 10
"""Of the tree of a large city: counts are full of ties, which no tree gets through, and the last few changes of thousands
matter to nobody."""


def count_away(filed: NDArray[np.int32], options: NDArray[np.integer[Any]]) -> int:
    """Lines of one level whose option is not the filed one."""
    return int(((filed >= 0) & (filed != options)).sum())


def count_changes(problem: Problem, chosen: NDArray[np.int32]) -> tuple[int, ...]:
    """By level: lines whose option is not the filed one."""
    if problem.filed is None:
        return ()
    return tuple(count_away(filed, row) for filed, row in zip(problem.filed, chosen, strict=True))


def keep_filed(
    problem: Problem, covers: Sequence[Cover], chosen: NDArray[np.int32], budgets: Sequence[int]
) -> NDArray[np.int32]:
    """Level by level between its neighbours, charged no more than the budget; ``covers`` ask for what is reached."""
    assert problem.filed is not None
    chosen = chosen.copy()
    for v, (cover, budget) in enumerate(zip(covers, budgets, strict=True)):
        option = cover.option[0]
        line = problem.line_of[option]
        kept = np.ones(len(option), bool)
        if v > 0:
            kept &= option >= chosen[v - 1][line]
        if v + 1 < len(chosen):
            kept &= option <= chosen[v + 1][line]
        asked = _limit(cover.keep_choices(kept), problem.filed[v], budget)
        known = np.flatnonzero(asked.option[0] == chosen[v][problem.line_of[asked.option[0]]])
        found = find_least(asked, _GAP, known, most_nodes=_NODES)
        chosen[v] = asked.option[0][found.chosen]
    return chosen


def _limit(cover: Cover, filed: NDArray[np.int32], budget: int) -> Cover:
    problem, option = cover.problem, cover.option[0]
    due = filed[problem.line_of[option]]
    scale = float(max(budget, 1))
    return replace(
        cover,
        rows=(*cover.rows, Row(cover.levels[0], CHARGED, Fraction(-budget))),
        cost=((due >= 0) & (due != option)).astype(np.float64),
        cut=np.vstack([cover.cut, charge_of(problem)[option] / -scale]),
        need=np.append(cover.need, -budget / scale),
        scale=np.append(cover.scale, scale),
    )
