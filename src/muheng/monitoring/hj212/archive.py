"""An archive of packets as columns, hundreds of thousands of packets a second: what ``scanner`` and ``decoding`` give.

Packets that are sound and simply written are read by columns; all others, and what stands between, one by one by the
ordinary reader, so that nothing is read differently. No verdict on figures here.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from mmap import mmap
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.monitoring.hj212.archive_frames import PAD, Frames, Text, find_frames, make_text
from muheng.monitoring.hj212.archive_items import KEYS, Columns, Names, is_text, read_columns, read_values
from muheng.monitoring.hj212.decimals import NUMBER
from muheng.monitoring.hj212.decoding import EDITIONS, Keys, Packet, decode, find, read_flag
from muheng.monitoring.hj212.frame import CRC_SIZE, HEADER_SIZE, Frame, cut_frame
from muheng.monitoring.hj212.interning import Places
from muheng.monitoring.hj212.items import split_items, split_name
from muheng.monitoring.hj212.moments import read_moment
from muheng.monitoring.hj212.scanner import Scanner

WINDOW = 1 << 19
"""Bytes looked at together: what a processor keeps near itself."""
WINDOWS = 64
"""So many of them make a batch."""
MOST_TEXTS = 100_000
"""So many different names or texts are remembered before beginning anew."""

PACKETS = pl.Schema(
    {
        "offset": pl.Int64(),
        "valid": pl.Boolean(),
        "usable": pl.Boolean(),
        "version": pl.Int16(),
        "qn": pl.String(),
        "st": pl.String(),
        "cn": pl.String(),
        "mn": pl.String(),
        "flag": pl.Int16(),
        "data_time": pl.Datetime("ms"),
    }
)
ITEMS = pl.Schema(
    {
        "offset": pl.Int64(),
        "factor": pl.Categorical(),
        "suffix": pl.Categorical(),
        "value": pl.Float64(),
        "text": pl.String(),
    }
)


@dataclass(frozen=True)
class Batch:
    """``packets`` has PACKETS' columns, by offset in the archive; ``items`` has ITEMS', those of a packet in its order.

    An item is a ``value`` or, where it is no figure, a ``text``; it has no factor where it belongs to none. DataTime is in
    ``packets`` where it is a time that exists, else among the items.
    """

    packets: pl.DataFrame
    items: pl.DataFrame


def read_archive(
    data: bytes | mmap, keys: Keys | None = None, window: int = WINDOW, windows: int = WINDOWS
) -> Iterator[Batch]:
    """Batch by batch, in bounded memory where the archive is a mapped file; on all processors."""
    threads = os.cpu_count() or 1
    waiting: deque[Future[Batch]] = deque()
    spare: list[Names] = []
    with ThreadPoolExecutor(threads) as pool:
        settled = _settle_all(data, window)
        while some := list(islice(settled, windows)):
            waiting.append(pool.submit(_read_batch, some, keys, spare))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Settled(NamedTuple):
    """``frames`` stand well, ``rest`` the scanner found; both by places in the text, which begins at ``shift``."""

    text: Text
    frames: Frames
    rest: list[Frame]
    shift: int


def _settle_all(data: bytes | mmap, window: int) -> Iterator[_Settled]:
    at, size = 0, window
    while at < len(data):
        text = make_text(data[at : at + size])
        frames, rest, resume = _settle(text, at + size >= len(data))
        if resume == PAD:
            size *= 2
            continue
        yield _Settled(text, frames, rest, at - PAD)
        at, size = at + resume - PAD, window


def _read_batch(settled: list[_Settled], keys: Keys | None, spare: list[Names]) -> Batch:
    """``spare`` holds what earlier batches have learned, for one at a time."""
    try:
        names = spare.pop()
    except IndexError:
        names = Names()
    parts: list[_Part] = []
    odd: list[Packet] = []
    for text, frames, rest, shift in settled:
        part, slow = _read_part(text, frames, names, shift)
        parts.append(part)
        odd += [decode(frame, keys) for frame in _shift(rest + slow, shift)]
    batch = _make_batch(parts, odd, names)
    if max(len(names.names.texts), len(names.texts.texts)) < MOST_TEXTS:
        spare.append(names)
    return batch


def _settle(text: Text, final: bool) -> tuple[Frames, list[Frame], int]:
    """Frames to be read by columns, frames that the scanner found, and how far the text is settled."""
    frames = find_frames(text)
    count = len(frames.begins)
    heads, tails = frames.begins - HEADER_SIZE, frames.ends + CRC_SIZE
    before = np.append(PAD, tails[:-1]) if count else np.zeros(0, dtype=np.int64)
    chained = _is_line_end(text, before, heads)
    kept = np.ones(count, dtype=np.bool_)
    rest: list[Frame] = []
    settled = int(tails[-1]) if count else PAD
    next_free = 0
    for broken in np.flatnonzero(~chained).tolist():
        if broken < next_free:
            continue
        # From the last frame on the scanner reads, until it is past a frame that stands well.
        begin = at = int(before[broken])
        scanner = Scanner()
        place = broken
        while place < count:
            rest += _shift(scanner.feed(text.data[at : int(tails[place])]), begin)
            at = int(tails[place])
            kept[place] = False
            place += 1
            if not scanner.waiting:
                break
        next_free = place
        if scanner.waiting:
            if not final:
                settled = begin
                rest = [frame for frame in rest if frame.offset < begin]
                break
            rest += _shift(scanner.feed(text.data[at : text.stop]), begin)
            rest += _shift(scanner.finish(), begin)
            return frames.pick(kept), rest, text.stop
    if final:
        scanner = Scanner()
        rest += _shift(scanner.feed(text.data[settled : text.stop]), settled)
        rest += _shift(scanner.finish(), settled)
        settled = text.stop
    return frames.pick(kept), rest, settled


def _is_line_end(text: Text, begins: Places, ends: Places) -> NDArray[np.bool_]:
    """Whether nothing or one line's end stands between."""
    first, second = text.bytes[begins], text.bytes[begins + 1]
    gap = ends - begins
    one = (gap == 1) & ((first == ord("\n")) | (first == ord("\r")))
    return np.asarray((gap == 0) | one | ((gap == 2) & (first == ord("\r")) & (second == ord("\n"))))


