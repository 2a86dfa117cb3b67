"""How a packet is laid out, worked out once for all that are laid out alike: its names, and what its values are.

A packet belongs to a layout where all between its values stands as the layout has it: nothing is taken on trust. Whether
values are plain is left to who reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from muheng.monitoring.hj212.archive_frames import BLOCK, Frames, Text
from muheng.monitoring.hj212.decimals import Words
from muheng.monitoring.hj212.frame import CLOSE
from muheng.monitoring.hj212.interning import PLAIN, Interning, Places
from muheng.monitoring.hj212.items import split_name
from muheng.monitoring.hj212.tables import codes

KEYS = ("ST", "CN", "MN", "FLAG")
"""Of the header, what becomes a column, and QN."""
MOST_VALUES = 128
"""Of a packet that is read by columns; a layout takes memory by their number."""

_WORD = 8
_NAMED = 2 * _WORD
"""Bytes before a value that are read together with its first."""
_SAMPLES = 8
_MIXERS = np.random.default_rng(212).integers(1 << 63, size=_SAMPLES + 1, dtype=np.uint64) | np.uint64(1)
_ITEM = b"%b+=%b*" % (PLAIN, PLAIN)
_SIMPLE = re.compile(b"(?P<header>(?:%b;)*)CP=&&(?:(?:%b[;,])*%b(?P<last>;?))?&&" % (_ITEM, _ITEM, _ITEM))
_NAME = re.compile(b"((?:&&|[;,])?(%b+)=)%b*" % (PLAIN, PLAIN))
"""What stands before a value, and the name in it."""


class Names:
    """Every name and every text met, what names mean, and the layouts they come in."""

    def __init__(self) -> None:
        self.texts = Interning()
        self.factors: list[str | None] = []
        self.suffixes: list[str] = []
        self.layouts: dict[int, list[Layout]] = {}
        """By what ``weigh`` gives."""
        self._numbers: dict[str, int] = {}

    @property
    def size(self) -> int:
        """What is remembered, counted in texts."""
        return len(self.texts.texts) + MOST_VALUES * sum(map(len, self.layouts.values()))

    def number(self, name: str) -> int:
        """Of an item's name: its place in ``factors`` and ``suffixes``."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.factors)
            factor, suffix = split_name(name)
            self.factors.append(factor or None)
            self.suffixes.append(suffix)
        return number


class Placed(NamedTuple):
    """Where values stand: a row for each of a layout's, a column for each packet. ``words``: their first eight bytes."""

    starts: Places
    ends: Places
    words: Words

    def pick(self, good: NDArray[np.bool_]) -> Placed:
        if good.all():
            return self
        return Placed(self.starts[:, good], self.ends[:, good], self.words[:, good])


class _Ending(NamedTuple):
    """Words of text that end so many bytes ``before`` a value: how far to shift them, and what they are then."""

    rows: Places
    before: int
    shifts: Words
    words: Words


