"""``muheng hj212 simulate``: devices that do not exist send to a receiver, as many and as badly as one likes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Answer, Failure, explain_os_error
from muheng.cli.progress import follow_progress
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, Message, Refusal, say

if TYPE_CHECKING:
    from muheng.monitoring.dialogue.devices import Device
    from muheng.monitoring.store.points import StoredPoint
    from muheng.wire.fleet import Fleet, Progress
    from muheng.wire.fleet_making import Fault

HOST, PORT = "127.0.0.1", 9021
MOST_DEVICES = 20_000
SPEED = 3600
SPARE_FILES = 200
FAULTS = ("none", "few", "many")
A_FEW = 10
"""Devices of a list, where it is not said how many."""
TOLD_EVERY = 10
"""Seconds between two lines of progress that go to no terminal."""


def command(lang: Language) -> click.Command:
    return verb(
        "simulate",
        lang,
        say(
            "模拟设备，向接收端发报文：实时、分钟、小时、日数据，断线重连、补发、应答上位机的请求。"
            "STORE 是接收端的文件夹，用它的 devices.csv 里的设备；不写就是 MUHENG_HOME 下的 monitoring。"
        ),
        simulate,
        click.Argument(["store"], required=False, metavar="[STORE]"),
        option(
            lang, "--host", about=say("接收端的地址（默认 127.0.0.1）。"), default=HOST, metavar="ADDRESS"
        ),
        option(
            lang,
            "--port",
            about=say("接收端的端口（默认 9021）。"),
            type=click.IntRange(1, 65535),
            default=PORT,
            metavar="PORT",
        ),
        option(
            lang,
            "--devices",
            about=say("不用设备表，编造 N 台设备。"),
            type=click.IntRange(1, MOST_DEVICES),
            metavar="N",
        ),
        option(
            lang,
            "--write-devices",
            about=say("把编造的 N 台设备（默认 10）写成设备表 FILE，就结束，不发报文。"),
            metavar="FILE",
        ),
        option(
            lang,
            "--hours",
            about=say("从 N 小时前开始，把这段时间的数据补上，再按现在的时间继续（默认 0）。"),
            type=click.FloatRange(0, 24 * 40),
            default=0,
            metavar="N",
        ),
        option(
            lang,
            "--speed",
            about=say("补的时候比时钟快多少倍（默认 3600）。"),
            type=click.FloatRange(2, 1e9),
            default=SPEED,
            metavar="X",
        ),
        option(
            lang,
            "--exceed",
            about=say(
                "让一台设备超标，最多从 4 小时前开始：MN 或点位，可再写 :因子，:倍数（默认第一个因子，1.6 倍）。可写多个。"
            ),
            multiple=True,
            metavar="WHO[:FACTOR[:TIMES]]",
        ),
        option(
            lang,
            "--faults",
            about=say("通讯和设备的毛病：none 没有（默认），few 少，many 多。"),
            type=click.Choice(FAULTS),
            default="none",
        ),
        option(
            lang,
            "--seed",
            about=say("随机数的种子（默认 1），相同的种子给出相同的数据。"),
            default=1,
            type=int,
        ),
        option(
            lang,
            "--seconds",
            about=say("N 秒后结束；不写就一直发，按 Ctrl-C 停。"),
            type=click.FloatRange(0),
            metavar="N",
        ),
        option(lang, "--quiet", about=say("不显示进度。"), is_flag=True),
    )


def simulate(
    store: str | None,
    host: str,
    port: int,
    devices: int | None,
    write_devices: str | None,
    hours: float,
    speed: float,
    exceed: tuple[str, ...],
    faults: str,
    seed: int,
    seconds: float | None,
    quiet: bool,
    lang: Language,
) -> Answer:
    from datetime import timedelta

    from muheng.wire.fleet import Fleet, local_now
    from muheng.wire.fleet_making import find_plants, invent_devices, make_stations, make_strangers
    from muheng.wire.fleet_station import Pace
    from muheng.wire.open_files import allow_open_files

    if write_devices is not None:
        return _write_list(Path(write_devices), devices or A_FEW, seed, lang)
    folder = Path(store) if store is not None else Path(os.environ.get("MUHENG_HOME", "var")) / "monitoring"
    listed = _read_list(folder) if devices is None else invent_devices(devices, seed)
    plants = find_plants(listed, _read_points(folder), seed) if devices is None else {}
    now = local_now()
    pace = Pace(now, now - timedelta(hours=hours), speed)
    try:
        stations = make_stations(
            listed,
            pace,
            plants=plants,
            exceed=[_read_fault(each) for each in exceed],
            faults=faults,
            seed=seed,
        )
    except Refusal as refusal:
        raise Failure("usage", refusal.what, refusal.fix) from refusal
    fleet = Fleet(stations, host, port, make_strangers(listed, pace, faults, seed))
    allow_open_files(len(listed) + SPARE_FILES)
    with follow_progress(lang, quiet) as tell:
        done = asyncio.run(_run(fleet, seconds, tell))
    return _answer(done, host, port, lang)


async def _run(fleet: Fleet, seconds: float | None, tell: Callable[[Message, int], None]) -> Progress:
    """The first Ctrl-C ends it in good order, the second at once."""
    loop = asyncio.get_running_loop()
    every = count()

    def watch(progress: Progress) -> None:
        if sys.stderr.isatty() or next(every) % TOLD_EVERY == 0:
            tell(_summarise(progress), progress.acknowledged * 100 // max(progress.sent, 1))

    def stop() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        fleet.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return await fleet.run(seconds, watch)


def _summarise(progress: Progress) -> Message:
    return say(
        "{connected}/{devices} 台在线，已发 {sent} 包，收到应答 {acknowledged}，重发 {resent}",
        connected=progress.connected,
        devices=progress.devices,
        sent=f"{progress.sent:,}",
        acknowledged=f"{progress.acknowledged:,}",
        resent=f"{progress.resent:,}",
    )


def _answer(done: Progress, host: str, port: int, lang: Language) -> Answer:
    lines = [
        say(
            "{devices} 台设备发了 {sent} 包，应答 {acknowledged} 包，重发 {resent} 次，没有应答 {waiting} 包。",
            devices=done.devices,
            sent=f"{done.sent:,}",
            acknowledged=f"{done.acknowledged:,}",
            resent=f"{done.resent:,}",
            waiting=f"{done.waiting:,}",
        )
    ]
    if done.requests:
        lines.append(say("答了上位机 {requests} 个请求。", requests=f"{done.requests:,}"))
    if done.spoilt:
        lines.append(say("故意损坏 {spoilt} 包，都已补发。", spoilt=f"{done.spoilt:,}"))
    if done.strangers:
        lines.append(
            say(
                "不该收的设备发了 {strangers} 包，被应答 {admitted} 包（应为 0）。",
                strangers=f"{done.strangers:,}",
                admitted=f"{done.admitted:,}",
            )
        )
    if not done.connections:
        lines.append(say("一直连不上 {host}:{port}。先启动 muheng hj212 serve。", host=host, port=port))
    failed = bool(done.waiting or done.admitted or not done.connections)
    return Answer([line.render(lang) for line in lines], asdict(done), failed)


# -- what is read and written ----------------------------------------------------------------------------------------


def _read_list(folder: Path) -> list[Device]:
    from muheng.monitoring.dialogue.devices import FILE, DevicesRefused, read_devices

    path = folder / FILE
    try:
        listed = list(read_devices(path).values())
    except DevicesRefused as refused:
        raise Failure("data", refused.what, refused.fix, diagnostics=refused.problems) from refused
    except FileNotFoundError as error:
        raise Failure(
            "file",
            say("找不到设备表 {path}。", path=path),
            say(
                "写 --devices N 编造 N 台；或先用 --write-devices {path} 写一份设备表。",
                path=path,
            ),
        ) from error
    if not listed:
        raise Failure("data", say("设备表 {path} 里没有设备。", path=path), say("写 --devices N 编造 N 台。"))
    return listed


def _read_points(folder: Path) -> dict[str, StoredPoint]:
    from muheng.monitoring.store.points import FILE, read_points

    try:
        return read_points(folder / FILE)
    except ValueError as error:
        raise Failure("data", say("{file} 读不出来。", file=folder / FILE)) from error


def _read_fault(text: str) -> Fault:
    from muheng.wire.fleet_making import Fault

    whose, _, rest = text.partition(":")
    factor, _, times = rest.partition(":")
    try:
        over = float(times) if times else Fault(whose).times
    except ValueError:
        over = 0.0
    if not whose or not 0 < over < 1000:
        what = say("--exceed {text} 写法不对。", text=text)
        raise Failure("usage", what, say("写成 MN:因子:倍数，如 --exceed 1:a21002:1.6；因子和倍数可以不写。"))
    return Fault(whose, factor, over)


def _write_list(path: Path, number: int, seed: int, lang: Language) -> Answer:
    from muheng.monitoring.dialogue.devices import write_devices
    from muheng.wire.fleet_making import invent_devices

    if path.exists():
        what = say("{path} 已经有了，没有改动。", path=path)
        raise Failure("output", what, say("换一个文件名，或先把它移走。"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_devices(path, invent_devices(number, seed))
    except OSError as error:
        raise Failure(
            "output", say("{path} 写不进去。{reason}", path=path, reason=explain_os_error(error))
        ) from error
    line = say("{count} 台设备写进了 {path}。", count=number, path=path)
    return Answer([line.render(lang)], {"devices": number, "file": str(path)})