def _shift(frames: list[Frame], by: int) -> list[Frame]:
    return [frame._replace(offset=frame.offset + by) for frame in frames]


# -- columns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """What a window holds, texts as numbers; -1 for none."""

    offsets: Places
    qn: list[str]
    header: tuple[NDArray[np.int32], ...]
    """ST, CN, MN, Flag."""
    times: NDArray[np.datetime64]
    item_offsets: Places
    names: NDArray[np.int32]
    values: NDArray[np.float64]
    texts: NDArray[np.int32]


def _read_part(text: Text, frames: Frames, names: Names, shift: int) -> tuple[_Part, list[Frame]]:
    """The packets read by columns, and the frames that have to be read one by one."""
    columns = read_columns(text, frames, names)
    simple = np.zeros(len(frames.begins), dtype=np.bool_)
    simple[columns.packets] = True
    slow = [_cut(text, int(a), int(b)) for a, b in zip(*frames.pick(~simple), strict=True)]
    offsets = frames.begins[columns.packets] - HEADER_SIZE + shift
    times, rest = _read_times(text, columns, names, len(offsets))
    numbers = columns.names[rest]
    values, texts = read_values(text, numbers, columns.value_starts[rest], columns.value_ends[rest], names)
    header = tuple(_number(text, columns, key, names) for key in ("ST", "CN", "MN", "FLAG"))
    item_offsets = offsets[columns.owners[rest]]
    return _Part(
        offsets, _read_numbers(text, columns), header, times, item_offsets, numbers, values, texts
    ), slow


def _cut(text: Text, begin: int, end: int) -> Frame:
    frame = cut_frame(text.data[begin - HEADER_SIZE : end + CRC_SIZE], begin - HEADER_SIZE)
    assert frame is not None
    return frame


def _make_batch(parts: list[_Part], odd: list[Packet], names: Names) -> Batch:
    offsets = np.concatenate([part.offsets for part in parts])
    system, command, device, flag = (
        np.concatenate(each) for each in zip(*(part.header for part in parts), strict=True)
    )
    known = pl.Series([*names.texts.texts, None], dtype=pl.String())
    packets = pl.DataFrame(
        {
            "offset": offsets,
            "valid": np.ones(len(offsets), dtype=np.bool_),
            "usable": known.gather(command) != "",
            "version": _translate(flag, names, lambda sent: EDITIONS.get(read_flag(sent) >> 2)),
            "qn": [qn for part in parts for qn in part.qn],
            "st": known.gather(system),
            "cn": known.gather(command),
            "mn": known.gather(device),
            "flag": _translate(flag, names, read_flag),
            "data_time": np.concatenate([part.times for part in parts]),
        },
        PACKETS,
    )
    numbers = np.concatenate([part.names for part in parts]).astype(np.uint32)
    texts = np.concatenate([part.texts for part in parts])
    texts[texts < 0] = len(names.texts.texts)
    items = pl.DataFrame(
        {
            "offset": np.concatenate([part.item_offsets for part in parts]),
            "factor": pl.Series(names.factors, dtype=pl.Categorical()).gather(numbers),
            "suffix": pl.Series(names.suffixes, dtype=pl.Categorical()).gather(numbers),
            "value": pl.Series(np.concatenate([part.values for part in parts])).fill_nan(None),
            "text": known.gather(texts.astype(np.uint32)),
        },
        ITEMS,
    )
    if odd:
        rows = pl.DataFrame([_row(packet) for packet in odd], PACKETS, orient="row")
        more = pl.DataFrame([row for packet in odd for row in _item_rows(packet)], ITEMS, orient="row")
        packets = pl.concat([packets, rows]).sort("offset")
        items = pl.concat([items, more]).sort("offset", maintain_order=True)
    return Batch(packets, items)


