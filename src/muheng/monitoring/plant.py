"""What comes out of an invented plant, minute by minute: the same for the same seed at any moment, so that nothing need be kept.

For simulated devices. A plant is sound but for its troubles. Shapes are plain: load by the hour of the day, slow noise, a
calibration once a week. Concentrations as measured; what they are at the reference oxygen is worked out beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import tau
from typing import Literal, get_args
from zlib import crc32

import numpy as np
from numpy.random import Generator, default_rng

from muheng.monitoring.judgement.runs import Hold, Numbers
from muheng.monitoring.store.points import StoredPoint

FLOW, OXYGEN, SPEED, HEAT, WET = "a00000", "a19001", "a01011", "a01012", "a01014"
NOX, SO2, DUST = "a21002", "a21026", "a34013"
WATER_FLOW, ACIDITY = "w00000", "w01001"
_FLOWS = (FLOW, WATER_FLOW)
Kind = Literal["stack", "incinerator", "dust", "water"]
LIMITS: dict[Kind, tuple[tuple[str, float], ...]] = {
    "stack": ((SO2, 35.0), (NOX, 50.0), (DUST, 10.0)),
    "incinerator": (
        (SO2, 100.0),
        (NOX, 300.0),
        (DUST, 30.0),
        ("a21024", 60.0),
        ("a21005", 100.0),
    ),
    "dust": (("a34001", 0.5), ("a34002", 0.15)),
    "water": (("w01018", 50.0), ("w21003", 5.0), ("w21011", 0.5), ("w21001", 15.0)),
}
"""Where a plant is given none; examples."""
REFERENCE_OXYGEN: dict[Kind, float | None] = {
    "stack": 6.0,
    "incinerator": 11.0,
    "dust": None,
    "water": None,
}
"""Examples too."""
SYSTEMS: dict[Kind, str] = {"stack": "31", "incinerator": "31", "dust": "39", "water": "32"}
"""ST."""
_BESIDE: dict[Kind, tuple[str, ...]] = {
    "stack": (OXYGEN, FLOW, SPEED, HEAT, WET),
    "incinerator": (OXYGEN, FLOW, SPEED, HEAT, WET),
    "dust": ("a01001", "a01002", "a01007"),
    "water": (ACIDITY, WATER_FLOW),
}
"""What is measured beside pollutants."""
TroubleKind = Literal["exceed", "flat", "clipped", "copied", "missing", "flag"]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
_AIR, _STANDSTILL = 21.0, 20.5
"""Oxygen, per cent: of the formula, and in a stack through which air comes."""
_EPOCH = datetime(2000, 1, 1)
_WEEK = 168
_CALIBRATION = 20
"""Minutes."""
_VALID_PART = 0.75
"""An interval whose flag says otherwise than most of it: the standard's 45 minutes of an hour."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong, from ``begin`` until ``end`` (None: from then on).

    ``factor`` empty: the first pollutant; all of them where data are missing or flagged. ``times``: how far over the limit.
    """

    kind: TroubleKind
    begin: datetime
    end: datetime | None = None
    factor: str = ""
    times: float = 1.6
    flag: str = ""


@dataclass(frozen=True, eq=False)
class Plant:
    """``neighbour``: whose values are copied, where that is among the troubles."""

    kind: Kind
    seed: int
    limits: tuple[tuple[str, float], ...]
    reference_oxygen: float | None = None
    troubles: tuple[Trouble, ...] = ()
    neighbour: Plant | None = None
    _kept: dict[int, Numbers] = field(default_factory=dict, init=False, repr=False)
    """The last hours asked for: minutes come one after the other."""

    @property
    def factors(self) -> tuple[str, ...]:
        """All that is measured, pollutants first."""
        limited = [factor for factor, _ in self.limits]
        return (*limited, *(factor for factor in _BESIDE[self.kind] if factor not in limited))

    def list_flags(self, factor: str, begin: datetime, count: int) -> list[str]:
        """Of each minute."""
        flags = ["N"] * count
        if not self.troubles and any(factor == name for name, _ in self.limits):
            first, past = divmod(begin - _EPOCH, HOUR)
            for hour in range(first, first + count // 60 + 2):
                if (hour + self.seed) % _WEEK == 0:
                    start = (hour - first) * 60 - past // MINUTE
                    for at in range(max(start, 0), min(start + _CALIBRATION, count)):
                        flags[at] = "C"
        for trouble in self.troubles:
            if trouble.kind == "flag" and trouble.factor in ("", factor):
                for at in range(count):
                    if _holds(trouble, begin + at * MINUTE):
                        flags[at] = trouble.flag
        return flags

    def measure(self, begin: datetime, count: int) -> Numbers:
        """Values of so many minutes from a whole minute on, row by row as ``factors``; NaN where there are none."""
        return np.concatenate(list(self._cut(begin, count)), axis=1)

    def _cut(self, begin: datetime, count: int) -> Iterator[Numbers]:
        while count > 0:
            hour, past = divmod(begin - _EPOCH, HOUR)
            first = past // MINUTE
            some = min(count, 60 - first)
            yield self._hour(hour)[:, first : first + some]
            begin, count = begin + some * MINUTE, count - some

    def _hour(self, hour: int) -> Numbers:
        if (found := self._kept.get(hour)) is None:
            found = self._spoil(_make_hour(self, hour), _EPOCH + hour * HOUR)
            if len(self._kept) > 1:
                del self._kept[next(iter(self._kept))]
            self._kept[hour] = found
        return found

    def _spoil(self, sound: Numbers, begin: datetime) -> Numbers:
        spoiled = sound
        for trouble in self.troubles:
            held = [at for at in range(60) if _holds(trouble, begin + at * MINUTE)]
            if held:
                part = slice(held[0], held[-1] + 1)
                spoiled = sound.copy() if spoiled is sound else spoiled
                self._do(trouble, sound, spoiled, part, begin)
        return spoiled

    def _do(self, trouble: Trouble, sound: Numbers, spoiled: Numbers, part: slice, begin: datetime) -> None:
        wanted = trouble.factor or self.limits[0][0]
        row = self.factors.index(wanted) if wanted in self.factors else 0
        limit = dict(self.limits).get(wanted)
        if trouble.kind == "missing":
            spoiled[row if trouble.factor else slice(None), part] = np.nan
        elif trouble.kind == "flag" and trouble.flag == "F":
            spoiled[:, part] *= 0.01
            if OXYGEN in self.factors:
                spoiled[self.factors.index(OXYGEN), part] = _STANDSTILL
        elif trouble.kind == "flat":
            hour, past = divmod(trouble.begin - _EPOCH, HOUR)
            spoiled[row, part] = _make_hour(self, hour)[row, past // MINUTE]
        elif trouble.kind == "copied" and self.neighbour is not None:
            hour = (begin - _EPOCH) // HOUR
            theirs = self.neighbour.factors
            if wanted in theirs:
                spoiled[row, part] = self.neighbour._hour(hour)[theirs.index(wanted), part]
        elif trouble.kind in ("exceed", "clipped"):
            if wanted == ACIDITY:
                spoiled[row, part] = sound[row, part] + 2.0
            if limit is not None:
                # It still sways, in a small measure, as it did within the limit.
                sway = np.clip(sound[row, part] / limit - 0.4, -0.2, 0.2)
                high = trouble.times * limit * (1 + 0.3 * sway)
                if trouble.kind == "clipped":
                    high = limit * (1 - 0.15 * (0.2 - sway) / 2)
                spoiled[row, part] = np.round(high / self._converting(sound)[part], 2)

    def convert(self, values: Numbers) -> Numbers | None:
        """Values of the pollutants at the reference oxygen; None where there is none."""
        if self.reference_oxygen is None:
            return None
        converted: Numbers = values[: len(self.limits)] * self._converting(values)
        return converted

    def _converting(self, values: Numbers) -> Numbers:
        if self.reference_oxygen is None:
            return np.ones(values.shape[1])
        oxygen = values[self.factors.index(OXYGEN)]
        factor: Numbers = (_AIR - self.reference_oxygen) / (_AIR - oxygen)
        return factor


def _holds(trouble: Trouble, moment: datetime) -> bool:
    return trouble.begin <= moment and (trouble.end is None or moment < trouble.end)


_KINDS: tuple[Kind, ...] = ("stack", "water", "stack", "incinerator", "stack", "water", "stack", "dust")


def invent_plant(mark: str, seed: int = 1) -> Plant:
    """The plant of a device of which nothing is known but its number."""
    own = crc32(mark.encode(), seed)
    kind: Kind = _KINDS[own % len(_KINDS)]
    return Plant(kind, own, LIMITS[kind], REFERENCE_OXYGEN[kind])


def place_plant(mark: str, point: StoredPoint, seed: int = 1) -> Plant | None:
    """The plant of a device at a point, by what is known of it; None for a kind that is not simulated."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    if point.kind not in kinds:
        return None
    kind = kinds[kinds.index(point.kind)]
    limits = tuple((factor, most) for factor, most, _ in point.limits if most and factor != ACIDITY)
    oxygen = point.reference_oxygen if REFERENCE_OXYGEN[kind] is not None else None
    return Plant(kind, crc32(mark.encode(), seed), limits or LIMITS[kind], oxygen)


