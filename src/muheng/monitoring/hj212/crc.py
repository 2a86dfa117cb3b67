"""The checksum of HJ 212, by lanes: eight bytes at a time instead of one bit.

The standard prints it as a CRC: ``register = (register >> 8) ^ byte``, then eight shifts with 0xA001, from 0xFFFF. Unlike
CRC-16/MODBUS it drops the register's low byte at every step, so only a byte of state survives; and the map of that byte
has order eight. A packet is therefore the XOR of eight lanes, each carried through its own table. The same fact makes the
check weak: there are 256 different checksums, and bytes eight places apart may be swapped unnoticed.
"""

from __future__ import annotations

POLYNOMIAL = 0xA001
LANES = 8


def _shift(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ POLYNOMIAL if value & 1 else value >> 1
    return value


CHECKSUMS = tuple(_shift(state) for state in range(256))
"""What a packet has whose last state is the index."""
TEXTS = tuple(b"%04X" % checksum for checksum in CHECKSUMS)
EMPTY = 0xFFFF


def _carry() -> tuple[bytes, ...]:
    """``carried[r][b]``: the state that a byte leaves r steps later."""
    carried = [bytes(range(256))]
    for _ in range(LANES - 1):
        carried.append(bytes(CHECKSUMS[state] >> 8 for state in carried[-1]))
    return tuple(carried)


CARRIED = _carry()
START = tuple(CARRIED[(length - 1) % LANES][0xFF] for length in range(LANES))
"""What is left of the register's first value, by the packet's length modulo eight."""
_T0, _T1, _T2, _T3, _T4, _T5, _T6, _T7 = CARRIED
_WORD = (1 << 64) - 1


def _plan_folds(digits: int) -> tuple[int, ...]:
    return tuple(1 << power for power in range(max(digits + 2, 6), 5, -1))


_FOLDS = tuple(_plan_folds(digits) for digits in range(24))
"""By how many bits to shift, one after the other, by the bits that the length of the data has."""


def compute_state(data: bytes) -> int:
    """The byte of state after ``data``, which is not empty."""
    size = len(data)
    word = int.from_bytes(data, "big")
    for shift in _FOLDS[size.bit_length()]:
        word ^= word >> shift  # what lies above the shift is no longer meant, and never read
    a, b, c, d, e, f, g, h = (word & _WORD).to_bytes(8, "big")
    return START[size & 7] ^ _T7[a] ^ _T6[b] ^ _T5[c] ^ _T4[d] ^ _T3[e] ^ _T2[f] ^ _T1[g] ^ _T0[h]


def compute_crc(data: bytes) -> int:
    return CHECKSUMS[compute_state(data)] if data else EMPTY


def compute_crc_text(data: bytes) -> bytes:
    """Four capital hexadecimal digits, high byte first, as the standard writes it."""
    return TEXTS[compute_state(data)] if data else b"FFFF"
