"""What the fuzzer asks, of packets that were met and of what it found."""

from __future__ import annotations

import tracemalloc

import pytest
from hj212_checks import check_memory, check_stream
from packets import bytes_of, frame_bytes, load_packets

from muheng.monitoring.hj212.decoding import decode_bytes

MET = [bytes_of(packet) for packet in load_packets()]


@pytest.mark.parametrize("seed", range(3))
def test_packets_met(seed: int) -> None:
    for packet in MET:
        check_stream(packet, seed, columns=False)
    check_stream(b"".join(MET[seed:] + MET[:seed]), seed)


def test_memory_for_many_packets() -> None:
    check_memory(b"".join(MET) * 20)


def test_names_that_never_come_again_do_not_fill_the_memory() -> None:
    """Found as memory that grew: 4,096 sequences of a thousand names each were two gigabytes."""
    tracemalloc.start()
    try:
        for number in range(40):
            names = b";".join(b"%x%x-x=" % (number, each) for each in range(900))
            packet = decode_bytes(frame_bytes(b"QN=1;CP=&&" + names + b"&&"))
            assert packet is not None
            assert len(packet.factors) == 900
        del packet
        assert tracemalloc.get_traced_memory()[0] < 2 << 20
    finally:
        tracemalloc.stop()
