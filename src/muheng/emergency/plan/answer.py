"""What was decided, and how good it is proved to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.plan.problem import Problem


@dataclass(frozen=True)
class LevelFigures:
    """One level of a plan; money and mass in the problem's units."""

    level: str
    loss: int
    """What is lost in a day (of ``Problem.loss``)."""
    bound: int
    """No plan that meets this level alone loses less (of ``charge`` where there is one)."""
    gap: float
    """(what was minimised - bound) / bound; 0 where both are 0."""
    reductions: tuple[int, int, int, int]
    shortfall: tuple[int, int, int, int]
    """How much of each pollutant's need cannot be reached; all 0 where ``feasible``."""
    prices: tuple[float, float, float, float]
    """What the last unit of each pollutant costs, yuan per kg: reference prices (of the relaxed problem)."""

    @property
    def feasible(self) -> bool:
        return not any(self.shortfall)


@dataclass(frozen=True)
class JointFigures:
    """All levels together, each counted by its weight; nested, so that a line is never milder at a worse level."""

    loss: int
    bound: int
    gap: float


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan for a problem: ``chosen[level, line]`` is an index of ``Problem.options``."""

    problem: Problem
    chosen: NDArray[np.int32]
    levels: tuple[LevelFigures, ...]
    joint: JointFigures | None
    """None with one level."""
    unfairness: tuple[float, ...] = ()
    """By level: the widest difference, among peers (industry and grade), of the share of output lost; with a band."""
    changes: tuple[int, ...] = ()
    """By level: lines whose option is not the filed one; with a filed list."""
