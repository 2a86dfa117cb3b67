"""A short way through a day's stops: exactly the shortest for up to twelve, a good one for more. By air line, one way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from muheng.liaison.ground import Point, measure_all

EXACT = 12


@dataclass(frozen=True)
class Route:
    """Stops in the order of the way. ``legs``: metres to each placed stop from the one before it, or from the start.

    ``unplaced`` have no coordinates: they stand at the end, and no distance is known for them.
    """

    order: tuple[str, ...]
    legs: tuple[int, ...]
    unplaced: tuple[str, ...] = ()

    @property
    def metres(self) -> int:
        return sum(self.legs)


def order_route(points: Mapping[str, Point | None], start: Point | None = None) -> Route:
    """The order in which to see the stops, beginning at ``start``, or at whichever stop makes it shortest."""
    placed = {key: at for key, at in sorted(points.items()) if at is not None}
    unplaced = tuple(sorted(key for key, at in points.items() if at is None))
    keys = list(placed)
    if not keys:
        return Route(unplaced, (), unplaced)
    between = measure_all(list(placed.values()), list(placed.values()))
    begin = (
        measure_all([start], list(placed.values()))[0]
        if start is not None
        else np.zeros(len(keys), dtype=np.int64)
    )
    order = (
        _shortest(between, begin) if len(keys) <= EXACT else _improve(_greedy(between, begin), between, begin)
    )
    legs = [int(begin[order[0]])] if start is not None else [0]
    legs += [int(between[one, other]) for one, other in pairwise(order)]
    return Route((*(keys[at] for at in order), *unplaced), tuple(legs), unplaced)


def measure_route(
    points: Mapping[str, Point | None], order: tuple[str, ...], start: Point | None = None
) -> Route:
    """The way in an order that somebody chose. Stops without coordinates keep their place; no distance is known to them."""
    placed = [(key, at) for key in order if (at := points.get(key)) is not None]
    unplaced = tuple(key for key in order if points.get(key) is None)
    if not placed:
        return Route(order, (), unplaced)
    way = ([start] if start is not None else []) + [at for _key, at in placed]
    legs = [int(measure_all([one], [other])[0, 0]) for one, other in pairwise(way)]
    return Route(order, tuple(legs if start is not None else [0, *legs]), unplaced)


def _shortest(between: NDArray[np.int64], begin: NDArray[np.int64]) -> list[int]:
    """Held and Karp: the shortest way through each set of stops that ends at each of them."""
    many = len(begin)
    rows, ahead = between.tolist(), begin.tolist()
    best: list[dict[int, tuple[int, int]]] = [{} for _ in range(1 << many)]
    for stop in range(many):
        best[1 << stop][stop] = (ahead[stop], -1)
    for seen in range(1, 1 << many):
        for last, (metres, _before) in best[seen].items():
            for stop in range(many):
                if seen >> stop & 1:
                    continue
                there = metres + rows[last][stop]
                found = best[seen | 1 << stop].get(stop)
                if found is None or there < found[0]:
                    best[seen | 1 << stop][stop] = (there, last)
    seen = (1 << many) - 1
    last = min(best[seen], key=lambda stop: (best[seen][stop][0], stop))
    order = []
    while last >= 0:
        order.append(last)
        before = best[seen][last][1]
        seen, last = seen ^ 1 << last, before
    return order[::-1]


def _greedy(between: NDArray[np.int64], begin: NDArray[np.int64]) -> list[int]:
    """Always to the nearest that is left."""
    left = set(range(len(begin)))
    order = [min(left, key=lambda stop: (begin[stop], stop))]
    left.discard(order[0])
    while left:
        here = between[order[-1]]
        nearest = min(left, key=lambda stop: (here[stop], stop))
        order.append(nearest)
        left.discard(nearest)
    return order


def _improve(order: list[int], between: NDArray[np.int64], begin: NDArray[np.int64]) -> list[int]:
    """2-opt: turn a piece of the way round as long as that makes it shorter."""
    many, better = len(order), True
    while better:
        better = False
        for first in range(many - 1):
            for last in range(first + 1, many):
                entry = between[order[first - 1]] if first else begin
                before, after = entry[order[first]], entry[order[last]]
                if last + 1 < many:
                    before += between[order[last], order[last + 1]]
                    after += between[order[first], order[last + 1]]
                if after < before:
                    order[first : last + 1] = order[first : last + 1][::-1]
                    better = True
    return order
