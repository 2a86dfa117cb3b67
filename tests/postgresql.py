"""A PostgreSQL of the tests' own: a fresh cluster on a unix socket, gone when the process that asked for it is gone.

Needs nothing but the server's binaries. No port is opened, no running server is touched, nothing is written safely
to disk. Does not install anything: prepare_machine.py does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

USER, DATABASE = "muheng", "muheng"
PATIENCE = 60.0
HASTY = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=60",
    "autovacuum=off",
)
"""Settings of a server whose data nobody will want again."""

# The shell outlives us by one read: at our end, of whatever kind, its standard input closes.
_GUARD = """
folder=$1; end=$2; shift 2
"$@" > "$folder/log" 2>&1 < /dev/null &
server=$!
read -r _
kill -s "$end" $server 2> /dev/null
wait $server
rm -rf "$folder"
"""


@dataclass(frozen=True)
class Cluster:
    """``address`` is what MUHENG_DATABASE wants."""

    folder: Path
    guard: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"postgresql://{USER}@/{DATABASE}?host={self.folder}"

    def stop(self) -> None:
        """End the server and remove its folder."""
        assert self.guard.stdin is not None
        self.guard.stdin.close()
        self.guard.wait(PATIENCE)


def find_binaries() -> Path | None:
    """The folder with initdb and postgres: the one on the search path, or the newest that Debian keeps aside."""
    places: list[Path] = []
    if asked := shutil.which("pg_config"):
        told = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        places.append(Path(told))
    if initdb := shutil.which("initdb"):
        places.append(Path(initdb).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(debian, key=lambda place: int(place.parent.name.partition(".")[0]), reverse=True)
    return next(
        (place for place in places if all((place / name).is_file() for name in ("initdb", "postgres"))), None
    )


def start_cluster(kept: Path | None = None, settings: Sequence[str] = HASTY) -> Cluster:
    """Make and start a cluster with one empty database. Raises RuntimeError with the server's own words.

    ``kept``: a folder where its data are, or are to be; they stay when it ends.
    """
    binaries = find_binaries()
    if binaries is None:
        raise RuntimeError("PostgreSQL is not installed: python tests/prepare_machine.py")
    folder = Path(tempfile.mkdtemp(prefix="muheng-pg-", dir="/tmp"))  # a socket's path must be short
    as_user: list[str | Path] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = kept or folder / "data"
    if not (data / "PG_VERSION").exists():
        initdb = [*as_user, binaries / "initdb", "--pgdata", data, "--username", USER]
        initdb += ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        made = subprocess.run(initdb, cwd="/", capture_output=True, text=True, check=False)
        if made.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise RuntimeError(made.stderr)
    server: list[str | Path] = [binaries / "postgres", "-D", data, "-k", folder]
    server += [word for setting in ("listen_addresses=", *settings) for word in ("-c", setting)]
    end = "QUIT" if kept is None else "INT"
    guard = subprocess.Popen(
        [*as_user, "sh", "-c", _GUARD, "guard", folder, end, *server],
        cwd="/",
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches the tests, not the server under them
    )
    cluster = Cluster(folder, guard)
    try:
        _await(cluster)
    except BaseException:
        cluster.stop()
        raise
    return cluster


def _await(cluster: Cluster) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with psycopg.connect(
                host=str(cluster.folder), user=USER, dbname="postgres", autocommit=True
            ) as connection:
                held = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if held.fetchone() is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
                return
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise RuntimeError((cluster.folder / "log").read_text(errors="replace")) from None
            time.sleep(0.05)
