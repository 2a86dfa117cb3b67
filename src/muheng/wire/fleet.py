"""A fleet of simulated devices on sockets: each with its own connection, all by one clock, until it is told to stop.

What a device says is ``fleet_station``'s; what goes wrong on the way, ``fleet_faults``'.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import cast

from muheng.monitoring.store.segments import CHINA
from muheng.wire.fleet_faults import Write, spoil
from muheng.wire.fleet_station import NEVER, Counts, Station

_CONNECTING = 200
"""Connections that are being opened at one time."""
_AGAIN = (0.2, 5.0)
"""Seconds until a connection is tried again, at first and at most."""
_PATIENCE = 5.0
"""Seconds for a connection to come about."""
FINISHING = 45.0
"""Seconds that what waits at the end has to be acknowledged: as long as it is sent again."""
_TICK = 0.05
_TURN = 0.02
"""Seconds of work after which connections are looked after again."""


def local_now() -> datetime:
    """In China, as the devices' clocks are."""
    return datetime.now(UTC).astimezone(CHINA).replace(tzinfo=None)


@dataclass(frozen=True)
class Progress:
    """``connections``: broken ones counted anew. ``waiting``: sent and not acknowledged.

    ``strangers``: packets of devices that should be turned away, ``admitted``: those of them that were acknowledged.
    """

    devices: int
    connected: int
    connections: int
    sent: int
    acknowledged: int
    resent: int
    refused: int
    requests: int
    spoilt: int
    waiting: int
    strangers: int = 0
    admitted: int = 0


