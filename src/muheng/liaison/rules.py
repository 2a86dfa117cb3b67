"""What a city has laid down about pairing and visits: its ``liaison.toml``, read and checked.

The common file holds where a city has none of its own. When an enterprise is due is reckoned in ``duty``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.schema import validate
from muheng.documents.toml_file import read_toml

FILE = "liaison.toml"
Way = Literal["上门走访", "座谈", "电话"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VisitRule(_Strict):
    """How often an enterprise is visited, and which visits count."""

    months: Literal[1, 2, 3, 4, 6, 12] = Field(description="一个走访周期几个月，从一月起算：3 为季度。")
    at_least: Annotated[int, Field(ge=1, le=31)] = Field(1, description="每个周期至少几次。")
    ways: Annotated[tuple[Way, ...], Field(min_length=1)] = Field(
        ("上门走访",), description="哪些方式算数：上门走访、座谈、电话。"
    )
    grace: Annotated[int, Field(ge=0, le=366)] = Field(
        0, description="结对时本周期剩余不足这么多天的，从下一周期起算。"
    )


class PairingRule(_Strict):
    """How many enterprises an officer has at most."""

    most: Annotated[int, Field(ge=1, le=1000)] = Field(description="每名联络员最多结对几户。")


class WeekRule(_Strict):
    """How much goes into a day."""

    per_day: Annotated[int, Field(ge=1, le=30)] = Field(description="一天最多走访几户。")


class Rules(_Strict):
    """The document ``liaison.toml``."""

    note: str = Field("", description="说明：哪些是示例。")
    source: str = Field("", description="出处。")
    visit: VisitRule
    pairing: PairingRule
    week: WeekRule


def load_rules(folder: Path | None = None) -> tuple[Rules | None, list[Diagnostic]]:
    """The rules of a city's folder, or the common ones where it has no file of its own; and what is wrong with it."""
    own = folder / FILE if folder is not None else None
    return read_rules(own if own is not None and own.is_file() else PACKS / "common" / FILE)


def read_rules(path: Path) -> tuple[Rules | None, list[Diagnostic]]:
    """The rules of a file, or None and every mistake in it."""
    file, mistakes = read_toml(path)
    if file is None:
        return None, mistakes
    rules, found = validate(file, Rules)
    return rules, [*mistakes, *found]
