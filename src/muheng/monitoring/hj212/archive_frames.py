"""Where the sound packets of an archive lie, all at once: headers, lengths and checksums by columns.

What this finds is what ``scanner`` would, for frames that stand alone and whole; everything else is left to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from muheng.monitoring.hj212.crc import CARRIED, LANES, START, TEXTS
from muheng.monitoring.hj212.decimals import Words
from muheng.monitoring.hj212.frame import CRC_SIZE, HEADER_SIZE
from muheng.monitoring.hj212.interning import Places

PAD = 32
"""Bytes before and after the text, so that words may be read across its ends."""

BLOCK = 24
"""Bytes read at a place at once: to gather three words costs hardly more than one."""
_NEAR = 1 << 18
"""Bytes looked at together: what a processor keeps near itself."""
_CARRIED = np.array([list(table) for table in CARRIED], dtype=np.uint8)
_START = np.array(START, dtype=np.uint8)
_UPPER = np.array([int.from_bytes(text, "little") for text in TEXTS], dtype=np.uint32)
_LOWER = np.array([int.from_bytes(text.lower(), "little") for text in TEXTS], dtype=np.uint32)
_PARTS = np.array([(1 << (8 * length)) - 1 for length in range(8)], dtype=np.uint64)
"""The first so many bytes of a word."""


@dataclass(frozen=True)
class Text:
    """Bytes with PAD zeros around, and every word in them: ``words[i]`` are the eight bytes from i on, ``blocks[i]`` the
    BLOCK bytes.
    """

    data: bytes
    bytes: NDArray[np.uint8]
    words: Words
    blocks: NDArray[np.void]
    stop: int
    """Where the bytes end, the zeros not counted."""
    equals: Places
    """Of every "="."""
    marks: Places
    """Of every "#", and of what ends lines: of all bytes up to "#"."""


def make_text(data: bytes) -> Text:
    padded = b"".join((bytes(PAD), data, bytes(PAD + -len(data) % LANES)))
    each = np.frombuffer(padded, dtype=np.uint8)
    words: Words = np.ndarray(len(padded) - 7, dtype="<u8", buffer=padded, strides=(1,))
    blocks: NDArray[np.void] = np.ndarray(
        len(padded) - BLOCK + 1, dtype=f"V{BLOCK}", buffer=padded, strides=(1,)
    )
    stop = PAD + len(data)
    equals, marks = [], []
    for at in range(PAD, stop, _NEAR):
        part = each[at : min(at + _NEAR, stop)]
        equals.append(np.flatnonzero(part == ord("=")) + at)
        marks.append(np.flatnonzero(part <= ord("#")) + at)
    return Text(padded, each, words, blocks, stop, np.concatenate(equals), np.concatenate(marks))


class Frames(NamedTuple):
    """Segments from ``begins`` to ``ends``; their headers stand before, their checksums after."""

    begins: Places
    ends: Places

    def pick(self, which: NDArray[np.bool_] | Places) -> Frames:
        return Frames(self.begins[which], self.ends[which])


def find_frames(text: Text) -> Frames:
    """Complete, with a right checksum, no other ``##`` and no line's end inside."""
    kinds = text.bytes[text.marks]
    marks = text.marks[kinds == ord("#")]
    marks = marks[text.bytes[marks + 1] == ord("#")]
    digits = (text.words[marks] >> np.uint64(16)).astype(np.uint32)
    good = ((digits & 0xF0F0F0F0) == 0x30303030) & (
        ((digits + np.uint32(0x06060606)) & 0xF0F0F0F0) == 0x30303030
    )
    lengths = np.zeros(len(marks), dtype=np.int64)
    for place in range(4):
        lengths = lengths * 10 + ((digits >> np.uint32(8 * place)) & np.uint32(0x0F)).astype(np.int64)
    begins = marks + HEADER_SIZE
    ends = begins + lengths
    following = np.append(marks[1:], text.stop)
    good &= (ends + CRC_SIZE <= text.stop) & (following >= ends) & (lengths > 0)
    frames = Frames(begins[good], ends[good])
    frames = frames.pick(_has_none(frames, text.marks[kinds == ord("\n")]))
    return frames.pick(_check(text, frames))


def _has_none(frames: Frames, places: Places) -> NDArray[np.bool_]:
    """Which frames hold none of the places."""
    following = np.append(places, np.iinfo(np.int64).max)[np.searchsorted(places, frames.begins)]
    return following >= frames.ends


def _check(text: Text, frames: Frames) -> NDArray[np.bool_]:
    """Whose checksum is right, in capitals or small letters."""
    begins, ends = frames
    aligned = text.bytes.view(np.uint64)
    firsts, lasts = begins // LANES, ends // LANES
    lanes = np.bitwise_xor.reduceat(aligned, np.stack([firsts, lasts], axis=1).ravel())[::2]
    # Of no word at all it gives one.
    lanes = np.where(firsts < lasts, lanes, np.uint64(0))
    lanes ^= aligned[firsts] & _PARTS[begins % LANES]
    lanes ^= aligned[lasts] & _PARTS[ends % LANES]
    # Turned so that the last byte's lane stands last, whatever its place.
    turn = (ends % LANES * 8).astype(np.uint64)
    lanes = (lanes >> turn) | (lanes << ((np.uint64(64) - turn) & np.uint64(63)))
    by_lane = lanes.view(np.uint8).reshape(-1, LANES)
    states = _START[(ends - begins) % LANES]
    for lane in range(LANES):
        states ^= _CARRIED[LANES - 1 - lane][by_lane[:, lane]]
    sent = text.words[ends].astype(np.uint32)
    return np.asarray((sent == _UPPER[states]) | (sent == _LOWER[states]))
