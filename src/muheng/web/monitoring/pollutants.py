"""What the registry calls pollutants beside the factor codes of HJ 212 (``factors.toml``), and the yearly item that each adds to."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Pollutant:
    """``item``: of the yearly facts, in tonnes; empty where they have none."""

    code: str
    names: tuple[str, ...]
    english: str
    item: str = ""

    @property
    def name(self) -> str:
        return self.names[0]


@cache
def pollutants() -> dict[str, Pollutant]:
    """By code."""
    text = files(__package__).joinpath("factors.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["factor"]
    return {row["code"]: Pollutant(**{**row, "names": tuple(row["names"])}) for row in rows}


@cache
def _by_name() -> dict[str, str]:
    return {_plain(name): each.code for each in pollutants().values() for name in each.names}


def find_code(name: str) -> str | None:
    """The factor code of a pollutant as people write it."""
    return _by_name().get(_plain(name))


def _plain(name: str) -> str:
    return name.replace(" ", "").replace("（", "(").split("(")[0].casefold()
