"""Prices for what has to be covered: with them each line decides alone, and what it then costs is a proven bound.

The bound is greatest at the right prices; they are found by cutting planes inside a box around the best prices so far.
Whole answers are not made here: lines that decide alone seldom add up to the needs exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from muheng.emergency.plan.choice import Floats, Indices, make_solver
from muheng.emergency.plan.cover import Cover

_MOST_STEPS = 60
"""For each row."""
_RAISES = 4
"""Times a thousand: rows are in units of their needs, so that prices are seldom above all costs together."""
_HIGHEST = 1e6
"""Times all costs together: prices beyond say only that floating point sees a need that cannot be covered."""
_DOUBT = 1e-13
"""Part of the sums by which a bound is lowered, more than floating point can have raised it."""


@dataclass(frozen=True, eq=False)
class Point:
    """What lines decide at some prices: no answer that covers the rows costs less than ``value``."""

    prices: Floats
    value: float
    slope: Floats
    """What is left uncovered of each row."""
    chosen: Indices


@dataclass(frozen=True, eq=False)
class Points:
    """Many points, without what is chosen at each."""

    prices: Floats
    """(points, rows)"""
    values: Floats
    slopes: Floats

    def add(self, point: Point) -> Points:
        return Points(
            np.vstack([self.prices, point.prices]),
            np.append(self.values, point.value),
            np.vstack([self.slopes, point.slope]),
        )

    def take(self, which: Indices) -> Points:
        return Points(self.prices[which], self.values[which], self.slopes[which])

    @property
    def tops(self) -> Floats:
        """What each point allows the bound to be at prices of zero."""
        return np.asarray(self.values - np.einsum("ij,ij->i", self.slopes, self.prices))


def worths(cover: Cover, prices: Floats) -> Floats:
    """What the cuts of each choice are worth: not by BLAS, whose threads get into each other's way on a busy machine."""
    return np.asarray(np.einsum("p,pm->m", prices, cover.cut))


def net_costs(cover: Cover, prices: Floats) -> Floats:
    """What each choice costs less what its cuts are worth."""
    worth = worths(cover, prices)
    return np.subtract(cover.cost, worth, out=worth)


def lowest(cover: Cover, values: Floats) -> Floats:
    """The least value of each line."""
    return np.asarray(np.minimum.reduceat(values, cover.start[:-1]))


def spread_out(cover: Cover, values: Floats) -> Floats:
    """A value of each line, at each of its choices."""
    return np.repeat(values, np.diff(cover.start))


def first_of_each(cover: Cover, columns: Indices) -> Indices:
    """The first of the ascending columns of each line; each line has one."""
    if len(columns) == len(cover.start) - 1:
        return columns
    line = np.searchsorted(cover.start, columns, side="right")
    return np.asarray(columns[np.concatenate([[True], line[1:] != line[:-1]])])


def decide(cover: Cover, prices: Floats, net: Floats | None = None) -> Point:
    """The cheapest choice of each line, the mildest of equals; ``net``: net costs, where some choices are ruled out."""
    net = net_costs(cover, prices) if net is None else net
    low = lowest(cover, net)
    chosen = first_of_each(cover, np.flatnonzero(net == spread_out(cover, low)))
    slope = cover.need - np.array([row.take(chosen).sum() for row in cover.cut])
    own, worth = float(low.sum()), float(prices @ cover.need)
    value = own + worth - _DOUBT * (abs(own) + abs(worth))
    return Point(prices, value, slope, chosen)


