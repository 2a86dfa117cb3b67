"""Back to the list in force wherever that costs nothing that was asked: ratios, gap and the order of levels stay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.plan.choice import Floats
from muheng.emergency.plan.cover import Row, add_exactly, charge_of, measure_row
from muheng.emergency.plan.problem import POLLUTANTS, Problem


def go_back(
    problem: Problem,
    chosen: NDArray[np.int32],
    rows: Sequence[tuple[Row, ...]],
    prices: Floats,
    budget: Sequence[int],
) -> NDArray[np.int32]:
    """The plan with as many filed options as the budget of each level allows, those first that cost least.

    ``rows``: by level, what has to be met; ``prices``: by level and pollutant, money units for a mass unit; ``budget``:
    by level, the most that it may be charged.
    """
    assert problem.filed is not None
    chosen = chosen.copy()
    for v in range(len(chosen)):
        _go_back_at(problem, chosen, v, rows[v], prices[v], budget[v])
    return chosen


def count_changes(problem: Problem, chosen: NDArray[np.int32]) -> tuple[int, ...]:
    """By level: lines whose option is not the filed one."""
    if problem.filed is None:
        return ()
    return tuple(
        int(((filed >= 0) & (filed != row)).sum()) for filed, row in zip(problem.filed, chosen, strict=True)
    )


def _go_back_at(
    problem: Problem, chosen: NDArray[np.int32], v: int, rows: tuple[Row, ...], prices: Floats, budget: int
) -> None:
    assert problem.filed is not None
    charge = charge_of(problem)
    filed, row = problem.filed[v], chosen[v]
    open_to = (filed >= 0) & (filed != row)
    if problem.permitted is not None:
        open_to &= problem.permitted[v, np.maximum(filed, 0)]
    if v > 0:
        open_to &= filed >= chosen[v - 1]
    if v + 1 < len(chosen):
        open_to &= filed <= chosen[v + 1]
    lines = np.flatnonzero(open_to)
    dearer = charge[filed[lines]] - charge[row[lines]]
    less = problem.reduction[row[lines]] - problem.reduction[filed[lines]]
    order = np.argsort(dearer + less @ prices, kind="stable")
    spent = sum(charge[row].tolist())
    cut = list(add_exactly(problem, row))
    for k in order.tolist():
        left = [have - int(gone) for have, gone in zip(cut, less[k], strict=True)]
        if spent + int(dearer[k]) > budget or not _met(problem, rows, left):
            continue
        spent, cut = spent + int(dearer[k]), left
        row[lines[k]] = filed[lines[k]]


def _met(problem: Problem, rows: tuple[Row, ...], cut: list[int]) -> bool:
    if problem.pool is None:  # the same as below, without a fraction for each line
        return all(cut[row.pollutant] >= row.need for row in rows)
    found = tuple(cut)
    assert len(found) == len(POLLUTANTS)
    return all(measure_row(problem, row, found) >= row.need for row in rows)
