"""Decimal numbers out of bytes, a column at a time: eight characters in one 64-bit word.

A number is digits with at most one point and a minus in front; everything else is text. The result is the double that is
nearest, as ``float`` gives it.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

NUMBER = re.compile(r"-?(?=\.?[0-9])[0-9]*\.?[0-9]*")
WIDEST = 16
"""Characters of the longest text that is read here, without its sign."""


def _word(byte: int) -> np.uint64:
    return np.uint64(byte * 0x0101010101010101)


_ONES, _HIGHS, _POINTS, _ZEROS = _word(0x01), _word(0x80), _word(ord(".")), _word(ord("0"))
_NIBBLES, _SIXES = _word(0xF0), _word(0x06)
_KEPT = np.array([(1 << 64) - (1 << (64 - 8 * length)) for length in range(9)], dtype=np.uint64)
"""The last so many characters of a word."""
_FILL = ~_KEPT & _ZEROS
_POWERS = np.array([10.0**power for power in range(WIDEST + 1)])
_SHIFTS = np.array([10**power for power in range(9)], dtype=np.uint64)
_8, _16, _32 = np.uint64(8), np.uint64(16), np.uint64(32)
_ONE, _SEVEN, _TEN = np.uint64(1), np.uint64(7), np.uint64(10)
_PAIRS = np.uint64(0x000000FF000000FF)
_HUNDREDS = np.uint64(0x000F424000000064)
_UNITS = np.uint64(0x0000271000000001)


def read_decimals(
    words: Words, starts: NDArray[np.int64], ends: NDArray[np.int64], signs: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values of the texts from ``starts`` to ``ends``, and which of them are numbers.

    ``words[i]`` are the eight bytes from i on, ``signs`` says where a minus stands first. Texts beyond WIDEST are none.
    """
    starts = starts + signs
    lengths = ends - starts
    tails = np.minimum(lengths, 8)
    digits, after, points, good = _read_word(words[ends - 8], tails)
    good &= (lengths > points) & (lengths <= WIDEST)
    values = digits.astype(np.float64)
    if (long := np.flatnonzero(good & (lengths > 8))).size:
        head, head_after, head_points, head_good = _read_word(words[ends[long] - 16], lengths[long] - 8)
        good[long] &= head_good & (head_points + points[long] < 2)
        whole = head * _SHIFTS[8 - points[long]] + digits[long]
        values[long] = whole.astype(np.float64)
        after[long] += np.where(head_points, head_after + 8, 0)
    values /= _POWERS.take(after, mode="clip")
    np.negative(values, where=signs, out=values)
    return values, good


def _read_word(
    words: Words, lengths: NDArray[np.int64]
) -> tuple[Words, NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Of the last ``lengths`` characters: their digits as a number, how many come after a point, points, all good."""
    text = (words & _KEPT[lengths]) | _FILL[lengths]
    differs = text ^ _POINTS
    found = (differs - _ONES) & ~differs & _HIGHS
    point = found & (~found + _ONE)
    some = point != 0
    # What stands before the point moves over it.
    before = np.where(some, (point >> _SEVEN) - _ONE, np.uint64(0))
    behind = np.where(some, ~((point << _ONE) - _ONE), ~np.uint64(0))
    text = np.where(some, (text & behind) | ((text & before) << _8) | np.uint64(ord("0")), text)
    good = ((text & _NIBBLES) == _ZEROS) & (((text + _SIXES) & _NIBBLES) == _ZEROS)
    # The exponent of a power of two says which bit it is.
    place = (point.astype(np.float64).view(np.int64) >> 52) - 1023
    after = np.where(some, 7 - (place >> 3), 0)
    text = text - _ZEROS
    text = text * _TEN + (text >> _8)
    number = ((text & _PAIRS) * _HUNDREDS + ((text >> _16) & _PAIRS) * _UNITS) >> _32
    return number, after, some.astype(np.int64), good
