"""A receiver of a store of the test's own, and devices' ends of real connections to it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from monitored_devices import DEVICES
from muheng.documents.message import Message
from muheng.monitoring.dialogue.devices import FILE, write_devices
from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.hj212.decoding import Packet, decode, find
from muheng.monitoring.hj212.scanner import Scanner
from muheng.monitoring.store.segments import Record, list_segments, read_segment
from muheng.wire.children import Child
from muheng.wire.receiver import Limits
from muheng.wire.receiving import Receiving

Found = TypeVar("Found")
LOCAL = "127.0.0.1"
PATIENCE = 30.0
SETTINGS = Settings(first_contact=False, keep_clocks=False, fill_gaps=False)
QUICK = Limits(gather=0.0, step=0.02, state=0.02)


@contextmanager
def receive(
    store: Path,
    settings: Settings = SETTINGS,
    limits: Limits = QUICK,
    children: Sequence[Child] = (),
    tell: Callable[[Message], None] = lambda message: None,
) -> Iterator[Receiving]:
    if not (store / FILE).exists():
        store.mkdir(exist_ok=True)
        write_devices(store / FILE, DEVICES.values())
    receiving = Receiving(store, settings, tell, limits, children)
    with receiving.running(LOCAL, 0):
        yield receiving


def kept(store: Path) -> list[Record]:
    return [record for path in list_segments(store / "segments") for _, record in read_segment(path)]


def wait_for(look: Callable[[], Found]) -> Found:
    """What it says as soon as that is something."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def read_state(store: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((store / "state.json").read_text(encoding="utf-8"))
    return state


class Line:
    """A device's end."""

    def __init__(self, port: int, unread: int = 0) -> None:
        self.socket = socket.socket()
        if unread:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, unread)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((LOCAL, port))
        self._scanner = Scanner()
        self._heard: list[Packet] = []

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *data: bytes) -> None:
        for each in data:
            self.socket.sendall(each)

    def hear(self, count: int = 1) -> list[Packet]:
        """So many packets of the host, in order."""
        while len(self._heard) < count:
            data = self.socket.recv(1 << 16)
            assert data, "the host has hung up"
            for frame in self._scanner.feed(data):
                packet = decode(frame, lambda mn: DEVICES[mn].key)
                assert packet.valid
                self._heard.append(packet)
        heard, self._heard = self._heard[:count], self._heard[count:]
        return heard

    def hear_end(self) -> bytes:
        """All that still comes before the host hangs up."""
        rest = b""
        try:
            while data := self.socket.recv(1 << 16):
                rest += data
        except ConnectionResetError:
            pass
        return rest


def numbers(packets: Sequence[Packet]) -> list[str]:
    """Of what they acknowledge."""
    return [packet.cp.get("QN") or find(packet.header, "QN") for packet in packets]


def passive(**changes: Any) -> Settings:
    return replace(SETTINGS, **changes)
