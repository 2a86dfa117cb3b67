"""One cover solved: how far its rows can be reached, then the least cost there, with prices, bound and answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from muheng.emergency.plan.branching import Answer, branch
from muheng.emergency.plan.choice import Floats, Indices, choose
from muheng.emergency.plan.cover import Cover, find_possible, find_uncovered
from muheng.emergency.plan.prices import Point, Points, decide, find_prices
from muheng.emergency.plan.shortfall import reach

_SMALL = 4000
"""Choices up to which the integer program is tried."""
_TRIED = 200
"""Nodes of the tree before it."""
_NODES = 2000
"""Of the integer program."""


@dataclass(frozen=True, eq=False)
class Least:
    chosen: Indices
    cost: float
    bound: float
    """No answer that misses no more than ``short`` costs less."""
    prices: Floats
    """What the last unit (of the cover's scale) of each row costs."""
    short: tuple[Fraction, ...]


def find_least(
    cover: Cover,
    gap: float,
    known: Indices | None = None,
    begin: Floats | None = None,
    most_nodes: int | None = None,
) -> Least:
    """``known``: an answer that misses nothing; ``begin``: prices to begin with; ``most_nodes``: of the tree of a large
    city, where it is not to take long."""
    binding = find_uncovered(cover)
    prices = np.zeros(len(cover.need))
    short = [Fraction(0)] * len(cover.need)
    if not binding.any():
        chosen = _choose_cheapest(cover)
        cost = float(cover.cost[chosen].sum())
        return Least(chosen, cost, cost, prices, tuple(short))
    asked = cover.keep_rows(binding)
    if known is None:
        found = reach(asked)
        known = found.chosen
        if found.missed:
            asked = asked.ask([row.need - miss for row, miss in zip(asked.rows, found.short, strict=True)])
            for k, miss in zip(np.flatnonzero(binding), found.short, strict=True):
                short[k] = miss
    possible = find_possible(asked)
    place = np.flatnonzero(possible)
    asked = asked.keep_choices(possible)
    known = np.searchsorted(place, known)
    root, points = find_prices(asked, None if begin is None else begin[binding])
    answer = _branch(asked, root, points, known, gap, most_nodes)
    prices[binding] = root.prices
    return Least(place[answer.chosen], answer.cost, answer.bound, prices, tuple(short))


def _branch(
    cover: Cover, root: Point, points: Points, known: Indices, gap: float, most_nodes: int | None
) -> Answer:
    """The tree; in small cities the integer program too, since many lines alike keep the tree from proving anything."""
    if len(cover.cost) > _SMALL:
        limit = {} if most_nodes is None else {"most_nodes": most_nodes}
        return branch(cover, root, points, known, gap, **limit)
    answer = branch(cover, root, points, known, gap, most_nodes=_TRIED)
    if answer.bound * (1 + gap) >= answer.cost:
        return answer
    answer = _program(cover, answer, gap)
    if answer.bound * (1 + gap) >= answer.cost:
        return answer
    further = branch(cover, root, points, answer.chosen, gap)
    return replace(further, bound=max(further.bound, answer.bound))


def _program(cover: Cover, answer: Answer, gap: float) -> Answer:
    """The better of an answer and the integer program's; integers decide whether that is one."""
    found = choose(
        cover.start, cover.cost, cover.cut, cover.need, gap=0.9 * gap, nodes=_NODES, hint=answer.chosen
    )
    if found.options is not None and found.cost < answer.cost and cover.meets(found.options):
        answer = replace(answer, chosen=found.options, cost=found.cost)
    bound = max(answer.bound, found.bound)
    whole = bound > answer.cost - 1 + 1e-9 * answer.cost  # no whole cost lies between
    return replace(answer, bound=answer.cost if whole else bound)


def _choose_cheapest(cover: Cover) -> Indices:
    """The cheapest choice of each line, the mildest of equals."""
    return decide(cover.keep_rows(np.zeros(len(cover.need), bool)), np.zeros(0)).chosen
