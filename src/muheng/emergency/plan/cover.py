"""A problem as prices see it: choices of lines, what they cost, and rows that have to be covered.

Floating point, each row divided by its need; whether a plan keeps the ratios is asked here too, and answered in integers.
A choice stands for one option at one level, or, where levels are decided together, for one option at each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.plan.choice import Floats, Indices
from muheng.emergency.plan.problem import POLLUTANTS, Problem

POOLED = -1
CHARGED = -2
_DOUBT = 1e-9
"""Part of a sum by which floating point may be wrong, generously."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """A ratio at a level: of a pollutant, need in mass units; or of SO2 and NOx together (``POOLED``), need as it is; or
    what all may be charged (``CHARGED``), as a negative need."""

    level: int
    pollutant: int
    need: Fraction


@dataclass(frozen=True, eq=False)
class Cover:
    """n lines; choices of line i are ``start[i]:start[i + 1]``, from the mildest to the strictest."""

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
    """(rows,), in units of ``scale``."""
    scale: Floats

    def measure(self, chosen: Indices) -> tuple[Fraction, ...]:
        """What an answer comes to in each row, exactly."""
        options = {level: option[chosen] for level, option in zip(self.levels, self.option, strict=True)}
        cuts = {level: add_exactly(self.problem, taken) for level, taken in options.items()}
        return tuple(
            Fraction(-add_integers(charge_of(self.problem)[options[row.level]]))
            if row.pollutant == CHARGED
            else measure_row(self.problem, row, cuts[row.level])
            for row in self.rows
        )

    def meets(self, chosen: Indices) -> bool:
        return all(found >= row.need for found, row in zip(self.measure(chosen), self.rows, strict=True))

    def ask(self, needs: Sequence[Fraction]) -> Cover:
        """The same with other needs."""
        rows = tuple(replace(row, need=need) for row, need in zip(self.rows, needs, strict=True))
        return replace(self, rows=rows, need=np.array([float(need) for need in needs]) / self.scale)

    def keep_rows(self, kept: Mask) -> Cover:
        if kept.all():
            return self
        return replace(
            self,
            rows=tuple(row for row, keep in zip(self.rows, kept, strict=True) if keep),
            cut=self.cut[kept],
            need=self.need[kept],
            scale=self.scale[kept],
        )

    def keep_choices(self, kept: Mask) -> Cover:
        """Only some of the choices, at least one of each line."""
        if kept.all():
            return self
        return replace(
            self,
            option=self.option[:, kept],
            start=count_from(kept, self.start),
            cost=self.cost[kept],
            cut=np.ascontiguousarray(self.cut[:, kept]),
        )


def measure_row(problem: Problem, row: Row, cut: tuple[int, ...]) -> Fraction:
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


def count_from(kept: Mask, start: Indices) -> Indices:
    """Where the kept choices of each line begin."""
    counts = np.add.reduceat(kept, start[:-1], dtype=np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def write_rows(problem: Problem, level: int) -> tuple[Row, ...]:
    """The ratios of a level."""
    rows = [Row(level, p, Fraction(int(problem.need[level, p]))) for p in range(len(POLLUTANTS))]
    if problem.pool is None:
        return tuple(rows)
    return (Row(level, POOLED, problem.pool.need[level]), *rows[2:])


def charge_of(problem: Problem) -> NDArray[np.int64]:
    """What is to be least."""
    return problem.loss if problem.charge is None else problem.charge


def cover_level(problem: Problem, level: int, usable: Mask | None) -> Cover:
    """One level alone; ``usable`` (options): those that may be chosen, at least one of each line."""
    everything = usable is None or bool(usable.all())
    if usable is None or everything:
        option, start = np.arange(len(problem.loss), dtype=np.int32), problem.start
    else:
        option, start = np.flatnonzero(usable).astype(np.int32), count_from(usable, problem.start)
    charge = charge_of(problem)
    rows = write_rows(problem, level)
    scale = np.array([float(abs(row.need)) or _size(problem, row) for row in rows])
    cut = np.empty((len(rows), len(option)))
    for k, row in enumerate(rows):
        cut[k] = weigh(problem, row, None if everything else option)
        cut[k] /= scale[k]
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


def weigh(problem: Problem, row: Row, option: NDArray[np.int32] | None) -> Floats:
    """What options (None: all) add to a row."""
    amount = problem.reduction if option is None else problem.reduction[option]
    if row.pollutant != POOLED:
        return amount[:, row.pollutant].astype(np.float64)
    assert problem.pool is not None
    return amount[:, 0] / float(problem.pool.base[0]) + amount[:, 1] / float(problem.pool.base[1])


def find_uncovered(cover: Cover) -> Mask:
    """Which rows the mildest cuts of all lines do not cover already."""
    sure = []
    for row, need in zip(cover.cut, cover.need, strict=True):
        if need <= 0 and bool((row >= 0).all()):
            sure.append(True)
            continue
        least = float(np.minimum.reduceat(row, cover.start[:-1]).sum())
        sure.append(least > need + _DOUBT * (abs(least) + abs(float(need))))
    return ~np.array(sure, bool)


def find_possible(cover: Cover) -> Mask:
    """Without choices that leave a row uncovered even if all other lines cut all they can."""
    kept = np.ones(len(cover.cost), bool)
    for row, need in zip(cover.cut, cover.need, strict=True):
        most = np.maximum.reduceat(row, cover.start[:-1])
        total = float(most.sum())
        room = max(total - float(need), 0.0) + _DOUBT * (abs(total) + abs(float(need)))
        least = np.minimum.reduceat(row, cover.start[:-1])
        if float((most - least).max(initial=0.0)) > room:
            kept &= np.repeat(most, np.diff(cover.start)) - row <= room
    return kept


def _size(problem: Problem, row: Row) -> float:
    """A unit for a row of which nothing is needed."""
    if row.pollutant == POOLED:
        return 1.0
    return float(np.abs(problem.reduction[:, row.pollutant]).max(initial=0)) or 1.0
