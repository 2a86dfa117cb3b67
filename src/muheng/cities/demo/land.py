"""Who holds, rents and lets which land. Parcels are whole square metres, so every area is
exact in 亩 with four decimals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from random import Random

from muheng.cities.demo.enterprises import Enterprise
from muheng.cities.demo.parameters import DemoParameters, Life

SQUARE_METRES_PER_MU = Decimal(2000) / 3


def to_mu(square_metres: int) -> Decimal:
    """An area in 亩, exactly: four decimals are enough for every whole square metre."""
    return Decimal(square_metres) * 3 / 2000


@dataclass(frozen=True)
class Parcel:
    """One enterprise's part of a parcel; several enterprises may stand on the same `number`."""

    number: str
    certificate: str
    owner: Enterprise
    area: int
    """m²"""
    use: str
    place: str


@dataclass(frozen=True)
class Lease:
    """One contract. A lessor or tenant that is not an enterprise of the city has a name only."""

    lessor: Enterprise | None
    lessor_name: str
    tenant: Enterprise | None
    tenant_name: str
    area: Decimal
    """亩"""
    start: date
    end: date

    def counts_in(self, year: int) -> bool:
        """Does the contract run on 31 December of the year?"""
        return self.start <= date(year, 12, 31) <= self.end


@dataclass(frozen=True)
class Land:
    parcels: tuple[Parcel, ...]
    leases: tuple[Lease, ...]
    groups: dict[str, tuple[str, str]]
    """Credit code → (合并组, credit code of the 主体企业) for those that share a parcel."""


def make_land(enterprises: Sequence[Enterprise], parameters: DemoParameters, seed: int) -> Land:
    """Parcels and leases of all enterprises, over all years. The same seed gives the same."""
    random = Random(f"{seed}/land")
    life = parameters.roster.life
    leases = _make_leases(random, enterprises, parameters)
    rented: dict[str, Decimal] = defaultdict(Decimal)
    let: dict[str, Decimal] = defaultdict(Decimal)
    for lease in leases:
        if lease.tenant is not None:
            rented[lease.tenant.code] += lease.area
        if lease.lessor is not None:
            let[lease.lessor.code] += lease.area
    parcels: list[Parcel] = []
    for enterprise in enterprises:
        if enterprise.tenure != "自有":
            continue
        needed = (
            Decimal(round(enterprise.land, 2)) - rented.get(enterprise.code, 0) + let.get(enterprise.code, 0)
        )
        area = max(int(needed * SQUARE_METRES_PER_MU), 500)
        parts = [area]
        if area > 9000 and random.random() < life.more_parcels.of(enterprise.scale):
            parts = _split(random, area, random.choice((2, 2, 2, 3, 4)))
        certificate = parameters.roster.certificate
        parcels += [
            _make_parcel(random, enterprise, part, len(parcels) + i, certificate)
            for i, part in enumerate(parts)
        ]
    parcels, groups = _share_parcels(random, parcels, life.shared_parcel)
    parcels_of: dict[str, int] = defaultdict(int)
    for parcel in parcels:
        parcels_of[parcel.owner.code] += parcel.area
    leases += _let_everything(
        random, enterprises, parcels_of, {*rented, *let, *groups}, life.whole_leased_out
    )
    leases += _expired(random, enterprises)
    random.shuffle(leases)
    return Land(tuple(parcels), tuple(leases), groups)


