"""How far the ratios can be reached: the least sum, over rows, of the missing part of the need.

Most lines settle it alone, since what cuts most of one pollutant mostly cuts most of all; the others are priced, and an
integer program decides those nearest a tie. What an answer misses is measured in integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from muheng.emergency.plan.choice import Floats, Indices, choose
from muheng.emergency.plan.cover import Cover, Mask
from muheng.emergency.plan.prices import decide, find_prices, lowest, net_costs, spread_out
from muheng.emergency.plan.rounding import span

_LARGEST = 1500
"""Lines whose choice the integer program may change."""
_NODES = 2000


@dataclass(frozen=True, eq=False)
class Reach:
    """An answer that misses as little as possible, and what it misses of each row."""

    chosen: Indices
    short: tuple[Fraction, ...]

    @property
    def missed(self) -> bool:
        return any(self.short)


def reach(cover: Cover) -> Reach:
    """What can be reached, whatever it costs."""
    free = replace(cover, cost=np.zeros(len(cover.cost)))
    alike = np.ones(len(cover.need))
    first = _measure(cover, decide(free, alike).chosen)
    if not first.missed:
        return first
    kept = _keep_strongest(free)
    free, place = free.keep_choices(kept), np.flatnonzero(kept)
    best, _ = find_prices(free, most=alike)
    found = [first, _measure(cover, place[best.chosen])]
    for prices in (best.prices, alike):
        found.append(_measure(cover, place[_decide_together(free, prices)]))
        if not found[-1].missed:
            break
    return min(found, key=lambda each: _add_parts(cover, each))


def _measure(cover: Cover, chosen: Indices) -> Reach:
    missing = [row.need - found for row, found in zip(cover.rows, cover.measure(chosen), strict=True)]
    return Reach(chosen, tuple(max(miss, Fraction(0)) for miss in missing))


def _add_parts(cover: Cover, found: Reach) -> float:
    return float(sum(float(short) / scale for short, scale in zip(found.short, cover.scale, strict=True)))


def _keep_strongest(free: Cover) -> Mask:
    """Where a line has a choice that cuts most in every row, only that."""
    full = np.ones(len(free.cost), bool)
    for row in free.cut:
        full &= row >= spread_out(free, np.maximum.reduceat(row, free.start[:-1]))
    some = np.logical_or.reduceat(full, free.start[:-1])
    return np.asarray(full | np.repeat(~some, np.diff(free.start)))


def _decide_together(free: Cover, prices: Floats) -> Indices:
    """What lines decide at the prices, those nearest a tie decided again together."""
    point = decide(free, prices)
    over = net_costs(free, prices)
    over -= spread_out(free, lowest(free, over))
    over[point.chosen] = np.inf
    margin = lowest(free, over)
    count = min(_LARGEST, int(np.isfinite(margin).sum()))
    chosen = point.chosen.copy()
    if not count:
        return chosen
    lines = np.sort(np.argpartition(margin, count - 1)[:count])
    counts = free.start[lines + 1] - free.start[lines]
    columns = span(free.start[lines], counts)
    cut = free.cut[:, columns]
    found = choose(
        np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        np.zeros(len(columns)),
        cut,
        point.slope + free.cut[:, chosen[lines]].sum(axis=1),
        gap=1e-6,
        nodes=_NODES,
        elastic=np.ones(len(cut)),
        hint=np.searchsorted(columns, chosen[lines]),
    )
    if found.options is not None:
        chosen[lines] = columns[found.options]
    return chosen
