"""``muheng serve`` as people start it: real processes, real signals, a home of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

PATIENCE = 60


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "muheng.cli.main", "serve", "--quiet", *map(str, arguments)]


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What the environment says of the database: nothing, or an empty one in the suite's PostgreSQL."""
    if request.config.getoption("database") == "sqlite":
        yield {}
        return
    cluster = os.environ["MUHENG_DATABASE"]
    name = f"served_{free_port()}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield {"MUHENG_DATABASE": urlsplit(cluster)._replace(path=f"/{name}").geturl()}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def environment(home: Path, **more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MUHENG_", "DJANGO_"))}
    return {**own, "MUHENG_HOME": str(home), **more}


def refuse(home: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=environment(home, **more), capture_output=True, text=True, timeout=PATIENCE
    )


@contextmanager
def serving(home: Path, database: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the address that it tells."""
    process = subprocess.Popen(
        command("--port", free_port(), "--lang", "en"),
        env=environment(home, **database),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("Site: http://127.0.0.1:"), process.stderr.read() if process.stderr else said
        yield process, said.removeprefix("Site: ").strip()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def fetch(address: str, path: str = "/") -> tuple[int, str]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def processes_with(home: Path) -> list[int]:
    """Whoever still runs with this home, as the system knows."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"MUHENG_HOME={home}\0".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@dataclass(frozen=True)
class First:
    """What was seen of the first start in an empty home; ``ended`` is how it ended when told to, ``left`` who then still ran."""

    home: Path
    database: dict[str, str]
    login: tuple[int, str]
    script: int
    processes: int
    ended: int
    left: list[int]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, database: dict[str, str]) -> First:
    home = tmp_path_factory.mktemp("first") / "a home" / "网站"
    with serving(home, database) as (process, address):
        login = fetch(address, "/people/login/")
        script, _text = fetch(address, "/static/vendor/leaflet/leaflet.js")
        running = processes_with(home)
        process.send_signal(signal.SIGTERM)
        ended = process.wait(PATIENCE)
        return First(home, database, login, script, len(running), ended, processes_with(home))


# -- starting and stopping -------------------------------------------------------------------------


def test_it_starts_serves_and_stops(first: First) -> None:
    status, page = first.login
    assert status == 200
    assert 'lang="zh-hans"' in page
    assert first.script == 200
    assert first.processes >= 5  # itself, two workers, the server and its two
    assert (first.home / "muheng.sqlite3").exists() == (not first.database)
    assert (first.home / "secret").stat().st_mode & 0o777 == 0o600
    assert first.ended == 0
    assert first.left == []


def test_it_keeps_what_it_had_and_starts_a_fallen_worker_again(first: First) -> None:
    secret = (first.home / "secret").read_text()
    collected = (first.home / "static" / "staticfiles.json").stat().st_mtime_ns
    with serving(first.home, first.database) as (process, address):
        assert fetch(address, "/people/login/")[0] == 200
        assert (first.home / "secret").read_text() == secret
        assert (first.home / "static" / "staticfiles.json").stat().st_mtime_ns == collected
        before = workers(first.home)
        assert sorted(before) == ["watch", "work"]
        os.kill(before["watch"], signal.SIGKILL)
        for _ in range(PATIENCE * 10):
            again = workers(first.home)
            if again.get("watch", before["watch"]) != before["watch"]:
                break
            signal.sigtimedwait([], 0.1)
        assert sorted(again) == ["watch", "work"]
        assert again["watch"] != before["watch"]
        assert again["work"] == before["work"]
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    assert processes_with(first.home) == []


def workers(home: Path) -> dict[str, int]:
    """By lane, the process that does its work."""
    found = {}
    for number in processes_with(home):
        try:
            words = Path(f"/proc/{number}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "worker" in words:
            found[words[words.index("--lane") + 1]] = number
    return found


# -- refusals --------------------------------------------------------------------------------------


def test_a_taken_port_is_told_before_anything_is_made(tmp_path: Path, taken: int) -> None:
    home = tmp_path / "home"
    told = refuse(home, "--port", taken)
    assert told.returncode == 2
    assert told.stderr == (
        f"端口 {taken} 已经被别的程序占用。\n  换一个端口，如 --port {taken + 1}；或先停掉占用它的程序。\n"
    )
    assert told.stdout == ""
    assert not home.exists()


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    told = refuse(tmp_path, "--host", "203.0.113.7", "--json")
    assert told.returncode == 2
    assert json.loads(told.stdout)["error"]["kind"] == "port"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://root@localhost/city", "postgresql://"),
        ("postgresql://muheng@/city?host=/nonexistent", "/nonexistent"),
    ],
)
def test_a_database_that_cannot_be_used_is_told(tmp_path: Path, address: str, said: str) -> None:
    told = refuse(tmp_path / "home", "--port", free_port(), MUHENG_DATABASE=address)
    assert told.returncode == 1
    assert told.stderr.startswith("网站的设置或数据库有问题。\n  数据库写在环境变量 MUHENG_DATABASE 里")
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_a_city_without_a_demo_is_told(tmp_path: Path) -> None:
    done = refuse(tmp_path, "--city", "jinning", "--lang", "zh")
    assert done.returncode == 2
    assert "没有可以演示的城市“jinning”" in done.stderr
    assert "是不是“jining”？" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_another_city_is_told(first: First) -> None:
    filled = subprocess.run(
        [sys.executable, "-c", FILL],
        env=environment(first.home, DJANGO_SETTINGS_MODULE="muheng.web.settings.dev", **first.database),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert filled.returncode == 0, filled.stderr
    asked = ("--demo", "--city", "jining", "--port", free_port(), "--lang", "zh")
    done = refuse(first.home, *asked, **first.database)
    assert done.returncode == 1
    assert f"{first.home} 里装的是马鞍山市，不是济宁市。" in done.stderr
    assert "用 --city maanshan" in done.stderr


FILL = """
import django; django.setup()
from muheng.cities.pack import load_pack
from muheng.web.people.actions import found_city
found_city(load_pack("maanshan")[0].city)
"""
