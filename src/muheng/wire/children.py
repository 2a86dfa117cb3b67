"""Child processes beside the receiver: started, begun anew when they end, ended with it. What they do is theirs.

A child watches its standard input: when that closes, its parent is gone, however it ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before a child that ended is begun anew; doubled each time, until one has lasted."""
LASTED = 600.0
PATIENCE = 10.0
"""Seconds for a child to end by itself."""


class Child:
    """``python -m module arguments…``; ``restarts`` says how often it had to be begun anew, ``failed`` by which code it ended."""

    def __init__(self, name: str, module: str, arguments: Sequence[str]) -> None:
        self.name = name
        self.restarts = 0
        self.failed: int | None = None
        self._command = [sys.executable, "-m", module, *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = self._begin_at = 0.0
        self._wait = FIRST_WAIT

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        # Its words go where ours go; signals of the terminal are for the parent alone.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def look_after(self, now: float) -> bool:
        """Begin it anew where it has ended; whether it was found ended just now."""
        process = self._process
        if process is not None:
            if process.poll() is None:
                return False
            self.failed = process.returncode
            self._forget(process)
            if now - self._begun > LASTED:
                self._wait = FIRST_WAIT
            self._begin_at, self._wait = now + self._wait, min(2 * self._wait, LONGEST_WAIT)
            return True
        if now >= self._begin_at:
            self.restarts += 1
            self._begun = now
            self.start()
        return False

    def stop(self) -> None:
        """Let it finish what it is at; not for ever."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._forget(process)

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            process.stdin.close()
        self._process = None


def watch_parent() -> threading.Event:
    """In a child: is set when the parent is gone or wants it to end."""
    gone = threading.Event()

    def wait() -> None:
        while os.read(0, 1024):
            pass
        gone.set()

    threading.Thread(target=wait, daemon=True).start()
    return gone
