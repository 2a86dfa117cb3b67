"""The emergency list of a demo city: synthetic, from its synthetic enterprises; and a week of bad air to go with it.

The same pack, registry and seed give the same list. Nothing here is a real enterprise or a measured emission.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from math import exp
from random import Random
from typing import Any

from muheng.cities.demo.operations import Meter, Outlet, ProductionLine
from muheng.cities.demo.registry import DemoRegistry
from muheng.cities.pack import PACKS, Pack
from muheng.emergency.inventory.model import (
    Filed,
    Firm,
    Inventory,
    Level,
    Line,
    Mass,
    MeasureKind,
    Source,
    Transport,
)

_PARAMETERS = PACKS / "common" / "demo" / "emergency.toml"
_LEVELS: tuple[Level, ...] = ("yellow", "orange", "red")
_SPARED = ("A", "引领性")
_FILED_PARTS = {"B": (0, 300, 500), "B-": (0, 300, 500), "C": (300, 500, 1000), "D": (1000, 1000, 1000)}
"""What plans of one plant usually say, in thousandths; the rest as C."""


@dataclass(frozen=True)
class DemoDay:
    """A day's forecast or record: AQI and what makes it."""

    day: date
    aqi: int
    primary: str


def make_inventory(pack: Pack, registry: DemoRegistry, seed: int, season: str) -> Inventory:
    """The list of a city's enterprises that emit to the air."""
    parameters = tomllib.loads(_PARAMETERS.read_text("utf-8"))
    lines_of, meters_of, outlets_of = _by_firm(registry)
    contacts = {contact.code: contact for contact in reversed(registry.contacts)}
    places = {location.code: location for location in registry.locations}
    permits = {permit.code: permit.number for permit in registry.permits}
    firms, lines = [], []
    for row in registry.city.truth.sort("统一社会信用代码").iter_rows(named=True):
        code = row["统一社会信用代码"]
        kind = _kind_of(parameters, str(row["行业代码"]))
        running = [each for each in lines_of.get(code, ()) if each.state == "在产"]
        if kind is None or not running or row["状态"] == "在建" or row["营业收入"] is None:
            continue
        random = Random(f"{seed}/emergency/{code}")
        made = _lines(
            random, parameters, kind, row, running, meters_of.get(code, ()), outlets_of.get(code, ())
        )
        if not made:
            continue
        place, contact = places[code], contacts.get(code)
        grade = _grade(random, parameters, kind)
        guarantee, level = _guarantee(random, parameters, kind, grade)
        yearly = [sum(line.yearly[p] or 0 for line in made) for p in range(4)]
        firms.append(
            Firm(
                code=code,
                name=row["企业名称"],
                county=place.county,
                industry=str(row["行业代码"]),
                trade=str(kind.get("trade", "")),
                grade=grade,
                grade_until=date(registry.year + 2, 12, 31) if grade else None,
                guarantee=guarantee,
                guarantee_level=level,
                stopped=random.random() * 100 < parameters["long_stopped"],
                permit=permits.get(code, ""),
                permitted=_permitted(random, yearly) if code in permits else (None,) * 4,
                output=int(row["营业收入"] * 1_000_000 / 365),
                longitude=place.longitude,
                latitude=place.latitude,
                contact=contact.name if contact else "",
                phone=contact.mobile if contact else "",
            )
        )
        lines.extend(made)
    listed = tuple(firms)
    return Inventory(
        title=f"{pack.city.name}{season}年秋冬季重污染天气应急减排清单（演示）",
        firms=listed,
        lines=tuple(sorted(lines, key=lambda line: line.id)),
        filed=tuple(_filed(listed, lines)),
        transport=tuple(_transport(listed, seed)),
        base=_base(parameters["region"], listed, lines),
    )


def make_bad_week(seed: int, first: date) -> tuple[DemoDay, ...]:
    """Seven days with an episode in the middle: two days above 200 and days above 150 around them."""
    random = Random(f"{seed}/air/{first}")
    means = (96, 158, 187, 226, 213, 132, 78)
    return tuple(
        DemoDay(first + timedelta(days=i), mean + random.randint(-3, 3), "PM2.5")
        for i, mean in enumerate(means)
    )


