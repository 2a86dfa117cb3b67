"""Stretches of hours in which something holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hold = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


def find_runs(holds: Hold, least: int = 1) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of every stretch of at least so many hours."""
    if not holds.any():
        return []
    padded = np.zeros(len(holds) + 2, dtype=np.int8)
    padded[1:-1] = holds
    edges = np.diff(padded)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = ends - begins >= least
    return list(zip(begins[long].tolist(), ends[long].tolist(), strict=True))


def count_on(holds: Hold, carried: int = 0) -> Counts:
    """How many hours on end it has held at each hour; ``carried``: how many before the first."""
    at = np.arange(1, len(holds) + 1)
    last = np.maximum.accumulate(np.where(holds, -carried, at))
    counted: Counts = at - last
    return counted
