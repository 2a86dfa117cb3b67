"""What the host knows of one device since it began to listen. Holds; what follows from it is ``conversation``'s."""

from __future__ import annotations

from collections.abc import Iterator

from muheng.monitoring.dialogue.answers import make_tail
from muheng.monitoring.dialogue.clocks import Clock
from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.dialogue.effects import Link
from muheng.monitoring.dialogue.gaps import KINDS, Intervals, Stretch
from muheng.monitoring.dialogue.repeats import Repeats
from muheng.monitoring.dialogue.requests import Requests
from muheng.monitoring.dialogue.settings import Settings


class Contact:
    """``packets`` and the other counts are of the local day; ``asked_gaps`` counts requests for what is missing."""

    __slots__ = (
        "asked_gaps", "clock", "contacted", "device", "edition", "intervals", "last", "link", "missing", "mn", "next_look", "packets",
        "password", "peer", "quarantined", "refusals", "repeated", "repeats", "requests", "since", "system", "tails",
        "written_qn",
    )  # fmt: skip

    def __init__(self, device: Device, settings: Settings, now: int) -> None:
        self.device = device
        self.mn = device.mn
        self.password = device.password.encode()
        self.edition = device.edition or 2017
        self.system = "31"
        """ST of what it sends; requests carry it too."""
        self.tails = {
            edition: make_tail(edition, self.password, self.mn.encode()) for edition in (2017, 2025)
        }
        self.link: Link | None = None
        """The connection it was last heard on, while that stands."""
        self.peer = ""
        self.since = self.last = 0
        """µs: connected since, last frame; 0 never."""
        self.packets = self.repeated = self.quarantined = self.asked_gaps = 0
        self.missing = 0
        """Overdue means of minutes, hours and days, when it was looked last."""
        self.contacted = False
        self.next_look = now
        self.written_qn = 0
        self.refusals: dict[str, int] = {}
        """Commands it did not accept, with its code; what is missing is asked for again the next day."""
        self.clock = Clock(settings.clock_samples)
        self.repeats = Repeats(settings.repeats)
        self.requests = Requests(self.mn, settings)
        self.intervals = {
            command: Intervals(kind, device.minute_interval, now) for command, kind in KINDS.items()
        }

    def begin_day(self) -> None:
        self.packets = self.repeated = self.quarantined = self.asked_gaps = 0
        self.refusals = {command: code for command, code in self.refusals.items() if command not in KINDS}

    def change(self, device: Device) -> Contact | None:
        """Take over another line of the list where what was known still holds; None where it has to begin anew."""
        if device.minute_interval != self.device.minute_interval or device.edition != self.device.edition:
            return None
        self.device = device
        self.password = device.password.encode()
        self.tails = {
            edition: make_tail(edition, self.password, self.mn.encode()) for edition in (2017, 2025)
        }
        return self

    def count_missing(self, now: int) -> int:
        return sum(intervals.count_missing(now) for intervals in self.intervals.values())

    def find_missing(self, now: int) -> Iterator[Stretch]:
        for command, intervals in self.intervals.items():
            if command not in self.refusals and (stretch := intervals.find_missing(now)) is not None:
                yield stretch
