"""Air quality index (AQI) of HJ 633, chosen by date, in exact arithmetic; limits of GB 3095 by date.

Concentrations are rounded by GB/T 8170 first (µg/m³ to whole numbers, CO in mg/m³ to one decimal); an individual index
is then a fraction, rounded up to a whole number. What an episode is and what it starts is not known here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from math import ceil
from typing import Any, Literal

from muheng.documents.message import Message, Refusal, say
from muheng.standards.rounding import round_gbt8170

Report = Literal["daily", "hourly"]
Average = Literal["year", "day", "hour"]

DAILY = ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3-8h")
"""24-hour means of the calendar day, and the day's largest 8-hour mean of O3."""
HOURLY = ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3")
STAND_INS = {"daily": ("O3-1h",), "hourly": ("SO2-24h",)}
"""What HJ 633-2012 takes instead where a concentration lies beyond the last limit."""

LEVELS: tuple[tuple[int, Message], ...] = (
    (50, say("优")),
    (100, say("良")),
    (150, say("轻度污染")),
    (200, say("中度污染")),
    (300, say("重度污染")),
    (500, say("严重污染")),
)
HIGHEST = 500


@dataclass(frozen=True)
class AirQuality:
    """The index of a day or an hour.

    ``iaqi``: individual index by pollutant, None where it is missing or not computed. ``aqi`` and ``level`` are None
    where the index may not be published; ``primary`` is empty up to 50. ``missing``: monitored, and no valid figure.
    """

    standard: str
    aqi: int | None
    level: Message | None
    primary: tuple[str, ...]
    iaqi: Mapping[str, int | None]
    missing: tuple[str, ...]

    def json(self, lang: Literal["zh", "en"] = "zh") -> dict[str, Any]:
        return {
            "aqi": self.aqi,
            "level": None if self.level is None else self.level.render(lang),
            "primary": list(self.primary),
            "iaqi": dict(self.iaqi),
            "standard": self.standard,
        }


@dataclass(frozen=True)
class Limit:
    """A limit of GB 3095, grade II: µg/m³, CO mg/m³."""

    standard: str
    value: Decimal


def assess(
    on: date,
    concentrations: Mapping[str, Decimal | Fraction | int | None],
    report: Report = "daily",
    unmonitored: Collection[str] = (),
) -> AirQuality:
    """The index of one report: means of the six pollutants, µg/m³ and CO mg/m³; None where there is no valid mean.

    ``unmonitored``: never monitored at this place (written “/”), and not counted as missing. HJ 633-2026 §5: an index
    with a pollutant missing is published only above 100. Raises Refusal: before 2012-02-29, unknown pollutant, negative.
    """
    rules = _rules(on)
    known = DAILY if report == "daily" else HOURLY
    for name, value in concentrations.items():
        if name not in (*known, *STAND_INS[report]):
            raise Refusal(
                say("不认得污染物“{name}”。", name=name), say("可用：{names}。", names="、".join(known))
            )
        if value is not None and value < 0:
            raise Refusal(
                say("{name} 的浓度是负数：{value}。", name=name, value=value), say("按无效数据处理，不要填。")
            )
    iaqi = {
        name: _individual(rules, report, name, concentrations) for name in known if name not in unmonitored
    }
    exact = {name: value for name, value in iaqi.items() if value is not None}
    missing = tuple(name for name, value in iaqi.items() if value is None)
    worst = max(exact.values(), default=None)
    aqi = None if worst is None else max(1, worst)
    if aqi is not None and missing and rules["withhold_incomplete"] and aqi <= 100:
        aqi = None
    primary = tuple(name for name, value in exact.items() if value == worst) if (aqi or 0) > 50 else ()
    return AirQuality(rules["standard"], aqi, None if aqi is None else level_of(aqi), primary, iaqi, missing)


def level_of(aqi: int) -> Message:
    """The name of the level of an index. Raises ValueError outside of 0 to 500."""
    if not 0 <= aqi <= HIGHEST:
        raise ValueError(aqi)
    return next(name for top, name in LEVELS if aqi <= top)


def limit_of(on: date, pollutant: str, average: Average) -> Limit | None:
    """The limit of GB 3095, grade II, in force on a day; None where the standard has none."""
    for period in _read("gb-3095.toml")["period"]:
        if period["from"] <= on and ("until" not in period or on < period["until"]):
            value = period[average].get(pollutant)
            return None if value is None else Limit(period["standard"], Decimal(value))
    return None


def _individual(
    rules: Mapping[str, Any],
    report: Report,
    name: str,
    concentrations: Mapping[str, Decimal | Fraction | int | None],
) -> int | None:
    value = concentrations.get(name)
    if value is None:
        return None
    rounded = _rounded(name, value)
    points = rules[report][name]
    if rounded > points[-1]:
        return _beyond(rules, name, points, concentrations)
    return _interpolate(rules["index"], points, rounded)


def _beyond(
    rules: Mapping[str, Any],
    name: str,
    points: list[int],
    concentrations: Mapping[str, Decimal | Fraction | int | None],
) -> int | None:
    """The index above the last limit: 500 where the table ends there, otherwise as the edition says."""
    if len(points) == len(rules["index"]):
        return HIGHEST
    instead = rules["beyond"][name]
    if isinstance(instead, int):
        return instead
    value = concentrations.get(instead)
    if value is None:
        return None
    pollutant, other = instead.split("-")
    points = rules["daily"][pollutant] if other == "24h" else rules["hourly"][pollutant]
    rounded = _rounded(pollutant, value)
    return HIGHEST if rounded > points[-1] else _interpolate(rules["index"], points, rounded)


def _interpolate(index: list[int], points: list[int], value: Fraction) -> int:
    at = next(number for number in range(1, len(points)) if value <= points[number])
    low, high = points[at - 1], points[at]
    return ceil(Fraction(index[at] - index[at - 1], high - low) * (value - low) + index[at - 1])


def _rounded(name: str, value: Decimal | Fraction | int) -> Fraction:
    digits = 1 if name == "CO" else 0
    return Fraction(round_gbt8170(Fraction(value), digits), 10**digits)


def _rules(on: date) -> Mapping[str, Any]:
    editions = [_read(name) for name in ("hj-633-2012.toml", "hj-633-2026.toml")]
    for rules in editions:
        if rules["from"] <= on and ("until" not in rules or on < rules["until"]):
            return rules
    first = min(rules["from"] for rules in editions)
    raise Refusal(say("{on} 还没有空气质量指数（AQI）。", on=on), say("HJ 633 从 {first} 起。", first=first))


@cache
def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads(files("muheng.standards").joinpath("data", "air", name).read_text(encoding="utf-8"))
