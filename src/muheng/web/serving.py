"""The site as running processes: made ready once, then a worker for each lane of background jobs beside the server's two.

Whoever serves calls the steps down to ``collect_static`` in their order, then ``running``. Knows nothing of the command
line, and nothing of what the site shows.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path

from muheng.documents.message import Message

SETTINGS = "muheng.web.settings.dev"
SERVERS = 2
WORKERS = ("work", "watch")
"""The lanes of ``jobs``; what must be punctual is not kept waiting by what takes long."""
PATIENCE = 60.0  # seconds until the first page
_GRACE = 10.0  # seconds that a process has to end by itself
_PAUSE = 0.2

# Of a package's folder only these are served: without maps of sources, and without builds that no page asks for.
_UNUSED = ("echarts.esm*", "echarts.min.js", "echarts.simple*", "echarts.js*", "echarts.common.js*", "extension", "leaflet-src*", "package.json")  # fmt: skip


@dataclass(frozen=True)
class Login:
    """An account of the demo, as the terminal shows it; ``muheng.web.demo.logins`` lists them."""

    who: Message
    username: str
    password: str


class NotReady(Exception):
    """The processes ended, or gave no page, before the site was there."""


def check_address(host: str, port: int) -> None:
    """Raises OSError when nothing can listen there: the port is taken, or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()


def choose_settings(host: str) -> None:
    """Settings of a laptop unless the environment says otherwise; a host that others reach lets any name reach it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    if not _is_local(host):
        os.environ.setdefault("MUHENG_ANY_HOST", "1")


def choose_city(city: str, first: str) -> None:
    """Serve a city's pack; unless the environment names a folder, from one of its own: the first city's is the site's."""
    os.environ["MUHENG_CITY"] = city
    if city != first:
        os.environ.setdefault("MUHENG_HOME", str(Path("var") / city))


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# -- before the first page -------------------------------------------------------------------------


def missing_packages() -> list[Path]:
    """Folders of JavaScript packages that set-up has not fetched."""
    from django.conf import settings

    return [Path(folder) for _, folder in settings.STATICFILES_DIRS if not Path(folder).is_dir()]


def migrate() -> None:
    """Bring the database, made where there is none, to the form that the code wants; compile the English."""
    from django.conf import settings
    from django.core.management import call_command

    from muheng.web.languages import compile_languages

    compile_languages()
    for folder in (settings.HOME, settings.MEDIA_ROOT):
        Path(folder).mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)


def is_empty() -> bool:
    """Whether nobody has an account yet."""
    from django.contrib.auth import get_user_model

    return not get_user_model().objects.exists()


def held_city() -> str | None:
    """The name of the city that the site holds; None while it is empty."""
    from muheng.web.people.models import Organisation

    roots = Organisation.objects.filter(kind=Organisation.Kind.CITY, parent=None)
    return roots.order_by("pk").values_list("name", flat=True).first()


def city_title() -> str | None:
    """The name of the city that the settings name; None where its pack cannot be read."""
    from django.conf import settings

    from muheng.cities.pack import load_pack

    pack, _found = load_pack(settings.CITY)
    return None if pack is None else pack.city.name


def demo_of(name: str, cities: Iterable[str]) -> str | None:
    """Which of these packs is of the city of a name."""
    from muheng.cities.pack import load_pack

    return next(
        (each for each in cities if (pack := load_pack(each)[0]) is not None and pack.city.name == name), None
    )


def load_demo() -> None:
    """The demo city, whole or not at all."""
    from django.db import transaction

    demo = import_module("muheng.web.demo")
    with transaction.atomic():
        demo.load_demo()


def demo_logins() -> list[Login]:
    """Who can log in to the demo; nobody where the site holds something else."""
    from django.contrib.auth import get_user_model

    demo = import_module("muheng.web.demo")
    there = set(get_user_model().objects.values_list("username", flat=True))
    return [login for login in demo.logins() if login.username in there]


def collect_static() -> None:
    """Put what browsers fetch into one folder, compressed and named by content; nothing to do if it is there.

    Files of an earlier version stay, for pages that are still open.
    """
    from django.conf import settings
    from django.core.management import call_command

    stamp = Path(settings.STATIC_ROOT).with_suffix(".stamp")
    now = _static_sources()
    if stamp.exists() and stamp.read_text(encoding="ascii") == now:
        return
    call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=list(_UNUSED))
    stamp.write_text(now, encoding="ascii")


def _static_sources() -> str:
    """A hash of every static file's place, size and time."""
    from django.contrib.staticfiles.finders import get_finders

    found = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(list(_UNUSED)):
            stat = os.stat(storage.path(path))
            found.update(f"{storage.path(path)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


# -- the processes ---------------------------------------------------------------------------------


@dataclass
class Running:
    """The server and the workers beside it, by lane. A worker is started again when it falls; the server ends it all."""

    host: str
    port: int
    server: subprocess.Popen[bytes]
    workers: dict[str, subprocess.Popen[bytes]]

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def wait_for_pages(self) -> None:
        """Until a request is answered, whatever the answer. Raises NotReady."""
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self.server.poll() is not None or time.monotonic() > until:
                raise NotReady
            time.sleep(_PAUSE)

    def _answers(self) -> bool:
        host = "::1" if self.host == "::" else "127.0.0.1" if self.host == "0.0.0.0" else self.host
        connection = http.client.HTTPConnection(host, self.port, timeout=10)
        try:
            connection.request("HEAD", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def stay(self) -> None:
        """Until the server ends, which it should not. Raises NotReady then."""
        while self.server.poll() is None:
            for lane, worker in self.workers.items():
                if worker.poll() is not None:
                    self.workers[lane] = _start_worker(lane)
            time.sleep(5 * _PAUSE)
        raise NotReady

    def stop(self) -> None:
        """End all. A job in hand that takes long is ended too; it will be begun again."""
        processes = (self.server, *self.workers.values())
        for process in processes:
            process.terminate()
        until = time.monotonic() + _GRACE
        try:
            for process in processes:
                process.wait(max(0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        finally:  # a second Ctrl-C does not leave them behind either
            for process in processes:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


@contextmanager
def running(host: str, port: int) -> Iterator[Running]:
    """The site's processes for as long as the block lasts, however it ends."""
    site = Running(host, port, _start(*server_arguments(host, port)), {})
    try:
        for lane in WORKERS:
            site.workers[lane] = _start_worker(lane)
        yield site
    finally:
        site.stop()


def server_arguments(host: str, port: int, application: str = "muheng.web.wsgi:application") -> list[str]:
    """The server's module and how it is to serve; benchmarks put their peers on the same."""
    return [
        "granian", "--interface", "wsgi", "--host", host, "--port", str(port), "--workers", str(SERVERS),
        "--blocking-threads", "4", "--no-ws", "--log-level", "warning", "--respawn-failed-workers", application,
    ]  # fmt: skip


def _start_worker(lane: str) -> subprocess.Popen[bytes]:
    return _start("muheng.web.manage", "worker", "--lane", lane)


def _start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    # In a session of its own, Ctrl-C reaches only the process that then ends the others in order.
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
