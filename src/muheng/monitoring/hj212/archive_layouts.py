"""How a packet is laid out, worked out once for all that are laid out alike: its signs, its names, what its values are.

A packet belongs to a layout where every sign and every name stands as the layout has it; nothing is taken on trust.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muheng.monitoring.hj212.archive_frames import Frames, Text
from muheng.monitoring.hj212.frame import CLOSE, OPEN
from muheng.monitoring.hj212.interning import Interning, Places
from muheng.monitoring.hj212.items import split_name
from muheng.monitoring.hj212.tables import codes

KEYS = ("ST", "CN", "MN", "FLAG", "QN")
"""Of the header, what becomes a column."""
MOST_SIGNS = 256
"""Of a packet that is read by columns; a layout takes memory by the number of its signs."""

_REGULAR = re.compile(rb"(?P<header>(?:=;)*)=&&(?:(?:=[;,])*=;?)?&&")
_WORD = 8
_SAMPLES = 8
_KEPT = np.array([((1 << (8 * length)) - 1) << (64 - 8 * length) for length in range(9)], dtype=np.uint64)
"""The last so many bytes of a word."""
_REST = np.array([8 * (-length % _WORD) for length in range(_WORD)], dtype=np.uint64)
_MIXERS = np.random.default_rng(212).integers(1 << 63, size=_SAMPLES + 1, dtype=np.uint64) | np.uint64(1)


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
        return len(self.texts.texts) + MOST_SIGNS * sum(map(len, self.layouts.values()))

    def number(self, name: str) -> int:
        """Of an item's name: its place in ``factors`` and ``suffixes``."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.factors)
            factor, suffix = split_name(name)
            self.factors.append(factor or None)
            self.suffixes.append(suffix)
        return number


@dataclass(frozen=True)
class _Endings:
    """Words of text that end ``behind`` a sign: how far to shift them, and what they are then."""

    rows: Places
    behind: Places
    shifts: NDArray[np.uint64]
    words: NDArray[np.uint64]


@dataclass(frozen=True)
class Layout:
    """Signs are numbered as they come. A value stands after its "=", up to the next sign."""

    signs: int
    kinds: NDArray[np.uint64]
    """The signs, eight in a word; the last word's at its upper end."""
    first: int
    """Bytes of the first name."""
    endings: tuple[_Endings, ...]
    keys: tuple[int | None, ...]
    """The "=" of each of KEYS."""
    time: int | None
    """The "=" of DataTime."""
    figures: Places
    """Items whose values may be figures, as places among the items; all others are texts."""
    texts: Places
    items: Places
    """The "=" of all items but DataTime."""
    names: NDArray[np.int32]
    """Their numbers."""

    def place(self, text: Text, frames: Frames, firsts: Places) -> tuple[NDArray[np.bool_], Places]:
        """Which packets are laid out so, and of these the places of their signs: a row for each sign.

        ``firsts`` says where the packets' signs begin; they have as many as the layout.
        """
        signs = text.kind_words[np.arange(0, self.signs, _WORD)[:, None] + firsts]
        signs[-1] <<= _REST[self.signs % _WORD]
        good = (signs == self.kinds[:, None]).all(axis=0)
        places = text.signs.take(np.arange(self.signs)[:, None] + firsts)
        good &= (places[-1] == frames.ends - 1) & (places[0] == frames.begins + self.first)
        for ending in self.endings:
            words = text.words[places[ending.rows] + ending.behind[:, None]]
            words >>= ending.shifts[:, None]
            good &= (words == ending.words[:, None]).all(axis=0)
        return good, places if good.all() else places[:, good]


