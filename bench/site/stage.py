"""Where the site is measured: a city made once for each database and kept under the system's temporary folder, a copy
of it to play with, and the processes that serve it, all on two cores.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.site.city import copy_pack
from bench.site.processes import Process, find_processes
from muheng.web.serving import server_arguments
from postgresql import Cluster, start_cluster

DATABASES = ("SQLite", "PostgreSQL")
CORES = 2
PATIENCE = 60.0  # seconds until the first page
GRACE = 20.0
_ROOT = Path(__file__).resolve().parent.parent.parent
_CAREFUL = ("max_connections=60",)  # all else as PostgreSQL comes: it writes safely, and keeps house


@dataclass(frozen=True)
class Stage:
    """A site's data on one database, to be changed as one likes. ``environment`` is what its processes need."""

    database: str
    home: Path
    environment: dict[str, str]

    def start(self, *module: str) -> subprocess.Popen[bytes]:
        """A Python program on this site."""
        return subprocess.Popen(
            [sys.executable, "-m", *module],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, *module: str) -> None:
        """A Python program on this site, to its end. Raises CalledProcessError."""
        subprocess.run(
            [sys.executable, "-m", *module], env=self.environment, stdin=subprocess.DEVNULL, check=True
        )


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    address: str
    processes: tuple[Process, ...]

    @property
    def seconds(self) -> float:
        """Of the processor, that those who answer pages have used."""
        return sum(process.seconds for process in self.processes if not process.worker)


def keep_to_cores() -> None:
    """This process and all that it starts stay on the same two cores, however many there are."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


CITY = "bench.site.city"


@contextmanager
def stage(database: str, count: int, maker: str = CITY) -> Iterator[Stage]:
    """A copy of the city of ``count`` enterprises (or what ``maker`` counts) on a database, gone after the block."""
    kept = _keep(database, count, maker)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muheng-bench-")))
        folder.chmod(0o755)
        subprocess.run(["cp", "--archive", *kept.iterdir(), folder], check=True)
        yield stack.enter_context(_opened(database, folder))


def _keep(database: str, count: int, maker: str) -> Path:
    """The folder with the city; made when there is none, or when the code that makes it has changed."""
    name = (
        "muheng-bench-" + ("" if maker == CITY else f"{maker.split('.')[1]}-") + f"{database.lower()}-{count}"
    )
    folder = Path(tempfile.gettempdir()) / f"{name}-{_fingerprint(maker)}"
    if folder.exists():
        return folder
    print(f"{database}: making a city of {count:,}", file=sys.stderr, flush=True)
    making = Path(tempfile.mkdtemp(prefix="muheng-bench-"))
    making.chmod(0o755)
    try:
        copy_pack(making)
        with _opened(database, making) as made:
            made.run(maker, "make", str(count))
    except BaseException:
        shutil.rmtree(making)
        raise
    for old in folder.parent.glob(f"{name}-*"):
        shutil.rmtree(old)
    making.rename(folder)
    return folder


@contextmanager
def _opened(database: str, folder: Path) -> Iterator[Stage]:
    environment = dict(
        os.environ,
        MUHENG_HOME=str(folder / "home"),
        MUHENG_CITY=str(folder / "maanshan"),
        DJANGO_SETTINGS_MODULE="muheng.web.settings.dev",
        PYTHONPATH=os.pathsep.join((str(_ROOT), str(_ROOT / "src"))),
    )
    environment.pop("MUHENG_DATABASE", None)
    cluster: Cluster | None = None
    if database == "PostgreSQL":
        data = folder / "postgresql"
        if not data.exists():
            data.mkdir(mode=0o700)
            if os.geteuid() == 0:
                shutil.chown(data, "postgres")
        cluster = start_cluster(data, _CAREFUL)
        environment["MUHENG_DATABASE"] = cluster.address
    try:
        yield Stage(database, folder / "home", environment)
    finally:
        if cluster is not None:
            cluster.stop()


def _fingerprint(maker: str) -> str:
    """Changes with what a kept city is made of: the tables, the maker, the data."""
    found = hashlib.sha256()
    files = [*_ROOT.glob("src/muheng/web/*/migrations/0*.py"), Path(__file__).with_name("city.py")]
    files += [_ROOT / f"{maker.replace('.', '/')}.py", _ROOT / "src/muheng/cities/demo/large.py"]
    if maker != CITY:
        files += _ROOT.glob("src/muheng/cities/common/cases/*.toml")
    for file in sorted(files):
        found.update(file.read_bytes())
    return found.hexdigest()[:10]


@contextmanager
def serving_site(on: Stage) -> Iterator[Served]:
    """The site as ``muheng serve`` runs it."""
    port = _free_port()
    command = ["muheng.cli.main", "serve", "--port", str(port), "--quiet"]
    with _running(on.start(*command), port) as served:
        yield served


@contextmanager
def serving_bare(on: Stage) -> Iterator[Served]:
    """The bare project on the same data, by the same server with the same settings."""
    port = _free_port()
    command = server_arguments("127.0.0.1", port, "bench.site.bare.wsgi:application")
    with _running(on.start(*command), port) as served:
        yield served


@contextmanager
def _running(process: subprocess.Popen[bytes], port: int) -> Iterator[Served]:
    try:
        until = time.monotonic() + PATIENCE
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the server did not start")
            time.sleep(0.1)
        yield Served(f"http://127.0.0.1:{port}", tuple(find_processes(process.pid)))
    finally:
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:  # a server may wait for its visitors to leave
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
