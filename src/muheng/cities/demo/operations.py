"""How enterprises produce and what they may discharge: lines, outlets, permits, meters, contacts.

What is permitted in the demo's year adds up to the 核定量 of the figures. Persons and telephone numbers are
made up and recognisable as such; periods are half-open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from muheng.cities.demo.enterprises import Enterprise
from muheng.cities.demo.figures import Figures
from muheng.cities.demo.parcels import RegisteredParcel, inside
from muheng.cities.demo.places import Point
from muheng.cities.demo.records import Record
from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import format_diagnostics
from muheng.documents.schema import Number, validate
from muheng.documents.toml_file import read_toml

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "安平和远宁静嘉佳文思明晓春秋雨雪林云川石青松柏兰竹"
_POSTS = ("法定代表人", "环保负责人", "能源管理员", "统计员")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LineForm(_Strict):
    name: str
    product: str
    unit: str
    price: Number


class ProcessForm(_Strict):
    name: str
    pollutant: str
    limit: Number
    height: Number


class Operation(_Strict):
    """How an industry produces; waste is t per 万元 of value added."""

    id: str
    lines: tuple[LineForm, ...] = Field(min_length=1)
    combustion: str
    process: tuple[ProcessForm, ...] = Field(min_length=1)
    general: float
    hazardous: float
    key: bool


class Operations(_Strict):
    combustion_limits: dict[str, Number]
    water_limits: dict[str, Number]
    operation: tuple[Operation, ...]

    def of(self, e: Enterprise) -> Operation:
        return next(operation for operation in self.operation if operation.id == e.industry.id)


@dataclass(frozen=True)
class ProductionLine:
    """`capacity` in `unit`; `since` when it is in this state."""

    code: str
    number: str
    name: str
    product: str
    capacity: Decimal
    unit: str
    state: Literal["在产", "停产", "在建", "已拆除"]
    since: date


@dataclass(frozen=True)
class Permit:
    """A 排污许可证. Wastes are the most that may arise in a year, in t."""

    code: str
    number: str
    management: Literal["重点管理", "简化管理"]
    start: date
    end: date
    issuer: str
    hazardous_waste: Decimal
    general_waste: Decimal


@dataclass(frozen=True)
class PollutantLimit:
    """`limit` is a concentration in `unit`; `permitted` t a year, None where only the concentration is limited."""

    pollutant: str
    limit: Decimal | None
    unit: Literal["mg/m³", "mg/L"]
    permitted: Decimal | None


@dataclass(frozen=True)
class Outlet:
    """An outlet of a permit. `line` is the number of the production line it serves; `height` is m."""

    code: str
    number: str
    medium: Literal["废气", "废水"]
    name: str
    line: str | None
    limits: tuple[PollutantLimit, ...]
    height: Decimal | None
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Meter:
    """`code` holds the account; `shares` say how a shared meter is split, in %, and are empty otherwise."""

    number: str
    medium: Literal["电", "水"]
    code: str
    nature: str
    shares: tuple[tuple[str, Decimal], ...]
    used: Decimal
    unit: str


@dataclass(frozen=True)
class Contact:
    code: str
    name: str
    post: str
    phone: str
    mobile: str


def read_operations() -> Operations:
    """Raises ValueError when the file has mistakes."""
    path = PACKS / "common" / "demo" / "operations.toml"
    file, found = read_toml(path, "/".join(path.parts[-3:]))
    operations = None
    if file is not None:
        operations, mistakes = validate(file, Operations)
        found += mistakes
    if operations is None:
        raise ValueError(format_diagnostics(found))
    return operations


def make_lines(
    enterprises: Sequence[Enterprise], operations: Operations, seed: int, year: int
) -> tuple[ProductionLine, ...]:
    """Lines by code and number; their capacities are what the revenue needs, and some to spare."""
    lines = []
    for e in sorted(enterprises, key=lambda e: e.code):
        random = Random(f"{seed}/lines/{e.code}")
        forms = operations.of(e).lines
        count = min(1 if e.scale == "规下" else 2 if e.revenue < 30000 else 3, len(forms) + 1)
        begun = e.started or e.registered
        for at in range(count):
            form = forms[at % len(forms)]
            share = Decimal(str(round(random.uniform(1.1, 1.7) / count, 4)))
            state: Literal["在产", "停产", "在建", "已拆除"] = "在产"
            since = begun + timedelta(days=random.randint(0, 60) + 300 * at)
            if e.status == "在建":
                state, since = "在建", e.registered + timedelta(days=random.randint(60, 200))
            elif e.status == "停产":
                state, since = "停产", date(year - random.randint(1, 3), random.randint(1, 12), 15)
            elif at and random.random() < 0.12:
                state = random.choice(("停产", "已拆除"))
                since = date(year - random.randint(0, 3), random.randint(1, 12), 10)
            capacity = _two_digits(Decimal(round(e.revenue, 2)) * share / form.price)
            name = form.name if at < len(forms) else f"{form.name}（二期）"
            since = max(since, e.registered)
            lines.append(
                ProductionLine(
                    e.code, f"SX{at + 1:02d}", name, form.product, capacity, form.unit, state, since
                )
            )
    return tuple(lines)


def make_permits(
    enterprises: Sequence[Enterprise],
    figures: Mapping[str, Figures],
    operations: Operations,
    seed: int,
    year: int,
) -> tuple[Permit, ...]:
    """A permit for everyone who has emissions on record, in force at the end of the year."""
    permits = []
    for e in sorted(enterprises, key=lambda e: e.code):
        if figures[e.code]["主要污染物排放量"] is None:
            continue
        random = Random(f"{seed}/permit/{e.code}")
        operation = operations.of(e)
        first = max(e.registered + timedelta(days=60), date(year - 4, 3, 1))
        start = first + timedelta(days=random.randint(0, max((date(year, 11, 1) - first).days, 0)))
        start = start.replace(day=min(start.day, 28))
        value_added = float(figures[e.code]["工业增加值"] or 0)
        room = random.uniform(1.3, 1.8)
        permits.append(
            Permit(
                code=e.code,
                number=f"{e.code}001V",
                management="重点管理" if operation.key and e.scale == "规上" else "简化管理",
                start=start,
                end=start.replace(year=start.year + 5),
                issuer="生态环境局（演示）",
                hazardous_waste=_round(value_added * operation.hazardous * room + 0.05, 2),
                general_waste=_round(value_added * operation.general * room + 1, 0),
            )
        )
    return tuple(permits)


def make_outlets(
    enterprises: Sequence[Enterprise],
    figures: Mapping[str, Figures],
    permits: Sequence[Permit],
    lines: Sequence[ProductionLine],
    parcels: Sequence[RegisteredParcel],
    points: Mapping[str, Point],
    operations: Operations,
    seed: int,
) -> tuple[Outlet, ...]:
    """Outlets of every permit, on the holder's land; elsewhere at its point on the map."""
    land: dict[str, RegisteredParcel] = {}
    for parcel in parcels:
        if parcel.code and (parcel.code not in land or parcel.area > land[parcel.code].area):
            land[parcel.code] = parcel
    lines_of: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        lines_of[line.code].append(line.number)
    by_code = {e.code: e for e in enterprises}
    outlets = []
    for permit in permits:
        e, of = by_code[permit.code], figures[permit.code]
        random = Random(f"{seed}/outlets/{e.code}")
        operation, ring = operations.of(e), land.get(e.code)

        def point(random: Random = random, ring: RegisteredParcel | None = ring, code: str = e.code) -> Point:
            return inside(ring.ring, random) if ring is not None else points[code]

        air = 0
        burned = {p: of[f"{p}核定量"] for p in ("二氧化硫", "氮氧化物") if of[f"{p}核定量"] is not None}
        numbers = lines_of[e.code]
        if burned:
            count = 2 if e.scale == "规上" and e.revenue > 30000 else 1
            for at in range(count):
                air += 1
                limits = [PollutantLimit("颗粒物", operations.combustion_limits["颗粒物"], "mg/m³", None)]
                for pollutant, total in burned.items():
                    part = _part(total or Decimal(0), at, count)
                    limit = operations.combustion_limits[pollutant]
                    limits.append(PollutantLimit(pollutant, limit, "mg/m³", part))
                name = operation.combustion if count == 1 else f"{at + 1}号{operation.combustion}"
                height = Decimal(random.choice((15, 20, 25, 30, 45)))
                place = point()
                outlets.append(
                    Outlet(
                        e.code, f"DA{air:03d}", "废气", name, numbers[at % len(numbers)], tuple(limits),
                        height, *place,
                    )
                )  # fmt: skip
        for at, form in enumerate(operation.process):
            if e.scale == "规下" and at:
                continue
            air += 1
            permitted = _round(float(e.revenue) * random.uniform(0.00002, 0.0001) + 0.01, 3)
            limit_of = (PollutantLimit(form.pollutant, form.limit, "mg/m³", permitted),)
            served = numbers[at % len(numbers)]
            place = point()
            outlets.append(
                Outlet(e.code, f"DA{air:03d}", "废气", form.name, served, limit_of, form.height, *place)
            )
        water = tuple(
            PollutantLimit(pollutant, operations.water_limits[pollutant], "mg/L", of[f"{pollutant}核定量"])
            for pollutant in ("COD", "氨氮")
        )
        outlets.append(Outlet(e.code, "DW001", "废水", "废水总排口", None, water, None, *point()))
    return tuple(outlets)


