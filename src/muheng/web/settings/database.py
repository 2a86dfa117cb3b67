"""Which database: SQLite in the home folder, or PostgreSQL where one address says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def read_database(address: str, home: Path) -> dict[str, Any]:
    """Django's settings of the database at ``address``; the empty address is SQLite in ``home``.

    ``postgresql://user:password@host:port/name``; a socket folder goes into ``?host=/run/postgresql``.
    ``sqlite:///path`` names another file. Raises ImproperlyConfigured for anything else.
    """
    if not address:
        return _sqlite(home / "muheng.sqlite3")
    parts = urlsplit(address)
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path)))
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgresql", "postgres") or not name:
        raise ImproperlyConfigured(
            f"MUHENG_DATABASE 应写成 postgresql://用户:密码@主机:端口/库名，现在是“{address}”。"
        )
    asked = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": asked.pop("host", parts.hostname or ""),
        "PORT": asked.pop("port", str(parts.port or "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Many short questions at once: a page gains nothing from further processes, or from compiling a query.
        "OPTIONS": {"options": "-c max_parallel_workers_per_gather=0 -c jit=off"} | asked,
    }


def _sqlite(file: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Writers wait for each other from their first statement on, instead of failing half-way.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;"
                "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"
            ),
        },
    }
