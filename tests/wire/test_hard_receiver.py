"""The receiver under load, killed and abused: what it acknowledged is there, and there once.

Small here; ``MUHENG_EXAMPLES=20`` makes the same test a matter of thousands of devices and minutes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import polars as pl

from muheng.monitoring.dialogue.devices import Device, write_devices
from muheng.monitoring.hj212.decoding import Packet, decode_bytes, find
from muheng.monitoring.store.digest import digest
from muheng.monitoring.store.segments import CHINA, Record, list_segments, read_segment, verify_segments
from muheng.wire.fleet import Fleet, Progress, local_now
from muheng.wire.fleet_making import invent_devices, make_stations, make_strangers
from muheng.wire.fleet_station import Pace

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))
KILLS = 20
HOUR = timedelta(hours=1)
PROGRAM = Path(__file__).with_name("hard_process.py")


@dataclass
class Process:
    """The receiver, beginning with ``start``. ``peak``: the most memory that it ever had, in bytes."""

    pipe: asyncio.subprocess.Process
    peak: int = 0

    async def order(self, word: str, due: str) -> None:
        assert self.pipe.stdin is not None
        assert self.pipe.stdout is not None
        self.pipe.stdin.write(f"{word}\n".encode())
        said = (await asyncio.wait_for(self.pipe.stdout.readline(), 60)).decode().split()
        assert said[:1] == [due], said
        if due == "stopped":
            assert said[1] == "0"
            self.peak = int(said[2]) * 1024


@asynccontextmanager
async def receiver(store: Path, port: int, manner: str) -> AsyncIterator[Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), str(store), str(port), manner, stdin=pipe, stdout=pipe
    )
    try:
        started = Process(process)
        await started.order("start", "ready")
        yield started
    finally:
        process.terminate()
        await process.wait()


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def prepare(store: Path, count: int) -> list[Device]:
    store.mkdir()
    devices = invent_devices(count)
    write_devices(store / "devices.csv", devices)
    return devices


class Told:
    """What the receiver acknowledged, packet by packet."""

    def __init__(self) -> None:
        self.packets: Counter[tuple[str, bytes]] = Counter()

    def __call__(self, mn: str, data: bytes) -> None:
        self.packets[mn, data.rstrip(b"\r\n")] += 1


def read_store(store: Path) -> list[Record]:
    """Everything in the segments, whose chain is whole."""
    folder = store / "segments"
    assert verify_segments(folder) == []
    return [record for path in list_segments(folder) for _, record in read_segment(path)]


def check(store: Path, told: Told) -> list[Record]:
    """Acknowledged is there, and nothing twice: neither the packets nor the values made of them."""
    records = read_store(store)
    taken = [record for record in records if not record.verdict]
    kept = Counter((record.mn, record.raw) for record in taken)
    assert set(told.packets) - set(kept) == set()
    assert [key for key, times in kept.items() if times > 1] == []
    while digest(store, local_now().replace(tzinfo=CHINA)).records:
        pass
    parts = list((store / "values").rglob("*.parquet"))
    values = pl.concat(pl.read_parquet(part, hive_partitioning=False) for part in parts)
    assert values.height > 0
    assert values.filter(
        values.select("mn", "kind", "time", "factor", "segment", "offset").is_duplicated()
    ).is_empty()
    return records


# -- killed ----------------------------------------------------------------------------------------------------------


async def kill_again_and_again(store: Path, told: Told) -> Progress:
    devices = prepare(store, 12 * MANY)
    port = find_port()
    now = local_now()
    pace = Pace(now, now - 20 * 24 * HOUR, 120_000)
    stations = make_stations(devices, pace, retry_seconds=1, on_acknowledged=told)
    fleet = Fleet(stations, "127.0.0.1", port)
    random = Random(4)
    async with receiver(store, port, "passive") as process:
        running = asyncio.create_task(fleet.run(finishing=60))
        for _ in range(KILLS * min(MANY, 5)):
            acknowledged = fleet.tell().acknowledged + random.randrange(1, 60) * MANY
            while fleet.tell().acknowledged < acknowledged:
                await asyncio.sleep(random.random() * 0.02)
            await process.order("kill", "killed")
            await process.order("start", "ready")
        fleet.stop()
        done = await running
        await process.order("stop", "stopped")
    return done


def test_killed_twenty_times_it_lost_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    told = Told()
    done = asyncio.run(kill_again_and_again(tmp_path / "store", told))
    assert done.waiting == 0
    assert done.acknowledged == done.sent == told.packets.total()
    assert done.resent > 0
    records = check(tmp_path / "store", told)
    assert [record.verdict for record in records if record.verdict] == []
    # Each interval of each device has its values once, whatever was sent again.
    values = pl.concat(
        pl.read_parquet(part, hive_partitioning=False)
        for part in (tmp_path / "store" / "values").rglob("*.parquet")
    )
    assert not values.select("mn", "kind", "time", "factor").is_duplicated().any()


# -- abused ----------------------------------------------------------------------------------------------------------


async def abuse(store: Path, told: Told, seconds: float) -> tuple[Progress, int]:
    devices = prepare(store, 250 * MANY)
    port = find_port()
    now = local_now()
    pace = Pace(now, now - HOUR, 3600)
    # Thousands on a busy machine need the patience that the standard gives them.
    retry = min(1.5 * MANY, 10)
    stations = make_stations(devices, pace, faults="many", retry_seconds=retry, on_acknowledged=told)
    strangers = make_strangers(devices, pace, "many", retry_seconds=retry)
    fleet = Fleet(stations, "127.0.0.1", port, strangers)
    async with receiver(store, port, "active") as process:
        running = asyncio.create_task(fleet.run(finishing=150))
        await asyncio.sleep(seconds)
        while not has_seen_everything(fleet.tell()):
            await asyncio.sleep(0.1)
        fleet.stop()
        done = await running
        await process.order("stop", "stopped")
    return done, process.peak


def has_seen_everything(progress: Progress) -> bool:
    """On a busy machine it takes longer."""
    each = progress.sent > 5 * progress.devices and progress.connections > progress.devices
    return each and progress.spoilt > 0 and progress.strangers > 0 and progress.requests > 0


def test_a_fleet_with_every_fault_loses_nothing_and_fills_no_memory(tmp_path: Path) -> None:
    told = Told()
    done, peak = asyncio.run(abuse(tmp_path / "store", told, 2.0 * (min(MANY, 50) - 1)))
    assert done.waiting == 0
    assert done.acknowledged == done.sent
    assert done.admitted == 0
    records = check(tmp_path / "store", told)
    reasons = {reason for record in records for reason in record.verdict.split()}
    assert {"crc", "unknown_device", "password"} <= reasons
    sound = Counter(identify(record) for record in records if not record.verdict)
    assert max(sound.values()) == 1
    assert peak < 300 << 20, peak


def identify(record: Record) -> tuple[str, ...]:
    packet: Packet | None = decode_bytes(record.raw)
    assert packet is not None
    header = packet.header
    names = ("QN", "CN", "PNO")
    return (record.mn, *(find(header, name) for name in names), packet.content.hex())
