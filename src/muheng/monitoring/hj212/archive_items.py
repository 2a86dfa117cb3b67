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

from muheng.monitoring.hj212.archive_frames import PAD, Frames, Text
from muheng.monitoring.hj212.archive_layouts import KEYS, MOST_SIGNS, Layout, Names, make_layout, weigh
from muheng.monitoring.hj212.decimals import NUMBER, WIDEST, read_decimals
from muheng.monitoring.hj212.interning import Places
from muheng.monitoring.hj212.moments import read_moment

TOGETHER = 2048
"""Packets of a layout that are read together: what a processor keeps near itself."""
FEW = 4
"""Fewer packets of a layout are read sooner one by one."""
_TRIES = 8
"""So many layouts may share a weight before packets are read one by one."""

Numbers = NDArray[np.int32]


@dataclass(frozen=True)
class Columns:
    """Of simple packets, which are those of ``packets`` among all frames: texts as numbers, QN as places in the text.

    Of items: how many each packet has, and the numbers of their names, figures, texts (-1 where there is a figure).
    """

    packets: Places
    header: NDArray[np.int32]
    """A row for each of KEYS but QN."""
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


def read_columns(text: Text, frames: Frames, names: Names) -> Columns:
    """Frames that are not among ``packets`` of the answer have to be read one by one."""
    firsts = np.searchsorted(text.signs, frames.begins)
    parts = [
        _read(text, packets, layout, places, names)
        for some in _group(text, frames, firsts)
        for packets, layout, places in _place(text, frames, firsts, *some, names)
    ]
    return _put_in_order([part for part in parts if len(part.packets)])


def _group(text: Text, frames: Frames, firsts: Places) -> Iterator[tuple[int, Places, NDArray[np.int64]]]:
    """Packets that are probably laid out alike, with their weight and the number of their signs."""
    signs = np.searchsorted(text.signs, frames.ends) - firsts
    which = np.flatnonzero((signs > 2) & (signs <= MOST_SIGNS))
    if not len(which):
        return
    weights = weigh(text, firsts[which], signs[which])
    order = np.argsort(weights, kind="stable")
    edges = np.flatnonzero(np.diff(weights[order], prepend=weights[order[0]] ^ np.uint64(1)))
    for a, b in zip(edges.tolist(), [*edges[1:].tolist(), len(order)], strict=True):
        if b - a >= FEW:
            group = which[order[a:b]]
            yield int(weights[order[a]]), group, signs[group]


def _place(
    text: Text,
    frames: Frames,
    firsts: Places,
    weight: int,
    packets: Places,
    signs: NDArray[np.int64],
    names: Names,
) -> Iterator[tuple[Places, Layout, Places]]:
    """Packets of a group with their layout and the places of their signs, not too many at a time."""
    known = names.layouts.setdefault(weight, [])
    for number in range(_TRIES):
        if number == len(known):
            first = int(firsts[packets[0]])
            begin, end = int(frames.begins[packets[0]]), int(frames.ends[packets[0]])
            made = make_layout(text, begin, end, first, first + int(signs[0]), names)
            if made is None:
                return
            known.append(made)
        layout = known[number]
        left = signs != layout.signs
        alike = np.flatnonzero(~left)
        for at in range(0, len(alike), TOGETHER):
            some = alike[at : at + TOGETHER]
            good, places = layout.place(text, frames.pick(packets[some]), firsts[packets[some]])
            left[some[~good]] = True
            yield packets[some[good]], layout, places
        packets, signs = packets[left], signs[left]
        if not len(packets):
            return


def _read(text: Text, packets: Places, layout: Layout, places: Places, names: Names) -> _Read:
    times = np.full(len(packets), np.datetime64("NaT"), dtype="datetime64[ms]")
    if layout.time is not None:
        times, good = read_times(text, places[layout.time] + 1, places[layout.time + 1])
        if not good.all():
            packets, places, times = packets[good], places[:, good], times[good]
    nowhere = np.full(len(packets), PAD)
    at = [(nowhere, nowhere) if row is None else (places[row] + 1, places[row + 1]) for row in layout.keys]
    header = [names.texts.number(text.data, text.words, *each) for each in at[:-1]]
    values = np.full((len(layout.items), len(packets)), np.nan)
    texts = np.full(values.shape, -1, dtype=np.int32)
    starts, ends = _values(places, layout.items[layout.figures])
    read = _read_figures(text, starts, ends)
    values[layout.figures] = read.reshape(len(layout.figures), len(packets))
    if (bad := np.flatnonzero(np.isnan(read))).size:
        texts[layout.figures[bad // len(packets)], bad % len(packets)] = names.texts.number(
            text.data, text.words, starts[bad], ends[bad]
        )
    written = names.texts.number(text.data, text.words, *_values(places, layout.items[layout.texts]))
    texts[layout.texts] = written.reshape(len(layout.texts), len(packets))
    begins, ends = at[-1]
    return _Read(packets, layout, np.array(header), begins, ends, times, values, texts)


def _values(places: Places, rows: Places) -> tuple[Places, Places]:
    """Where the values of these "=" stand, one row after the other."""
    return (places[rows] + 1).ravel(), places[rows + 1].ravel()


def _read_figures(text: Text, starts: Places, ends: Places) -> NDArray[np.float64]:
    """NaN for what is no figure."""
    values, good = read_decimals(text.words, starts, ends, text.bytes[starts] == ord("-"))
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
        [np.zeros((len(KEYS) - 1, 0), dtype=np.int32), *(part.header for part in parts)], axis=1
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
    good &= ((time & _NIBBLES) == _ZEROS) & (((time + _SIXES) & _NIBBLES) == _ZEROS)
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


def _read_day(word: int) -> datetime | None:
    """Eight characters: year, month, day."""
    return read_moment(word.to_bytes(8, "little").decode("latin-1") + "000000")
