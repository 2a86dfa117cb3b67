"""The receiver with everything on disk before it is acknowledged, beside the same without waiting for the disk; and a large fleet.

Senders are as lean as can be, packets encoded beforehand, in a process of their own on the same two cores: some 410 bytes with
8 factors, no packet twice, from two hundred connections with up to 64 on the way. The digest, which works when there is time,
is left out. The fleet is ``muheng hj212 simulate`` with every fault against ``muheng hj212 serve`` as they are.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.monitoring.measuring import FACTORS
from muheng.monitoring.dialogue.devices import Device, write_devices
from muheng.monitoring.hj212.encoding import encode
from muheng.monitoring.store.segments import list_segments, read_segment, verify_segments

HEAD = (
    "| job | packets | wall | packets a second | receiver's processor, each | senders' | note |\n"
    "|---|---|---|---|---|---|---|"
)
CONNECTIONS = 200
EACH = 1_000
ON_THE_WAY, AT_ONCE = 64, 16
"""Packets of a connection that are not acknowledged; so many are written together."""
TARGET = 10_000
REPEATS = 3
DEVICES, SECONDS = 5_000, 90


@dataclass(frozen=True)
class Row:
    """Seconds; ``receiver`` and ``senders`` of the processor."""

    job: str
    packets: int
    wall: float
    receiver: float
    senders: float
    note: str = ""

    def __str__(self) -> str:
        """A row of a Markdown table."""
        each = [f"{seconds / self.packets * 1e6:.1f} µs" for seconds in (self.receiver, self.senders)]
        rate = f"{self.packets / self.wall:,.0f}"
        return f"| {self.job} | {self.packets:,} | {self.wall:.1f} s | {rate} | {each[0]} | {each[1]} | {self.note} |"


def run() -> Iterator[Row]:
    """Rows come as they are measured; of several runs in turn the quickest of each kind."""
    streams = [_make_stream(number) for number in range(CONNECTIONS)]
    found: dict[bool, list[Row]] = {True: [], False: []}
    for _ in range(REPEATS):
        for durable in (True, False):
            found[durable].append(_measure(streams, durable))
    synced, unsynced = (min(found[durable], key=lambda row: row.wall) for durable in (True, False))
    met = "met" if synced.packets / synced.wall >= TARGET else "missed"
    ratio = synced.wall / unsynced.wall
    yield Row(*_values(synced), note=f"{TARGET:,} a second: {met}")
    yield Row(*_values(unsynced), note=f"durable takes {ratio:.2f} times as long")
    yield _run_fleet(DEVICES, SECONDS)


def _values(row: Row) -> tuple[str, int, float, float, float]:
    return row.job, row.packets, row.wall, row.receiver, row.senders


# -- lean senders ----------------------------------------------------------------------------------------------------


def _device(number: int) -> Device:
    return Device(f"{number + 1:024X}", "123456", str(number), 2017)


def _make_stream(number: int) -> bytes:
    """All packets of one device, one after the other, all of one length."""
    rng = random.Random(number)
    packets = []
    for at in range(EACH):
        moment = f"20260801{at // 3600:02d}{at // 60 % 60:02d}{at % 60:02d}"
        header = {
            "QN": f"{moment}000", "ST": "31", "CN": "2011", "PW": "123456", "MN": _device(number).mn, "Flag": "5",
        }  # fmt: skip
        groups = (
            ",".join(
                f"{code}-{suffix}={'N' if suffix == 'Flag' else f'{rng.uniform(10, 99):.2f}'}"
                for suffix in suffixes
            )
            for code, suffixes in FACTORS.items()
        )
        packets.append(encode(header, ";".join((f"DataTime={moment}", *groups))))
    return b"".join(packets)


def _measure(streams: list[bytes], durable: bool) -> Row:
    """Both sides in processes of their own; this one only waits."""
    folder = Path(tempfile.mkdtemp(prefix="muheng-bench-"))
    try:
        write_devices(folder / "devices.csv", [_device(number) for number in range(len(streams))])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        receiver = subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder), str(port), "durable" if durable else "loose"],
            stdout=subprocess.PIPE,
        )
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == b"ready\n"
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            begun, clock = time.process_time(), time.perf_counter()
            _send(streams, port)
            seconds = time.perf_counter() - clock, time.process_time() - begun
            os.write(writing, json.dumps(seconds).encode())
            os._exit(0)
        os.waitpid(child, 0)
        wall, senders = json.loads(os.read(reading, 1000))
        os.close(reading)
        os.close(writing)
        receiver.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(receiver.pid, 0)
        receiver.returncode = os.waitstatus_to_exitcode(status)
        assert receiver.returncode == 0
        count = len(streams) * EACH
        _check(folder, count)
    finally:
        shutil.rmtree(folder)
    job = "on disk, then acknowledged" if durable else "the same, not waiting for the disk"
    return Row(job, count, wall, used.ru_utime + used.ru_stime, senders)


def _send(streams: list[bytes], port: int) -> None:
    """Everything to the receiver; returns when all of it is acknowledged."""
    poll = select.epoll()
    lines: dict[int, _Line] = {}
    for stream in streams:
        line = _Line(stream, port)
        lines[line.socket.fileno()] = line
        poll.register(line.socket, select.EPOLLIN)
        line.write()
    open_lines = len(lines)
    while open_lines:
        for number, _ in poll.poll():
            line = lines[number]
            if line.read():
                poll.unregister(number)
                open_lines -= 1


class _Line:
    """One connection. Answers have one length, so their bytes count them."""

    def __init__(self, stream: bytes, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self._stream = memoryview(stream)
        self._packet = len(stream) // EACH
        self._answer = 0
        self._sent = self._heard = 0

    def write(self) -> None:
        done = self._heard // self._answer if self._answer else 0
        while self._sent < EACH and self._sent - done <= ON_THE_WAY - AT_ONCE:
            end = min(self._sent + AT_ONCE, EACH)
            self.socket.sendall(self._stream[self._sent * self._packet : end * self._packet])
            self._sent = end

    def read(self) -> bool:
        """Whether everything is acknowledged."""
        data = self.socket.recv(1 << 16)
        assert data, "the receiver hung up"
        if not self._answer:
            self._answer = data.index(b"\n") + 1
        self._heard += len(data)
        self.write()
        return self._heard == EACH * self._answer


def _check(folder: Path, count: int) -> None:
    """Everything is there, once, in a chain that is whole."""
    segments = folder / "segments"
    assert verify_segments(segments) == []
    kept = [record.raw for path in list_segments(segments) for _, record in read_segment(path)]
    assert len(kept) == len(set(kept)) == count, (len(kept), len(set(kept)), count)


def receive(folder: Path, port: int, durable: bool) -> None:
    """The receiver alone, asking nothing."""
    import asyncio

    from muheng.monitoring.dialogue.settings import Settings
    from muheng.wire.receiver import Receiver

    if not durable:
        os.fdatasync = lambda fd: None
    settings = Settings(first_contact=False, keep_clocks=False, fill_gaps=False)
    receiver = Receiver(folder, settings)

    async def main() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, receiver.stop)
        await receiver.run("127.0.0.1", port, lambda: print("ready", flush=True))

    asyncio.run(main())


# -- a large fleet ---------------------------------------------------------------------------------------------------


def _run_fleet(devices: int, seconds: int) -> Row:
    store = Path(tempfile.mkdtemp(prefix="muheng-bench-"))
    try:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        muheng = [sys.executable, "-m", "muheng.cli.main", "hj212"]
        listed = ["--devices", str(devices)]
        subprocess.run(
            [*muheng, "simulate", *listed, "--write-devices", store / "devices.csv"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        receiver = subprocess.Popen(
            [*muheng, "serve", store, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.PIPE
        )
        assert receiver.stdout is not None
        receiver.stdout.readline()
        clock = time.perf_counter()
        fleet = subprocess.Popen(
            [*muheng, "simulate", *listed, "--port", str(port), "--hours", "1", "--faults", "many",
             "--seconds", str(seconds), "--quiet", "--json"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert fleet.stdout is not None
        done = json.loads(fleet.stdout.read())
        wall = time.perf_counter() - clock
        _, _, senders = os.wait4(fleet.pid, 0)
        memory = _find_peak(receiver.pid)
        receiver.send_signal(signal.SIGINT)
        receiver.stdout.read()
        _, _, used = os.wait4(receiver.pid, 0)
        assert verify_segments(store / "segments") == []
        kept = [
            (record.mn, record.raw)
            for path in list_segments(store / "segments")
            for _, record in read_segment(path)
            if not record.verdict
        ]
    finally:
        shutil.rmtree(store)
    note = (
        f"{done['connections']:,} connections, {done['spoilt']:,} spoilt, {done['resent']:,} sent again; "
        f"not acknowledged {done['waiting']}, kept twice {len(kept) - len(set(kept))}, "
        f"strangers admitted {done['admitted']}; receiver's memory at most {memory:.0f} MB"
    )
    job = f"{devices:,} simulated devices with every fault for {seconds} s"
    receiving, sending = (each.ru_utime + each.ru_stime for each in (used, senders))
    return Row(job, done["acknowledged"], wall, receiving, sending, note)


def _find_peak(process: int) -> float:
    """Megabytes. What wait4 tells includes the memory of who began it."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    receive(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "durable")
