"""What is missing on the machine is installed where that can be, and told line by line where not."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

import prepare_machine
from prepare_machine import Need, main


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Packages that apt-get was asked for; two are missing until then."""
    packages: list[str] = []

    def run(command: Sequence[str], **settings: object) -> subprocess.CompletedProcess[bytes]:
        if command[1] == "install":
            packages.extend(word for word in command[2:] if not word.startswith("-"))
        return subprocess.CompletedProcess(command, 0)

    needs = (
        Need("postgresql", "PostgreSQL", lambda: "postgresql" in packages),
        Need("chromium", "Chromium", lambda: "chromium" in packages),
        Need("font", "字体", lambda: True),
    )
    monkeypatch.setattr(prepare_machine, "NEEDS", needs)
    monkeypatch.setattr(prepare_machine, "NO_CLUSTER", prepare_machine.Path("/"))  # is there: left alone
    monkeypatch.setattr(prepare_machine.subprocess, "run", run)
    monkeypatch.setattr(prepare_machine.shutil, "which", lambda name: f"/usr/bin/{name}")
    return packages


def test_root_on_debian_installs_what_is_missing(
    installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare_machine.os, "geteuid", lambda: 0)
    assert main() == 0
    assert installed == ["postgresql", "chromium"]
    assert main() == 0
    assert installed == ["postgresql", "chromium"]


def test_anybody_else_is_told_line_by_line(
    installed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare_machine.os, "geteuid", lambda: 1000)
    assert main() == 1
    assert installed == []
    assert capsys.readouterr().err.splitlines() == [
        "测试缺少 · The tests need: PostgreSQL（Debian：sudo apt-get install postgresql）",
        "测试缺少 · The tests need: Chromium（Debian：sudo apt-get install chromium）",
    ]