def _by_firm(
    registry: DemoRegistry,
) -> tuple[dict[str, list[ProductionLine]], dict[str, list[Meter]], dict[str, list[Outlet]]]:
    lines: dict[str, list[ProductionLine]] = {}
    meters: dict[str, list[Meter]] = {}
    outlets: dict[str, list[Outlet]] = {}
    for line in registry.lines:
        lines.setdefault(line.code, []).append(line)
    for meter in registry.meters:
        if meter.medium == "电":
            meters.setdefault(meter.code, []).append(meter)
    for outlet in registry.outlets:
        if outlet.medium == "废气":
            outlets.setdefault(outlet.code, []).append(outlet)
    return lines, meters, outlets


def _kind_of(parameters: Mapping[str, Any], industry: str) -> Mapping[str, Any] | None:
    """The kind whose class is the longest beginning of the industry's code."""
    fitting = [
        (len(begin), kind)
        for kind in parameters["kind"]
        for begin in kind["classes"]
        if industry.startswith(begin)
    ]
    return max(fitting, key=lambda each: each[0])[1] if fitting else None


def _lines(
    random: Random,
    parameters: Mapping[str, Any],
    kind: Mapping[str, Any],
    row: Mapping[str, Any],
    running: Sequence[ProductionLine],
    meters: Sequence[Meter],
    outlets: Sequence[Outlet],
) -> list[Line]:
    """Each production line by its steps; what a step emits is its part of the kind's rate, with a wide spread."""
    code, revenue = row["统一社会信用代码"], float(row["营业收入"])
    spread = [exp(0.6 * random.gauss(0, 1)) for _ in range(4)]
    emitted = [rate * revenue * spread[p] for p, rate in enumerate(kind["rate"])]  # kg a year
    capacity = sum(line.capacity for line in running) or Decimal(1)
    made: list[Line] = []
    for line in running:
        share = float(line.capacity / capacity)
        days = random.choice(parameters["days"])
        first = len(made)
        for at, step in enumerate(kind["steps"]):
            yearly = [round(emitted[p] * share * step["parts"][p]) * 1000 for p in range(4)]
            if not any(yearly):
                continue
            day_loss = revenue * share * step["output"] * parameters["loss"] / 365 * 10_000 * 100  # fen
            made.append(
                Line(
                    id=f"{code}-{line.number}-{at + 1}",
                    firm=code,
                    name=f"{line.name}·{step['name']}",
                    product=line.product,
                    capacity=f"{line.capacity} {line.unit}",
                    step=step["name"],
                    equipment=step["name"],
                    fuel=step["fuel"],
                    control=step["control"],
                    days=days,
                    yearly=(yearly[0], yearly[1], yearly[2], yearly[3]),
                    daily=_daily(yearly, days),
                    continuous=bool(step.get("continuous", False)),
                    least_load=int(step.get("least_load", 0)),
                    stop_hours=int(step.get("stop_hours", 8)),
                    restart_hours=int(step.get("stop_hours", 8)) * 2,
                    meter=meters[at % len(meters)].number if meters else "",
                    outlet=outlets[at % len(outlets)].number if outlets else "",
                    stop_loss=round(day_loss / 10_000) * 10_000,
                    restart_cost=round(day_loss * parameters["restart"] / 10_000) * 10_000,
                    supply=str(kind.get("utility", "")),
                    supplied=max(1, round(revenue * share / 100)) if kind.get("utility") else 0,
                )
            )
            if step.get("serves"):
                served = tuple(each.id for each in made[first:-1])
                made[-1] = replace(made[-1], serves=served)
    return made


