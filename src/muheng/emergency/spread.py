"""Who bears a plan's loss: by line and enterprise, county, industry, grade and size; and what a fairer spread costs.

Figures for tables and charts; says nothing of what is fair.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Message, Refusal
from muheng.emergency.options import NO_CAP
from muheng.emergency.plan.answer import LevelFigures, Plan
from muheng.emergency.plan.problem import Integers, Problem
from muheng.emergency.plan.solve import solve

Axis = Literal["county", "industry", "grade", "size"]
SIZES = ("大", "中", "小")
"""The tenth with the largest output, the next four tenths, the rest."""
_POINTS = 100


@dataclass(frozen=True)
class Share:
    """One group of enterprises at one level; money and mass in the problem's units."""

    name: str
    firms: int
    firms_cut: int
    lines: int
    lines_cut: int
    loss: int
    output: int
    reductions: tuple[int, int, int, int]

    @property
    def part(self) -> Fraction | None:
        """Of the output that is lost."""
        return Fraction(self.loss, self.output) if self.output else None


@dataclass(frozen=True)
class Spread:
    """One level."""

    level: str
    loss: int
    lines_cut: int
    firms_cut: int
    top_lines: Fraction
    """Of the loss, what the hundredth of all lines that loses most bears (one line at least)."""
    top_firms: Fraction
    hard_hit: int
    """Enterprises that lose more than half of their output."""
    gini: float
    """Of enterprises' losses: 0 everybody alike, 1 all on one."""
    curve: tuple[tuple[float, float], ...]
    """Share of enterprises (who lose least first) → share of the loss; for a chart."""
    groups: dict[Axis, tuple[Share, ...]]


def spread(plan: Plan) -> tuple[Spread, ...]:
    problem = plan.problem
    output = find_output(problem)
    axes = _axes(problem, output)
    found = []
    for v, figures in enumerate(plan.levels):
        row = plan.chosen[v]
        loss, cut = problem.loss[row], problem.reduction[row]
        acting = (loss > 0) | cut.any(axis=1)
        by_firm = _by_firm(problem, loss)
        acting_firms = _by_firm(problem, acting.astype(np.int64)) > 0
        ordered = np.sort(by_firm)
        found.append(
            Spread(
                figures.level,
                figures.loss,
                int(acting.sum()),
                int(acting_firms.sum()),
                _top(loss),
                _top(by_firm),
                int((by_firm * 2 > output).sum()),
                _gini(ordered),
                _curve(ordered),
                {
                    axis: _group(problem, names, codes, loss, cut, acting, acting_firms, output)
                    for axis, (names, codes) in axes.items()
                },
            )
        )
    return tuple(found)


def find_output(problem: Problem) -> Integers:
    """What each enterprise makes in a day: as the problem has it, or the loss of the strictest of all its lines."""
    if problem.output is not None:
        return problem.output
    return _by_firm(problem, np.maximum.reduceat(problem.loss, problem.start[:-1]))


def _by_firm(problem: Problem, values: Integers) -> Integers:
    sums = np.zeros(len(problem.firms.names), np.int64)
    np.add.at(sums, problem.firms.codes, values)
    return sums


def _axes(problem: Problem, output: Integers) -> dict[Axis, tuple[Sequence[str], Integers]]:
    """Codes by line."""
    order = np.lexsort((np.arange(len(output)), -output))
    rank = np.empty(len(output), np.int64)
    rank[order] = np.arange(len(output))
    n = len(output)
    size = np.where(rank < math.ceil(n / 10), 0, np.where(rank < math.ceil(n / 2), 1, 2))
    return {
        "county": (problem.counties.names, problem.counties.codes.astype(np.int64)),
        "industry": (problem.industries.names, problem.industries.codes.astype(np.int64)),
        "grade": (problem.grades.names, problem.grades.codes.astype(np.int64)),
        "size": (SIZES, size[problem.firms.codes]),
    }


def _group(
    problem: Problem,
    names: Sequence[str],
    codes: Integers,
    loss: Integers,
    cut: Integers,
    acting: NDArray[np.bool_],
    acting_firms: NDArray[np.bool_],
    output: Integers,
) -> tuple[Share, ...]:
    """A firm with lines in several groups counts in each; its output once only in the first of them."""
    n = len(names)
    lines = np.bincount(codes, minlength=n)
    lines_cut = np.bincount(codes[acting], minlength=n)
    losses, masses = np.zeros(n, np.int64), np.zeros((n, 4), np.int64)
    np.add.at(losses, codes, loss)
    np.add.at(masses, codes, cut)
    pairs = np.unique(problem.firms.codes.astype(np.int64) * n + codes)
    firm, group = pairs // n, pairs % n
    firms = np.bincount(group, minlength=n)
    firms_cut = np.bincount(group[acting_firms[firm]], minlength=n)
    first = np.r_[True, firm[1:] != firm[:-1]]
    outputs = np.zeros(n, np.int64)
    np.add.at(outputs, group[first], output[firm[first]])
    return tuple(
        Share(
            name,
            int(firms[g]),
            int(firms_cut[g]),
            int(lines[g]),
            int(lines_cut[g]),
            int(losses[g]),
            int(outputs[g]),
            (int(masses[g, 0]), int(masses[g, 1]), int(masses[g, 2]), int(masses[g, 3])),
        )
        for g, name in enumerate(names)
        if lines[g]
    )


