"""The emergency list for programs. Mass in grams a day, money in fen a day."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import FileResponse, Http404, HttpResponse
from ninja import Field, File, Form, Query, Router, Schema, Status
from ninja.files import UploadedFile

from muheng.web.api_description import XLSX
from muheng.web.emergency.actions import lists as actions
from muheng.web.emergency.models import EmergencyList, ListedFirm
from muheng.web.emergency.queries import lists as queries
from muheng.web.emergency.queries import plans
from muheng.web.emergency.queries.lists import FirmQuestion
from muheng.web.emergency.workbook import send_workbook
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.request import Request

router = Router()
_MASS = "克/日，依次为 SO2、NOx、PM、VOCs。"


class EmergencyListShown(Schema):
    """Where a list stands."""

    number: int
    title: str
    organisation: str
    season: str
    state: str = Field(description="reading wrong draft in_force replaced")
    firms: int
    lines: int
    made_at: datetime
    in_force_from: datetime | None
    errors: int = Field(description="工作簿里的错误；有错误的清单整份不收。")


class ListGiven(Schema):
    title: str = Field("", max_length=200)
    season: str = Field("", max_length=20, description="如 2026-2027。")


class ListProblem(Schema):
    """What is wrong in the workbook."""

    severity: str
    sheet: str
    cell: str
    found: str
    what: str
    fix: str


class EmergencyListFull(EmergencyListShown):
    """With its totals, to who sees the whole."""

    emission: list[int] = Field(description=_MASS)
    problems: list[ListProblem] = Field(description="最多 1000 条。")


class ListedFirmShown(Schema):
    """An enterprise on the list."""

    code: str
    name: str
    county: str
    trade: str
    grade: str
    guarantee: str
    guarantee_level: str
    stopped: bool
    lines: int
    emission: list[int] = Field(description=_MASS)


class FirmMeasure(Schema):
    """What a line does at a level."""

    level: str
    name: str
    part: int = Field(description="减少的产量，千分之几。")
    loss: int = Field(description="分/日。")
    cut: list[int] = Field(description=_MASS)


class FirmLine(Schema):
    line: str
    name: str
    emission: list[int] = Field(description=_MASS)
    filed: list[FirmMeasure] = Field(description="已备案的一厂一策；没有写减排量的为 0。")
    planned: list[FirmMeasure] = Field(description="采用的方案；没有采用的方案时为空。")


class ListedFirmFull(ListedFirmShown):
    """With its lines."""

    production: list[FirmLine]


class FirmFilter(Schema):
    q: str = Field("", max_length=100, description="名称、拼音首字母或代码。")
    trade: str = Field("", max_length=60, description="重点行业。")
    grade: str = Field("", max_length=10, description="“-”为未评级。")
    guarantee: str = Field("", max_length=40, description="“+”为有保障的。")
    sort: Literal[
        "", "code", "name", "grade", "lines", "so2", "nox", "pm", "voc", "-code", "-name", "-grade", "-lines",
        "-so2", "-nox", "-pm", "-voc",
    ] = ""  # fmt: skip


@router.get("/lists", response=Listed[EmergencyListShown], summary="应急减排清单")
def list_lists(request: Request, part: Query[Part]) -> HttpResponse:
    """The newest first."""
    require(request.user, queries.VIEW)
    return answer_list(request, queries.lists_for(request.user), part, _shown)


@router.post("/lists", response={201: EmergencyListShown}, summary="上传清单")
def add_list(
    request: Request, given: Form[ListGiven], files: File[list[UploadedFile]]
) -> Status[dict[str, Any]]:
    """One workbook. It is read in the background: ask for the list until its state is no longer ``reading``."""
    return Status(201, _shown(actions.hand_in_list(request.user, files, given.title, given.season)))


@router.get("/lists/{number}", response=EmergencyListFull, summary="一份清单")
def show_list(request: Request, number: int) -> dict[str, Any]:
    """With what is wrong in its workbook, where it was not taken."""
    found = _find(request, number)
    whole = queries.sees_all(request.user, found)
    lang = language()
    return {
        **_shown(found),
        "emission": found.figures.get("emission", []) if whole else [],
        "problems": [
            {
                **{name: each[name] for name in ("severity", "sheet", "cell", "found")},
                "what": each[lang],
                "fix": each[f"fix_{lang}"],
            }
            for each in (found.problems if whole else [])
        ],
    }


@router.post("/lists/{number}/force", response=EmergencyListShown, summary="启用清单")
def force_list(request: Request, number: int) -> dict[str, Any]:
    """From now on this one counts."""
    return _shown(actions.put_in_force(request.user, _find(request, number)))


@router.get("/lists/{number}/workbook", summary="下载清单", openapi_extra=XLSX)
def send_list(request: Request, number: int) -> FileResponse:
    """In its usual columns, with the adopted plan's measures."""
    found = _find(request, number)
    if not found.folder or not queries.sees_all(request.user, found):
        raise Http404
    return send_workbook(found, queries.adopted_plan(found))


@router.get("/lists/{number}/firms", response=Listed[ListedFirmShown], summary="清单里的企业")
def list_firms(request: Request, number: int, filters: Query[FirmFilter], part: Query[Part]) -> HttpResponse:
    """Those that the person may see."""
    rows = queries.firms_of(request.user, _find(request, number)).select_related("county")
    asked = FirmQuestion(
        filters.q.strip(), None, filters.trade, filters.grade, filters.guarantee, filters.sort
    )
    return answer_list(request, queries.ask_firms(rows, asked), part, _firm)


@router.get("/lists/{number}/firms/{code}", response=ListedFirmFull, summary="清单里的一家企业")
def show_firm(request: Request, number: int, code: str) -> dict[str, Any]:
    """Its lines with what is filed and what the adopted plan says."""
    found = _find(request, number)
    firm = queries.find_firm(request.user, found, code)
    listing = queries.listing_of(found)
    planned = plans.firm_measures(queries.adopted_plan(found), firm.code)
    return {
        **_firm(firm),
        "production": [
            {
                "line": line.id,
                "name": line.name,
                "emission": list(line.daily),
                "filed": [
                    {
                        "level": each.level,
                        "name": each.name,
                        "part": each.part,
                        "loss": 0,
                        "cut": list(each.cut or (0, 0, 0, 0)),
                    }
                    for each in listing.filed_of.get(line.id, ())
                ],
                "planned": [
                    {
                        "level": each.level,
                        "name": each.name,
                        "part": each.part,
                        "loss": each.loss,
                        "cut": list(each.cut),
                    }
                    for each in planned.get(line.id, ())
                ],
            }
            for line in listing.lines_of.get(firm.code, ())
        ],
    }


def _find(request: Request, number: int) -> EmergencyList:
    return queries.find_list(request.user, number)


def _shown(row: EmergencyList) -> dict[str, Any]:
    return {
        "number": row.pk,
        "title": row.title,
        "organisation": row.organisation.title,
        "season": row.season,
        "state": row.state,
        "firms": row.firms,
        "lines": row.lines,
        "made_at": row.made_at.isoformat(),
        "in_force_from": row.in_force_from.isoformat() if row.in_force_from else None,
        "errors": row.figures.get("errors", 0),
    }


def _firm(row: ListedFirm) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "county": str(row.county) if row.county is not None else "",
        "trade": row.trade,
        "grade": row.grade,
        "guarantee": row.guarantee,
        "guarantee_level": row.guarantee_level,
        "stopped": row.stopped,
        "lines": row.lines,
        "emission": [row.so2, row.nox, row.pm, row.voc],
    }