def _daily(yearly: Sequence[int], days: int) -> Mass:
    so2, nox, pm, voc = ((2 * amount + days) // (2 * days) for amount in yearly)
    return so2, nox, pm, voc


def _grade(random: Random, parameters: Mapping[str, Any], kind: Mapping[str, Any]) -> str:
    if not kind.get("trade"):
        return ""
    if kind.get("two_level"):
        return "引领性" if random.random() * 100 < parameters["leading"] else "非引领性"
    grades: Mapping[str, int] = parameters["grades"]
    return random.choices(list(grades), list(grades.values()))[0]


def _guarantee(
    random: Random, parameters: Mapping[str, Any], kind: Mapping[str, Any], grade: str
) -> tuple[str, Level | None]:
    if kind.get("utility"):
        return "民生保障", "red"
    drawn = random.random() * 100
    for name, share in parameters["guarantees"].items():
        if grade not in ("D", *_SPARED) and drawn < share:
            return name, "orange" if name == "绿色引领" else "red"
        drawn -= share
    return "", None


def _permitted(
    random: Random, yearly: Sequence[int]
) -> tuple[int | None, int | None, int | None, int | None]:
    so2, nox, pm, voc = (
        round(amount * random.uniform(1.1, 1.6) / 1000) * 1000 if amount else None for amount in yearly
    )
    return so2, nox, pm, voc


def _filed(firms: Sequence[Firm], lines: Sequence[Line]) -> list[Filed]:
    """What the plans of one plant say now: every enterprise of a grade alike, as lists that are made by hand do."""
    by_code = {firm.code: firm for firm in firms}
    made = []
    for line in sorted(lines, key=lambda line: line.id):
        firm = by_code[line.firm]
        if firm.grade in _SPARED or firm.stopped:
            continue
        for level, part in zip(_LEVELS, _FILED_PARTS.get(firm.grade, _FILED_PARTS["C"]), strict=True):
            reach = _LEVELS.index(firm.guarantee_level) if firm.guarantee_level else -1
            if _LEVELS.index(level) <= reach:
                continue
            if line.continuous or line.serves:
                part = min(part, 1000 - line.least_load) if line.continuous else 0
            if part:
                made.append(_filed_measure(line, level, part))
    return made


def _filed_measure(line: Line, level: Level, part: int) -> Filed:
    kind: MeasureKind = "停产" if part == 1000 else "限产"
    name = "停产" if part == 1000 else f"限产{part // 10}%"
    cut = tuple(amount * part // 1000 for amount in line.daily)
    text = (
        f"{line.equipment}停止运行"
        if part == 1000
        else f"{line.equipment}负荷不高于平日的{(1000 - part) // 10}%"
    )
    return Filed(
        line=line.id,
        level=level,
        name=name,
        kind=kind,
        part=part,
        cut=(cut[0], cut[1], cut[2], cut[3]),
        count_by="生产线计" if part == 1000 else "负荷计",
        evidence="用电" if line.meter else "台账",
        text=text,
    )


def _transport(firms: Sequence[Firm], seed: int) -> list[Transport]:
    made = []
    for firm in firms:
        lorries = (firm.output or 0) // 10_000_000  # one lorry for each 100,000 yuan of output
        if lorries < 10:
            continue
        random = Random(f"{seed}/lorries/{firm.code}")
        usual = int(lorries * random.uniform(0.8, 1.3))
        made.append(Transport(firm.code, usual, usual * 9 // 10, usual * 7 // 10, usual // 2, "国五"))
    return made


def _base(region: Mapping[str, Any], firms: Sequence[Firm], lines: Sequence[Line]) -> tuple[Source, ...]:
    """Every source of the region, as multiples of what the list emits."""
    stopped = {firm.code for firm in firms if firm.stopped}
    listed = [sum(line.daily[p] for line in lines if line.firm not in stopped) for p in range(4)]
    names = ("SO2", "NOx", "PM", "VOCs")

    def source(name: str, key: str) -> Source:
        given = region[key]
        emission = [round(given.get(each, 0) * amount) for each, amount in zip(names, listed, strict=True)]
        cuts = {
            level: _mass([amount * percent // 100 for amount in emission])
            for level, percent in zip(_LEVELS, given["cuts"], strict=True)
        }
        return Source(name, _mass(emission), cuts)

    industry = [amount + round(amount * more) for amount, more in zip(listed, region["outside"], strict=True)]
    return (
        Source("工业源", _mass(industry)),
        source("扬尘源", "dust"),
        source("移动源", "mobile"),
        source("其他源", "other"),
    )


def _mass(amounts: Sequence[int]) -> Mass:
    so2, nox, pm, voc = amounts
    return so2, nox, pm, voc
