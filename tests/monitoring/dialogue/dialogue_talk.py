"""A host that a device talks to while time stands still."""

from __future__ import annotations

from monitored_devices import DEVICES, NOON
from muheng.monitoring.dialogue.conversation import Host
from muheng.monitoring.dialogue.effects import Effects, Link
from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.dialogue.times import SECOND
from muheng.monitoring.hj212.decoding import Packet, decode, find
from muheng.monitoring.hj212.encoding import encode
from muheng.monitoring.hj212.scanner import scan

QUIET = Settings(first_contact=False, fill_gaps=False, keep_clocks=False)


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
