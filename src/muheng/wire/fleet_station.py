"""One simulated device: what it uploads, when it sends it again, that it answers. Bytes in, bytes out; no clock here.

Its plant knows every minute of the past, so nothing has to be kept while there is no connection: uploading goes on from where
it stopped, and what the host asks for is made again. Times are China's, without a zone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zlib import crc32

from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.hj212.decoding import Packet, decode, find
from muheng.monitoring.hj212.encoding import acknowledge, answer_request, tell_result
from muheng.monitoring.hj212.moments import write_moment
from muheng.monitoring.hj212.scanner import Scanner
from muheng.monitoring.plant import Plant
from muheng.wire.fleet_answers import DAY, HOUR, Act, Habits, find_act, floor, measure
from muheng.wire.fleet_faults import Faults
from muheng.wire.fleet_uploads import Pen, Upload, read_present

HEARTBEAT = timedelta(seconds=60)
WINDOW = 8
"""Uploads that may wait for their acknowledgement at one time."""
USUAL_SECONDS = 60
"""Between real-time data, where the list of devices says nothing."""
RETRY_SECONDS = 10.0
NEVER = datetime.max
_READY, _WRONG_PASSWORD, _WRONG_MN, _UNKNOWN = 1, 3, 4, 8
"""QnRtn."""
_REMEMBERED = 64
"""Requests: one that comes again is answered again, and not carried out."""
_JUMPS = (-7200, -900, 600, 3600, 86400)
"""Seconds, of a clock that jumps."""
_STRAGGLE = 20
"""Devices do not all upload in the same second, but within so many."""


@dataclass(frozen=True)
class Pace:
    """From ``start`` on the device lives through what happened since ``begin``, faster than the clock until it is the present."""

    start: datetime
    begin: datetime
    speed: float = 1.0

    def lived(self, now: datetime) -> datetime:
        """Up to where."""
        return min(now, self.begin + (now - self.start) * self.speed)

    def when(self, moment: datetime) -> datetime:
        """It will have been lived through."""
        return max(moment, self.start + (moment - self.begin) / self.speed)

    @property
    def present(self) -> datetime:
        """When the past is caught up with."""
        behind = self.start - self.begin
        if not behind:
            return self.start
        return self.start + behind / (self.speed - 1) if self.speed > 1 else NEVER


@dataclass
class Counts:
    """``sent``: different packets that want an answer. ``refused``: times that one was sent as often as allowed in vain."""

    sent: int = 0
    acknowledged: int = 0
    resent: int = 0
    refused: int = 0
    requests: int = 0


@dataclass
class _Sent:
    data: bytes
    due: datetime
    times: int = 0
    """Sent again."""


class Station:
    """``stop``: nothing new is begun, what waits is still sent. ``hang_up``: the host is silent; a new connection may help.

    ``on_acknowledged`` is given each packet that was.
    """

    def __init__(
        self,
        device: Device,
        plant: Plant,
        pace: Pace,
        faults: Faults | None = None,
        seed: int = 1,
        retry_seconds: float = RETRY_SECONDS,
        on_acknowledged: Callable[[bytes], None] | None = None,
    ) -> None:
        self.device = device
        self.counts = Counts()
        self.hang_up = self.stop = False
        self.faults = faults or Faults()
        self.random = Random(f"{seed} {device.mn}")
        self._told = on_acknowledged
        self._pace = pace
        self._pen = Pen(device, plant)
        self._habits = Habits(
            device.minute_interval,
            timedelta(seconds=device.realtime_seconds or USUAL_SECONDS),
            timedelta(seconds=retry_seconds),
        )
        self._scanner = Scanner()
        self._connected = self._greeted = False
        self._outbox: deque[Upload] = deque()
        self._asked: deque[Iterator[Upload]] = deque()
        self._answered: dict[str, bytes] = {}
        self._in_flight: dict[str, _Sent] = {}
        own = crc32(device.mn.encode())
        self._lag = timedelta(seconds=own % _STRAGGLE)
        self._next_live = self._next_beat = NEVER
        if pace.present < NEVER:
            self._next_live = pace.present + self._habits.live_every * (own % 97 / 97)
        self._next = {
            command: floor(pace.begin, minutes)
            for command, minutes in (("2051", device.minute_interval), ("2061", HOUR), ("2031", DAY))
        }

    @property
    def waiting(self) -> int:
        """Packets that were sent and are not acknowledged."""
        return len(self._in_flight)

    def connect(self, now: datetime) -> None:
        """What was sent before and is not acknowledged is sent again at once."""
        self._scanner = Scanner()
        self._connected, self.hang_up = True, False
        for sent in self._in_flight.values():
            sent.due, sent.times = now, 0
        if self._pen.edition == 2025:
            self._next_beat = now

    def disconnect(self) -> None:
        self._connected = False
        self._asked.clear()
        # What wants an acknowledgement was measured already and would not be made again.
        self._outbox = deque(item for item in self._outbox if item.qn)

    # -- writing

    def poll(self, now: datetime) -> list[bytes]:
        """What is to be written now."""
        if not self._connected or self.hang_up:
            return []
        self._pen.now = now
        if not self._greeted and not self.stop:
            self._greet()
        written = list(self._send_again(now))
        while not self.hang_up and (item := self._find_next(now)) is not None:
            written.append(item.data)
            if item.qn:
                self.counts.sent += 1
                self._in_flight[item.qn] = _Sent(item.data, now + self._habits.retry)
        return written

    def find_due(self, now: datetime) -> datetime:
        """When to poll next; NEVER where only the host can bring something new."""
        if not self._connected or self.hang_up:
            return NEVER
        due = next((sent.due for sent in self._in_flight.values()), NEVER)
        if any(not item.qn for item in self._outbox):
            return now
        if len(self._in_flight) < WINDOW:
            if self._outbox or self._asked or not (self._greeted or self.stop):
                return now
            if not self.stop:
                due = min(due, self._pace.when(self._next_interval()[0]), self._next_beat)
                due = min(due, self._next_live) if self._habits.live else due
        return max(due, now)

    def _send_again(self, now: datetime) -> Iterator[bytes]:
        for qn, sent in list(self._in_flight.items()):
            if sent.due > now:
                break
            if sent.times >= self._habits.retries:
                self.counts.refused += 1
                self.hang_up = True
                break
            sent.times += 1
            sent.due = now + self._habits.retry
            self.counts.resent += 1
            self._in_flight[qn] = self._in_flight.pop(qn)
            yield sent.data

    def _find_next(self, now: datetime) -> Upload | None:
        while True:
            room = len(self._in_flight) < WINDOW
            for item in self._outbox:
                if room or not item.qn:
                    self._outbox.remove(item)
                    return item
            if not room:
                return None
            if self._asked:
                item_asked = next(self._asked[0], None)
                if item_asked is not None:
                    return item_asked
                self._asked.popleft()
            elif self.stop or not self._make_something(now):
                return None

    def _make_something(self, now: datetime) -> bool:
        """What is due by itself. False where nothing is."""
        due, command, begin = self._next_interval()
        if due <= self._pace.lived(now):
            self._maybe_jump()
            minutes = self._habits.length(command)
            begin = floor(begin, minutes)  # the host may have set another length
            self._next[command] = begin + timedelta(minutes=minutes)
            if self.random.random() >= self.faults.lost:
                whole = self.random.random() < self.faults.unsplit
                parts = measure(self._pen, command, begin, minutes, whole)
                self._outbox += parts[::-1] if self.random.random() < self.faults.disordered else parts
        elif self._habits.live and self._next_live <= now:
            self._maybe_jump()
            every = self._habits.live_every
            self._next_live += ((now - self._next_live) // every + 1) * every
            texts = read_present(self._pen.plant, now)
            if texts:
                self._outbox += self._pen.write_data("2011", self._pen.moment, texts)
        elif self._next_beat <= now:
            self._next_beat = now + HEARTBEAT
            self._outbox.append(self._pen.write("9015", {}))
        else:
            return False
        return True

    def _next_interval(self) -> tuple[datetime, str, datetime]:
        """When it is due, its command, its beginning."""
        return min(
            (begin + timedelta(minutes=self._habits.length(command)) + self._lag, command, begin)
            for command, begin in self._next.items()
        )

    def _maybe_jump(self) -> None:
        if self.random.random() < self.faults.clock:
            self._pen.set_clock(self._pen.moment + timedelta(seconds=self.random.choice(_JUMPS)))

    def _greet(self) -> None:
        """Begins once: it asks for the time, and says when it was switched on."""
        self._greeted = True
        if self._pen.edition != 2005:
            moment = write_moment(self._pen.moment)
            self._outbox.append(self._pen.write("1013", {}))
            self._outbox.append(self._pen.write("2081", {"DataTime": moment, "RestartTime": moment}))

    # -- reading

    def receive(self, data: bytes, now: datetime) -> None:
        self._pen.now = now
        for frame in self._scanner.feed(data):
            packet = decode(frame, self._pen.find_key)
            if packet.usable:
                self._hear(packet, now)

    def _hear(self, packet: Packet, now: datetime) -> None:
        command = find(packet.header, "CN")
        qn = find(packet.header, "QN") or packet.cp.get("QN", "")
        if command in ("9013", "9014"):
            sent = self._in_flight.pop(qn, None)
            if sent is not None:
                self.counts.acknowledged += 1
                if self._told is not None:
                    self._told(sent.data)
                if self.random.random() < self.faults.resent:
                    self._outbox.append(Upload(sent.data))
        elif command in ("2012", "2022"):
            self._habits.live = self._habits.live and command != "2012"
            self._outbox.append(Upload(acknowledge(packet)))
        elif not command.startswith("9"):
            self._take_request(packet, command, qn, now)

    def _take_request(self, packet: Packet, command: str, qn: str, now: datetime) -> None:
        if qn in self._answered:
            self._outbox.append(Upload(self._answered[qn]))
            return
        self.counts.requests += 1
        act = find_act(command, packet, self._pen, self._habits, self._pace.lived(now))
        result = _READY if act is not None else _UNKNOWN
        if find(packet.header, "MN") != self._pen.mn:
            result = _WRONG_MN
        elif find(packet.header, "PW") != self._pen.password:
            result = _WRONG_PASSWORD
        answer = answer_request(packet, result)
        self._answered[qn] = answer
        if len(self._answered) > _REMEMBERED:
            del self._answered[next(iter(self._answered))]
        if packet.answer_wanted:
            self._outbox.append(Upload(answer))
        if result == _READY and act is not None:
            self._asked.append(_carry_out(packet, act))


def _carry_out(packet: Packet, act: Act) -> Iterator[Upload]:
    result = yield from act
    yield Upload(tell_result(packet, result))
