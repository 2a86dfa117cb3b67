"""Values of simply written packets, by columns: those that are laid out alike together, in the order of the archive again.

Which packets are simply written ``archive_layouts`` says; all others are left to be read one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from muheng.monitoring.hj212.archive_frames import Frames, Text
from muheng.monitoring.hj212.archive_layouts import (
    KEYS,
    MOST_VALUES,
    Layout,
    Names,
    Placed,
    make_layout,
    weigh,
)
from muheng.monitoring.hj212.decimals import NUMBER, WIDEST, Words, read_decimals
from muheng.monitoring.hj212.interning import ALL_PLAIN, REFUSED, Places
from muheng.monitoring.hj212.moments import read_moment

TOGETHER = 2048
"""Packets of a layout that are read together: what a processor keeps near itself."""
FEW = 4
"""Fewer packets of a layout are read sooner one by one."""
QN_SIZE = 17
NO_TEXT = -1
"""Where an item is a figure."""
_TRIES = 8
"""So many layouts may share a weight before packets are read one by one."""

Numbers = NDArray[np.int32]


@dataclass(frozen=True)
class Columns:
    """Of simple packets, which are those of ``packets`` among all frames: texts as numbers, QN as places in the text.

    Of items: how many each packet has, and the numbers of their names, figures, texts (NO_TEXT where there is a figure).
    """

    packets: Places
    header: NDArray[np.int32]
    """A row for each of KEYS."""
    starts: Places
    ends: Places
    times: NDArray[np.datetime64]
    counts: NDArray[np.int64]
    names: Numbers
    values: NDArray[np.float64]
    texts: Numbers


class _Read(NamedTuple):
    """Packets that were read together; a row for each item, a column for each packet."""

    packets: Places
    layout: Layout
    header: NDArray[np.int32]
    starts: Places
    ends: Places
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    texts: Numbers

    def pick(self, which: NDArray[np.bool_]) -> _Read:
        """Of these packets only."""
        packets, layout, header, starts, ends, times, values, texts = self
        return _Read(
            packets[which],
            layout,
            header[:, which],
            starts[which],
            ends[which],
            times[which],
            values[:, which],
            texts[:, which],
        )


def read_columns(text: Text, frames: Frames, names: Names) -> Columns:
    """Frames that are not among ``packets`` of the answer have to be read one by one."""
    firsts = np.searchsorted(text.equals, frames.begins)
    parts = [
        _read(text, packets, layout, placed, names)
        for some in _group(text, frames, firsts)
        for packets, layout, placed in _place(text, frames, firsts, *some, names)
    ]
    return _put_in_order([part for part in parts if len(part.packets)])


def _group(text: Text, frames: Frames, firsts: Places) -> Iterator[tuple[int, Places, NDArray[np.int64]]]:
    """Packets that are probably laid out alike, with their weight and the number of their values."""
    counts = np.searchsorted(text.equals, frames.ends) - firsts
    which = np.flatnonzero((counts > 0) & (counts <= MOST_VALUES))
    if not len(which):
        return
    weights = weigh(text, firsts[which], counts[which])
    order = np.argsort(weights, kind="stable")
    edges = np.flatnonzero(np.diff(weights[order], prepend=weights[order[0]] ^ np.uint64(1)))
    for a, b in zip(edges.tolist(), [*edges[1:].tolist(), len(order)], strict=True):
        if b - a >= FEW:
            group = which[order[a:b]]
            yield int(weights[order[a]]), group, counts[group]


def _place(
    text: Text,
    frames: Frames,
    firsts: Places,
    weight: int,
    packets: Places,
    counts: NDArray[np.int64],
    names: Names,
) -> Iterator[tuple[Places, Layout, Placed]]:
    """Packets of a group with their layout and the places of their values, not too many at a time."""
    known = names.layouts.setdefault(weight, [])
    for number in range(_TRIES):
        if not len(packets):
            return
        if number >= len(known):
            made = make_layout(text, int(frames.begins[packets[0]]), int(frames.ends[packets[0]]), names)
            if made is None:
                packets, counts = packets[1:], counts[1:]
                continue
            known.append(made)
        layout = known[min(number, len(known) - 1)]
        left = counts != layout.values
        alike = np.flatnonzero(~left)
        for at in range(0, len(alike), TOGETHER):
            some = alike[at : at + TOGETHER]
            good, placed = layout.place(text, frames.pick(packets[some]), firsts[packets[some]])
            left[some[~good]] = True
            if good.any():
                yield packets[some[good]], layout, placed
        packets, counts = packets[left], counts[left]


def _read(text: Text, packets: Places, layout: Layout, placed: Placed, names: Names) -> _Read:
    """Packets with a value that is not plain are left out."""
    starts, ends, words = placed
    header = np.zeros((layout.opening + 1, len(packets)), dtype=np.int32)
    for row in range(layout.opening):
        if row != layout.qn:
            header[row] = names.texts.number(text.data, text.words, starts[row], ends[row])
    good = (header != REFUSED).all(axis=0) & _are_plain(text, starts[layout.qn], ends[layout.qn])
    times = np.full(len(packets), np.datetime64("NaT"), dtype="datetime64[ms]")
    if layout.time is not None:
        times, exist = read_times(text, starts[layout.time], ends[layout.time])
        good &= exist
    values = np.full((len(layout.items), len(packets)), np.nan)
    texts = np.full(values.shape, NO_TEXT, dtype=np.int32)

    rows = layout.items[layout.figures]
    begins, stops = starts[rows].ravel(), ends[rows].ravel()
    read = _read_figures(text, words[rows].ravel(), begins, stops)
    values[layout.figures] = read.reshape(len(rows), len(packets))
    bad = np.flatnonzero(np.isnan(read))
    written = names.texts.number(text.data, text.words, begins[bad], stops[bad])
    items, which = np.divmod(bad, len(packets))
    texts[layout.figures[items], which] = written
    good[which[written == REFUSED]] = False

    rows = layout.items[layout.words]
    written = names.texts.number(text.data, text.words, starts[rows].ravel(), ends[rows].ravel())
    texts[layout.words] = written.reshape(len(rows), len(packets))
    good &= (texts[layout.words] != REFUSED).all(axis=0)
    read_all = _Read(
        packets, layout, header[[*layout.keys]], starts[layout.qn], ends[layout.qn], times, values, texts
    )
    return read_all if good.all() else read_all.pick(good)


def _are_plain(text: Text, starts: Places, ends: Places) -> NDArray[np.bool_]:
    """Nearly always they are seventeen digits."""
    stamps = text.blocks[starts].view("<u8").reshape(-1, 3)
    plain = (ends - starts == QN_SIZE) & are_digits(stamps[:, 0]) & are_digits(stamps[:, 1])
    plain &= (stamps[:, 2] & _BYTE) - ord("0") < 10
    for place in np.flatnonzero(~plain).tolist():
        plain[place] = ALL_PLAIN.fullmatch(text.data, int(starts[place]), int(ends[place])) is not None
    return np.asarray(plain)


def _read_figures(text: Text, words: Words, starts: Places, ends: Places) -> NDArray[np.float64]:
    """NaN for what is no figure."""
    values, good = read_decimals(text.words, words, starts, ends)
    if good.all():
        return values
    bad = np.flatnonzero(~good)
    values[bad] = np.nan
    for place in bad[(ends - starts)[bad] > WIDEST].tolist():
        written = text.data[int(starts[place]) : int(ends[place])].decode("ascii")
        if NUMBER.fullmatch(written):
            values[place] = float(written)
    return values


def _put_in_order(parts: list[_Read]) -> Columns:
    """What was read layout by layout, packet by packet again."""
    packets = np.concatenate([np.zeros(0, dtype=np.int64), *(part.packets for part in parts)])
    order = np.argsort(packets, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    sizes = [(len(part.packets), len(part.layout.items)) for part in parts]
    counts = np.repeat(
        np.array([size for _, size in sizes], dtype=np.int64),
        np.array([many for many, _ in sizes], dtype=np.int64),
    )[order]
    firsts = np.cumsum(counts) - counts
    total = int(counts.sum())
    names = np.empty(total, dtype=np.int32)
    values = np.empty(total)
    texts = np.empty(total, dtype=np.int32)
    at = 0
    for part, (many, size) in zip(parts, sizes, strict=True):
        places = firsts[rank[at : at + many]][:, None] + np.arange(size)
        names[places] = part.layout.names
        values[places] = part.values.T
        texts[places] = part.texts.T
        at += many
    header = np.concatenate(
        [np.zeros((len(KEYS), 0), dtype=np.int32), *(part.header for part in parts)], axis=1
    )
    starts = np.concatenate([np.zeros(0, dtype=np.int64), *(part.starts for part in parts)])
    ends = np.concatenate([np.zeros(0, dtype=np.int64), *(part.ends for part in parts)])
    times = np.concatenate([np.zeros(0, dtype="datetime64[ms]"), *(part.times for part in parts)])
    return Columns(
        packets[order],
        header[:, order],
        starts[order],
        ends[order],
        times[order],
        counts,
        names,
        values,
        texts,
    )


# -- times -----------------------------------------------------------------------------------------------------------

_ZEROS, _NIBBLES, _SIXES = (np.uint64(byte * 0x0101010101010101) for byte in (ord("0"), 0xF0, 0x06))
_EIGHT, _TEN, _BYTE = np.uint64(8), np.uint64(10), np.uint64(0xFF)


def read_times(text: Text, starts: Places, ends: Places) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
    """Fourteen digits or, with milliseconds, seventeen; and which are times that exist."""
    lengths = ends - starts
    long = lengths == 17
    good = long | (lengths == 14)
    # Days are few, and read as anywhere else.
    days, which = np.unique(text.words[starts], return_inverse=True)
    midnights = np.array([_read_day(day) for day in days.tolist()], dtype="datetime64[ms]")
    time = text.words[starts + 6]
    digits = time - _ZEROS
    good &= are_digits(time)
    pairs = digits * _TEN + (digits >> _EIGHT)
    hour, minute, second = (((pairs >> np.uint64(shift)) & _BYTE).astype(np.int64) for shift in (16, 32, 48))
    good &= (hour < 24) & (minute < 60) & (second < 60)
    thousandths = ((hour * 60 + minute) * 60 + second) * 1000
    if long.any():
        last = text.bytes[starts[:, None] + np.arange(14, 17)].astype(np.int64) - ord("0")
        good &= ~long | ((last >= 0) & (last <= 9)).all(axis=1)
        thousandths += np.where(long, last @ np.array([100, 10, 1]), 0)
    times = midnights[which] + thousandths
    return times, good & ~np.isnat(times)


def are_digits(words: Words) -> NDArray[np.bool_]:
    """All eight characters of each."""
    return np.asarray(((words & _NIBBLES) == _ZEROS) & (((words + _SIXES) & _NIBBLES) == _ZEROS))


def _read_day(word: int) -> datetime | None:
    """Eight characters: year, month, day."""
    return read_moment(word.to_bytes(8, "little").decode("latin-1") + "000000")
