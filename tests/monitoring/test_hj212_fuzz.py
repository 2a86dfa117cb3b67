"""What the fuzzer asks, of packets that were met and of what it found."""

from __future__ import annotations

import pytest
from hj212_checks import check_memory, check_stream
from packets import bytes_of, load_packets

MET = [bytes_of(packet) for packet in load_packets()]


@pytest.mark.parametrize("seed", range(3))
def test_packets_met(seed: int) -> None:
    for packet in MET:
        check_stream(packet, seed, columns=False)
    check_stream(b"".join(MET[seed:] + MET[:seed]), seed)


def test_memory_for_many_packets() -> None:
    check_memory(b"".join(MET) * 20)
