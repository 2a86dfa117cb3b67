"""A fleet on real sockets against a plain host of the test's own, with and without faults; and the verb that runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from muheng.documents.message import Refusal
from muheng.monitoring.dialogue.devices import read_devices, write_devices
from muheng.monitoring.hj212.decoding import Packet, decode, find
from muheng.monitoring.hj212.encoding import acknowledge
from muheng.monitoring.hj212.scanner import Scanner
from muheng.monitoring.plant import Plant, invent_plant, summarise
from muheng.monitoring.store.points import StoredPoint
from muheng.monitoring.store.values import scan_values
from muheng.wire.fleet import Fleet, Progress, local_now
from muheng.wire.fleet_making import Fault, find_plants, invent_devices, make_stations, make_strangers
from muheng.wire.fleet_station import Pace, Station

DEVICES = invent_devices(20)
KEYS = {each.mn: each.key for each in DEVICES}
HOUR = timedelta(hours=1)


class Host:
    """Acknowledges what is usable and from a device that it knows, at once; keeps everything it took."""

    def __init__(self, answers: Callable[[Packet], bool] = lambda packet: True) -> None:
        self.taken: list[Packet] = []
        self.refused: Counter[str] = Counter()
        self._answers = answers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        scanner = Scanner()
        while data := await reader.read(1 << 16):
            for frame in scanner.feed(data):
                packet = decode(frame, KEYS.get)
                known = next((each for each in DEVICES if each.mn == find(packet.header, "MN")), None)
                if not packet.usable:
                    self.refused[packet.reasons[0]] += 1
                elif known is None or known.password != find(packet.header, "PW"):
                    self.refused["stranger"] += 1
                elif self._answers(packet):
                    self.taken.append(packet)
                    writer.write(acknowledge(packet, known.key))
        writer.close()


def run(
    host: Host,
    seconds: float,
    hours: float = 3,
    faults: str = "none",
    retry: float = 0.5,
    told: Callable[[str, bytes], None] | None = None,
    count: int = 8,
    finishing: float = 20,
) -> Progress:
    now = local_now()
    pace = Pace(now, now - hours * HOUR, 36_000)
    stations = make_stations(DEVICES[:count], pace, faults=faults, retry_seconds=retry, on_acknowledged=told)

    async def both() -> Progress:
        server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        fleet = Fleet(stations, "127.0.0.1", port, make_strangers(DEVICES, pace, faults))
        done = await fleet.run(seconds, finishing=finishing)
        server.close()
        return done

    return asyncio.run(both())


def test_everything_of_the_last_hours_arrives_and_is_acknowledged() -> None:
    host = Host()
    told: list[tuple[str, bytes]] = []
    done = run(host, 1.2, told=lambda mn, data: told.append((mn, data)))
    assert done.connected == 8
    assert done.sent == done.acknowledged == len(told) == len(host.taken)
    assert done.waiting == done.resent == done.refused == 0
    hours = Counter(
        (find(packet.header, "MN"), packet.cp["DataTime"])
        for packet in host.taken
        if find(packet.header, "CN") == "2061" and find(packet.header, "PNO") in ("", "1", "0001")
    )
    assert set(hours.values()) == {1}
    assert len(hours) in (8 * 3, 8 * 4)
    present = f"{local_now():%Y%m%d%H%M%S}"
    assert all(packet.cp.get("DataTime", "") <= present for packet in host.taken)


def test_with_faults_nothing_is_lost_and_strangers_get_nothing() -> None:
    host = Host()
    done = run(host, 1.5, hours=6, faults="many", retry=0.2)
    assert done.spoilt > 0
    assert done.connections > 8
    assert done.resent > 0
    assert done.waiting == 0
    assert done.acknowledged == done.sent
    assert host.refused["stranger"] > 0
    assert done.admitted == 0
    assert host.refused.total() > host.refused["stranger"]
    sent = Counter(
        (find(packet.header, "MN"), find(packet.header, "QN"), packet.content) for packet in host.taken
    )
    assert len(sent) == done.acknowledged
    assert max(sent.values()) > 1


def test_what_is_never_answered_is_told() -> None:
    mute = find_mn(DEVICES[0].mn)
    done = run(Host(lambda packet: not mute(packet)), 1.0, retry=0.1, count=2, finishing=0.2)
    assert done.waiting > 0
    assert done.refused > 0
    assert done.connections > 2


def find_mn(mn: str) -> Callable[[Packet], bool]:
    return lambda packet: find(packet.header, "MN") == mn


# -- put together ----------------------------------------------------------------------------------------------------


def plant_of(station: Station) -> Plant:
    return station._pen.plant


def test_who_is_to_exceed_does_so_for_the_last_four_hours_at_most() -> None:
    now = local_now().replace(minute=30)
    pace = Pace(now, now - 6 * HOUR, 3600)
    (plant,) = (plant_of(each) for each in make_stations(DEVICES[:1], pace, exceed=[Fault("1", times=2.0)]))
    factor, limit = plant.limits[0]
    over = []
    for ago in range(6, 0, -1):
        found = summarise(plant, now.replace(minute=0, second=0, microsecond=0) - ago * HOUR, 60)[factor]
        over.append((found.mean if found.converted is None else found.converted[0]) > limit)
    assert over == [False, False, True, True, True, True]
    for wrong in (Fault("nobody"), Fault("1", "a99999")):
        with pytest.raises(Refusal):
            make_stations(DEVICES[:1], pace, exceed=[wrong])


def test_invented_devices_are_of_every_edition_and_stay_the_same() -> None:
    many = invent_devices(200)
    assert many[:20] == DEVICES
    assert {each.edition for each in many} == {2005, 2017, 2025}
    assert len({each.mn for each in many}) == 200
    assert any(each.key for each in many)
    assert invent_devices(20, seed=2) != DEVICES


def test_plants_are_what_the_store_says_of_their_points() -> None:
    points = {
        "1": StoredPoint("1", "", "water", None, (("w01001", 9.0, 6.0), ("w01018", 40.0, None))),
        "2": StoredPoint("2", "", "dust", None, ()),
        "3": StoredPoint("3", "", "tower", None, ()),
    }
    found = find_plants(DEVICES, points)
    assert [each.mn for each in DEVICES[:2]] == list(found)
    water, dust = found.values()
    assert (water.kind, water.limits) == ("water", (("w01018", 40.0),))
    assert set(summarise(dust, local_now().replace(second=0, microsecond=0), 10)) == set(dust.factors)
    assert len(water.factors) == len(set(water.factors))


# -- the verb --------------------------------------------------------------------------------------------------------


def muheng(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "muheng.cli.main", "hj212", "simulate", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_list_of_devices_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "store" / "devices.csv"
    assert muheng("--devices", "20", "--write-devices", str(path)).returncode == 0
    assert sorted(read_devices(path).values(), key=lambda each: int(each.point)) == DEVICES
    again = muheng("--write-devices", str(path))
    assert again.returncode == 1
    assert str(path) in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "devices.csv"),
        (("--devices", "3", "--exceed", "1:a21002:many"), "--exceed 1:a21002:many"),
        (("--devices", "3", "--exceed", "7"), "“7”"),
    ],
)
def test_what_cannot_be_simulated_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = muheng(str(tmp_path), *arguments)
    assert done.returncode in (1, 2)
    assert said in done.stderr


def test_nobody_there_is_a_failure_with_its_numbers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    done = muheng("--devices", "2", "--seconds", "0.3", "--port", str(port), "--quiet", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["connections"] == 0


def test_serve_and_simulate_side_by_side(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    devices = [each for each in DEVICES if each.edition == 2025][:1] + DEVICES[:4]
    write_devices(tmp_path / "devices.csv", dict.fromkeys(devices))
    program = [sys.executable, "-m", "muheng.cli.main", "hj212"]
    receiver = subprocess.Popen(
        [*program, "serve", str(tmp_path), "--host", "127.0.0.1", "--port", port, "--json"],
        stdout=subprocess.PIPE,
    )
    try:
        assert receiver.stdout is not None
        receiver.stdout.readline()
        whose = devices[0].mn
        done = muheng(
            str(tmp_path),
            "--port",
            port,
            "--hours",
            "6",
            "--speed",
            "36000",
            "--seconds",
            "2.5",
            "--exceed",
            whose,
            "--json",
        )
        assert done.returncode == 0, done.stdout
        said = json.loads(done.stdout)
        assert said["devices"] == len(set(devices))
        assert said["requests"] > 0
        begin = local_now() - 7 * HOUR
        for _ in range(100):
            hours = scan_values(tmp_path, "hour", begin, local_now(), [whose]).collect()
            if hours["time"].n_unique() >= 5:
                break
            time.sleep(0.1)
    finally:
        receiver.send_signal(signal.SIGINT)
        receiver.communicate()
    assert receiver.returncode == 0
    factor, limit = invent_plant(whose).limits[0]
    judged = hours.filter(factor=factor).sort("time").select(pl.coalesce("converted", "value")).to_series()
    over = (judged > limit).to_list()
    assert over == sorted(over)
    assert 3 <= sum(over) <= 5
    assert len(over) > sum(over)
