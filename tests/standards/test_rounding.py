"""Rounding against Python's own decimal arithmetic and against exact fractions."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.standards.rounding import divide_half_up, format_scaled, round_gbt8170, scale_half_up, unscale

WHOLE = st.integers(-(10**30), 10**30)
DIGITS = st.integers(0, 8)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(5, 2, 3), (-5, 2, -3), (5, -2, -3), (-5, -2, 3), (1, 3, 0), (2, 3, 1), (0, -7, 0), (7, 1, 7)],
)
def test_halves_go_away_from_zero(numerator: int, denominator: int, expected: int) -> None:
    assert divide_half_up(numerator, denominator) == expected


def test_nothing_is_divided_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        divide_half_up(1, 0)


@given(WHOLE, WHOLE.filter(bool))
def test_the_nearest_integer(numerator: int, denominator: int) -> None:
    error = Fraction(numerator, denominator) - divide_half_up(numerator, denominator)
    assert abs(error) <= Fraction(1, 2)
    if abs(error) == Fraction(1, 2):
        assert abs(divide_half_up(numerator, denominator)) > abs(Fraction(numerator, denominator))


@given(st.decimals(-(10**20), 10**20, places=10), DIGITS)
def test_scaling_agrees_with_decimal(value: Decimal, digits: int) -> None:
    with localcontext(prec=60):
        expected = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP).scaleb(digits)
    assert scale_half_up(value, digits) == expected
    assert scale_half_up(Fraction(value), digits) == expected


@given(WHOLE, DIGITS)
def test_scaled_integers_keep_every_digit(value: int, digits: int) -> None:
    assert scale_half_up(unscale(value, digits), digits) == value
    assert scale_half_up(Decimal(format_scaled(value, digits)), digits) == value
    assert scale_half_up(value, digits) == value * 10**digits


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1230, 2, "12.30"),
        (-5, 2, "-0.05"),
        (0, 2, "0.00"),
        (7, 0, "7"),
        (10**30 + 1, 4, "1" + "0" * 26 + ".0001"),
    ],
)
def test_text_of_scaled_integers(value: int, digits: int, text: str) -> None:
    assert format_scaled(value, digits) == text


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    # Halves go to the even digit; anything beyond a half goes up.
    [("2.5", 0, 2), ("3.5", 0, 4), ("-2.5", 0, -2), ("1.0500", 1, 10), ("1.1500", 1, 12), ("1.05001", 1, 11)],
)
def test_gbt8170(value: str, digits: int, expected: int) -> None:
    assert round_gbt8170(Fraction(value), digits) == expected


@given(st.fractions(), DIGITS)
def test_gbt8170_differs_from_half_up_only_at_halves(value: Fraction, digits: int) -> None:
    even, up = round_gbt8170(value, digits), scale_half_up(value, digits)
    half = (value * 10**digits * 2).denominator == 1 and (value * 10**digits).denominator == 2
    assert even == up or half
    assert not half or even % 2 == 0
