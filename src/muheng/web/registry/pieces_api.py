"""What belongs to an enterprise, for programs: its land, leases, lines, outlets, meters and permits, listed and added.

Each addition is the deed of ``actions``; nothing is decided here.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Le
from django.db.models import F, Model, Q, QuerySet
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from muheng.web.paging import Listed, Part, answer, answer_list
from muheng.web.people.models import Organisation
from muheng.web.refusal import Refused
from muheng.web.registry import actions
from muheng.web.registry.models import (
    Contact,
    Dated,
    Enterprise,
    Holding,
    Lease,
    Meter,
    Outlet,
    Parcel,
    Permit,
    ProductionLine,
)
from muheng.web.registry.queries import enterprises_for, find_enterprise, parcels_for
from muheng.web.request import Request

M = TypeVar("M", bound=Model)
router = Router()
Number = Annotated[int, Ge(1), Le(2**53)]
"""A row's number, as a database can look for it."""
_SOURCE = "依据：文件和文号。"
_END = "不含这一天；null 为没有结束。"
_KINDS = "种类，如 用电、用水、用气。"


class HoldingRow(Schema):
    """An enterprise's part of a parcel, and the parcel's state today."""

    id: int
    parcel: int = Field(description="宗地的编号。")
    number: str = Field(description="宗地号。")
    parcel_area: str = Field(description="宗地面积，m²。")
    area: str = Field(description="本企业的部分，m²。")
    certificate: str
    use: str
    place: str
    township: str
    state: str = Field(description="in_use 在用，idle 闲置，inefficient 低效，cleared 已腾退，relet 已盘活。")
    since: date | None
    until: date | None = Field(description=_END)
    source: str


class LeaseRow(Schema):
    """A contract for land; a party that is no enterprise of the city has no code."""

    id: int
    lessor: str | None
    lessor_name: str
    tenant: str | None
    tenant_name: str
    parcel: int | None
    area: str = Field(description="亩。")
    since: date | None
    until: date | None = Field(description=_END)
    source: str


class LineRow(Schema):
    """A production line."""

    id: int
    number: str
    name: str
    product: str
    capacity: str | None = Field(description="年产能。")
    unit: str
    state: str
    since: date | None
    until: date | None = Field(description=_END)
    source: str


class OutletRow(Schema):
    """A point of discharge."""

    id: int
    code: str = Field(description="编号，如 DA001。")
    kind: str
    name: str
    line: int | None = Field(description="所属生产线的编号。")
    limits: list[dict[str, Any]]
    height: str | None = Field(description="m。")
    longitude: float | None
    latitude: float | None


class MeterRow(Schema):
    """A meter."""

    id: int
    kind: str
    number: str = Field(description="户号。")
    shared: bool
    share: str | None = Field(description="本企业分摊的百分数。")


class PermitRow(Schema):
    """A permit with the yearly amounts that it allows."""

    id: int
    kind: str
    number: str
    management: str
    limits: dict[str, Any]
    since: date | None
    until: date | None = Field(description=_END)
    source: str


class NewParcel(Schema):
    """A piece of land."""

    number: str = Field(max_length=60, description="宗地号。")
    part: int = Field(1, ge=1, le=32_000, description="同一宗地号的第几部分。")
    area: Decimal = Field(max_digits=14, decimal_places=2, description="面积，m²。")
    township: Number = Field(description="镇街的编号。")
    geometry: dict[str, Any] | None = Field(None, description="GeoJSON，经纬度（CGCS2000）。")
    use: str = Field("", max_length=60, description="用途。")
    place: str = Field("", max_length=200, description="坐落。")
    state: Literal["in_use", "idle", "inefficient", "cleared", "relet"] = "in_use"
    since: date | None = None
    source: str = Field(max_length=200, description=_SOURCE)


class ParcelRow(Schema):
    """A parcel."""

    id: int
    number: str
    part: int
    area: str = Field(description="m²。")
    township: str
    use: str
    place: str
    state: str


class ParcelTurn(Schema):
    """A parcel's state from a day on."""

    state: Literal["in_use", "idle", "inefficient", "cleared", "relet"] = Field(
        description="in_use 在用，idle 闲置，inefficient 低效，cleared 已腾退，relet 已盘活。"
    )
    since: date
    source: str = Field(max_length=200, description=_SOURCE)


