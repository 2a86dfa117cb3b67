"""Frames out of a stream of bytes: cut by length, never by line ends, and finding the way again after anything.

Whatever frame is complete first wins, judged by its place in the stream and not by when bytes arrive: however the stream
is cut into pieces, the same frames come out, each as soon as its last byte is there. A false ``##9999`` is given up when a
sound frame ends inside what it claims. Memory is bounded by the longest frame, and no byte is looked at again and again,
however slowly bytes come. No verdict here, see ``decoding``.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from muheng.monitoring.hj212.crc import compute_crc_text
from muheng.monitoring.hj212.frame import (
    CLOSE,
    CRC_DIGITS,
    CRC_SIZE,
    HEADER,
    HEADER_SIZE,
    LONGEST,
    MOST_ENDS,
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
_LONGEST_LINE_END = 8
_STIRS = re.compile(HEADER.pattern + rb"|" + _LINE_END.pattern)
"""What may make something complete, or become complete itself."""


class Scanner:
    """One stream. ``noise`` counts the bytes that belonged to no frame, but for line ends."""

    def __init__(self) -> None:
        self.noise = 0
        self._buffer = b""
        self._offset = 0
        """Of the buffer's first byte in the stream."""
        self._window: _Window | None = None
        """Of the header that was looked at last."""
        self._quiet_until = 0
        """So long must the buffer be before anything can be complete, unless a header or a line's end arrives."""

    @property
    def waiting(self) -> int:
        """Bytes that may still become a frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now."""
        before = len(self._buffer)
        self._buffer += data
        if len(self._buffer) < self._quiet_until:
            stirs = _STIRS.finditer(self._buffer, max(0, before - _LONGEST_LINE_END + 1))
            if all(stir.end() <= before for stir in stirs):
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
            window = self._window
            if window is None or window.offset != self._offset + at:
                window = self._window = _Window(self._offset + at)
            for reach in _REACHES:
                frame = window.find_first(buffer, at, reach)
                if frame is not None or window.stop < reach:
                    break
            if frame is not None:
                end = frame.end - self._offset
                frames += self._break(window, at, frame.offset - self._offset)
                frames.append(frame)
                at = end
            elif window.full or final:
                end = at + window.dead_end if window.full else size
                frames += self._break(window, at, end)
                at = end
            else:
                self._quiet_until = window.next_end
                break
        if final:
            self._pass_over(buffer[at:])
            at = size
        self._buffer = buffer[at:]
        self._offset += at
        return frames

    def _pass_over(self, passed: bytes) -> None:
        self.noise += len(passed.translate(None, b"\r\n"))

    def _break(self, window: _Window, at: int, stop: int) -> Iterator[Frame]:
        """What can be told of the headers from ``at`` to ``stop`` that came to nothing."""
        begins = [at + begin for begin in window.begins if at + begin < stop]
        for begin, end in pairwise((*begins, stop)):
            piece = self._buffer[begin:end]
            frame = cut_loosely(piece, self._offset + begin)
            if frame is None:
                self._pass_over(piece)
            else:
                self._pass_over(piece[frame.end - frame.offset :])
                yield frame


