"""A NATS server of the tests' own, with JetStream in a folder: started, killed and started again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PATIENCE = 30.0


def find_nats_server() -> str | None:
    """Debian puts it where only root looks."""
    return shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")


class NatsServer:
    """On a free port of this machine, the same one each time it is started; what it stored is there again."""

    def __init__(self, folder: Path) -> None:
        binary = find_nats_server()
        assert binary is not None, "nats-server is missing: run tests/prepare_machine.py"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._command = [binary, "-js", "-sd", str(folder), "-a", "127.0.0.1", "-p", str(self.port)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end
                assert self._process.poll() is None
                time.sleep(0.02)

    def kill(self) -> None:
        """As a power failure would, but for the disk's own memory."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
