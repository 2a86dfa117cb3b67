"""Values of simply written packets, by columns: those that are laid out alike together, in the order of the archive again.

Which packets are simply written ``archive_layouts`` says; all others are left to be read one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from muheng.monitoring.hj212.interning import ALL_PLAIN, EMPTY, NOTHING, REFUSED, Places
from muheng.monitoring.hj212.moments import read_moment

TOGETHER = 768
"""Packets of a layout whose items are read together: what a processor keeps near itself."""
FEW = 4
"""Fewer packets of a layout are read sooner one by one."""
QN_SIZE = 17
_TRIES = 8
"""So many layouts may share a weight before packets are read one by one."""

Numbers = NDArray[np.int32]


class Columns(NamedTuple):
    """Of simple packets, which are those of ``packets`` among all frames: texts as numbers, QN as places in the text.

    Of items, packet by packet: how many each packet has, and the numbers of their names, figures, texts (NaN and NOTHING
    where an item has none).
    """

    packets: Places
    header: Numbers
    """A row for each of KEYS."""
    starts: Places
    ends: Places
    times: NDArray[np.datetime64]
    counts: NDArray[np.int64]
    names: Numbers
    values: NDArray[np.float64]
    texts: Numbers


_NO_COLUMNS = Columns(
    packets=np.zeros(0, dtype=np.int64),
    header=np.zeros((len(KEYS), 0), dtype=np.int32),
    starts=np.zeros(0, dtype=np.int64),
    ends=np.zeros(0, dtype=np.int64),
    times=np.zeros(0, dtype="datetime64[ms]"),
    counts=np.zeros(0, dtype=np.int64),
    names=np.zeros(0, dtype=np.int32),
    values=np.zeros(0),
    texts=np.zeros(0, dtype=np.int32),
)


def read_columns(text: Text, frames: Frames, names: Names) -> Columns:
    """Frames that are not among ``packets`` of the answer have to be read one by one."""
    firsts = np.searchsorted(text.equals, frames.begins)
    parts = [
        part
        for some in _group(text, frames, firsts)
        for part in _read_group(text, frames, firsts, *some, names)
    ]
    return parts[0] if len(parts) == 1 else _put_in_order(parts)


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


def _read_group(
    text: Text,
    frames: Frames,
    firsts: Places,
    weight: int,
    packets: Places,
    counts: NDArray[np.int64],
    names: Names,
) -> Iterator[Columns]:
    """Packets of a group, layout by layout."""
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
        alike = counts == layout.values
        good, columns = _read_alike(text, frames, firsts, packets[alike], layout, names)
        yield columns
        left = ~alike
        left[alike] = ~good
        packets, counts = packets[left], counts[left]


def _read_alike(
    text: Text, frames: Frames, firsts: Places, packets: Places, layout: Layout, names: Names
) -> tuple[NDArray[np.bool_], Columns]:
    """Which of the packets are laid out so; of these, those whose values are plain."""
    size = len(packets)
    alike, plain = np.zeros(size, dtype=np.bool_), np.ones(size, dtype=np.bool_)
    starts, ends = np.empty((2, layout.front, size), dtype=np.int64)
    values, texts = np.empty((size, len(layout.items))), np.empty((size, len(layout.items)), dtype=np.int32)
    count = 0
    for at in range(0, size, TOGETHER):
        some = packets[at : at + TOGETHER]
        alike[at : at + TOGETHER], placed = layout.place(text, frames.pick(some), firsts[some])
        part = slice(count, count + placed.starts.shape[1])
        starts[:, part], ends[:, part] = placed.starts[: layout.front], placed.ends[: layout.front]
        values[part], texts[part], plain[part] = _read_items(text, placed, layout, names)
        count = part.stop
    front = starts[:, :count], ends[:, :count]
    columns = _make_columns(
        text, packets[alike], layout, front, values[:count], texts[:count], plain[:count], names
    )
    return alike, columns


def _read_items(
    text: Text, placed: Placed, layout: Layout, names: Names
) -> tuple[NDArray[np.float64], Numbers, NDArray[np.bool_]]:
    """Values and texts of packets, a row for each; and which of these hold plain ones only."""
    starts, ends, words = placed
    shape = len(layout.items), starts.shape[1]
    values, texts = np.full(shape, np.nan), np.full(shape, NOTHING, dtype=np.int32)

    rows = layout.items[layout.figures]
    begins, stops = starts[rows].ravel(), ends[rows].ravel()
    read = _read_figures(text, words[rows].ravel(), begins, stops)
    values[layout.figures] = read.reshape(len(rows), shape[1])
    if (bad := np.flatnonzero(np.isnan(read))).size:
        written = names.texts.number(text.data, text.words, begins[bad], stops[bad])
        texts[layout.figures[bad // shape[1]], bad % shape[1]] = written

    rows = layout.items[layout.words]
    written = names.texts.number(text.data, text.words, starts[rows].ravel(), ends[rows].ravel())
    texts[layout.words] = written.reshape(len(rows), shape[1])
    return values.T, texts.T, (texts != REFUSED).all(axis=0)


def _make_columns(
    text: Text,
    packets: Places,
    layout: Layout,
    front: tuple[Places, Places],
    values: NDArray[np.float64],
    texts: Numbers,
    plain: NDArray[np.bool_],
    names: Names,
) -> Columns:
    """``front`` says where the values of the header and of DataTime stand."""
    starts, ends = front
    header = np.full((layout.opening + 1, len(packets)), EMPTY, dtype=np.int32)
    for row in range(layout.opening):
        if row != layout.qn:
            header[row] = names.texts.number(text.data, text.words, starts[row], ends[row])
    times = np.full(len(packets), np.datetime64("NaT"), dtype="datetime64[ms]")
    good = plain & (header != REFUSED).all(axis=0)
    good &= _are_plain(text, starts[layout.qn], ends[layout.qn])
    if layout.time is not None:
        times, exist = read_times(text, starts[layout.time], ends[layout.time])
        good &= exist
    header, starts, ends = header[[*layout.keys]], starts[layout.qn], ends[layout.qn]
    if not good.all():
        packets, header, starts, ends, times = (
            packets[good],
            header[:, good],
            starts[good],
            ends[good],
            times[good],
        )
        values, texts = values[good], texts[good]
    return Columns(
        packets,
        header,
        starts,
        ends,
        times,
        np.full(len(packets), len(layout.items)),
        np.tile(layout.names, len(packets)),
        values.ravel(),
        texts.ravel(),
    )


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


def _put_in_order(parts: list[Columns]) -> Columns:
    """What was read layout by layout, packet by packet again."""
    columns = Columns(*(np.concatenate(each, axis=-1) for each in zip(_NO_COLUMNS, *parts, strict=True)))
    order = np.argsort(columns.packets, kind="stable")
    counts = columns.counts[order]
    shifts = (np.cumsum(columns.counts) - columns.counts)[order] - (np.cumsum(counts) - counts)
    items = np.repeat(shifts, counts)
    items += np.arange(len(items))
    return Columns(
        columns.packets[order],
        columns.header[:, order],
        columns.starts[order],
        columns.ends[order],
        columns.times[order],
        counts,
        columns.names[items],
        columns.values[items],
        columns.texts[items],
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
