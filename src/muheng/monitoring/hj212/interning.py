"""Short texts that come again and again, as numbers: a column of them at a time.

A text of up to 24 bytes is three words; words are looked up in a table by a hash and compared, so that a collision costs
time and nothing else. Longer ones go one by one. Texts that are not plain are refused.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from muheng.monitoring.hj212.decimals import Words

Places = NDArray[np.int64]

PLAIN = rb"[-.0-:<>-\x7f]"
"""A byte of plain names and values: ASCII, and nothing that separates, opens, closes or is white space."""
ALL_PLAIN = re.compile(PLAIN + b"*")
NOTHING, EMPTY = 0, 1
"""The numbers of no text at all, which no text ever has, and of the empty text."""
REFUSED = -1
"""The number of all texts that are not plain."""

_UNMET = -2

_BITS = 18
_WIDEST = 24
_KEPT = tuple(
    np.array([(1 << (8 * min(max(length - at, 0), 8))) - 1 for length in range(_WIDEST + 2)], dtype=np.uint64)
    for at in (0, 8, 16)
)
"""The part of a text that stands in each of its words, by its length."""
_MIXERS = tuple(np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


class Interning:
    """``texts[number]`` is the text of a number; they are given out in the order of appearance."""

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        self._numbers: dict[bytes, int] = {}
        self._letters = np.full(256, _UNMET, dtype=np.int32)
        self._table = np.zeros(1 << _BITS, dtype=np.int32)
        self._keys = np.zeros((3, 1024), dtype=np.uint64)
        self._lengths = np.full(1024, -1, dtype=np.int64)
        self._add(b"")

    def number(self, data: bytes, words: Words, starts: Places, ends: Places) -> NDArray[np.int32]:
        """Of the texts from ``starts`` to ``ends``."""
        lengths = ends - starts
        if (lengths == 1).all():
            return self._number_letters(data, starts)
        longest = int(lengths.max(initial=0))
        short = np.minimum(lengths, _WIDEST + 1)
        keys = [words[starts] & _KEPT[0][short]]
        mixed = keys[0] * _MIXERS[0]
        for word, at in ((1, 8), (2, 16)):
            if longest > at:
                keys.append(words[starts + at] & _KEPT[word][short])
                mixed += keys[word] * _MIXERS[word]
        slots = (mixed >> np.uint64(64 - _BITS)).astype(np.int64)
        numbers, known = self._look_up(keys, slots, lengths)
        if not known.all():
            # Most are the same: one of each is learned, and only then are collisions and long texts taken singly.
            new = np.flatnonzero(~known)
            for place in new[np.unique(slots[new], return_index=True)[1]].tolist():
                text = data[int(starts[place]) : int(ends[place])]
                if (number := self._find(text)) != REFUSED and len(text) <= _WIDEST:
                    self._table[slots[place]] = number
            numbers, known = self._look_up(keys, slots, lengths)
            for place in np.flatnonzero(~known).tolist():
                numbers[place] = self._find(data[int(starts[place]) : int(ends[place])])
        return numbers

    def _look_up(
        self, keys: list[Words], slots: Places, lengths: Places
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        numbers: NDArray[np.int32] = self._table[slots]
        known = self._lengths[numbers] == lengths
        for column, key in zip(self._keys, keys, strict=False):
            known &= column[numbers] == key
        return numbers, known

    def _number_letters(self, data: bytes, starts: Places) -> NDArray[np.int32]:
        letters = np.frombuffer(data, dtype=np.uint8)[starts]
        numbers = self._letters[letters]
        if (numbers == _UNMET).any():
            for letter in np.unique(letters[numbers == _UNMET]).tolist():
                self._letters[letter] = self._find(bytes([letter]))
            numbers = self._letters[letters]
        return numbers

    def _find(self, text: bytes) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._add(text) if ALL_PLAIN.fullmatch(text) else REFUSED
        return number

    def _add(self, text: bytes) -> int:
        number = self._numbers[text] = len(self.texts)
        self.texts.append(text.decode("ascii"))
        if number >= len(self._lengths):
            more = len(self._lengths)
            self._lengths = np.concatenate([self._lengths, np.full(more, -1, dtype=np.int64)])
            self._keys = np.concatenate([self._keys, np.zeros((3, more), dtype=np.uint64)], axis=1)
        if len(text) <= _WIDEST:
            self._lengths[number] = len(text)
            padded = text.ljust(_WIDEST, b"\0")
            self._keys[:, number] = np.frombuffer(padded, dtype="<u8")
        return number
