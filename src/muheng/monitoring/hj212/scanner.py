"""Frames out of a stream of bytes: cut by length, never by line ends, and finding the way again after anything.

Whatever frame is complete first wins, judged by its place in the stream and not by when bytes arrive: however the stream
is cut into pieces, the same frames come out, each as soon as its last byte is there. A false ``##9999`` is given up when a
sound frame ends inside what it claims. Memory is bounded by the longest frame. No verdict here, see ``decoding``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby, pairwise

from muheng.monitoring.hj212.crc import compute_crc_text
from muheng.monitoring.hj212.frame import (
    CLOSE,
    CRC_DIGITS,
    CRC_SIZE,
    HEADER,
    HEADER_SIZE,
    LONGEST,
    OPEN,
    PRINTED,
    START,
    Frame,
    cut_loosely,
)

REACH = 1 << 14
"""How far a header is followed: more than any frame is long, a printed cipher text of usual size included."""
_REACHES = (512, 4096, REACH)
"""What is complete near by is found without looking further, so that a flood of broken frames costs little each."""
_LINE_END = re.compile(rb"&&([0-9A-Fa-f]{1,4})\r?\n")


class Scanner:
    """One stream. ``noise`` counts the bytes that belonged to no frame, but for line ends."""

    def __init__(self) -> None:
        self.noise = 0
        self._buffer = b""
        self._offset = 0
        """Of the buffer's first byte in the stream."""
        self._quiet_until = 0
        """So long must the buffer be before anything can be complete, unless a header or a line's end arrives."""

    @property
    def waiting(self) -> int:
        """Bytes that may still become a frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now."""
        self._buffer += data
        if len(self._buffer) < self._quiet_until and b"\n" not in data and b"#" not in data:
            return []
        return self._scan(final=False)

    def finish(self) -> list[Frame]:
        """The stream is over: what is left of it."""
        return self._scan(final=True)

    def _scan(self, final: bool) -> list[Frame]:
        frames: list[Frame] = []
        buffer = self._buffer
        size = len(buffer)
        at = 0
        self._quiet_until = 0
        while True:
            begin = buffer.find(START, at)
            if begin < 0:
                begin = size - 1 if buffer.endswith(b"#", at) and not final else size
            if begin > at:
                self._pass_over(buffer[at:begin])
                at = begin
            if size - at < HEADER_SIZE:
                break
            declared = buffer[at + 2 : at + HEADER_SIZE]
            if declared.isdigit():
                end = at + HEADER_SIZE + int(declared)
                segment, sent = buffer[at + HEADER_SIZE : end], buffer[end : end + CRC_SIZE]
                crc = compute_crc_text(segment) if len(sent) == CRC_SIZE else b""
                if crc == sent.upper() and segment.find(START) < 0 and segment.find(b"\n") < 0 and crc:
                    frames.append(Frame(self._offset + at, declared, segment, sent, crc))
                    at = end + CRC_SIZE
                    continue
            elif HEADER.match(buffer, at) is None:
                self.noise += 1
                at += 1
                continue
            for reach in _REACHES:
                window = _Window(buffer, at, self._offset, reach)
                frame = window.find_first()
                if frame is not None or window.stop < at + reach:
                    break
            if frame is not None:
                begin, end = frame.offset - self._offset, frame.end - self._offset
                frames += self._break(window, begin)
                frames.append(frame)
                at = end
            elif window.full or final:
                end = window.dead_end if window.full else size
                frames += self._break(window, end)
                at = end
            else:
                self._quiet_until = 0 if b"#" in buffer[1 - HEADER_SIZE :] else window.next_end - at
                break
        if final:
            self._pass_over(buffer[at:])
            at = size
        self._buffer = buffer[at:]
        self._offset += at
        return frames

    def _pass_over(self, passed: bytes) -> None:
        self.noise += len(passed.translate(None, b"\r\n"))

    def _break(self, window: _Window, stop: int) -> Iterator[Frame]:
        """What can be told of the headers before ``stop`` that came to nothing."""
        begins = [begin for begin in window.ends if begin < stop]
        for begin, end in pairwise((*begins, stop)):
            piece = window.buffer[begin:end]
            frame = cut_loosely(piece, self._offset + begin)
            if frame is None:
                self._pass_over(piece)
            else:
                self._pass_over(piece[frame.end - frame.offset :])
                yield frame


