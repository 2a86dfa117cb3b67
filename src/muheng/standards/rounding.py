"""Exact rounding on integers and fractions. No float enters here, and none leaves.

A scaled integer holds `value × 10**digits`: 12.34 with 2 digits is 1234.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def divide_half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, halves away from zero (四舍五入).

    Raises ZeroDivisionError.
    """
    quotient, remainder = divmod(abs(numerator), abs(denominator))
    if 2 * remainder >= abs(denominator):
        quotient += 1
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def scale_half_up(value: Fraction | Decimal | int, digits: int) -> int:
    """`value` as a scaled integer, halves away from zero."""
    numerator, denominator = value.as_integer_ratio()
    return divide_half_up(numerator * 10**digits, denominator)


def unscale(value: int, digits: int) -> Decimal:
    """The exact decimal of a scaled integer, with its trailing zeros: unscale(1230, 2) is 12.30."""
    return Decimal(f"{value}e-{digits}")


def format_scaled(value: int, digits: int) -> str:
    """A scaled integer as plain text without an exponent: "12.30"."""
    return f"{unscale(value, digits):f}"


def format_trimmed(value: int, digits: int) -> str:
    """A scaled integer as plain text without the zeros at its end: 12.3 for 1230 with 2 digits, 12 for 1200."""
    text = format_scaled(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_exact(value: Fraction, digits: int = 8) -> str:
    """A number as its author wrote it (24.097, 5), rounded half up to `digits` where it does not end."""
    return format_trimmed(scale_half_up(value, digits), digits)


def round_gbt8170(value: Fraction, digits: int) -> int:
    """`value` as a scaled integer by GB/T 8170-2008 §3.2 (进舍规则): an exact half goes to the even digit."""
    return round(value * Fraction(10**digits))
