"""Messages that came in parts (PNUM, PNO), joined: in any order, sent again or not, in bounded memory.

In HJ 212-2017 parts carry request numbers (QN) of their own and each is whole; devices also cut the contents anywhere and
keep one QN. So parts belong together that share device, system, command and number of parts, and either DataTime or QN.
Each part is still to be acknowledged by its own QN; that is not done here. Time is an argument.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from muheng.monitoring.hj212.decoding import ENCODINGS, Packet, find
from muheng.monitoring.hj212.items import Factors, read_items, split_name
from muheng.monitoring.hj212.tables import codes, find_factor

MOST_PARTS = 999
PATIENCE = timedelta(seconds=60)
"""Three times the standard's ten seconds, and a device that takes its time between parts."""
_Key = tuple[str, ...]


@dataclass(frozen=True)
class Joined:
    """``parts`` in their order; ``missing`` are the numbers that never came, empty for a whole message."""

    parts: tuple[Packet, ...]
    cp: dict[str, str]
    factors: Factors
    missing: tuple[int, ...] = ()


@dataclass
class _Open:
    serial: int
    total: int
    since: datetime
    keys: set[_Key] = field(default_factory=set)
    parts: dict[int, Packet] = field(default_factory=dict)
    size: int = 0


class Assembly:
    """Parts on their way; at most ``most_messages`` and ``most_bytes`` of them: the oldest are given up first."""

    def __init__(
        self, patience: timedelta = PATIENCE, most_messages: int = 1000, most_bytes: int = 16 << 20
    ) -> None:
        self._patience = patience
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._open: OrderedDict[int, _Open] = OrderedDict()
        self._by_key: dict[_Key, int] = {}
        self._done: OrderedDict[tuple[_Key, int, bytes], datetime] = OrderedDict()
        """Parts of messages that are whole, so that one sent again starts nothing new."""
        self._bytes = 0
        self._next = 0

    @property
    def waiting(self) -> int:
        """Messages not yet whole."""
        return len(self._open)

    def add(self, packet: Packet, now: datetime) -> list[Joined]:
        """What is settled by this part: the whole message, and any that had to be given up. A single packet is whole."""
        settled = self.expire(now)
        place = read_part(packet)
        if place is None:
            return [*settled, Joined((packet,), packet.cp, packet.factors)]
        number, total = place
        keys = _keys(packet, total)
        if any((key, number, packet.content) in self._done for key in keys):
            return settled
        opened = self._find(keys)
        if opened is not None and opened.parts.get(number, packet).content != packet.content:
            settled.append(self._close(opened))
            opened = None
        if opened is None:
            opened = self._begin(total, now)
        self._put(opened, number, packet, keys)
        if len(opened.parts) == total:
            for key in opened.keys:
                for at, part in opened.parts.items():
                    self._done[key, at, part.content] = now
            settled.append(self._close(opened))
        while len(self._open) > self._most_messages or self._bytes > self._most_bytes:
            settled.append(self._close(next(iter(self._open.values()))))
        while len(self._done) > 4 * self._most_messages:
            self._done.popitem(last=False)
        return settled

    def expire(self, now: datetime) -> list[Joined]:
        """Messages whose parts did not all come in time."""
        while self._done and next(iter(self._done.values())) + self._patience < now:
            self._done.popitem(last=False)
        late = [opened for opened in self._open.values() if opened.since + self._patience < now]
        return [self._close(opened) for opened in late]

    def _find(self, keys: list[_Key]) -> _Open | None:
        return next((self._open[self._by_key[key]] for key in keys if key in self._by_key), None)

    def _begin(self, total: int, now: datetime) -> _Open:
        opened = self._open[self._next] = _Open(self._next, total, now)
        self._next += 1
        return opened

    def _put(self, opened: _Open, number: int, packet: Packet, keys: list[_Key]) -> None:
        for key in keys:
            if self._by_key.setdefault(key, opened.serial) == opened.serial:
                opened.keys.add(key)
        if number not in opened.parts:
            opened.parts[number] = packet
            opened.size += len(packet.frame.segment)
            self._bytes += len(packet.frame.segment)

    def _close(self, opened: _Open) -> Joined:
        del self._open[opened.serial]
        for key in opened.keys:
            del self._by_key[key]
        self._bytes -= opened.size
        missing = tuple(number for number in range(1, opened.total + 1) if number not in opened.parts)
        return join([opened.parts[number] for number in sorted(opened.parts)], missing)


def read_part(packet: Packet) -> tuple[int, int] | None:
    """PNO and PNUM; None where the packet is whole, or the numbers make no sense."""
    texts = find(packet.header, "PNO").strip(), find(packet.header, "PNUM").strip()
    if not all(text.isascii() and text.isdigit() and len(text) <= 4 for text in texts):
        return None
    number, total = int(texts[0]), int(texts[1])
    return (number, total) if 1 < total <= MOST_PARTS and 1 <= number <= total else None


def _keys(packet: Packet, total: int) -> list[_Key]:
    header = packet.header
    common = (find(header, "MN"), find(header, "ST"), find(header, "CN"), str(total))
    named = [
        (kind, text)
        for kind, text in (("time", packet.cp.get("DataTime", "")), ("qn", find(header, "QN")))
        if text
    ]
    return [(*common, kind, text) for kind, text in named] or [common]


def join(parts: list[Packet], missing: tuple[int, ...] = ()) -> Joined:
    """Contents that were cut inside an item are put together before they are read."""
    texts: list[str] = []
    last: Packet | None = None
    for packet in parts:
        text = _text(packet)
        follows = last is not None and not _is_gap(last, packet)
        if texts and follows and not _begins_anew(texts[-1], text):
            texts[-1] += text
        else:
            texts.append(text)
        last = packet
    cp: dict[str, str] = {}
    factors: Factors = {}
    for text in texts:
        plain, by_factor = read_items(text)
        cp |= plain
        for code, items in by_factor.items():
            factors.setdefault(code, {}).update(items)
    return Joined(tuple(parts), cp, factors, missing)


def _is_gap(before: Packet, after: Packet) -> bool:
    first, second = read_part(before), read_part(after)
    return first is not None and second is not None and second[0] != first[0] + 1


def _text(packet: Packet) -> str:
    return packet.content.decode(packet.encoding if packet.encoding in ENCODINGS else "latin-1")


def _begins_anew(before: str, text: str) -> bool:
    """Whether a part starts with an item of its own, rather than with the rest of the one that was cut."""
    if before.rstrip().endswith((";", ",")) or not before or not text:
        return True
    if "=" not in re.split("[;,]", before)[-1]:
        return False
    name, equals, _ = text.partition("=")
    return bool(equals) and _is_name(name)


def _is_name(name: str) -> bool:
    code, suffix = split_name(name)
    if not code:
        return name in ("DataTime", "PolId", "BeginTime", "EndTime")
    # A name that lost its beginning still ends in a suffix: the code must be one that exists.
    return suffix in codes("suffix") and (
        find_factor(code) is not None or re.fullmatch(r"[a-z][0-9a-z]{5}|SB\d+", code) is not None
    )
