"""A line of the site's table."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = "| job | database | median | p95 | per second | server CPU | note |\n|---|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """Seconds; ``p95``, ``rate`` and ``cpu`` (of the server, for each) where there was more than one."""

    job: str
    database: str
    median: float | None
    p95: float | None = None
    rate: float | None = None
    cpu: float | None = None
    note: str = ""

    def __str__(self) -> str:
        """A row of a Markdown table."""
        rate = "" if self.rate is None else f"{self.rate:,.0f}"
        cells = (self.job, self.database, _ms(self.median), _ms(self.p95), rate, _ms(self.cpu), self.note)
        return f"| {' | '.join(cells)} |"


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.{1 if seconds < 0.02 else 0}f} ms"
