"""The receiver of HJ 212: one port, thousands of devices; what comes is on disk before it is acknowledged.

Frames of all connections that arrive within a few milliseconds become one batch: written, synchronised and only then
answered, in a thread, while the loop reads on. When the disk fails nothing is acknowledged any more and the receiver ends.
What is said to devices is ``monitoring.dialogue``'s, how it is kept ``monitoring.store``'s; of the site nothing is known.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from muheng.documents.message import Message, say
from muheng.documents.os_error import name_reason
from muheng.monitoring.dialogue.conversation import Host
from muheng.monitoring.dialogue.devices import FILE
from muheng.monitoring.dialogue.effects import Effects, Link
from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.store.segments import Record, SegmentWriter
from muheng.wire.asks import Asks
from muheng.wire.children import Child
from muheng.wire.device_list import DeviceList
from muheng.wire.metrics import Metrics, describe_devices, write_state
from muheng.wire.open_files import allow_open_files
from muheng.wire.recalling import recall_intervals, recall_packets

SEGMENTS = "segments"
READ = 1 << 14
"""Bytes read from one connection before the others have their turn."""
SPARE_FILES = 100
"""Open beside the connections."""
FEW = 3
"""Problems of a list of devices that are told at once; all are in the state."""
SLICE = 100
"""Devices that are described before connections are looked after again."""


@dataclass(frozen=True)
class Limits:
    """Bytes, if not said otherwise. ``gather``: seconds that a batch waits for company."""

    connections: int = 20_000
    of_host: int = 10_000
    """Connections of one address: a gateway has many devices behind it, and nobody may hold all there are."""
    waiting: int = 32 << 20
    """For the disk; beyond it nothing more is read."""
    unread: int = 256 << 10
    """Of answers that a device does not read; beyond it nothing more is read from it."""
    unread_seconds: int = 60
    """Then it is disconnected."""
    gather: float = 0.004
    step: float = 1.0
    state: float = 2.0
    """Seconds between two writings of ``state.json``."""
    recall: int = 128 << 20
    """Of the last segments, read at the start to recognise what is sent again."""


class Receiver:
    """``tell``: what people should know at once. Raises StoreError where the disk fails, DevicesRefused for a bad list."""

    def __init__(
        self,
        store: Path,
        settings: Settings | None = None,
        limits: Limits | None = None,
        children: Sequence[Child] = (),
        tell: Callable[[Message], None] = lambda message: None,
    ) -> None:
        self.store = store
        self.limits = limits or Limits()
        self.children = children
        self.metrics = Metrics()
        self.devices = DeviceList(store / FILE)
        self.host = Host(settings or Settings(), self.devices.read(), now_micros())
        self.connections: dict[Link, _Connection] = {}
        self.hosts: Counter[str] = Counter()
        """Connections by address."""
        self.effects = Effects()
        self.buffer = memoryview(bytearray(READ))
        self.port = 0
        self.state: dict[str, Any] = {}
        """As it was written last, without the devices."""
        self._tell = tell
        self._asks: Asks
        self._told = ""
        self.most = self.limits.connections
        """Connections that there may be, by our limit and the system's."""
        self._keeping = 0
        """Bytes that are being written."""
        self._choked: set[_Connection] = set()
        self._ended: list[_Connection] = []
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- life --------------------------------------------------------------------------------------------------------

    async def run(self, host: str, port: int, ready: Callable[[], None] = lambda: None) -> None:
        """Receive until ``stop``."""
        loop = self._loop = asyncio.get_running_loop()
        self._allow_connections()
        with SegmentWriter(self.store / SEGMENTS) as writer, ThreadPoolExecutor(1) as disk:
            # Only who has the store to himself knows that what was under way is not any more.
            self._asks = Asks(self.store / "asks")
            recall_packets(self.host, self.store / SEGMENTS, self.limits.recall, now_micros())
            server = await loop.create_server(lambda: _Connection(self), host, port, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            self.metrics.listen(f"{host}:{self.port}", now_micros())
            tasks = [
                loop.create_task(self._keep_on(writer, disk)),
                loop.create_task(self._step_on()),
                loop.create_task(self._remember()),
            ]
            for task in tasks:
                task.add_done_callback(self._note_failure)
            try:
                for child in self.children:
                    child.start()
                self._write_state(now_micros(), describe_devices(self.host))
                ready()
                await self._stopping.wait()
            finally:
                server.close()
                await self._end(tasks)
        if self._failure is not None:
            raise self._failure

    def _allow_connections(self) -> None:
        files = allow_open_files(self.limits.connections + SPARE_FILES)
        self.most = max(min(self.limits.connections, files - SPARE_FILES), 1)
        if self.most < len(self.host.contacts):
            self._tell(
                say(
                    "系统只准打开 {files} 个文件，最多连 {most} 台设备，设备表里有 {devices} 台。"
                    "请调大上限（ulimit -n，systemd 是 LimitNOFILE），再重新启动。",
                    files=files,
                    most=self.most,
                    devices=len(self.host.contacts),
                )
            )

    def stop(self) -> None:
        """From any thread."""
        if self._loop is None:
            self._stopping.set()
            return
        with suppress(RuntimeError):  # where the loop is over already there is nothing to stop
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """What was received is kept and answered, then everybody is let go."""
        keeping, *others = tasks
        for task in others:
            task.cancel()
        for connection in list(self.connections.values()):
            connection.transport.pause_reading()
        if self._failure is None:
            self._wake.set()
            await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.gather(*others, return_exceptions=True)
        for connection in list(self.connections.values()):
            if self._failure is None:
                connection.close()
            else:
                connection.transport.abort()
        await asyncio.sleep(0.05)
        for connection in list(self.connections.values()):
            connection.transport.abort()
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(None, child.stop) for child in self.children))
        with self._not_fatal():
            self._write_state(now_micros(), describe_devices(self.host))

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failure = self._failure or failure
            self._stopping.set()

    # -- connections -------------------------------------------------------------------------------------------------

    def take(self, connection: _Connection, data: bytes) -> None:
        """Bytes that a device sent."""
        effects = self.effects
        self.metrics.bytes += len(data)
        self.host.hear(connection.link, data, now_micros(), effects)
        self._act(effects)
        if effects.size + self._keeping > self.limits.waiting:
            self._choked.add(connection)
            connection.transport.pause_reading()

    def lose(self, connection: _Connection) -> None:
        if self.connections.pop(connection.link, None) is not None:
            self.hosts[connection.host] -= 1
            if not self.hosts[connection.host]:
                del self.hosts[connection.host]
            self._choked.discard(connection)
            self.host.lose(connection.link, now_micros(), self.effects)
            self._act(self.effects)

    def finish(self, connection: _Connection) -> None:
        """It sends no more; it may still read what is owed to it."""
        self.host.lose(connection.link, now_micros(), self.effects)
        self._ended.append(connection)
        self._act(self.effects)
        self._wake.set()

    def _act(self, effects: Effects) -> None:
        """What need not wait for the disk."""
        if effects.sends:
            for link, data in effects.sends:
                if (connection := self.connections.get(link)) is not None:
                    connection.transport.write(data)
            effects.sends.clear()
        if effects.outcomes:
            with self._not_fatal():
                for outcome in effects.outcomes:
                    self._asks.settle(outcome)
            effects.outcomes.clear()
        if effects.closes:
            # What it was sent before is still written; then it is closed.
            for link, _ in effects.closes:
                if (connection := self.connections.get(link)) is not None:
                    connection.transport.pause_reading()
                    self._ended.append(connection)
            effects.closes.clear()
            self._wake.set()
        if effects.records or effects.answers:
            self._wake.set()

    # -- the disk ----------------------------------------------------------------------------------------------------

    async def _keep_on(self, writer: SegmentWriter, disk: ThreadPoolExecutor) -> None:
        """Batch after batch."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._stopping.is_set():
                await self._wake.wait()
                await asyncio.sleep(self.limits.gather)
            self._wake.clear()
            batch, self.effects = self.effects, Effects()
            ended, self._ended = self._ended, []
            if batch.records:
                self._keeping = batch.size
                self.metrics.last_sync_seconds = await loop.run_in_executor(
                    disk, _keep, writer, batch.records
                )
                self._keeping = 0
                self.metrics.count_batch(len(batch.records), now_micros())
            self._answer(batch.answers)
            for connection in ended:
                connection.close()
            for connection in self._choked:
                connection.resume()
            self._choked.clear()
            if self._stopping.is_set() and not self.effects.records and not self.effects.answers:
                return

    def _answer(self, answers: list[tuple[Link, bytes]]) -> None:
        by_link: dict[Link, list[bytes]] = {}
        for link, answer in answers:
            by_link.setdefault(link, []).append(answer)
        for link, parts in by_link.items():
            connection = self.connections.get(link)
            if connection is not None:
                connection.transport.write(b"".join(parts))
        self.metrics.acknowledged += len(answers)

    # -- time --------------------------------------------------------------------------------------------------------

    async def _step_on(self) -> None:
        state_due = 0.0
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.limits.step)
            now = now_micros()
            if self.devices.has_changed():
                self._read_devices(now)
            with self._not_fatal():
                for ask in self._asks.find_new():
                    outcome = self.host.ask(ask.mn, ask.command, ask.cp, ask.name, now)
                    if outcome is not None:
                        self._asks.settle(outcome)
            self.host.step(now, self.effects)
            for link, connection in self.connections.items():
                self.host.check_idle(link, now, self.effects)
                if connection.is_stuck(self.limits.unread_seconds):
                    self.host.counts["closed_unread"] += 1
                    connection.transport.abort()
            self._act(self.effects)
            for child in self.children:
                if child.look_after(time.monotonic()):
                    self._tell(
                        say("{name} 停了（退出码 {code}），会重新启动。", name=child.name, code=child.failed)
                    )
            if loop.time() >= state_due:
                began = loop.time()
                devices: list[str] = []
                for device in describe_devices(self.host):
                    devices.append(device)
                    if len(devices) % SLICE == 0:
                        await asyncio.sleep(0)
                with self._not_fatal():
                    self._write_state(now, devices)
                # A large fleet's state takes long to write; it may take a twentieth of the time.
                state_due = began + max(self.limits.state, 20 * (loop.time() - began))

    def _read_devices(self, now: int) -> None:
        devices = self.devices.try_read()
        if devices is None:
            self._tell(say("{file} 有错误，仍用原来的设备表。", file=self.devices.path))
            for problem in self.devices.problems[:FEW]:
                where = "" if problem.line is None else f"{problem.file}:{problem.line} {problem.path} "
                self._tell(say("· {where}{what}", where=where, what=problem.what))
        else:
            self._tell(say("设备表已更新，共 {count} 台设备。", count=len(devices)))
            self.host.use_devices(devices, self.effects, now)
            self._act(self.effects)

    async def _remember(self) -> None:
        """Which means are there from earlier; until then nothing is missed."""
        self.host.errands.remembers = False
        try:
            await recall_intervals(self.host, self.store, now_micros())
        except (
            Exception
        ) as error:  # whatever a damaged file brings about: then devices are asked for more than is needed
            self._tell(say("已有的数据没有读全：{reason}。", reason=error))
        self.host.errands.remembers = True

    @contextmanager
    def _not_fatal(self) -> Iterator[None]:
        """Receiving goes on where only a file beside it cannot be read or written."""
        try:
            yield
        except OSError as error:
            if str(error) != self._told:
                self._told = str(error)
                self._tell(
                    say("{file}：{reason}。", file=error.filename or self.store, reason=name_reason(error))
                )

    def _write_state(self, now: int, devices: Iterable[str]) -> None:
        backlog = self.effects.size + self._keeping
        self.state = self.metrics.describe(
            self.host, len(self.connections), backlog, self.devices, self.children, now
        )
        write_state(self.store, self.state, devices)


class _Connection(asyncio.BufferedProtocol):
    """One device's, or a gateway's for several. All read into the same little buffer, so that each has its turn."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._unread_since = 0.0
        self.transport: asyncio.Transport
        self.link: Link
        self.host = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        receiver = self._receiver
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("?", 0)
        self.link = receiver.host.open(f"{peer[0]}:{peer[1]}", now_micros())
        self.host = str(peer[0])
        limits = receiver.limits
        if len(receiver.connections) >= receiver.most or receiver.hosts[self.host] >= limits.of_host:
            receiver.host.counts["closed_too_many"] += 1
            self.transport.abort()
            return
        self.transport.set_write_buffer_limits(high=receiver.limits.unread)
        receiver.connections[self.link] = self
        receiver.hosts[self.host] += 1

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._receiver.buffer

    def buffer_updated(self, size: int) -> None:
        self._receiver.take(self, bytes(self._receiver.buffer[:size]))

    def eof_received(self) -> bool:
        self._receiver.finish(self)
        return True  # kept open for what is owed

    def connection_lost(self, error: Exception | None) -> None:
        self._receiver.lose(self)

    def pause_writing(self) -> None:
        self._unread_since = time.monotonic()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self._unread_since = 0.0
        self.resume()

    def resume(self) -> None:
        if not self._unread_since and not self.link.closed and not self.transport.is_closing():
            self.transport.resume_reading()

    def close(self) -> None:
        """When what it was sent has left; ``is_stuck`` where that never happens."""
        self._unread_since = self._unread_since or time.monotonic()
        self.transport.close()

    def is_stuck(self, seconds: int) -> bool:
        """It has not read what it was sent for so long."""
        return bool(self._unread_since) and time.monotonic() - self._unread_since > seconds


def _keep(writer: SegmentWriter, records: Sequence[Record]) -> float:
    """In the disk's thread; seconds it took."""
    began = time.monotonic()
    writer.append(records)
    writer.sync()
    return time.monotonic() - began


def now_micros() -> int:
    return time.time_ns() // 1000
