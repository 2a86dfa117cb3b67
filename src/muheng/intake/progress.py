"""How far a long reading has come, told while it runs; whoever is told may stop it by raising.

Knows no clock and no terminal: how often to draw is for the one who is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from muheng.documents.message import Message

Report = Callable[[Message, int, int], None]
"""Called with what is being done, how much is done, and of how much."""

WHOLE = 1000


class Stopped(BaseException):
    """What the one who was told raised. It passes the handlers that take any exception for a damaged file;
    the functions that take a `Report` let out the original."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Progress:
    """A part of the whole, from `low` to `high` (0 to 1)."""

    report: Report | None
    low: float = 0.0
    high: float = 1.0

    def tell(self, what: Message, part: float = 0.0) -> None:
        """Say that `part` (0 to 1) of this part of the whole is done. Raises Stopped."""
        if self.report is None:
            return
        done = self.low + (self.high - self.low) * min(max(part, 0.0), 1.0)
        try:
            self.report(what, round(done * WHOLE), WHOLE)
        except BaseException as reason:
            raise Stopped(reason) from reason

    def within(self, low: float, high: float) -> Progress:
        """A part of this part."""
        width = self.high - self.low
        return Progress(self.report, self.low + width * low, self.low + width * high)


SILENT = Progress(None)
