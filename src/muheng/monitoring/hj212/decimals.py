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


_ONES, _HIGHS, _ZEROS, _POINTS = _word(0x01), _word(0x80), _word(ord("0")), _word(ord(".") ^ ord("0"))
_BEYOND_NINE = _word(0x80 - 10)
"""Added to a byte, it sets the highest bit of all that is no digit."""
_KEPT = np.array([(1 << 64) - (1 << (64 - 8 * length)) for length in range(9)], dtype=np.uint64)
"""The last so many characters of a word."""
_POWERS = np.array([10.0**power for power in range(WIDEST + 2)])
_AFTER = np.uint64(0x0807060504030201)
"""By where the point stands: how many characters the word has from it on."""
_BYTE = np.uint64(0xFF)
_1, _7, _8, _16, _32, _56 = (np.uint64(bits) for bits in (1, 7, 8, 16, 32, 56))
_TEN = np.uint64(10)
_PAIRS = np.uint64(0x000000FF000000FF)
_HUNDREDS = np.uint64(0x000F424000000064)
_UNITS = np.uint64(0x0000271000000001)


def read_decimals(
    words: Words, firsts: Words, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values of the texts from ``starts`` to ``ends``, and which of them are numbers.

    ``words[i]`` are the eight bytes from i on, ``firsts`` those from ``starts`` on. Texts beyond WIDEST are no numbers.
    """
    lengths = ends - starts
    # What stands behind the text is shifted out; a length that no word has leaves nothing.
    last = (firsts ^ _ZEROS) << (64 - (lengths << 3)).view(np.uint64)
    if (over := np.flatnonzero(lengths > 8)).size:
        last[over] = words[ends[over] - 8] ^ _ZEROS
    signs = (firsts & _BYTE) == ord("-")
    signed = bool(signs.any())
    if signed:
        lengths -= signs
        last &= _KEPT[np.clip(lengths, 0, 8)]
    digits, after, good = _read_word(last)
    good &= (lengths > (after > 0)) & (lengths <= WIDEST)
    values = digits.astype(np.float64)
    if (long := np.flatnonzero(good & (lengths > 8))).size:
        head, head_after, head_good = _read_word(
            (words[ends[long] - 16] ^ _ZEROS) & _KEPT[np.minimum(lengths[long] - 8, 8)]
        )
        pointed, head_pointed = after[long] > 0, head_after > 0
        good[long] &= head_good & ~(pointed & head_pointed)
        # Here the nought that a point leaves behind would be a digit too many.
        digits, head = digits[long], np.where(head_pointed, head // _TEN, head)
        digits = np.where(pointed, digits // _TEN, digits)
        whole = head * np.where(pointed, np.uint64(10**7), np.uint64(10**8)) + digits
        values[long] = whole.astype(np.float64)
        after[long] = np.where(pointed, after[long] - 1, np.where(head_pointed, head_after + 7, 0))
    values /= _POWERS[after]
    if signed:
        np.negative(values, where=signs, out=values)
    return values, good


def _read_word(text: Words) -> tuple[Words, NDArray[np.int64], NDArray[np.bool_]]:
    """Of characters at a word's end, from which those of "0" were taken: their digits as a number, after how many a point
    stood, whether all are good.

    What stands behind a point moves up to take its place, and a nought comes last: it counts as a digit after the point.
    """
    point = text ^ _POINTS
    point = (point - _ONES) & ~point & _HIGHS
    point &= ~point + _1
    point >>= _7
    before = point - _1
    behind = text >> _8
    text &= before
    behind &= ~before
    text |= behind
    good = ((text | (text + _BEYOND_NINE)) & _HIGHS) == 0
    text = text * _TEN + (text >> _8)
    number = ((text & _PAIRS) * _HUNDREDS + ((text >> _16) & _PAIRS) * _UNITS) >> _32
    return number, ((point * _AFTER) >> _56).astype(np.int64), good
