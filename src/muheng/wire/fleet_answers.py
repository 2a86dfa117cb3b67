"""What a simulated device does when it is asked: its settings, its history, samples, and what it says about itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from muheng.monitoring.dialogue.devices import FEWEST_SECONDS, MINUTE_INTERVALS, MOST_SECONDS
from muheng.monitoring.hj212.decoding import Packet
from muheng.monitoring.hj212.moments import read_moment, write_moment
from muheng.wire.fleet_uploads import Pen, Upload, read_interval

DONE, FAILED, NO_DATA = 1, 2, 100
"""ExeRtn."""
MEMORY = timedelta(days=40)
"""How far back it remembers."""
LATE = timedelta(minutes=5)
DAY, HOUR = 1440, 60


@dataclass
class Habits:
    """What a host may set."""

    minutes: int
    live_every: timedelta
    retry: timedelta
    retries: int = 3
    live: bool = True
    sampling: dict[str, str] = field(default_factory=lambda: {"CstartTime": "000000", "Ctime": "2"})

    def length(self, command: str) -> int:
        """Minutes of an interval."""
        return {"2051": self.minutes, "2061": HOUR, "2031": DAY}[command]


Act = Generator[Upload, None, int]
"""Gives what is uploaded, and how it went."""


def floor(moment: datetime, minutes: int) -> datetime:
    """The beginning of the interval of the day that the moment lies in."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (moment - day) // timedelta(minutes=minutes) * timedelta(minutes=minutes)


def measure(pen: Pen, command: str, begin: datetime, minutes: int, whole: bool = False) -> list[Upload]:
    """The upload of one interval, nothing where nothing was measured."""
    texts = read_interval(pen.plant, begin, minutes)
    if not texts:
        return []
    late = pen.now - begin - timedelta(minutes=minutes) > LATE
    return pen.write_data(command, begin, texts, late=late, whole=whole)


def find_act(command: str, packet: Packet, pen: Pen, habits: Habits, lived: datetime) -> Act | None:
    """None for a command that such a device does not know. ``lived``: up to when there is a history."""
    if command in ("2051", "2061", "2031"):
        return _tell_history(command, packet, pen, habits, lived)
    if command in _SETTINGS:
        return _set(_SETTINGS[command], packet, pen, habits)
    if command in _ANSWERS:
        return _tell(_ANSWERS[command], packet, pen, habits)
    if command in _PRACTICE:
        return _set(lambda packet, pen, habits: True, packet, pen, habits)
    return None


def _tell_history(command: str, packet: Packet, pen: Pen, habits: Habits, lived: datetime) -> Act:
    begin = read_moment(packet.cp.get("BeginTime", ""))
    end = read_moment(packet.cp.get("EndTime", ""))
    if begin is None or end is None:
        return FAILED
    minutes = habits.length(command)
    length = timedelta(minutes=minutes)
    at = max(floor(begin, minutes), floor(lived - MEMORY, minutes))
    at += length if at < begin else timedelta()
    found = False
    while at <= end and at + length <= lived:
        for item in measure(pen, command, at, minutes):
            found = True
            yield item
        at += length
    return DONE if found else NO_DATA


# -- settings --------------------------------------------------------------------------------------------------------

_Change = Callable[[Packet, Pen, Habits], bool]
"""False: it cannot be set so."""


def _set(change: _Change, packet: Packet, pen: Pen, habits: Habits) -> Act:
    return DONE if change(packet, pen, habits) else FAILED
    yield  # nothing is uploaded


def _number(packet: Packet, name: str) -> int:
    """-1 where there is none."""
    text = packet.cp.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else -1


def _set_retries(packet: Packet, pen: Pen, habits: Habits) -> bool:
    seconds, times = _number(packet, "OverTime"), _number(packet, "ReCount")
    if seconds < 1 or not 1 <= times <= 99:
        return False
    habits.retry, habits.retries = timedelta(seconds=seconds), times
    return True


