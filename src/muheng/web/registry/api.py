"""Enterprises for programs: the list with its filters, one enterprise, its figures, its history, its land.

Reading only what the person behind the key may see; changes go through the same deeds as the pages'.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.http import FileResponse, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from muheng.web.api_description import FILE, XLSX
from muheng.web.files.pages import download
from muheng.web.paging import Listed, Part, answer, answer_list, answer_part
from muheng.web.people.models import Organisation
from muheng.web.people.rights import require
from muheng.web.people.scope import scope_of
from muheng.web.refusal import Refused
from muheng.web.registry import actions, exports, figures, maps, pieces_api, reorganisation_api, timeline
from muheng.web.registry.geometry import read_box
from muheng.web.registry.listing import (
    COLUMNS,
    SHOWN,
    SORTS,
    Question,
    find_rows,
    holds_on,
    list_numbers,
    titles,
)
from muheng.web.registry.models import Enterprise, MonthlyFigure
from muheng.web.registry.pieces_api import NewContact
from muheng.web.registry.queries import find_enterprise, list_contacts, names_in_order
from muheng.web.registry.search import search
from muheng.web.request import Request

PREFIX = "enterprises"
router = Router(tags=["enterprises"])
LISTED = ("code", "name", "grade", "county_id", "township_id", "industry", "industry_group", "scale", "state")


class EnterpriseRow(Schema):
    """An enterprise in a list."""

    code: str = Field(description="统一社会信用代码")
    name: str
    grade: str = Field(description="最近一次签发的等级；没有则为空")
    county: str
    township: str
    industry: str = Field(description="GB/T 4754 代码")
    industry_group: str
    scale: str
    state: str


class Name(Schema):
    """A name with the time for which it was borne."""

    name: str
    since: date | None
    until: date | None = Field(description="不含这一天；null 为现用名")


class Status(Schema):
    """A status that holds today."""

    status: str
    level: str
    since: date | None
    until: date | None
    source: str


class Grade(Schema):
    """The signed grade of a year."""

    year: int
    grade: str
    standing: str
    score: str
    place: int | None


class EnterpriseFile(EnterpriseRow):
    """An enterprise's file."""

    parks: list[str]
    address: str
    legal_person: str
    longitude: float | None
    latitude: float | None
    registered_on: date | None
    started_on: date | None
    merged_into: str | None = Field(description="已并入的企业的信用代码")
    names: list[Name]
    statuses: list[Status]
    grades: list[Grade]


class Cell(Schema):
    """The cell of a department's file that a figure came from."""

    file: str
    sheet: str
    cell: str
    value: str


class YearlyFigure(Schema):
    """One figure of a year: exact, as text."""

    item: str
    value: str
    unit: str
    basis: str
    cells: list[Cell]
    batch: str


class Ratio(Schema):
    """An indicator beside the industry's."""

    key: str
    title: str
    unit: str
    own: str
    median: str
    best_quarter: str
    place: int | None
    many: int


class Monthly(Schema):
    """One figure of a month."""

    month: str = Field(description="2025-03")
    item: str
    value: str
    unit: str
    state: str


class Figures(Schema):
    """The figures of a year. ``years``: those that have any."""

    years: list[int]
    year: int | None
    figures: list[YearlyFigure]
    ratios: list[Ratio]
    monthly: list[Monthly]


class Event(Schema):
    """Something that happened."""

    day: date
    kind: str
    title: str
    note: str


class ContactRow(Schema):
    """Whom to call."""

    id: int
    name: str
    post: str
    main: bool
    numbers: list[str]


class Filters(Schema):
    """What may be asked of the list."""

    q: str = Field(
        "", max_length=100, description="名称、曾用名、拼音首字母或代码的任意一段；多个词用空格隔开"
    )
    county: int | None = Field(None, ge=1, le=2**53)
    township: int | None = Field(None, ge=1, le=2**53)
    park: int | None = Field(None, ge=1, le=2**53)
    industry: str = Field("", max_length=8, description="行业代码开头几位")
    industry_group: str = Field("", max_length=60)
    scale: str = Field("", max_length=20)
    grade: str = Field("", max_length=8, description="“-”为没有等级")
    status: str = Field("", max_length=60)
    state: str = Field("", max_length=20, description="“merged”为已并入其他企业")
    sort: str = Field("", max_length=30, description="列名，前面加“-”为倒序：" + "、".join(SORTS))


