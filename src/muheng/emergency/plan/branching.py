"""Branch and bound over lines: prices bound each node, the largest line that they leave undecided is split.

A handful of giants makes most of what prices cannot decide; once they are settled, the many small lines fill any need
closely. Stopped by gap or number of nodes, never by the clock. Costs are integers in floating point, so that an answer
less than one unit above the bound is the best there is.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np

from muheng.emergency.plan.choice import Floats, Indices
from muheng.emergency.plan.cover import Cover
from muheng.emergency.plan.prices import (
    Model,
    Point,
    Points,
    decide,
    first_of_each,
    limit_prices,
    lowest,
    net_costs,
    open_box,
    spread_out,
    worths,
)
from muheng.emergency.plan.rounding import settle, span, unmix

_LARGEST = 600
"""Lines that are looked at first for one to split."""
_MOST_POINTS = 80
"""Points that a node begins with; all nodes share what was tried anywhere."""
_MEMORY = 400
"""Points that are remembered."""
_MOST_STEPS = 30
"""Prices tried in a node."""
_ROUND_EARLY, _ROUND_EVERY = (1, 4, 10), 20
"""Nodes that are rounded, beside those that are nearly settled."""
_WEIGHT = 1e-6
_WORK = 20_000_000
"""Nodes times choices."""
_LEAST_NODES, _MOST_NODES = 60, 64_000
"""Whatever the size; the most for one row, fewer by the square of the rows."""


@dataclass(frozen=True, eq=False)
class Answer:
    """``chosen`` is a choice of each line; no answer costs less than ``bound``."""

    chosen: Indices
    cost: float
    bound: float
    nodes: int


@dataclass(frozen=True, eq=False)
class _Node:
    """Part of all answers: some lines may take only some of their choices."""

    bound: float
    prices: Floats
    allowed: dict[int, Indices]


@dataclass(frozen=True, eq=False)
class _Undecided:
    """A line whose choices are split where their worth at one level's prices passes the mean of the mixture."""

    line: int
    prices: Floats
    mean: float
    apart: float
    """How far the mixture's choices are from it on average."""


@dataclass(frozen=True, eq=False)
class _Mixture:
    """The best prices of a node, and how the points mix there: a fractional answer at the cost of the bound."""

    point: Point
    prices: Floats
    """(points, rows)"""
    weights: Floats


def branch(
    cover: Cover, root: Point, points: Points, known: Indices, gap: float, most_nodes: int = _MOST_NODES
) -> Answer:
    """The best answer within ``gap`` of what is proved, or the best found; ``known`` is an answer to begin with."""
    return _Tree(cover, root, points, known, gap).grow(most_nodes)