class Model:
    """The upper hull of points as a linear program: prices in a box whose bound may be greatest."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._columns = np.arange(rows + 1, dtype=np.int32)
        self._solver: Any = make_solver()
        self._solver.setOptionValue("presolve", "off")
        self._solver.setOptionValue("solver", "simplex")
        self._scale = 1.0

    def load(self, points: Points, scale: float) -> None:
        import highspy

        count, rows = points.slopes.shape
        self._scale = scale
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = rows + 1, count
        program.col_cost_ = np.concatenate([[-1.0], np.zeros(rows)])
        program.col_lower_ = np.concatenate([[-np.inf], np.zeros(rows)])
        program.col_upper_ = np.full(rows + 1, np.inf)
        program.row_lower_ = np.full(count, -np.inf)
        program.row_upper_ = points.tops / scale
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.arange(count + 1, dtype=np.int32) * (rows + 1)
        program.a_matrix_.index_ = np.tile(self._columns, count)
        program.a_matrix_.value_ = np.column_stack([np.ones(count), -points.slopes]).ravel()
        self._solver.passModel(program)

    def add(self, point: Point) -> None:
        top = point.value - float(point.slope @ point.prices)
        values = np.concatenate([[1.0], -point.slope])
        self._solver.addRow(-np.inf, top / self._scale, self._rows + 1, self._columns, values)

    def climb(self, floor: Floats, ceiling: Floats) -> tuple[float, Floats, Floats]:
        """The height that may be reached in the box, where, and the weight of each point there."""
        for k in range(self._rows):
            self._solver.changeColBounds(k + 1, floor[k] / self._scale, ceiling[k] / self._scale)
        self._solver.run()
        solution = self._solver.getSolution()
        found = np.array(solution.col_value)
        prices = np.clip(found[1:] * self._scale, floor, ceiling)
        return float(found[0]) * self._scale, prices, -np.array(solution.row_dual)


@dataclass(frozen=True, eq=False)
class Box:
    """Where prices are looked for: around the best so far."""

    center: Floats
    radius: Floats
    most: Floats

    @property
    def floor(self) -> Floats:
        return np.maximum(0.0, self.center - self.radius)

    @property
    def ceiling(self) -> Floats:
        return np.minimum(self.center + self.radius, self.most)

    def holds_inside(self, prices: Floats) -> bool:
        """Whether prices are free of the box: where they touch it, a larger one may do better."""
        return bool(((prices < self.ceiling) | (prices >= self.most)).all())

    def move(self, point: Point, gained: float, hoped: float) -> Box:
        """The box after a step: larger where the step kept its promise, smaller where it gained nothing."""
        if gained <= 0:
            return replace(self, radius=self.radius * 0.7)
        touched = point.prices >= self.ceiling
        grown = np.where(touched, self.radius * 2.0, self.radius) if gained > 0.5 * hoped else self.radius
        return replace(self, center=point.prices, radius=grown)


def open_box(prices: Floats, most: Floats) -> Box:
    largest = float(prices.max(initial=0.0))
    return Box(prices, np.maximum(prices * 0.5, 0.1 * largest + 1e-12), most)


def find_prices(
    cover: Cover, begin: Floats | None = None, most: Floats | None = None, tolerance: float = 1e-7
) -> tuple[Point, Points]:
    """The prices of the greatest bound, within ``tolerance`` of it, and all points tried; no price is above ``most``."""
    best = decide(cover, _guess(cover, most) if begin is None else begin)
    most = limit_prices(cover) if most is None else most
    points = Points(best.prices[None], np.array([best.value]), best.slope[None])
    box = open_box(best.prices, most)
    scale = max(abs(best.value), float(best.prices.max(initial=0.0)), 1e-12)
    model = Model(len(cover.need))
    model.load(points, scale)
    for _ in range(_MOST_STEPS * len(cover.need)):
        height, prices, _ = model.climb(box.floor, box.ceiling)
        hoped = height - best.value
        if hoped <= tolerance * abs(best.value) + 1e-12 * scale and box.holds_inside(prices):
            break
        point = decide(cover, prices)
        points = points.add(point)
        model.add(point)
        gained = point.value - best.value
        box = box.move(point, gained, hoped)
        best = point if gained > 0 else best
    return best, points


def limit_prices(cover: Cover) -> Floats:
    """What no price needs to be above."""
    total = float(np.abs(cover.cost[np.isfinite(cover.cost)]).sum())
    return np.full(len(cover.need), _HIGHEST * max(total, 1.0))


def _guess(cover: Cover, most: Floats | None) -> Floats:
    """One price for all rows, from which the search begins: about where the cuts come up to the needs together."""
    ones = np.ones(len(cover.need))
    if most is not None:
        return most * 0.5
    low, high = 0.0, max(float(cover.cost.max(initial=0.0)), 1.0)
    for _ in range(_RAISES):
        if decide(cover, ones * high).slope.sum() <= 0:
            break
        low, high = high, high * 1e3
    for _ in range(8):
        middle = float(np.sqrt(low * high)) if low else high / 8
        if decide(cover, ones * middle).slope.sum() > 0:
            low = middle
        else:
            high = middle
    return ones * high
