"""Frames as devices send them, received one after the other: what the tests of the store and of evidence begin with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from muheng.monitoring.hj212.encoding import upload
from muheng.monitoring.store.segments import Record

MN = "0123456789ABCDEF01234567"
START = datetime(2026, 11, 20, 8, 0)
COMMANDS = {"realtime": "2011", "minute": "2051", "hour": "2061", "day": "2031", "status": "2021"}


def received(moment: datetime) -> int:
    """µs since 1970 UTC of a local time in China."""
    return int((moment - timedelta(hours=8) - datetime(1970, 1, 1)) / timedelta(microseconds=1))


def make_records(
    moment: datetime,
    factors: Mapping[str, Mapping[str, str]],
    kind: str = "realtime",
    mn: str = MN,
    edition: int = 2017,
    delay: timedelta = timedelta(seconds=2),
    key: bytes | None = None,
    **header: str,
) -> list[Record]:
    """One record for each part of a message about ``moment``."""
    fixed = {"QN": f"{moment:%Y%m%d%H%M%S}001", "ST": "31", "CN": COMMANDS[kind], "PW": "123456", "MN": mn}
    packets = upload(fixed | header, edition, {"DataTime": f"{moment:%Y%m%d%H%M%S}"}, factors, key)
    at = received(moment + delay)
    return [
        Record(at + number, mn, "192.0.2.7:40001", "", packet.removesuffix(b"\r\n"))
        for number, packet in enumerate(packets)
    ]
