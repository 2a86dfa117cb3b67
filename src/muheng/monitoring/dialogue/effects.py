"""What follows from what was heard, for whoever has sockets and a disk; and a connection as the dialogue knows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from muheng.monitoring.dialogue.requests import Outcome
from muheng.monitoring.hj212.scanner import Scanner
from muheng.monitoring.store.segments import Record


@dataclass
class Effects:
    """What is to be done, gathered until somebody does it.

    ``answers`` are sent when all ``records`` here and in effects before are durable; ``sends`` and ``closes`` at once.
    """

    records: list[Record] = field(default_factory=list)
    answers: list[tuple[Link, bytes]] = field(default_factory=list)
    sends: list[tuple[Link, bytes]] = field(default_factory=list)
    closes: list[tuple[Link, str]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    size: int = 0
    """Bytes of records and answers."""


class Link:
    """One connection."""

    __slots__ = (
        "broken",
        "closed",
        "contacts",
        "last",
        "lost",
        "noise",
        "opened",
        "peer",
        "refused",
        "scanner",
    )

    def __init__(self, peer: str, now: int) -> None:
        self.peer = peer
        self.opened = self.last = now
        self.scanner = Scanner()
        self.contacts: set[str] = set()
        """MN of the devices that were heard on it."""
        self.refused = self.broken = self.noise = 0
        self.closed = self.lost = False
        """By us; wholly."""