class Fleet:
    """Made and run once. ``host`` need not be there yet: it is tried again and again."""

    def __init__(
        self, stations: Sequence[Station], host: str, port: int, strangers: Sequence[Station] = ()
    ) -> None:
        self._host, self._port = host, port
        self._own = [_Line(self, station) for station in stations]
        self._strangers = [_Line(self, station) for station in strangers]
        self._lines = [*self._strangers, *self._own]
        self._due: list[tuple[datetime, int, _Line]] = []
        self._serial = count()
        self._connecting = asyncio.Semaphore(_CONNECTING)
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Nothing new is begun; ``run`` ends when everything is acknowledged, or nobody can hope for it any more."""
        for line in self._lines:
            line.station.stop = True
        self._stop.set()

    def tell(self) -> Progress:
        own, strange = (_add_up(lines) for lines in (self._own, self._strangers))
        return Progress(
            devices=len(self._own),
            connected=sum(line.transport is not None for line in self._own),
            connections=sum(line.connections for line in self._own),
            sent=own.sent,
            acknowledged=own.acknowledged,
            resent=own.resent,
            refused=own.refused,
            requests=own.requests,
            spoilt=sum(line.spoilt for line in self._own),
            waiting=sum(line.station.waiting for line in self._own),
            strangers=strange.sent,
            admitted=strange.acknowledged,
        )

    async def run(
        self,
        seconds: float | None = None,
        watch: Callable[[Progress], None] | None = None,
        finishing: float = FINISHING,
    ) -> Progress:
        """Until ``stop``, or for so many seconds. ``watch`` is told every second how it goes."""
        loop = asyncio.get_running_loop()
        keepers = [asyncio.ensure_future(line.keep_connected()) for line in self._lines]
        teller = asyncio.ensure_future(self._watch(watch)) if watch is not None else None
        ending = loop.call_later(seconds, self.stop) if seconds is not None else None
        try:
            while not self._stop.is_set():
                await asyncio.sleep(self._step())
            deadline = loop.time() + finishing
            while loop.time() < deadline and any(line.is_busy for line in self._own):
                await asyncio.sleep(self._step())
        finally:
            for task in (*keepers, *([teller] if teller else [])):
                task.cancel()
            await asyncio.gather(*keepers, *([teller] if teller else []), return_exceptions=True)
            if ending is not None:
                ending.cancel()
            for line in self._lines:
                line.close()
        return self.tell()

    async def _watch(self, watch: Callable[[Progress], None]) -> None:
        while True:
            await asyncio.sleep(1)
            watch(self.tell())

    async def open(self, line: _Line) -> None:
        """Raises OSError or TimeoutError."""
        async with self._connecting, asyncio.timeout(_PATIENCE):
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: _Connection(line), self._host, self._port)

    def wake(self, line: _Line, now: datetime) -> None:
        """It is looked at when it next has something to do."""
        due = line.station.find_due(now)
        if due < NEVER and due < line.due:
            line.due = due
            heapq.heappush(self._due, (due, next(self._serial), line))

    def _step(self) -> float:
        """Lets devices do what is due; how long there is nothing to do then."""
        begun = local_now()
        now = begun
        while self._due and self._due[0][0] <= begun:
            due, _, line = heapq.heappop(self._due)
            if due == line.due:  # else it was looked at meanwhile
                line.due = NEVER
                line.write(now)
                now = local_now()
                self.wake(line, now)
                if now - begun > timedelta(seconds=_TURN):
                    return 0
        return _TICK


def _add_up(lines: Sequence[_Line]) -> Counts:
    every = [line.station.counts for line in lines]
    return Counts(*(sum(getattr(each, name.name) for each in every) for name in fields(Counts)))


class _Line:
    """One device's way to the host: a connection, and another one whenever it breaks."""

    def __init__(self, fleet: Fleet, station: Station) -> None:
        self.station = station
        self.due = NEVER
        self.transport: asyncio.Transport | None = None
        self.connections = 0
        self.spoilt = 0
        self._fleet = fleet
        self._lost = asyncio.Event()
        self.full = False
        """The host does not read."""
        self._queue: list[Write] = []
        """What follows a pause."""

    @property
    def is_busy(self) -> bool:
        return bool(self.station.waiting or self._queue)

    async def keep_connected(self) -> None:
        wait = _AGAIN[0]
        while True:
            self._lost.clear()
            try:
                await self._fleet.open(self)
            except (OSError, TimeoutError):
                self.close()
                await asyncio.sleep(wait * (0.5 + self.station.random.random()))
                wait = min(wait * 2, _AGAIN[1])
                continue
            before = self.station.counts.acknowledged
            await self._lost.wait()
            # A host that takes connections and says nothing is not to be hammered.
            useful = self.station.counts.acknowledged > before
            wait = _AGAIN[0] if useful else min(wait * 2, _AGAIN[1])
            await asyncio.sleep(wait * self.station.random.random())

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # -- the connection

    def connect(self, transport: asyncio.Transport, now: datetime) -> None:
        self.transport = transport
        self.connections += 1
        self.full = False
        self.station.connect(now)
        self._fleet.wake(self, now)

    def disconnect(self) -> None:
        self.transport = None
        self._queue.clear()
        self.station.disconnect()
        self._lost.set()

    def wake(self, now: datetime) -> None:
        self._fleet.wake(self, now)

    # -- writing

    def write(self, now: datetime) -> None:
        """What is due; while something is being dribbled, nothing else."""
        if self.transport is None or self.transport.is_closing() or self.full or self._queue:
            return
        packets = self.station.poll(now)
        self._queue = list(spoil(packets, self.station.faults, self.station.random))
        self._write_on()
        if self.station.hang_up:
            self.transport.abort()

    def _write_on(self) -> None:
        while self._queue and self.transport is not None and not self.transport.is_closing():
            first = self._queue[0]
            if first.wait > 0:
                self._queue[0] = first._replace(wait=0)
                asyncio.get_running_loop().call_later(first.wait, self._write_on)
                return
            del self._queue[0]
            self.transport.write(first.data)
            self.spoilt += first.spoilt
            if first.cut:
                self.transport.close()
                return
        if self.transport is not None:
            self._fleet.wake(self, local_now())


class _Connection(asyncio.Protocol):
    """One connection of a line; what becomes of it is the line's no more once there is another."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._line.connect(self._transport, local_now())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._line.transport is self._transport:
            self._line.disconnect()

    def data_received(self, data: bytes) -> None:
        now = local_now()
        self._line.station.receive(data, now)
        self._line.wake(now)

    def pause_writing(self) -> None:
        self._line.full = True

    def resume_writing(self) -> None:
        self._line.full = False
        self._line.wake(local_now())
