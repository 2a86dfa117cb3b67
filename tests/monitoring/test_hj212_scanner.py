"""Frames come out of a stream whole, however it was cut, and whatever stood between them."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import bytes_of, find_packet, frame_bytes, load_packets

from muheng.monitoring.hj212 import scanner
from muheng.monitoring.hj212.scanner import REACH, Scanner, scan

SOUND = frame_bytes(
    b"QN=1;ST=31;CN=2011;PW=123456;MN=1;Flag=5;CP=&&DataTime=20260801120000;a21026-Rtd=12.34&&"
)
OTHER = frame_bytes(b"QN=2;ST=31;CN=2011;PW=123456;MN=1;Flag=5;CP=&&DataTime=20260801120030;a21026-Rtd=1&&")


def segments(data: bytes) -> list[bytes]:
    return [frame.segment for frame in scan([data])]


def body(wire: bytes) -> bytes:
    return wire[6:-6]


@pytest.mark.parametrize("packet", load_packets(), ids=lambda packet: packet["source"])
def test_byte_by_byte_gives_the_same(packet: dict[str, Any]) -> None:
    data = bytes_of(packet)
    assert list(scan(data[at : at + 1] for at in range(len(data)))) == list(scan([data]))


PIECES = st.sampled_from(
    [
        SOUND, OTHER, SOUND[:-2], SOUND[:40], SOUND[20:], b"##9999", b"##12##", b"##0000FFFF", b"###", b"\n", b"&&00FF\r\n",
        SOUND.replace(b"12.34", b"12.35"), b"##0300" + OTHER[6:], b"##0010" + OTHER[6:], b"## 171", b"CP=&&",
        *(bytes_of(find_packet(name)) for name in ("2025-sm4-raw-bytes", "2025-sm4-len-plain", "hash-in-value")),
    ]
)  # fmt: skip


@given(
    st.lists(PIECES | st.binary(max_size=30), max_size=8).map(b"".join),
    st.lists(st.integers(0, 3000), max_size=6),
)
@settings(max_examples=300)
def test_however_it_is_cut_the_same_frames_come_out(data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    whole, cut = Scanner(), Scanner()
    once = whole.feed(data)
    often = [frame for a, b in itertools.pairwise(places) for frame in cut.feed(data[a:b])]
    # None waits for more than it needs.
    assert once == often
    once += whole.finish()
    often += cut.finish()
    assert once == often
    assert whole.noise == cut.noise
    for frame in once:
        assert data[frame.offset : frame.end] == frame.raw
    assert all(a.end <= b.offset for a, b in itertools.pairwise(once))
    assert sum(len(frame.raw) for frame in once) + whole.noise <= len(data)


def test_a_frame_is_told_with_its_last_byte_and_not_later() -> None:
    scanner = Scanner()
    for at in range(len(SOUND) - 3):
        assert scanner.feed(SOUND[at : at + 1]) == []
    assert [frame.segment for frame in scanner.feed(SOUND[-3:-2])] == [body(SOUND)]
    assert scanner.feed(b"\r\n") == []
    assert scanner.noise == 0


@pytest.mark.parametrize("begun", [b"##9999", b"##9999CP=&&00FF\r\n", b"##9999&&0\n", b"##9999##9998"])
def test_no_piece_makes_a_sound_frame_wait(begun: bytes) -> None:
    stream = begun + SOUND + OTHER
    for cut in range(len(stream)):
        scanner = Scanner()
        found = scanner.feed(stream[:cut]) + scanner.feed(stream[cut:])
        assert [frame.segment for frame in found][-2:] == [body(SOUND), body(OTHER)]


def test_a_false_header_does_not_make_sound_frames_wait() -> None:
    scanner = Scanner()
    found = scanner.feed(b"##9999" + SOUND + OTHER)
    assert [frame.segment for frame in found] == [body(SOUND), body(OTHER)]
    assert scanner.noise == 6


def test_noise_is_passed_over_and_counted() -> None:
    packet = find_packet("garbage-before")
    scanner = Scanner()
    assert len(scanner.feed(bytes_of(packet))) == 1
    assert 0 < scanner.noise <= packet["skipped_bytes"]
    assert segments(b"#garbage##12" + SOUND + b"\x00\xff" + OTHER) == [body(SOUND), body(OTHER)]


def test_cipher_bytes_may_look_like_line_ends_and_headers() -> None:
    content = b"\r\n&&0000\r\n##0012&&##\x00\n" + bytes(range(200, 256))
    segment = b"QN=1;ST=31;CN=2011;PW=123456;MN=1;Flag=9;CP=&&" + content + b"&&"
    wire = b"##%04d" % len(segment) + segment + b"1C80\r\n"
    assert segments(wire + SOUND) == [segment, body(SOUND)]


def test_a_packet_that_lost_its_middle_is_told_apart_from_the_next() -> None:
    broken = SOUND[:60] + SOUND[75:]
    first, second = scan([broken + OTHER])
    assert first.raw == broken[:-2]
    assert second.segment == body(OTHER)


def test_memory_is_bounded_whatever_comes() -> None:
    for noise in (b"##9999", b"#", b"&&00FF\r\n##9999CP=&&", bytes(range(256)), b"##9999CP=&&{0x00,"):
        scanner = Scanner()
        for _ in range(40):
            scanner.feed(noise * (8000 // len(noise)))
            assert len(scanner._buffer) <= REACH + 8000
        assert [frame.segment for frame in scanner.feed(SOUND * 2)][-1] == body(SOUND)


@pytest.mark.parametrize(
    ("flood", "more"),
    [
        (b"##9999CP=&&" + b"&&0\n" * 2000, b"&&0\n"),
        (b"##9999" + b"##0000" * 1300, b"&&0\n"),
        (b"##9999CP=&&" + b"##9998CP=&&" * 700, b"&&0\n"),
        (b"##9999" + b"##9998" * 1300, b"##9998"),
        (b"##9999" + b"##0012" * 1300, b"#"),
    ],
)
def test_bytes_that_come_slowly_are_not_looked_at_again_and_again(
    flood: bytes, more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody with a few lines open, sending little and often, would keep the receiver from everybody else."""
    computed, looked = [], []
    compute, find_first = scanner.compute_crc_text, scanner._Window.find_first
    monkeypatch.setattr(scanner, "compute_crc_text", lambda data: computed.append(len(data)) or compute(data))
    monkeypatch.setattr(
        scanner._Window,
        "find_first",
        lambda window, buffer, at, reach: (
            looked.append(min(len(buffer) - at, reach) - window.stop) or find_first(window, buffer, at, reach)
        ),
    )
    tracemalloc.start()
    try:
        slow = Scanner()
        assert slow.feed(flood) == []
        for _ in range(100):
            assert slow.feed(more) == []
        # Some thousand such lines are to fit in memory.
        assert tracemalloc.get_traced_memory()[0] < 150_000
    finally:
        tracemalloc.stop()
    sent = len(flood) + 100 * len(more)
    assert slow.waiting == sent
    assert sum(computed) < 100 * sent
    assert sum(each for each in looked if each > 0) <= sent


@given(st.binary(max_size=2000))
def test_any_bytes_come_to_an_end(data: bytes) -> None:
    for frame in scan([data]):
        assert data[frame.offset : frame.end] == frame.raw
