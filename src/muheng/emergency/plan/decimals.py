"""Decimal numbers that were read as doubles, as scaled integers: exact for all with up to 15 significant digits.

A decimal of up to 15 significant digits is the nearest such one to its double, so the double gives it back. What a
program printed with more (0.30000000000000004) is taken to 15, halves away from zero, as a workbook shows it.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SIGNIFICANT = 15
LIMIT = 2**62
"""Sums stay below it."""
MOST_DIGITS = 18

Floats = NDArray[np.float64]
Rounding = Literal["down", "up", "half up"]
_SHOWN = Context(prec=SIGNIFICANT, rounding=ROUND_HALF_UP)
_WHOLE = 10.0**SIGNIFICANT
_SAMPLE = 1000


def room_for(most: float, count: int) -> int:
    """How many decimals ``count`` numbers up to ``most`` may keep, so that their sum stays below ``LIMIT``; -1: none."""
    largest = int(np.ceil(most)) * max(count, 1)
    return next((digits for digits in range(MOST_DIGITS, -1, -1) if largest * 10**digits < LIMIT), -1)


def count_digits(values: Floats, least: int, most: int) -> int:
    """The decimals that the values have, at least ``least``; more than ``most`` is told as ``most + 1``."""
    left = values[~_is_whole(values, least)]
    if len(left) and not _is_whole(left[:_SAMPLE], most).all():
        return most + 1
    digits = least
    while len(left) and digits <= most:
        digits += 1
        left = left[~_is_whole(left, digits)]
    return digits


def scale(values: Floats, digits: int, rounding: Rounding) -> NDArray[np.int64]:
    """``values × 10**digits``, of any shape, rounded where they have more decimals."""
    if values.ndim > 1:
        return scale(values.ravel(), digits, rounding).reshape(values.shape)
    scaled = values * 10.0**digits
    whole = np.rint(scaled)
    inexact = np.flatnonzero(~_near(scaled, whole))
    cut = scaled[inexact]
    whole[inexact] = np.ceil(cut) if rounding == "up" else np.floor(cut + (rounding == "half up") / 2)
    large = np.flatnonzero(scaled >= _WHOLE)
    integers = whole.astype(np.int64)
    if len(large):
        integers[large] = _scale_large(values[large], scaled[large], digits)
    return integers


def trim(value: Decimal) -> Decimal:
    """The number to 15 significant digits, as the doubles beside it are taken."""
    return _SHOWN.create_decimal(value)


def scale_decimal(value: Decimal, digits: int, *, up: bool) -> int:
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return int(trim(value).scaleb(digits).to_integral_value(rounding))


def decimals_of(value: Decimal) -> int:
    """How many decimals a number has, of 15 significant digits."""
    exponent = trim(value).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _is_whole(values: Floats, digits: int) -> NDArray[np.bool_]:
    scaled = values * 10.0**digits
    return _near(scaled, np.rint(scaled))


def _near(scaled: Floats, whole: Floats) -> NDArray[np.bool_]:
    """Whether the number is whole when taken to 15 significant digits."""
    off = np.abs(scaled - whole)
    near = off <= 4e-16 * scaled
    unsure = np.flatnonzero(~near & (off <= 5e-15 * scaled))
    if len(unsure):
        unit = 10.0 ** (_exponent(scaled[unsure]) - SIGNIFICANT + 1)
        near[unsure] = off[unsure] <= unit / 2
    return near


def _scale_large(values: Floats, scaled: Floats, digits: int) -> NDArray[np.int64]:
    """More than 15 digits before the point: the 15 of the number, and noughts."""
    integers = np.zeros(len(values), np.int64)
    noughts = _exponent(scaled).astype(int) - SIGNIFICANT + 1
    for zeros in np.unique(noughts).tolist():
        those = noughts == zeros
        power = digits - zeros
        shown = values[those] * 10.0**power if power >= 0 else values[those] / 10.0**-power
        integers[those] = np.rint(shown).astype(np.int64) * 10**zeros
    return integers


def _exponent(numbers: Floats) -> Floats:
    """The power of ten of the first digit; the logarithm alone takes 999999999999999 for the next."""
    exponent = np.floor(np.log10(numbers))
    return exponent - (10.0**exponent > numbers)
