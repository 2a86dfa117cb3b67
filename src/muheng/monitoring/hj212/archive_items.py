"""Names and values of simply written packets, by columns; and which packets are not, so that they are read one by one.

Simply written: ASCII, one ``CP=&&`` closed by ``&&``, names and values in turn, no name twice, no free text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muheng.monitoring.hj212.archive_frames import Frames, Text, has_none
from muheng.monitoring.hj212.decimals import NUMBER, WIDEST, read_decimals
from muheng.monitoring.hj212.frame import CLOSE, OPEN
from muheng.monitoring.hj212.interning import Interning, Places
from muheng.monitoring.hj212.items import split_name
from muheng.monitoring.hj212.tables import codes

Mask = NDArray[np.bool_]

KEYS = ("QN", "ST", "CN", "MN", "FLAG")
"""Of the header, what becomes a column."""
_OPEN = np.uint64(int.from_bytes(OPEN, "little"))
_OPEN_MASK = np.uint64((1 << (8 * len(OPEN))) - 1)
_CLOSE = np.uint64(int.from_bytes(CLOSE, "little"))
_CLOSE_MASK = np.uint64((1 << (8 * len(CLOSE))) - 1)
_IN_HEADER = np.uint64(0x9E3779B97F4A7C15)
"""The same name weighs differently before ``CP=`` and after it."""
_LAST = np.uint64((1 << 64) - 1)


class Names:
    """Every name and every text met, and what names mean."""

    def __init__(self) -> None:
        self.names = Interning()
        self.texts = Interning()
        self.factors: list[str | None] = []
        self.suffixes: list[str] = []
        self.keys = np.zeros(0, dtype=np.int8)
        """Of a name in the header: its place in KEYS, else -1."""
        self.is_text = np.zeros(0, dtype=np.bool_)
        self.is_time = np.zeros(0, dtype=np.bool_)
        self._weights = np.zeros(0, dtype=np.uint64)
        self._verdicts: dict[int, bool] = {}
        self._sums = np.array([_LAST], dtype=np.uint64)
        self._simple = np.array([False])

    def number(self, text: Text, starts: Places, ends: Places) -> NDArray[np.int32]:
        """The numbers of names, each learned when it is first met."""
        numbers = self.names.number(text.data, text.words, starts, ends)
        new = self.names.texts[len(self.suffixes) :]
        if new:
            pairs = [split_name(name) for name in new]
            canonical = [canonicalise(name) for name in new]
            self.factors += [factor or None for factor, _ in pairs]
            self.suffixes += [suffix for _, suffix in pairs]
            keys = [KEYS.index(key) if key in KEYS else -1 for key in canonical]
            self.keys = np.append(self.keys, np.array(keys, dtype=np.int8))
            self.is_text = np.append(self.is_text, [is_text(*pair) for pair in pairs])
            self.is_time = np.append(self.is_time, [pair == ("", "DataTime") for pair in pairs])
            weights = np.random.default_rng(len(self._weights)).integers(
                1 << 62, size=len(new), dtype=np.uint64
            )
            self._weights = np.append(self._weights, 2 * weights + np.uint64(1))
        return numbers

    def find_simple(self, numbers: NDArray[np.int32], in_header: Mask, firsts: Places) -> Mask:
        """Of packets whose names begin at ``firsts``: where no name is empty or comes twice.

        Packets with the same names have the same sum of weights, and only one of them is looked at.
        """
        weights = self._weights[numbers]
        heads = np.flatnonzero(in_header)
        weights[heads] *= _IN_HEADER
        sums = np.add.reduceat(weights, firsts)
        known = np.searchsorted(self._sums, sums)
        new = np.flatnonzero(self._sums[known] != sums)
        if len(new):
            ends = np.append(firsts[1:], len(numbers))
            for place in new[np.unique(sums[new], return_index=True)[1]].tolist():
                part = slice(int(firsts[place]), int(ends[place]))
                self._verdicts[int(sums[place])] = self._is_simple(
                    numbers[part].tolist(), in_header[part].tolist()
                )
            self._sums = np.array([*sorted(self._verdicts), _LAST], dtype=np.uint64)
            self._simple = np.array([*(each for _, each in sorted(self._verdicts.items())), False])
            known = np.searchsorted(self._sums, sums)
        return self._simple[known]

    def _is_simple(self, numbers: list[int], in_header: list[bool]) -> bool:
        names = [
            ("header", canonicalise(self.names.texts[number]))
            if head
            else (self.factors[number], self.suffixes[number])
            for number, head in zip(numbers, in_header, strict=True)
        ]
        return len(set(names)) == len(names) and all(self.names.texts[number].strip() for number in numbers)


def canonicalise(key: str) -> str:
    """A header's key however it is written."""
    return key.strip(" ,").upper()


def is_text(factor: str | None, suffix: str) -> bool:
    """Values that are no figures even where they look so: flags and times of a factor, and all that has no factor."""
    known = codes("suffix").get(suffix)
    return not factor or (known is not None and not known.number)


@dataclass(frozen=True)
class Columns:
    """Of simple packets: their place among all frames; values of KEYS as places in the text, by key (-1: none).

    Of items: the packet, the number of the name, from where to where the value stands.
    """

    packets: Places
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    owners: Places
    names: NDArray[np.int32]
    value_starts: Places
    value_ends: Places


