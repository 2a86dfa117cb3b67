"""The share of valid hours in the hours that the plant ran, by quarter (有效数据捕集率)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.rules import Method
from muheng.monitoring.judgement.standing import Standing


@dataclass(frozen=True)
class CaptureRate:
    """Hours of one factor in one quarter, as far as the data reach; ``running``: not stopped."""

    outlet: str
    factor: str
    quarter: str
    running: int
    valid: int
    least_percent: int

    @property
    def rate(self) -> Fraction | None:
        """None where the plant did not run at all."""
        return Fraction(self.valid, self.running) if self.running else None

    def reaches(self, percent: int) -> bool:
        return self.valid * 100 >= percent * self.running

    @property
    def enough(self) -> bool:
        return self.reaches(self.least_percent)


def find_capture(hours: Hours, standing: Standing, method: Method) -> dict[str, tuple[CaptureRate, ...]]:
    """By factor, the quarters in order."""
    quarters = hours.calendar.quarters
    begins = [quarter.begin for quarter in quarters]
    running = np.add.reduceat(~(standing.stopped | hours.to_come), begins, dtype=np.int64).tolist()
    valid = np.add.reduceat(standing.valid, begins, axis=1, dtype=np.int64).tolist()
    return {
        factor: tuple(
            CaptureRate(
                hours.outlet.id, factor, quarter.name, running[at], valid[row][at], method.capture_percent
            )
            for at, quarter in enumerate(quarters)
        )
        for row, factor in enumerate(hours.factors)
    }