# -- an hour ---------------------------------------------------------------------------------------------------------


def _make_hour(plant: Plant, hour: int) -> Numbers:
    """Sixty minutes of a sound plant, between this hour's level and the next one's."""
    names = plant.factors
    character = default_rng([plant.seed, 1])
    random = default_rng([plant.seed, 2, hour])
    now, then = (_level(plant.seed, at, len(names) + 1) for at in (hour, hour + 1))
    minute = np.arange(60)
    blend = (1 - np.cos(minute * np.pi / 60)) / 2
    slow = now[:, None] * (1 - blend) + then[:, None] * blend
    load = 1 + 0.12 * np.sin((hour + minute / 60 + plant.seed % 24) * tau / 24) + 0.06 * slow[-1]
    load = np.clip(load, 0.5, 1.5)
    quick = random.standard_normal((len(names), 60))
    values = np.empty((len(names), 60))
    oxygen = np.full(60, np.nan)
    for row, name in reversed(list(enumerate(names))):
        wave = slow[row] + 0.25 * quick[row]
        values[row] = _shape(plant, name, wave, load, oxygen, character)
        if name == OXYGEN:
            oxygen = values[row]
    return values


def _level(seed: int, hour: int, count: int) -> Numbers:
    """Where the hour begins: of its own, and of the four hours around it."""
    own = default_rng([seed, 3, hour]).standard_normal(count)
    span, past = divmod(hour, 4)
    before, after = (default_rng([seed, 4, at]).standard_normal(count) for at in (span, span + 1))
    level: Numbers = 0.5 * own + (before * (4 - past) + after * past) / 4
    return level


