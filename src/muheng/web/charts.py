"""A chart as a page carries it: what to draw, and the same figures as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Series:
    """One row of values over the categories (null where there is none). ``tone``: A, B, C, D, none, accent, soft, warn, wrong."""

    name: str
    values: Sequence[float | int | None]
    tone: str = ""
    dashed: bool = False
    lines: Mapping[str, float] | None = None
    """Levels drawn across, by name."""


@dataclass(frozen=True)
class Chart:
    """``columns`` stand, ``bars`` lie, ``line`` runs. ``id`` is unique on its page. ``shown``: the figures as text,
    where they should read otherwise than ``str`` gives them, in the shape of the series."""

    id: str
    title: str
    category_title: str
    categories: Sequence[str]
    series: Sequence[Series]
    kind: Literal["columns", "bars", "line"] = "columns"
    stacked: bool = False
    unit: str = ""
    shown: Sequence[Sequence[str]] | None = None

    @property
    def data_id(self) -> str:
        return f"{self.id}-data"

    @property
    def series_titles(self) -> list[str]:
        return [each.name for each in self.series]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The figures as a table: a row for each category."""
        texts = self.shown or [["" if v is None else f"{v:,}" for v in each.values] for each in self.series]
        return [(name, [column[at] for column in texts]) for at, name in enumerate(self.categories)]

    @property
    def spec(self) -> dict[str, Any]:
        """What ``charts.js`` draws."""
        return {
            "kind": self.kind,
            "stacked": self.stacked,
            "categories": list(self.categories),
            "series": [
                {
                    "name": each.name,
                    "values": list(each.values),
                    "tone": each.tone,
                    "dashed": each.dashed,
                    "lines": [{"name": n, "value": v} for n, v in (each.lines or {}).items()],
                }
                for each in self.series
            ],
        }
