"""Coal equivalents against the checks of the sources, and what is refused."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from muheng.documents.message import Refusal
from muheng.standards.energy import Basis, coal_equivalent, standard_coal
from muheng.standards.units import UnitMismatch

NOW = date(2024, 1, 1)


@pytest.mark.parametrize(
    ("fuel", "amount", "unit", "tce"),
    [
        ("电力", 1_200_000, "kWh", "147.48"),
        ("电力", 120, "万千瓦时", "147.48"),
        ("原煤", 500, "t", "357.15"),
        ("柴油", 20, "t", "29.142"),
        ("天然气（气田）", 100_000, "m³", "121.43"),
        ("天然气（油田）", 10, "万m³", "133"),
        ("热力", 1000, "GJ", "34.12"),
    ],
)
def test_worked_values(fuel: str, amount: int, unit: str, tce: str) -> None:
    equivalent = coal_equivalent(fuel, NOW, "当量值")
    assert standard_coal(Fraction(amount), unit, equivalent) == Fraction(tce)


def test_the_two_bases_of_electricity() -> None:
    own = coal_equivalent("电力", NOW, "当量值")
    generated = coal_equivalent("电力", NOW, "等价值")
    assert own.verified
    assert "GB/T 2589-2020" in own.source
    assert not generated.verified
    assert "示例" in generated.source
    assert 2 < generated.kgce / own.kgce < Fraction(5, 2)


def test_equivalents_are_dated() -> None:
    before = coal_equivalent("电力", date(2021, 3, 31), "当量值")
    after = coal_equivalent("电力", date(2021, 4, 1), "当量值")
    assert before.valid_until == after.valid_from == date(2021, 4, 1)
    assert "2008" in before.source


@pytest.mark.parametrize(
    ("fuel", "on", "basis", "word"),
    [
        ("天然气", NOW, "当量值", "范围 1.1000～1.3300"),
        ("焦炉煤气", NOW, "等价值", "范围"),
        ("热力", NOW, "等价值", "没有等价值"),
        ("原煤", date(2000, 1, 1), "当量值", "2000-01-01"),
        ("电", NOW, "当量值", "没有“电”"),
        ("电力", NOW, "当量", "口径"),
    ],
)
def test_what_is_not_known_is_refused(fuel: str, on: date, basis: Basis, word: str) -> None:
    with pytest.raises(Refusal) as caught:
        coal_equivalent(fuel, on, basis)
    assert word in str(caught.value.what)


def test_an_amount_must_have_the_fuels_dimension() -> None:
    with pytest.raises(UnitMismatch):
        standard_coal(Fraction(1), "m³", coal_equivalent("原煤", NOW, "当量值"))
