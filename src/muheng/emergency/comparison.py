"""Beside the plan: what cutting everybody alike (一刀切) would cost for the same, and cutting alike by grade.

Works on any problem; where the parts of production are not known (a plain folder), an option's part is taken to be what it
cuts of what the line's strictest one does. Exact: the part is the least that reaches every need, a fraction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.measures import WHOLE
from muheng.emergency.options import Built
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.problem import Integers, Problem

GRADED: Mapping[str, Fraction] = {
    "D": Fraction(3), "C": Fraction(2), "非引领性": Fraction(2), "B-": Fraction(3, 2), "B": Fraction(1), "A": Fraction(0),
    "引领性": Fraction(0),
}  # fmt: skip
"""D : C : B as 3 : 2 : 1; who has no grade counts as C."""
_UNGRADED = Fraction(2)

Method = Literal["uniform", "uniform_offered", "graded"]


@dataclass(frozen=True)
class Alike:
    """One way of cutting everybody alike, at one level."""

    method: Method
    """``uniform``: each line gives up the same part, whatever measures there are; ``uniform_offered``: each the mildest
    of its measures that gives up as much; ``graded``: as the first, by grade."""
    part: Fraction
    """Of production (``graded``: of grade B)."""
    loss: int
    reductions: tuple[int, int, int, int]
    lines: int
    """How many give something up."""


@dataclass(frozen=True)
class AsFiled:
    """The measures of the list in force, whether or not the settings would still ask them; where none is filed the
    mildest."""

    loss: int
    reductions: tuple[int, int, int, int]
    lines: int
    reaches: bool
    """Whether they come up to what the plan has to reach."""


@dataclass(frozen=True)
class Comparison:
    """One level: the plan, and the others at the same needs. None where even the strictest of all does not reach them."""

    level: str
    loss: int
    lines: int
    uniform: Alike | None
    uniform_offered: Alike | None
    graded: Alike | None
    filed: AsFiled | None = None
    """None where nothing is filed."""

    def saved(self, other: Alike | None) -> int | None:
        """How much less the plan loses in a day."""
        return None if other is None else other.loss - self.loss

    def times(self, other: Alike | None) -> Fraction | None:
        """How many times the plan's loss the other one is."""
        return None if other is None or not self.loss else Fraction(other.loss, self.loss)


def compare(plan: Plan, built: Built | None = None) -> tuple[Comparison, ...]:
    """By level. Where the plan falls short of a need, the others have to come up to what it reaches."""
    problem = plan.problem
    parts = find_parts(problem, built)
    weights = _weights(problem)
    even = [Fraction(1)] * len(problem.lines)
    found = []
    for v, figures in enumerate(plan.levels):
        curves = _draw(problem, v, parts)
        wanted = _wanted(plan, v)
        row = plan.chosen[v]
        acting = (problem.loss[row] > 0) | problem.reduction[row].any(axis=1)
        found.append(
            Comparison(
                figures.level,
                figures.loss,
                int(acting.sum()),
                _cut_alike("uniform", problem, curves, even, wanted),
                _cut_offered(problem, curves, wanted),
                _cut_alike("graded", problem, curves, weights, wanted),
                _cut_as_filed(problem, v, curves, wanted),
            )
        )
    return tuple(found)


