"""The parcels of the land register on the map, what became of each over the years, and who rents from whom.

Areas and owners are those of `land`; shapes, places and histories are synthetic. Periods are half-open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

from muheng.cities.demo.blocks import Blocks, lay_blocks
from muheng.cities.demo.enterprises import Enterprise
from muheng.cities.demo.figures import Figures
from muheng.cities.demo.land import Land, Parcel
from muheng.cities.demo.places import Centres, Plane, Ring, Site, Spot, middle_of, site_plane, spread

State = Literal["在用", "闲置", "低效", "已腾退", "已盘活"]

_RESERVED = 36
"""Parcels without an enterprise: cleared land that waits for a project."""


@dataclass(frozen=True)
class ParcelState:
    """One state of a parcel from `start` until the day before `end`."""

    state: State
    start: date
    end: date | None
    source: str


@dataclass(frozen=True)
class RegisteredParcel:
    """A parcel, or an enterprise's `part` of one that several stand on. `area` is m²; `park` a short name.

    Land in reserve (收储) has no `code` and no `certificate`.
    """

    number: str
    part: int
    certificate: str
    code: str | None
    area: int
    use: str
    place: str
    county: str
    township: str
    park: str | None
    ring: Ring
    states: tuple[ParcelState, ...]

    def geojson(self) -> dict[str, Any]:
        return {"type": "Polygon", "coordinates": [[list(point) for point in self.ring]]}


@dataclass(frozen=True)
class RegisteredLease:
    """A contract; a party that is no enterprise of the city has a name only. `area` is 亩."""

    lessor: str | None
    lessor_name: str
    tenant: str | None
    tenant_name: str
    area: Decimal
    start: date
    end: date


@dataclass(frozen=True)
class Location:
    """Where an enterprise is, and who stands for it. `parks` are short names."""

    code: str
    county: str
    township: str
    parks: tuple[str, ...]
    longitude: float
    latitude: float
    address: str
    registered: date
    legal_person: str


@dataclass(frozen=True)
class Ground:
    """The laid-out city: its sites by name, their blocks, and the plane that sites are measured in."""

    plane: Plane
    sites: dict[str, Site]
    blocks: dict[str, Blocks]


@dataclass(frozen=True)
class _Plot:
    """A parcel before it has a place; `row` is its row in the land register, None for reserved land."""

    site: str
    area: int
    row: Parcel | None


def place_parcels(
    enterprises: Sequence[Enterprise],
    figures: Mapping[str, Figures],
    land: Land,
    spots: Mapping[str, Spot],
    seed: int,
    year: int,
) -> tuple[tuple[RegisteredParcel, ...], Ground]:
    """Every parcel of the enterprises in `figures` with its polygon and states, then the reserved ones."""
    random = Random(f"{seed}/parcels")
    plots = _plots(random, land, spots)
    of_site: dict[str, list[int]] = defaultdict(list)
    for at, plot in enumerate(plots):
        of_site[plot.site].append(at)
    blocks = {
        name: lay_blocks([plots[at].area for at in of_site[name]], Random(f"{seed}/blocks/{name}"))
        for name in spots
    }
    plane = middle_of(spots)
    sites = spread(spots, {name: laid.radius for name, laid in blocks.items()}, plane)
    rings: dict[int, Ring] = {}
    for name, laid in blocks.items():
        local = site_plane(sites[name], plane)
        for at, quad in zip(of_site[name], laid.quads, strict=True):
            rings[at] = tuple(local.to_globe(x, y) for x, y in (*quad, quad[0]))
    slow = _inefficient(enterprises, figures, land)
    parts: dict[str, int] = defaultdict(int)
    placed = []
    for at, plot in enumerate(plots):
        spot, row = spots[plot.site], plot.row
        if row is not None and row.owner.code not in figures:
            continue
        number = row.number if row is not None else _reserved_number(at, spot, enterprises)
        parts[number] += 1
        own = Random(f"{seed}/parcel/{number}/{parts[number]}")
        placed.append(
            RegisteredParcel(
                number=number,
                part=parts[number],
                certificate=row.certificate if row is not None else "",
                code=row.owner.code if row is not None else None,
                area=plot.area,
                use="工业用地",
                place=row.place if row is not None else f"{spot.county}{spot.township}",
                county=spot.county,
                township=spot.township,
                park=spot.park,
                ring=rings[at],
                states=_reserved_states(own, year)
                if row is None
                else _states(own, row.owner, row.owner.code in slow, year),
            )
        )
    return tuple(placed), Ground(plane, sites, blocks)


def list_leases(land: Land, figures: Mapping[str, Figures], year: int) -> tuple[RegisteredLease, ...]:
    """The contracts that began by the end of the year between enterprises that exist."""
    return tuple(
        RegisteredLease(
            lessor=lease.lessor.code if lease.lessor else None,
            lessor_name=lease.lessor_name,
            tenant=lease.tenant.code if lease.tenant else None,
            tenant_name=lease.tenant_name,
            area=lease.area,
            start=lease.start,
            end=lease.end + timedelta(days=1),
        )
        for lease in land.leases
        if lease.start.year <= year
        and all(party is None or party.code in figures for party in (lease.lessor, lease.tenant))
    )


def locate(
    enterprises: Sequence[Enterprise],
    parcels: Sequence[RegisteredParcel],
    leases: Sequence[RegisteredLease],
    ground: Ground,
    centres: Centres,
    legal_persons: Mapping[str, str],
    seed: int,
) -> tuple[Location, ...]:
    """Each enterprise on its largest parcel, on its lessor's, or in its town, in the order of the codes."""
    largest: dict[str, RegisteredParcel] = {}
    for owned in parcels:
        if owned.code and (owned.code not in largest or owned.area > largest[owned.code].area):
            largest[owned.code] = owned
    host = {lease.tenant: lease.lessor for lease in leases if lease.tenant and lease.lessor}
    located = []
    for e in sorted(enterprises, key=lambda e: e.code):
        random = Random(f"{seed}/location/{e.code}")
        parcel = largest.get(e.code) or largest.get(host.get(e.code) or "")
        if parcel is not None:
            longitude, latitude = inside(parcel.ring, random)
        else:
            site = ground.sites[(e.parks or (e.township,))[0]]
            reach = site.radius * 0.6
            longitude, latitude = site_plane(site, ground.plane).to_globe(
                random.uniform(-reach, reach), random.uniform(-reach, reach)
            )
        address = f"{e.county}{e.township}{random.choice(centres.road)}{random.randint(1, 999)}号"
        located.append(
            Location(
                e.code, e.county, e.township, e.parks, longitude, latitude, address, e.registered,
                legal_persons[e.code],
            )
        )  # fmt: skip
    return tuple(located)


