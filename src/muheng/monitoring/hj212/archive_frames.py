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

_NEAR = 1 << 18
"""Bytes looked at together: what a processor keeps near itself."""
_FRAMES = 512
"""Frames whose checksums are computed together, for the same reason."""
_CARRIED = np.array([list(table) for table in CARRIED], dtype=np.uint8)
_START = np.array(START, dtype=np.uint8)
_UPPER = np.array([int.from_bytes(text, "little") for text in TEXTS], dtype=np.uint32)
_LOWER = np.array([int.from_bytes(text.lower(), "little") for text in TEXTS], dtype=np.uint32)
_PARTS = np.array([(1 << (8 * length)) - 1 for length in range(8)], dtype=np.uint64)
"""The first so many bytes of a word."""


@dataclass(frozen=True)
class Text:
    """Bytes with PAD zeros around, and every word in them: ``words[i]`` are the eight bytes from i on.

    ``signs`` are the places of all bytes that plain names and figures do not have, ``kinds`` these bytes; the zeros before
    and after the bytes are the first and the last of them.
    """

    data: bytes
    bytes: NDArray[np.uint8]
    words: Words
    stop: int
    """Where the bytes end, the zeros not counted."""
    signs: Places
    kinds: NDArray[np.uint8]
    kind_words: Words
    """Eight of them at a time, as ``words`` has the bytes."""


def make_text(data: bytes) -> Text:
    padded = bytes(PAD) + data + bytes(PAD + -len(data) % LANES)
    words: Words = np.ndarray(len(padded) - 7, dtype="<u8", buffer=padded, strides=(1,))
    each = np.frombuffer(padded, dtype=np.uint8)
    stop = PAD + len(data)
    signs = np.concatenate(
        [_find_signs(each, at, min(at + _NEAR, stop + 1)) for at in range(PAD - 1, stop + 1, _NEAR)]
    )
    kinds = np.zeros(len(signs) + 8, dtype=np.uint8)
    each.take(signs, out=kinds[:-8], mode="clip")
    kind_words: Words = np.ndarray(len(signs) + 1, dtype="<u8", buffer=kinds, strides=(1,))
    return Text(padded, each, words, stop, signs, kinds[:-8], kind_words)


def _find_signs(data: NDArray[np.uint8], begin: int, end: int) -> Places:
    part = data[begin:end].view(np.int8)
    # Below "-" are #, &, comma, white space and, as negative numbers, all that is not ASCII.
    found = part < ord("-")
    for sign in b"/;=":
        found |= part == sign
    places = np.flatnonzero(found)
    places += begin
    return places


class Frames(NamedTuple):
    """Segments from ``begins`` to ``ends``; their headers stand before, their checksums after."""

    begins: Places
    ends: Places

    def pick(self, which: NDArray[np.bool_] | Places) -> Frames:
        return Frames(self.begins[which], self.ends[which])


def find_frames(text: Text) -> Frames:
    """Complete, with a right checksum, no other ``##`` and no line's end inside."""
    marks = text.signs[text.kinds == ord("#")]
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
    frames = frames.pick(_has_none(frames, text.signs[text.kinds == ord("\n")]))
    return frames.pick(_check_all(text, frames))


def _has_none(frames: Frames, places: Places) -> NDArray[np.bool_]:
    """Which frames hold none of the places."""
    following = np.append(places, np.iinfo(np.int64).max)[np.searchsorted(places, frames.begins)]
    return following >= frames.ends


def _check_all(text: Text, frames: Frames) -> NDArray[np.bool_]:
    """Whose checksum is right, in capitals or small letters."""
    good = np.zeros(len(frames.begins), dtype=np.bool_)
    for at in range(0, len(good), _FRAMES):
        part = slice(at, at + _FRAMES)
        good[part] = _check(text, frames.begins[part], frames.ends[part])
    return good


def _check(text: Text, begins: Places, ends: Places) -> NDArray[np.bool_]:
    low, high = int(begins[0]) // LANES * LANES, (int(ends[-1]) // LANES + 1) * LANES
    aligned = text.bytes[low:high].view(np.uint64)
    sums = np.zeros(len(aligned) + 1, dtype=np.uint64)
    np.bitwise_xor.accumulate(aligned, out=sums[1:])
    lanes = _sum_to(aligned, sums, ends - low) ^ _sum_to(aligned, sums, begins - low)
    # Turned so that the last byte's lane stands last, whatever its place.
    turn = (ends % LANES * 8).astype(np.uint64)
    lanes = (lanes >> turn) | (lanes << ((np.uint64(64) - turn) & np.uint64(63)))
    by_lane = lanes.view(np.uint8).reshape(-1, LANES)
    states = _START[(ends - begins) % LANES]
    for lane in range(LANES):
        states = states ^ _CARRIED[LANES - 1 - lane][by_lane[:, lane]]
    sent = text.words[ends].astype(np.uint32)
    return np.asarray((sent == _UPPER[states]) | (sent == _LOWER[states]))


def _sum_to(aligned: Words, sums: Words, places: Places) -> Words:
    """The XOR of all bytes before each place, by their place modulo eight."""
    return np.asarray(sums[places // LANES] ^ (aligned[places // LANES] & _PARTS[places % LANES]))