def _make_leases(
    random: Random, enterprises: Sequence[Enterprise], parameters: DemoParameters
) -> list[Lease]:
    life = parameters.roster.life
    by_county: dict[str, list[Enterprise]] = defaultdict(list)
    for enterprise in enterprises:
        if enterprise.tenure == "自有" and enterprise.land > 12 and not enterprise.industry.utility:
            by_county[enterprise.county].append(enterprise)
    # A few owners live on rent; they are who most tenants go to.
    lessors = {
        county: random.sample(owners, max(len(owners) // 6, 2)) for county, owners in by_county.items()
    }
    leases: list[Lease] = []
    for enterprise in enterprises:
        wanted = _wanted(random, enterprise, enterprise in lessors[enterprise.county], life)
        if wanted == 0.0:
            continue
        area = max(Decimal(round(wanted, 2)).quantize(Decimal("0.01")), Decimal("0.50"))
        # A lessor is a good deal larger than what it lets.
        able = [owner for owner in lessors[enterprise.county] if owner.land > 1.5 * wanted]
        start = date(
            random.randint(max(enterprise.registered.year, 2012), max(enterprise.registered.year, 2020)), 1, 1
        )
        start = max(start, enterprise.registered)
        end = date(random.randint(2028, 2038), 12, 31)
        if not able or random.random() < life.village_lessor:
            stem = enterprise.township.removesuffix("街道").removesuffix("镇").removesuffix("乡")
            lessor_name = random.choice(
                (
                    f"{enterprise.township}{_village(random)}村村民委员会",
                    f"{stem}{_village(random)}村股份经济合作社",
                    f"{_village(random)}社区居民委员会",
                )
            )
            leases.append(Lease(None, lessor_name, enterprise, enterprise.name, area, start, end))
        else:
            lessor = random.choice(able)
            start = max(start, lessor.registered)
            leases.append(Lease(lessor, lessor.name, enterprise, enterprise.name, area, start, end))
    return leases


def _wanted(random: Random, enterprise: Enterprise, lets: bool, life: Life) -> float:
    """亩 that it rents: all it uses, a part beside its own, or nothing."""
    if enterprise.tenure == "租用":
        return enterprise.land
    if enterprise.tenure == "自有" and enterprise.land > 8 and not lets:
        share = random.uniform(0.1, 0.4)
        return enterprise.land * share if random.random() < life.lease_in.of(enterprise.scale) else 0.0
    return 0.0


def _village(random: Random) -> str:
    return random.choice("霁砺蘅珩湛朔岚峤沅涵") + random.choice("前后上下东西") + random.choice("塘圩岗桥墩")


def _split(random: Random, area: int, count: int) -> list[int]:
    cuts = sorted(random.uniform(0.15, 0.85) for _ in range(count - 1))
    edges = [0, *(int(area * cut) for cut in cuts), area]
    parts = [b - a for a, b in pairwise(edges)]
    return parts if min(parts) >= 300 else [area]


def _make_parcel(random: Random, owner: Enterprise, area: int, serial: int, form: str) -> Parcel:
    division = owner.code[2:8]
    number = f"{division}{random.randint(1, 30):03d}{random.randint(1, 60):03d}GB{serial + 1:05d}W00000000"
    certificate = form.format(year=random.randint(2016, 2021), serial=serial + 1)
    return Parcel(number, certificate, owner, area, "工业用地", f"{owner.county}{owner.township}")


def _share_parcels(
    random: Random, parcels: list[Parcel], count: int
) -> tuple[list[Parcel], dict[str, tuple[str, str]]]:
    """Put small owners of one township on a parcel together; each keeps its own area."""
    alone: dict[str, list[int]] = defaultdict(list)
    held: dict[str, int] = defaultdict(int)
    for parcel in parcels:
        held[parcel.owner.code] += 1
    for i, parcel in enumerate(parcels):
        if held[parcel.owner.code] == 1 and parcel.area < 20000:
            alone[parcel.owner.county + parcel.owner.township].append(i)
    towns = random.sample(sorted(town for town, at in alone.items() if len(at) >= 3), count)
    groups: dict[str, tuple[str, str]] = {}
    shared = list(parcels)
    for serial, town in enumerate(towns, 1):
        members = random.sample(alone[town], random.choice((2, 2, 3)))
        main = max(members, key=lambda i: (parcels[i].area, i))
        for i in members:
            owner = parcels[i].owner
            shared[i] = Parcel(
                parcels[main].number,
                parcels[main].certificate,
                owner,
                parcels[i].area,
                "工业用地",
                parcels[i].place,
            )
            groups[owner.code] = (f"合并{serial:02d}", parcels[main].owner.code)
    return shared, groups


def _let_everything(
    random: Random, enterprises: Sequence[Enterprise], owned: dict[str, int], busy: set[str], count: int
) -> list[Lease]:
    """Owners that let all their land to one tenant from outside the roster: none is left to measure by."""
    able = [
        e for e in enterprises if e.scale == "规下" and e.code not in busy and owned.get(e.code, 0) > 3000
    ]
    return [
        Lease(
            e,
            e.name,
            None,
            f"{_village(random)}农产品包装加工部",
            to_mu(owned[e.code]),
            max(date(2018, 1, 1), e.registered),
            date(2030, 12, 31),
        )
        for e in random.sample(able, min(count, len(able)))
    ]


def _expired(random: Random, enterprises: Sequence[Enterprise]) -> list[Lease]:
    """Contracts that ended long ago and were never struck off the department's list."""
    owners = [e for e in enterprises if e.tenure == "自有" and e.registered.year < 2014 and e.land > 20]
    tenants = [e for e in enterprises if e.scale == "规下" and e.registered.year < 2015]
    count = min(5, len(owners), len(tenants))
    return [
        Lease(
            lessor,
            lessor.name,
            tenant,
            tenant.name,
            Decimal(random.randint(200, 900)) / 100,
            date(2015, 1, 1),
            date(2019, 12, 31),
        )
        for lessor, tenant in zip(random.sample(owners, count), random.sample(tenants, count), strict=True)
    ]
