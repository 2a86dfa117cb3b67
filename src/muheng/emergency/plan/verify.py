"""The independent check of a plan: from the problem and the options chosen alone, in integers and fractions.

It shares no code with what makes plans and believes none of their figures; it recomputes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.problem import POLLUTANTS, Problem

_MOST_SHOWN = 20


@dataclass(frozen=True)
class Breach:
    """Something that a plan may not do; ``lines`` are the first of those concerned."""

    level: str
    what: Message
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sums:
    """What the options chosen come to at one level, in the problem's units."""

    loss: int
    charge: int
    reductions: tuple[int, int, int, int]


def add_up(problem: Problem, chosen: NDArray[np.int32]) -> tuple[Sums, ...]:
    """The sums of each level, exactly: whatever the sizes, as Python integers where 64 bits might not do."""
    charge = problem.loss if problem.charge is None else problem.charge
    found = []
    for row in chosen:
        so2, nox, pm, voc = (_sum(problem.reduction[row, p]) for p in range(len(POLLUTANTS)))
        found.append(Sums(_sum(problem.loss[row]), _sum(charge[row]), (so2, nox, pm, voc)))
    return tuple(found)


def verify(plan: Plan) -> tuple[Breach, ...]:
    """Everything that is wrong with a plan; nothing where it keeps what it says.

    Where a level says that its ratios cannot be reached, its cuts must come up to the need less the shortfall.
    """
    problem, chosen = plan.problem, plan.chosen
    if chosen.shape != (len(problem.levels), len(problem.lines)):
        return (Breach("", say("方案的行数与级别数与清单不符。")),)
    if found := tuple(_foreign(problem, chosen)):
        return found
    sums = add_up(problem, chosen)
    return (
        *_unnested(problem, chosen),
        *_unmet(plan, sums),
        *_misstated(plan, sums),
        *_beyond_caps(problem, chosen),
        *_undelivered(problem, chosen),
        *_unlinked(problem, chosen),
        *_misgraded(problem, chosen),
    )


def _sum(values: NDArray[np.int64]) -> int:
    most = int(np.abs(values).max(initial=0))
    if most * max(len(values), 1) < 2**62:
        return int(values.sum())
    return sum(values.tolist())