def _places(columns: Columns, key: str) -> tuple[Places, Places]:
    """Where a header's values stand; nothing where there is none."""
    at = KEYS.index(key)
    starts, ends = columns.starts[at], columns.ends[at]
    none = starts < 0
    return np.where(none, PAD, starts), np.where(none, PAD, ends)


def _number(text: Text, columns: Columns, key: str, names: Names) -> NDArray[np.int32]:
    starts, ends = _places(columns, key)
    return names.texts.number(text.data, text.words, starts, ends)


def _translate(numbers: NDArray[np.int32], names: Names, act: Callable[[str], int | None]) -> pl.Series:
    """What the texts mean; there are few different ones."""
    kinds, which = np.unique(numbers, return_inverse=True)
    meanings = [act(names.texts.texts[kind]) for kind in kinds.tolist()]
    return pl.Series(meanings, dtype=pl.Int16()).gather(which)


def _read_numbers(text: Text, columns: Columns) -> list[str]:
    """QN: hardly ever the same twice, so one by one."""
    whole = text.data.decode("latin-1")
    starts, ends = _places(columns, "QN")
    return [whole[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


def _read_times(
    text: Text, columns: Columns, names: Names, count: int
) -> tuple[NDArray[np.datetime64], Places]:
    """DataTime of packets, and the items that were not it."""
    timed = names.is_time[columns.names] if len(columns.names) else np.zeros(0, dtype=np.bool_)
    which = np.flatnonzero(timed)
    starts, lengths = columns.value_starts[which], columns.value_ends[which] - columns.value_starts[which]
    digits = text.bytes[starts[:, None] + np.arange(17)].astype(np.int64) - ord("0")
    long = lengths == 17
    good = long | (lengths == 14)
    good &= ((digits >= 0) & (digits <= 9))[:, :14].all(axis=1)
    good &= ~long | ((digits >= 0) & (digits <= 9)).all(axis=1)
    digits[~good] = 0
    year, month, day, hour, minute, second = (
        digits[:, a:b] @ 10 ** np.arange(b - a - 1, -1, -1) for a, b in pairwise((0, 4, 6, 8, 10, 12, 14))
    )
    thousandths = np.where(long, digits[:, 14:] @ np.array([100, 10, 1]), 0)
    months = np.where((month >= 1) & (month <= 12), (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    good &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == months)
    good &= (hour < 24) & (minute < 60) & (second < 60)
    moments = days.astype("datetime64[ms]") + (((hour * 60 + minute) * 60 + second) * 1000 + thousandths)
    times = np.full(count, np.datetime64("NaT"), dtype="datetime64[ms]")
    times[columns.owners[which[good]]] = moments[good]
    timed[which[~good]] = False
    return times, np.flatnonzero(~timed)


# -- one by one ------------------------------------------------------------------------------------------------------


def _row(packet: Packet) -> tuple[Any, ...]:
    header = packet.header
    texts = [find(header, key) for key in ("QN", "ST", "CN", "MN")]
    moment = read_moment(packet.cp.get("DataTime", ""))
    return (
        packet.frame.offset, packet.valid, packet.usable, packet.version, *texts, packet.flag, moment,
    )  # fmt: skip


def _item_rows(packet: Packet) -> Iterator[tuple[Any, ...]]:
    """In the packet's order; where a name comes twice the last value counts."""
    if packet.cipher == "unknown":
        return
    items = {split_name(name): value for name, value in split_items(packet.content.decode(packet.encoding))}
    for (factor, suffix), written in items.items():
        if (factor, suffix) == ("", "DataTime") and read_moment(written) is not None:
            continue
        figure = NUMBER.fullmatch(written) is not None and not is_text(factor, suffix)
        value = float(written) if figure else None
        yield packet.frame.offset, factor or None, suffix, value, None if figure else written
