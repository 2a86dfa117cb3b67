"""A host with a few devices, and what devices say, written down plainly."""

from __future__ import annotations

from datetime import datetime, timedelta

from muheng.monitoring.dialogue.conversation import Effects, Host, Link
from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.dialogue.times import SECOND, local_time
from muheng.monitoring.hj212.decoding import Packet, decode, find
from muheng.monitoring.hj212.encoding import encode, upload
from muheng.monitoring.hj212.moments import write_moment, write_qn
from muheng.monitoring.hj212.scanner import scan

NEW, CIPHER, OLD = "0A0000000000000000000001", "0A0000000000000000000002", "12345678ABC001"
KEY = b"sixteen letters!"
NOON = int((datetime(2026, 8, 1, 4) - datetime(1970, 1, 1)) / timedelta(microseconds=1))
"""Of 2026-08-01 in China."""
QUIET = Settings(first_contact=False, fill_gaps=False, keep_clocks=False)
DEVICES = {
    each.mn: each
    for each in (
        Device(NEW, "123456", "1", realtime_seconds=60),
        Device(CIPHER, "abcdef", "2", 2025, KEY),
        Device(OLD, "000000", "3", 2005),
    )
}
EDITIONS = {NEW: 2017, CIPHER: 2025, OLD: 2005}


class Talk:
    """One device's connection; time stands still until ``wait``."""

    def __init__(self, settings: Settings = QUIET, now: int = NOON) -> None:
        self.host = Host(settings, DEVICES, now)
        self.now = now
        self.effects = Effects()
        self.link = self.connect()

    def connect(self) -> Link:
        self.link = self.host.open("192.0.2.1:7000", self.now)
        return self.link

    def say(self, *data: bytes) -> Effects:
        """What follows from it, alone."""
        self.effects = Effects()
        for each in data:
            self.host.hear(self.link, each, self.now, self.effects)
        return self.effects

    def wait(self, seconds: float) -> Effects:
        self.now += int(seconds * SECOND)
        self.effects = Effects()
        self.host.step(self.now, self.effects)
        return self.effects

    def hang_up(self) -> Effects:
        self.effects = Effects()
        self.host.lose(self.link, self.now, self.effects)
        return self.effects

    def answer(self, asked: Packet, command: str, **cp: object) -> Effects:
        return self.say(reply(asked, command, **cp))


def data(
    mn: str = NEW, command: str = "2011", at: int = NOON, password: str | None = None, time: str = "", value: str = "1.5",
    late: bool = False,
) -> bytes:  # fmt: skip
    """One upload with an answer wanted, enciphered where the device has a key."""
    device = DEVICES.get(mn, Device(mn, "123456"))
    moment = local_time(at)
    header = {
        "QN": write_qn(moment), "ST": "31", "CN": command, "PW": device.password if password is None else password, "MN": mn,
    }  # fmt: skip
    if late:
        header["RF"] = "1"
    cp = {"DataTime": time or write_moment(moment)}
    suffix = "Rtd" if command == "2011" else "Avg"
    (packet,) = upload(
        header, EDITIONS.get(mn, 2017), cp, {"a21026": {suffix: value, "Flag": "N"}}, device.key
    )
    return packet


def reply(asked: Packet, command: str, **cp: object) -> bytes:
    """What a device answers to a request; in 2005 with the number in the contents."""
    header = asked.header
    contents = ";".join(f"{name}={value}" for name, value in cp.items())
    common = {"ST": "91", "CN": command, "PW": header["PW"], "MN": header["MN"]}
    if asked.version == 2005:
        return encode({**common, "Flag": "0"}, f"QN={header['QN']};{contents}")
    return encode({"QN": header["QN"], **common, "Flag": "4" if asked.version == 2017 else "8"}, contents)


def read(data: bytes) -> Packet:
    (frame,) = scan([data])
    packet = decode(frame, lambda mn: DEVICES[mn].key)
    assert packet.valid
    return packet


def read_sends(effects: Effects) -> list[Packet]:
    return [read(sent) for _, sent in effects.sends]


def commands(effects: Effects) -> list[str]:
    return [find(packet.header, "CN") for packet in read_sends(effects)]