class _Tree:
    """The search: open nodes, the best answer, the points that all nodes share."""

    def __init__(self, cover: Cover, root: Point, points: Points, known: Indices, gap: float) -> None:
        self._cover = cover
        self._gap = gap
        self._points = points
        self._model = Model(len(cover.need))
        self._most = limit_prices(cover)
        self._chosen, self._cost = known, float(cover.cost[known].sum())
        self._given_up = np.inf
        """The least bound of what needs no further look."""
        self._open: list[tuple[float, int, _Node]] = []
        self._next: _Node | None = _Node(root.value, root.prices, {})
        self._nodes = self._serial = 0
        worth = worths(cover, root.prices)
        swing = np.maximum.reduceat(worth, cover.start[:-1]) - lowest(cover, worth)
        self._watch(np.sort(np.argsort(-swing, kind="stable")[:_LARGEST]))

    def grow(self, most_nodes: int) -> Answer:
        rows = len(self._cover.need)
        limit = max(_LEAST_NODES, min(_WORK // len(self._cover.cost), _MOST_NODES // rows**2))
        limit = min(limit, most_nodes)
        while self._nodes < limit and not self._hopeless(self._low()):
            node, self._next = self._next or heapq.heappop(self._open)[2], None
            self._nodes += 1
            for child in sorted(self._split(node), key=lambda each: each.bound):
                self._put(child)
        low = self._low()
        bound = self._cost if self._unbeatable(low) else low
        return Answer(self._chosen, self._cost, bound, self._nodes)

    def _low(self) -> float:
        """What is proved so far."""
        low = self._given_up
        if self._open:
            low = min(low, self._open[0][0])
        return min(low, self._next.bound) if self._next else low

    def _hopeless(self, bound: float) -> bool:
        """Whether what costs at least ``bound`` need not be looked for."""
        return bound * (1 + self._gap) >= self._cost or self._unbeatable(bound)

    def _unbeatable(self, bound: float) -> bool:
        """Whether no whole cost lies between the bound and the best answer."""
        return bound > self._cost - 1 + 1e-9 * self._cost

    def _put(self, node: _Node) -> None:
        """Go on with the better child while it promises much, keep the other for later."""
        if self._hopeless(node.bound):
            self._given_up = min(self._given_up, node.bound)
        elif self._next is None and node.bound <= self._low() + 0.3 * (self._cost - self._low()):
            self._next = node
        else:
            self._serial += 1
            heapq.heappush(self._open, (node.bound, self._serial, node))

    def _split(self, node: _Node) -> list[_Node]:
        found = self._price(node)
        value = max(found.point.value, node.bound)
        node = replace(node, bound=value, prices=found.point.prices)
        if self._hopeless(value):
            return [node]
        undecided, left = self._find_undecided(node, found)
        if (
            left <= 0.5 * self._gap * abs(value)
            or self._nodes in _ROUND_EARLY
            or self._nodes % _ROUND_EVERY == 0
        ):
            self._round(node, found)
            if self._hopeless(value):
                return [node]
        if undecided is None:
            return self._split_anyhow(node, found.point)
        inside = self._inside(node, undecided.line)
        worth = undecided.prices @ self._cover.cut[:, inside]
        parts = (inside[worth < undecided.mean], inside[worth >= undecided.mean])
        return [self._narrow(node, undecided.line, part) for part in parts if len(part)]

    def _split_anyhow(self, node: _Node, point: Point) -> list[_Node]:
        """Where prices seem to decide everything: its choice, or any other, of the line nearest a tie."""
        over = net_costs(self._cover, node.prices)
        over[self._ruled_out(node)] = np.inf
        over -= spread_out(self._cover, lowest(self._cover, over))
        over[point.chosen] = np.inf
        margin = lowest(self._cover, over)
        line = int(margin.argmin())
        if not np.isfinite(margin[line]):
            return []  # one answer is left, and it has been looked at
        inside = self._inside(node, line)
        mine = inside == point.chosen[line]
        return [self._narrow(node, line, inside[mine]), self._narrow(node, line, inside[~mine])]

    def _narrow(self, node: _Node, line: int, part: Indices) -> _Node:
        """A child, bounded at the prices of its parent."""
        cover = self._cover

        def least(columns: Indices) -> float:
            return float((cover.cost[columns] - node.prices @ cover.cut[:, columns]).min())

        dearer = least(part) - least(self._inside(node, line))
        return _Node(node.bound + max(dearer, 0.0), node.prices, {**node.allowed, line: part})

    def _inside(self, node: _Node, line: int) -> Indices:
        """The choices that a line may take in a node."""
        every = np.arange(self._cover.start[line], self._cover.start[line + 1])
        return node.allowed.get(line, every)

    def _ruled_out(self, node: _Node) -> Indices:
        if not node.allowed:
            return np.empty(0, np.int64)
        start = self._cover.start
        return np.concatenate(
            [np.setdiff1d(np.arange(start[i], start[i + 1]), inside) for i, inside in node.allowed.items()]
        )

    def _round(self, node: _Node, found: _Mixture) -> None:
        """An answer near the mixture, if it is better than the best; integers decide whether it is one."""
        cover, ruled_out = self._cover, self._ruled_out(node)
        taken = np.array([self._decide(prices, ruled_out) for prices in found.prices])
        chosen = unmix(cover, found.point.prices, taken, found.weights) if len(taken) else found.point.chosen
        slope = cover.need - cover.cut[:, chosen].sum(axis=1)
        point = replace(found.point, chosen=chosen, slope=slope)
        for margin in (0.0, 1e-9):
            answer = settle(cover, point, ruled_out, self._cost - node.bound, margin)
            if answer is None:
                return
            cost = float(cover.cost[answer].sum())
            if cost >= self._cost:
                return
            if cover.meets(answer):
                self._chosen, self._cost = answer, cost
                return

    def _decide(self, prices: Floats, ruled_out: Indices) -> Indices:
        net = net_costs(self._cover, prices)
        net[ruled_out] = np.inf
        return decide(self._cover, prices, net).chosen

    def _price(self, node: _Node) -> _Mixture:
        """The node's best prices, as closely as matters."""
        points = self._recall(node)
        best = int(points.values.argmax())
        value, box = float(points.values[best]), open_box(points.prices[best], self._most)
        scale = max(abs(value), float(box.center.max(initial=0.0)), 1e-12)
        self._model.load(points, scale)
        tolerance = 0.02 * self._gap * abs(value) + 1e-12 * scale
        for _ in range(_MOST_STEPS):
            height, prices, weights = self._model.climb(box.floor, box.ceiling)
            hoped = height - value
            if self._hopeless(value) or (hoped <= tolerance and box.holds_inside(prices)):
                break
            point = self._bind(node, self._try(prices))
            points = points.add(point)
            self._model.add(point)
            gained = point.value - value
            box = box.move(point, gained, hoped)
            value = max(value, point.value)
        else:
            *_, weights = self._model.climb(box.floor, box.ceiling)
        used = np.flatnonzero(weights > _WEIGHT)
        net = net_costs(self._cover, box.center)
        net[self._ruled_out(node)] = np.inf
        point = decide(self._cover, box.center, net)
        return _Mixture(point, points.prices[used], weights[used] / max(float(weights[used].sum()), _WEIGHT))

    def _try(self, prices: Floats) -> Point:
        """A point of the whole, remembered for all nodes."""
        point = decide(self._cover, prices)
        if len(self._points.values) >= _MEMORY:
            self._points = self._points.take(
                np.arange(len(self._points.values) - _MEMORY // 2, len(self._points.values))
            )
        self._points = self._points.add(point)
        return point

    def _bind(self, node: _Node, point: Point) -> Point:
        """The point as it is in the node."""
        points = self._restrict(node, Points(point.prices[None], np.array([point.value]), point.slope[None]))
        return replace(point, value=float(points.values[0]), slope=points.slopes[0])

    def _recall(self, node: _Node) -> Points:
        """The points that say most near the node's prices, as they are in the node."""
        points = self._restrict(node, self._points)
        if len(points.values) > _MOST_POINTS:
            height = points.tops + points.slopes @ node.prices
            points = points.take(np.sort(np.argsort(height, kind="stable")[:_MOST_POINTS]))
        return points

    def _restrict(self, node: _Node, points: Points) -> Points:
        """Only the split lines decide otherwise: value and slope change by what they change."""
        if not node.allowed:
            return points
        cover, values, slopes = self._cover, points.values.copy(), points.slopes.copy()
        every = np.arange(len(values))
        for line, inside in node.allowed.items():
            first, last = cover.start[line], cover.start[line + 1]
            cut = cover.cut[:, first:last]
            net = cover.cost[first:last] - points.prices @ cut
            free = net.argmin(axis=1)
            bound = (inside - first)[net[:, inside - first].argmin(axis=1)]
            values += net[every, bound] - net[every, free]
            slopes -= (cut[:, bound] - cut[:, free]).T
        return Points(points.prices, values, slopes)

    def _watch(self, lines: Indices) -> None:
        """Look at these lines for one to split."""
        counts = self._cover.start[lines + 1] - self._cover.start[lines]
        self._lines = lines
        self._columns = span(self._cover.start[lines], counts)
        self._at = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self._watched = replace(
            self._cover,
            start=self._at,
            cost=self._cover.cost[self._columns],
            cut=np.ascontiguousarray(self._cover.cut[:, self._columns]),
        )

    def _find_undecided(self, node: _Node, found: _Mixture) -> tuple[_Undecided | None, float]:
        """The line that points choose most differently, and what the largest such lines swing."""
        undecided, left = self._find_watched(node, found)
        if undecided is None and len(self._lines) < len(self._cover.start) - 1:
            others = self._find_others(node, found)
            if len(others):
                self._watch(np.union1d(self._lines, others))
                undecided, left = self._find_watched(node, found)
        return undecided, left

    def _find_watched(self, node: _Node, found: _Mixture) -> tuple[_Undecided | None, float]:
        share = self._share(node, found)
        best, left = _Undecided(-1, node.prices, 0.0, 1e-9 * abs(node.bound)), 0.0
        for prices in self._by_level(found.point.prices):
            worth = worths(self._watched, prices)
            mean = np.add.reduceat(share * worth, self._at[:-1])
            off = np.abs(worth - spread_out(self._watched, mean))
            apart = np.add.reduceat(share * off, self._at[:-1])
            place = int(apart.argmax())
            if apart[place] > best.apart:
                best = _Undecided(int(self._lines[place]), prices, float(mean[place]), float(apart[place]))
            swing = np.maximum.reduceat(np.where(share > _WEIGHT, off, 0.0), self._at[:-1])
            left += float(np.sort(swing)[-4 * np.count_nonzero(prices) :].sum())
        return (best if best.line >= 0 else None), left

    def _by_level(self, prices: Floats) -> list[Floats]:
        """The prices of each level, those of the others zero."""
        at = np.array([row.level for row in self._cover.rows])
        return [np.where(at == level, prices, 0.0) for level in self._cover.levels]

    def _share(self, node: _Node, found: _Mixture) -> Floats:
        """The part of each watched choice in the mixture."""
        share = np.zeros(len(self._columns))
        ruled_out = np.isin(self._columns, self._ruled_out(node))
        for prices, weight in zip(found.prices, found.weights, strict=True):
            net = net_costs(self._watched, prices)
            net[ruled_out] = np.inf
            low = spread_out(self._watched, lowest(self._watched, net))
            share[first_of_each(self._watched, np.flatnonzero(net == low))] += weight
        return share

    def _find_others(self, node: _Node, found: _Mixture) -> Indices:
        """Lines not watched that the points of the mixture choose differently."""
        ruled_out = self._ruled_out(node)
        taken = np.array([self._decide(prices, ruled_out) for prices in found.prices])
        return np.flatnonzero((taken != taken[:1]).any(axis=0))
