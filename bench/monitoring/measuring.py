"""HJ 212: one packet decoded in full, and an archive read as columns, beside a straightforward parser in the same run.

The peer does what most receivers do: finds the frame by its line end, computes the checksum bit by bit as the standard
prints it, and splits the contents. Least of several times, the processor's and the clock's: one thread is judged by the
processor's, which a busy machine spoils less; the archive, which uses all processors, by the clock.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from muheng.monitoring.hj212.archive import read_archive
from muheng.monitoring.hj212.decoding import decode, decode_bytes
from muheng.monitoring.hj212.encoding import encode
from muheng.monitoring.hj212.scanner import scan

HEAD = "| job | packets | processor, each | packets a second | wall, a second | target |\n|---|---|---|---|---|---|"
FACTORS = {
    "a21026": ("Rtd", "ZsRtd", "Flag"), "a21002": ("Rtd", "ZsRtd", "Flag"), "a34013": ("Rtd", "ZsRtd", "Flag"),
    "a19001": ("Rtd", "Flag"), "a01011": ("Rtd", "Flag"), "a01012": ("Rtd", "Flag"), "a01013": ("Rtd", "Flag"),
    "a01014": ("Rtd", "Flag"),
}  # fmt: skip
DEVICES = 200
REPEATS = 7


@dataclass(frozen=True)
class Row:
    """Seconds of all packets; ``target`` in packets a second."""

    job: str
    packets: int
    processor: float
    wall: float
    target: int | None = None
    by_clock: bool = False

    def __str__(self) -> str:
        """A row of a Markdown table."""
        rate = self.packets / self.processor
        judged = self.packets / self.wall if self.by_clock else rate
        target = (
            "" if self.target is None else f"{self.target:,}: {'met' if judged >= self.target else 'missed'}"
        )
        cells = (
            self.job,
            f"{self.packets:,}",
            f"{self.processor / self.packets * 1e6:.2f} µs",
            f"{rate:,.0f}",
            f"{self.packets / self.wall:,.0f}",
            target,
        )
        return f"| {' | '.join(cells)} |"


def run(count: int = 200_000) -> Iterator[Row]:
    """Rows come as they are measured."""
    packets = make_packets(20_000)
    assert decode_bytes(packets[0]).factors == parse_plainly(packets[0])[1]  # type: ignore[union-attr]
    few = packets[:1_000]
    peer = _measure(lambda: [parse_plainly(packet) for packet in few], 2)
    size = round(sum(map(len, packets)) / len(packets) - 12)
    yield Row(f"bitwise checksum and dictionaries, {size} bytes, 8 factors", len(few), *peer)
    yield Row(
        "ours, one packet in full", len(packets), *_measure(lambda: _each(decode_bytes, packets)), 70_000
    )
    stream = b"".join(packets)
    pieces = [stream[at : at + 4096] for at in range(0, len(stream), 4096)]
    yield Row(
        "ours, out of a stream in pieces of 4 KB",
        len(packets),
        *_measure(lambda: _each(decode, scan(pieces))),
    )
    archive = stream * (count // len(packets))
    yield Row("ours, an archive as columns", count, *_measure(lambda: _count(archive, count)), 300_000, True)


def make_packets(count: int) -> list[bytes]:
    """Real-time data of eight factors from two hundred invented devices."""
    rng = random.Random(7)
    packets = []
    for number in range(count):
        moment = f"20260801{number // 3600 % 24:02d}{number // 60 % 60:02d}{number % 60:02d}"
        header = {
            "QN": f"{moment}{number % 1000:03d}", "ST": "31", "CN": "2011", "PW": "123456",
            "MN": f"{number % DEVICES:024X}", "Flag": "5",
        }  # fmt: skip
        groups = (
            ",".join(f"{code}-{suffix}={_value(rng, suffix)}" for suffix in suffixes)
            for code, suffixes in FACTORS.items()
        )
        packets.append(encode(header, ";".join((f"DataTime={moment}", *groups))))
    return packets


def _value(rng: random.Random, suffix: str) -> str:
    return rng.choice("NNNNNNNNNNNNNNND") if suffix == "Flag" else f"{rng.uniform(1, 99):.2f}"


def _each(act: Callable[..., object], given: object) -> None:
    for each in given:  # type: ignore[attr-defined]
        act(each)


def _count(archive: bytes, due: int) -> None:
    found = sum(len(batch.packets) for batch in read_archive(archive))
    assert found == due, found


def _measure(act: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float]:
    """Least seconds of the processor and of the clock."""
    processor, wall = [], []
    for _ in range(repeats):
        begun, clock = time.process_time(), time.perf_counter()
        act()
        processor.append(time.process_time() - begun)
        wall.append(time.perf_counter() - clock)
    return min(processor), min(wall)


def parse_plainly(data: bytes) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """A packet up to its line's end, as a textbook would read it."""
    line = data.decode().rstrip("\r\n")
    length, segment, sent = int(line[2:6]), line[6:-4], line[-4:]
    if length != len(segment):
        raise ValueError(line)
    register = 0xFFFF
    for letter in segment:
        register = (register >> 8) ^ ord(letter)
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    if register != int(sent, 16):
        raise ValueError(line)
    before, _, contents = segment.partition("CP=&&")
    header = dict(item.split("=", 1) for item in before.strip(";").split(";"))
    factors: dict[str, dict[str, str]] = {}
    for group in contents.removesuffix("&&").split(";"):
        for item in group.split(","):
            name, _, value = item.partition("=")
            code, _, suffix = name.rpartition("-")
            if code:
                factors.setdefault(code, {})[suffix] = value
    return header, factors
