"""Weeks of invented monitoring data as devices would have sent them: hours, and minutes of the last days, as raw frames.

For the demo city. The plants are those of ``judgement.demo``, brought to each point's limits; what goes wrong with one is
given with it. Nothing here was taken from a real plant. What simulated devices send live is ``plant``'s, at about the same level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import merge
from typing import Literal

import numpy as np
from numpy.random import Generator, default_rng

from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.hj212.encoding import encode
from muheng.monitoring.hj212.moments import write_moment, write_qn
from muheng.monitoring.judgement.demo import make_hours
from muheng.monitoring.judgement.outlet import Marked
from muheng.monitoring.judgement.runs import Numbers
from muheng.monitoring.plant import OXYGEN, place_plant
from muheng.monitoring.store.points import StoredPoint
from muheng.monitoring.store.rows import CHINA
from muheng.monitoring.store.segments import Record

HOUR, TEN_MINUTES = timedelta(hours=1), timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1)
_MONTH, _SAMPLES = 31, 5
_NUMBER = {"a00000": ".0f", "w00000": ".1f"}
_WATER = ("w00000", "w01001")
"""Flow and pH, beside what has a limit."""
_MODELLED = {"a21026": (3, 35.0), "a21002": (2, 50.0), "a34013": (4, 10.0)}
"""Of the invented stacks: row and limit."""


@dataclass(frozen=True)
class Trouble:
    """What goes wrong for ``hours`` hours from the hour that begins ``ago`` hours before the end.

    ``exceed``: at ``times`` the limit; ``flat``: the value stays; ``missing``: nothing comes; ``maintained``: flagged M.
    """

    kind: Literal["exceed", "flat", "missing", "maintained"]
    ago: int
    hours: int
    factor: str = ""
    times: float = 1.5


@dataclass(frozen=True)
class Sender:
    """A device, the point that it is at, and what goes wrong there.

    ``minutes``: its ten-minute data of the last month too, not just of the last day.
    """

    device: Device
    point: StoredPoint
    troubles: tuple[Trouble, ...] = ()
    minutes: bool = False


@dataclass(frozen=True)
class History:
    """``records`` in the order in which they came; ``marks`` by point, what its operator marked."""

    records: Iterator[Record]
    marks: dict[str, tuple[Marked, ...]]


def invent_history(senders: Sequence[Sender], end: datetime, days: int, seed: int = 1) -> History:
    """All that came in so many days before ``end`` (a whole hour, local)."""
    start = (end - timedelta(days=days)).date()
    span = (end - datetime(start.year, start.month, start.day)) // HOUR
    streams: list[Iterable[Record]] = []
    marks: dict[str, tuple[Marked, ...]] = {}
    for at, sender in enumerate(senders):
        random = default_rng([seed, at])
        series = _make_series(sender, start, span, random)
        marks[sender.point.id] = tuple(each for each in series.marks if each.begin < end)
        streams.append(_send(sender, series, start, HOUR, "2061", timedelta(seconds=20 + at % 40)))
        since = max(span // 24 - (_MONTH if sender.minutes else 1), 0)
        part = slice(since * 24, span)
        fine = _Series(
            {factor: _refine(values[part], random) for factor, values in series.values.items()},
            {factor: np.repeat(each[part], 6) for factor, each in series.flags.items()},
            None if series.oxygen is None else np.repeat(series.oxygen[part], 6),
            (),
        )
        first = start + timedelta(days=since)
        streams.append(_send(sender, fine, first, TEN_MINUTES, "2051", timedelta(seconds=5 + at % 20)))
    return History(merge(*streams, key=lambda record: record.received), marks)


@dataclass(frozen=True)
class _Series:
    values: dict[str, Numbers]
    flags: dict[str, np.ndarray[tuple[int], np.dtype[np.str_]]]
    oxygen: Numbers | None
    """What the values are converted by."""
    marks: tuple[Marked, ...]


def _make_series(sender: Sender, start: date, span: int, random: Generator) -> _Series:
    water = sender.point.kind == "water"
    series = (_make_water if water else _make_stack)(sender, start, span, random)
    _bring_near(series, sender, start)
    for trouble in sender.troubles:
        begin = max(span - trouble.ago, 0)
        part = slice(begin, min(begin + trouble.hours, span))
        chosen = [trouble.factor] if trouble.factor else list(series.values)
        for factor in chosen:
            values = series.values[factor]
            if trouble.kind == "missing":
                values[part] = np.nan
            elif trouble.kind == "maintained":
                series.flags[factor][part] = "M"
            elif trouble.kind == "flat":
                values[part] = values[part.start]
                series.flags[factor][part] = "N"
            elif factor in _limits(sender):
                wave = random.uniform(0.96, 1.04, part.stop - part.start)
                high = trouble.times * _limits(sender)[factor] * wave
                if series.oxygen is not None and sender.point.reference_oxygen is not None:
                    high = high * (21 - series.oxygen[part]) / (21 - sender.point.reference_oxygen)
                values[part] = np.round(high, 2)
                series.flags[factor][part] = "N"
    return series


def _bring_near(series: _Series, sender: Sender, start: date) -> None:
    """To the level of the plant that the same device has where it is simulated live: what follows goes on from here."""
    plant = place_plant(sender.device.mn, sender.point)
    if plant is None:
        return
    begin = datetime(start.year, start.month, start.day)
    some = [plant.measure(begin + at * timedelta(hours=5), 10).mean(axis=1) for at in range(_SAMPLES)]
    for factor, level in zip(plant.factors, np.mean(some, axis=0).tolist(), strict=True):
        if factor in series.values and factor != OXYGEN:
            usual = series.values[factor][series.flags[factor] == "N"]
            own = float(np.nanmedian(usual)) if np.isfinite(usual).any() else level
            series.values[factor] = np.round(series.values[factor] * (level / own), 2)


def _limits(sender: Sender) -> dict[str, float]:
    return {factor: most for factor, most, _ in sender.point.limits if most is not None}


def _make_stack(sender: Sender, start: date, span: int, random: Generator) -> _Series:
    (hours,) = make_hours(1, start, -(-span // 24), int(random.integers(1 << 30)))
    limits, usual = _limits(sender), hours.values[:, :span]
    flow, oxygen = usual[0], usual[1]
    values = {"a00000": flow.copy(), "a19001": oxygen.copy()}
    reference = sender.point.reference_oxygen
    for factor, limit in limits.items():
        row, modelled = _MODELLED.get(factor, (2, 50.0))
        scaled = usual[row] * limit / modelled
        if reference is None:
            scaled = scaled * 15 / (21 - np.clip(oxygen, 0, 20))
        values[factor] = np.round(scaled, 2)
    flags = {factor: np.full(span, "N") for factor in values}
    for each in flags.values():
        each[hours.stopped[:span]] = "F"
    for factor in limits:
        flagged = hours.flagged[2, :span] & ~hours.stopped[:span]
        flags[factor][flagged] = "C"
    return _Series(values, flags, None if reference is None else np.clip(oxygen, 0, 20), hours.marks)


def _make_water(sender: Sender, start: date, span: int, random: Generator) -> _Series:
    day = np.sin(np.arange(span) * np.pi / 12)
    values = {
        "w00000": np.round(random.uniform(20, 120) * (1 + 0.2 * day + random.normal(0, 0.04, span)), 1),
        "w01001": np.round(7.4 + 0.1 * day + random.normal(0, 0.05, span), 2),
    }
    for factor, limit in _limits(sender).items():
        if factor not in _WATER:
            level = limit * random.uniform(0.25, 0.5)
            values[factor] = np.round(level * np.exp(0.1 * day + random.normal(0, 0.06, span)), 2)
    return _Series(values, {factor: np.full(span, "N") for factor in values}, None, ())


def _refine(values: Numbers, random: Generator) -> Numbers:
    """Ten minutes each, from one hour's value towards the next; what is flat stays flat."""
    then = np.append(values[1:], values[-1])
    then = np.where(np.isnan(then), values, then)
    step = np.arange(6) / 6
    fine = values[:, None] * (1 - step) + then[:, None] * step
    moving = (values != then)[:, None]
    wave = np.exp(random.normal(0, 0.03, fine.shape))
    spread: Numbers = np.round(np.where(moving, fine * wave, fine), 2).reshape(-1).astype(np.float64)
    return spread


