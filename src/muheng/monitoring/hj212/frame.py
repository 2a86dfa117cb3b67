"""A frame: what stands between ``##`` and the checksum, as it was found on the wire, without a verdict."""

from __future__ import annotations

import re
from typing import NamedTuple

from muheng.monitoring.hj212.crc import compute_crc_text

START = b"##"
OPEN, CLOSE = b"CP=&&", b"&&"
HEADER = re.compile(rb"##(\d{4}| \d{3}|  \d\d|   \d)")
"""Some devices pad the length with spaces."""
HEADER_SIZE, CRC_SIZE = 6, 4
LONGEST_SEGMENT = 1024
"""Bytes that a data segment may have by the standards; longer ones are met."""
LONGEST = 9999
"""Bytes of the longest data segment that four digits can declare."""
MOST_ENDS = 32
"""So many ends of lines are tried for one header that declares a wrong length: more would be a flood, not a packet."""
CRC_DIGITS = re.compile(rb"[0-9A-Fa-f]{4}")
PRINTED = OPEN + b"{0x"
"""How a cipher text begins that was sent the way HJ 212-2025 prints it."""
_AFTER = (b"", b"\r", b"\n")
_END = re.compile(rb"&&(?:([0-9A-Fa-f]{1,4})[\r\n]|([0-9A-Fa-f]{4})\Z)")


class Frame(NamedTuple):
    """A tuple and no data class: making one takes a fifth of the time, and there are tens of thousands a second.

    ``offset``: of its ``##`` in the stream. ``declared``: the four characters of the length. ``sent_crc``: as sent; empty
    where the stream broke off. ``crc``: what the data segment has as it stands on the wire.
    """

    offset: int
    declared: bytes
    segment: bytes
    sent_crc: bytes
    crc: bytes

    @property
    def raw(self) -> bytes:
        """As it stood in the stream, without the line's end."""
        return START + self.declared + self.segment + self.sent_crc

    @property
    def end(self) -> int:
        """The offset after the checksum."""
        return self.offset + HEADER_SIZE + len(self.segment) + len(self.sent_crc)


def cut_frame(data: bytes, offset: int = 0) -> Frame | None:
    """The frame of bytes that hold just one, with or without its line's end; None where there is no header.

    Cut by the length it declares where a checksum stands there, else by the end that it seems to have.
    """
    declared = data[2:HEADER_SIZE]
    if declared.isdigit() and data.startswith(START):
        end = HEADER_SIZE + int(declared)
        segment, sent = data[HEADER_SIZE:end], data[end : end + CRC_SIZE]
        crc = compute_crc_text(segment)
        if sent.upper() == crc or (segment.endswith(CLOSE) and CRC_DIGITS.fullmatch(sent)):
            return Frame(offset, declared, segment, sent, crc)
    return cut_loosely(data, offset)


def cut_loosely(data: bytes, offset: int) -> Frame | None:
    """The frame of bytes that begin with a header and hold nothing sound: by the length it declares where that leads to an
    end, else up to the last end that one can see.

    None where neither is there nor the contents begin: nobody could say that it was a packet.
    """
    header = HEADER.match(data)
    if header is None:
        return None
    frame = _cut_as_declared(data, offset, HEADER_SIZE + int(header.group(1)))
    if frame is not None:
        return frame
    if OPEN not in data:
        return None
    declared = data[2:HEADER_SIZE]
    segment, sent = data[HEADER_SIZE:].rstrip(b"\r\n"), b""
    ends = list(_END.finditer(data, HEADER_SIZE))
    for found in (*ends[:MOST_ENDS], *ends[-1:]):
        segment, sent = data[HEADER_SIZE : found.start() + len(CLOSE)], found.group(1) or found.group(2)
        if compute_crc_text(segment) == sent.upper().zfill(CRC_SIZE):
            break
    return Frame(offset, declared, segment, sent, compute_crc_text(segment))


def _cut_as_declared(data: bytes, offset: int, end: int) -> Frame | None:
    """Contents that close there, whatever stands in the checksum's place; without contents, a checksum and nothing after it."""
    segment, sent = data[HEADER_SIZE:end], data[end : end + CRC_SIZE].split(b"\r")[0].split(b"\n")[0]
    if segment.endswith(CLOSE) and OPEN in segment:
        # Less than four digits are no checksum that was sent, but one that broke off.
        sent = sent if len(sent) == CRC_SIZE else b""
    elif CRC_DIGITS.fullmatch(sent) is None or data[end + CRC_SIZE : end + CRC_SIZE + 1] not in _AFTER:
        return None
    return Frame(offset, data[2:HEADER_SIZE], segment, sent, compute_crc_text(segment))
