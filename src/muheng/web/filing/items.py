"""What is filed each month: the items of ``items.toml``, their units, and what each is held against."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from muheng.standards.units import Unit, convert, parse_unit


@dataclass(frozen=True)
class FiledItem:
    """One item of the monthly form. ``factors``: a figure written in a mistaken unit is that many times the right one."""

    name: str
    english: str
    unit: str
    digits: int
    swing: Decimal
    small: Decimal
    mistaken: tuple[str, ...] = ()
    permit: str = ""
    yearly: str = ""
    coal: tuple[str, str] | None = None
    """The fuel that it is, and the item whose standard coal contains it."""

    @cached_property
    def parsed_unit(self) -> Unit:
        return parse_unit(self.unit)

    @cached_property
    def factors(self) -> dict[str, Decimal]:
        ratios = {unit: convert(Fraction(1), self.unit, unit) for unit in self.mistaken}
        return {unit: Decimal(r.numerator) / Decimal(r.denominator) for unit, r in ratios.items()}

    def title(self, lang: str) -> str:
        return self.english if lang == "en" else self.name


@dataclass(frozen=True)
class Form:
    """The monthly form: its items, and when it is due."""

    working_days: int
    known: Decimal
    rounding: Decimal
    items: dict[str, FiledItem]


@cache
def form() -> Form:
    """The form as the file has it."""
    text = files("muheng.web.filing").joinpath("items.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text, parse_float=Decimal)
    items = [_item(entry) for entry in read["item"]]
    return Form(read["working_days"], read["known"], read["rounding"], {item.name: item for item in items})


def _item(entry: dict[str, Any]) -> FiledItem:
    coal = entry.pop("coal", None)
    return FiledItem(
        **{
            **entry,
            "swing": Decimal(entry["swing"]),
            "small": Decimal(entry["small"]),
            "mistaken": tuple(entry.get("mistaken", ())),
            "coal": (coal["fuel"], coal["within"]) if coal else None,
        }
    )
