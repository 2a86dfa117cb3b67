"""A whole city's files at once: the demo city's, or a large one's for measuring. Rows go in by thousands.

What is there already stays as it is, so that a load which was cut off can be run again. Facts of years are not
loaded here but laid into ``panels``; grades come from signed evaluations.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models, transaction

from muheng.web.audit.actions import record
from muheng.web.people.models import Organisation, User
from muheng.web.registry.models import (
    Contact,
    Enterprise,
    Holding,
    Lease,
    Meter,
    MonthlyFigure,
    NameRecord,
    Outlet,
    Outline,
    Parcel,
    ParcelState,
    ParkStatus,
    Permit,
    ProductionLine,
    SearchEntry,
    StatusRecord,
)
from muheng.web.registry.search import search_text

if TYPE_CHECKING:
    from muheng.cities.demo import DemoRegistry
    from muheng.cities.demo.large import LargeCity

CHUNK = 2000
M = TypeVar("M", bound=models.Model)
Progress = Callable[[int, int, str], None]
STATES = {
    "在用": Parcel.State.IN_USE,
    "闲置": Parcel.State.IDLE,
    "低效": Parcel.State.INEFFICIENT,
    "已腾退": Parcel.State.CLEARED,
    "已盘活": Parcel.State.RELET,
}


@dataclass(frozen=True)
class Newcomer:
    """An enterprise to be put in. ``former``: (name, since, until, source), in any order."""

    code: str
    name: str
    county: str
    township: str
    parks: tuple[str, ...] = ()
    former: tuple[tuple[str, date | None, date | None, str], ...] = ()
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """The tree's counties by name, townships by county and name, parks by short name."""

    root: Organisation
    counties: dict[str, int]
    townships: dict[tuple[str, str], int]
    parks: dict[str, int]


def read_places() -> Places:
    """The tree as it is. Raises Organisation.DoesNotExist before a city is founded."""
    kind = Organisation.Kind
    nodes = list(Organisation.objects.select_related("parent"))
    return Places(
        root=Organisation.objects.get(kind=kind.CITY),
        counties={node.name: node.pk for node in nodes if node.kind == kind.COUNTY},
        townships={
            (node.parent.name, node.name): node.pk
            for node in nodes
            if node.kind == kind.TOWNSHIP and node.parent
        },
        parks={node.short or node.name: node.pk for node in nodes if node.kind == kind.PARK},
    )


@transaction.atomic
def load_enterprises(newcomers: Iterable[Newcomer], places: Places) -> int:
    """Put enterprises in with their names and what they are found by; gives how many are new."""
    held = set(Enterprise.objects.values_list("code", flat=True))
    many = 0
    through = Enterprise.parks.through
    for chunk in _chunks(each for each in newcomers if each.code not in held):
        made = Enterprise.objects.bulk_create(
            Enterprise(
                code=each.code,
                name=each.name,
                county_id=places.counties.get(each.county),
                township_id=places.townships.get((each.county, each.township)),
                **each.columns,
            )
            for each in chunk
        )
        _insert(
            SearchEntry,
            (
                SearchEntry(
                    enterprise=row,
                    text=search_text(each.code, [each.name, *(name[0] for name in each.former)]),
                )
                for row, each in zip(made, chunk, strict=True)
            ),
        )
        _insert(
            NameRecord,
            (name for row, each in zip(made, chunk, strict=True) for name in _names(row, each)),
        )
        _insert(
            through,
            (
                through(enterprise_id=row.pk, organisation_id=places.parks[park])
                for row, each in zip(made, chunk, strict=True)
                for park in each.parks
                if park in places.parks
            ),
        )
        many += len(made)
    return many


def _names(row: Enterprise, each: Newcomer) -> Iterator[NameRecord]:
    last = None
    for name, since, until, source in each.former:
        yield NameRecord(enterprise=row, name=name, since=since, until=until, source=source)
        last = max(last, until) if last and until else (last or until)
    yield NameRecord(enterprise=row, name=each.name, since=last or each.columns.get("registered_on"))