class _Window:
    """What follows a header that is not simply complete: every header there, and what is complete first.

    Places count from this header. What was looked at is remembered while more bytes come, in few bytes: there may be
    thousands of connections.
    """

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.stop = 0
        self.begins = array("H")
        self._ends = array("H")
        """Where each header says that its frame ends."""
        self._latest = array("H")
        """Of each header, how far it or any before it reaches."""
        self._lines = array("H")
        """Where the ends of lines begin."""

    @property
    def full(self) -> bool:
        return self.stop == REACH

    @property
    def dead_end(self) -> int:
        """Of a full window where nothing was complete: no header before this can come to anything."""
        living = max(self.stop - HEADER_SIZE - LONGEST - CRC_SIZE, 0)
        return next((begin for begin in self.begins if begin > living), self.stop)

    @property
    def next_end(self) -> int:
        """Until then nothing can be complete by its length."""
        return min([REACH, *(end for end in self._ends if end > self.stop)])

    def find_first(self, buffer: bytes, at: int, reach: int) -> Frame | None:
        """In the bytes from ``at``, up to ``reach`` of them, as far as they are new."""
        seen, self.stop = self.stop, max(self.stop, min(len(buffer) - at, reach))
        self._find_headers(buffer, at, seen)
        events: list[tuple[int, int, re.Match[bytes] | None]] = [
            (end, begin, None)
            for begin, end in zip(self.begins, self._ends, strict=True)
            if seen < end <= self.stop
        ]
        for line_end in _LINE_END.finditer(buffer, at + max(seen - _LONGEST_LINE_END + 1, 0), at + self.stop):
            if line_end.end() - at > seen:
                self._lines.append(line_end.start() - at)
                events.append((line_end.end() - at, line_end.start() - at, line_end))
        events.sort(key=lambda event: event[:2])
        for _, tied in groupby(events, key=lambda event: event[0]):
            found = [
                self._cut(buffer, at, begin, end)
                if line_end is None
                else self._cut_line(buffer, at, line_end)
                for end, begin, line_end in tied
            ]
            frames = [frame for frame in found if frame is not None]
            if frames:
                # A header that promises to end where a sound frame does is the one that is wrong.
                return max(frames, key=lambda frame: (frame.crc == frame.sent_crc.upper(), frame.offset))
        return None

    def _find_headers(self, buffer: bytes, at: int, seen: int) -> None:
        for found in HEADER.finditer(buffer, at + max(seen - HEADER_SIZE + 1, 0), at + self.stop):
            end = found.end() + int(found.group(1)) + CRC_SIZE - at
            self.begins.append(found.start() - at)
            self._ends.append(end)
            self._latest.append(max(end, self._latest[-1]) if self._latest else end)

    def _cut(self, buffer: bytes, at: int, begin: int, end: int) -> Frame | None:
        """By the declared length, where a checksum stands there."""
        segment = buffer[at + begin + HEADER_SIZE : at + end - CRC_SIZE]
        sent = buffer[at + end - CRC_SIZE : at + end]
        if CRC_DIGITS.fullmatch(sent) is None:
            return None
        crc = compute_crc_text(segment)
        # What holds no contents, however sound, may not break another frame.
        sound = crc == sent.upper() and (begin == 0 or OPEN in segment)
        if not sound and not (segment.endswith(CLOSE) and OPEN in segment):
            return None
        return self._frame(buffer, at, begin, segment, sent)

    def _cut_line(self, buffer: bytes, at: int, found: re.Match[bytes]) -> Frame | None:
        """By a checksum at the end of a line, where the length leads elsewhere."""
        line = found.start() - at
        count = bisect_right(self.begins, line - HEADER_SIZE)
        begins = (self.begins[count - 1], self.begins[0]) if count else ()
        cut = found.start() + len(CLOSE)
        with_contents = [begin for begin in begins if buffer.find(OPEN, at + begin, cut) >= 0]
        number = bisect_left(self._lines, line)
        for begin in with_contents:
            if number - bisect_left(self._lines, begin) >= MOST_ENDS:
                continue
            segment = buffer[at + begin + HEADER_SIZE : cut]
            if compute_crc_text(segment) == found.group(1).upper().zfill(CRC_SIZE) or PRINTED in segment:
                return self._frame(buffer, at, begin, segment, found.group(1))
        if with_contents and self._latest[count - 1] <= found.end() - at:
            begin = with_contents[0]
            segment = buffer[at + begin + HEADER_SIZE : cut]
            return self._frame(buffer, at, begin, segment, found.group(1))
        return None

    def _frame(self, buffer: bytes, at: int, begin: int, segment: bytes, sent: bytes) -> Frame:
        declared = buffer[at + begin + 2 : at + begin + HEADER_SIZE]
        return Frame(self.offset + begin, declared, segment, sent, compute_crc_text(segment))


def scan(pieces: Iterable[bytes]) -> Iterator[Frame]:
    """All frames of a stream that ends."""
    scanner = Scanner()
    for piece in pieces:
        yield from scanner.feed(piece)
    yield from scanner.finish()
