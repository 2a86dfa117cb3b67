"""Coal equivalents (折标准煤系数) by fuel, date and basis, each with its source.

Which basis an evaluation uses (当量值 or 等价值) is for the policy to say: for electricity the two differ
more than twofold. Figures marked `verified = false` in the data are examples for a city to replace.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from muheng.documents.message import Refusal, say
from muheng.documents.spelling import offer
from muheng.standards.units import convert

Basis = Literal["当量值", "等价值"]


@dataclass(frozen=True)
class Equivalent:
    """1 `unit` of `fuel` is `kgce` kilograms of standard coal on [valid_from, valid_until)."""

    fuel: str
    unit: str
    basis: Basis
    kgce: Decimal
    valid_from: date
    valid_until: date | None
    source: str
    verified: bool


def coal_equivalent(fuel: str, on: date, basis: Basis) -> Equivalent:
    """The equivalent in force on a day.

    Raises Refusal when the fuel is not known, has no figure on that day or basis, or when the standard gives
    only a range that somebody has to choose from.
    """
    if basis not in get_args(Basis):
        raise Refusal(say("没有“{basis}”这种口径。", basis=basis), say("写 当量值 或 等价值。"))
    table = _table()
    fuels = sorted({entry["fuel"] for entry in table["equivalent"]})
    if fuel not in fuels:
        raise Refusal(say("没有“{fuel}”的折标系数。", fuel=fuel), offer(fuel, fuels))
    for entry in table["equivalent"]:
        if entry["fuel"] == fuel and basis in entry["basis"]:
            for value in entry["values"]:
                if value["from"] <= on and ("until" not in value or on < value["until"]):
                    return _equivalent(entry, value, basis)
    raise Refusal(say("“{fuel}”在 {on} 没有{basis}的折标系数。", fuel=fuel, on=on, basis=basis))


def standard_coal(amount: Fraction, unit: str, equivalent: Equivalent) -> Fraction:
    """`amount` of a fuel, in `unit`, as exact tce. Raises UnknownUnit, UnitMismatch."""
    return convert(amount, unit, equivalent.unit) * Fraction(equivalent.kgce) / 1000


def _equivalent(entry: dict[str, Any], value: dict[str, Any], basis: Basis) -> Equivalent:
    fuel = entry["fuel"]
    if "between" in value:
        low, high = value["between"]
        what = say("“{fuel}”的折标系数，标准只给了范围 {low}～{high}。", fuel=fuel, low=low, high=high)
        raise Refusal(what, say("按实测热值或当地统计规定，写明取哪个数。"))
    source = _table()["source"][value["source"]]
    return Equivalent(
        fuel=fuel,
        unit=entry["unit"],
        basis=basis,
        kgce=value["kgce"],
        valid_from=value["from"],
        valid_until=value.get("until"),
        source=source["document"],
        verified=source["verified"],
    )


@cache
def _table() -> dict[str, Any]:
    file = files("muheng.standards").joinpath("data/coal_equivalents.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
