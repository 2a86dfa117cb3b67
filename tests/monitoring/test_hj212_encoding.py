"""What is written is read again the same, and answers look as the standards print them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import frame_bytes

from muheng.documents.message import Refusal
from muheng.monitoring.hj212.decoding import Packet, decode_bytes
from muheng.monitoring.hj212.encoding import (
    acknowledge,
    answer_request,
    encode,
    request,
    tell_result,
    upload,
    write_contents,
)
from muheng.monitoring.hj212.moments import read_moment, write_moment, write_qn
from muheng.monitoring.hj212.remarks import remark

HEADER = {
    "QN": "20160801085857223",
    "ST": "32",
    "CN": "1062",
    "PW": "100000",
    "MN": "010000A8900016F000169DC0",
}
TEXT = st.text(
    st.characters(exclude_characters=";,=&#-\r\n", exclude_categories=["Cs", "Cc", "Z"]), max_size=12
)
NAMES = st.text("abcXYZ0189", min_size=1, max_size=8)
FACTORS = st.dictionaries(NAMES, st.dictionaries(NAMES, TEXT, min_size=1, max_size=5), max_size=8)
KEYS = st.none() | st.binary(min_size=16, max_size=16)


def read(wire: bytes, key: bytes | None = None) -> Packet:
    packet = decode_bytes(wire, None if key is None else lambda mn: key)
    assert packet is not None
    return packet


def test_the_standards_request() -> None:
    wire = request(HEADER, 2017, [("RtdInterval", "30")])
    assert wire == (
        b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
        b"CP=&&RtdInterval=30&&1C80\r\n"
    )


@given(st.dictionaries(NAMES, TEXT, max_size=3), FACTORS, st.sampled_from([2005, 2017, 2025]), KEYS)
def test_there_and_back(
    cp: dict[str, str], factors: dict[str, dict[str, str]], edition: int, key: bytes | None
) -> None:
    own = key if edition == 2025 else None
    flag = {2005: "0", 2017: "4", 2025: "8"}[edition]
    packet = read(encode({**HEADER, "Flag": flag}, write_contents(cp, factors), own), own)
    assert (packet.valid, packet.version) == (True, edition)
    assert (packet.header, packet.cp, packet.factors) == ({**HEADER, "Flag": flag}, cp, factors)


def test_an_upload_is_acknowledged_in_its_own_edition() -> None:
    sent = read(upload(HEADER, 2017, {"DataTime": "20160801085857"}, {})[0])
    assert acknowledge(sent) == frame_bytes(
        b"QN=20160801085857223;ST=91;CN=9014;PW=100000;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"
    )
    newer = read(upload(HEADER, 2025, {"DataTime": "20160801085857"}, {})[0])
    assert read(acknowledge(newer)).header["Flag"] == "8"
    older = read(
        frame_bytes(b"QN=20040516010101001;ST=32;CN=2051;PW=1;MN=2;Flag=3;PNUM=0002;PNO=0001;CP=&&&&")
    )
    assert acknowledge(older) == frame_bytes(
        b"ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051;PNUM=0002;PNO=0001&&"
    )


def test_a_heartbeat_is_answered_as_a_notice() -> None:
    beat = read(encode({**HEADER, "CN": "9015", "Flag": "9"}))
    assert (beat.version, beat.answer_wanted) == (2025, True)
    assert read(acknowledge(beat)).header["CN"] == "9013"


def test_a_request_is_answered_and_its_end_told() -> None:
    asked = read(request(HEADER, 2017))
    ready = read(answer_request(asked, 1))
    assert (ready.header["CN"], ready.header["QN"], ready.cp) == ("9011", HEADER["QN"], {"QnRtn": "1"})
    assert read(tell_result(asked, 100)).cp == {"ExeRtn": "100"}
    old = read(tell_result(read(request(HEADER, 2005)), 1))
    assert old.cp == {"QN": HEADER["QN"], "ExeRtn": "1"}
    assert "QN" not in old.header


def test_back_fill_is_marked_and_long_contents_are_split() -> None:
    factors = {f"a{number}": {"Avg": "12.345", "Flag": "N"} for number in range(21000, 21060)}
    wires = upload({**HEADER, "CN": "2061", "RF": "1"}, 2025, {"DataTime": "20260801120000"}, factors)
    parts = [read(wire) for wire in wires]
    assert len(parts) > 1
    for number, part in enumerate(parts, 1):
        assert part.header["RF"] == "1"
        assert (part.header["PNUM"], part.header["PNO"]) == (str(len(parts)), str(number))
        assert part.header["Flag"] == "11"
        assert list(part.header)[-1] == "RF"
        assert remark(part) == []


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(Refusal, match="MN"):
        encode({**HEADER, "MN": "1;2"})
    with pytest.raises(Refusal, match="最多 9999"):
        encode(HEADER, "x" * 10_000)
    with pytest.raises(Refusal, match="不能写"):
        write_contents({}, {"a21026": {"Rtd": "1,2"}})
    for opened in ("//", "///", "//x"):
        # Free text that never ends would swallow what follows.
        with pytest.raises(Refusal, match="不能写"):
            write_contents({"Info": opened}, {"a21026": {"Rtd": "1"}})
    assert write_contents({"Info": "//x//"}, {}) == "Info=//x//"
    with pytest.raises(Refusal, match="装不下"):
        upload(HEADER, 2017, {}, {"a21026": {"Info": "x" * 1000}})


@given(st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)))
def test_moments_there_and_back(moment: datetime) -> None:
    assert read_moment(write_moment(moment)) == moment.replace(microsecond=0)
    assert read_moment(write_qn(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    "text", ["", "20261301000000", "2026080112000", "2026080112000x", "２０２６０８０１１２００００"]
)
def test_what_is_no_moment(text: str) -> None:
    assert read_moment(text) is None
