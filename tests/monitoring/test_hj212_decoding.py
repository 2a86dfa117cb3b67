"""Every packet met gets the verdict it deserves, by the standard and by the lenient reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import bytes_of, find_packet, frame_bytes, load_packets

from muheng.monitoring.hj212.decoding import Packet, decode, decode_bytes
from muheng.monitoring.hj212.description import describe
from muheng.monitoring.hj212.frame import cut_frame
from muheng.monitoring.hj212.items import read_header, read_items, read_regular
from muheng.monitoring.hj212.remarks import remark
from muheng.monitoring.hj212.scanner import scan
from muheng.monitoring.hj212.words import FORGIVEN, explain_reasons

PACKETS = load_packets()


def read(packet: dict[str, Any]) -> list[Packet]:
    return [decode(frame) for frame in scan([bytes_of(packet)])]


def only(packet: dict[str, Any]) -> Packet:
    (found,) = read(packet)
    return found


@pytest.mark.parametrize("packet", PACKETS, ids=lambda packet: packet["source"])
def test_the_stated_verdict(packet: dict[str, Any]) -> None:
    found = read(packet)
    sound = [each for each in found if each.valid]
    assert bool(sound) is packet["valid"], packet["why"]
    assert packet.get("frames", len(sound)) == len(sound)
    for each in found:
        assert each.valid is (not explain_reasons(each))
        assert each.frame.raw in bytes_of(packet)


@pytest.mark.parametrize(
    "packet", [packet for packet in PACKETS if "header" in packet], ids=lambda packet: packet["source"]
)
def test_header_and_contents_are_read_as_sent(packet: dict[str, Any]) -> None:
    found = only(packet)
    assert (found.header, found.cp, found.factors) == (packet["header"], packet["cp"], packet["factors"])
    assert list(found.factors) == list(packet["factors"])


@pytest.mark.parametrize(
    "packet", [packet for packet in PACKETS if "cp_plain" in packet], ids=lambda packet: packet["why"]
)
@pytest.mark.parametrize("known", [True, False])
def test_cipher_text_raw_or_as_printed(packet: dict[str, Any], known: bool) -> None:
    key = bytes.fromhex(packet["key_hex"])
    (frame,) = scan([bytes_of(packet)])
    found = decode(frame, (lambda mn: key) if known else None)
    assert found.content.decode() == packet["cp_plain"]
    assert found.cipher == ("device" if known else "example")
    assert (found.version, found.valid, found.usable) == (2025, True, True)


def test_cipher_text_without_its_key_is_said_to_be_so() -> None:
    from muheng.monitoring.hj212.encoding import encode

    header = {"QN": "20260801120000123", "ST": "31", "CN": "2011", "PW": "1", "MN": "M" * 24, "Flag": "9"}
    wire = encode(header, "DataTime=20260801120000;a21026-Rtd=1.5,a21026-Flag=N", b"sixteen letters!")
    found = decode_bytes(wire)
    assert found is not None
    assert (found.reasons, found.usable, found.factors, found.cipher) == (("key",), False, {}, "unknown")
    assert found.header == header
    right = decode_bytes(wire, {"M" * 24: b"sixteen letters!"}.get)
    assert right is not None
    assert (right.valid, right.factors) == (True, {"a21026": {"Rtd": "1.5", "Flag": "N"}})


FORGIVING = {
    "crc-modbus": "crc_modbus",
    "crc-byte-swapped": "crc_swapped",
    "utf8-crc-over-utf16": "crc_characters",
    "utf8-length-in-chars": "length_characters",
    "len-with-spaces": "length_padding",
    "wrong-length-plus3": "length_wrong",
}


@pytest.mark.parametrize(("source", "how"), FORGIVING.items())
def test_what_a_lenient_reader_forgives(source: str, how: str) -> None:
    found = only(find_packet(source))
    assert (found.valid, found.usable, found.forgiven) == (False, True, (how,))
    assert how in FORGIVEN


@pytest.mark.parametrize("source", ["wrong-crc", "one-digit-changed", "truncated", "truncated-crc"])
def test_what_nobody_can_forgive(source: str) -> None:
    found = only(find_packet(source))
    assert (found.valid, found.usable, found.forgiven) == (False, False, ())
    assert found.reasons == ("truncated",) if "truncated" in source else ("crc",)


NEXT = frame_bytes(b"ST=32;CN=2011;PW=1;MN=1;CP=&&B01-Rtd=2&&")


@pytest.mark.parametrize(
    ("instead", "reason", "crc"),
    [
        (b"ZZZZ\r\n", "crc", b"ZZZZ"),
        (b"\xff\xfe\x00 ", "crc", b"\xff\xfe\x00 "),
        (b"77G0", "crc", b"77G0"),
        (b"", "truncated", b""),
        (b"\r\n", "truncated", b""),
        (b"12", "truncated", b""),
    ],
)
@pytest.mark.parametrize("after", [NEXT, b""])
def test_what_is_no_checksum_spoils_no_contents(
    instead: bytes, reason: str, crc: bytes, after: bytes
) -> None:
    """The declared length says where the contents end, and what stands there is not read as one of them."""
    wire = frame_bytes(b"QN=1;ST=32;CN=2011;PW=1;MN=1;CP=&&B01-Rtd=1,B01-Flag=N&&", end=b"")[:-4]
    found, *more = (decode(frame) for frame in scan([wire + instead + after]))
    assert (found.valid, found.usable, found.reasons) == (False, False, (reason,))
    assert (found.factors, found.frame.sent_crc) == ({"B01": {"Rtd": "1", "Flag": "N"}}, crc)
    assert found.size == int(found.frame.declared)
    assert [each.frame.segment for each in more] == ([NEXT[6:-6]] if after else [])
    json.dumps(describe(found)).encode()


@pytest.mark.parametrize(
    "segment", [b"", b"QN=1;ST=32;CN=2011;PW=1;MN=1", b"QN=1;ST=32;CN=2011;CP=&&B01-Rtd=1"]
)
def test_a_packet_without_whole_contents_is_still_one(segment: bytes) -> None:
    wire = b"##%04d" % len(segment) + segment + b"0BAD"
    for end in (b"\r\n" + NEXT, b"\n", NEXT, b""):
        found = decode(next(iter(scan([wire + end]))))
        assert (found.reasons, found.frame.raw) == (("crc",), wire)
        assert found.header.get("CN") == ("2011" if segment else None)


def test_an_unpadded_checksum_is_forgiven() -> None:
    segment = next(
        text
        for number in range(1000)
        if frame_bytes(text := b"ST=32;CN=2011;PW=1;MN=1;CP=&&B01-Rtd=%d&&" % number)[-6:-5] == b"0"
    )
    (found,) = [decode(frame) for frame in scan([frame_bytes(segment)[:-6] + frame_bytes(segment)[-5:]])]
    assert (found.reasons, found.forgiven, found.usable) == (("crc",), ("crc_unpadded",), True)


def test_the_edition_is_that_of_the_flag() -> None:
    for flag, edition in (
        ("", 2005),
        ("3", 2005),
        ("4", 2017),
        ("7", 2017),
        ("8", 2025),
        ("11", 2025),
        ("12", None),
    ):
        text = f"ST=32;CN=2011;{f'Flag={flag};' if flag else ''}CP=&&B01-Rtd=1&&".encode()
        found = decode_bytes(frame_bytes(text))
        assert found is not None
        assert found.version == edition
        assert found.answer_wanted is (flag in ("3", "7", "11"))


def test_an_empty_packet_is_sound_and_says_nothing() -> None:
    found = only(find_packet("empty-segment"))
    assert (found.valid, found.usable, found.header) == (True, False, {})


def codes(source: str) -> list[str]:
    return [each.code for each in remark(read(find_packet(source))[0])]


def test_departures_are_remarked_and_held_against_nobody() -> None:
    assert codes("over-1024") == ["segment_long"]
    assert codes("datatime-bad") == ["time"]
    assert codes("datatime-17") == ["time_long"]
    assert codes("flag-upper") == ["key"]
    assert codes("pnum-without-flag-bit") == ["parts_unflagged"]
    assert codes("2025-rf-backfill") == []
    assert codes("2025-sm4-raw-bytes") == ["example_key"]
    assert codes("multi-segment-2017-c50") == []
    strange = decode_bytes(
        frame_bytes(b"QN=2026;ST=7;CN=7777;PW=1;MN=1;Flag=6;RF=0;CP=&&a21026-Rtd=1,a21026-Flag=Q&&")
    )
    assert strange is not None
    assert [each.code for each in remark(strange)] == [
        "mn", "command", "system", "backfill", "parts_missing", "qn", "data_flag",
    ]  # fmt: skip


def test_text_in_another_encoding_is_read_and_remarked() -> None:
    found = decode_bytes(
        frame_bytes("ST=32;CN=3020;PW=1;MN=1;Flag=4;CP=&&i11001-Info=仪器，维护&&".encode("gbk"))
    )
    assert found is not None
    assert found.factors == {"i11001": {"Info": "仪器，维护"}}
    assert (found.valid, found.encoding) == (True, "gb18030")
    assert "encoding" in [each.code for each in remark(found)]


@given(st.text("aB-=;, &1\n", max_size=40), st.text("QNST=;,4 ", max_size=20))
def test_names_worked_out_once_give_what_item_by_item_gives(content: str, head: str) -> None:
    segment = f"{head}CP=&&{content}&&".encode()
    quick = read_regular(segment, segment.index(b"CP=&&"))
    if quick is not None:
        assert quick == (read_header(head), *read_items(content))


def test_small_letters_in_the_checksum_change_nothing_of_what_is_read() -> None:
    for content in (b"{0x=%d" % digit for digit in range(10)):
        wire = frame_bytes(b"MN=1;Flag=9;CP=&&" + content + b"&&", end=b"")
        large, small = decode_bytes(wire), decode_bytes(wire[:-4] + wire[-4:].lower())
        assert large is not None
        assert small is not None
        assert (small.reasons, small.cp, small.factors) == (large.reasons, large.cp, large.factors)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_complaint(data: bytes) -> None:
    for wire in (
        data,
        b"##%04d" % len(data) + data,
        frame_bytes(data),
        frame_bytes(b"Flag=9;CP=&&" + data + b"&&"),
    ):
        frame = cut_frame(wire)
        if frame is not None:
            found = decode(frame)
            assert found.valid is (found.reasons == ())
            remark(found)
            explain_reasons(found)