def _shape(
    plant: Plant, name: str, wave: Numbers, load: Numbers, oxygen: Numbers, character: Generator
) -> Numbers:
    share = character.random()
    values: Numbers
    match name:
        case "a00000":
            values, digits = load * 10 ** (4.3 + 1.2 * share) * (1 + 0.01 * wave), 0
        case "a19001":
            usual = plant.reference_oxygen or 6.0
            values, digits = usual - 1 + 3 * share - 1.5 * (load - 1) + 0.2 * wave, 2
        case "a01011":
            values, digits = load * (6 + 8 * share) * (1 + 0.01 * wave), 2
        case "a01012":
            values, digits = 80 + 60 * share + 8 * (load - 1) + wave, 1
        case "a01014":
            values, digits = 6 + 5 * share + 0.2 * wave, 1
        case "a01001":
            values, digits = 15 + 10 * share + 5 * (load - 1) + wave, 1
        case "a01002":
            values, digits = 55 + 10 * share + 2 * wave, 1
        case "a01007":
            values, digits = np.abs(2 + share + 0.5 * wave), 1
        case "w00000":
            # Cubic metres an hour, as most devices send it.
            values, digits = load * 10 ** (0.6 + 1.2 * share) * (1 + 0.02 * wave), 1
        case "w01001":
            values, digits = 7 + 0.6 * share + 0.06 * wave, 2
        case _:
            limit = dict(plant.limits)[name]
            digits = 2 if limit >= 2 else 3
            values = limit * (0.25 + 0.25 * share) * np.exp(0.12 * wave) * load**0.5
            if plant.reference_oxygen is not None:
                values = values * (_AIR - oxygen) / (_AIR - plant.reference_oxygen)
    return np.round(values, digits)


