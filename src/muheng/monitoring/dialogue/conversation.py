"""The host's side of HJ 212: bytes of devices and the time in, effects out. No socket, no clock, no file.

A frame is taken where the lenient reader can use it and its device is on the list; it is acknowledged once it is durable,
which is why answers are effects of their own. Anything else is kept with its reasons and, as the standard has it, never
acknowledged. Parts are acknowledged each by its own number; joining them is for whoever reads the values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from muheng.documents.message import Refusal
from muheng.monitoring.dialogue.answers import acknowledge_old, acknowledge_upload
from muheng.monitoring.dialogue.contact import Contact
from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.dialogue.effects import Effects, Link
from muheng.monitoring.dialogue.errands import Errands
from muheng.monitoring.dialogue.gaps import KINDS
from muheng.monitoring.dialogue.requests import Outcome, Wanted, may_ask
from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.dialogue.times import (
    SECOND,
    local_seconds,
    read_seconds,
)
from muheng.monitoring.hj212.decoding import Packet, decode, find
from muheng.monitoring.hj212.encoding import acknowledge
from muheng.monitoring.hj212.frame import CLOSE, OPEN, Frame, cut_frame
from muheng.monitoring.store.segments import Record

DAY = 86_400
KIB = 1 << 10
_UPLOAD = re.compile(
    rb"(?:QN=(\d{17});)?ST=(\d\d);CN=(20[1-6]1);PW=([^;=&]*);MN=([0-9A-Za-z-]+);Flag=(\d\d?)"
    rb"((?:;PNUM=\d+;PNO=\d+)?)(?:;RF=1)?;CP=&&(?:DataTime=(\d{14}))?"
)
"""Uploads as nearly all devices write them, whose header alone has to be read."""
_EDITIONS = {b"%d" % flag: (0, 2017, 2025)[flag >> 2] for flag in range(12)}
"""0 for 2005."""
_WANTS_ANSWER = frozenset(b"%d" % flag for flag in range(12) if flag & 1)
_UPLOADS = {
    b"2011": "2011",
    b"2021": "2021",
    b"2031": "2031",
    b"2041": "2041",
    b"2051": "2051",
    b"2061": "2061",
}
_ANSWERS = frozenset({"9011", "9012", "9013", "9014"})


class Host:
    """All devices of one receiver. ``counts``: what was met since it began, by name."""

    def __init__(self, settings: Settings, devices: Mapping[str, Device], now: int) -> None:
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self.contacts: dict[str, Contact] = {}
        self.errands = Errands(settings, self.counts)
        self._by_mn: dict[bytes, Contact] = {}
        self._day = local_seconds(now) // DAY
        self._minute = 0
        self._quarantined = 0
        self.use_devices(devices, Effects(), now)

    def use_devices(self, devices: Mapping[str, Device], effects: Effects, now: int) -> None:
        """Another list: who is not on it any more is disconnected, others go on."""
        known = self.contacts
        contacts: dict[str, Contact] = {}
        for mn, device in devices.items():
            before = known.get(mn)
            kept = before if before is None or before.device == device else before.change(device)
            contacts[mn] = kept or Contact(device, self.settings, now)
        for mn, contact in known.items():
            if contacts.get(mn) is not contact:
                effects.outcomes += contact.requests.break_off(now)
                if contact.link is not None:
                    self._close(contact.link, "device_list", effects)
        self.contacts = contacts
        self._by_mn = {mn.encode(): contact for mn, contact in contacts.items()}

    def recall(self, record: Record, now: int) -> None:
        """A record that is durable since before the host began."""
        if record.verdict:
            return
        contact = self.contacts.get(record.mn)
        if contact is None:
            return
        contact.repeats.meet(record.raw)
        found = _UPLOAD.match(record.raw, 6)
        if found is not None:
            self._note(contact, found[3].decode(), _find_time(record.raw, found[8]).decode("latin-1"), now)
        elif (frame := cut_frame(record.raw)) is not None:
            packet = decode(frame, self._find_key)
            self._note(contact, find(packet.header, "CN"), packet.cp.get("DataTime", ""), now)

    def recall_interval(self, mn: str, command: str, begin: int, now: int) -> None:
        """An interval whose values are there, from ``begin`` on (local seconds)."""
        contact = self.contacts.get(mn)
        if contact is not None:
            contact.intervals[command].note(begin, now, 0)

    # -- connections -------------------------------------------------------------------------------------------------

    def open(self, peer: str, now: int) -> Link:
        self.counts["connections"] += 1
        return Link(peer, now)

    def hear(self, link: Link, data: bytes, now: int, effects: Effects) -> None:
        """Bytes that came on a connection."""
        if link.closed:
            return
        frames = link.scanner.feed(data)
        for frame in frames:
            self._take(link, frame, now, effects)
            if link.closed:
                return
        if frames:
            link.noise = link.scanner.noise
        elif link.scanner.noise - link.noise > self.settings.most_noise:
            self._close(link, "noise", effects)

    def lose(self, link: Link, now: int, effects: Effects) -> None:
        """Nothing more comes on the connection; what it had begun to send is kept."""
        if link.lost:
            return
        link.lost = True
        if not link.closed:
            for frame in link.scanner.finish():
                self._take(link, frame, now, effects)
        self.counts["noise_bytes"] += link.scanner.noise
        link.closed = True
        for mn in link.contacts:
            contact = self.contacts.get(mn)
            if contact is not None and contact.link is link:
                contact.link = None
                self.errands.settle_all(contact, contact.requests.break_off(now), now, effects)

    def _close(self, link: Link, why: str, effects: Effects) -> None:
        if not link.closed:
            link.closed = True
            self.counts[f"closed_{why}"] += 1
            effects.closes.append((link, why))

    def check_idle(self, link: Link, now: int, effects: Effects) -> None:
        patience = self.settings.idle if link.contacts else self.settings.greeting
        if now - (link.last if link.contacts else link.opened) > patience * SECOND:
            self._close(link, "idle", effects)

    # -- frames ------------------------------------------------------------------------------------------------------

    def _take(self, link: Link, frame: Frame, now: int, effects: Effects) -> None:
        segment = frame.segment
        found = _UPLOAD.match(segment)
        if (
            found is None
            or frame.crc != frame.sent_crc
            or frame.declared != b"%04d" % len(segment)
            or not segment.isascii()
            or not segment.endswith(CLOSE)
        ):
            self._take_any(link, frame, now, effects)
            return
        qn, system, command, password, mn, flag, numbers, data_time = found.groups()
        contact = self._by_mn.get(mn)
        edition = _EDITIONS.get(flag)
        if contact is None or contact.password != password or qn is None or edition is None:
            self._take_any(link, frame, now, effects)
            return
        raw = frame.raw
        if contact.repeats.meet(raw):
            contact.repeated += 1
        else:
            effects.records.append(Record(now, contact.mn, link.peer, "", raw))
            effects.size += len(raw)
        if flag in _WANTS_ANSWER:
            answer = (
                acknowledge_upload(qn, contact.tails[edition])
                if edition
                else acknowledge_old(qn, command, numbers[1:] and b";" + numbers[1:])
            )
            effects.answers.append((link, answer))
            effects.size += len(answer)
        contact.packets += 1
        contact.edition = edition or 2005
        link.last = contact.last = now
        link.broken = 0
        if contact.link is not link:
            self.errands.attach(contact, link, system.decode(), now, effects)
        name = _UPLOADS[command]
        if name in KINDS:
            self._note(contact, name, _find_time(segment, data_time).decode(), now)
        if not contact.requests.idle:
            contact.requests.hear_upload(name, segment.partition(OPEN)[2][:-2].decode(), now)
        if name == "2011" and now >= contact.clock.next_look:
            self.errands.look_at_clock(contact, qn.decode(), now, effects)

    def _take_any(self, link: Link, frame: Frame, now: int, effects: Effects) -> None:
        """Whatever is not a plain upload."""
        packet = decode(frame, self._find_key)
        header = packet.header
        command, mn = find(header, "CN"), find(header, "MN").strip()
        self.counts.update(packet.reasons)
        self.counts.update(packet.forgiven)
        contact = self._find_contact(link, mn, command)
        reasons = [] if packet.usable else list(packet.reasons) or ["command"]
        if contact is None:
            reasons.append("unknown_device")
        elif find(header, "PW").encode() != contact.password and not (
            command in _ANSWERS and not find(header, "PW")
        ):
            reasons.append("password")
        if reasons or contact is None:
            self._refuse(link, frame, mn, contact, reasons, now, effects)
            return
        link.last = contact.last = now
        link.broken = 0
        contact.packets += 1
        if packet.version is not None:
            contact.edition = packet.version
        if contact.repeats.meet(frame.raw):
            contact.repeated += 1
        else:
            effects.records.append(Record(now, contact.mn, link.peer, "", frame.raw))
            effects.size += len(frame.raw)
        answer = self._make_answer(packet, command)
        if answer is not None:
            effects.answers.append((link, answer))
            effects.size += len(answer)
        if contact.link is not link:
            self.errands.attach(
                contact, link, find(header, "ST") if command not in _ANSWERS else "", now, effects
            )
        if command in _ANSWERS:
            self.errands.hear_answer(contact, packet, command, now, effects)
        elif command == "1013":
            self.errands.tell_time(contact, "clock", now, effects)
        else:
            self._note(contact, command, packet.cp.get("DataTime", ""), now)
            if not contact.requests.idle:
                text = packet.content.decode(packet.encoding)
                contact.requests.hear_upload(command, text, now)
            if command == "2011" and now >= contact.clock.next_look:
                self.errands.look_at_clock(contact, find(header, "QN"), now, effects)

    def _find_contact(self, link: Link, mn: str, command: str) -> Contact | None:
        """Answers of 2005 do not always say whose they are; then they are of the one device of the connection."""
        if not mn and command in _ANSWERS and len(link.contacts) == 1:
            (mn,) = link.contacts
        return self.contacts.get(mn)

    def _find_key(self, mn: str) -> bytes | None:
        contact = self.contacts.get(mn)
        return None if contact is None else contact.device.key

    def _refuse(
        self,
        link: Link,
        frame: Frame,
        mn: str,
        contact: Contact | None,
        reasons: list[str],
        now: int,
        effects: Effects,
    ) -> None:
        self.counts["quarantined"] += 1
        self.counts.update(
            reason for reason in reasons if reason in ("unknown_device", "password", "command")
        )
        if contact is not None:
            contact.quarantined += 1
        minute = now // (60 * SECOND)
        if minute != self._minute:
            self._minute, self._quarantined = minute, 0
        self._quarantined += 1 + len(frame.raw) // KIB
        if self._quarantined <= self.settings.most_quarantined:
            effects.records.append(Record(now, mn[:64], link.peer, " ".join(reasons), frame.raw))
            effects.size += len(frame.raw)
        else:
            self.counts["not_kept"] += 1
        link.broken += 1
        # A gateway may bring one more device than the list has; and whose a broken frame is nobody knows.
        stranger = reasons == ["unknown_device"] and not link.contacts
        link.refused += stranger or "password" in reasons
        if link.refused >= self.settings.most_refused or link.broken >= self.settings.most_broken:
            self._close(link, "refused", effects)

    def _make_answer(self, packet: Packet, command: str) -> bytes | None:
        if not packet.answer_wanted:
            return None
        if command in _ANSWERS:
            # Only in 2005 is an answer answered (9012), and it says by its contents which.
            if command != "9012" or packet.version != 2005:
                return None
            packet = packet._replace(header={**packet.header, "QN": packet.cp.get("QN", "")})
        try:
            return acknowledge(packet)
        except Refusal:
            self.counts["unanswerable"] += 1
            return None

    def _note(self, contact: Contact, command: str, data_time: str, now: int) -> None:
        intervals = contact.intervals.get(command)
        if intervals is not None and (at := read_seconds(data_time[:14])) is not None:
            intervals.note(at, now, self.settings.gap_pause * SECOND)

    # -- time, people ----------------------------------------------------------------------------------------------------

    def ask(
        self, mn: str, command: str, cp: tuple[tuple[str, str], ...], name: str, now: int
    ) -> Outcome | None:
        """What a person asks of a device; None where it is under way, else why not."""
        wanted = Wanted(command, cp, "ask", name, now + self.settings.ask_wait * SECOND)
        contact = self.contacts.get(mn)
        if contact is None:
            return Outcome(mn, wanted, "unknown_device", now)
        if not may_ask(command) or not contact.requests.put(wanted):
            return Outcome(mn, wanted, "unwritable", now)
        return None

    def step(self, now: int, effects: Effects) -> None:
        """Time has passed: once a second or so."""
        day = local_seconds(now) // DAY
        if day != self._day:
            self._day = day
            for contact in self.contacts.values():
                contact.begin_day()
        for contact in self.contacts.values():
            requests = contact.requests
            if contact.next_look <= now or (requests.due <= now and not requests.idle):
                self.errands.step(contact, now, effects)


def _find_time(segment: bytes, at_begin: bytes | None) -> bytes:
    """DataTime nearly always begins the contents."""
    return at_begin or segment.partition(b"DataTime=")[2][:14]