class NewHolding(Schema):
    """Land that the enterprise holds."""

    parcel: Number = Field(description="宗地的编号。")
    area: Decimal = Field(max_digits=14, decimal_places=2, description="本企业的部分，m²。")
    certificate: str = Field("", max_length=80, description="不动产权证号。")
    since: date | None = None
    until: date | None = None
    source: str = Field(max_length=200, description=_SOURCE)


class NewLease(Schema):
    """A contract of the enterprise: it lets land (``out``) or takes it (``in``)."""

    side: Literal["out", "in"] = Field(description="out 出租，in 承租。")
    other: str = Field(
        "", max_length=30, description="另一方的统一社会信用代码；不是本市企业的不写，写 other_name。"
    )
    other_name: str = Field("", max_length=200, description="另一方的名称。")
    parcel: Number | None = Field(None, description="宗地的编号。")
    area: Decimal = Field(max_digits=12, decimal_places=4, description="亩。")
    since: date | None = None
    until: date | None = None
    source: str = Field(max_length=200, description=_SOURCE)


class NewLine(Schema):
    """A production line."""

    name: str = Field(max_length=120)
    number: str = Field("", max_length=20)
    product: str = Field("", max_length=120)
    capacity: Decimal | None = Field(None, ge=0, max_digits=18, decimal_places=4, description="年产能。")
    unit: str = Field("", max_length=20)
    state: str = Field("", max_length=20)
    since: date | None = None
    until: date | None = None
    source: str = Field("", max_length=200, description=_SOURCE)


class OutletLimit(Schema):
    """What a permit allows of one pollutant; text decimals."""

    pollutant: str = Field(max_length=60)
    limit: str = Field("", max_length=20, pattern=r"^(\d+(\.\d+)?)?$", description="浓度。")
    unit: str = Field("", max_length=20, description="mg/m³ 或 mg/L。")
    yearly: str = Field("", max_length=20, pattern=r"^(\d+(\.\d+)?)?$", description="每年多少吨。")


class NewOutlet(Schema):
    """A point of discharge."""

    code: str = Field(max_length=20, description="编号，如 DA001。")
    kind: str = Field(max_length=20, description="种类，如 废气、废水。")
    name: str = Field("", max_length=120)
    line: Number | None = Field(None, description="所属生产线的编号。")
    limits: list[OutletLimit] = Field([], max_length=50)
    height: Decimal | None = Field(None, ge=0, max_digits=6, decimal_places=1, description="m。")
    longitude: float | None = Field(None, ge=-180, le=180)
    latitude: float | None = Field(None, ge=-90, le=90)


class NewMeter(Schema):
    """A meter."""

    kind: str = Field(max_length=20, description=_KINDS)
    number: str = Field(max_length=40, description="户号。")
    shared: bool = Field(False, description="几家合用。")
    share: Decimal | None = Field(None, max_digits=7, decimal_places=4, description="本企业分摊的百分数。")


class PermitLimit(Schema):
    """A yearly amount."""

    limit: str = Field(max_length=20, pattern=r"^\d+(\.\d+)?$")
    unit: str = Field(max_length=20)


class NewPermit(Schema):
    """A permit."""

    kind: str = Field(max_length=40, description="种类，如 排污许可。")
    number: str = Field(max_length=60)
    management: str = Field("", max_length=30, description="管理类别。")
    limits: dict[str, PermitLimit] = Field({}, max_length=100, description="项目 → 每年许可多少。")
    since: date | None = None
    until: date | None = None
    source: str = Field(max_length=200, description=_SOURCE)


class Ending(Schema):
    """From which day it is over."""

    until: date = Field(description="不含这一天。")


class NewContact(Schema):
    """Whom to call."""

    name: str = Field(max_length=60)
    post: str = Field("", max_length=60, description="职务。")
    phone: str = Field("", max_length=30)
    mobile: str = Field("", max_length=30)
    main: bool = Field(False, description="首要联系人。")


class Placing(Schema):
    """Where the enterprise is from a day on."""

    township: Number = Field(description="镇街的编号。")
    parks: list[Number] = Field(max_length=20, description="全部园区的编号；不在园区为空。")
    since: date
    source: str = Field(max_length=200, description=_SOURCE)


class Placed(Schema):
    """Where the enterprise is."""

    county: str
    township: str
    parks: list[str]


# -- land ----------------------------------------------------------------------------------------------


