"""Plans where more than the ratios holds lines together: shares of counties, caps, duties, boilers, order of grades, fairness.

In order: what can be reached, least loss, fairness within its band, fewest changes. **What gives way**: only the ratios, by
the least sum of the parts that are missing. All other rules are kept or, where they contradict each other even without
any ratio, there is no plan: ``Impossible`` names them, and a person decides which of them to give up.

Levels are decided from the middle out; cities small enough are then decided at all levels together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from muheng.documents.message import Message, say
from muheng.emergency.plan.answer import JointFigures, LevelFigures, Plan
from muheng.emergency.plan.changes import count_changes
from muheng.emergency.plan.closure import Impossible, close_nesting, find_allowed
from muheng.emergency.plan.fairness import keep_fair, limit_cost, make_fairer, measure_unfairness
from muheng.emergency.plan.general_changes import go_back
from muheng.emergency.plan.general_model import (
    Choice,
    Extra,
    Floats,
    Mask,
    Places,
    bound_by,
    read_chosen,
    reduce,
    solve_relaxed,
    solve_whole,
)
from muheng.emergency.plan.general_moves import mend_singly
from muheng.emergency.plan.general_rows import (
    RATIOS,
    Rows,
    write_nesting,
    write_rows,
)
from muheng.emergency.plan.general_search import (
    CORE,
    Contradiction,
    Found,
    count_nodes,
    find_cheapest,
    find_core,
    find_first,
    narrow,
    search,
)
from muheng.emergency.plan.problem import LEVEL_NAMES, POLLUTANTS, Integers, Problem

Progress = Callable[[Message], None]

_TOGETHER = 15_000
"""Columns up to which all levels are decided together."""
_FEW, _CLOSE = 100, Fraction(1, 1000)
"""With more lines than these, levels decided together need be no closer to their bound than this."""
_MOST_NAMED = 5


@dataclass(frozen=True, eq=False)
class City:
    """A problem with the choice of each level, its ratios brought down to what can be reached."""

    problem: Problem
    alone: tuple[Choice, ...]
    """What a level may do by itself."""
    nested: tuple[Mask, ...]
    """What of it leaves something to the other levels."""

    @property
    def count(self) -> int:
        return len(self.alone)

    @property
    def weight(self) -> tuple[int, ...]:
        return self.problem.weight or (1,) * self.count

    def between(self, v: int, chosen: dict[int, Places]) -> Choice:
        """Level v between the other levels that are already chosen."""
        allowed = self.nested[v].copy()
        columns = np.arange(len(allowed))
        for other, options in chosen.items():
            edge = options[self.problem.line_of]
            if other < v:
                allowed &= columns >= edge
            elif other > v:
                allowed &= columns <= edge
        return replace(self.alone[v], allowed=allowed)

    def together(self) -> Choice:
        """All levels as one choice: a group for each line at each level."""
        n, m = len(self.problem.lines), len(self.problem.loss)
        rows = [
            replace(block, option=block.option + v * m)
            for v, one in enumerate(self.alone)
            for block in one.rows
        ]
        rows += [write_nesting(self.problem, v) for v in range(self.count - 1)]
        start = np.concatenate([self.problem.start[:-1] + v * m for v in range(self.count)])
        cost = np.concatenate([one.cost * w for one, w in zip(self.alone, self.weight, strict=True)])
        assert len(start) == n * self.count
        return Choice(
            np.concatenate([start, [self.count * m]]),
            cost,
            np.concatenate(self.nested),
            tuple(rows),
        )

    def split(self, columns: Places) -> dict[int, Places]:
        n, m = len(self.problem.lines), len(self.problem.loss)
        return {v: columns[v * n : (v + 1) * n] - v * m for v in range(self.count)}

    def join(self, chosen: dict[int, Places]) -> Places:
        m = len(self.problem.loss)
        return np.concatenate([chosen[v] + v * m for v in range(self.count)])


def solve_general(problem: Problem, gap: Fraction, progress: Progress | None = None) -> Plan:
    tell = progress or (lambda message: None)
    city = open_city(problem)
    found: dict[int, Found] = {}
    for v, level in enumerate(problem.levels):
        tell(say("正在求{level}预警的方案", level=LEVEL_NAMES[level]))
        found[v] = search(city.alone[v], gap)
        if found[v].chosen is None:
            city, known = give_way(city, (v,))
            found[v] = search(city.alone[v], gap, known)
    chosen = nest(city, found, gap)
    if chosen is None:
        together = search(city.together(), gap)
        if together.chosen is None:
            city, known = give_way(open_city(problem), tuple(range(city.count)))
            together = search(city.together(), gap, known)
            found = {v: search(city.alone[v], gap) for v in found}
        if together.chosen is None:
            raise Impossible(say("各项要求无法同时做到。"))
        chosen = city.split(together.chosen)
    bound = sum(w * found[v].bound for v, w in enumerate(city.weight))
    if city.count > 1 and len(problem.loss) * city.count <= _TOGETHER:
        close = max(gap, _CLOSE) if len(problem.lines) > _FEW else gap
        together = search(city.together(), close, city.join(chosen), bound)
        if together.chosen is not None:
            chosen, bound = city.split(together.chosen), together.bound
    budget = {v: city.alone[v].cost_of(chosen[v]) for v in chosen}
    if problem.band is not None and problem.output is not None:
        tell(say("正在使同类企业的损失更接近"))
        budget = {v: floor(cost * (1 + problem.band)) for v, cost in budget.items()}
        for v in range(city.count):
            chosen[v] = make_fairer(problem, city.between(v, chosen), chosen[v], budget[v], gap)
    else:
        budget = {v: max(cost, floor(found[v].bound * (1 + gap))) for v, cost in budget.items()}
    if problem.filed is not None:
        for v in range(city.count):
            choice = city.between(v, chosen)
            rows = [*choice.rows, limit_cost(choice, budget[v])]
            if problem.band is not None and problem.output is not None:
                rows.append(keep_fair(problem, chosen[v]))
            chosen[v] = go_back(replace(choice, rows=tuple(rows)), chosen[v], problem.filed[v])
    return report(city, chosen, found, bound)


def open_city(problem: Problem) -> City:
    charge = problem.loss if problem.charge is None else problem.charge
    start = problem.start.astype(np.intp)
    alone = tuple(
        Choice(start, charge, find_allowed(problem, v), write_rows(problem, v))
        for v in range(len(problem.levels))
    )
    return City(problem, alone, tuple(close_nesting(problem)))


def nest(city: City, found: dict[int, Found], gap: Fraction) -> dict[int, Places] | None:
    """From the middle out, each level between those decided before; None where that leads nowhere."""
    chosen: dict[int, Places] = {}
    middle = city.count // 2
    for v in (middle, *range(middle - 1, -1, -1), *range(middle + 1, city.count)):
        own, choice = found[v].chosen, city.between(v, chosen)
        if own is None or not choice.allowed[own].all():
            if not np.logical_or.reduceat(choice.allowed, choice.start[:-1]).all():
                return None
            own = search(choice, gap, bound=found[v].bound).chosen
            if own is None:
                return None
        chosen[v] = own
    return chosen


def give_way(city: City, levels: tuple[int, ...]) -> tuple[City, Places | None]:
    """The ratios of these levels (nested, if several) brought down to what can be reached beside all other rules.

    With it what reaches that, where it does to the last unit.
    """
    choice = city.alone[levels[0]] if len(levels) == 1 else city.together()
    hard = replace(choice, rows=tuple(block for block in choice.rows if block.rule not in RATIOS))
    try:
        choice = replace(choice, allowed=narrow(hard).allowed)
    except Contradiction as contradiction:
        raise _explain(city, levels, (contradiction.row,)) from None
    chosen = _miss_least(choice, [block.rule in RATIOS for block in choice.rows])
    if chosen is None:
        raise _explain(city, levels, _find_quarrel(choice))
    shorts = choice.shortages(chosen)
    rows = tuple(
        replace(block, least=block.least - _whole_units(block, short)) if block.rule in RATIOS else block
        for block, short in zip(choice.rows, shorts, strict=True)
    )
    known = chosen if replace(choice, rows=rows).keeps(chosen) else None
    relieved = iter(rows)
    alone = list(city.alone)
    for v in levels:
        rows = tuple(replace(block, least=next(relieved).least) for block in alone[v].rows)
        alone[v] = replace(alone[v], rows=rows)
    return replace(city, alone=tuple(alone)), known


def _whole_units(block: Rows, short: Integers) -> Integers:
    """What is missing, in whole units of the (first) pollutant, as a plan states it."""
    unit = next(worth for worth in block.worth if worth)
    return -(-short // unit) * unit


def _miss_least(choice: Choice, soft: list[bool]) -> Places | None:
    """What misses the least of the soft rows, each in parts of its least; None where the others cannot be kept."""
    free = replace(choice, cost=np.zeros_like(choice.cost))
    slack = _slack(choice, soft)
    relaxed = solve_relaxed(free, reduce(free, choice.allowed, find_first(free)), slack)
    if relaxed.values is None:
        return None
    if int(choice.allowed.sum()) - len(choice.start) > 3 * CORE:
        return _miss_little(choice, slack.row, relaxed.extra)
    _, extra = bound_by(free, choice.allowed, relaxed.duals)
    base = find_cheapest(free, extra)
    for size in (CORE, len(choice.cost)):
        reduced = reduce(free, choice.allowed & find_core(free, extra, base, size), base)
        gap = 1e-6 if len(reduced.columns) <= CORE else 1e-3
        whole = solve_whole(free, reduced, gap, count_nodes(len(reduced.columns)), extra=slack)
        if whole.values is not None:
            return read_chosen(free, reduced, whole.values)
    return None


def _miss_little(choice: Choice, soft: Places, missing: Floats) -> Places | None:
    """In a large city: what is missing at the least where lines are cut in part, and as little more as whole options need."""
    scale, sizes = choice.matrix.scale, [len(block.least) for block in choice.rows]
    ends = np.cumsum(sizes)[:-1]
    for step in range(6):
        more = np.zeros(len(scale))
        least = np.abs(choice.matrix.least[soft])
        spare = 0.002 * 2.0**step * least
        more[soft] = np.where((missing > 1e-9) | (step > 0), missing + spare, 0.0)
        shares = np.split(np.ceil(more * scale).astype(np.int64), ends)
        rows = tuple(
            replace(block, least=block.least - short)
            for block, short in zip(choice.rows, shares, strict=True)
        )
        found = search(replace(choice, rows=rows), Fraction(1, 100)).chosen
        if found is not None:
            return mend_singly(choice, found)
    return None


def _slack(choice: Choice, soft: list[bool]) -> Extra:
    """A column for each soft row that makes up for what is missing of it, at a price of one for the whole."""
    sizes = [len(block.least) for block in choice.rows]
    rows = np.flatnonzero(np.repeat(soft, sizes))
    least = np.abs(choice.matrix.least[rows])
    price = 1.0 / np.where(least > 0, least, 1.0)
    return Extra(price, rows, np.arange(len(rows)), np.ones(len(rows)))


def _find_quarrel(choice: Choice) -> tuple[Message, ...]:
    """Rules that would have to give way for the rest to be kept."""
    chosen = _miss_least(choice, [True] * len(choice.rows))
    if chosen is None:
        return ()
    return tuple(
        block.names[r]
        for block, short in zip(choice.rows, choice.shortages(chosen), strict=True)
        if block.rule not in RATIOS
        for r in np.flatnonzero(short).tolist()
    )


def _explain(city: City, levels: tuple[int, ...], rules: tuple[Message, ...]) -> Impossible:
    level = say("各级") if len(levels) > 1 else LEVEL_NAMES[city.problem.levels[levels[0]]]
    if not rules:
        return Impossible(say("{level}预警：各项要求无法同时做到。", level=level))
    listed = rules[-1]
    for rule in reversed(rules[: _MOST_NAMED - 1]):
        if rule is not listed:
            listed = say("{first}；{rest}", first=rule, rest=listed)
    what = say("{level}预警：即使不要求减排比例，也做不到：{rules}。", level=level, rules=listed)
    return Impossible(what, say("请放宽其中一项，再求方案。"))


def report(city: City, chosen: dict[int, Places], found: dict[int, Found], bound: int) -> Plan:
    problem = city.problem
    figures = []
    for v, level in enumerate(problem.levels):
        options = chosen[v]
        cost = city.alone[v].cost_of(options)
        low = min(found[v].bound, cost)
        cut = [sum(problem.reduction[options, p].tolist()) for p in range(len(POLLUTANTS))]
        figures.append(
            LevelFigures(
                level=level,
                loss=sum(problem.loss[options].tolist()),
                bound=low,
                gap=_part(cost - low, low),
                reductions=(cut[0], cut[1], cut[2], cut[3]),
                shortfall=_shortfall(problem, v, cut),
                prices=_prices(city.alone[v], found[v].duals, problem),
            )
        )
    total = sum(w * city.alone[v].cost_of(chosen[v]) for v, w in enumerate(city.weight))
    bound = min(bound, total)
    joint = JointFigures(total, bound, _part(total - bound, bound)) if city.count > 1 else None
    stacked = np.stack([chosen[v] for v in range(city.count)]).astype(np.int32)
    unfairness: tuple[float, ...] = ()
    if problem.band is not None and problem.output is not None:
        unfairness = tuple(measure_unfairness(problem, options) for options in stacked)
    return Plan(problem, stacked, tuple(figures), joint, unfairness, count_changes(problem, stacked))


def _part(more: int, of: int) -> float:
    return 0.0 if more <= 0 else more / of if of > 0 else float("inf")


def _shortfall(problem: Problem, v: int, cut: list[int]) -> tuple[int, int, int, int]:
    """What is missing of each need; pooled, the sum's lack as SO2."""
    short = [max(0, int(problem.need[v, p]) - cut[p]) for p in range(len(POLLUTANTS))]
    if problem.pool is not None:
        first, second = problem.pool.base
        lack = problem.pool.need[v] - Fraction(cut[0], first) - Fraction(cut[1], second)
        short[:2] = [max(0, ceil(lack * first)), 0]
    return short[0], short[1], short[2], short[3]


def _prices(choice: Choice, duals: Floats, problem: Problem) -> tuple[float, float, float, float]:
    """Yuan for a kilogram of each pollutant: what its ratio's row costs by the unit."""
    found = np.zeros(len(POLLUTANTS))
    before = 0
    for block in choice.rows:
        if block.rule in RATIOS:
            unit = float(duals[before]) * choice.unit / float(choice.matrix.scale[before])
            found += unit * np.array(block.worth, np.float64)
        before += len(block.least)
    so2, nox, pm, voc = (found * 10.0 ** (problem.mass_digits - problem.money_digits)).tolist()
    return so2, nox, pm, voc