@transaction.atomic
def load_registry(registry: DemoRegistry, actor: User | None = None, progress: Progress | None = None) -> int:
    """The demo city's files: enterprises and everything that they hold. The tree has to be founded before."""
    tell = progress or (lambda done, total, note: None)
    places = read_places()
    outlines = {outline.code: outline for outline in registry.outlines}
    truth = {row["统一社会信用代码"]: row for row in registry.city.truth.iter_rows(named=True)}
    former: dict[str, list[tuple[str, date | None, date | None, str]]] = defaultdict(list)
    for name in sorted(registry.former_names, key=lambda each: each.start):
        former[name.code].append((name.name, name.start, name.end, name.source))
    tell(0, 4, "企业")
    fresh = set(truth) - set(Enterprise.objects.values_list("code", flat=True))
    many = load_enterprises(
        (
            Newcomer(
                code=place.code,
                name=truth[place.code]["企业名称"],
                county=place.county,
                township=place.township,
                parks=place.parks,
                former=tuple(former[place.code]),
                columns={
                    "scale": truth[place.code]["规模"] or "",
                    "industry": truth[place.code]["行业代码"] or "",
                    "industry_group": truth[place.code]["行业组"] or "",
                    "state": truth[place.code]["状态"] or "",
                    "address": place.address,
                    "legal_person": place.legal_person,
                    "longitude": place.longitude,
                    "latitude": place.latitude,
                    "registered_on": place.registered,
                    "started_on": truth[place.code]["投产日期"],
                    "agreed_on": truth[place.code]["约定投产日期"],
                },
            )
            for place in registry.locations
            if place.code in truth
        ),
        places,
    )
    ids = dict(Enterprise.objects.filter(code__in=fresh).values_list("code", "pk"))
    tell(1, 4, "土地")
    _load_land(registry, places, ids)
    tell(2, 4, "称号、生产线、排放口、许可")
    _load_belongings(registry, ids)
    tell(3, 4, "园区和界线")
    _load_places(registry, places, outlines.values())
    if many:
        record(actor, "registry.load", places.root, enterprises=many)
    tell(4, 4, "")
    return many


def _load_land(registry: DemoRegistry, places: Places, ids: dict[str, int]) -> None:
    held = set(Parcel.objects.values_list("number", "part"))
    fresh = [each for each in registry.parcels if (each.number, each.part) not in held]
    rows = []
    for each in fresh:
        longitudes, latitudes = [point[0] for point in each.ring], [point[1] for point in each.ring]
        rows.append(
            Parcel(
                number=each.number,
                part=each.part,
                area=Decimal(each.area),
                use=each.use,
                place=each.place,
                township_id=places.townships.get((each.county, each.township)),
                state=STATES[each.states[-1].state],
                geometry=each.geojson(),
                west=min(longitudes),
                south=min(latitudes),
                east=max(longitudes),
                north=max(latitudes),
            )
        )
    made = _insert(Parcel, rows)
    _insert(
        ParcelState,
        (
            ParcelState(
                parcel=row, state=STATES[state.state], since=state.start, until=state.end, source=state.source
            )
            for row, each in zip(made, fresh, strict=True)
            for state in each.states
        ),
    )
    _insert(
        Holding,
        (
            Holding(
                parcel=row,
                enterprise_id=ids[each.code],
                area=row.area,
                certificate=each.certificate,
                since=each.states[0].start,
                source=each.certificate,
            )
            for row, each in zip(made, fresh, strict=True)
            if each.code in ids
        ),
    )
    if not Lease.objects.exists():
        _insert(
            Lease,
            (
                Lease(
                    lessor_id=ids.get(each.lessor or ""),
                    lessor_name=each.lessor_name,
                    tenant_id=ids.get(each.tenant or ""),
                    tenant_name=each.tenant_name,
                    area=each.area,
                    since=each.start,
                    until=each.end,
                )
                for each in registry.leases
            ),
        )