def list_meters(
    power: Sequence[Record], shares: Sequence[Record], water: Sequence[Record]
) -> tuple[Meter, ...]:
    """The meters of the power and water sheets, before the sheets were damaged."""
    split: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for record in shares:
        split[str(record.values["户号"])].append((record.code or "", _decimal(record, "比例")))
    meters = [
        Meter(
            number=str(record.values["户号"]),
            medium="电",
            code=record.code or "",
            nature=str(record.values["性质"]),
            shares=tuple(split.get(str(record.values["户号"]), ())),
            used=_decimal(record, "用电量"),
            unit="万kWh",
        )
        for record in power
    ]
    meters += [
        Meter(
            str(record.values["户号"]),
            "水",
            record.code or "",
            "自来水",
            (),
            _decimal(record, "用水量"),
            "万m³",
        )
        for record in water
    ]
    return tuple(sorted(meters, key=lambda meter: (meter.code, meter.medium, meter.number)))


def make_contacts(enterprises: Sequence[Enterprise], area_code: str, seed: int) -> tuple[Contact, ...]:
    """The legal person of each, and of the larger ones those who fill in forms."""
    contacts = []
    for e in sorted(enterprises, key=lambda e: e.code):
        random = Random(f"{seed}/contacts/{e.code}")
        for post in _POSTS if e.scale == "规上" else _POSTS[:2]:
            name = make_name(random)
            phone, mobile = (
                f"{area_code}-555{random.randint(0, 9999):04d}",
                f"13800000{random.randint(0, 999):03d}",
            )
            contacts.append(Contact(e.code, name, post, phone, mobile))
    return tuple(contacts)


def make_name(random: Random) -> str:
    """A person's name, made up."""
    return random.choice(_SURNAMES) + "".join(random.sample(_GIVEN, random.choice((1, 2, 2))))


def _part(total: Decimal, at: int, count: int) -> Decimal:
    """The parts add up to the total."""
    first = (total / count).quantize(Decimal("0.001"))
    return total - first * (count - 1) if at == 0 else first


def _two_digits(value: Decimal) -> Decimal:
    """A capacity as a permit gives it: round, at least 1."""
    return max(value.quantize(Decimal(1).scaleb(value.adjusted() - 1)).quantize(Decimal(1)), Decimal(1))


def _round(value: float, digits: int) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-digits))


def _decimal(record: Record, name: str) -> Decimal:
    value = record.values[name]
    if not isinstance(value, Decimal):
        raise TypeError(f"{name} of {record.code} is not a number")
    return value
