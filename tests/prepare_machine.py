"""What the suite needs of the machine besides Python: PostgreSQL's server, Chromium, a Chinese font, a NATS server.

As root on Debian they are installed; elsewhere each that is missing is named in a line of its own, and the exit code
is 1. When all are there, it says nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nats_server import find_nats_server
from postgresql import find_binaries

FONT = "fonts-wqy-microhei"
# Debian would start a server of its own as soon as the package is there.
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")


@dataclass(frozen=True)
class Need:
    """``package`` is Debian's name of it."""

    package: str
    name: str
    is_there: Callable[[], bool]


def find_chromium() -> str | None:
    """Chromium by any of its names."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def has_chinese_font() -> bool:
    """Whether Chromium will draw Chinese rather than boxes."""
    if shutil.which("fc-list") is None:
        return False
    listed = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, check=False)
    return bool(listed.stdout.strip())


NEEDS = (
    Need(
        "postgresql",
        "PostgreSQL 服务程序（initdb、postgres）· PostgreSQL server binaries",
        lambda: find_binaries() is not None,
    ),
    Need("chromium", "浏览器 Chromium · Chromium", lambda: find_chromium() is not None),
    Need(FONT, "中文字体 · a Chinese font", has_chinese_font),
    Need("nats-server", "消息队列服务程序 nats-server · nats-server", lambda: find_nats_server() is not None),
)


def missing() -> list[Need]:
    return [need for need in NEEDS if not need.is_there()]


def install(packages: list[str]) -> None:
    """With apt, asking nothing; PostgreSQL without a running server, if it is new here."""
    if "postgresql" in packages and not NO_CLUSTER.exists():
        NO_CLUSTER.parent.mkdir(exist_ok=True)
        NO_CLUSTER.write_text("create_main_cluster = false\n", encoding="ascii")
    if FONT in packages:
        packages = [*packages, "fontconfig"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["--quiet=2", "--yes", "--no-install-recommends", "--option=Dpkg::Options::=--force-confold"]
    subprocess.run(["apt-get", "update", "--quiet=2"], env=quiet, check=True)
    subprocess.run(["apt-get", "install", *options, *packages], env=quiet, check=True)


def main() -> int:
    lacking = missing()
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = [need.package for need in lacking]
        print("安装测试所需的 · Installing for the tests: " + " ".join(packages), file=sys.stderr)
        try:
            install(packages)
        except subprocess.CalledProcessError as error:
            print(f"没有装成 · Failed: {error}", file=sys.stderr)
        lacking = missing()
    for need in lacking:
        print(
            f"测试缺少 · The tests need: {need.name}（Debian：sudo apt-get install {need.package}）",
            file=sys.stderr,
        )
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
