"""A problem as prices see it: choices of lines, what they cost, and rows that have to be covered.

Floating point, each row divided by its need; whether a plan keeps the ratios is asked here too, and answered in integers.
A choice stands for one option at one level, or, where levels are decided together, for one option at each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.plan.choice import Floats, Indices
from muheng.emergency.plan.problem import POLLUTANTS, Problem

POOLED = -1


@dataclass(frozen=True)
class Row:
    """A ratio at a level: of a pollutant, or of SO2 and NOx together (``POOLED``); need in mass units or, pooled, as is."""

    level: int
    pollutant: int
    need: Fraction


@dataclass(frozen=True, eq=False)
class Cover:
    """n lines; choices of line i are ``start[i]:start[i + 1]``."""

    problem: Problem
    levels: tuple[int, ...]
    rows: tuple[Row, ...]
    option: NDArray[np.int32]
    """(levels, choices): the problem's option that a choice takes at each level."""
    start: Indices
    cost: Floats
    cut: Floats
    """(rows, choices), in units of ``scale``."""
    need: Floats
    """(rows,), in units of ``scale``: 1, or 0 where nothing is needed."""
    scale: Floats

    def pick(self, kept: NDArray[np.bool_]) -> Cover:
        """Only some of the choices, at least one of each line."""
        if kept.all():
            return self
        counts = np.add.reduceat(kept, self.start[:-1], dtype=np.int64)
        return replace(
            self,
            option=self.option[:, kept],
            start=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
            cost=self.cost[kept],
            cut=np.ascontiguousarray(self.cut[:, kept]),
        )

    def missing(self, chosen: Indices) -> tuple[Fraction, ...]:
        """By how much each row is missed, exactly; negative where it is more than kept."""
        sums = [add_exactly(self.problem, option[chosen]) for option in self.option]
        return self.missing_of(sums)

    def missing_of(self, sums: list[tuple[int, ...]]) -> tuple[Fraction, ...]:
        """The same from what the choices cut at each level."""
        at = {level: cut for level, cut in zip(self.levels, sums, strict=True)}
        return tuple(row.need - measure(self.problem, row, at[row.level]) for row in self.rows)

    def meets(self, chosen: Indices) -> bool:
        return all(miss <= 0 for miss in self.missing(chosen))

    def cost_of(self, chosen: Indices) -> float:
        return float(self.cost[chosen].sum())


def measure(problem: Problem, row: Row, cut: tuple[int, ...]) -> Fraction:
    """What cuts of the four pollutants are in the terms of a row."""
    if row.pollutant != POOLED:
        return Fraction(cut[row.pollutant])
    assert problem.pool is not None
    return sum((Fraction(cut[p], problem.pool.base[p]) for p in (0, 1)), Fraction(0))


def add_exactly(problem: Problem, options: NDArray[np.int32]) -> tuple[int, ...]:
    """What options cut together, by pollutant."""
    return tuple(add_integers(problem.reduction[options, p]) for p in range(len(POLLUTANTS)))


def add_integers(values: NDArray[np.int64]) -> int:
    """Their sum, whatever its size."""
    most = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    return int(values.sum()) if most * max(len(values), 1) < 2**62 else sum(values.tolist())


def demand_rows(problem: Problem, level: int) -> tuple[Row, ...]:
    """The ratios of a level."""
    rows = [Row(level, p, Fraction(int(problem.need[level, p]))) for p in range(len(POLLUTANTS))]
    if problem.pool is None:
        return tuple(rows)
    return (Row(level, POOLED, problem.pool.need[level]), *rows[2:])


def cover_level(problem: Problem, level: int, usable: NDArray[np.bool_] | None) -> Cover:
    """One level alone; ``usable`` (options): those that may be chosen, at least one of each line."""
    everything = usable is None or bool(usable.all())
    option = np.arange(len(problem.loss), dtype=np.int32)
    start = problem.start
    if not everything:
        assert usable is not None
        option = option[usable]
        counts = np.add.reduceat(usable, problem.start[:-1], dtype=np.int64)
        start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    charge = problem.loss if problem.charge is None else problem.charge
    rows = demand_rows(problem, level)
    scale = np.array([float(abs(row.need)) or _size(problem, row) for row in rows])
    cut = np.empty((len(rows), len(option)))
    for k, row in enumerate(rows):
        cut[k] = _amounts(problem, row, option, everything) / scale[k]
    return Cover(
        problem=problem,
        levels=(level,),
        rows=rows,
        option=option[None, :],
        start=start,
        cost=(charge if everything else charge[option]).astype(np.float64),
        cut=cut,
        need=np.array([float(row.need) for row in rows]) / scale,
        scale=scale,
    )


def _amounts(problem: Problem, row: Row, option: NDArray[np.int32], everything: bool) -> Floats:
    """What each choice adds to a row."""

    def column(p: int) -> NDArray[np.int64]:
        return problem.reduction[:, p] if everything else problem.reduction[option, p]

    if row.pollutant != POOLED:
        return column(row.pollutant).astype(np.float64)
    assert problem.pool is not None
    return column(0) / float(problem.pool.base[0]) + column(1) / float(problem.pool.base[1])


def _size(problem: Problem, row: Row) -> float:
    """A unit for a row of which nothing is needed."""
    if row.pollutant == POOLED:
        return 1.0
    return float(np.abs(problem.reduction[:, row.pollutant]).max(initial=0)) or 1.0