def inside(ring: Ring, random: Random) -> tuple[float, float]:
    """A point well inside a four-sided parcel."""
    u, v = random.uniform(0.3, 0.7), random.uniform(0.3, 0.7)
    weights = ((1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v)
    longitude = sum(w * point[0] for w, point in zip(weights, ring, strict=False))
    latitude = sum(w * point[1] for w, point in zip(weights, ring, strict=False))
    return round(longitude, 6), round(latitude, 6)


def _plots(random: Random, land: Land, spots: Mapping[str, Spot]) -> list[_Plot]:
    times: dict[str, int] = defaultdict(int)
    plots = []
    for row in land.parcels:
        homes = row.owner.parks or (row.owner.township,)
        # Who stands in two parks has land in both.
        plots.append(_Plot(homes[times[row.owner.code] % len(homes)], row.area, row))
        times[row.owner.code] += 1
    names = list(spots)
    plots += [_Plot(random.choice(names), random.randint(30, 900) * 100, None) for _ in range(_RESERVED)]
    return plots


def _reserved_number(at: int, spot: Spot, enterprises: Sequence[Enterprise]) -> str:
    division = next(e.code[2:8] for e in enterprises if e.county == spot.county)
    return f"{division}090090GB{90000 + at % 10000:05d}W00000000"


def _inefficient(
    enterprises: Sequence[Enterprise], figures: Mapping[str, Figures], land: Land
) -> frozenset[str]:
    """The twentieth of the owners with the least tax for their land."""
    held: dict[str, int] = defaultdict(int)
    for parcel in land.parcels:
        held[parcel.owner.code] += parcel.area
    ranked = sorted(
        ((figures[e.code]["入库税收"] or Decimal(0)) / held[e.code], e.code)
        for e in enterprises
        if e.code in figures and held[e.code] and e.status == "正常" and not e.industry.utility
    )
    return frozenset(code for _, code in ranked[: len(ranked) // 20])


def _states(random: Random, owner: Enterprise, slow: bool, year: int) -> tuple[ParcelState, ...]:
    begun = owner.registered + timedelta(days=random.randint(30, 150))
    steps: list[tuple[State, date]] = [("在用", begun)]
    if owner.registered.year >= year - 6 and random.random() < 0.6:
        # The land had another holder, who left it.
        cleared = begun - timedelta(days=random.randint(200, 600))
        idle = cleared - timedelta(days=random.randint(300, 900))
        before = idle - timedelta(days=random.randint(1500, 4000))
        steps = [
            ("在用", before), (random.choice(("闲置", "低效")), idle), ("已腾退", cleared), ("已盘活", begun),
        ]  # fmt: skip
    elif owner.status == "停产":
        steps.append(("闲置", _after(begun, date(year - random.randint(1, 3), random.randint(1, 12), 15))))
    elif slow:
        steps.append(("低效", _after(begun, date(year - random.randint(0, 2), random.randint(1, 12), 20))))
    elif owner.registered.year < year - 8 and random.random() < 0.04:
        # Put to use again by its own holder.
        poor = _after(begun, date(year - random.randint(5, 7), random.randint(1, 12), 10))
        steps += [("低效", poor), ("已盘活", poor + timedelta(days=random.randint(400, 900)))]
    return _periods(random, steps)


def _reserved_states(random: Random, year: int) -> tuple[ParcelState, ...]:
    before = date(random.randint(2003, 2012), random.randint(1, 12), 1)
    idle = date(random.randint(year - 6, year - 3), random.randint(1, 12), 10)
    steps: list[tuple[State, date]] = [("在用", before), (random.choice(("闲置", "低效")), idle)]
    if random.random() < 0.8:
        steps.append(("已腾退", idle + timedelta(days=random.randint(200, 900))))
    return _periods(random, steps)


def _after(earliest: date, wanted: date) -> date:
    return max(wanted, earliest + timedelta(days=30))


def _periods(random: Random, steps: Sequence[tuple[State, date]]) -> tuple[ParcelState, ...]:
    ends = [*(start for _, start in steps[1:]), None]
    return tuple(
        ParcelState(state, start, end, _source(random, state, start))
        for (state, start), end in zip(steps, ends, strict=True)
    )


def _source(random: Random, state: State, start: date) -> str:
    forms: dict[State, str] = {
        "在用": "不动产登记簿（演示）",
        "闲置": "闲置土地认定书（演示）〔{year}〕{number}号",
        "低效": "低效工业用地认定表（演示）〔{year}〕{number}号",
        "已腾退": "腾退验收单（演示）〔{year}〕{number}号",
        "已盘活": "盘活利用备案表（演示）〔{year}〕{number}号",
    }
    return forms[state].format(year=start.year, number=random.randint(1, 160))
