"""Units as departments write them; conversions against facts and as round trips."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.standards.units import (
    COMMON,
    Unit,
    UnitMismatch,
    UnknownUnit,
    convert,
    default_digits,
    default_range,
    divide,
    multiply,
    parse_unit,
    same_dimension,
)

UNITS = st.sampled_from(COMMON)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("万千瓦时", "万kWh"),
        ("KWH", "千瓦时"),
        ("度", "kWh"),
        ("㎡", "m²"),
        ("平方米", "m2"),
        ("万立方米", "万m³"),
        ("吨标准煤", "tce"),
        ("吨标煤", "TCE"),
        ("吨", "t"),
        ("公斤", "kg"),
        ("百万kJ", "GJ"),
        ("百万千焦", "吉焦"),
        ("％", "%"),
        ("万元／亩", " 万元 / 亩 "),
        ("万元/（人·年）", "万元/(人·年)"),
        ("万元/人·年", "万元/人/年"),
        ("万元/当量吨", "万元/污染当量吨"),
        ("亿元/万人", "万元/人"),
    ],
)
def test_the_same_unit_written_differently(one: str, other: str) -> None:
    assert parse_unit(one) == parse_unit(other)
    assert hash(parse_unit(one)) == hash(parse_unit(other))


def test_a_unit_keeps_the_words_of_its_author() -> None:
    assert parse_unit(" 万千瓦时 ").symbol == "万千瓦时"


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("1", "亩", "m²", "2000/3"),
        ("1", "m²", "亩", "0.0015"),
        ("1", "公顷", "亩", "15"),
        ("33333", "m²", "亩", "49.9995"),
        ("1200000", "kWh", "万千瓦时", "120"),
        ("1", "亿元", "元", "100000000"),
        ("24.097", "万元/亩", "元/m²", "361.455"),
        ("0.0302", "1", "%", "3.02"),
        ("6", "月", "年", "0.5"),
        ("1000", "kgce", "tce", "1"),
    ],
)
def test_conversions(value: str, source: str, target: str, expected: str) -> None:
    assert convert(Fraction(value), source, target) == Fraction(expected)


@given(st.fractions(), UNITS, UNITS, UNITS)
def test_conversions_come_back_exactly(value: Fraction, one: str, other: str, third: str) -> None:
    u, v = divide(parse_unit(one), parse_unit(third)), divide(parse_unit(other), parse_unit(third))
    if same_dimension(u, v):
        assert convert(convert(value, u, v), v, u) == value
    else:
        with pytest.raises(UnitMismatch):
            convert(value, u, v)


@given(UNITS, UNITS, UNITS)
def test_products_and_quotients_undo_each_other(one: str, other: str, third: str) -> None:
    u, v, w = parse_unit(one), parse_unit(other), parse_unit(third)
    assert multiply(divide(u, v), v) == u
    assert divide(multiply(u, v), v) == u
    assert multiply(u, v) == multiply(v, u)
    assert divide(divide(u, v), w) == divide(u, multiply(v, w))


@given(UNITS, UNITS, UNITS, st.booleans(), st.booleans())
def test_the_symbol_of_a_computed_unit_means_that_unit(
    one: str, other: str, third: str, first: bool, second: bool
) -> None:
    u, v, w = parse_unit(one), parse_unit(other), parse_unit(third)
    step = multiply(u, v) if first else divide(u, v)
    for result in (multiply(step, w) if second else divide(step, w), divide(w, step)):
        assert parse_unit(result.symbol) == result


def test_symbols_of_computed_units() -> None:
    money, land, people, year = (parse_unit(symbol) for symbol in ("万元", "亩", "人", "年"))
    assert divide(money, land).symbol == "万元/亩"
    assert multiply(divide(money, land), land).symbol == "万元"
    assert divide(land, land).symbol == "1"
    assert divide(money, multiply(people, year)).symbol == "万元/(人·年)"


def test_coal_is_no_electricity() -> None:
    with pytest.raises(UnitMismatch) as caught:
        convert(Fraction(1), "kWh", "tce")
    assert "电量" in str(caught.value.what)
    assert "标准煤" in str(caught.value.what)
    assert "折标系数" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("万圆", "万元"),
        ("kwhh", "kWh"),
        ("万元/母", "常用单位"),
        ("万%", "%"),
        ("万", "万元"),
        ("石", "常用单位"),
    ],
)
def test_an_unknown_unit_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(UnknownUnit) as caught:
        parse_unit(text)
    assert hint in str(caught.value.fix)


@pytest.mark.parametrize("text", ["", " ", "万元/", "/亩", "(亩", "亩)", "万元//亩", "亩·", "()"])
def test_broken_units_are_refused(text: str) -> None:
    with pytest.raises(UnknownUnit):
        parse_unit(text)


@given(st.text("万元亩kWh/·()年人1%²吨", max_size=8))
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    try:
        unit = parse_unit(text)
    except UnknownUnit:
        return
    assert unit.factor > 0
    assert all(power for _, power in unit.dimensions)
    assert list(unit.dimensions) == sorted(unit.dimensions)


@pytest.mark.parametrize("symbol", COMMON)
def test_every_common_unit_has_a_range_that_fits_in_64_bits(symbol: str) -> None:
    unit = parse_unit(symbol)
    low, high = default_range(unit)
    assert low <= 0 < high
    assert max(abs(low), high) * 10 ** default_digits(unit) < 2**63 / 1000


def test_ranges_are_the_same_in_every_unit() -> None:
    assert default_range(parse_unit("万元")) == (Decimal(-(10**7)), Decimal(10**7))
    assert default_range(parse_unit("元")) == (Decimal(-(10**11)), Decimal(10**11))
    assert default_range(parse_unit("m²")) == (Decimal(0), Decimal(666_666_667))
    assert default_range(parse_unit("万元/亩")) == (Decimal(-(10**9)), Decimal(10**9))


def test_digits() -> None:
    digits = {
        symbol: default_digits(parse_unit(symbol))
        for symbol in ("万元", "亩", "平方米", "吨标煤", "万千瓦时", "人")
    }
    assert digits == {"万元": 2, "亩": 4, "平方米": 2, "吨标煤": 2, "万千瓦时": 4, "人": 0}
    assert default_digits(parse_unit("万元/亩")) == 4


def test_equality_is_meaning() -> None:
    assert Unit("随便", Fraction(10_000), (("money", 1),)) == parse_unit("万元")