class _Window:
    """What follows a header that is not simply complete: every header there, and what is complete first."""

    def __init__(self, buffer: bytes, at: int, offset: int, reach: int) -> None:
        self.buffer = buffer
        self.at = at
        self.offset = offset
        self.stop = min(len(buffer), at + reach)
        self.full = self.stop == at + REACH
        self.ends = {
            found.start(): found.end() + int(found.group(1)) + CRC_SIZE
            for found in HEADER.finditer(buffer, at, self.stop)
        }
        self._begins = list(self.ends)
        self._latest = list(accumulate(self.ends.values(), max))
        """Of each header, how far it or any before it reaches."""

    @property
    def dead_end(self) -> int:
        """Of a full window where nothing was complete: no header before this can come to anything."""
        living = self.stop - HEADER_SIZE - LONGEST - CRC_SIZE
        return next((begin for begin in self.ends if begin > max(living, self.at)), self.stop)

    @property
    def next_end(self) -> int:
        """Until then nothing can be complete by its length."""
        return min([self.at + REACH, *(end for end in self.ends.values() if end > self.stop)])

    def find_first(self) -> Frame | None:
        events: list[tuple[int, int, re.Match[bytes] | None]] = [
            (end, begin, None) for begin, end in self.ends.items() if end <= self.stop
        ]
        events += [
            (found.end(), found.start(), found)
            for found in _LINE_END.finditer(self.buffer, self.at, self.stop)
        ]
        events.sort(key=lambda event: event[:2])
        for _, tied in groupby(events, key=lambda event: event[0]):
            found = [
                self._cut(begin, place) if line_end is None else self._cut_line(line_end)
                for place, begin, line_end in tied
            ]
            frames = [frame for frame in found if frame is not None]
            if frames:
                # A header that promises to end where a sound frame does is the one that is wrong.
                return max(frames, key=lambda frame: (frame.crc == frame.sent_crc.upper(), frame.offset))
        return None

    def _cut(self, begin: int, end: int) -> Frame | None:
        """By the declared length, where a checksum stands there."""
        segment = self.buffer[begin + HEADER_SIZE : end - CRC_SIZE]
        sent = self.buffer[end - CRC_SIZE : end]
        if CRC_DIGITS.fullmatch(sent) is None:
            return None
        crc = compute_crc_text(segment)
        # What holds no contents, however sound, may not break another frame.
        sound = crc == sent.upper() and (begin == self.at or OPEN in segment)
        if not sound and not (segment.endswith(CLOSE) and OPEN in segment):
            return None
        return self._frame(begin, segment, sent)

    def _cut_line(self, found: re.Match[bytes]) -> Frame | None:
        """By a checksum at the end of a line, where the length leads elsewhere."""
        count = bisect_right(self._begins, found.start() - HEADER_SIZE)
        begins = (self._begins[count - 1], self._begins[0]) if count else ()
        cut = found.start() + len(CLOSE)
        with_contents = [begin for begin in begins if OPEN in self.buffer[begin:cut]]
        for begin in with_contents:
            segment = self.buffer[begin + HEADER_SIZE : cut]
            if compute_crc_text(segment) == found.group(1).upper().zfill(CRC_SIZE) or PRINTED in segment:
                return self._frame(begin, segment, found.group(1))
        if with_contents and self._latest[count - 1] <= found.end():
            begin = with_contents[0]
            return self._frame(begin, self.buffer[begin + HEADER_SIZE : cut], found.group(1))
        return None

    def _frame(self, begin: int, segment: bytes, sent: bytes) -> Frame:
        declared = self.buffer[begin + 2 : begin + HEADER_SIZE]
        return Frame(self.offset + begin, declared, segment, sent, compute_crc_text(segment))


def scan(pieces: Iterable[bytes]) -> Iterator[Frame]:
    """All frames of a stream that ends."""
    scanner = Scanner()
    for piece in pieces:
        yield from scanner.feed(piece)
    yield from scanner.finish()
