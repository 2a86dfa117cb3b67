"""The suite's own PostgreSQL goes with the process that started it, even when that one is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from postgresql import start_cluster
cluster = start_cluster()
print(cluster.folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_nothing_of_it_is_left(end: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        number = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        process.send_signal(end)
    until = time.monotonic() + 30
    while (folder.exists() or Path(f"/proc/{number}").exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not folder.exists()
    assert not Path(f"/proc/{number}").exists()
