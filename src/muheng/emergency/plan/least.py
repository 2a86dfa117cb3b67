"""One cover solved: how far its rows can be reached, then the least cost there, with prices, bound and answer."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from muheng.emergency.plan.branching import branch
from muheng.emergency.plan.choice import Floats, Indices
from muheng.emergency.plan.cover import Cover, find_possible, find_uncovered
from muheng.emergency.plan.prices import decide, find_prices
from muheng.emergency.plan.shortfall import reach


@dataclass(frozen=True, eq=False)
class Least:
    chosen: Indices
    cost: float
    bound: float
    """No answer that misses no more than ``short`` costs less."""
    prices: Floats
    """What the last unit (of the cover's scale) of each row costs."""
    short: tuple[Fraction, ...]


def find_least(cover: Cover, gap: float, known: Indices | None = None, begin: Floats | None = None) -> Least:
    """``known``: an answer that misses nothing; ``begin``: prices to begin with."""
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
    answer = branch(asked, root, points, known, gap)
    prices[binding] = root.prices
    return Least(place[answer.chosen], answer.cost, answer.bound, prices, tuple(short))


def _choose_cheapest(cover: Cover) -> Indices:
    """The cheapest choice of each line, the mildest of equals."""
    return decide(cover.keep_rows(np.zeros(len(cover.need), bool)), np.zeros(0)).chosen
