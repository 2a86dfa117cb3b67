"""What must hold of HJ 212's reader whatever bytes come: the fuzzer's question (``fuzz/``), asked by plain tests too.

``check_stream`` raises AssertionError; anything else that is raised is a finding as well.
"""

from __future__ import annotations

import itertools
import random
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl
from packets import POLYNOMIAL

from muheng.documents.message import Refusal
from muheng.monitoring.hj212.archive import PACKETS, Batch, make_items_schema, read_archive
from muheng.monitoring.hj212.archive_layouts import is_text
from muheng.monitoring.hj212.decimals import NUMBER
from muheng.monitoring.hj212.decoding import Packet, decode, decode_bytes, find
from muheng.monitoring.hj212.encoding import acknowledge, encode, write_contents
from muheng.monitoring.hj212.frame import Frame
from muheng.monitoring.hj212.items import split_items, split_name
from muheng.monitoring.hj212.moments import read_moment
from muheng.monitoring.hj212.parts import Assembly
from muheng.monitoring.hj212.remarks import remark
from muheng.monitoring.hj212.scanner import REACH, Scanner, scan

NOON = datetime(2026, 8, 1, 12)
PATIENCE = timedelta(seconds=30)
MESSAGES, BYTES = 3, 2000
"""An assembly so small that its bounds are met."""
SECONDS_PER_BYTE, SECONDS = 2e-4, 2.0
"""Of the processor: far more than is needed, far less than what a hang takes."""
MEMORY_PER_BYTE, MEMORY = 200, 8 << 20


def _shift(register: int) -> int:
    for _ in range(8):
        register = (register >> 1) ^ POLYNOMIAL if register & 1 else register >> 1
    return register


_SHIFTED = [_shift(register) for register in range(256)]


def define_crc(data: bytes) -> int:
    """The standard's definition, its eight shifts remembered: register by register, no lanes."""
    register = 0xFFFF
    for byte in data:
        register = _SHIFTED[(register >> 8) ^ byte]
    return register


def check_stream(data: bytes, seed: int, columns: bool = True) -> None:
    """``seed`` decides where the stream is cut into pieces. ``columns``: the archive reader too."""
    begun = time.thread_time()
    frames = check_scanner(data, seed)
    packets = [decode(frame) for frame in frames]
    for packet in packets:
        check_packet(packet)
    check_assembly(packets, seed)
    taken = time.thread_time() - begun
    assert taken < SECONDS + SECONDS_PER_BYTE * len(data), f"{taken:.1f} s"
    if columns:
        check_archive(data, (64, 700, 1 << 18)[seed % 3])


def check_memory(data: bytes) -> None:
    """Of scanning, decoding and joining, in pieces of a network's size."""
    tracemalloc.start()
    try:
        scanner, assembly = Scanner(), Assembly(PATIENCE, MESSAGES, BYTES)
        for at in range(0, len(data), 1448):
            for frame in scanner.feed(data[at : at + 1448]):
                assembly.add(decode(frame), NOON)
        scanner.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEMORY + MEMORY_PER_BYTE * len(data), peak


def check_scanner(data: bytes, seed: int) -> list[Frame]:
    """The frames, the same however the stream is cut."""
    whole, cut = Scanner(), Scanner()
    once, often = whole.feed(data), []
    for piece in _cut(data, seed):
        often += cut.feed(piece)
        assert cut.waiting <= REACH + len(piece)
    assert once == often
    once += whole.finish()
    often += cut.finish()
    assert once == often
    assert whole.noise == cut.noise
    assert all(data[frame.offset : frame.end] == frame.raw for frame in once)
    assert all(a.end <= b.offset for a, b in itertools.pairwise(once))
    assert sum(len(frame.raw) for frame in once) + whole.noise <= len(data)
    return once


def _cut(data: bytes, seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    places = sorted({0, len(data), *(rng.randrange(len(data) + 1) for _ in range(seed % 13))})
    return (data[a:b] for a, b in itertools.pairwise(places))


def check_packet(packet: Packet) -> None:
    """The verdict against the standard's definition; what is read can be written and is read the same again."""
    frame = packet.frame
    remark(packet)
    again = decode_bytes(frame.raw)
    assert not packet.valid or (again is not None and again.valid)
    assert packet.flag >= 0
    assert len(packet.forgiven) <= len(packet.reasons)
    if not packet.cipher:
        sound = frame.declared == b"%04d" % len(frame.segment)
        sound = sound and frame.sent_crc.upper() == b"%04X" % define_crc(frame.segment)
        assert packet.valid == sound
    try:
        answer = acknowledge(packet)
        written = encode(packet.header, write_contents(packet.cp, packet.factors))
    except Refusal:
        return
    answered = decode_bytes(answer)
    assert answered is not None
    assert answered.valid
    copy = decode_bytes(written)
    assert copy is not None
    if copy.cipher or packet.cipher or packet.encoding == "latin-1":
        return  # what is written looks like cipher text, or was never text
    assert copy.valid
    assert copy.header == packet.header
    assert (copy.cp, copy.factors) == (packet.cp, packet.factors)


def check_assembly(packets: list[Packet], seed: int) -> None:
    """In any order, sent again or not: bounded, and in the end nothing is left."""
    rng = random.Random(seed)
    assembly = Assembly(PATIENCE, MESSAGES, BYTES)
    now = NOON
    heaviest = max((len(packet.frame.segment) for packet in packets), default=0)
    for packet in rng.sample(packets, len(packets)) + packets[:3]:
        now += PATIENCE * rng.random() / 4
        for joined in assembly.add(packet, now):
            assert joined.parts
            assert sorted({*joined.missing}) == [*joined.missing]
        assert assembly.waiting <= MESSAGES
        assert assembly._bytes <= BYTES + heaviest
    assembly.expire(now + 2 * PATIENCE)
    assert assembly.waiting == assembly._bytes == len(assembly._by_key) == 0


def check_archive(data: bytes, size: int) -> None:
    """By columns and one by one: the same."""
    ours, due = read_by_columns(data, size), read_one_by_one(data)
    assert ours.packets.rows() == due.packets.rows()
    assert ours.items.rows() == due.items.rows()


def read_by_columns(data: bytes, size: int = 1 << 18) -> Batch:
    batches = list(read_archive(data, size=size))
    packets = pl.concat([pl.DataFrame(schema=PACKETS), *(batch.packets for batch in batches)])
    items = [batch.items for batch in batches] or [pl.DataFrame(schema=make_items_schema())]
    return Batch(packets, pl.concat(items))


def read_one_by_one(data: bytes) -> Batch:
    rows, items = [], []
    for frame in scan([data]):
        packet = decode(frame)
        texts = [find(packet.header, key) for key in ("QN", "ST", "CN", "MN")]
        moment = read_moment(packet.cp.get("DataTime", ""))
        rows.append((frame.offset, packet.valid, packet.usable, packet.version, *texts, packet.flag, moment))
        contents = "" if packet.cipher == "unknown" else packet.content.decode(packet.encoding)
        for (factor, suffix), text in {
            split_name(name): value for name, value in split_items(contents)
        }.items():
            if (factor, suffix) == ("", "DataTime") and moment is not None:
                continue
            figure = bool(NUMBER.fullmatch(text)) and not is_text(factor, suffix)
            items.append(
                (
                    frame.offset,
                    factor or None,
                    suffix,
                    float(text) if figure else None,
                    None if figure else text,
                )
            )
    return Batch(
        pl.DataFrame(rows, PACKETS, orient="row"), pl.DataFrame(items, make_items_schema(), orient="row")
    )
