"""From what lines decide at prices to an answer that covers every row: exchanges of one or two lines near a tie.

Each exchange is the best of all pairs under a penalty on what is uncovered; the penalty rises until everything is covered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from muheng.emergency.plan.choice import Floats, Indices
from muheng.emergency.plan.cover import Cover
from muheng.emergency.plan.prices import Point, lowest, net_costs, spread_out, worths

_NEAREST = 120
"""Lines nearest a tie that may change, and as many again that change most for what they cost."""
_MOVES = 120
_PENALTIES = (0.5, 1.0, 3.0, 10.0, 100.0)
_MOST_EXCHANGES = 40
"""At each penalty."""
_HAIR = 1e-11
"""What may seem to be missing and not be: integers decide later."""


@dataclass(frozen=True, eq=False)
class _Near:
    """Choices of lines near a tie; ``line`` numbers these lines, ``now`` is the place of the choice of each."""

    columns: Indices
    line: Indices
    now: Indices
    extra: Floats
    """By how much each is dearer at the prices than its line's cheapest."""
    cut: Floats
    """(choices, rows)"""


def settle(
    cover: Cover, point: Point, ruled_out: Indices, room: float, margin: float = 0.0
) -> Indices | None:
    """An answer near what lines decide at a point, or None.

    ``ruled_out``: choices that may not be taken (``point`` takes none of them). ``room``: choices that are dearer than
    this at the prices are not looked at. ``margin``: part of the needs to be covered beyond them.
    """
    net = net_costs(cover, point.prices)
    net[ruled_out] = np.inf
    over = net - spread_out(cover, lowest(cover, net))
    near = _look_near(cover, point, over, room)
    short = point.slope + margin * np.abs(cover.need)
    best: tuple[float, Indices] | None = None
    for value, left, now in _exchange(near, short, point.prices):
        if bool((left <= _HAIR).all()) and (best is None or value < best[0]):
            best = (value, now.copy())
    if best is None:
        return None
    answer = point.chosen.copy()
    if len(near.columns):
        owner = np.searchsorted(cover.start, near.columns, side="right") - 1
        answer[owner[best[1]]] = near.columns[best[1]]
    return answer


def unmix(cover: Cover, prices: Floats, taken: Indices, weights: Floats) -> Indices:
    """One answer for a mixture of answers: each line takes what one of them takes, so that all stay near the mixture.

    ``taken``: (answers, lines). The largest go first, and what they leave over or short, the smaller make up for.
    """
    chosen: Indices = taken[int(weights.argmax())].copy()
    lines = np.flatnonzero((taken != taken[:1]).any(axis=0))
    if not len(lines):
        return chosen
    floor = np.maximum(prices, 1e-3 * float(prices.max(initial=0.0)) + 1e-300)
    worth = cover.cut[:, taken[:, lines]] * floor[:, None, None]
    apart = worth - np.einsum("pal,a->pl", worth, weights)[:, None, :]
    order = np.argsort(-np.abs(apart).sum(axis=(0, 1)), kind="stable")
    steps = np.ascontiguousarray(apart.transpose(2, 1, 0)[order])
    off = np.zeros(len(prices))
    pick = np.empty(len(order), np.int64)
    for k, step in enumerate(steps):
        reached = step + off
        best = int(np.einsum("ap,ap->a", reached, reached).argmin())
        pick[k], off = best, reached[best]
    lines = lines[order]
    chosen[lines] = taken[pick, lines]
    return chosen


def _look_near(cover: Cover, point: Point, over: Floats, room: float) -> _Near:
    second = over.copy()
    second[point.chosen] = np.inf
    margin = lowest(cover, second)
    worth = worths(cover, point.prices)
    step = np.abs(worth - spread_out(cover, worth[point.chosen]))
    largest = max(float(step.max(initial=0.0)), 1e-9)
    rate = lowest(cover, np.where(second <= room, second / np.maximum(step, 1e-9 * largest), np.inf))
    lines = np.union1d(_least(margin, room), _least(rate, np.finfo(float).max))
    counts = cover.start[lines + 1] - cover.start[lines]
    columns = span(cover.start[lines], counts)
    line = np.repeat(np.arange(len(lines)), counts)
    kept = (over[columns] <= room) & np.isfinite(over[columns]) | (columns == point.chosen[lines][line])
    columns, line = columns[kept], line[kept]
    now = np.flatnonzero(columns == point.chosen[lines][line])
    return _Near(columns, line, now, over[columns], cover.cut[:, columns].T)


def span(first: Indices, counts: Indices) -> Indices:
    """``first[i], first[i] + 1, …``, ``counts[i]`` of them, one after the other."""
    before = np.cumsum(counts) - counts
    return np.repeat(first - before, counts) + np.arange(int(counts.sum()))


def _least(values: Floats, limit: float) -> Indices:
    count = min(_NEAREST, int((values <= limit).sum()))
    return np.argpartition(values, count - 1)[:count] if count else np.empty(0, np.int64)


def _exchange(near: _Near, short: Floats, prices: Floats) -> Iterator[tuple[float, Floats, Indices]]:
    """Value beyond the bound, what is left uncovered, and the choices, after each exchange."""
    floor = np.maximum(prices, 1e-3 * float(prices.max(initial=0.0)) + 1e-300)
    now, spent = near.now.copy(), 0.0
    yield spent - float(prices @ short), short, now
    if not len(near.columns):
        return
    for penalty in _PENALTIES:
        for _ in range(_MOST_EXCHANGES):
            taken = _find_best(near, now, short, prices, floor * penalty)
            if taken is None:
                break
            for column in taken:
                line = near.line[column]
                short = short - (near.cut[column] - near.cut[now[line]])
                spent += float(near.extra[column] - near.extra[now[line]])
                now[line] = column
            yield spent - float(prices @ short), short, now


def _find_best(
    near: _Near, now: Indices, short: Floats, prices: Floats, penalty: Floats
) -> tuple[int, ...] | None:
    """The one or two moves that lower the burden most."""

    def burden(left: Floats) -> Floats:
        return np.asarray(np.maximum(-left, 0.0) @ prices + np.maximum(left, 0.0) @ penalty)

    moves = np.flatnonzero(now[near.line] != np.arange(len(near.columns)))
    if not len(moves):
        return None
    before = now[near.line[moves]]
    step, price = near.cut[moves] - near.cut[before], near.extra[moves] - near.extra[before]
    here = float(burden(short))
    single = price + burden(short - step)
    one = int(single.argmin())
    kept = np.arange(len(moves))
    if len(moves) > _MOVES:
        kept = np.sort(np.argsort(single, kind="stable")[:_MOVES])
    a, b = np.triu_indices(len(kept), 1)
    a, b = kept[a], kept[b]
    apart = near.line[moves[a]] != near.line[moves[b]]
    a, b = a[apart], b[apart]
    best = float(single[one])
    taken: tuple[int, ...] = (int(moves[one]),)
    if len(a):
        double = price[a] + price[b] + burden(short - step[a] - step[b])
        two = int(double.argmin())
        if double[two] < best:
            best, taken = float(double[two]), (int(moves[a[two]]), int(moves[b[two]]))
    return taken if best < here - 1e-12 * abs(here) else None
