"""The checksum by lanes is the standard's, bit by bit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from packets import standard_crc

from muheng.monitoring.hj212.crc import CHECKSUMS, compute_crc, compute_crc_text


@given(st.binary(max_size=300))
def test_lanes_are_the_standards_definition(data: bytes) -> None:
    assert compute_crc(data) == standard_crc(data)
    assert compute_crc_text(data) == b"%04X" % standard_crc(data)


def test_every_length_up_to_the_longest_fold() -> None:
    data = bytes((7 * place + place // 256) % 256 for place in range(9999))
    for length in (*range(600), 1023, 1024, 1025, 2047, 2048, 2049, 4096, 8191, 8192, 8193, 9999):
        assert compute_crc(data[:length]) == standard_crc(data[:length]), length


def test_worked_examples_of_the_standards() -> None:
    asked = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
    assert compute_crc_text(asked) == b"1C80"
    newer = b"QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&"
    assert compute_crc_text(newer) == b"2200"
    assert compute_crc_text(b"") == b"FFFF"


def test_it_is_as_weak_as_its_description_says() -> None:
    assert len(set(CHECKSUMS)) == 256
    assert {checksum & 0xFF for checksum in CHECKSUMS} == {0x00, 0x01, 0x40, 0x41, 0x80, 0x81, 0xC0, 0xC1}
    assert compute_crc(b"a1234567b") == compute_crc(b"b1234567a")
