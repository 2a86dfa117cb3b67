"""A few devices of all editions, and what they send, for the tests of what is said to them and of what receives it."""

from __future__ import annotations

from datetime import datetime, timedelta

from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.dialogue.times import local_time
from muheng.monitoring.hj212.encoding import upload
from muheng.monitoring.hj212.moments import write_moment, write_qn

NEW, CIPHER, OLD = "0A0000000000000000000001", "0A0000000000000000000002", "12345678ABC001"
KEY = b"sixteen letters!"
NOON = int((datetime(2026, 8, 1, 4) - datetime(1970, 1, 1)) / timedelta(microseconds=1))
"""Of 2026-08-01 in China."""

DEVICES = {
    each.mn: each
    for each in (
        Device(NEW, "123456", "1", realtime_seconds=60),
        Device(CIPHER, "abcdef", "2", 2025, KEY),
        Device(OLD, "000000", "3", 2005),
    )
}
EDITIONS = {NEW: 2017, CIPHER: 2025, OLD: 2005}


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
