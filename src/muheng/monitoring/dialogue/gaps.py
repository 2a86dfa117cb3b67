"""Which means of minutes, hours and days of a device should be there and are not, and what to ask it for.

An interval is expected from the first that is known of the device on, and asked for when it is overdue. What the device
was asked for once and did not have is given up. What is asked, and how it went, is ``requests``'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from muheng.monitoring.dialogue.times import local_seconds

HOUR, DAY = 3600, 86_400
FAILURES = 3
"""So many times in a row nothing came of asking; then the stretch is given up."""


@dataclass(frozen=True)
class Kind:
    """``seconds`` of an interval, 0: by the device. ``window``: how far back anything is asked for. ``grace``: after its end."""

    command: str
    seconds: int
    window: int
    grace: int
    longest: int
    """Intervals of one request."""


KINDS: Mapping[str, Kind] = {
    kind.command: kind
    for kind in (
        Kind("2051", 0, 3 * DAY, 900, 72),
        Kind("2061", HOUR, 7 * DAY, 1800, 48),
        Kind("2031", DAY, 31 * DAY, 3 * HOUR, 31),
    )
}


@dataclass(frozen=True)
class Stretch:
    """``count`` intervals of ``seconds`` from ``begin`` on, local seconds."""

    command: str
    begin: int
    seconds: int
    count: int

    @property
    def end(self) -> int:
        return self.begin + self.count * self.seconds


class Intervals:
    """Those of one kind of one device, a bit each; memory is bounded by the kind's window."""

    __slots__ = ("_base", "_bits", "_failures", "_first", "_hold", "kind", "seconds")

    def __init__(self, kind: Kind, minutes: int, now: int) -> None:
        self.kind = kind
        self.seconds = kind.seconds or minutes * 60
        local = local_seconds(now)
        self._base = (local - kind.window) // self.seconds
        self._bits = 0
        """Of those that came or are given up; the lowest bit is ``_base``."""
        self._first = local // self.seconds
        self._hold = 0
        self._failures = 0

    def note(self, at: int, now: int, pause: int) -> None:
        """An interval came that begins ``at``. ``pause``: µs that nothing is asked for where it came late."""
        index = at // self.seconds
        place = index - self._base
        current = local_seconds(now) // self.seconds
        if place < 0 or index > current:
            return
        self._bits |= 1 << place
        if index < self._first:
            self._first = index
        if index < current - 2:
            self._hold = max(self._hold, now + pause)

    def find_missing(self, now: int) -> Stretch | None:
        """The first stretch that is overdue and may be asked for now."""
        self._advance(now)
        if now < self._hold:
            return None
        due = (local_seconds(now) - self.kind.grace) // self.seconds - self._base
        first = self._first - self._base
        if due <= first:
            return None
        lost = (((1 << due) - 1) >> first << first) & ~self._bits
        if not lost:
            return None
        low = (lost & -lost).bit_length() - 1
        run = lost >> low
        count = min(((run + 1) & -(run + 1)).bit_length() - 1, self.kind.longest)
        return Stretch(self.kind.command, (self._base + low) * self.seconds, self.seconds, count)

    def count_missing(self, now: int) -> int:
        """Overdue intervals that are neither there nor given up."""
        self._advance(now)
        due = (local_seconds(now) - self.kind.grace) // self.seconds - self._base
        first = self._first - self._base
        return ((((1 << due) - 1) >> first << first) & ~self._bits).bit_count() if due > first else 0

    def settle(self, stretch: Stretch) -> None:
        """The device answered: what of it did not come is given up."""
        self._failures = 0
        place = stretch.begin // self.seconds - self._base
        run = (1 << stretch.count) - 1
        self._bits |= run << place if place >= 0 else run >> -place

    def put_off(self, stretch: Stretch, until: int) -> None:
        """Nothing came of asking; after several times in a row the stretch is given up."""
        self._hold = max(self._hold, until)
        self._failures += 1
        if self._failures >= FAILURES:
            self.settle(stretch)

    def _advance(self, now: int) -> None:
        base = (local_seconds(now) - self.kind.window) // self.seconds
        if base > self._base:
            self._bits >>= base - self._base
            self._base = base
            self._first = max(self._first, base)
