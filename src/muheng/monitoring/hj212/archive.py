"""An archive of packets as columns, hundreds of thousands of packets a second: what ``scanner`` and ``decoding`` give.

Packets that are sound and simply written are read by columns; all others, and what stands between, one by one by the
ordinary reader, so that nothing is read differently. No verdict on figures here.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from mmap import mmap
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.monitoring.hj212.archive_frames import PAD, Frames, Text, find_frames, make_text
from muheng.monitoring.hj212.archive_items import QN_SIZE, Columns, read_columns
from muheng.monitoring.hj212.archive_layouts import Names, is_text
from muheng.monitoring.hj212.decimals import NUMBER
from muheng.monitoring.hj212.decoding import EDITIONS, Keys, Packet, decode, find, read_flag
from muheng.monitoring.hj212.frame import CRC_SIZE, HEADER_SIZE, Frame, cut_frame
from muheng.monitoring.hj212.interning import Places
from muheng.monitoring.hj212.items import split_items, split_name
from muheng.monitoring.hj212.moments import read_moment
from muheng.monitoring.hj212.scanner import Scanner

SIZE = 2 << 20
"""Bytes that make a batch: many, so that the threads seldom wait for each other, but not more than a processor keeps near."""
MOST_TEXTS = 200_000
"""So much is remembered before beginning anew."""

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


def make_items_schema() -> pl.Schema:
    """With categories of its own: polars never forgets common ones, and devices may invent names without end."""
    words = pl.Categorical(pl.Categories.random())
    return pl.Schema(
        {
            "offset": pl.Int64(),
            "factor": words,
            "suffix": words,
            "value": pl.Float64(),
            "text": pl.String(),
        }
    )


@dataclass(frozen=True)
class Batch:
    """``packets`` has PACKETS' columns, by offset in the archive; ``items`` those of ``make_items_schema``, in their order.

    Categories are the same in all batches of one reading, and no others.

    An item is a ``value`` or, where it is no figure, a ``text``; it has no factor where it belongs to none. DataTime is in
    ``packets`` where it is a time that exists, else among the items.
    """

    packets: pl.DataFrame
    items: pl.DataFrame


def read_archive(data: bytes | mmap, keys: Keys | None = None, size: int = SIZE) -> Iterator[Batch]:
    """Batch by batch, in bounded memory where the archive is a mapped file; on all processors."""
    threads = os.cpu_count() or 1
    waiting: deque[Future[Batch]] = deque()
    spare: list[Names] = []
    schema = make_items_schema()
    with ThreadPoolExecutor(threads) as pool:
        for settled in _settle_all(data, size):
            waiting.append(pool.submit(_read_batch, settled, keys, spare, schema))
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


def _settle_all(data: bytes | mmap, size: int) -> Iterator[_Settled]:
    at, taken = 0, size
    while at < len(data):
        text = make_text(data[at : at + taken])
        frames, rest, resume = _settle(text, at + taken >= len(data))
        if resume == PAD:
            taken *= 2
            continue
        yield _Settled(text, frames, rest, at - PAD)
        at, taken = at + resume - PAD, size


def _read_batch(settled: _Settled, keys: Keys | None, spare: list[Names], schema: pl.Schema) -> Batch:
    """``spare`` holds what earlier batches have learned, for one at a time."""
    try:
        names = spare.pop()
    except IndexError:
        names = Names()
    text, frames, rest, shift = settled
    columns = read_columns(text, frames, names)
    others = np.ones(len(frames.begins), dtype=np.bool_)
    others[columns.packets] = False
    slow = [_cut(text, a, b) for a, b in zip(*(each.tolist() for each in frames.pick(others)), strict=True)]
    odd = [decode(frame, keys) for frame in _shift(rest + slow, shift)]
    offsets = frames.begins[columns.packets] - HEADER_SIZE + shift
    batch = _make_batch(text, offsets, columns, odd, names, schema)
    if names.size < MOST_TEXTS:
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


def _cut(text: Text, begin: int, end: int) -> Frame:
    frame = cut_frame(text.data[begin - HEADER_SIZE : end + CRC_SIZE], begin - HEADER_SIZE)
    assert frame is not None
    return frame


# -- columns ---------------------------------------------------------------------------------------------------------


def _make_batch(
    text: Text, offsets: Places, columns: Columns, odd: list[Packet], names: Names, schema: pl.Schema
) -> Batch:
    known = pl.DataFrame(pl.Series("", [None, *names.texts.texts[1:]], pl.String()))
    system, command, device, flag = columns.header
    commands = known[command].to_series()
    packets = pl.DataFrame(
        {
            "offset": offsets,
            "valid": np.ones(len(offsets), dtype=np.bool_),
            "usable": commands != "",
            "qn": pl.Series(_read_texts(text, columns.starts, columns.ends), dtype=pl.String()),
            "st": known[system].to_series(),
            "cn": commands,
            "mn": known[device].to_series(),
            "data_time": columns.times,
            **_read_flags(flag, names).to_dict(),
        }
    ).select(PACKETS.names())
    factors, suffixes = (
        pl.Series(each, written, schema[each])
        for each, written in (("factor", names.factors), ("suffix", names.suffixes))
    )
    # Rows of a frame are found in a fraction of the time that Series.gather takes.
    meanings = pl.DataFrame([factors, suffixes])[columns.names]
    items = pl.DataFrame(
        {
            "offset": np.repeat(offsets, columns.counts),
            **meanings.to_dict(),
            "value": pl.Series(columns.values, nan_to_null=True),
            "text": known[columns.texts].to_series(),
        }
    )
    if odd:
        rows = pl.DataFrame([_row(packet) for packet in odd], PACKETS, orient="row")
        more = pl.DataFrame([row for packet in odd for row in _item_rows(packet)], schema, orient="row")
        packets = pl.concat([packets, rows]).sort("offset")
        items = pl.concat([items, more]).sort("offset", maintain_order=True)
    return Batch(packets, items)


def _read_flags(numbers: NDArray[np.int32], names: Names) -> pl.DataFrame:
    """What the texts mean; there are few different ones."""
    kinds, which = np.unique(numbers, return_inverse=True)
    flags = [read_flag(names.texts.texts[kind]) for kind in kinds.tolist()]
    versions = [EDITIONS.get(flag >> 2) for flag in flags]
    return pl.DataFrame([pl.Series("flag", flags, pl.Int16()), pl.Series("version", versions, pl.Int16())])[
        which
    ]


def _read_texts(text: Text, starts: Places, ends: Places) -> list[str]:
    """QN: hardly ever the same twice, but nearly always as long."""
    if (ends - starts == QN_SIZE).all():
        stamps = np.ndarray(len(text.data) - QN_SIZE, f"V{QN_SIZE + 1}", text.data, strides=(1,))[starts]
        rows = stamps.view(np.uint8).reshape(-1, QN_SIZE + 1)
        rows[:, QN_SIZE] = ord("\n")
        written: bytes = rows.tobytes()
        return written.decode("ascii").split("\n")[:-1]
    return [text.data[a:b].decode("ascii") for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


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