def _load_belongings(registry: DemoRegistry, ids: dict[str, int]) -> None:
    def ours(rows: Iterable[Any]) -> Iterator[Any]:
        return (each for each in rows if each.code in ids)

    _insert(
        StatusRecord,
        (
            StatusRecord(
                enterprise_id=ids[each.code],
                status=each.name,
                level=each.level or "",
                since=each.start,
                until=each.end,
                source=each.document,
                issuer=each.issuer,
            )
            for each in ours(registry.statuses)
        ),
    )
    lines = _insert(
        ProductionLine,
        (
            ProductionLine(
                enterprise_id=ids[each.code],
                number=each.number,
                name=each.name,
                product=each.product,
                capacity=each.capacity,
                unit=each.unit,
                state=each.state,
                since=each.since,
            )
            for each in ours(registry.lines)
        ),
    )
    line_ids = {(line.enterprise_id, line.number): line.pk for line in lines}
    _insert(
        Outlet,
        (
            Outlet(
                enterprise_id=ids[each.code],
                code=each.number,
                name=each.name,
                kind=each.medium,
                line_id=line_ids.get((ids[each.code], each.line or "")),
                limits=[
                    {
                        "pollutant": limit.pollutant,
                        "limit": _text(limit.limit),
                        "unit": limit.unit,
                        "yearly": _text(limit.permitted),
                    }
                    for limit in each.limits
                ],
                height=each.height,
                longitude=each.longitude,
                latitude=each.latitude,
            )
            for each in ours(registry.outlets)
        ),
    )
    _insert(
        Permit,
        (
            Permit(
                enterprise_id=ids[each.code],
                kind="排污许可证",
                number=each.number,
                management=each.management,
                since=each.start,
                until=each.end,
                source=each.issuer,
                limits={
                    "危险废物产生量": {"limit": _text(each.hazardous_waste), "unit": "t"},
                    "一般固废产生量": {"limit": _text(each.general_waste), "unit": "t"},
                },
            )
            for each in ours(registry.permits)
        ),
    )
    _insert(
        Meter,
        (
            Meter(
                enterprise_id=ids[code],
                kind=each.medium,
                number=each.number,
                shared=bool(each.shares),
                share=share,
            )
            for each in registry.meters
            for code, share in (each.shares or ((each.code, None),))
            if code in ids
        ),
    )
    _insert(
        Contact,
        (
            Contact(
                enterprise_id=ids[each.code],
                name=each.name,
                post=each.post,
                phone=each.phone,
                mobile=each.mobile,
                main=each.post == "环保负责人",
            )
            for each in ours(registry.contacts)
        ),
    )


def load_monthly(registry: DemoRegistry, source: str = "企业填报") -> int:
    """The monthly figures of the demo city as filed and checked; gives how many are new."""
    from muheng.cities.demo import MONTHLY_UNITS

    ids = dict(Enterprise.objects.values_list("code", "pk"))
    held = set(MonthlyFigure.objects.values_list("enterprise_id", "year", "month", "item"))
    rows = (
        MonthlyFigure(
            enterprise_id=ids[row["统一社会信用代码"]],
            year=row["月份"].year,
            month=row["月份"].month,
            item=item,
            value=row[item],
            unit=unit,
            source=source,
            state=MonthlyFigure.State.CHECKED,
        )
        for row in registry.monthly.iter_rows(named=True)
        if row["统一社会信用代码"] in ids
        for item, unit in MONTHLY_UNITS.items()
        if row[item] is not None
    )
    return len(
        _insert(
            MonthlyFigure,
            (row for row in rows if (row.enterprise_id, row.year, row.month, row.item) not in held),
        )
    )


def _load_places(registry: DemoRegistry, places: Places, outlines: Iterable[Any]) -> None:
    parks = {outline.code: outline.name for outline in registry.outlines if outline.kind == "园区"}
    park_ids = dict(Organisation.objects.filter(kind=Organisation.Kind.PARK).values_list("name", "pk"))
    park_ids |= places.parks
    if not ParkStatus.objects.exists():
        _insert(
            ParkStatus,
            (
                ParkStatus(
                    park_id=park_ids[parks[each.park]],
                    status=each.name,
                    level=each.level or "",
                    since=each.start,
                    until=each.end,
                    source=each.document,
                    issuer=each.issuer,
                )
                for each in registry.park_statuses
                if parks.get(each.park) in park_ids
            ),
        )
    held = set(Outline.objects.values_list("organisation_id", flat=True))
    rows = []
    for outline in outlines:
        if outline.kind == "县区":
            number = places.counties.get(outline.name)
        elif outline.kind == "园区":
            number = park_ids.get(outline.name)
        else:
            number = places.townships.get((outline.county or "", outline.name))
        if number is not None and number not in held:
            rows.append(Outline(organisation_id=number, geometry=outline.geojson(), note=outline.note))
    _insert(Outline, rows)