class NewEnterprise(Schema):
    """A file to be opened."""

    code: str = Field(max_length=30)
    name: str = Field(max_length=200)
    township: int = Field(ge=1, le=2**53, description="镇街编号")
    scale: str = Field("", max_length=20)
    industry: str = Field("", max_length=8)
    registered_on: date | None = None
    source: str = Field(max_length=200, description="依据：文件和文号")


class Renaming(Schema):
    """A new name from a day on."""

    name: str = Field(max_length=200)
    since: date
    source: str = Field(max_length=200)


class Granting(Schema):
    """A status that is granted."""

    status: str = Field(max_length=60, description="称号，如 高新技术企业")
    level: str = Field("", max_length=30)
    since: date
    until: date | None = None
    source: str = Field(max_length=200, description="依据：文件和文号")


class Changing(Schema):
    """An attribute that is otherwise from a day on."""

    attribute: Literal["scale", "industry", "industry_group", "state", "address", "legal_person"]
    value: str = Field(max_length=200)
    since: date
    source: str = Field(max_length=200)


class Match(Schema):
    """An enterprise that a search gives."""

    code: str
    name: str
    place: str
    grade: str
    former: str = Field(description="对上的曾用名；对上的是现用名或代码则为空。")
    merged: bool = Field(description="已并入其他企业。")


class Matches(Schema):
    """The likeliest first."""

    items: list[Match]


class Exporting(Filters):
    """Which rows, and which columns."""

    columns: list[str] = Field(
        [], max_length=30, description="要哪些列，不写为网页上的那些：" + "、".join(COLUMNS)
    )


class Work(Schema):
    """Background work was begun: see ``/api/jobs/{job}``."""

    job: int


class Box(Schema):
    """The part of the map that is asked for."""

    box: str = Field(max_length=100, description="西,南,东,北（度，CGCS2000）")
    by: Literal["state", "grade"] = "state"
    state: str = Field("", max_length=12)


class Features(Schema):
    """GeoJSON. ``whole``: false where townships are counted because the parcels are too many."""

    type: str
    features: list[dict[str, Any]]
    count: int | None = None
    whole: bool | None = None


@router.get("/", response=Listed[EnterpriseRow], summary="企业名单")
def list_enterprises(
    request: Request, part: Annotated[Part, Query()], asked: Annotated[Filters, Query()]
) -> HttpResponse:
    """The enterprises that the person may see."""
    require(request.user, "registry.view")
    question = _question(asked)
    numbers = list_numbers(find_rows(scope_of(request.user), question), question)
    count = len(numbers) if isinstance(numbers, list) else numbers.count()
    page = list(numbers[part.offset : part.offset + part.limit])
    rows = {row["pk"]: row for row in Enterprise.objects.filter(pk__in=page).order_by().values("pk", *LISTED)}
    places = titles()
    return answer_part(
        request, [_row(rows[number], places) for number in page if number in rows], part, count
    )


def _question(asked: Filters) -> Question:
    given = asked.dict()
    sort = given.pop("sort")
    for key, value in given.items():
        if isinstance(value, str) and "\0" in value:
            raise Refused(_("文字里有不能有的字符。"), status=422, code="invalid", at=key)
    name = sort.removeprefix("-")
    if sort and name not in SORTS:
        raise Refused(
            _("不能按“%(name)s”排序。") % {"name": name},
            _("可以按：%(names)s。") % {"names": "、".join(SORTS)},
            status=422,
            code="invalid",
            at="sort",
        )
    if "columns" in given:
        given["columns"] = _columns(given["columns"])
    return Question(**given, sort=name, descending=sort.startswith("-"))


def _columns(names: list[str]) -> tuple[str, ...]:
    for name in names:
        if name not in COLUMNS:
            raise Refused(
                _("没有“%(name)s”这一项。") % {"name": name[:40]},
                _("可以用：%(names)s。") % {"names": "、".join(COLUMNS)},
                status=422,
                code="invalid",
                at="columns",
            )
    return tuple(key for key in COLUMNS if key in names) or SHOWN