@router.post("/parcels/new", response={201: ParcelRow}, summary="登记宗地")
def add_parcel(request: Request, given: NewParcel) -> HttpResponse:
    """A piece of land, with its first state. Who holds it is said with ``holdings``."""
    fields = given.dict()
    fields["township"] = find_place(fields["township"], Organisation.Kind.TOWNSHIP, "township")
    return answer(_parcel(_kept(actions.add_parcel(request.user, **fields))), 201)


@router.post("/parcels/{int:parcel}/state", response=ParcelRow, summary="改宗地状态")
def set_parcel_state(request: Request, parcel: int, given: ParcelTurn) -> HttpResponse:
    """From a day on; the state before stays in the history."""
    found = find_parcel(request.user, parcel)
    return answer(
        _parcel(actions.set_parcel_state(request.user, found, given.state, given.since, given.source))
    )


@router.get("/{code}/holdings", response=Listed[HoldingRow], summary="企业的土地")
def list_holdings(request: Request, code: str, part: Query[Part]) -> HttpResponse:
    """What it holds and held, with each parcel's state; the shapes are in ``parcels``."""
    rows = find_enterprise(request.user, code).holdings.select_related("parcel__township")
    return answer_list(request, _newest(rows), part, _holding)


@router.post("/{code}/holdings", response={201: HoldingRow}, summary="登记企业的土地")
def add_holding(request: Request, code: str, given: NewHolding) -> HttpResponse:
    """Parts held at one time may not be more than the parcel."""
    enterprise = find_enterprise(request.user, code)
    fields = given.dict()
    parcel = find_parcel(request.user, fields.pop("parcel"), "parcel")
    area = fields.pop("area")
    return answer(_holding(_kept(actions.add_holding(request.user, enterprise, parcel, area, **fields))), 201)


@router.get("/{code}/leases", response=Listed[LeaseRow], summary="租约")
def list_leases(request: Request, code: str, part: Query[Part]) -> HttpResponse:
    """Land that it lets and takes."""
    enterprise = find_enterprise(request.user, code)
    rows = Lease.objects.filter(Q(lessor=enterprise) | Q(tenant=enterprise))
    return answer_list(request, _newest(rows.select_related("lessor", "tenant")), part, _lease)


@router.post("/{code}/leases", response={201: LeaseRow}, summary="登记租约")
def add_lease(request: Request, code: str, given: NewLease) -> HttpResponse:
    """The enterprise lets land or takes it."""
    enterprise, fields = find_enterprise(request.user, code), given.dict()
    ours, theirs = ("lessor", "tenant") if fields.pop("side") == "out" else ("tenant", "lessor")
    named, parcel = fields.pop("other").strip(), fields.pop("parcel")
    fields[f"{theirs}_name"] = fields.pop("other_name")
    fields[ours], fields[theirs] = enterprise, find_other(request.user, named, "other") if named else None
    fields["parcel"] = find_parcel(request.user, parcel, "parcel") if parcel is not None else None
    return answer(_lease(_kept(actions.add_lease(request.user, fields.pop("area"), **fields))), 201)


# -- plant ---------------------------------------------------------------------------------------------


@router.get("/{code}/lines", response=Listed[LineRow], summary="生产线")
def list_lines(request: Request, code: str, part: Query[Part]) -> HttpResponse:
    """What it makes, and how much it can make in a year."""
    rows = find_enterprise(request.user, code).lines.order_by("number", "pk")
    return answer_list(request, rows, part, _line)


@router.post("/{code}/lines", response={201: LineRow}, summary="登记生产线")
def add_line(request: Request, code: str, given: NewLine) -> HttpResponse:
    """A line more."""
    _in_order(given.since, given.until)
    return answer(
        _line(_kept(actions.add_line(request.user, find_enterprise(request.user, code), **given.dict()))), 201
    )


@router.get("/{code}/outlets", response=Listed[OutletRow], summary="排放口")
def list_outlets(request: Request, code: str, part: Query[Part]) -> HttpResponse:
    """Where it discharges, and what its permit allows there."""
    return answer_list(
        request, find_enterprise(request.user, code).outlets.order_by("code", "pk"), part, _outlet
    )


@router.post("/{code}/outlets", response={201: OutletRow}, summary="登记排放口")
def add_outlet(request: Request, code: str, given: NewOutlet) -> HttpResponse:
    """A point of discharge more."""
    enterprise, fields = find_enterprise(request.user, code), given.dict()
    if fields["line"] is not None:
        fields["line"] = enterprise.lines.filter(pk=fields["line"]).first()
        if fields["line"] is None:
            raise Refused(_("没有这条生产线。"), status=422, code="invalid", at="line")
    return answer(_outlet(_kept(actions.add_outlet(request.user, enterprise, **fields))), 201)


