"""Small problems with every kind of rule, and their answers by trying everything: plain Python, shares nothing with plans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from random import Random

import numpy as np
import polars as pl

from muheng.emergency.plan.problem import LEVELS, Demand, Labels, Link, Pool, Problem

RULES = (
    "permitted",
    "charge",
    "pool",
    "county",
    "cap",
    "demand",
    "link",
    "grade",
)


def make_problem(seed: int, rules: set[str], levels: int = 1, lines: int = 5) -> Problem:
    """A few lines with up to three options, numbers small enough for ties to happen."""
    random = Random(f"{seed} {sorted(rules)} {levels} {lines}")
    sizes = [random.randint(1, 3) for _ in range(lines)]
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    loss, cut = [], []
    for size in sizes:
        step, value = 0, [0, 0, 0, 0]
        for j in range(size):
            if j or random.random() < 0.2:
                step += random.randint(0, 30)
                value = [max(0, x + random.randint(-1, 8)) for x in value]
            loss.append(step)
            cut.append(list(value))
    best = np.array([[max(cut[k][p] for k in range(a, b)) for p in range(4)] for a, b in _spans(start)])
    hardness = sorted(random.uniform(0.1, 1.05) for _ in range(levels))
    need = np.array([[int(h * total) for total in best.sum(0)] for h in hardness], np.int64)
    firms = _label([random.randint(0, 2) for _ in sizes], "F")
    counties = _label([random.randint(0, 1) for _ in sizes], "C")
    options = int(start[-1])
    output = np.array([random.choice([0, 40, 60, 100]) for _ in firms.names], np.int64)
    more: dict[str, object] = {}
    if "permitted" in rules:
        more["permitted"] = _permit(random, start, levels)
    if "charge" in rules:
        more["charge"] = np.array([int(x * random.uniform(1, 2)) for x in loss], np.int64)
    if "pool" in rules:
        base = (random.randint(20, 60), random.randint(20, 60))
        more["pool"] = Pool(base, tuple(Fraction(int(h * 100), 120) for h in hardness))
    if "county" in rules:
        by_county = np.zeros((len(counties.names), 4))
        np.add.at(by_county, counties.codes, best)
        part = random.uniform(0, 0.8)
        more["county_need"] = np.array([np.floor(by_county * h * part) for h in hardness]).astype(np.int64)
    if "cap" in rules:
        more["firm_cap"] = np.array([random.randint(5, 60) for _ in firms.names], np.int64)
    if "demand" in rules:
        chosen = np.array(sorted(random.sample(range(options), random.randint(1, options))), np.int64)
        give = np.array([random.randint(0, 10) for _ in chosen], np.int64)
        most = int(give.sum()) // 3
        more["demands"] = (
            Demand("供热", chosen, give, tuple(random.randint(0, most) for _ in range(levels))),
        )
    if "link" in rules:
        line, *served = random.sample(range(lines), 3)
        more["links"] = (Link(line, random.randint(0, sizes[line]), tuple(served)),)
    return Problem(
        lines=pl.Series("line", [f"L{i}" for i in range(lines)]),
        firms=firms,
        counties=counties,
        industries=_label([random.randint(0, 1) for _ in sizes], "I"),
        grades=_label([random.randint(0, 2) for _ in sizes], "G"),
        start=start,
        options=_label(list(range(options)), "O"),
        loss=np.array(loss, np.int64),
        reduction=np.array(cut, np.int64),
        levels=LEVELS[:levels],
        need=need,
        output=output,
        grade_order="grade" in rules,
        **more,  # type: ignore[arg-type]
    )


def _spans(start: np.ndarray) -> Iterator[tuple[int, int]]:
    return zip(start[:-1].tolist(), start[1:].tolist(), strict=True)


def _label(codes: list[int], prefix: str) -> Labels:
    names = sorted(set(codes))
    return Labels(np.array([names.index(c) for c in codes], np.int32), tuple(f"{prefix}{c}" for c in names))


def _permit(random: Random, start: np.ndarray, levels: int) -> np.ndarray:
    permitted = np.array([[random.random() < 0.7 for _ in range(start[-1])] for _ in range(levels)])
    for row in permitted:
        for a, b in _spans(start):
            if not row[a:b].any():
                row[random.randrange(a, b)] = True
    return permitted


@dataclass(frozen=True)
class Point:
    """One way to choose at one level."""

    options: tuple[int, ...]
    cost: int
    short: tuple[Fraction, ...]
    """Of each ratio that is asked, as a part of it."""
    missing: tuple[int, ...]


def list_points(problem: Problem, v: int) -> list[Point]:
    """Everything that keeps all rules but the ratios at a level."""
    charge = problem.loss if problem.charge is None else problem.charge
    choices = [
        [j for j in range(a, b) if problem.permitted is None or problem.permitted[v, j]]
        for a, b in _spans(problem.start)
    ]
    points = []
    for options in product(*choices):
        if _keeps(problem, v, options, choices):
            cut = [sum(int(problem.reduction[j, p]) for j in options) for p in range(4)]
            short, missing = _measure(problem, v, cut)
            points.append(Point(options, sum(int(charge[j]) for j in options), short, missing))
    return points


def _measure(problem: Problem, v: int, cut: list[int]) -> tuple[tuple[Fraction, ...], tuple[int, ...]]:
    missing = [max(0, int(problem.need[v, p]) - cut[p]) for p in range(4)]
    short = [Fraction(missing[p], max(1, int(problem.need[v, p]))) for p in range(4)]
    if problem.pool is not None:
        first, second = problem.pool.base
        due = problem.pool.need[v]
        lack = max(Fraction(0), due - Fraction(cut[0], first) - Fraction(cut[1], second))
        short[:2] = [lack / due if due else Fraction(0), Fraction(0)]
        missing[:2] = [-int(-lack * first // 1), 0]
    return tuple(short), tuple(missing)


def _keeps(problem: Problem, v: int, options: tuple[int, ...], choices: list[list[int]]) -> bool:
    lines = range(len(options))
    if problem.county_need is not None:
        for c in range(len(problem.counties.names)):
            for p in range(4):
                cut = sum(
                    int(problem.reduction[options[i], p]) for i in lines if problem.counties.codes[i] == c
                )
                if cut < problem.county_need[v, c, p]:
                    return False
    if problem.firm_cap is not None:
        for f in range(len(problem.firms.names)):
            extra = sum(
                int(problem.loss[options[i]] - problem.loss[choices[i][0]])
                for i in lines
                if problem.firms.codes[i] == f
            )
            if extra > problem.firm_cap[f]:
                return False
    for demand in problem.demands:
        given = dict(zip(demand.options.tolist(), demand.output.tolist(), strict=True))
        if sum(given.get(j, 0) for j in options) < demand.least[v]:
            return False
    for link in problem.links:
        stopped = options[link.line] - int(problem.start[link.line]) >= link.limit
        if stopped and any(options[i] != choices[i][-1] for i in link.served):
            return False
    return not problem.grade_order or _keeps_grades(problem, options)


def _keeps_grades(problem: Problem, options: tuple[int, ...]) -> bool:
    assert problem.output is not None
    lines = range(len(options))
    shares: dict[tuple[int, int], Fraction] = {}
    for key in {(int(problem.industries.codes[i]), int(problem.grades.codes[i])) for i in lines}:
        inside = [i for i in lines if (problem.industries.codes[i], problem.grades.codes[i]) == key]
        made = sum(int(problem.output[f]) for f in {int(problem.firms.codes[i]) for i in inside})
        if made:
            shares[key] = Fraction(sum(int(problem.loss[options[i]]) for i in inside), made)
    return all(
        better <= worse
        for (i, g), better in shares.items()
        for (k, h), worse in shares.items()
        if i == k and g < h
    )


def is_nested(options: list[tuple[int, ...]]) -> bool:
    return all(all(a <= b for a, b in zip(mild, strict, strict=True)) for mild, strict in pairwise(options))


def join_points(problem: Problem, points: list[list[Point]]) -> list[tuple[Point, ...]]:
    """Every way to choose at all levels, no line milder at a worse one."""
    found: list[tuple[Point, ...]] = [()]
    for at_level in points:
        found = [
            (*before, point)
            for before in found
            for point in at_level
            if not before or is_nested([before[-1].options, point.options])
        ]
    return found


def measure_widths(problem: Problem, options: tuple[int, ...]) -> dict[tuple[int, int], Fraction]:
    """By group of peers: the largest share of output lost less the smallest."""
    lost = [0] * len(problem.firms.names)
    for i, option in enumerate(options):
        lost[problem.firms.codes[i]] += int(problem.loss[option])
    shares = {
        key: [Fraction(lost[firm], int(problem.output[firm])) for firm in firms]
        for key, firms in _list_peers(problem).items()
    }
    return {key: max(of_group) - min(of_group) for key, of_group in shares.items()}


def find_forced(problem: Problem) -> dict[tuple[int, int], Fraction]:
    """How far apart peers are at the very least, each by what it may choose."""
    least, most = [0] * len(problem.firms.names), [0] * len(problem.firms.names)
    for i, (a, b) in enumerate(_spans(problem.start)):
        losses = [
            int(problem.loss[j]) for j in range(a, b) if problem.permitted is None or problem.permitted[0, j]
        ]
        least[problem.firms.codes[i]] += min(losses)
        most[problem.firms.codes[i]] += max(losses)
    return {
        key: max(
            Fraction(0),
            max(Fraction(least[f], int(problem.output[f])) for f in firms)
            - min(Fraction(most[f], int(problem.output[f])) for f in firms),
        )
        for key, firms in _list_peers(problem).items()
    }


def find_avoidable(
    widths: dict[tuple[int, int], Fraction], forced: dict[tuple[int, int], Fraction]
) -> Fraction:
    """The widest of the groups that are further apart than they have to be."""
    hair = Fraction(1, 10**8)
    return max((width for key, width in widths.items() if width > forced[key] + hair), default=Fraction(0))


def _list_peers(problem: Problem) -> dict[tuple[int, int], set[int]]:
    peers: dict[tuple[int, int], set[int]] = {}
    for i in range(len(problem.lines)):
        firm = int(problem.firms.codes[i])
        if problem.output[firm] > 0:
            key = (int(problem.industries.codes[i]), int(problem.grades.codes[i]))
            peers.setdefault(key, set()).add(firm)
    return peers