def read_columns(text: Text, frames: Frames, names: Names) -> Columns:
    """Frames that are not among ``packets`` of the answer are not simply written."""
    opens, kept = _find_openings(text, frames)
    begins, ends = frames.begins[kept], frames.ends[kept] - len(CLOSE)
    # An item is a name up to its "=" and a value up to what follows it: a separator, or the end of the contents.
    data = text.bytes[: text.stop]
    equals = data == ord("=")
    equals[opens + 2] = False
    stops = (data == ord(";")) | (data == ord(","))
    filled = opens + len(OPEN) < ends
    stops[ends[filled & (data[ends - 1] != ord(";"))]] = True
    middles, firsts, counts = _take(np.flatnonzero(equals), begins, ends)
    value_ends, _, last_counts = _take(np.flatnonzero(stops), begins, ends + 1)
    good = counts == last_counts
    good &= (opens == begins) | (data[opens - 1] == ord(";"))
    places = np.flatnonzero(kept)
    if not good.all():
        middles = middles[np.repeat(good, counts)]
        value_ends = value_ends[np.repeat(good, last_counts)]
        places, begins, opens, counts = places[good], begins[good], opens[good], counts[good]
        firsts = np.cumsum(counts) - counts
    owners = np.repeat(np.arange(len(places)), counts)
    in_header = middles < opens[owners]
    starts = np.empty_like(middles)
    starts[1:] = value_ends[:-1] + 1
    some = counts > 0
    starts[firsts[some]] = begins[some]
    leading = np.searchsorted(middles, opens)
    has_contents = leading < firsts + counts
    starts[leading[has_contents]] = opens[has_contents] + len(OPEN)
    heads = np.flatnonzero(in_header)
    simple = np.ones(len(places), dtype=np.bool_)
    simple[owners[np.flatnonzero((middles < starts) | (value_ends <= middles))]] = False
    simple[owners[heads[data[value_ends[heads]] != ord(";")]]] = False
    numbers = np.zeros(0, dtype=np.int32)
    while True:
        if not simple.all():
            which = np.flatnonzero(simple[owners])
            middles, value_ends, starts = middles[which], value_ends[which], starts[which]
            in_header, counts, places = in_header[which], counts[simple], places[simple]
            owners = np.repeat(np.arange(len(places)), counts)
            firsts = np.cumsum(counts) - counts
        if not len(middles):
            numbers = np.zeros(0, dtype=np.int32)
            break
        numbers = names.number(text, starts, middles)
        some = counts > 0
        simple = np.ones(len(places), dtype=np.bool_)
        simple[some] = names.find_simple(numbers, in_header, firsts[some])
        if simple.all():
            break
    key_starts = np.full((len(KEYS), len(places)), -1, dtype=np.int64)
    key_ends = key_starts.copy()
    heads = np.flatnonzero(in_header)
    keys = names.keys[numbers[heads]]
    for key in range(len(KEYS)):
        which = heads[keys == key]
        key_starts[key, owners[which]] = middles[which] + 1
        key_ends[key, owners[which]] = value_ends[which]
    inside = np.flatnonzero(~in_header)
    return Columns(
        places, key_starts, key_ends, owners[inside], numbers[inside], middles[inside] + 1, value_ends[inside]
    )


def _take(found: Places, begins: Places, ends: Places) -> tuple[Places, Places, Places]:
    """Of sorted places those inside the packets; of each packet the first among them, and how many there are."""
    first, last = np.searchsorted(found, begins), np.searchsorted(found, ends)
    counts = last - first
    firsts = np.cumsum(counts) - counts
    if counts.sum() < len(found):
        found = found[np.arange(counts.sum()) + np.repeat(first - firsts, counts)]
    return found, firsts, counts


def _find_openings(text: Text, frames: Frames) -> tuple[Places, Mask]:
    """Where ``CP=&&`` stands in plain frames that have one, and which frames these are."""
    kept = _find_plain(text, frames)
    signs = np.flatnonzero(text.bytes[: text.stop] == ord("&"))
    found = signs[(text.words[signs - 3] & _OPEN_MASK) == _OPEN] - 3
    first, last = np.searchsorted(found, frames.begins), np.searchsorted(found, frames.ends)
    kept &= last - first == 1
    return found[first[kept]], kept


def _find_plain(text: Text, frames: Frames) -> Mask:
    """ASCII, closed by ``&&``, without free text."""
    kept = (text.words[frames.ends - len(CLOSE)] & _CLOSE_MASK) == _CLOSE
    if not text.data.isascii():
        kept &= has_none(frames, np.flatnonzero(text.bytes >= 0x80))
    slashes = np.flatnonzero(text.bytes == ord("/"))
    kept &= has_none(frames, slashes[text.bytes[slashes + 1] == ord("/")])
    return np.asarray(kept)


def read_values(
    text: Text, numbers: NDArray[np.int32], starts: Places, ends: Places, names: Names
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Of items with these names the figure, or (-1 where there is one) the number of the text."""
    values = np.full(len(starts), np.nan)
    texts = np.full(len(starts), -1, dtype=np.int32)
    if not len(starts):
        return values, texts
    worded = names.is_text[numbers]
    figures = np.flatnonzero(~worded)
    a, b = starts[figures], ends[figures]
    read, good = read_decimals(text.words, a, b, (text.bytes[a] == ord("-")) & (b > a))
    for place in np.flatnonzero((b - a > WIDEST) & ~good).tolist():
        written = text.data[int(a[place]) : int(b[place])].decode("ascii")
        if NUMBER.fullmatch(written):
            read[place], good[place] = float(written), True
    read[np.flatnonzero(~good)] = np.nan
    values[figures] = read
    worded[figures[np.flatnonzero(~good)]] = True
    others = np.flatnonzero(worded)
    texts[others] = names.texts.number(text.data, text.words, starts[others], ends[others])
    return values, texts
