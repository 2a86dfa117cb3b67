"""An archive by columns says of every packet what the ordinary reader says, whatever stands in it."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hj212_checks import check_archive
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import bytes_of, frame_bytes, load_packets

from muheng.monitoring.hj212 import archive_items
from muheng.monitoring.hj212.archive import read_archive
from muheng.monitoring.hj212.archive_frames import find_frames, make_text
from muheng.monitoring.hj212.archive_items import read_columns
from muheng.monitoring.hj212.archive_layouts import Names
from muheng.monitoring.hj212.decimals import NUMBER, WIDEST, read_decimals
from muheng.monitoring.hj212.decoding import decode

MET = [bytes_of(packet) for packet in load_packets()]


@pytest.mark.parametrize("size", [50, 1000, 1 << 18])
def test_every_packet_met(size: int) -> None:
    check_archive(b"".join(MET), size)
    check_archive(b"".join(MET[::-1]), size)


@pytest.mark.parametrize("factors", range(1, 9))
def test_packets_laid_out_alike_are_read_together(factors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many signs they have; one by one would be a dozen times as slow."""
    monkeypatch.setattr("muheng.monitoring.hj212.archive.decode", None)
    values = ["1.5", "12.25", "7", "100"] * 5
    data = b"".join(
        frame_bytes(
            f"QN=20260801120000123;ST=31;CN=2011;MN=M1;Flag=4;CP=&&DataTime=20260801120000;"
            f"{';'.join(f'a2102{number}-Rtd={value}' for number in range(factors))}&&".encode()
        )
        for value in values
    )
    (batch,) = read_archive(data)
    assert (batch.packets.height, batch.items.height) == (20, 20 * factors)


def test_one_odd_packet_does_not_slow_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do values that need the ordinary reader, wherever they stand."""
    read: list[bytes] = []
    monkeypatch.setattr(
        "muheng.monitoring.hj212.archive.decode",
        lambda frame, keys: read.append(frame.segment) or decode(frame, keys),
    )
    odd = [
        b"QN=2026 08;ST=31;CN=2011;MN=M1;Flag=4;CP=&&DataTime=20260801120000;a21026-Rtd=1.5,a21026-Flag=N&&",
        b"QN=1;ST=31;CN=2011;MN=M/;Flag=4;CP=&&DataTime=20260801120000;a21026-Rtd=1.5,a21026-Flag=N&&",
        b"QN=1;ST=31;CN=2011;MN=M1;Flag=4;CP=&&DataTime=20260801120000;a21026-Rtd=1 5,a21026-Flag=N&&",
        b"QN=1;ST=31;CN=2011;MN=M1;Flag=4;CP=&&DataTime=20260801120000;a21026-Rtd=1.5,a21026-Flag= &&",
        b"QN=1;ST=31;CN=2011;MN=M1;Flag=4;CP=7&&DataTime=20260801120000;a21026-Rtd=1.5,a21026-Flag=N&&",
        b"QN=1;ST=31;CN=2011;MN=M1;Flag=4;CP=&&DataTime=2026-801120000;a21026-Rtd=1.5,a21026-Flag=;&&",
    ]
    plain = b"QN=1;ST=31;CN=2011;MN=M1;Flag=4;CP=&&DataTime=20260801120000;a21026-Rtd=x,a21026-Flag=N&&"
    data = [frame_bytes(segment) for each in odd for segment in (each, *[plain] * 8)]
    data.append(frame_bytes(b"x" + plain))
    for packets in (data, data[::-1]):
        read.clear()
        check_archive(b"".join(packets), 1 << 18)
        assert sorted({*read}) == sorted(odd)


@pytest.mark.parametrize("length", [*range(5, 26), 40, 900])
def test_names_of_any_length(length: int) -> None:
    """Also where another differs in its first letter alone, or is shorter, and so is all the text."""
    written = ["a" * length + "-Rtd", "b" + "a" * (length - 1) + "-Rtd", "aaaa-Rtd"]
    texts = [frame_bytes(f"ST=31;CP=&&{name}=1.5;w01018-Rtd=2&&".encode()) * 9 for name in written]
    check_archive(b"".join(texts), 1 << 18)
    names = Names()
    for data in texts:
        text = make_text(data)
        columns = read_columns(text, find_frames(text), names)
        assert (len(columns.packets), len(columns.values)) == (9, 18)
    assert names.suffixes == ["Rtd"] * 4


def test_short_packets_are_found() -> None:
    data = b"".join(frame_bytes(b"x" * length) for length in range(1, 60))
    assert len(find_frames(make_text(data)).begins) == 59


ITEM = st.sampled_from(
    [
        "a21026-Rtd=12.34", "a21026-Flag=N", "a34013-Avg=-3.", "a34013-ZsAvg=.5", "DataTime=20260801120000", "B01-Cou=123456789.25",
        "DataTime=20261301120000", "DataTime=20260229120000123", "DataTime=20240229235959999", "PolId=011", "a01014-SampleTime=20260801120000",
        "a-very-long-name-of-a-factor-Rtd=1", "i11001-Info=//a;b=c,d//", "x", "", "=1", "Flag=D", "w01018-Rtd=12345678901234567890",
        "w01018-Rtd=1e5", "{0x12=1", "a21026-Rtd=##0010", "a21026-Flag=&&", "a21026-Flag=a b", "w01018-Rtd=-", " a21026-Max=1 ", "a21026-Rtd=1=2", "-Rtd=4", "CP=&&7", "a05001-Rtd=仪",
    ]
)  # fmt: skip
HEAD = st.sampled_from(
    [
        "QN=20260801120000123",
        "ST=31",
        "CN=2011",
        "CN=",
        "MN=M1",
        "Flag=5",
        "FLAG=0",
        "Flag=12",
        ",MN=2",
        "PW=1,",
        "x",
        "",
        "RF=1",
    ]
)
PACKET = st.builds(
    lambda head, items, joints, close: frame_bytes(
        (
            "".join(f"{each};" for each in head)
            + "CP=&&"
            + "".join(item + joint for item, joint in zip(items, joints, strict=False))
            + close
        ).encode()
    ),
    st.lists(HEAD, max_size=6),
    st.lists(ITEM, max_size=6),
    st.lists(st.sampled_from(";,"), min_size=6, max_size=6),
    st.sampled_from(["&&", "&&", "&&", "", ";&&", "&"]),
)
PIECE = (
    PACKET
    | PACKET
    | PACKET
    | st.sampled_from(MET)
    | st.binary(max_size=20)
    | st.sampled_from([b"##9999", b"\n", b"##0000FFFF"])
)


@st.composite
def devices(draw: st.DrawFn) -> bytes:
    """Packets of a few devices that are laid out alike or nearly, mixed: enough of each to be read together."""
    shapes = [draw(st.lists(HEAD, max_size=5)) for _ in range(2)]
    names = draw(st.lists(NAME, min_size=0, max_size=6))
    joints = draw(st.sampled_from([";;;;;;", ",;,;,;", ",,,,,;"]))
    close = draw(st.sampled_from(["&&", "&&", ";&&"]))
    packets = []
    for number in range(draw(st.integers(5, 14))):
        order = names if number % 5 else names[::-1]
        items = [f"{name}={draw(VALUE)}" + joint for name, joint in zip(order, joints, strict=False)]
        head = "".join(f"{each};" for each in shapes[number % 2])
        packets.append(frame_bytes(f"{head}CP=&&{''.join(items)[:-1]}{close}".encode()))
    return b"".join(packets)


NAME = st.sampled_from(
    [
        "DataTime", "a21026-Rtd", "a21026-Flag", "a01026-Rtd", "a34013-ZsRtd", "w01018-Avg", "PolId", "B01-Cou",
        "a-very-long-name-of-a-factor-Rtd", "CP", "-Rtd", "x",
    ]
)  # fmt: skip
VALUE = (
    st.sampled_from(
        [
            "N",
            "D",
            "",
            "20260801120000",
            "20260801120000123",
            "20260229120000",
            "mg/l",
            "1=2",
            "&",
            "-",
            "a,b",
            "a b",
            "//",
            "仪",
        ]
    )
    | st.sampled_from(["1.5", "-3.", ".5", "12.34", "0", "123456789.125", "12345678901234567890"])
    | st.sampled_from(["1.5", "12.34", "99.99", "3"])
)


@given(
    st.lists(devices() | devices() | PIECE, max_size=4).map(b"".join),
    st.sampled_from([700, 1 << 18, 1 << 18]),
)
@settings(max_examples=150)
def test_packets_laid_out_alike(data: bytes, size: int) -> None:
    check_archive(data, size)


@given(st.lists(devices(), min_size=2, max_size=3).map(b"".join))
@settings(max_examples=80)
def test_nothing_is_taken_on_trust(data: bytes) -> None:
    """All packets weigh the same: only what stands in them tells layouts apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            archive_items, "weigh", lambda text, firsts, signs: np.zeros(len(signs), dtype=np.uint64)
        )
        check_archive(data, 1 << 18)


