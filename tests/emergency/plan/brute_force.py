"""Small problems, and their best answers by looking at every one of them: shares nothing with what makes plans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import TypeVar

import numpy as np
import polars as pl
from hypothesis import strategies as st

from muheng.emergency.plan.problem import LEVELS, Labels, Pool, Problem


def write_problem(
    options: list[list[tuple[int, tuple[int, int, int, int]]]], need: list[list[int]], **more: object
) -> Problem:
    """Lines with options (loss, cuts) from the mildest on; one row of needs for each level."""
    n = len(options)
    flat = [option for line in options for option in line]
    levels = LEVELS[: len(need)] if "levels" not in more else more.pop("levels")
    return replace(
        Problem(
            lines=pl.Series("line", [f"L{i}" for i in range(n)]),
            firms=Labels(np.arange(n, dtype=np.int32), tuple(f"F{i}" for i in range(n))),
            counties=Labels(np.zeros(n, np.int32), ("甲县",)),
            industries=Labels(np.zeros(n, np.int32), ("水泥",)),
            grades=Labels(np.zeros(n, np.int32), ("C",)),
            start=np.cumsum([0, *map(len, options)]),
            options=Labels(
                np.arange(len(flat), dtype=np.int32), tuple(f"O{j:03d}" for j in range(len(flat)))
            ),
            loss=np.array([loss for loss, _ in flat], np.int64),
            reduction=np.array([cut for _, cut in flat], np.int64).reshape(-1, 4),
            levels=tuple(levels),  # type: ignore[arg-type]
            need=np.array(need, np.int64),
        ),
        **more,
    )


@st.composite
def problems(draw: st.DrawFn, most_lines: int = 5, levels: int = 1, extras: bool = True) -> Problem:
    """Problems with ties, zeros, duplicates, needs out of reach, and cuts that do not follow strictness."""
    size = draw(st.sampled_from([3, 10, 1000, 10**6]))
    amount = st.integers(0, size)
    option = st.tuples(amount, st.tuples(amount, amount, amount, amount))
    options = draw(st.lists(st.lists(option, min_size=1, max_size=4), min_size=1, max_size=most_lines))
    reachable = np.array([np.max([cut for _, cut in line], axis=0) for line in options]).sum(0)
    share = st.integers(0, 11)  # tenths; 11 is out of reach
    need = [[int(reach) * draw(share) // 10 for reach in reachable] for _ in range(levels)]
    problem = write_problem(options, need)
    if not extras:
        return problem
    m = len(problem.loss)
    if draw(st.booleans()):
        charge = draw(st.lists(amount, min_size=m, max_size=m))
        problem = replace(problem, charge=np.array(charge))
    if draw(st.booleans()):
        permitted = np.array(draw(st.lists(st.booleans(), min_size=m, max_size=m)))
        permitted[problem.start[1:] - 1] = True
        problem = replace(problem, permitted=np.stack([permitted] * levels))
    if draw(st.booleans()):
        filed = [
            draw(st.integers(-1, int(b - a) - 1))
            for a, b in zip(problem.start, problem.start[1:], strict=False)
        ]
        row = [int(a) + f if f >= 0 else -1 for a, f in zip(problem.start, filed, strict=False)]
        problem = replace(problem, filed=np.array([row] * levels, np.int32))
    if draw(st.booleans()):
        base = (draw(st.integers(1, 10 * size)), draw(st.integers(1, 10 * size)))
        needs = [Fraction(draw(st.integers(0, 8)), 10) for _ in range(levels)]
        problem = replace(problem, pool=Pool(base, tuple(needs)))
    if levels > 1 and draw(st.booleans()):
        problem = replace(problem, weight=tuple(draw(st.integers(1, 9)) for _ in range(levels)))
    return problem


@dataclass(frozen=True)
class Found:
    missed: Fraction
    """Sum over ratios of the missing part of the need."""
    cost: int


def enumerate_level(problem: Problem, v: int) -> list[tuple[tuple[int, ...], tuple[Fraction, ...], int]]:
    """Every choice of options with what it measures in each ratio and what it is charged."""
    allowed = problem.permitted[v] if problem.permitted is not None else np.ones(len(problem.loss), bool)
    charge = problem.loss if problem.charge is None else problem.charge
    places = [
        [j for j in range(int(a), int(b)) if allowed[j]]
        for a, b in zip(problem.start, problem.start[1:], strict=False)
    ]
    answers = []
    for chosen in product(*places):
        cut = [sum(int(problem.reduction[j, p]) for j in chosen) for p in range(4)]
        answers.append((chosen, weigh(problem, cut), sum(int(charge[j]) for j in chosen)))
    return answers


def weigh(problem: Problem, cut: list[int]) -> tuple[Fraction, ...]:
    if problem.pool is None:
        return tuple(Fraction(c) for c in cut)
    pooled = Fraction(cut[0], problem.pool.base[0]) + Fraction(cut[1], problem.pool.base[1])
    return (pooled, Fraction(cut[2]), Fraction(cut[3]))


def needs(problem: Problem, v: int) -> tuple[Fraction, ...]:
    need = tuple(Fraction(int(x)) for x in problem.need[v])
    return need if problem.pool is None else (problem.pool.need[v], *need[2:])


def miss(found: tuple[Fraction, ...], due: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return tuple(max(Fraction(0), d - f) for f, d in zip(found, due, strict=True))


def part(missed: tuple[Fraction, ...], due: tuple[Fraction, ...]) -> Fraction:
    return sum((m / d for m, d in zip(missed, due, strict=True) if m), Fraction(0))


def find_least_miss(problem: Problem, v: int) -> Fraction:
    due = needs(problem, v)
    return min(part(miss(found, due), due) for _, found, _ in enumerate_level(problem, v))


def find_least_cost(problem: Problem, v: int, missed: tuple[Fraction, ...]) -> int:
    """Least charge of an answer that misses no more of any ratio than this."""
    due = tuple(d - m for d, m in zip(needs(problem, v), missed, strict=True))
    return min(
        cost
        for _, found, cost in enumerate_level(problem, v)
        if all(f >= d for f, d in zip(found, due, strict=True))
    )


def find_least_together(problem: Problem, missed: list[tuple[Fraction, ...]]) -> int | None:
    """Least weighted charge of nested answers that miss no more than this; None where there are none."""
    weight = problem.weight or (1,) * len(problem.levels)
    kept = []
    for v, gone in enumerate(missed):
        due = tuple(d - m for d, m in zip(needs(problem, v), gone, strict=True))
        kept.append(
            [
                (chosen, cost * weight[v])
                for chosen, found, cost in enumerate_level(problem, v)
                if all(f >= d for f, d in zip(found, due, strict=True))
            ]
        )
    return _find_least_nested(kept)


def find_least_miss_together(problem: Problem) -> Fraction | None:
    """The least that nested answers miss, all levels' ratios together; None where no answers are nested."""
    missing = []
    for v in range(len(problem.levels)):
        due = needs(problem, v)
        answers = enumerate_level(problem, v)
        missing.append([(chosen, part(miss(found, due), due)) for chosen, found, _ in answers])
    return _find_least_nested(missing)


Amount = TypeVar("Amount", int, Fraction)


def _find_least_nested(levels: list[list[tuple[tuple[int, ...], Amount]]]) -> Amount | None:
    """The least sum of one answer of each level, none milder than the one before."""
    best = levels[0]
    for level in levels[1:]:
        following = []
        for chosen, amount in level:
            below = [c for other, c in best if all(a <= b for a, b in zip(other, chosen, strict=True))]
            if below:
                following.append((chosen, amount + min(below)))
        best = following
    return min((amount for _, amount in best), default=None)
