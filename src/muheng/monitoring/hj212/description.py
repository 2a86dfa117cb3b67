"""A packet as plain values for a program: what ``muheng hj212 decode --json`` prints, one frame a line."""

from __future__ import annotations

from typing import Any

from muheng.monitoring.hj212.decoding import Packet
from muheng.monitoring.hj212.remarks import remark


def describe(packet: Packet) -> dict[str, Any]:
    """``crc`` and ``length`` as sent; ``crc_due`` and ``length_due`` as they should have been."""
    frame = packet.frame
    plain = frame.declared.strip()
    return {
        "offset": frame.offset,
        "valid": packet.valid,
        "reasons": list(packet.reasons),
        "usable": packet.usable,
        "forgiven": list(packet.forgiven),
        "remarks": [each.code for each in remark(packet)],
        "version": packet.version,
        "header": packet.header,
        "cp": packet.cp,
        "factors": packet.factors,
        "crc": frame.sent_crc.decode("ascii", "replace"),
        "crc_due": None if packet.cipher == "unknown" else packet.crc.decode("ascii"),
        "length": int(plain),
        "length_due": packet.size,
        "encoding": packet.encoding,
        "cipher": packet.cipher or None,
    }
