"""Moments as the dialogue counts them: µs since 1970 UTC, and the devices' local time in China."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from muheng.monitoring.hj212.moments import read_moment

SECOND = 1_000_000
CHINA_SECONDS = 8 * 3600
_BEGIN = datetime(1970, 1, 1)


def local_seconds(now: int) -> int:
    """Seconds of local time since 1970."""
    return now // SECOND + CHINA_SECONDS


def local_time(now: int) -> datetime:
    return _BEGIN + timedelta(seconds=CHINA_SECONDS, microseconds=now)


def to_datetime(seconds: int) -> datetime:
    """Of local seconds."""
    return _BEGIN + timedelta(seconds=seconds)


@lru_cache(1 << 14)
def read_seconds(text: str) -> int | None:
    """Local seconds of a DataTime; None where it is no time. Devices send the same few again and again."""
    moment = read_moment(text)
    return None if moment is None else int((moment - _BEGIN).total_seconds())


def read_micros(text: str) -> int | None:
    """Of a QN, in local time."""
    moment = read_moment(text)
    return None if moment is None else (moment - _BEGIN) // timedelta(microseconds=1)
