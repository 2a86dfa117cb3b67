"""A site that is set back to the demo city between two tests, in a fraction of the time that starting one takes.

Its server and its worker are those of ``muheng serve``, but every request and every look for work is done in a turn:
``rewind`` waits until nothing is in hand, puts the demo's files and database back, and begins the next turn, in which
each process first forgets what it remembered of the data. The processes import this module; it knows no browser.
"""

from __future__ import annotations

import fcntl
import functools
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from muheng.web import serving

DATABASE = "muheng.sqlite3"
STAYS = ("static", "static.stamp", "secret")
"""What no test changes, and the server holds open."""

_door = Lock()
_last = b"0"


# -- in the test's process -------------------------------------------------------------------------


@contextmanager
def running(home: Path, port: int, outside: dict[str, str]) -> Iterator[str]:
    """A server and a worker on a home; gives the address, once it answers."""
    turn_of(home).write_bytes(_last)
    environment = {
        **outside,
        "MUHENG_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": serving.SETTINGS,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def start(*module: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", *module]
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)

    server = start(*serving.server_arguments("127.0.0.1", port, f"{__name__}:application"))
    site = serving.Running("127.0.0.1", port, server, {"all": start(__name__)})
    try:
        site.wait_for_pages()
        yield site.address
    finally:
        site.stop()


def rewind(home: Path, demo: Path) -> None:
    """Make a home's data those of the demo again, while its site runs."""
    with turn_of(home).open("r+b", buffering=0) as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for each in home.iterdir():
            if each.name not in STAYS and not each.name.startswith(DATABASE):
                shutil.rmtree(each) if each.is_dir() else each.unlink()
        shutil.copytree(demo, home, ignore=_ignore_at(demo), dirs_exist_ok=True)
        with (
            closing(sqlite3.connect(f"file:{demo / DATABASE}?immutable=1", uri=True)) as kept,
            closing(sqlite3.connect(home / DATABASE, timeout=60)) as held,
        ):
            kept.backup(held)
        turn.write(str(time.monotonic_ns()).encode())


def _ignore_at(demo: Path) -> Callable[[str, list[str]], list[str]]:
    def ignore(folder: str, names: list[str]) -> list[str]:
        if Path(folder) != demo:
            return []
        return [name for name in names if name in STAYS or name.startswith(DATABASE)]

    return ignore


def turn_of(home: Path) -> Path:
    return home.with_suffix(".turn")


# -- in the site's processes -----------------------------------------------------------------------


@contextmanager
def turn() -> Iterator[bool]:
    """Nothing is set back before the block ends. True where it is this process's first since something was."""
    global _last
    with turn_of(Path(os.environ["MUHENG_HOME"])).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with _door:
            now = file.read()
            if new := now != _last:
                forget()
                _last = now
        yield new


def forget() -> None:
    """Empty whatever the process keeps of the data it has seen."""
    from django.core.cache import cache

    from muheng.web.evaluation import simulations
    from muheng.web.evaluation.queries import beside, table

    cache.clear()
    for kept in (simulations._ready, simulations._locks, beside._known, table._known):
        kept.clear()
    for function in _remembering():
        function.cache_clear()


def _remembering() -> list[Any]:
    """The project's functions that keep what they gave."""
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, functools._lru_cache_wrapper) and each.__module__.startswith("muheng.")
    ]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    from muheng.web.wsgi import application as answer

    with turn():
        return answer(environ, start_response)


def work() -> None:
    """The site's worker. At the start of a turn it asks for the work that comes round, as one just started does."""
    import django
    from django.core.management import call_command

    django.setup()
    from muheng.web.jobs.management.commands import worker

    ask, run = worker.ask_due_rounds, worker.run_next

    def run_in_turn(lane: Any = None) -> Any:
        with turn() as new:
            if new:
                ask()
            return run(lane)

    def ask_in_turn() -> int:
        with turn():
            return ask()

    worker.run_next, worker.ask_due_rounds = run_in_turn, ask_in_turn
    call_command("worker")


if __name__ == "__main__":
    work()
