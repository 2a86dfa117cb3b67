"""Packets that were met, printed or derived: ``data/packets.jsonl``, one a line, with what is to be said of them.

Published ones keep their mistakes. Where they carried a device's number it was replaced by one that means nothing, and the
checksum made right or wrong again in the same way (``renumbered``). ``valid`` is length and checksum by the standard.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

POLYNOMIAL = 0xA001


@cache
def load_packets() -> list[dict[str, Any]]:
    text = (Path(__file__).parent / "data" / "packets.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def bytes_of(packet: dict[str, Any]) -> bytes:
    return bytes.fromhex(packet["hex"]) if "hex" in packet else packet["packet"].encode()


def find_packet(source: str) -> dict[str, Any]:
    (found,) = [packet for packet in load_packets() if packet["source"] == f"derived:{source}"]
    return found


def standard_crc(data: bytes) -> int:
    """As the standard's annex defines it, bit by bit."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ POLYNOMIAL if register & 1 else register >> 1
    return register


def frame_bytes(segment: bytes, end: bytes = b"\r\n") -> bytes:
    return b"##%04d" % len(segment) + segment + b"%04X" % standard_crc(segment) + end