@router.get("/{code}/meters", response=Listed[MeterRow], summary="表计")
def list_meters(request: Request, code: str, part: Query[Part]) -> HttpResponse:
    """Electricity, water and gas by customer number."""
    return answer_list(
        request, find_enterprise(request.user, code).meters.order_by("kind", "number", "pk"), part, _meter
    )


@router.post("/{code}/meters", response={201: MeterRow}, summary="登记表计")
def add_meter(request: Request, code: str, given: NewMeter) -> HttpResponse:
    """The parts of a shared one may not pass 100 %."""
    return answer(
        _meter(_kept(actions.add_meter(request.user, find_enterprise(request.user, code), **given.dict()))),
        201,
    )


@router.get("/{code}/permits", response=Listed[PermitRow], summary="许可")
def list_permits(request: Request, code: str, part: Query[Part]) -> HttpResponse:
    """Permits, those that begin last first."""
    return answer_list(request, _newest(find_enterprise(request.user, code).permits.all()), part, _permit)


@router.post("/{code}/permits", response={201: PermitRow}, summary="登记许可")
def add_permit(request: Request, code: str, given: NewPermit) -> HttpResponse:
    """A permit with its yearly amounts."""
    return answer(
        _permit(_kept(actions.add_permit(request.user, find_enterprise(request.user, code), **given.dict()))),
        201,
    )


# -- ending, taking out, moving ------------------------------------------------------------------------


@router.post("/{code}/holdings/{int:row}/end", response=HoldingRow, summary="结束持有")
def end_holding(request: Request, code: str, row: int, given: Ending) -> HttpResponse:
    """The land is not the enterprise's from a day on."""
    held = find_enterprise(request.user, code).holdings.select_related("parcel__township")
    return answer(_holding(_end(request, held, row, given)))


@router.post("/{code}/leases/{int:row}/end", response=LeaseRow, summary="终止租约")
def end_lease(request: Request, code: str, row: int, given: Ending) -> HttpResponse:
    """The contract is over from a day on."""
    enterprise = find_enterprise(request.user, code)
    rows = Lease.objects.filter(Q(lessor=enterprise) | Q(tenant=enterprise))
    return answer(_lease(_end(request, rows, row, given)))


@router.post("/{code}/lines/{int:row}/end", response=LineRow, summary="停用生产线")
def end_line(request: Request, code: str, row: int, given: Ending) -> HttpResponse:
    """The line is no more from a day on."""
    return answer(_line(_end(request, find_enterprise(request.user, code).lines.all(), row, given)))


@router.post("/{code}/permits/{int:row}/end", response=PermitRow, summary="终止许可")
def end_permit(request: Request, code: str, row: int, given: Ending) -> HttpResponse:
    """The permit holds no more from a day on."""
    return answer(_permit(_end(request, find_enterprise(request.user, code).permits.all(), row, given)))


@router.delete("/{code}/outlets/{int:row}", response={204: None}, summary="删去错登的排放口")
def remove_outlet(request: Request, code: str, row: int) -> HttpResponse:
    """What was entered wrongly; the book keeps what it said."""
    return _remove(request, find_enterprise(request.user, code).outlets.all(), row)


@router.delete("/{code}/meters/{int:row}", response={204: None}, summary="删去错登的表计")
def remove_meter(request: Request, code: str, row: int) -> HttpResponse:
    """What was entered wrongly; the book keeps what it said."""
    return _remove(request, find_enterprise(request.user, code).meters.all(), row)


@router.delete("/{code}/contacts/{int:row}", response={204: None}, summary="删去联系人")
def remove_contact(request: Request, code: str, row: int) -> HttpResponse:
    """Who is not to be called any more; the book keeps what it said."""
    return _remove(request, find_enterprise(request.user, code).contacts.all(), row)


@router.post("/{code}/place", response=Placed, summary="改镇街、园区")
def place(request: Request, code: str, given: Placing) -> HttpResponse:
    """From a day on; who moves an enterprise looks after where it goes as well."""
    enterprise = find_enterprise(request.user, code)
    township = find_place(given.township, Organisation.Kind.TOWNSHIP, "township")
    parks = [find_place(number, Organisation.Kind.PARK, "parks") for number in dict.fromkeys(given.parks)]
    actions.move(request.user, enterprise, township, parks, given.since, given.source)
    moved = Enterprise.objects.select_related("county", "township").get(pk=enterprise.pk)
    return answer(
        {
            "county": moved.county.title if moved.county is not None else "",
            "township": moved.township.title if moved.township is not None else "",
            "parks": [park.title for park in moved.parks.order_by("order", "pk")],
        }
    )