@dataclass(frozen=True)
class Layout:
    """Values are numbered as they come, those of the header first, then CP's, which is empty."""

    values: int
    sizes: Places
    """Bytes of the texts before the values: separator, name, "="."""
    kept: tuple[Words, Words]
    """Which bytes of the last two words before each value belong to these texts."""
    texts: tuple[Words, Words]
    """What they are."""
    endings: tuple[_Ending, ...]
    """What longer texts have before."""
    closing: bytes
    """After the last value."""
    opening: int
    """The value of CP; what opens the contents is part of the text before the next."""
    keys: tuple[int, ...]
    """The values of KEYS but QN; CP's where there is none."""
    qn: int
    time: int | None
    """The value of DataTime."""
    front: int
    """So many values from the first on hold the header and DataTime."""
    items: Places
    """The values of all items but DataTime."""
    names: NDArray[np.int32]
    """Their numbers."""
    figures: Places
    """Items whose values may be figures, as places among the items; all others are texts."""
    words: Places

    def place(self, text: Text, frames: Frames, firsts: Places) -> tuple[NDArray[np.bool_], Placed]:
        """Which packets are laid out so, and of these the places of their values.

        ``firsts`` says which "=" is the packets' first; they have as many as the layout has values.
        """
        runs: Places = np.ndarray(
            (len(text.equals) - self.values + 1, self.values), np.int64, text.equals, strides=(8, 8)
        )
        starts = np.ascontiguousarray(runs[firsts].T)
        starts += 1
        near = text.blocks[starts - _NAMED].view("<u8").reshape(*starts.shape, BLOCK // _WORD)
        wrong = (near[..., 0] & self.kept[0]) ^ self.texts[0]
        wrong |= (near[..., 1] & self.kept[1]) ^ self.texts[1]
        for rows, before, shifts, words in self.endings:
            places = np.maximum(starts[rows] - before - _WORD, 0)
            wrong[rows] |= (text.words[places] >> shifts) ^ words
        good = np.bitwise_or.reduce(wrong, axis=0) == 0
        ends = np.empty_like(starts)
        ends[:-1] = starts[1:] - self.sizes[1:]
        ends[-1] = frames.ends - len(self.closing)
        good &= starts[0] - self.sizes[0] == frames.begins
        good &= starts[self.opening] == ends[self.opening]
        shift = np.uint64(8 * (_WORD - len(self.closing)))
        good &= text.words[frames.ends - _WORD] >> shift == int.from_bytes(self.closing, "little")
        return good, Placed(starts, ends, near[..., 2]).pick(good)


_COMMAS, _SEMICOLONS, _ONES, _HIGHS = (np.uint64(byte * 0x0101010101010101) for byte in (*b",;", 0x01, 0x80))
_7, _8, _16, _32, _FULL = (np.uint64(number) for number in (7, 8, 16, 32, 0xFF))


def weigh(text: Text, firsts: Places, counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Of each packet a number that is the same for the same layout, and seldom for another: by a few of its names.

    ``firsts`` and ``counts`` say which "=" is each packet's first, and how many there are.
    """
    lasts = firsts + counts - 1
    which = lasts[:, None] - np.maximum(counts // _SAMPLES, 1)[:, None] * np.arange(_SAMPLES)
    # What stands before the first name, too, is the packet's own.
    np.maximum(which, np.minimum(firsts + 1, lasts)[:, None], out=which)
    words = text.words[text.equals[which] - _WORD]
    # A separator and what stands before it do not belong to the name.
    comma, semicolon = words ^ _COMMAS, words ^ _SEMICOLONS
    before = ((comma - _ONES) & ~comma) | ((semicolon - _ONES) & ~semicolon)
    before &= _HIGHS
    for shift in (_8, _16, _32):
        before |= before >> shift
    words &= ~((before >> _7) * _FULL)
    return np.asarray(words @ _MIXERS[:-1] + counts.astype(np.uint64) * _MIXERS[-1])


def make_layout(text: Text, begin: int, end: int, names: Names) -> Layout | None:
    """Of the packet from ``begin`` to ``end``; None where it is not simply written: ASCII, one ``CP=&&`` closed by ``&&``,
    names and values in turn, no name twice, no free text.
    """
    segment = text.data[begin:end]
    found = _SIMPLE.fullmatch(segment)
    if found is None:
        return None
    texts, written = zip(*_NAME.findall(segment), strict=True)
    opening = found["header"].count(b";")
    header = [_canonicalise(name.decode("ascii")) for name in written[:opening]]
    items = [name.decode("ascii") for name in written[opening + 1 :]]
    pairs = [split_name(name) for name in items]
    if len({*header}) < len(header) or len({*pairs}) < len(pairs):
        return None
    rows = range(opening + 1, len(texts))
    time = next((row for row, pair in zip(rows, pairs, strict=True) if pair == ("", "DataTime")), None)
    kept = [place for place, row in enumerate(rows) if row != time]
    worded = [is_text(*pairs[place]) for place in kept]
    known, needed = _split_words(texts), _split_words([b"\xff" * len(each) for each in texts])
    return Layout(
        len(texts),
        np.array([[len(each)] for each in texts]),
        needed,
        known,
        tuple(_find_endings(texts)),
        # Where there are no contents, what opens them is read as a part of what closes them.
        found["last"] + CLOSE if items else CLOSE + CLOSE,
        opening,
        tuple(header.index(key) if key in header else opening for key in KEYS),
        header.index("QN") if "QN" in header else opening,
        time,
        (time or opening) + 1,
        np.array([rows[place] for place in kept], dtype=np.int64),
        np.array([names.number(items[place]) for place in kept], dtype=np.int32),
        np.array([place for place, text_only in enumerate(worded) if not text_only], dtype=np.int64),
        np.array([place for place, text_only in enumerate(worded) if text_only], dtype=np.int64),
    )


def _split_words(texts: Iterable[bytes]) -> tuple[Words, Words]:
    """The last two words of each, as columns."""
    ends = b"".join(each[-_NAMED:].rjust(_NAMED, b"\0") for each in texts)
    low, high = np.frombuffer(ends, dtype="<u8").reshape(-1, 2).T[:, :, None]
    return low, high


def _find_endings(texts: Sequence[bytes]) -> Iterator[_Ending]:
    """What is left of texts beyond two words, a word at a time."""
    for behind in range(_NAMED, max(map(len, texts)), _WORD):
        longer = [row for row, each in enumerate(texts) if len(each) > behind]
        parts = [texts[row][:-behind][-_WORD:] for row in longer]
        yield _Ending(
            np.array(longer),
            behind,
            np.array([[64 - 8 * len(part)] for part in parts], dtype=np.uint64),
            np.array([[int.from_bytes(part, "little")] for part in parts], dtype=np.uint64),
        )


def _canonicalise(key: str) -> str:
    """A header's key however it is written."""
    return key.strip(" ,").upper()


def is_text(factor: str | None, suffix: str) -> bool:
    """Values that are no figures even where they look so: flags and times of a factor, and all that has no factor."""
    known = codes("suffix").get(suffix)
    return not factor or (known is not None and not known.number)