def find_parts(problem: Problem, built: Built | None = None) -> Integers:
    """Of each option, the thousandths of production that it gives up."""
    if built is not None:
        return np.array([option.part for option in built.options], np.int64)
    strictest = np.repeat(problem.reduction[problem.start[1:] - 1], np.diff(problem.start), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(strictest > 0, problem.reduction / strictest, 0.0)
    parts: Integers = np.minimum(np.round(shares.max(axis=1) * WHOLE), WHOLE).astype(np.int64)
    return parts


def _weights(problem: Problem) -> list[Fraction]:
    by_code = [GRADED.get(name, _UNGRADED) for name in problem.grades.names]
    return [by_code[code] for code in problem.grades.codes.tolist()]


@dataclass(frozen=True, eq=False)
class _Curves:
    """Permitted options in the order of lines and parts; of several alike in part the mildest. ``start`` as in a problem."""

    start: Integers
    options: Integers
    parts: Integers


def _draw(problem: Problem, v: int, parts: Integers) -> _Curves:
    permitted = np.ones(len(parts), np.bool_) if problem.permitted is None else problem.permitted[v]
    options = np.flatnonzero(permitted)
    lines = problem.line_of[options]
    order = np.lexsort((options, parts[options], lines))
    options, lines = options[order], lines[order]
    own = parts[options]
    first = np.r_[True, (lines[1:] != lines[:-1]) | (own[1:] != own[:-1])]
    options, lines, own = options[first], lines[first], own[first]
    start = np.searchsorted(lines, np.arange(len(problem.lines) + 1)).astype(np.int64)
    return _Curves(start, options, own)


Row = tuple[tuple[Fraction, ...], Fraction]
"""A factor for each pollutant, and what their sum has to come up to."""


def _wanted(plan: Plan, v: int) -> list[Row]:
    problem, short = plan.problem, plan.levels[v].shortfall
    rows: list[Row] = []
    first = 0
    if problem.pool is not None:
        first = 2
        so2, nox = (Fraction(1, base) for base in problem.pool.base)
        rows.append(
            ((so2, nox, Fraction(0), Fraction(0)), problem.pool.need[v] - short[0] * so2 - short[1] * nox)
        )
    for p in range(first, 4):
        factors = [Fraction(0)] * 4
        factors[p] = Fraction(1)
        rows.append((tuple(factors), Fraction(int(problem.need[v, p]) - short[p])))
    return rows


def _missing(cut: Sequence[Fraction | int], row: Row) -> Fraction:
    factors, due = row
    return due - sum((factor * each for factor, each in zip(factors, cut, strict=True)), Fraction(0))


def _reaches(cut: Sequence[Fraction | int], wanted: Sequence[Row]) -> bool:
    return all(_missing(cut, row) <= 0 for row in wanted)


def _cut_alike(
    method: Method, problem: Problem, curves: _Curves, weights: Sequence[Fraction], wanted: Sequence[Row]
) -> Alike | None:
    """Between two measures a line goes evenly from one to the other, so that everything is straight between marks."""
    classes = [
        (weight, np.array([i for i, own in enumerate(weights) if own == weight], np.int64))
        for weight in sorted(set(weights))
    ]
    distinct = np.unique(curves.parts).tolist()
    marks = sorted(
        {Fraction(0), *(part / (weight * WHOLE) for weight, _ in classes if weight for part in distinct)}
    )

    def at(mark: Fraction) -> tuple[Fraction, ...]:
        sums = [_sum_between(problem, curves, lines, mark * weight * WHOLE) for weight, lines in classes]
        return tuple(sum(each, Fraction(0)) for each in zip(*sums, strict=True))

    low, high = -1, len(marks) - 1
    if not _reaches(at(marks[high])[1:], wanted):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _reaches(at(marks[middle])[1:], wanted):
            high = middle
        else:
            low = middle
    part, sums = marks[high], at(marks[high])
    if low >= 0:
        before = at(marks[low])
        share = max(
            (missing / (missing - _missing(sums[1:], row)))
            for row in wanted
            if (missing := _missing(before[1:], row)) > 0
        )
        part = marks[low] + share * (part - marks[low])
        sums = tuple(one + share * (other - one) for one, other in zip(before, sums, strict=True))
    loss, so2, nox, pm, voc = (math.ceil(each) for each in sums)
    acting = sum(
        int((_place(curves, lines, part * weight * WHOLE)[1] > 0).sum()) for weight, lines in classes
    )
    return Alike(method, part, loss, (so2, nox, pm, voc), acting)


def _place(curves: _Curves, lines: Integers, part: Fraction) -> tuple[Integers, NDArray[np.float64]]:
    """For each line the last of its options that gives up no more than ``part`` (the mildest where none), and what it does."""
    first, end = curves.start[lines], curves.start[lines + 1]
    below = np.concatenate(([0], np.cumsum(curves.parts <= math.floor(part)))).astype(np.int64)
    own = np.maximum(first + below[end] - below[first] - 1, first)
    done = np.clip(float(part), curves.parts[first], curves.parts[end - 1])
    return own, done


def _sum_between(problem: Problem, curves: _Curves, lines: Integers, part: Fraction) -> tuple[Fraction, ...]:
    """Loss and cuts of these lines where each gives up ``part`` (thousandths), or the nearest to it that it can."""
    own, _done = _place(curves, lines, part)
    following = np.minimum(own + 1, curves.start[lines + 1] - 1)
    low, high = curves.parts[own], curves.parts[following]
    values = np.column_stack((problem.loss, problem.reduction))
    least = values[curves.options[own]]
    more = values[curves.options[following]] - least
    total = [Fraction(int(each)) for each in least.sum(axis=0)]
    moving = (low <= math.floor(part)) & (following > own)
    pairs, inverse = np.unique(low[moving] * (WHOLE + 1) + high[moving], return_inverse=True)
    grown = np.zeros((len(pairs), 5), np.int64)
    np.add.at(grown, inverse, more[moving])
    for pair, growth in zip(pairs.tolist(), grown.tolist(), strict=True):
        begin, end = divmod(pair, WHOLE + 1)
        share = (part - begin) / (end - begin)
        total = [each + share * more for each, more in zip(total, growth, strict=True)]
    return tuple(total)


def _cut_offered(problem: Problem, curves: _Curves, wanted: Sequence[Row]) -> Alike | None:
    """Each line takes the mildest of its measures that gives up as much, or its strictest."""
    distinct = np.unique(curves.parts).tolist()

    def at(part: int) -> Integers:
        below = np.concatenate(([0], np.cumsum(curves.parts < part))).astype(np.int64)
        first, end = curves.start[:-1], curves.start[1:]
        chosen: Integers = curves.options[np.minimum(first + below[end] - below[first], end - 1)]
        return chosen

    def cut(part: int) -> list[int]:
        return [int(each) for each in problem.reduction[at(part)].sum(axis=0)]

    low, high = -1, len(distinct) - 1
    if not _reaches(cut(distinct[high]), wanted):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _reaches(cut(distinct[middle]), wanted):
            high = middle
        else:
            low = middle
    chosen = at(distinct[high])
    so2, nox, pm, voc = cut(distinct[high])
    acting = (problem.loss[chosen] > 0) | problem.reduction[chosen].any(axis=1)
    return Alike(
        "uniform_offered",
        Fraction(distinct[high], WHOLE),
        int(problem.loss[chosen].sum()),
        (so2, nox, pm, voc),
        int(acting.sum()),
    )


def _cut_as_filed(problem: Problem, v: int, curves: _Curves, wanted: Sequence[Row]) -> AsFiled | None:
    if problem.filed is None or (problem.filed[v] < 0).all():
        return None
    filed = problem.filed[v].astype(np.int64)
    chosen = np.where(filed >= 0, filed, curves.options[curves.start[:-1]])
    so2, nox, pm, voc = (int(each) for each in problem.reduction[chosen].sum(axis=0))
    acting = (problem.loss[chosen] > 0) | problem.reduction[chosen].any(axis=1)
    cuts = (so2, nox, pm, voc)
    return AsFiled(int(problem.loss[chosen].sum()), cuts, int(acting.sum()), _reaches(cuts, wanted))
