"""How far a device's clock is off, from the times it writes on what it sends.

A packet that was delayed or sent again makes a clock seem behind, never ahead; so of several the one counts that says most.
"""

from __future__ import annotations

from muheng.monitoring.dialogue.times import SECOND

LOOK_EVERY = 5 * SECOND
"""Of one device; looking costs time."""


class Clock:
    """``offset`` in µs, positive where the device is ahead; None until enough was seen."""

    __slots__ = ("_greatest", "_samples", "_seen", "next_look", "offset", "told")

    def __init__(self, samples: int) -> None:
        self.offset: int | None = None
        self.told = 0
        """When the device was told the time."""
        self.next_look = 0
        self._samples = samples
        self._seen = 0
        self._greatest = 0

    def look(self, offset: int, now: int) -> bool:
        """Take note; whether ``offset`` was settled anew."""
        self.next_look = now + LOOK_EVERY
        self._greatest = offset if self._seen == 0 else max(self._greatest, offset)
        self._seen += 1
        if self._seen < self._samples:
            return False
        self.offset = self._greatest
        self._seen = 0
        return True

    def tell(self, now: int) -> None:
        """The device is told the time: what was seen before says nothing any more."""
        self.told = now
        self._seen = 0