# -- finding -------------------------------------------------------------------------------------------


def find_place(number: int, kind: str, at: str) -> Organisation:
    """A township or park by its number. Raises Refused."""
    found = Organisation.objects.filter(pk=number, kind=kind).select_related("parent").first()
    if found is None:
        what = _("没有这个镇街。") if kind == Organisation.Kind.TOWNSHIP else _("没有这个园区。")
        raise Refused(what, status=422, code="invalid", at=at)
    return found


def find_other(user: Any, code: str, at: str) -> Enterprise:
    """Another enterprise that the person may see. Raises Refused."""
    found = enterprises_for(user).filter(code=code.strip().upper()).first()
    if found is None:
        raise Refused(
            _("没有信用代码为 %(code)s 的企业。") % {"code": code}, status=422, code="invalid", at=at
        )
    return found


def find_parcel(user: Any, number: int, at: str = "") -> Parcel:
    """A parcel that the person may see. Raises Refused where it is named in the body, Http404 in the address."""
    found = parcels_for(user).filter(pk=number).first() if number <= 2**53 else None
    if found is None and at:
        raise Refused(_("没有这宗地。"), status=422, code="invalid", at=at)
    if found is None:
        raise Http404
    return found


def _find_row(rows: QuerySet[Any], number: int) -> Any:
    found = rows.filter(pk=number).first() if number <= 2**53 else None
    if found is None:
        raise Http404
    return found


def _end(request: Request, rows: QuerySet[Any], number: int, given: Ending) -> Any:
    return actions.end_row(request.user, _find_row(rows, number), given.until)


def _remove(
    request: Request, rows: QuerySet[Contact] | QuerySet[Meter] | QuerySet[Outlet], number: int
) -> HttpResponse:
    actions.remove_row(request.user, _find_row(rows, number))
    return HttpResponse(status=204)


def _newest(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by(F("since").desc(nulls_last=True), "pk")


def _in_order(since: date | None, until: date | None) -> None:
    if since is not None and until is not None and until <= since:
        raise Refused(_("结束日期要晚于开始日期。"), status=422, code="invalid", at="until")


# -- showing -------------------------------------------------------------------------------------------


def _kept(row: M) -> M:
    """A row as the database has it: numbers with all their digits."""
    row.refresh_from_db()
    return row


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _days(row: Dated) -> dict[str, Any]:
    return {"since": row.since, "until": row.until, "source": row.source}


def _parcel(row: Parcel) -> dict[str, Any]:
    return {
        "id": row.pk,
        "number": row.number,
        "part": row.part,
        "area": _text(row.area),
        "township": row.township.title if row.township is not None else "",
        "use": row.use,
        "place": row.place,
        "state": row.state,
    }


def _holding(row: Holding) -> dict[str, Any]:
    parcel = row.parcel
    return {
        "id": row.pk,
        "parcel": parcel.pk,
        "number": parcel.number,
        "parcel_area": _text(parcel.area),
        "area": _text(row.area),
        "certificate": row.certificate,
        "use": parcel.use,
        "place": parcel.place,
        "township": parcel.township.title if parcel.township is not None else "",
        "state": parcel.state,
        **_days(row),
    }


def _lease(row: Lease) -> dict[str, Any]:
    return {
        "id": row.pk,
        "lessor": row.lessor.code if row.lessor is not None else None,
        "lessor_name": row.lessor_name,
        "tenant": row.tenant.code if row.tenant is not None else None,
        "tenant_name": row.tenant_name,
        "parcel": row.parcel_id,
        "area": _text(row.area),
        **_days(row),
    }


def _line(row: ProductionLine) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ("number", "name", "product", "unit", "state")}
    return {"id": row.pk, **shown, "capacity": _text(row.capacity), **_days(row)}


def _outlet(row: Outlet) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ("code", "kind", "name", "limits", "longitude", "latitude")}
    return {"id": row.pk, **shown, "line": row.line_id, "height": _text(row.height)}


def _meter(row: Meter) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "number": row.number,
        "shared": row.shared,
        "share": _text(row.share),
    }


def _permit(row: Permit) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ("kind", "number", "management", "limits")}
    return {"id": row.pk, **shown, **_days(row)}