def _set_clock(packet: Packet, pen: Pen, habits: Habits) -> bool:
    moment = read_moment(packet.cp.get("SystemTime", ""))
    if moment is not None:
        pen.set_clock(moment)
    return moment is not None


def _set_live(packet: Packet, pen: Pen, habits: Habits) -> bool:
    seconds = _number(packet, "RtdInterval")
    fits = FEWEST_SECONDS <= seconds <= MOST_SECONDS
    if fits:
        habits.live_every = timedelta(seconds=seconds)
    return fits


def _set_minutes(packet: Packet, pen: Pen, habits: Habits) -> bool:
    minutes = _number(packet, "MinInterval")
    if minutes in MINUTE_INTERVALS:
        habits.minutes = minutes
    return minutes in MINUTE_INTERVALS


def _set_password(packet: Packet, pen: Pen, habits: Habits) -> bool:
    password = packet.cp.get("NewPW", packet.cp.get("PW", ""))
    if len(password) == 6:
        pen.password = password
    return len(password) == 6


def _set_sampling(packet: Packet, pen: Pen, habits: Habits) -> bool:
    habits.sampling |= {name: packet.cp[name] for name in habits.sampling if name in packet.cp}
    return True


_SETTINGS: Mapping[str, _Change] = {
    "1000": _set_retries, "1012": _set_clock, "1062": _set_live, "1064": _set_minutes, "1072": _set_password,
    "3016": _set_sampling,
}  # fmt: skip
_PRACTICE = ("3011", "3012", "3013", "3014", "3021")
"""Done without anything that one could see from here."""


# -- answers ---------------------------------------------------------------------------------------------------------

_Said = Callable[[Packet, Pen, Habits], Mapping[str, str]]


def _tell(said: _Said, packet: Packet, pen: Pen, habits: Habits) -> Act:
    command = packet.header["CN"]
    contents = said(packet, pen, habits)
    if contents:
        yield pen.write(command, contents, answer=False, asked=packet)
    return DONE


def _start_live(packet: Packet, pen: Pen, habits: Habits) -> Mapping[str, str]:
    habits.live = True
    return {}


def _subject(packet: Packet, pen: Pen) -> str:
    """The factor that is asked about."""
    return packet.cp.get("PolId", "") or pen.plant.factors[0]


def _tell_devices(suffix: str, value: str, stamp: str) -> Mapping[str, str]:
    return {"DataTime": stamp, **{f"SB{number}-{suffix}": value for number in (1, 2)}}


def _stamp(pen: Pen) -> str:
    return write_moment(pen.moment)


_ANSWERS: Mapping[str, _Said] = {
    "1011": lambda packet, pen, habits: {"SystemTime": _stamp(pen)},
    "1061": lambda packet, pen, habits: {"RtdInterval": str(int(habits.live_every.total_seconds()))},
    "1063": lambda packet, pen, habits: {"MinInterval": str(habits.minutes)},
    "2011": _start_live,
    "2021": lambda packet, pen, habits: _tell_devices("RS", "1", _stamp(pen)),
    "2041": lambda packet, pen, habits: _tell_devices(
        "RT", "24", packet.cp.get("BeginTime", "") or _stamp(pen)
    ),
    "3015": lambda packet, pen, habits: {"DataTime": _stamp(pen), "VaseNo": "1"},
    "3017": lambda packet, pen, habits: {"PolId": _subject(packet, pen), **habits.sampling},
    "3018": lambda packet, pen, habits: {"PolId": _subject(packet, pen), "Stime": "20"},
    "3019": lambda packet, pen, habits: {f"{_subject(packet, pen)}-SN": f"{pen.mn[-12:]:0>24}"},
    "3020": lambda packet, pen, habits: {
        "DataTime": _stamp(pen),
        "PolId": _subject(packet, pen),
        "i11001-Info": "//ok//",
    },
}
