"""What a site's processes took of the machine, from /proc: memory at the most, time of the processor."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process of the site: one that answers pages, or the one that does background work."""

    number: int
    worker: bool

    @property
    def peak_mb(self) -> float:
        """The most that it had in memory since ``forget``."""
        status = (_PROC / str(self.number) / "status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    @property
    def seconds(self) -> float:
        """Of the processor, since it began."""
        words = (_PROC / str(self.number) / "stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / _TICK

    def forget(self) -> None:
        """Begin anew from what it has now."""
        (_PROC / str(self.number) / "clear_refs").write_text("5")


def find_processes(root: int) -> list[Process]:
    """The site's processes below the one that serves it; what only starts others is left out."""
    parents = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                # The name, in brackets, may itself have brackets and blanks.
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # ended meanwhile
                continue
    below, found = {root}, []
    while more := {number for number, parent in parents.items() if parent in below} - below:
        below |= more
    for number in sorted(below - {root}):
        words = (_PROC / str(number) / "cmdline").read_bytes().split(b"\0")
        leaf = not any(parent == number for parent in parents.values())
        if leaf:
            found.append(Process(number, b"worker" in words))
    return found


@dataclass(frozen=True)
class Peaks:
    """Megabytes at the most: the worker, and the larger of those that answer pages."""

    worker: float
    web: float


def peaks(processes: Iterable[Process]) -> Peaks:
    return Peaks(
        max(process.peak_mb for process in processes if process.worker),
        max(process.peak_mb for process in processes if not process.worker),
    )
