"""What goes wrong between a device and its host, by chance and repeatably: how often, and what is written instead of a packet.

What was spoilt on the way is no reader's to use; the device has the sound packet still and sends it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from muheng.monitoring.hj212.decoding import decode_bytes
from muheng.monitoring.hj212.frame import CRC_SIZE, HEADER_SIZE

_TAIL = CRC_SIZE + 2
_FALSE_STARTS = (b"##9999", b"##0101QN=", b"##12", b"#", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n")
_SLOW_SECONDS = 0.05
_GLUE_SECONDS = 0.3


@dataclass(frozen=True)
class Faults:
    """Chances, each of one packet.

    ``disconnected``: after it; ``halved``: in the middle of it. ``doubled``: twice at once; ``resent``: once more although it
    was acknowledged. ``slow``: in small pieces; ``glued``: kept back and sent with the next. ``unsplit``: one packet of more
    than 1,024 bytes where there should be parts; ``disordered``: parts the other way round. ``lost``: an interval is not
    uploaded, though the device remembers it. ``clock``: the device's clock jumps.
    """

    disconnected: float = 0
    halved: float = 0
    garbage: float = 0
    crc: float = 0
    length: float = 0
    doubled: float = 0
    resent: float = 0
    slow: float = 0
    glued: float = 0
    unsplit: float = 0
    disordered: float = 0
    lost: float = 0
    clock: float = 0


def _all(chance: float, parts: float) -> Faults:
    return Faults(
        disconnected=chance, halved=chance, garbage=chance, crc=chance, length=chance, doubled=chance, resent=chance,
        slow=chance, glued=chance, unsplit=parts, disordered=parts, lost=chance / 2, clock=chance / 10,
    )  # fmt: skip


FAULTS: Mapping[str, Faults] = {"none": Faults(), "few": _all(0.002, 0.1), "many": _all(0.02, 0.3)}


class Write(NamedTuple):
    """``wait``: seconds before; ``cut``: the connection is broken off after it. ``spoilt``: the packet does not arrive."""

    data: bytes
    wait: float = 0
    cut: bool = False
    spoilt: bool = False


def spoil(packets: Sequence[bytes], faults: Faults, random: Random) -> Iterator[Write]:
    """How packets come to be written. Stops where the connection is cut: what follows is not written."""
    held = b""
    for packet in packets:
        if random.random() < faults.garbage:
            held += _garbage(packet, random)
        spoilt = random.random()
        if spoilt < faults.halved:
            yield Write(held + packet[: random.randrange(1, len(packet) - _TAIL)], cut=True, spoilt=True)
            return
        spoilt -= faults.halved
        if spoilt < faults.crc:
            yield Write(held + _damage(packet, random), spoilt=True)
            held = b""
            continue
        if spoilt < faults.crc + faults.length:
            yield Write(held + _misstate(packet, random), spoilt=True)
            held = b""
            continue
        kind = random.random()
        if kind < faults.doubled:
            yield Write(held + packet + packet)
        elif kind < faults.doubled + faults.slow:
            yield from _dribble(held + packet, random)
        elif kind < faults.doubled + faults.slow + faults.glued:
            held += packet
            continue
        elif kind < faults.doubled + faults.slow + faults.glued + faults.disconnected:
            yield Write(held + packet, cut=True)
            return
        else:
            yield Write(held + packet)
        held = b""
    if held:
        yield Write(held, _GLUE_SECONDS)


def _garbage(packet: bytes, random: Random) -> bytes:
    kind = random.random()
    if kind < 0.4:
        return random.randbytes(random.randrange(1, 200))
    if kind < 0.7:
        return random.choice(_FALSE_STARTS)
    return packet[: random.randrange(1, len(packet) - _TAIL)]


def _damage(packet: bytes, random: Random) -> bytes:
    """One byte of the data segment other than it was, and no reader can explain it."""
    while True:
        at = random.randrange(HEADER_SIZE, len(packet) - _TAIL)
        damaged = packet[:at] + bytes([random.randrange(0x30, 0x7B)]) + packet[at + 1 :]
        if not _is_usable(damaged):
            return damaged


def _misstate(packet: bytes, random: Random) -> bytes:
    """A length that is wrong, and a checksum that is too, so that the end cannot be told."""
    while True:
        size = b"%04d" % random.randrange(1, 1100)
        at = random.randrange(HEADER_SIZE, len(packet) - _TAIL)
        damaged = packet[:2] + size + packet[HEADER_SIZE:at] + b"?" + packet[at + 1 :]
        if not _is_usable(damaged):
            return damaged


def _is_usable(data: bytes) -> bool:
    read = decode_bytes(data)
    return read is not None and read.usable


def _dribble(data: bytes, random: Random) -> Iterator[Write]:
    size = max(len(data) // random.randrange(2, 6), 1)
    for at in range(0, len(data), size):
        yield Write(data[at : at + size], _SLOW_SECONDS if at else 0)
