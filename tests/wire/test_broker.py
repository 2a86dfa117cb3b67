"""What goes to a province's broker: every packet once, on a real server that is killed, and so is the sender."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import NotFoundError

from muheng.documents.message import Refusal
from muheng.monitoring.store.values import COLUMNS, write_fresh
from muheng.wire.broker import make_child
from muheng.wire.outgoing import (
    FILE,
    Cursor,
    find_message,
    make_messages,
    read_batches,
    read_cursor,
    write_cursor,
)
from nats_server import NatsServer

STREAM = "HJ212"
NOON = datetime(2026, 8, 1, 12)
MNS = [f"{number:024X}" for number in range(1, 8)]


def rows_of(first: int, packets: int) -> pl.DataFrame:
    """Two factors a packet, numbered through all devices."""
    rows = []
    for number in range(first, first + packets):
        time = NOON + timedelta(seconds=30 * number)
        received = 1_785_556_800_000_000 + number
        for factor, value, flag in (("a21026", 12.5, "N"), ("a34013", None, "D")):
            rows.append(
                (MNS[number % len(MNS)], "realtime", time, factor, value, None, None, None, None, flag, False, received, "2026-08-01/000001", 48 + 400 * number)
            )  # fmt: skip
    return pl.DataFrame(rows, COLUMNS, orient="row")


def ids(store: Path, cursor: Cursor, most: int = 500) -> list[str]:
    return [message.id for messages, _ in read_batches(store, cursor, most) for message in messages]


# -- messages and the cursor -----------------------------------------------------------------------------------------


def test_a_packet_is_a_message() -> None:
    first, second = make_messages(rows_of(0, 2))
    assert first.subject == f"hj212.realtime.{MNS[0]}"
    assert first.id == "2026-08-01/000001:48:20260801120000"
    assert json.loads(first.payload) == {
        "mn": MNS[0],
        "cn": "2011",
        "kind": "realtime",
        "datatime": "20260801120000",
        "received": "2026-08-01T12:00:00.000+08:00",
        "late": False,
        "factors": {"a21026": {"value": 12.5, "flag": "N"}, "a34013": {"flag": "D"}},
        "segment": "2026-08-01/000001",
        "offset": 48,
    }
    assert second.id == "2026-08-01/000001:448:20260801120030"


def test_a_device_number_does_not_reach_into_the_subject() -> None:
    rows = rows_of(0, 1).with_columns(mn=pl.lit("a.b >*"))
    (message,) = make_messages(rows)
    assert message.subject == "hj212.realtime.a_b___"
    assert json.loads(message.payload)["mn"] == "a.b >*"


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    for serial in (1, 2, 3):
        write_fresh(tmp_path, serial, rows_of(10 * serial, 10))
    everything = ids(tmp_path, Cursor())
    assert len(everything) == len({*everything}) == 30
    for most in (3, 10, 500):
        sent = 0
        cursor = Cursor()
        for messages, cursor in read_batches(tmp_path, Cursor(), most):
            sent += len(messages)
            assert ids(tmp_path, cursor, most=7) == everything[sent:]
        assert cursor == Cursor(serial=3, sent=30)
        write_cursor(tmp_path, cursor)
        assert read_cursor(tmp_path) == cursor


def test_files_that_are_gone_are_counted_and_a_store_digested_anew_begins_anew(tmp_path: Path) -> None:
    for serial in (5, 6):
        write_fresh(tmp_path, serial, rows_of(10 * serial, 10))
    assert [cursor.missed for _, cursor in read_batches(tmp_path, Cursor(serial=2, index=4), 500)] == [2, 2]
    assert [cursor.missed for _, cursor in read_batches(tmp_path, Cursor(), 500)] == [0, 0]
    assert len(ids(tmp_path, Cursor(serial=9))) == 20
    assert ids(tmp_path, Cursor(serial=6)) == []


def test_a_message_is_found_by_its_id(tmp_path: Path) -> None:
    for serial in (1, 2, 3):
        write_fresh(tmp_path, serial, rows_of(10 * serial, 10))
    everything = ids(tmp_path, Cursor())
    for number, wanted in enumerate(everything):
        found = find_message(tmp_path, wanted)
        assert found is not None
        assert ids(tmp_path, found) == everything[number + 1 :]
    assert find_message(tmp_path, "2026-08-01/000001:7:20260801120000") is None


def test_a_cursor_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    for text in ("", "[]", '{"serial": 1, "strange": 2}'):
        (tmp_path / FILE).write_text(text)
        assert read_cursor(tmp_path) == Cursor()


@pytest.mark.parametrize("url", ["", "somewhere", "http://127.0.0.1:4222", "nats://"])
def test_what_is_no_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Refusal, match="不是消息队列的地址"):
        make_child(tmp_path, url, STREAM, "zh")


# -- a real server ---------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats")
    yield server
    server.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def wait_for_sent(store: Path, messages: float) -> None:
    wait_for(lambda: read_cursor(store).sent > messages)


async def _with_client(server: NatsServer, act):  # type: ignore[no-untyped-def]
    client = Client()
    await client.connect(server.url, allow_reconnect=False)
    try:
        return await act(client.jetstream())
    finally:
        await client.close()


def count(server: NatsServer) -> int:
    async def act(stream):  # type: ignore[no-untyped-def]
        try:
            return (await stream.stream_info(STREAM)).state.messages
        except NotFoundError:
            return 0

    return asyncio.run(_with_client(server, act))


def make_stream(server: NatsServer) -> None:
    """One that forgets at once which messages it has: the sender must know by itself."""
    config = StreamConfig(name=STREAM, subjects=["hj212.>"], duplicate_window=0.1)
    asyncio.run(_with_client(server, lambda stream: stream.add_stream(config)))


def read_all(server: NatsServer) -> list[str]:
    async def act(stream):  # type: ignore[no-untyped-def]
        total = (await stream.stream_info(STREAM)).state.messages
        puller = await stream.pull_subscribe(
            "hj212.>", stream=STREAM, config=ConsumerConfig(ack_policy="none")
        )
        found: list[str] = []
        while len(found) < total:
            for message in await puller.fetch(min(1000, total - len(found)), timeout=10):
                found.append(message.headers["Nats-Msg-Id"])
        return found

    return asyncio.run(_with_client(server, act))


def start_sender(store: Path, server: NatsServer, said: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    child = make_child(store, server.url, STREAM, "zh")
    return subprocess.Popen(child._command, stdin=subprocess.PIPE, stderr=said)


def test_every_packet_is_there_once_whoever_is_killed(tmp_path: Path, server: NatsServer) -> None:
    store = tmp_path / "store"
    for serial in range(1, 9):
        write_fresh(store, serial, rows_of(700 * serial, 700))
    expected = ids(store, Cursor())
    sender = start_sender(store, server)  # nobody is there yet
    try:
        wait_for(lambda: bool(read_cursor(store).error))
        server.start()
        make_stream(server)
        for share in (0.2, 0.4):
            wait_for_sent(store, share * len(expected))
            server.kill()
            assert sender.poll() is None
            server.start()
        wait_for_sent(store, 0.6 * len(expected))
        os.kill(sender.pid, signal.SIGKILL)
        sender.wait()
        sender = start_sender(store, server)
        wait_for(lambda: read_cursor(store).serial == 8)
        write_fresh(store, 9, rows_of(100_000, 50))
        wait_for(lambda: read_cursor(store).serial == 9)
        assert sender.stdin is not None
        sender.stdin.close()  # the parent is gone
        assert sender.wait(30) == 0
    finally:
        sender.kill()
        sender.wait()
    found = read_all(server)
    assert len(found) == len({*found})
    assert sorted(found) == sorted(ids(store, Cursor()))
    cursor = read_cursor(store)
    assert (cursor.sent, cursor.error, cursor.missed) == (len(found), "", 0)


def test_what_was_stored_and_not_confirmed_is_not_sent_again(tmp_path: Path, server: NatsServer) -> None:
    server.start()
    make_stream(server)
    store = tmp_path / "store"
    write_fresh(store, 1, rows_of(0, 400))
    for _ in range(2):
        sender = start_sender(store, server)
        try:
            wait_for(lambda: read_cursor(store).serial == 1)
        finally:
            sender.kill()
            sender.wait()
        # As if it had ended between the broker's word and its own note of it.
        write_cursor(store, replace(read_cursor(store), serial=0, index=150))
    assert read_all(server) == ids(store, Cursor())


def test_its_place_is_lost_and_found_in_the_stream_and_what_waited_too_long_is_told(
    tmp_path: Path, server: NatsServer
) -> None:
    server.start()
    make_stream(server)
    store = tmp_path / "store"
    for serial in (7, 8):
        write_fresh(store, serial, rows_of(700 * serial, 700))

    def send_until(serial: int) -> str:
        sender = start_sender(store, server, subprocess.PIPE)
        try:
            wait_for(lambda: read_cursor(store).serial == serial)
            return sender.communicate(timeout=30)[1].decode()  # closes its standard input
        finally:
            sender.kill()
            sender.wait()

    assert send_until(8) == ""
    # The note of it is spoilt.
    (store / FILE).write_text("torn")
    write_fresh(store, 9, rows_of(7000, 10))
    assert send_until(9) == ""
    everything = ids(store, Cursor())
    # The store is digested anew: the same packets in files that begin from 1.
    for path in (store / "fresh").iterdir():
        path.unlink()
    write_fresh(store, 1, pl.concat([rows_of(4900, 1400), rows_of(7000, 10)]))
    write_fresh(store, 2, rows_of(8000, 10))
    assert send_until(2) == ""
    everything += ids(store, Cursor(serial=1))
    # It was away for longer than files are kept.
    write_fresh(store, 6, rows_of(9000, 10))
    assert send_until(6).startswith("有 3 份新数据等不到消息队列")
    everything += ids(store, Cursor(serial=5))
    assert read_all(server) == everything
    assert read_cursor(store).missed == 3
