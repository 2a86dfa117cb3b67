"""``muheng hj212 serve`` where it cannot begin; that it receives is tested on its sockets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from small_town import muheng


@pytest.mark.parametrize(
    ("listed", "kind", "code"),
    [(None, "file", 1), ("mn,password\nx,1\n", "data", 1), ("mn,password\n", "port", 2)],
)
def test_serve_says_why_it_cannot(tmp_path: Path, listed: str | None, kind: str, code: int) -> None:
    if listed is not None:
        (tmp_path / "devices.csv").write_text(listed, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = muheng("hj212", "serve", tmp_path, "--host", "127.0.0.1", "--port", port, "--json")
    assert outcome.code == code
    error = outcome.data["error"]
    assert error["kind"] == kind
    assert error["fix"]
    if kind == "data":
        assert [(each["line"], each["path"]) for each in error["diagnostics"]] == [(2, "password")]


def test_the_store_of_the_site_is_the_usual_one(tmp_path: Path) -> None:
    outcome = muheng("hj212", "serve", MUHENG_HOME=str(tmp_path))
    assert outcome.code == 1
    assert str(tmp_path / "monitoring" / "devices.csv") in outcome.err