@given(st.lists(PIECE, max_size=12).map(b"".join), st.sampled_from([64, 700, 1 << 18]))
@settings(max_examples=200)
def test_whatever_stands_in_it(data: bytes, size: int) -> None:
    check_archive(data, size)


def test_columns_of_a_packet() -> None:
    wire = frame_bytes(
        b"QN=20260801120000123;ST=31;CN=2011;PW=1;MN=M1;Flag=5;CP=&&DataTime=20260801120000;a21026-Rtd=12.34,a21026-Flag=N&&"
    )
    (batch,) = read_archive(wire * 2)
    assert batch.packets.rows()[1] == (
        len(wire), True, True, 2017, "20260801120000123", "31", "2011", "M1", 5, datetime(2026, 8, 1, 12),
    )  # fmt: skip
    assert batch.items.rows()[:2] == [(0, "a21026", "Rtd", 12.34, None), (0, "a21026", "Flag", None, "N")]
    assert list(read_archive(b"")) == []


NUMERIC = st.from_regex(r"-?[0-9]{0,12}\.?[0-9]{0,9}", fullmatch=True) | st.text(
    "0123456789.-+eE /:", max_size=20
)


@given(st.lists(NUMERIC, min_size=1, max_size=40))
def test_numbers_are_the_nearest_doubles(texts: list[str]) -> None:
    data = b"." * 32 + "=".join(texts).encode() + b"." * 32
    ends = 32 + np.cumsum([len(text) + 1 for text in texts]) - 1
    starts = ends - [len(text) for text in texts]
    words = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
    values, good = read_decimals(words, words[starts], starts, ends)
    for text, value, number in zip(texts, values.tolist(), good.tolist(), strict=True):
        assert number == (bool(NUMBER.fullmatch(text)) and len(text.removeprefix("-")) <= WIDEST)
        if number:
            assert repr(value) == repr(float(text))
