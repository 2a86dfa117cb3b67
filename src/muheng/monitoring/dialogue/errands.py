"""What the host wants of a device: the first contact, its clock, what is missing, what people ask. Requests only.

What devices send by themselves is ``conversation``'s; when a request is sent again or given up, ``requests``'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from muheng.documents.message import Refusal
from muheng.monitoring.dialogue.contact import Contact
from muheng.monitoring.dialogue.effects import Effects, Link
from muheng.monitoring.dialogue.gaps import Stretch
from muheng.monitoring.dialogue.requests import Outcome, Purpose, Wanted
from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.dialogue.times import SECOND, local_time, read_micros, read_seconds, to_datetime
from muheng.monitoring.hj212.decoding import Packet, find
from muheng.monitoring.hj212.encoding import request
from muheng.monitoring.hj212.moments import write_moment, write_qn
from muheng.monitoring.hj212.tables import codes

LOOK_EVERY = 60 * SECOND
"""At each device, for gaps."""
_ENCIPHERED = frozenset({"1014", "3020"})
_SET_TIME = "1012"


class Errands:
    """Of all devices of a host. ``remembers``: whether all that was received earlier is recalled; before, nothing is missed."""

    def __init__(self, settings: Settings, counts: Counter[str]) -> None:
        self.remembers = True
        self._settings = settings
        self._counts = counts

    def attach(self, contact: Contact, link: Link, system: str, now: int, effects: Effects) -> None:
        contact.link, contact.peer, contact.since = link, link.peer, now
        if system:
            contact.system = system
        link.contacts.add(contact.mn)
        # It may have buffered what is missing.
        contact.next_look = now + self._settings.gap_pause * SECOND
        if self._settings.first_contact and not contact.contacted:
            contact.contacted = True
            for command, cp in self._first_words(contact, now):
                contact.requests.put(Wanted(command, cp, "contact"))
        self.step(contact, now, effects)

    def _first_words(self, contact: Contact, now: int) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
        """HJ 212-2017, 6.7, as far as the device's edition has it."""
        settings, device = self._settings, contact.device
        words = [
            (_SET_TIME, (_system_time(now),)),
            ("1000", (("OverTime", str(settings.overtime)), ("ReCount", str(settings.recount)))),
            ("1062", (("RtdInterval", str(device.realtime_seconds)),)),
            ("1064", (("MinInterval", str(device.minute_interval)),)),
            ("2011", ()),
        ]
        for command, cp in words:
            if contact.edition in codes("command")[command].editions and cp != (("RtdInterval", "0"),):
                yield command, cp

    def look_at_clock(self, contact: Contact, qn: str, now: int, effects: Effects) -> None:
        moment = read_micros(qn)
        if moment is None:
            return
        clock, settings = contact.clock, self._settings
        if clock.look(moment - now - 8 * 3600 * SECOND, now) and clock.offset is not None:
            off = abs(clock.offset) > settings.clock_tolerance * SECOND
            if (
                off
                and settings.keep_clocks
                and (not clock.told or now - clock.told >= settings.clock_every * SECOND)
            ):
                self.tell_time(contact, "clock", now, effects)

    def tell_time(self, contact: Contact, purpose: Purpose, now: int, effects: Effects) -> None:
        if contact.requests.put(Wanted(_SET_TIME, (_system_time(now),), purpose)):
            contact.clock.tell(now)
            self.step(contact, now, effects)

    def step(self, contact: Contact, now: int, effects: Effects) -> None:
        """What is due with one device."""
        requests, link = contact.requests, contact.link
        self.settle_all(contact, requests.expire(now), now, effects)
        if contact.next_look <= now and self.remembers:
            contact.next_look = now + LOOK_EVERY
            if requests.idle and self._settings.fill_gaps:
                contact.missing = contact.count_missing(now)
                if link is not None:
                    self._ask_for_gap(contact, now)
        if link is None or link.closed:
            return
        for _ in range(3):  # what cannot be written gives way to the next
            due = requests.find_due(now, self._number(contact, now))
            if due is None:
                return
            try:
                effects.sends.append((link, self._write(contact, *due, now)))
                self._counts["requests"] += 1
                return
            except Refusal:
                self.settle_all(contact, requests.refuse(now), now, effects)

    def _ask_for_gap(self, contact: Contact, now: int) -> None:
        if contact.asked_gaps >= self._settings.gap_requests_a_day:
            return
        stretch = next(contact.find_missing(now), None)
        if stretch is not None:
            contact.asked_gaps += 1
            self._counts["gap_requests"] += 1
            begin, end = to_datetime(stretch.begin), to_datetime(stretch.end)
            times = (("BeginTime", write_moment(begin)), ("EndTime", write_moment(end)))
            contact.requests.put(Wanted(stretch.command, times, "gap"))

    def _number(self, contact: Contact, now: int) -> str:
        """A QN that no other request of the device has."""
        contact.written_qn = max(now // 1000, contact.written_qn + 1)
        return write_qn(local_time(contact.written_qn * 1000))

    def _write(self, contact: Contact, wanted: Wanted, qn: str, now: int) -> bytes:
        header = {
            "QN": qn, "ST": contact.system, "CN": wanted.command, "PW": contact.device.password, "MN": contact.mn,
        }  # fmt: skip
        cp = wanted.cp
        if wanted.command == _SET_TIME and wanted.purpose != "ask":
            cp = (_system_time(now),)  # when it is sent, not when it was thought of
        secret = contact.edition == 2025 and (wanted.command[0] == "2" or wanted.command in _ENCIPHERED)
        return request(header, contact.edition, cp, contact.device.key if secret else None)

    def hear_answer(self, contact: Contact, packet: Packet, command: str, now: int, effects: Effects) -> None:
        # In 2005 the number stands in the contents.
        qn = packet.cp.get("QN") or find(packet.header, "QN")
        code = packet.cp.get("QnRtn" if command == "9011" else "ExeRtn", "")
        number = int(code) if code.isascii() and code.isdigit() and len(code) < 5 else None
        outcome = contact.requests.hear(command, qn, number, now)
        if outcome is not None:
            self.settle_all(contact, [outcome], now, effects)
        if contact.requests.running is None:
            self.step(contact, now, effects)

    def settle_all(self, contact: Contact, outcomes: list[Outcome], now: int, effects: Effects) -> None:
        for outcome in outcomes:
            wanted = outcome.wanted
            self._counts[f"requests_{outcome.result}"] += 1
            if outcome.result == "refused" and outcome.qn_rtn is not None:
                contact.refusals[wanted.command] = outcome.qn_rtn
            elif outcome.result == "done":
                contact.refusals.pop(wanted.command, None)
            if wanted.purpose == "contact" and outcome.result == "disconnected":
                contact.contacted = False
            if wanted.purpose == "gap":
                self._settle_gap(contact, outcome, now)
            effects.outcomes.append(outcome)

    def _settle_gap(self, contact: Contact, outcome: Outcome, now: int) -> None:
        intervals = contact.intervals[outcome.wanted.command]
        begin, end = (read_seconds(text) for _, text in outcome.wanted.cp)
        assert begin is not None
        assert end is not None
        stretch = Stretch(
            outcome.wanted.command, begin, intervals.seconds, (end - begin) // intervals.seconds
        )
        if outcome.result == "done" or outcome.exe_rtn == 100:
            intervals.settle(stretch)
            contact.next_look = now + SECOND
        elif outcome.result != "disconnected":
            intervals.put_off(stretch, now + self._settings.gap_retry * SECOND)


def _system_time(now: int) -> tuple[str, str]:
    return "SystemTime", write_moment(local_time(now) + timedelta(microseconds=SECOND // 2))
