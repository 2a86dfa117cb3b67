"""The rules that hold lines together, written as rows of integers: what the chosen options come to, and the least it may be.

Each rule of ``plan.verify`` has its rows here, at one level; which options are chosen this module does not know. Values
that might leave 64 bits are Python integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.emergency.plan.closure import find_allowed
from muheng.emergency.plan.problem import Integers, Problem

NAMES = ("SO2", "NOx", "PM", "VOCs")
"""Of ``POLLUTANTS``, as people read them."""
RATIOS = ("ratio", "pool")
"""The rules that give way where they cannot be kept; the others never do."""
_SAFE = 2**62


@dataclass(frozen=True, eq=False)
class Rows:
    """``sum(value[k] of the entries k whose option is chosen, by row[k]) >= least[row]``."""

    rule: str
    row: NDArray[np.intp]
    option: NDArray[np.intp]
    value: Integers
    """Of objects (Python integers) where 64 bits might not do."""
    least: Integers
    names: tuple[Message, ...]
    """What each row asks, as a person would say it."""
    worth: tuple[int, int, int, int] = (0, 0, 0, 0)
    """How often a unit of each pollutant counts, in the rows of ratios."""


def write_rows(problem: Problem, v: int) -> tuple[Rows, ...]:
    """The rows of every rule at level ``v``, the ratios first."""
    found = [
        *_write_ratios(problem, v),
        *_write_counties(problem, v),
        *_write_caps(problem, v),
        *_write_demands(problem, v),
        *_write_grades(problem, v),
        *_write_links(problem, v),
    ]
    return tuple(rows for rows in found if len(rows.least))


def add_up_rows(rows: Rows, chosen: NDArray[np.bool_]) -> Integers:
    """What the chosen options come to in each row, exactly."""
    taken = chosen[rows.option]
    total = np.zeros(len(rows.least), rows.value.dtype)
    np.add.at(total, rows.row[taken], rows.value[taken])
    return total


def find_mildest(problem: Problem, v: int) -> NDArray[np.intp]:
    """The mildest permitted option of each line."""
    allowed = np.flatnonzero(find_allowed(problem, v))
    lines = problem.line_of[allowed]
    return allowed[np.r_[True, lines[1:] != lines[:-1]]]


def find_strictest(problem: Problem, v: int) -> NDArray[np.intp]:
    allowed = np.flatnonzero(find_allowed(problem, v))
    lines = problem.line_of[allowed]
    return allowed[np.r_[lines[1:] != lines[:-1], True]]


def _fit(values: Integers, most: int) -> Integers:
    """64 bits where even the sum of all that may be added stays inside."""
    return values if most < _SAFE else values.astype(object)


def _gather(
    rule: str,
    row: NDArray[np.intp],
    option: NDArray[np.intp],
    value: Integers,
    least: list[int] | Integers,
    names: list[Message],
    worth: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Rows:
    kept = value != 0
    row, option, value = row[kept], option[kept], value[kept]
    most = sum(abs(int(x)) for x in (value.min(), value.max())) * len(value) if len(value) else 0
    most = max([most, *(abs(int(x)) for x in least)])
    value = _fit(value, most)
    return Rows(rule, row, option, value, np.array([int(x) for x in least], value.dtype), tuple(names), worth)


def _write_ratios(problem: Problem, v: int) -> Iterator[Rows]:
    pollutants = range(2, 4) if problem.pool else range(4)
    options = np.arange(len(problem.loss))
    for p in pollutants:
        need = int(problem.need[v, p])
        if need > 0 or problem.reduction[:, p].min(initial=0) < 0:
            row = np.zeros(len(options), np.intp)
            name = say("{pollutant} 的减排要求", pollutant=NAMES[p])
            one = (int(p == 0), int(p == 1), int(p == 2), int(p == 3))
            yield _gather("ratio", row, options, problem.reduction[:, p], [need], [name], one)
    if problem.pool:
        first, second = problem.pool.base
        common = gcd(first, second) or 1
        first, second = first // common, second // common
        most = int(np.abs(problem.reduction[:, :2]).max(initial=0)) * max(first, second) * 2
        so2, nox = (_fit(problem.reduction[:, p], most * max(len(options), 1)) for p in (0, 1))
        least = ceil(problem.pool.need[v] * Fraction(first * second * common))
        name = say("SO2 与 NOx 减排比例之和的要求")
        row = np.zeros(len(options), np.intp)
        value = so2 * second + nox * first
        yield _gather("pool", row, options, value, [least], [name], (second, first, 0, 0))


def _write_counties(problem: Problem, v: int) -> Iterator[Rows]:
    if problem.county_need is None:
        return
    need = problem.county_need[v]
    county = problem.counties.codes[problem.line_of]
    asked = np.argwhere(need > 0)
    place = np.full(need.shape, -1, np.intp)
    place[asked[:, 0], asked[:, 1]] = np.arange(len(asked))
    rows = place[county]
    option, pollutant = np.nonzero((rows >= 0) & (problem.reduction != 0))
    names = [
        say("{county} 的 {pollutant} 最低份额", county=problem.counties.names[c], pollutant=NAMES[p])
        for c, p in asked.tolist()
    ]
    value = problem.reduction[option, pollutant]
    least = need[asked[:, 0], asked[:, 1]]
    yield _gather("county", rows[option, pollutant], option, value, least, names)


def _write_caps(problem: Problem, v: int) -> Iterator[Rows]:
    """Only of those enterprises that could lose more than their cap."""
    if problem.firm_cap is None:
        return
    allowed = np.flatnonzero(find_allowed(problem, v))
    lines = problem.line_of[allowed]
    extra = problem.loss[allowed] - problem.loss[find_mildest(problem, v)][lines]
    most = np.maximum.reduceat(extra, np.flatnonzero(np.r_[True, lines[1:] != lines[:-1]]))
    worst = np.zeros(len(problem.firms.names), np.int64)
    np.add.at(worst, problem.firms.codes, most)
    asked = np.flatnonzero(worst > problem.firm_cap)
    place = np.full(len(worst), -1, np.intp)
    place[asked] = np.arange(len(asked))
    rows = place[problem.firms.codes[lines]]
    inside = rows >= 0
    names = [say("{firm} 的损失上限", firm=problem.firms.names[f]) for f in asked.tolist()]
    yield _gather("cap", rows[inside], allowed[inside], -extra[inside], -problem.firm_cap[asked], names)


def _write_demands(problem: Problem, v: int) -> Iterator[Rows]:
    for demand in problem.demands:
        name = say("“{name}”的最低要求", name=demand.name)
        row = np.zeros(len(demand.options), np.intp)
        yield _gather("demand", row, demand.options.astype(np.intp), demand.output, [demand.least[v]], [name])


def _write_grades(problem: Problem, v: int) -> Iterator[Rows]:
    """Between neighbouring grades of an industry: ``loss(worse) * output(better) >= loss(better) * output(worse)``."""
    if not problem.grade_order or problem.output is None:
        return
    groups = find_groups(problem)
    output = {
        key: sum(int(problem.output[f]) for f in set(problem.firms.codes[lines].tolist()))
        for key, lines in groups.items()
    }
    ordered = [key for key in sorted(groups) if output[key]]
    for better, worse in pairwise(ordered):
        if better[0] != worse[0]:
            continue
        common = gcd(output[better], output[worse])
        parts = []
        for key, factor in ((worse, output[better] // common), (better, -output[worse] // common)):
            of_group = np.zeros(len(problem.lines), np.bool_)
            of_group[groups[key]] = True
            option = np.flatnonzero(of_group[problem.line_of])
            loss = problem.loss[option]
            most = int(np.abs(loss).max(initial=0)) * abs(factor) * len(loss)
            parts.append((option, _fit(loss, most * 2) * factor))
        option = np.concatenate([part[0] for part in parts])
        value = np.concatenate([part[1] for part in parts])
        name = say(
            "{industry} {better} 级企业减得不多于 {worse} 级",
            industry=problem.industries.names[better[0]],
            better=problem.grades.names[better[1]],
            worse=problem.grades.names[worse[1]],
        )
        yield _gather("grade", np.zeros(len(option), np.intp), option, value, [0], [name])


def find_groups(problem: Problem) -> dict[tuple[int, int], NDArray[np.intp]]:
    """The lines of each industry and grade."""
    industry, grade = problem.industries.codes, problem.grades.codes
    order = np.lexsort((grade, industry))
    ends = np.flatnonzero((np.diff(industry[order]) != 0) | (np.diff(grade[order]) != 0)) + 1
    parts = np.split(order, ends) if len(order) else []
    return {(int(industry[part[0]]), int(grade[part[0]])): np.sort(part) for part in parts}


def _write_links(problem: Problem, v: int) -> Iterator[Rows]:
    if not problem.links:
        return
    strictest = find_strictest(problem, v)
    for link in problem.links:
        stopped = np.arange(problem.start[link.line] + link.limit, problem.start[link.line + 1])
        count = len(link.served)
        row = np.r_[np.arange(count), np.repeat(np.arange(count), len(stopped))]
        option = np.r_[strictest[list(link.served)], np.tile(stopped, count)]
        value = np.r_[np.ones(count, np.int64), np.full(count * len(stopped), -1, np.int64)]
        line = problem.lines[link.line]
        names = [say("公用设施 {line} 停之前先停它供的生产线", line=line)] * count
        yield _gather("link", row, option, value, [0] * count, names)


def write_nesting(problem: Problem, v: int) -> Rows:
    """No line milder at level v + 1 than at level v; the options of level v begin at ``v`` times their number."""
    size = np.diff(problem.start)
    count = np.maximum(size - 1, 0)
    line = np.repeat(np.arange(len(size)), count)
    step = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count) + 1
    inside = size[line] - step
    row = np.repeat(np.arange(len(line)), inside)
    within = np.arange(len(row)) - np.repeat(np.cumsum(inside) - inside, inside)
    option = np.repeat(problem.start[line] + step, inside) + within
    options = len(problem.loss)
    names = [say("级别越高措施越严")] * len(line)
    return _gather(
        "nesting",
        np.concatenate([row, row]),
        np.concatenate([option + v * options, option + (v + 1) * options]),
        np.repeat(np.array([-1, 1]), len(row)),
        [0] * len(line),
        names,
    )
