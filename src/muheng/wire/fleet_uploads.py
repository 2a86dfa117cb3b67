"""A simulated device's packets: what its plant measured, in its edition, each with a QN of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.hj212.decoding import Packet
from muheng.monitoring.hj212.encoding import NEEDS_ANSWER, encode, upload, write_contents
from muheng.monitoring.hj212.moments import write_moment, write_qn
from muheng.monitoring.hj212.tables import factors as known_factors
from muheng.monitoring.plant import FLOW, SYSTEMS, WATER_FLOW, Plant, Summary, summarise

MILLISECOND = timedelta(milliseconds=1)
_FLAGS = {2005: 0, 2017: 4, 2025: 8}
_MOST_PARTS = 9
_SHIFT = timedelta(seconds=2)
"""A clock that is set by less goes on without repeating a time."""
_DIGITS = {FLOW: 0, WATER_FLOW: 1, "w21011": 3}

Texts = Mapping[str, Mapping[str, str]]


class Upload(NamedTuple):
    """``qn`` empty: no answer is waited for."""

    data: bytes
    qn: str = ""


class Pen:
    """What a device writes with: password and key, which the host may change, and its clock, which may be wrong.

    ``now`` is set before anything is written; ``ahead`` is how far the device's clock is.
    """

    def __init__(self, device: Device, plant: Plant) -> None:
        self.edition = device.edition or (2025 if device.key else 2017)
        self.mn = device.mn
        self.password = device.password
        self.now = datetime.min
        self.ahead = timedelta()
        self.plant = plant
        self._key = device.key if self.edition == 2025 else None
        self._last = datetime.min

    @property
    def moment(self) -> datetime:
        """By the device's clock."""
        return self.now + self.ahead

    def set_clock(self, moment: datetime) -> None:
        ahead = moment - self.now
        if abs(ahead - self.ahead) > _SHIFT:
            self._last = datetime.min
        self.ahead = ahead

    def key_for(self, command: str) -> bytes | None:
        """HJ 212-2025 enciphers data, and not what only steers."""
        return self._key if command.startswith("2") or command in ("1014", "3020") else None

    def find_key(self, mn: str) -> bytes | None:
        return self._key

    def write(
        self, command: str, cp: Mapping[str, str], *, answer: bool = True, asked: Packet | None = None
    ) -> Upload:
        """One packet without factors. ``asked``: what it answers, whose QN it takes."""
        qn = self._take_qn() if asked is None else asked.header.get("QN", "")
        flag = _FLAGS[self.edition] | (NEEDS_ANSWER if answer else 0)
        header = {**self._header(command, qn), "Flag": str(flag)}
        return Upload(encode(header, write_contents(cp, {}), self.key_for(command)), qn if answer else "")

    def write_data(
        self, command: str, time: datetime, texts: Texts, *, late: bool = False, whole: bool = False
    ) -> list[Upload]:
        """Factors, in parts where they are many. ``whole``: in one packet however long, as some devices do."""
        qns = [self._take_qn()]
        header = self._header(command, qns[0])
        if late and self.edition == 2025:
            header["RF"] = "1"
        cp = {"DataTime": write_moment(time)}
        own = self._name(texts)
        if whole:
            late_mark = {name: header.pop(name) for name in ("RF",) if name in header}
            header = {**header, "Flag": str(_FLAGS[self.edition] | NEEDS_ANSWER), **late_mark}
            return [Upload(encode(header, write_contents(cp, own), self.key_for(command)), qns[0])]
        last = self._last
        moments = [last + at * MILLISECOND for at in range(1, _MOST_PARTS)]
        packets = upload(header, self.edition, cp, own, self.key_for(command), moments)
        self._last = last + (len(packets) - 1) * MILLISECOND
        qns += [write_qn(moment) for moment in moments[: len(packets) - 1]]
        return [Upload(data, qn) for data, qn in zip(packets, qns, strict=True)]

    def _header(self, command: str, qn: str) -> dict[str, str]:
        return {
            "QN": qn,
            "ST": SYSTEMS[self.plant.kind],
            "CN": command,
            "PW": self.password,
            "MN": self.mn,
        }

    def _take_qn(self) -> str:
        self._last = max(self.moment, self._last + MILLISECOND) if self._last > datetime.min else self.moment
        return write_qn(self._last)

    def _name(self, texts: Texts) -> Texts:
        """By the codes of its edition."""
        if self.edition != 2005:
            return texts
        known = known_factors()
        return {
            (known[code].old_code if code in known else "") or code: items for code, items in texts.items()
        }


# -- what was measured -----------------------------------------------------------------------------------------------


def read_present(plant: Plant, moment: datetime) -> dict[str, dict[str, str]]:
    """Real-time data: of the minute, and a little beside it from second to second."""
    begin = moment.replace(second=0, microsecond=0)
    values = plant.measure(begin, 1)
    converted = plant.convert(values)
    near = 1 + 0.002 * np.sin(moment.second + np.arange(len(values)))
    found: dict[str, dict[str, str]] = {}
    for row, factor in enumerate(plant.factors):
        if not np.isfinite(values[row, 0]):
            continue
        found[factor] = {"Rtd": _write(factor, values[row, 0] * near[row])}
        if converted is not None and row < len(converted):
            found[factor]["ZsRtd"] = _write(factor, converted[row, 0] * near[row])
        found[factor]["Flag"] = plant.list_flags(factor, begin, 1)[0]
    return found


def read_interval(plant: Plant, begin: datetime, minutes: int) -> dict[str, dict[str, str]]:
    """Minute, hour or day data; empty where nothing was measured."""
    return {
        factor: dict(_write_summary(factor, found))
        for factor, found in summarise(plant, begin, minutes).items()
    }


def _write_summary(factor: str, found: Summary) -> Iterator[tuple[str, str]]:
    if found.total is not None:
        yield "Cou", f"{found.total:.3f}"
    for suffix, value in (("Min", found.least), ("Avg", found.mean), ("Max", found.most)):
        yield suffix, _write(factor, value)
    if found.converted is not None:
        mean, least, most = found.converted
        for suffix, value in (("ZsMin", least), ("ZsAvg", mean), ("ZsMax", most)):
            yield suffix, _write(factor, value)
    yield "Flag", found.flag


def _write(factor: str, value: float) -> str:
    return f"{value:.{_DIGITS.get(factor, 2)}f}"