def weigh(text: Text, firsts: Places, signs: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Of each packet a number that is the same for the same layout, and seldom for another: by a few of its names.

    ``firsts`` and ``signs`` say where each packet's signs begin and how many there are.
    """
    lasts = firsts + signs
    # From the last name on, every second sign is an "=".
    lasts -= 3 + (text.kinds.take(lasts - 3, mode="clip") == ord(";"))
    steps = np.maximum(signs, 0) // (2 * _SAMPLES)
    which = lasts - 2 * steps * np.arange(_SAMPLES)[:, None]
    np.clip(which, 1, None, out=which)
    places = text.signs[which]
    lengths = np.minimum(places - text.signs[which - 1] - 1, _WORD)
    weights = text.words[places - _WORD] & _KEPT[lengths]
    weights[text.kinds[which] != ord("=")] = 0
    weights *= _MIXERS[:-1, None]
    return np.asarray(weights.sum(axis=0, dtype=np.uint64) + signs.astype(np.uint64) * _MIXERS[-1])


def make_layout(text: Text, begin: int, end: int, first: int, last: int, names: Names) -> Layout | None:
    """Of the packet from ``begin`` to ``end``, whose signs are those from ``first`` to ``last``; None where it is not
    simply written: ASCII, one ``CP=&&`` closed by ``&&``, names and values in turn, no name twice, no free text.
    """
    kinds = text.kinds[first:last].tobytes()
    found = _REGULAR.fullmatch(kinds)
    places = text.signs[first:last].tolist()
    if found is None or places[-1] != end - 1:
        return None
    equals = [row for row, kind in enumerate(kinds) if kind == ord("=")]
    written = [
        text.data[places[row - 1] + 1 if row else begin : places[row]].decode("ascii") for row in equals
    ]
    leading = len(found["header"]) // 2
    opening = equals[leading]
    # What closes the contents has a last separator, or nothing, before it.
    closing = {ord(";"): b";&&", ord("&"): b"&&&&"}.get(kinds[-3], CLOSE)
    mark = OPEN if leading == 0 else b";" + OPEN
    if written[leading].encode() + b"=&&" != OPEN or not all(written):
        return None
    marks = ((opening, len(b"=&&"), mark), (len(kinds) - 1, 1, closing))
    if any(not text.data.startswith(part, places[row] + behind - len(part)) for row, behind, part in marks):
        return None
    rest = len(kinds) % _WORD
    header, items = [_canonicalise(name) for name in written[:leading]], written[leading + 1 :]
    pairs = [split_name(name) for name in items]
    if len({*header}) < len(header) or len({*pairs}) < len(pairs):
        return None
    rows = equals[leading + 1 :]
    time = next((row for row, pair in zip(rows, pairs, strict=True) if pair == ("", "DataTime")), None)
    kept = [place for place, row in enumerate(rows) if row != time]
    worded = [is_text(*pairs[place]) for place in kept]
    # With the sign before it: so it is known where a name begins.
    ends = [(row, 0, kinds[row - 1 : row] + name.encode()) for row, name in zip(equals, written, strict=True)]
    ends[0] = (equals[0], 0, written[0].encode())
    ends[leading] = marks[0]
    return Layout(
        len(kinds),
        np.frombuffer(
            kinds[: -rest or None] + bytes(-rest % _WORD) + kinds[len(kinds) - rest :], dtype="<u8"
        ),
        len(written[0]),
        tuple(_find_endings([*ends, marks[1]])),
        tuple(equals[header.index(key)] if key in header else None for key in KEYS),
        time,
        np.array([place for place, text_only in enumerate(worded) if not text_only], dtype=np.int64),
        np.array([place for place, text_only in enumerate(worded) if text_only], dtype=np.int64),
        np.array([rows[place] for place in kept], dtype=np.int64),
        np.array([names.number(items[place]) for place in kept], dtype=np.int32),
    )


def _find_endings(ends: list[tuple[int, int, bytes]]) -> Iterator[_Endings]:
    """A word at a time, from the end: of texts that end so far behind these signs."""
    for at in range(0, max(len(part) for _, _, part in ends), _WORD):
        some = [
            (row, behind - at - _WORD, part[max(len(part) - at - _WORD, 0) : len(part) - at])
            for row, behind, part in ends
            if len(part) > at
        ]
        yield _Endings(
            np.array([row for row, _, _ in some]),
            np.array([behind for _, behind, _ in some]),
            np.array([64 - 8 * len(part) for _, _, part in some], dtype=np.uint64),
            np.array([int.from_bytes(part, "little") for _, _, part in some], dtype=np.uint64),
        )


def _canonicalise(key: str) -> str:
    """A header's key however it is written."""
    return key.strip(" ,").upper()


def is_text(factor: str | None, suffix: str) -> bool:
    """Values that are no figures even where they look so: flags and times of a factor, and all that has no factor."""
    known = codes("suffix").get(suffix)
    return not factor or (known is not None and not known.number)
