"""Doubles as scaled integers: the same as exact decimals wherever a number has up to 15 significant digits."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.emergency.plan.decimals import (
    LIMIT,
    MOST_DIGITS,
    count_digits,
    decimals_of,
    room_for,
    scale,
    scale_decimal,
    trim,
)


@st.composite
def decimals(draw: st.DrawFn) -> Decimal:
    """Of up to 15 significant digits, between 1e-9 and 1e15."""
    digits = draw(st.integers(1, 15))
    figure = draw(st.integers(10 ** (digits - 1), 10**digits - 1))
    return Decimal(figure).scaleb(draw(st.integers(-9 - digits + 1, 15 - digits)))


@given(st.lists(decimals(), min_size=1, max_size=8), st.integers(0, 12))
def test_digits_are_those_of_the_decimals(values: list[Decimal], least: int) -> None:
    doubles = np.array([float(value) for value in values])
    most = room_for(float(doubles.max()), len(values))
    wanted = max(least, *(decimals_of(value) for value in values))
    if least <= most:
        assert count_digits(doubles, least, most) == min(wanted, most + 1)


@given(st.lists(decimals(), min_size=1, max_size=8), st.sampled_from(["down", "up", "half up"]))
def test_scaling_is_that_of_the_decimals(values: list[Decimal], rounding: str) -> None:
    doubles = np.array([float(value) for value in values])
    digits = room_for(float(doubles.max()), len(values))
    names = {"down": "ROUND_FLOOR", "up": "ROUND_CEILING", "half up": "ROUND_HALF_UP"}
    exact = [int(value.scaleb(digits).to_integral_value(names[rounding])) for value in values]
    assert scale(doubles, digits, rounding).tolist() == exact  # type: ignore[arg-type]


@given(st.floats(0, 1e15), st.integers(1, 10**6))
def test_room_keeps_sums_below_the_limit(most: float, count: int) -> None:
    room = room_for(most, count)
    largest = int(np.ceil(most)) * count
    assert room == -1 or largest * 10**room < LIMIT
    assert room == MOST_DIGITS or largest * 10 ** (room + 1) >= LIMIT


@pytest.mark.parametrize(
    ("noisy", "meant"),
    [
        (0.1 + 0.2, "0.3"),
        (17.999999999999996, "18"),
        (1.1 * 3, "3.3"),
        (sum([0.1] * 10), "1"),
        (2.0000000000000018, "2"),
    ],
)
def test_what_a_program_printed_with_17_digits_is_what_it_meant(noisy: float, meant: str) -> None:
    assert repr(noisy) != meant
    assert count_digits(np.array([noisy]), 0, 15) == decimals_of(Decimal(meant))
    assert scale(np.array([noisy]), 3, "down").tolist() == [int(Decimal(meant) * 1000)]
    assert trim(Decimal(repr(noisy))) == Decimal(meant)


def test_a_third_is_cut_or_raised() -> None:
    third = np.array([1 / 3, 2 / 3])
    assert count_digits(third, 2, 9) == 10
    assert scale(third, 2, "down").tolist() == [33, 66]
    assert scale(third, 2, "up").tolist() == [34, 67]
    assert scale(third, 2, "half up").tolist() == [33, 67]
    assert scale_decimal(Decimal("0.3333"), 2, up=True) == 34
    assert scale_decimal(Decimal("0.3333"), 2, up=False) == 33
    assert scale_decimal(Decimal("0.30000000000000004"), 1, up=True) == 3
