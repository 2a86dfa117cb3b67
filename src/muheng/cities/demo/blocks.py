"""Lay areas out as parcels in rows between streets, none on another, each of exactly its area.

Knows areas and metres only: not whose they are, nor where on the globe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import hypot, sqrt
from random import Random

from muheng.cities.demo.places import Point, turn

_STREET, _LANE, _FENCE = 30.0, 16.0, 2.0
"""Metres between pairs of rows, between groups of parcels in a row, and between the two rows of a pair."""
_BLOCK = 360.0
"""A lane comes after so many metres of parcels."""


@dataclass(frozen=True)
class Blocks:
    """`quads` in the order of the areas, counter-clockwise; all within `radius` of the origin; `frame` around all."""

    quads: tuple[tuple[Point, ...], ...]
    frame: tuple[Point, ...]
    radius: float


def lay_blocks(areas: Sequence[int], random: Random) -> Blocks:
    """Rows of parcels of like size, back to back, in a square turned by chance. Areas are in m²."""
    width = max(sqrt(sum(areas)) * 1.12, 200.0)
    rows = _fill_rows(areas, width, random)
    random.shuffle(rows)
    flat: dict[int, list[Point]] = {}
    bottom, widest = 0.0, width
    for at, (depth, members) in enumerate(rows):
        right = _lay_row(flat, [(i, areas[i] / depth) for i in members], depth, bottom, random)
        widest = max(widest, right)
        bottom += depth + (_FENCE if at % 2 == 0 else _STREET)
    angle = random.uniform(-0.5, 0.5)

    def place(points: Sequence[Point]) -> tuple[Point, ...]:
        return tuple(turn([(x - widest / 2, y - bottom / 2) for x, y in points], angle))

    margin = _STREET
    frame = place(
        [
            (-margin, -margin),
            (widest + margin, -margin),
            (widest + margin, bottom + margin),
            (-margin, bottom + margin),
        ]
    )
    quads = tuple(place(flat[i]) for i in range(len(areas)))
    return Blocks(quads, frame, max(hypot(x, y) for x, y in frame))


def _fill_rows(areas: Sequence[int], width: float, random: Random) -> list[tuple[float, list[int]]]:
    """(depth, members) of every row, filled in order of size so that a row's parcels are alike."""
    rows: list[tuple[float, list[int]]] = []
    used = 0.0
    for i in sorted(range(len(areas)), key=lambda i: (-areas[i], i)):
        across = areas[i] / rows[-1][0] if rows else 0.0
        if not rows or used + across > width or across < rows[-1][0] / 4:
            depth = sqrt(areas[i]) * random.uniform(0.85, 1.2)
            rows.append((depth, []))
            used, across = 0.0, areas[i] / depth
        rows[-1][1].append(i)
        used += across
    # A row that is not full is made flatter, so that it reaches as far as the others.
    return [
        (max(sum(areas[i] for i in members) / width, depth / 2), random.sample(members, len(members)))
        for depth, members in rows
    ]


def _lay_row(
    flat: dict[int, list[Point]],
    members: list[tuple[int, float]],
    depth: float,
    bottom: float,
    random: Random,
) -> float:
    """Put a row's parcels side by side; the lines between them lean a little. The right end of the row."""
    widths = [across for _, across in members]
    near = [min(pair) for pair in zip([widths[0], *widths], [*widths, widths[-1]], strict=True)]
    leans = [random.uniform(-1, 1) * min(0.08 * depth, 0.2 * across) for across in near]
    leans[0] = leans[-1] = 0.0
    lanes = [int(right / _BLOCK) for right in accumulate(widths, initial=0.0)]
    left = 0.0
    for at, (i, across) in enumerate(members):
        if at and lanes[at] > lanes[at - 1]:
            left += _LANE
        right, top = left + across, bottom + depth
        flat[i] = [
            (left - leans[at], bottom),
            (right - leans[at + 1], bottom),
            (right + leans[at + 1], top),
            (left + leans[at], top),
        ]
        left = right
    return left