@router.get("/search", response=Matches, summary="找企业")
def find(
    request: Request,
    q: Annotated[str, Query(max_length=100)],
    limit: Annotated[int, Query(ge=1, le=50, description="最多几家。")] = 10,
) -> HttpResponse:
    """By any part of name, former name, pinyin initials or code; the likeliest first."""
    require(request.user, "registry.view")
    found = search(scope_of(request.user), q, limit)
    return answer({"items": [vars(each) for each in found]})


@router.post("/export", response={200: None, 202: Work}, openapi_extra=XLSX, summary="导出企业名单（xlsx）")
def export(request: Request, asked: Annotated[Exporting, Query()]) -> HttpResponse | FileResponse:
    """The workbook; where the list is long, background work that makes it (202)."""
    require(request.user, "registry.view")
    question = _question(asked)
    job = exports.ask_if_long(request.user, request.GET.urlencode(), question)
    if job is not None:
        return answer({"job": job.pk}, 202)
    return exports.write_at_once(scope_of(request.user), question)


@router.get("/export/{int:job}", response={200: None}, openapi_extra=FILE, summary="导出的名单（xlsx）")
def exported(request: Request, job: int) -> FileResponse:
    """The workbook that was made in the background; only for who asked for it."""
    return download(exports.find_export(request.user, job))


@router.post("/", response={201: EnterpriseFile}, summary="建档")
def register(request: Request, given: NewEnterprise) -> HttpResponse:
    """Open the file of a new enterprise."""
    fields = given.dict()
    township = Organisation.objects.filter(pk=fields.pop("township"), kind=Organisation.Kind.TOWNSHIP).first()
    if township is None:
        raise Refused(_("没有这个镇街。"), status=422, code="invalid", at="township")
    made = actions.register_enterprise(request.user, **fields, township=township)
    return answer(_file(made), 201)


@router.get("/parcels", response=Features, summary="一片范围内的宗地")
def list_parcels(request: Request, asked: Annotated[Box, Query()]) -> HttpResponse:
    """The parcels of a box as GeoJSON."""
    require(request.user, "registry.view")
    return answer(maps.parcels_in(request.user, read_box(asked.box), asked.state, asked.by))


@router.get("/{code}", response=EnterpriseFile, summary="一家企业")
def show(request: Request, code: str) -> HttpResponse:
    """An enterprise's file."""
    return answer(_file(find_enterprise(request.user, code)))


@router.post("/{code}/name", response=EnterpriseFile, summary="更名")
def rename(request: Request, code: str, given: Renaming) -> HttpResponse:
    """A new name; the one before stays in the history."""
    enterprise = find_enterprise(request.user, code)
    actions.rename(request.user, enterprise, given.name, given.since, given.source)
    return answer(_file(find_enterprise(request.user, code)))


@router.post("/{code}/statuses", response=EnterpriseFile, summary="授予称号")
def grant(request: Request, code: str, given: Granting) -> HttpResponse:
    """A status is granted; one of the same name that still holds ends on that day."""
    fields = given.dict()
    status, since = fields.pop("status"), fields.pop("since")
    actions.grant_status(request.user, find_enterprise(request.user, code), status, since, **fields)
    return answer(_file(find_enterprise(request.user, code)))


@router.post("/{code}/attributes", response=EnterpriseFile, summary="变更规模、行业、状态等")
def change(request: Request, code: str, given: Changing) -> HttpResponse:
    """From a day on; what was before stays in the history."""
    enterprise = find_enterprise(request.user, code)
    actions.change_attribute(
        request.user, enterprise, given.attribute, given.value, given.since, given.source
    )
    return answer(_file(find_enterprise(request.user, code)))


