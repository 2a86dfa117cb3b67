"""GB/T 2260: the administrative divisions of the cities that ship with the software, former codes included.

Townships, development zones and the rest of the country are not here; a city's own pack names its townships.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Division:
    """A province, city or county. A former one has the `successor`'s code and the year it ended in."""

    code: str
    name: str
    successor: str | None = None
    until: int | None = None

    @property
    def parent(self) -> str | None:
        """The code of the city above a county, of the province above a city; None above a province."""
        if self.code.endswith("0000"):
            return None
        if self.code.endswith("00"):
            return f"{self.code[:2]}0000"
        return f"{self.code[:4]}00"


def find_division(code: str) -> Division | None:
    """The division of a 6-digit code, former ones included."""
    return _divisions().get(code)


def full_name(code: str) -> str | None:
    """安徽省马鞍山市雨山区 for 340504; None when the code is not known."""
    division = find_division(code)
    if division is None:
        return None
    above = full_name(division.parent) if division.parent else ""
    return f"{above or ''}{division.name}"


def divisions_under(code: str) -> list[Division]:
    """The present divisions directly under a province or a city, by code."""
    return [each for each in _divisions().values() if each.parent == code and each.successor is None]


@cache
def _divisions() -> dict[str, Division]:
    file = files("muheng.standards").joinpath("data/divisions.toml")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    present = [Division(code, name) for code, name in data["division"].items()]
    former = [Division(**entry) for entry in data["former"]]
    return {division.code: division for division in sorted([*present, *former], key=lambda each: each.code)}
