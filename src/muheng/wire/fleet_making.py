"""A fleet put together: devices invented or listed, each with its plant, who is to exceed, and what is to go wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple, get_args

from muheng.documents.message import Refusal, say
from muheng.documents.spelling import offer
from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.plant import (
    ACIDITY,
    Plant,
    Trouble,
    TroubleKind,
    invent_plant,
    place_plant,
)
from muheng.monitoring.store.points import StoredPoint
from muheng.wire.fleet_faults import FAULTS
from muheng.wire.fleet_station import RETRY_SECONDS, Pace, Station

EXCEEDING = timedelta(hours=4)
"""So long before the present it begins, at most."""
_TROUBLED: Mapping[str, float] = {"none": 0, "few": 0.05, "many": 0.2}
"""The part of the plants that have a trouble of their own."""
_STRANGERS: Mapping[str, int] = {"none": 0, "few": 50, "many": 10}
"""One among so many devices is on no list, or has a wrong password."""
_FLAGS = ("M", "C", "F", "D")
_SHARES = ((2017, 60), (2025, 85), (2005, 100))
_WRONG_PASSWORD = "wrong!"


class Fault(NamedTuple):
    """Who exceeds, by MN or by point; which factor (empty: the first pollutant), how many times the limit."""

    whose: str
    factor: str = ""
    times: float = 1.6


def invent_devices(count: int, seed: int = 1) -> list[Device]:
    """Devices of all editions; the same for the same seed, and the first ones the same for any count."""
    return [_invent_device(number, seed) for number in range(1, count + 1)]


def _invent_device(number: int, seed: int) -> Device:
    digest = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()
    place = int(digest[:8], 16) % 100
    edition = next(edition for edition, below in _SHARES if place < below)
    mn = digest[:24].upper()
    key = bytes.fromhex(digest[32:64]) if edition == 2025 and place % 2 else None
    if edition == 2005:
        mn = f"{int(digest[:16], 16) % 10**14:014d}"
    return Device(mn, f"{int(digest[24:32], 16) % 10**6:06d}", str(number), edition, key, 60, 10)


def make_stations(
    devices: Iterable[Device],
    pace: Pace,
    *,
    plants: Mapping[str, Plant] | None = None,
    exceed: Sequence[Fault] = (),
    faults: str = "none",
    seed: int = 1,
    retry_seconds: float = RETRY_SECONDS,
    on_acknowledged: Callable[[str, bytes], None] | None = None,
) -> list[Station]:
    """One a device. ``faults`` is a name of FAULTS. Raises Refusal for somebody to exceed who is not there, or cannot."""
    listed = list(devices)
    own = {each.mn: (plants or {}).get(each.mn) or invent_plant(each.mn, seed) for each in listed}
    troubles = _find_exceeding(exceed, listed, own, pace)
    random = Random(seed)
    stations = []
    neighbour: Plant | None = None
    for device in listed:
        plant = own[device.mn]
        if device.mn in troubles:
            plant = replace(plant, troubles=troubles[device.mn])
        elif random.random() < _TROUBLED[faults]:
            plant = replace(plant, troubles=(_draw_trouble(random, pace),), neighbour=neighbour)
        neighbour = plant
        told = None if on_acknowledged is None else _bind(on_acknowledged, device.mn)
        stations.append(Station(device, plant, pace, FAULTS[faults], seed, retry_seconds, told))
    return stations


def make_strangers(
    devices: Sequence[Device], pace: Pace, faults: str, seed: int = 1, retry_seconds: float = RETRY_SECONDS
) -> list[Station]:
    """Whom no host should acknowledge: on no list, or with another's number and a wrong password."""
    if not _STRANGERS[faults]:
        return []
    count = max(len(devices) // _STRANGERS[faults], 2)
    unknown = invent_devices(count, seed + 1_000_003)
    listed = [
        device if number % 2 == 0 else replace(devices[number % len(devices)], password=_WRONG_PASSWORD)
        for number, device in enumerate(unknown)
    ]
    return [Station(each, invent_plant(each.mn, seed), pace, None, seed, retry_seconds) for each in listed]


def find_plants(
    devices: Iterable[Device], points: Mapping[str, StoredPoint], seed: int = 1
) -> dict[str, Plant]:
    """What the store says of the points: their kinds and limits. By MN; points of no known kind are left to chance."""
    found = {}
    for device in devices:
        point = points.get(device.point)
        plant = None if point is None else place_plant(device.mn, point, seed)
        if plant is not None:
            found[device.mn] = plant
    return found


def _bind(told: Callable[[str, bytes], None], mn: str) -> Callable[[bytes], None]:
    return lambda data: told(mn, data)


def _find_exceeding(
    exceed: Sequence[Fault], devices: Sequence[Device], plants: Mapping[str, Plant], pace: Pace
) -> dict[str, tuple[Trouble, ...]]:
    names = {each.mn: each.mn for each in devices} | {each.point: each.mn for each in devices if each.point}
    begin = max(pace.begin, _whole_hour(pace.start - EXCEEDING))
    found: dict[str, tuple[Trouble, ...]] = {}
    for fault in exceed:
        if fault.whose not in names:
            what = say("没有 MN 或点位是“{whose}”的设备。", whose=fault.whose)
            raise Refusal(what, offer(fault.whose, list(names)[:20]))
        mn = names[fault.whose]
        limited = [factor for factor, _ in plants[mn].limits]
        if fault.factor and fault.factor not in (*limited, ACIDITY):
            what = say("设备 {mn} 没有限值因子“{factor}”。", mn=mn, factor=fault.factor)
            raise Refusal(what, offer(fault.factor, limited))
        one = Trouble("exceed", begin, factor=fault.factor or limited[0], times=fault.times)
        found[mn] = (*found.get(mn, ()), one)
    return found


def _draw_trouble(random: Random, pace: Pace) -> Trouble:
    kind: TroubleKind = random.choice(get_args(TroubleKind))
    begin = _whole_hour(pace.begin) + timedelta(hours=random.randrange(0, 6))
    flag = random.choice(_FLAGS) if kind == "flag" else ""
    return Trouble(kind, begin, begin + timedelta(hours=random.randrange(2, 30)), flag=flag)


def _whole_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
