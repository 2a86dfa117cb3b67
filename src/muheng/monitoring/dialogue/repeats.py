"""What a device sent before, byte for byte: acknowledged again, kept once.

A device sends a packet again when it has not heard the answer, so the last few hundred are enough. One that is older
passes as new; what it says counts once all the same, since values are kept by device, time and factor.
"""

from __future__ import annotations

MARK = 8


class Repeats:
    """Marks of the last ``most`` packets of one device, in one string of bytes: eight each, searched in a microsecond."""

    __slots__ = ("_marks", "_most", "_next")

    def __init__(self, most: int) -> None:
        self._most = most * MARK
        self._marks = bytearray()
        self._next = 0

    def meet(self, raw: bytes) -> bool:
        """Whether the packet was there before; from now on it was."""
        mark = hash(raw).to_bytes(MARK, "little", signed=True)
        marks = self._marks
        at = marks.find(mark)
        while at >= 0:
            if at % MARK == 0:
                return True
            at = marks.find(mark, at + 1)
        if len(marks) < self._most:
            marks += mark
        else:
            marks[self._next : self._next + MARK] = mark
            self._next = (self._next + MARK) % self._most
        return False
