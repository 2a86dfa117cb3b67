"""Distances on the ground: metres of the shortest line on the earth's figure. Roads are not known here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

Point = tuple[float, float]
"""Longitude and latitude in degrees of CGCS2000."""


@cache
def _figure() -> Geod:
    return Geod(a=6_378_137, rf=298.257222101)


def measure(one: Point, other: Point) -> int:
    """Whole metres between two points."""
    _there, _back, metres = _figure().inv(*one, *other)
    whole: int = round(metres)
    return whole


def measure_all(some: Sequence[Point], others: Sequence[Point]) -> NDArray[np.int64]:
    """Whole metres from each of ``some`` (rows) to each of ``others``."""
    if not some or not others:
        return np.zeros((len(some), len(others)), dtype=np.int64)
    first, second = np.asarray(some, dtype=float), np.asarray(others, dtype=float)
    shape = (len(first), len(second))
    lon1, lon2 = (np.broadcast_to(side, shape).ravel() for side in (first[:, :1], second[:, 0]))
    lat1, lat2 = (np.broadcast_to(side, shape).ravel() for side in (first[:, 1:], second[:, 1]))
    _there, _back, metres = _figure().inv(lon1, lat1, lon2, lat2)
    whole: NDArray[np.int64] = np.rint(metres).astype(np.int64)
    return whole.reshape(shape)