def _send(
    sender: Sender, series: _Series, start: date, step: timedelta, command: str, delay: timedelta
) -> Iterator[Record]:
    device, point = sender.device, sender.point
    begin = datetime(start.year, start.month, start.day)
    head = {"ST": "32" if point.kind == "water" else "31", "CN": command, "PW": device.password}
    limited = _limits(sender)
    reference = point.reference_oxygen
    count = len(next(iter(series.values.values())))
    rows = {factor: each.tolist() for factor, each in series.values.items()}
    flags = {factor: each.tolist() for factor, each in series.flags.items()}
    oxygen = None if series.oxygen is None else series.oxygen.tolist()
    peer = f"10.20.{sum(device.mn.encode()) % 250}.{len(device.mn)}:40212"
    for at in range(count):
        items = []
        for factor, values in rows.items():
            value = values[at]
            if value != value:
                continue
            form = _NUMBER.get(factor, ".2f")
            item = f"{factor}-Avg={value:{form}}"
            if reference is not None and oxygen is not None and factor in limited:
                item += f",{factor}-ZsAvg={value * (21 - reference) / (21 - oxygen[at]):.2f}"
            items.append(f"{item},{factor}-Flag={flags[factor][at]}")
        if not items:
            continue
        time = begin + at * step
        sent = time + step + delay
        header = {"QN": write_qn(sent), **head, "MN": device.mn, "Flag": "5"}
        raw = encode(header, f"DataTime={write_moment(time)};" + ";".join(items))
        received = (sent - CHINA - _EPOCH) // timedelta(microseconds=1)
        yield Record(received, device.mn, peer, "", raw.rstrip(b"\r\n"))
