"""``muheng hj212 serve``: receive what devices send, until told to stop."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muheng.cli.answer import Failure, Feed
from muheng.cli.serve import every_end_is_ctrl_c, refuse_address
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, Message, Refusal, say

if TYPE_CHECKING:
    from muheng.wire.receiving import Receiving

EVERY, EVERY_LINE = 1.0, 5.0
"""Seconds between two looks of a person, two lines of JSON."""
PORT = 9021
STREAM = "HJ212"
NEEDED = "mn,password"


def command(lang: Language) -> click.Command:
    return verb(
        "serve",
        lang,
        say(
            "接收设备按 HJ 212 发来的数据：先落盘，再应答；按 Ctrl-C 停。"
            "STORE 是存放的文件夹，不写是网站数据里的 monitoring/。只接收其中 devices.csv 列出的设备。"
        ),
        serve,
        click.Argument(["store"], metavar="[STORE]", required=False),
        option(
            lang,
            "--host",
            about=say("在哪个地址上听（默认 0.0.0.0，各处都能连）。"),
            default="0.0.0.0",
            metavar="ADDRESS",
        ),
        option(
            lang,
            "--port",
            about=say("在哪个端口上听（默认 {port}）。", port=PORT),
            type=click.IntRange(1, 65535),
            default=PORT,
            metavar="PORT",
        ),
        option(
            lang,
            "--passive",
            about=say("只接收和应答，不向设备发任何请求：不校时、不设间隔、不补要缺的数据。"),
            is_flag=True,
        ),
        option(
            lang,
            "--nats",
            about=say(
                "把收到的每一包也送到这个消息队列（NATS JetStream），如 nats://主机:4222；要安装 muheng[broker]。"
            ),
            metavar="URL",
        ),
        option(
            lang,
            "--stream",
            about=say("消息队列里流的名称（默认 {stream}）；没有就建立。", stream=STREAM),
            default=STREAM,
            metavar="NAME",
        ),
    )


def serve(
    store: str | None, host: str, port: int, passive: bool, nats: str | None, stream: str, lang: Language
) -> Feed:
    home = Path(click.get_current_context().obj.get("MUHENG_HOME", "var"))
    folder = Path(store) if store else home / "monitoring"
    receiving = _prepare(folder.resolve(), passive, nats, stream, lang)
    return Feed(
        lambda: _tell(_run(receiving, host, port, EVERY), receiving, lang),
        lambda: _run(receiving, host, port, EVERY_LINE),
    )


def _prepare(store: Path, passive: bool, nats: str | None, stream: str, lang: Language) -> Receiving:
    """Raises Failure for a list of devices that is not there or has errors, and for a broker nobody can send to."""
    from muheng.monitoring.dialogue.devices import FILE, DevicesRefused
    from muheng.monitoring.dialogue.settings import Settings
    from muheng.wire import broker, digesting
    from muheng.wire.receiving import Receiving

    try:
        ways_out = [broker.make_child(store, nats, stream, lang)] if nats is not None else []
    except Refusal as refusal:
        raise Failure("usage", refusal.what, refusal.fix) from refusal
    children = [digesting.make_child(store, lang), *ways_out]
    settings = Settings(first_contact=not passive, keep_clocks=not passive, fill_gaps=not passive)
    try:
        return Receiving(store, settings, lambda message: _warn(message, lang), children=children)
    except FileNotFoundError as error:
        fix = say(
            "网站会写好它；单独用时自己写：第一行 {needed}，以后每行一台设备；"
            "试用可以运行 muheng hj212 simulate --write-devices {file}。",
            needed=NEEDED,
            file=store / FILE,
        )
        raise Failure("file", say("没有设备表 {file}。", file=store / FILE), fix) from error
    except DevicesRefused as refused:
        raise Failure("data", refused.what, refused.fix, diagnostics=refused.problems) from refused


def _warn(message: Message, lang: Language) -> None:
    click.echo(message.render(lang), err=True)


def _run(receiving: Receiving, host: str, port: int, every: float) -> Iterator[Mapping[str, Any]]:
    """How it fares, again and again; the first time when devices can connect."""
    with every_end_is_ctrl_c():
        try:
            with receiving.running(host, port):
                yield receiving.state
                while receiving.wait(every):
                    yield receiving.state
        except KeyboardInterrupt:
            return
        except Refusal as refusal:
            raise Failure("output", refusal.what, refusal.fix) from refusal
        except OSError as error:
            if error.filename is not None:
                raise
            raise refuse_address(error, host, port) from error


def _tell(states: Iterator[Mapping[str, Any]], receiving: Receiving, lang: Language) -> Iterator[str]:
    first = next(states, None)
    if first is None:
        return
    yield say("正在 {address} 接收，存到 {store}。", address=first["address"], store=receiving.store).render(
        lang
    )
    yield say("设备表里有 {count} 台设备。按 Ctrl-C 停止。", count=first["devices"]).render(lang)
    if sys.stderr is None or not sys.stderr.isatty():
        for _ in states:
            pass
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        for state in states:
            live.update(_sum_up(state).render(lang), refresh=True)


def _sum_up(state: Mapping[str, Any]) -> Message:
    return say(
        "在线 {connected}/{devices} 台 · 每秒 {rate} 包 · 共收 {records} 包 · 隔离 {quarantined} 包 · 落盘用时 {sync} 毫秒",
        connected=state["connected"],
        devices=state["devices"],
        rate=state["records_per_second"],
        records=f"{state['records']:,}",
        quarantined=f"{state['counts'].get('quarantined', 0):,}",
        sync=round(state["last_sync_seconds"] * 1000, 1),
    )