def _top(values: Integers) -> Fraction:
    total = int(values.sum())
    if not total:
        return Fraction(0)
    first = max(len(values) // 100, 1)
    return Fraction(int(np.sort(values)[-first:].sum()), total)


def _gini(ordered: Integers) -> float:
    """Of ascending values."""
    n, total = len(ordered), float(ordered.sum())
    if n < 2 or not total:
        return 0.0
    ranks = np.arange(1, n + 1)
    return float((2 * (ranks * ordered.astype(np.float64)).sum() - (n + 1) * total) / ((n - 1) * total))


def _curve(ordered: Integers) -> tuple[tuple[float, float], ...]:
    n, total = len(ordered), float(ordered.sum())
    if not total:
        return ((0.0, 0.0), (1.0, 1.0))
    sums = np.concatenate(([0.0], np.cumsum(ordered.astype(np.float64)))) / total
    at = np.unique(np.linspace(0, n, min(n, _POINTS) + 1).round().astype(np.int64))
    return tuple((round(int(i) / n, 4), round(float(sums[i]), 4)) for i in at)


# -- what fairness costs ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """One demand for fairness, and the plan that meets it."""

    cap: Fraction | None
    """The most of its output that an enterprise may lose in a day; None: no cap."""
    county_share: Fraction | None
    band: Fraction | None
    levels: tuple[LevelFigures, ...]
    dearer: tuple[Fraction | None, ...]
    """By level, how much more than the first point's loss, as a part of it."""
    hardest: Fraction
    """The largest part of its output that an enterprise loses at any level."""
    top_firms: Fraction
    """Of the loss at the strictest level, what the hundredth of enterprises that loses most bears."""
    unfairness: tuple[float, ...]
    impossible: Message | None = None
    """The demand that cannot be met, whatever the ratios; nothing else is said then."""


Solve = Callable[[Problem], Plan]


def price_fairness(
    problem: Problem,
    caps: Iterable[Fraction | None] = (None,),
    county_shares: Iterable[Fraction | None] = (None,),
    bands: Iterable[Fraction | None] = (None,),
    solve: Solve = solve,
) -> tuple[Point, ...]:
    """A plan for each combination. The first is what the others are held against: give None first for the free plan."""
    found: list[Point] = []
    for cap in caps:
        for share in county_shares:
            for band in bands:
                asked = ask_fairness(problem, cap, share, band)
                try:
                    plan = solve(asked)
                except Refusal as refusal:
                    nothing = tuple(None for _ in problem.levels)
                    found.append(
                        Point(cap, share, band, (), nothing, Fraction(0), Fraction(0), (), refusal.what)
                    )
                    continue
                first = next((point.levels for point in found if point.levels), plan.levels)
                dearer = tuple(
                    Fraction(own.loss - free.loss, free.loss) if free.loss else None
                    for own, free in zip(plan.levels, first, strict=True)
                )
                parts = _hardest(plan)
                found.append(
                    Point(
                        cap,
                        share,
                        band,
                        plan.levels,
                        dearer,
                        parts,
                        spread(plan)[-1].top_firms,
                        plan.unfairness,
                    )
                )
    return tuple(found)


def ask_fairness(
    problem: Problem, cap: Fraction | None, county_share: Fraction | None, band: Fraction | None
) -> Problem:
    """The problem with these demands instead of its own."""
    output = find_output(problem)
    firm_cap = None
    if cap is not None:
        firm_cap = np.array(
            [math.floor(cap * each) if each else NO_CAP for each in output.tolist()], np.int64
        )
    return replace(
        problem,
        firm_cap=firm_cap,
        county_need=None if county_share is None else share_by_county(problem, county_share),
        band=band,
        output=output,
    )


def share_by_county(problem: Problem, share: Fraction) -> Integers:
    """(levels, counties, 4): ``share`` of the need, by what each county's lines emit; no more than they can cut.

    A line is taken to emit what its strictest measure cuts, whether it may be asked for it or not.
    """
    counties = len(problem.counties.names)
    emitted = _by_county(problem, problem.reduction)
    wanted = np.zeros((len(problem.levels), counties, 4), np.int64)
    for v in range(len(problem.levels)):
        able = problem.reduction
        if problem.permitted is not None:
            able = np.where(problem.permitted[v][:, None], problem.reduction, 0)
        reach = _by_county(problem, able)
        for p in range(4):
            total = int(emitted[:, p].sum())
            for c in range(counties):
                if total:
                    due = math.ceil(share * int(problem.need[v, p]) * int(emitted[c, p]) / total)
                    wanted[v, c, p] = min(due, int(reach[c, p]))
    return wanted


def _by_county(problem: Problem, cuts: Integers) -> Integers:
    """(counties, 4): what each county's lines cut at most."""
    sums = np.zeros((len(problem.counties.names), 4), np.int64)
    np.add.at(sums, problem.counties.codes, np.maximum.reduceat(cuts, problem.start[:-1], axis=0))
    return sums


def _hardest(plan: Plan) -> Fraction:
    output = find_output(plan.problem)
    parts = [
        Fraction(int(lost), int(made))
        for row in plan.chosen
        for lost, made in zip(
            _by_firm(plan.problem, plan.problem.loss[row]).tolist(), output.tolist(), strict=True
        )
        if made and lost
    ]
    return max(parts, default=Fraction(0))