@transaction.atomic
def load_large(large: LargeCity, actor: User | None = None, progress: Progress | None = None) -> int:
    """A large city's enterprises, former names and parcels. The tree has to be founded before."""
    tell = progress or (lambda done, total, note: None)
    places = read_places()
    former: dict[str, list[tuple[str, date | None, date | None, str]]] = defaultdict(list)
    for code, name, since, until in large.former_names.iter_rows():
        former[code].append((name, since, until, ""))
    located = {row[0]: row[1:] for row in large.locations.iter_rows()}
    columns = {
        "scale": "规模",
        "industry": "行业代码",
        "industry_group": "行业组",
        "state": "状态",
        "registered_on": "注册日期",
        "started_on": "投产日期",
        "agreed_on": "约定投产日期",
    }
    total = large.frame.height
    tell(0, 2 * total, "企业")
    many = load_enterprises(
        (
            Newcomer(
                code=row["统一社会信用代码"],
                name=row["企业名称"],
                county=located[row["统一社会信用代码"]][0],
                township=located[row["统一社会信用代码"]][1],
                parks=_split(located[row["统一社会信用代码"]][2]),
                former=tuple(former.get(row["统一社会信用代码"], ())),
                columns={name: _given(name, row[column]) for name, column in columns.items()}
                | {
                    "longitude": located[row["统一社会信用代码"]][3],
                    "latitude": located[row["统一社会信用代码"]][4],
                },
            )
            for row in large.frame.select("统一社会信用代码", "企业名称", *columns.values()).iter_rows(
                named=True
            )
        ),
        places,
    )
    tell(total, 2 * total, "土地")
    ids = dict(Enterprise.objects.values_list("code", "pk"))
    held = set(Parcel.objects.values_list("number", flat=True))
    fresh = (row for row in large.parcels.iter_rows(named=True) if row["宗地号"] not in held)
    for chunk in _chunks(fresh):
        made = _insert(Parcel, (_large_parcel(row, places) for row in chunk))
        _insert(
            Holding,
            (
                Holding(parcel=parcel, enterprise_id=ids[row["统一社会信用代码"]], area=parcel.area)
                for parcel, row in zip(made, chunk, strict=True)
                if row["统一社会信用代码"] in ids
            ),
        )
    if many:
        record(actor, "registry.load", places.root, enterprises=many)
    tell(2 * total, 2 * total, "")
    return many


def _large_parcel(row: dict[str, Any], places: Places) -> Parcel:
    geometry = json.loads(row["geometry"])
    points = geometry["coordinates"][0]
    return Parcel(
        number=row["宗地号"],
        area=Decimal(row["面积"]),
        use="工业用地",
        township_id=places.townships.get((row["县区"], row["乡镇"])),
        state=STATES.get(row["状态"], Parcel.State.IN_USE),
        geometry=geometry,
        west=min(point[0] for point in points),
        south=min(point[1] for point in points),
        east=max(point[0] for point in points),
        north=max(point[1] for point in points),
    )


def _given(name: str, value: Any) -> Any:
    return value if value is not None or name.endswith("_on") else ""


def _split(parks: str | list[str] | None) -> tuple[str, ...]:
    if isinstance(parks, str):
        return tuple(part for part in parks.replace("|", "、").split("、") if part)
    return tuple(parks or ())


def _text(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"


def _insert(model: type[M], rows: Iterable[M]) -> list[M]:
    made: list[M] = []
    for chunk in _chunks(rows):
        made += model._default_manager.bulk_create(chunk)
    return made


T = TypeVar("T")


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk
