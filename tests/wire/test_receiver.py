"""The receiver on real sockets: what it keeps, when it answers, whom it lets go, and what a restart changes."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import polars as pl
import pytest
from receiver_line import LOCAL, QUICK, Line, kept, numbers, passive, read_state, receive, wait_for

from monitored_devices import CIPHER, DEVICES, NEW, NOON, OLD, data
from muheng.monitoring.dialogue.devices import FILE, Device, write_devices
from muheng.monitoring.dialogue.times import SECOND
from muheng.monitoring.hj212.encoding import encode
from muheng.monitoring.store.segments import StoreError, verify_segments
from muheng.wire import digesting
from muheng.wire.children import LASTED, Child
from muheng.wire.receiver import SPARE_FILES, now_micros

STRANGER = "F" * 24


def packets(count: int, mn: str = NEW) -> list[bytes]:
    return [data(mn, at=NOON + number * SECOND) for number in range(count)]


def test_devices_of_all_editions_at_once_glued_and_in_pieces(tmp_path: Path) -> None:
    with receive(tmp_path) as receiving:
        for mn in (NEW, CIPHER, OLD):
            sent = packets(20, mn)
            with Line(receiving.port) as line:
                line.say(b"garbage ##12", b"".join(sent[:10]))
                for at in range(0, len(rest := b"".join(sent[10:])), 37):
                    line.say(rest[at : at + 37])
                heard = line.hear(20)
                assert len({*numbers(heard)}) == 20
                # What was acknowledged is there, now.
                assert [record.raw for record in kept(tmp_path) if record.mn == mn] == [
                    each.rstrip() for each in sent
                ]
                assert {packet.header["CN"] for packet in heard} == {"9014"}
        peers = {record.peer.partition(":")[0] for record in kept(tmp_path)}
        assert peers == {LOCAL}
    assert verify_segments(tmp_path / "segments") == []
    assert read_state(tmp_path)["acknowledged"] == 60


def test_many_connections_share_batches(tmp_path: Path) -> None:
    with receive(tmp_path, limits=replace(QUICK, gather=0.05)) as receiving:
        lines = [Line(receiving.port) for _ in range(40)]
        for number, line in enumerate(lines):
            line.say(data(at=NOON + number * SECOND))
        for line in lines:
            line.hear()
            line.socket.close()
    assert len(kept(tmp_path)) == 40
    assert read_state(tmp_path)["batches"] < 40


# -- durable first -----------------------------------------------------------------------------------------------------


def test_nothing_is_acknowledged_before_the_disk_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go = threading.Event(), threading.Event()

    def wait(file: int) -> None:
        asked.set()
        assert go.wait(30)

    with receive(tmp_path) as receiving, Line(receiving.port) as line:
        monkeypatch.setattr(os, "fdatasync", wait)
        line.say(data())
        assert asked.wait(30)
        # It is written and not yet durable; what comes again meanwhile has to wait just as long.
        assert len(kept(tmp_path)) == 1
        line.say(data())
        wait_for(lambda: read_state(tmp_path)["by_device"].get(NEW, {}).get("repeated_today"))
        line.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            line.socket.recv(1)
        line.socket.settimeout(30)
        go.set()
        assert len(line.hear(2)) == 2
        assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("call", ["fdatasync", "write"])
def test_a_disk_that_fails_ends_it_and_nothing_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    real: Callable[..., int] = getattr(os, call)

    def fail(file: int, *rest: object) -> int:
        if ".seg" in os.readlink(f"/proc/self/fd/{file}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, *rest)

    def fill() -> None:
        with receive(tmp_path) as receiving, Line(receiving.port) as line:
            line.say(data())
            assert line.hear()
            monkeypatch.setattr(os, call, fail)
            line.say(data(at=NOON + SECOND))
            assert line.hear_end() == b""
            wait_for(lambda: not receiving.wait(0))

    with pytest.raises(StoreError):
        fill()
    monkeypatch.undo()
    with receive(tmp_path) as receiving, Line(receiving.port) as line:
        line.say(data(at=NOON + SECOND))
        assert line.hear()
    assert [record.raw for record in kept(tmp_path)] == [data().rstrip(), data(at=NOON + SECOND).rstrip()]


def test_more_than_the_disk_can_take_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    sent = b"".join(packets(2000))
    with receive(tmp_path, limits=replace(QUICK, waiting=20_000)) as receiving, Line(receiving.port) as line:
        monkeypatch.setattr(os, "fdatasync", lambda file: go.wait(30))
        sender = threading.Thread(target=line.say, args=(sent,))
        sender.start()
        wait_for(lambda: read_state(tmp_path)["backlog"] > 20_000)
        # One reading more than allowed at most.
        assert read_state(tmp_path)["backlog"] < 20_000 + 2 * (16 << 10)
        go.set()
        assert len(line.hear(2000)) == 2000
        sender.join()
    assert len(kept(tmp_path)) == 2000


# -- who is let go -----------------------------------------------------------------------------------------------------


def test_a_stranger_hears_nothing_and_is_let_go(tmp_path: Path) -> None:
    with receive(tmp_path) as receiving:
        with Line(receiving.port) as line:
            line.say(data(STRANGER), data(password="000000"), data(STRANGER, "2061"), data())
            assert line.hear_end() == b""
        with Line(receiving.port) as line:
            line.say(data(STRANGER), data())
            assert numbers(line.hear()) == ["20260801120000000"]
    verdicts = [record.verdict for record in kept(tmp_path)]
    assert verdicts == ["unknown_device", "password", "unknown_device", "unknown_device", ""]
    assert read_state(tmp_path)["counts"]["unknown_device"] == 3


def test_a_device_that_never_reads_holds_up_nobody(tmp_path: Path) -> None:
    limits = replace(QUICK, unread=2000, unread_seconds=0)
    beat = encode(
        {"QN": "20260801120000000", "ST": "31", "CN": "9015", "PW": "abcdef", "MN": CIPHER, "Flag": "9"}
    )
    with receive(tmp_path, limits=limits) as receiving, Line(receiving.port, unread=2000) as deaf:
        with pytest.raises(ConnectionError):
            deaf.say(*repeat(beat * 500, 10_000))
        with Line(receiving.port) as line:
            line.say(data())
            assert line.hear()
        assert wait_for(lambda: receiving.state["counts"].get("closed_unread")) == 1
    assert len(kept(tmp_path)) == 2


def test_who_says_nothing_and_who_is_too_many(tmp_path: Path) -> None:
    with (
        receive(tmp_path, passive(greeting=0), replace(QUICK, step=0.2)) as receiving,
        Line(receiving.port) as line,
    ):
        line.say(b"##01")
        assert line.hear_end() == b""
    with receive(tmp_path, limits=replace(QUICK, connections=1)) as receiving, Line(receiving.port) as line:
        line.say(data())
        assert line.hear()
        with Line(receiving.port) as second:
            assert second.hear_end() == b""
        line.say(data(at=NOON + SECOND))
        assert line.hear()
    with receive(tmp_path, limits=replace(QUICK, of_host=1)) as receiving:
        with Line(receiving.port) as line:
            line.say(data(at=NOON + 2 * SECOND))
            assert line.hear()
            with Line(receiving.port) as second:
                assert second.hear_end() == b""

        def is_let_in() -> bool:
            with Line(receiving.port) as third, suppress(OSError, AssertionError):
                third.say(data(at=NOON + 3 * SECOND))
                return bool(third.hear())
            return False

        assert wait_for(is_let_in)


def test_the_system_allows_few_open_files(tmp_path: Path) -> None:
    """It asks for as many as it needs; what it cannot get it says, and turns connections away instead of failing."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    told: list[str] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        with receive(tmp_path, tell=lambda message: told.append(str(message))) as receiving:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            assert soft == min(QUICK.connections + SPARE_FILES, hard)
            receiving._receiver.most = 1
            with Line(receiving.port) as line:
                line.say(data())
                assert line.hear()
                with Line(receiving.port) as second:
                    assert second.hear_end() == b""
        assert told == []
        few = 2 + SPARE_FILES
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resource, "getrlimit", lambda _: (50, few))
            patch.setattr(resource, "setrlimit", lambda *_: None)
            with receive(tmp_path, tell=lambda message: told.append(str(message))) as receiving:
                assert receiving._receiver.most == 2
        (said,) = told
        assert f"只准打开 {few} 个文件，最多连 2 台设备，设备表里有 3 台。" in said
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_half_closed_and_torn_connections(tmp_path: Path) -> None:
    with receive(tmp_path) as receiving:
        with Line(receiving.port) as line:
            line.say(data().rstrip())
            line.socket.shutdown(socket.SHUT_WR)
            assert numbers(line.hear()) == ["20260801120000000"]
            assert line.hear_end() == b""
        with Line(receiving.port) as line:
            line.say(data(at=NOON + SECOND)[:120])
            wait_for(lambda: receiving.state["connections"] == 1)
            line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_for(lambda: len(kept(tmp_path)) == 2)
    assert [record.verdict for record in kept(tmp_path)] == ["", "truncated"]


# -- restarts, the list, people's questions ----------------------------------------------------------------------------


def test_what_comes_again_after_a_restart_is_kept_once(tmp_path: Path) -> None:
    sent = packets(5) + packets(5, CIPHER) + packets(5, OLD)
    for round_ in range(2):
        with receive(tmp_path) as receiving, Line(receiving.port) as line:
            line.say(*sent)
            assert len(line.hear(15)) == 15
            state = wait_for(lambda: receiving.state["acknowledged"] == 15 and receiving.state)
            assert state["records"] == (0 if round_ else 15)
    assert len(kept(tmp_path)) == 15


def test_only_one_receiver_writes_a_store(tmp_path: Path) -> None:
    with receive(tmp_path):
        taken = tmp_path / "asks" / "sample.taken.json"
        taken.write_text("{}", encoding="utf-8")
        with pytest.raises(StoreError), receive(tmp_path):
            pass
        # What the first one is at is not touched.
        assert taken.exists()


def test_another_list_is_taken_up_unless_it_has_errors(tmp_path: Path) -> None:
    told: list[str] = []
    with receive(tmp_path, tell=lambda message: told.append(str(message))) as receiving:
        (tmp_path / "new.csv").write_text("mn,password\nshort,1\n", encoding="utf-8")
        (tmp_path / "new.csv").replace(tmp_path / FILE)
        wait_for(lambda: told)
        (problem,) = wait_for(lambda: receiving.state["device_list"]["problems"])
        assert (problem["line"], problem["path"]) == (2, "password")
        wait_for(lambda: len(told) == 2)
        assert told[1] == f"· devices.csv:2 password {problem['what']}"
        with Line(receiving.port) as line:
            line.say(data())
            assert line.hear()
            write_devices(tmp_path / FILE, [*DEVICES.values(), Device(STRANGER, "123456")][1:])
            assert line.hear_end() == b""
        with Line(receiving.port) as line:
            line.say(data(STRANGER))
            assert line.hear()
        wait_for(lambda: not receiving.state["device_list"]["problems"])
        assert told[2:] == ["设备表已更新，共 3 台设备。"]
        (tmp_path / FILE).unlink()
        wait_for(lambda: receiving.state["device_list"]["problems"])
        wait_for(lambda: told[4:] == ["· 设备表读不出来：找不到。"])


def test_what_people_ask_is_carried_out_and_answered(tmp_path: Path) -> None:
    asks = tmp_path / "asks"
    asks.mkdir()
    (asks / "before.taken.json").write_text("{}", encoding="utf-8")
    with receive(tmp_path) as receiving, Line(receiving.port) as line:
        assert json.loads((asks / "before.done.json").read_text())["result"] == "interrupted"
        line.say(data())
        line.hear()
        (asks / "s1.draft").write_text(
            json.dumps({"mn": NEW, "command": "3012", "cp": [["PolId", "w01018"]]}), encoding="utf-8"
        )
        (asks / "s1.draft").rename(asks / "s1.json")
        (asked,) = line.hear()
        assert (asked.header["CN"], asked.cp) == ("3012", {"PolId": "w01018"})
        common = {"QN": asked.header["QN"], "ST": "91", "PW": "123456", "MN": NEW, "Flag": "4"}
        line.say(encode({**common, "CN": "9011"}, "QnRtn=1"))
        line.say(encode({**common, "CN": "9012"}, "ExeRtn=6"))
        wait_for((asks / "s1.done.json").exists)
        done = json.loads((asks / "s1.done.json").read_text())
        assert {name: done[name] for name in ("mn", "result", "qn_rtn", "exe_rtn", "sent", "qn")} == {
            "mn": NEW, "result": "failed", "qn_rtn": 1, "exe_rtn": 6, "sent": 1, "qn": asked.header["QN"],
        }  # fmt: skip
        assert done["begun"] <= done["ended"]
        for name, text in (("s2", "not JSON"), ("s3", '{"mn": "' + STRANGER + '", "command": "3012"}')):
            (asks / f"{name}.json").write_text(text, encoding="utf-8")
        for name, result in (("s2", "unreadable"), ("s3", "unknown_device")):
            wait_for((asks / f"{name}.done.json").exists)
            assert json.loads((asks / f"{name}.done.json").read_text())["result"] == result
    assert {path.name for path in asks.glob("s*")} == {f"s{number}.done.json" for number in (1, 2, 3)}


def test_the_first_contact_and_the_clock_on_a_real_line(tmp_path: Path) -> None:
    settings = passive(first_contact=True, overtime=0, recount=1)
    with receive(tmp_path, settings) as receiving, Line(receiving.port) as line:
        line.say(data(at=now_micros()))
        heard: list[str] = []
        # Nobody answers, so each is sent twice, then the next.
        while not {"9014", "1062"} <= {*heard}:
            heard += [packet.header["CN"] for packet in line.hear()]
        assert [each for each in heard if each != "9014"][:5] == ["1012", "1012", "1000", "1000", "1062"]


def test_the_state_says_how_each_device_fares(tmp_path: Path) -> None:
    with receive(tmp_path) as receiving, Line(receiving.port) as line:
        line.say(data(), data(), data(at=NOON + SECOND).replace(b"=1.5", b"=1.7"))
        line.hear(2)
        state = wait_for(lambda: (found := read_state(tmp_path))["records"] == 2 and found)
        device = state["by_device"][NEW]
        assert (device["packets_today"], device["repeated_today"], device["quarantined_today"]) == (2, 1, 1)
        assert (device["point"], device["edition"], device["connected"]) == ("1", 2017, True)
        assert (state["devices"], state["connected"], state["connections"]) == (3, 1, 1)
        assert state["counts"]["crc"] == 1
    assert not read_state(tmp_path)["by_device"][NEW]["connected"]


def test_a_child_that_ends_is_begun_anew() -> None:
    child = Child("poem", "this", [])
    child.start()
    wait_for(lambda: not child.running)
    assert child.look_after(100.0)
    assert child.failed == 0
    assert not child.look_after(100.5)
    assert not child.running
    assert not child.look_after(101.0)
    assert child.restarts == 1
    # Soon again: it waits longer. After it has lasted: as at first.
    wait_for(lambda: not child.running)
    assert child.look_after(102.0)
    assert not child.look_after(103.5)
    assert child.restarts == 1
    assert not child.look_after(104.0)
    wait_for(lambda: not child.running)
    assert child.look_after(104.0 + 2 * LASTED)
    assert not child.look_after(105.0 + 2 * LASTED)
    assert child.restarts == 3
    child.stop()
    assert not child.running


def test_a_digest_that_cannot_write_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with receive(tmp_path) as receiving, Line(receiving.port) as line:
        line.say(data())
        assert line.hear()
    never = threading.Event()
    monkeypatch.setattr(digesting, "watch_parent", lambda: never)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    (tmp_path / "values").write_text("a file where a folder should be")
    assert digesting.main(tmp_path, "zh") == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}/values")
    (tmp_path / "values").unlink()

    def fill(*_: object) -> None:
        raise pl.exceptions.ComputeError(
            "parquet: underlying IO error: No space left on device (os error 28)"
        )

    with monkeypatch.context() as patch:
        patch.setattr(digesting, "digest", fill)
        assert digesting.main(tmp_path, "zh") == 1
    assert capsys.readouterr().err == f"{tmp_path}：磁盘满了。\n"
    (tmp_path / "digest.json").write_text("[")
    assert digesting.main(tmp_path, "zh") == 1
    assert "读不出来" in capsys.readouterr().err
    (tmp_path / "digest.json").unlink()
    never.set()
    assert digesting.main(tmp_path, "zh") == 0
    assert len(list((tmp_path / "fresh").iterdir())) == 1


# -- the verb ----------------------------------------------------------------------------------------------------------


def start(store: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "muheng.cli.main",
        "hj212",
        "serve",
        str(store),
        "--host",
        LOCAL,
        *arguments,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def free_port() -> int:
    with socket.socket() as free:
        free.bind((LOCAL, 0))
        port: int = free.getsockname()[1]
        return port


def test_serve_receives_digests_and_survives_its_death(tmp_path: Path) -> None:
    store, port = tmp_path / "store", free_port()
    store.mkdir()
    write_devices(store / FILE, DEVICES.values())
    serving = start(store, "--port", str(port), "--passive", "--json")
    assert serving.stdout is not None
    assert json.loads(serving.stdout.readline())["address"] == f"{LOCAL}:{port}"
    with Line(port) as line:
        line.say(data(), data(CIPHER, "2061"))
        assert len(line.hear(2)) == 2
        serving.kill()
        serving.wait()
        assert line.hear_end() == b""
    serving = start(store, "--port", str(port), "--passive", "--json")
    assert serving.stdout is not None
    serving.stdout.readline()
    with Line(port) as line:
        line.say(data(), data(OLD))
        assert len(line.hear(2)) == 2
    serving.send_signal(signal.SIGTERM)
    _, said = serving.communicate(timeout=60)
    assert serving.returncode == 0, said
    assert len(kept(store)) == 3
    assert verify_segments(store / "segments") == []
    # What was kept was digested before it ended.
    values = pl.read_parquet(store / "fresh" / "*.parquet")
    assert sorted(values["mn"].unique()) == sorted(DEVICES)
    assert len(values) == 3