# -- an interval -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """Of one factor over an interval. ``total``: cubic metres of a flow, kilograms of a pollutant."""

    mean: float
    least: float
    most: float
    flag: str
    total: float | None = None
    converted: tuple[float, float, float] | None = None
    """Mean, least, most at the reference oxygen."""


def summarise(plant: Plant, begin: datetime, minutes: int) -> dict[str, Summary]:
    """Every factor of which there is anything. Means are of the minutes that count, of all where hardly any do."""
    values = plant.measure(begin, minutes)
    converted = plant.convert(values)
    factors = plant.factors
    flags = [plant.list_flags(factor, begin, minutes) for factor in factors]
    counted = np.isfinite(values)
    signs = ["N"] * len(factors)
    for row, own in enumerate(flags):
        if own.count("N") < minutes or not counted[row].all():
            signs[row] = _choose_minutes(counted[row], own)
    totals = _add_up(plant, values)
    means = _describe(values, counted)
    at_oxygen = {} if converted is None else _describe(converted, counted[: len(converted)])
    return {
        factors[row]: Summary(*three, signs[row], totals.get(row), at_oxygen.get(row))
        for row, three in means.items()
    }


def _choose_minutes(counted: Hold, flags: list[str]) -> str:
    """The flag of the interval; ``counted`` keeps only good minutes, where there are enough of them."""
    good = counted & (np.array(flags) == "N")
    others = [flag for flag, there in zip(flags, counted, strict=True) if there and flag != "N"]
    if good.sum() >= _VALID_PART * len(flags):
        counted &= good
        return "N"
    return max(sorted(set(others)), key=others.count) if others else "N"


def _describe(values: Numbers, counted: Hold) -> dict[int, tuple[float, float, float]]:
    """Mean, least, most of the rows of which there is anything."""
    if counted.all():
        rows = np.arange(len(values))
        found = values.mean(axis=1), values.min(axis=1), values.max(axis=1)
    else:
        rows = np.flatnonzero(counted.any(axis=1))
        kept = np.where(counted[rows], values[rows], np.nan)
        found = np.nanmean(kept, axis=1), np.nanmin(kept, axis=1), np.nanmax(kept, axis=1)
    return dict(zip(rows.tolist(), zip(*(each.tolist() for each in found), strict=True), strict=True))


def _add_up(plant: Plant, values: Numbers) -> dict[int, float]:
    """Cubic metres and kilograms, by row."""
    row = next((plant.factors.index(each) for each in _FLOWS if each in plant.factors), None)
    if row is None:
        return {}
    flow = values[row]
    gram = 1e-6 if plant.kind != "water" else 1e-3
    amounts = np.nansum(values[: len(plant.limits)] * flow, axis=1) * gram / 60
    return {row: float(np.nansum(flow)) / 60, **dict(enumerate(amounts.tolist()))}
