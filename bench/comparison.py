"""One measured job beside its peer: the row that every benchmark gives and ``bench.__main__`` prints."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """Medians in seconds; ``peak_mb`` of a process that does ours alone, where it was measured."""

    job: str
    ours: float
    peer: str
    theirs: float
    peak_mb: float | None = None

    def __str__(self) -> str:
        """A row of a Markdown table: job, ours, peer, theirs, ours ÷ theirs, note."""
        note = f"peak {self.peak_mb:.0f} MB" if self.peak_mb else ""
        return (
            f"| {self.job} | {self.ours * 1000:,.1f} ms | {self.peer} | {self.theirs * 1000:,.1f} ms "
            f"| {self.ours / self.theirs:.2f} | {note} |"
        )


def time_once(act: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def median_time(act: Callable[[], Any], times: int) -> float:
    """Median seconds of ``times`` calls, after one that warms up."""
    act()
    return statistics.median(time_once(act) for _ in range(times))
