"""The way through a day's stops."""

from __future__ import annotations

import time
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.liaison.ground import measure
from muheng.liaison.route import EXACT, measure_route, order_route

POINT = st.tuples(
    st.integers(0, 999).map(lambda step: 118 + step / 1000),
    st.integers(0, 999).map(lambda step: 31 + step / 1000),
)


@given(st.lists(POINT, max_size=6), st.none() | POINT)
@settings(max_examples=80, deadline=None)
def test_no_permutation_is_shorter(
    stops: list[tuple[float, float]], start: tuple[float, float] | None
) -> None:
    points = {f"s{at}": stop for at, stop in enumerate(stops)}
    found = order_route(points, start)
    assert sorted(found.order) == sorted(points)
    every = [measure_route(points, order, start).metres for order in permutations(points)]
    assert found.metres == min(every)
    assert found.metres == measure_route(points, found.order, start).metres
    assert len(found.legs) == len(stops)


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=4), st.none() | POINT, max_size=16), POINT)
@settings(max_examples=40, deadline=None)
def test_nobody_is_lost_and_the_order_does_not_matter(points, start) -> None:
    found = order_route(points, start)
    assert sorted(found.order) == sorted(points)
    assert set(found.unplaced) == {key for key, at in points.items() if at is None}
    assert found.order[len(found.order) - len(found.unplaced) :] == found.unplaced
    assert order_route(dict(reversed(points.items())), start) == found


def test_many_stops_take_a_good_way() -> None:
    """On a ring of forty, the way goes round."""
    from math import cos, pi, sin

    ring = {
        f"{number * 17 % 40:02d}": (118 + cos(2 * pi * number / 40) / 10, 31 + sin(2 * pi * number / 40) / 10)
        for number in range(40)
    }
    found = order_route(ring, (118.11, 31.0))
    step = max(
        measure(one, other) for one, other in zip(ring.values(), list(ring.values())[1:], strict=False)
    )
    assert found.metres <= 40 * step


def test_twelve_are_exact_and_quick() -> None:
    points = {f"{at:02d}": (118 + at * 7 % 12 / 50, 31 + at * 5 % 12 / 50) for at in range(EXACT)}
    begun = time.perf_counter()
    order_route(points, (118.0, 31.0))
    assert time.perf_counter() - begun < 3


def test_metres_are_those_of_the_ground() -> None:
    """One degree of latitude at 31° is 110.9 km, one of longitude 95.5 km."""
    assert measure((118, 31), (118, 32)) == pytest.approx(110_869, abs=60)
    assert measure((118, 31), (119, 31)) == pytest.approx(95_507, abs=60)


def test_stops_without_coordinates_stand_at_the_end() -> None:
    found = order_route({"B": None, "A": (118.1, 31.0), "C": (118.0, 31.0)}, (117.9, 31.0))
    assert found.order == ("C", "A", "B")
    assert found.unplaced == ("B",)
    assert order_route({"B": None, "A": None}).order == ("A", "B")
    assert order_route({}).metres == 0
