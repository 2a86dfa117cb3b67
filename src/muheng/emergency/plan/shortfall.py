"""How far the ratios can be reached: the least sum, over rows, of the missing part of the need.

Lines settle most of it alone, since what cuts most of one pollutant mostly cuts most of all; only where it does not, an
integer program decides. What an answer misses is measured in integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from muheng.emergency.plan.choice import Indices, choose
from muheng.emergency.plan.cover import Cover
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
    found = _measure(cover, decide(_free(cover), np.ones(len(cover.need))).chosen)
    if not found.missed:
        return found
    free = _free(cover)
    best, _ = find_prices(free, most=np.ones(len(cover.need)))
    for chosen in (best.chosen, _complete(free, best.prices)):
        other = _measure(cover, chosen)
        found = min(found, other, key=lambda each: _parts(cover, each))
    return found


def _free(cover: Cover) -> Cover:
    from dataclasses import replace

    return replace(cover, cost=np.zeros(len(cover.cost)))


def _measure(cover: Cover, chosen: Indices) -> Reach:
    missing = [row.need - found for row, found in zip(cover.rows, cover.measure(chosen), strict=True)]
    return Reach(chosen, tuple(max(miss, Fraction(0)) for miss in missing))


def _parts(cover: Cover, found: Reach) -> float:
    return float(sum(float(short) / scale for short, scale in zip(found.short, cover.scale, strict=True)))


def _complete(free: Cover, prices: np.ndarray) -> Indices:
    """The choices of the lines nearest a tie, decided together."""
    point = decide(free, prices)
    over = net_costs(free, prices)
    over -= spread_out(free, lowest(free, over))
    undecided = _conflicting(free)
    over[point.chosen] = np.inf
    margin = np.where(undecided, lowest(free, over), np.inf)
    count = min(_LARGEST, int(np.isfinite(margin).sum()))
    chosen = point.chosen.copy()
    if not count:
        return chosen
    lines = np.sort(np.argpartition(margin, count - 1)[:count])
    counts = free.start[lines + 1] - free.start[lines]
    columns = span(free.start[lines], counts)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    need = point.slope + free.cut[:, chosen[lines]].sum(axis=1)
    hint = np.searchsorted(columns, chosen[lines])
    found = choose(
        start,
        np.zeros(len(columns)),
        free.cut[:, columns],
        need,
        gap=1e-6,
        nodes=_NODES,
        elastic=np.ones(len(need)),
        hint=hint,
    )
    if found.options is not None:
        chosen[lines] = columns[found.options]
    return chosen


def _conflicting(free: Cover) -> np.ndarray:
    """Lines that have no choice cutting most of every row."""
    full = np.ones(len(free.cost), bool)
    for row in free.cut:
        full &= row >= spread_out(free, np.maximum.reduceat(row, free.start[:-1]))
    return ~np.logical_or.reduceat(full, free.start[:-1])