@router.get("/{code}/figures", response=Figures, summary="年度和月度数据")
def show_figures(
    request: Request, code: str, year: Annotated[int | None, Query(ge=1990, le=2200)] = None
) -> HttpResponse:
    """Every figure of a year (the newest where none is named) with its cells; the ratios beside the industry's."""
    enterprise = find_enterprise(request.user, code)
    known = figures.years_of(enterprise.code)
    if year is None:
        year = known[0] if known else None
    compared = [each for each in figures.compare_for(request.user, enterprise) if each.year == year]
    months = MonthlyFigure.objects.filter(enterprise=enterprise, year=year or 0).order_by("month", "item")
    return answer(
        {
            "years": known,
            "year": year,
            "figures": [
                {
                    "item": figure.item,
                    "value": figure.value.replace(",", ""),
                    "unit": figure.unit,
                    "basis": figure.basis,
                    "cells": [vars(cell) for cell in figure.cells],
                    "batch": figure.layer.title if figure.layer is not None else "",
                }
                for figure in (figures.list_figures(enterprise.code, year) if year is not None else ())
            ],
            "ratios": [
                {
                    "key": each.indicator.key,
                    "title": str(each.indicator.title),
                    "unit": str(each.indicator.unit),
                    "own": each.own.replace(",", ""),
                    "median": each.median.replace(",", ""),
                    "best_quarter": each.best_quarter.replace(",", ""),
                    "place": each.place,
                    "many": each.many,
                }
                for one in compared
                for each in one.standings
            ],
            "monthly": [
                {
                    "month": f"{row.year}-{row.month:02d}",
                    "item": row.item,
                    "value": f"{row.value:f}",
                    "unit": row.unit,
                    "state": row.state,
                }
                for row in months
            ],
        }
    )


@router.get("/{code}/history", response=Listed[Event], summary="经历")
def show_history(
    request: Request,
    code: str,
    part: Annotated[Part, Query()],
    kind: Annotated[str, Query(max_length=20)] = "",
) -> HttpResponse:
    """All that ever happened to it, the newest first; of one kind where it is named."""
    events = timeline.events_of(find_enterprise(request.user, code), request.user)
    rows = [event for event in events if not kind or event.kind == kind]
    return answer_list(
        request,
        rows,
        part,
        lambda event: {"day": event.day, "kind": event.kind, "title": event.title, "note": event.note},
    )


@router.get("/{code}/parcels", response=Features, summary="企业的宗地")
def show_parcels(request: Request, code: str) -> HttpResponse:
    """Its land today with its outlets, as GeoJSON."""
    return answer(maps.own_parcels(request.user, find_enterprise(request.user, code)))


@router.get("/{code}/contacts", response=Listed[ContactRow], summary="联系人")
def list_its_contacts(request: Request, code: str, part: Annotated[Part, Query()]) -> HttpResponse:
    """Whom to call; numbers are masked for who does not keep the file."""
    return answer_list(request, list_contacts(request.user, find_enterprise(request.user, code)), part)


@router.post("/{code}/contacts", response={201: ContactRow}, summary="加联系人")
def add_contact(request: Request, code: str, given: NewContact) -> HttpResponse:
    """A new main contact takes the place of the one before."""
    enterprise = find_enterprise(request.user, code)
    made = actions.add_contact(request.user, enterprise, **given.dict())
    return answer(
        {
            "id": made.pk,
            "name": made.name,
            "post": made.post,
            "main": made.main,
            "numbers": [text for text in (made.phone, made.mobile) if text],
        },
        201,
    )


def _row(row: dict[str, Any], places: dict[int, str]) -> dict[str, Any]:
    shown = {key: row[key] for key in ("code", "name", "grade")}
    shown["county"] = places.get(row["county_id"], "")
    shown["township"] = places.get(row["township_id"], "")
    return shown | {key: row[key] for key in ("industry", "industry_group", "scale", "state")}


def _file(enterprise: Enterprise) -> dict[str, Any]:
    return {
        "code": enterprise.code,
        "name": enterprise.name,
        "grade": enterprise.grade,
        "county": enterprise.county.title if enterprise.county is not None else "",
        "township": enterprise.township.title if enterprise.township is not None else "",
        **{key: getattr(enterprise, key) for key in ("industry", "industry_group", "scale", "state")},
        "parks": [park.title for park in enterprise.parks.all()],
        "address": enterprise.address,
        "legal_person": enterprise.legal_person,
        "longitude": enterprise.longitude,
        "latitude": enterprise.latitude,
        "registered_on": enterprise.registered_on,
        "started_on": enterprise.started_on,
        "merged_into": enterprise.merged_into.code if enterprise.merged_into is not None else None,
        "names": list(names_in_order(enterprise).values("name", "since", "until")),
        "statuses": list(
            enterprise.statuses.filter(holds_on()).values("status", "level", "since", "until", "source")
        ),
        "grades": list(
            enterprise.grades.filter(ended_at=None).values("year", "grade", "standing", "score", "place")
        ),
    }


for _part in (pieces_api, reorganisation_api):
    router.add_router("", _part.router)