def _names(problem: Problem, lines: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(problem.lines.gather(lines[:_MOST_SHOWN]).to_list())


def _foreign(problem: Problem, chosen: NDArray[np.int32]) -> Iterator[Breach]:
    """Options of other lines, and such as may not be chosen."""
    for v, level in enumerate(problem.levels):
        row = chosen[v]
        outside = (row < problem.start[:-1]) | (row >= problem.start[1:])
        if outside.any():
            lines = np.flatnonzero(outside)
            what = say("{count} 条生产线取了不属于自己的措施。", count=len(lines))
            yield Breach(level, what, _names(problem, lines))
        elif problem.permitted is not None and not problem.permitted[v, row].all():
            lines = np.flatnonzero(~problem.permitted[v, row])
            what = say("{count} 条生产线取了本级不允许的措施。", count=len(lines))
            yield Breach(level, what, _names(problem, lines))


def _unnested(problem: Problem, chosen: NDArray[np.int32]) -> Iterator[Breach]:
    for v in range(1, len(chosen)):
        lines = np.flatnonzero(chosen[v] < chosen[v - 1])
        if len(lines):
            what = say("{count} 条生产线的措施比低一级时还松。", count=len(lines))
            yield Breach(problem.levels[v], what, _names(problem, lines))


def _unmet(plan: Plan, sums: tuple[Sums, ...]) -> Iterator[Breach]:
    problem = plan.problem
    for v, (figures, found) in enumerate(zip(plan.levels, sums, strict=True)):
        pooled = problem.pool is not None
        for p, pollutant in enumerate(POLLUTANTS):
            if pooled and p < 2:
                continue
            due = int(problem.need[v, p]) - figures.shortfall[p]
            if found.reductions[p] < due:
                what = say(
                    "{pollutant} 只减 {found}，应减 {due}。",
                    pollutant=pollutant,
                    found=found.reductions[p],
                    due=due,
                )
                yield Breach(figures.level, what)
        if problem.pool is not None:
            cut = sum(
                (Fraction(found.reductions[p] + figures.shortfall[p], problem.pool.base[p]) for p in (0, 1)),
                Fraction(0),
            )
            if cut < problem.pool.need[v]:
                yield Breach(figures.level, say("SO2 与 NOx 减排比例之和低于要求。"))
        if problem.county_need is not None and figures.feasible:
            for c, county in enumerate(problem.counties.names):
                rows = plan.chosen[v][problem.counties.codes == c]
                for p, pollutant in enumerate(POLLUTANTS):
                    if _sum(problem.reduction[rows, p]) < int(problem.county_need[v, c, p]):
                        what = say(
                            "{county} 的 {pollutant} 未达到最低份额。", county=county, pollutant=pollutant
                        )
                        yield Breach(figures.level, what)


def _misstated(plan: Plan, sums: tuple[Sums, ...]) -> Iterator[Breach]:
    """Figures that are not what the options come to, or a bound above what was reached."""
    for figures, found in zip(plan.levels, sums, strict=True):
        if figures.loss != found.loss or figures.reductions != found.reductions:
            yield Breach(figures.level, say("方案写明的损失或减排量与逐条相加不符。"))
        if figures.bound > found.charge:
            yield Breach(figures.level, say("方案的下界高于方案本身。"))
    if plan.joint is not None:
        weight = plan.problem.weight or (1,) * len(sums)
        total = sum(w * found.charge for w, found in zip(weight, sums, strict=True))
        if plan.joint.loss != total or plan.joint.bound > total:
            yield Breach("", say("各级合计的损失或下界与逐条相加不符。"))


def _beyond_caps(problem: Problem, chosen: NDArray[np.int32]) -> Iterator[Breach]:
    if problem.firm_cap is None:
        return
    for v, level in enumerate(problem.levels):
        mildest = _mildest(problem, v)
        extra = np.zeros(len(problem.firms.names), np.int64)
        np.add.at(extra, problem.firms.codes, problem.loss[chosen[v]] - problem.loss[mildest])
        over = np.flatnonzero(extra > problem.firm_cap)
        if len(over):
            what = say("{count} 家企业的损失超过每家上限。", count=len(over))
            yield Breach(level, what, tuple(problem.firms.names[f] for f in over[:_MOST_SHOWN]))


def _undelivered(problem: Problem, chosen: NDArray[np.int32]) -> Iterator[Breach]:
    for demand in problem.demands:
        lines = problem.line_of[demand.options]
        for v, level in enumerate(problem.levels):
            taken = chosen[v, lines] == demand.options
            if _sum(demand.output[taken]) < demand.least[v]:
                yield Breach(level, say("“{name}”低于最低要求。", name=demand.name))


def _unlinked(problem: Problem, chosen: NDArray[np.int32]) -> Iterator[Breach]:
    for link in problem.links:
        for v, level in enumerate(problem.levels):
            if chosen[v, link.line] - problem.start[link.line] < link.limit:
                continue
            running = [line for line in link.served if chosen[v, line] < _strictest(problem, v, line)]
            if running:
                what = say("公用设施停了，而靠它生产的 {count} 条生产线没有停。", count=len(running))
                yield Breach(level, what, _names(problem, np.array([link.line, *running])))


def _misgraded(problem: Problem, chosen: NDArray[np.int32]) -> Iterator[Breach]:
    """In an industry, the part of the output that a grade gives up: firms' losses over their lines' firms' output."""
    if not problem.grade_order or problem.output is None:
        return
    for v, level in enumerate(problem.levels):
        shares: dict[tuple[int, int], Fraction] = {}
        for key, lines in _groups(problem).items():
            output = sum(int(problem.output[f]) for f in set(problem.firms.codes[lines].tolist()))
            if output:
                shares[key] = Fraction(_sum(problem.loss[chosen[v][lines]]), output)
        for (industry, grade), share in shares.items():
            worse = [s for (i, g), s in shares.items() if i == industry and g > grade]
            if worse and share > min(worse):
                what = say(
                    "{industry} {grade} 级企业比更差等级的企业减得更多。",
                    industry=problem.industries.names[industry],
                    grade=problem.grades.names[grade],
                )
                yield Breach(level, what)


def _groups(problem: Problem) -> dict[tuple[int, int], NDArray[np.intp]]:
    key = problem.industries.codes.astype(np.int64) * len(problem.grades.names) + problem.grades.codes
    return {
        (int(k) // len(problem.grades.names), int(k) % len(problem.grades.names)): np.flatnonzero(key == k)
        for k in np.unique(key)
    }


def _mildest(problem: Problem, v: int) -> NDArray[np.int64]:
    if problem.permitted is None:
        return problem.start[:-1]
    allowed = np.flatnonzero(problem.permitted[v])
    lines = problem.line_of[allowed]
    return allowed[np.r_[True, lines[1:] != lines[:-1]]]


def _strictest(problem: Problem, v: int, line: int) -> int:
    options = np.arange(problem.start[line], problem.start[line + 1])
    if problem.permitted is not None:
        options = options[problem.permitted[v, options]]
    return int(options[-1])
