"""What an enterprise would lose in a day with another grade, everything else as planned.

At the prices of the plan and for this enterprise alone; the plan isn't made anew, so it is an estimate, and said to be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import numpy as np

from muheng.emergency.inventory.model import Inventory, Level
from muheng.emergency.norms import Norms
from muheng.emergency.options import build_problem
from muheng.emergency.plan.problem import Problem
from muheng.emergency.settings import Settings


def lose_with_grade(
    inventory: Inventory,
    settings: Settings,
    norms: Norms | None,
    prices: Mapping[Level, tuple[float, float, float, float]],
    firm: str,
    grade: str,
) -> dict[Level, int]:
    """Fen a day by level; ``prices`` in yuan per kg, as ``LevelFigures`` has them. Raises UnusableList.

    What the enterprise has filed was filed for its present grade and is left aside.
    """
    alone = _alone(inventory, firm, grade)
    execution = settings.execution.model_copy(update={"filed": "ignored"})
    fairness = settings.fairness.model_copy(update={"county_share": None, "firm_cap": None, "band": None})
    plain = settings.model_copy(update={"execution": execution, "fairness": fairness})
    levels: tuple[Level, ...] = tuple(level for level in get_args(Level) if level in prices)
    problem = build_problem(alone, plain, norms, levels=levels).problem
    rows = _cheapest(problem, np.array([prices[level] for level in levels], np.float64))
    return {level: int(problem.loss[rows[v]].sum()) for v, level in enumerate(levels)}


def _alone(inventory: Inventory, firm: str, grade: str) -> Inventory:
    """The list with this enterprise only."""
    lines = tuple(line for line in inventory.lines if line.firm == firm)
    own = {line.id for line in lines}
    return Inventory(
        inventory.title,
        tuple(replace(each, grade=grade, grade_until=None) for each in inventory.firms if each.code == firm),
        lines,
        tuple(each for each in inventory.offers if each.line in own),
        base=inventory.base,
    )


def _cheapest(problem: Problem, prices: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[list[int]]:
    """Of each line the nested options with the least net over all levels, each counted by its weight."""
    unit = 10.0 ** (problem.money_digits - problem.mass_digits)
    net = (problem.loss - (problem.reduction @ (prices * unit).T).T) * np.array(problem.weight or 1)[
        ..., None
    ]
    if problem.permitted is not None:
        net[~problem.permitted] = np.inf
    found: list[list[int]] = [[] for _ in problem.levels]
    for first, end in zip(problem.start[:-1].tolist(), problem.start[1:].tolist(), strict=True):
        least = net[:, first:end].copy()
        for v in range(1, len(least)):
            least[v] += np.minimum.accumulate(least[v - 1])
        most = end - first
        for v in range(len(least) - 1, -1, -1):
            own = int(np.argmin(least[v, :most]))
            found[v].append(first + own)
            most = own + 1
    return found
