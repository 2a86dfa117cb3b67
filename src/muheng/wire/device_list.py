"""The allow-list in the store, read again when it changed; one with errors is refused and the one before stays."""

from __future__ import annotations

from pathlib import Path

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.documents.os_error import name_reason
from muheng.monitoring.dialogue.devices import Device, DevicesRefused, read_devices


class DeviceList:
    """``problems`` of the file as it is now; empty where it is in use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Diagnostic] = []
        self._seen: tuple[int, int, int] | None = None
        """The file as it was read; its time, size and number."""
        self._last: tuple[int, int, int] | None = None

    def read(self) -> dict[str, Device]:
        """Raises DevicesRefused, and OSError where there is none."""
        self._seen = self._look()
        return read_devices(self.path)

    def has_changed(self) -> bool:
        """And stays as it is since the last time this was asked: nobody is just saving it."""
        before, self._last = self._last, self._look()
        return self._last == before and self._last != self._seen

    def try_read(self) -> dict[str, Device] | None:
        """None where it cannot be used."""
        try:
            devices = self.read()
        except DevicesRefused as refused:
            self.problems = refused.problems
            return None
        except OSError as error:
            what = say("设备表读不出来：{reason}。", reason=name_reason(error))
            self.problems = [Diagnostic("error", self.path.name, None, "", what)]
            return None
        self.problems = []
        return devices

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
