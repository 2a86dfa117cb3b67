"""Monthly filings for programs: the same checks, actions and scope as the pages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import File, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from muheng.web.api_description import XLSX
from muheng.web.filing import actions, queries
from muheng.web.filing.items import form
from muheng.web.filing.models import Filing
from muheng.web.filing.months import Month, newest_month, parse_month
from muheng.web.filing.taking import open_workbook, take_workbook
from muheng.web.filing.wording import item_title, sentence
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise

PREFIX = "filings"
router = Router(tags=["月度填报"])


class Filling(Schema):
    """What an enterprise files: figures as text or numbers, by item, in the items' units."""

    values: dict[str, str | float] = Field(default={}, description="项目 → 数值")
    reasons: dict[str, str] = Field(default={}, description="项目 → 和往常差别大的原因")
    version: int | None = Field(default=None, description="看到的版本；之间有人改过就拒绝")


class Filed(Schema):
    """One month of one enterprise."""

    enterprise: dict[str, str]
    month: str
    state: str
    values: dict[str, str]
    reasons: dict[str, str]
    findings: list[dict[str, str]]
    flagged: bool
    late: bool
    version: int
    submitted_at: str | None
    reviewed_at: str | None
    answer: str


class Return(Schema):
    why: str = Field(description="退回的原因")


class FilingFilter(Schema):
    month: str = Field(default="", description="月份，如 2026-10")
    state: str = Field(
        default="", description="状态：draft 草稿，submitted 已提交，returned 退回，accepted 通过"
    )
    flagged: bool | None = Field(default=None, description="有疑问")
    late: bool | None = Field(default=None, description="迟报")
    enterprise: str = Field(default="", description="统一社会信用代码")


class ItemOfForm(Schema):
    item: str
    title: str
    unit: str
    digits: int = Field(description="小数位数")


class FormShown(Schema):
    items: list[ItemOfForm]
    working_days: int = Field(description="次月第几个工作日前报")


class MonthLine(Schema):
    month: str
    state: str
    due: str
    provisional: bool = Field(description="期限超出已公布的放假安排")
    late: bool


class FindingShown(Schema):
    item: str
    title: str
    level: str = Field(description="error 不能提交，warning 要说明原因，note 提醒")
    kind: str
    what: str
    fix: str


class Checked(Schema):
    findings: list[FindingShown]


@router.get("/items", response=FormShown, summary="要填报的项目")
def list_items(request: HttpRequest) -> dict[str, Any]:
    """The items of the form with their units and decimals."""
    items = [
        {"item": item.name, "title": item_title(item.name), "unit": item.unit, "digits": item.digits}
        for item in form().items.values()
    ]
    return {"items": items, "working_days": form().working_days}


@router.get("/", summary="填报列表", response=Listed[Filed])
def list_filings(request: HttpRequest, filters: Query[FilingFilter], part: Query[Part]) -> HttpResponse:
    """Filings that the person may see, the newest first."""
    rows = queries.visible_filings(request.user)
    when = parse_month(filters.month)
    if when is not None:
        rows = rows.filter(year=when.year, month=when.month)
    if filters.state:
        rows = rows.filter(state=filters.state)
    if filters.enterprise:
        rows = rows.filter(enterprise__code=filters.enterprise)
    if filters.flagged is not None:
        rows = rows.filter(flagged=filters.flagged)
    if filters.late is not None:
        rows = rows.filter(late=filters.late)
    return answer_list(request, rows.select_related("enterprise"), part, describe)


@router.get("/months/{code}", response=Listed[MonthLine], summary="一户企业各月情况")
def list_months(request: HttpRequest, code: str, part: Query[Part]) -> HttpResponse:
    """Every month that an enterprise has to file, with its state and deadline."""
    enterprise = queries.find_enterprise(request.user, code)
    if enterprise is None:
        raise Http404
    months = [
        {
            "month": str(each.when),
            "state": each.state,
            "due": each.due.isoformat(),
            "provisional": each.provisional,
            "late": each.late,
        }
        for each in queries.list_months(enterprise)
    ]
    return answer_list(request, months, part)


class DutyLine(Schema):
    """An enterprise that has to file a month, and where that stands."""

    code: str
    name: str
    county: str
    state: str = Field(description="missing 未报；其余同填报的状态。")
    flagged: bool = Field(description="有疑问。")
    late: bool = Field(description="迟报。")


class DutyFilter(Schema):
    month: str = Field(max_length=7, description="月份，如 2026-10。")
    state: Literal["", "missing", "draft", "submitted", "returned", "accepted", "flagged", "late"] = Field(
        "", description="missing 未报，flagged 有疑问、待核对，late 逾期；其余同填报的状态。"
    )
    q: str = Field("", max_length=100, description="名称、曾用名、拼音首字母或代码的一部分。")


@router.get("/duties", response=Listed[DutyLine], summary="一个月里谁该报、谁没报")
def list_duties(request: HttpRequest, asked: Query[DutyFilter], part: Query[Part]) -> HttpResponse:
    """Those who have to file it and whom the person reviews, with questions on top."""
    require(request.user, queries.RIGHT)
    when = parse_month(asked.month)
    if when is None or when > newest_month():
        raise Refused(
            _("月份应写成 2026-10 的样子"),
            _("只能问已经过完的月份。"),
            status=422,
            code="invalid",
            at="month",
        )
    rows = queries.filter_duties(queries.month_duties(request.user, when), when, asked.state, asked.q.strip())
    rows = rows.select_related("enterprise__county").order_by("-filing_flagged", "enterprise__code")
    return answer_list(request, rows, part, _duty)


def _duty(row: Any) -> dict[str, Any]:
    enterprise = row.enterprise
    return {
        "code": enterprise.code,
        "name": enterprise.name,
        "county": enterprise.county.title if enterprise.county is not None else "",
        "state": row.state,
        "flagged": bool(row.filing_flagged),
        "late": bool(row.filing_late),
    }


class Taken(Schema):
    """The months that became drafts; they are still to be submitted."""

    months: list[str]


@router.get("/{code}/workbook", response={200: None}, openapi_extra=XLSX, summary="填报模板（xlsx）")
def download_workbook(request: HttpRequest, code: str) -> HttpResponse:
    """The enterprise's own workbook: its open months, with what their drafts hold."""
    return open_workbook(_own_enterprise(request, code))


@router.post("/{code}/workbook", response=Taken, summary="上传填好的模板")
def upload_workbook(
    request: HttpRequest,
    code: str,
    file: Annotated[UploadedFile, File(description="填好的模板，最大 2 MB。")],
) -> dict[str, Any]:
    """Every month in it becomes a draft, or none does: then ``error.cells`` says each cell that is wrong."""
    months = take_workbook(request.user, _own_enterprise(request, code), file)
    return {"months": [str(when) for when in months]}


class MonthGiven(Schema):
    month: str = Field(description="月份，如 2026-10")


class Accepted(Schema):
    accepted: int = Field(description="通过了几份。")


@router.post("/accept", response=Accepted, summary="没有疑问的一并通过")
def accept_unflagged(request: HttpRequest, given: MonthGiven) -> dict[str, int]:
    """Every submitted filing of a month in which nothing was questioned."""
    when = parse_month(given.month)
    if when is None:
        raise Http404
    return {"accepted": actions.accept_unflagged(request.user, when)}


@router.get("/{code}/{month}", summary="一户一月", response=Filed)
def show(request: HttpRequest, code: str, month: str) -> dict[str, Any]:
    """One month of one enterprise."""
    return describe(_filing(request, code, month))


@router.post("/{code}/{month}/check", response=Checked, summary="只核对，不保存")
def check(request: HttpRequest, code: str, month: str, given: Filling) -> dict[str, Any]:
    """What is odd in figures; changes nothing."""
    enterprise, when = _own(request, code, month)
    _entries, found = actions.examine(enterprise, when, _texts(given))
    return {"findings": [sentence(each.stored()) for each in found]}


@router.put("/{code}/{month}", summary="保存草稿", response=Filed)
def save(request: HttpRequest, code: str, month: str, given: Filling) -> dict[str, Any]:
    """Keep a month as a draft."""
    enterprise, when = _own(request, code, month)
    return describe(
        actions.save_draft(
            request.user, enterprise, when, _texts(given), given.reasons, version=given.version
        )
    )


@router.post("/{code}/{month}/submit", summary="提交", response=Filed)
def submit(request: HttpRequest, code: str, month: str, given: Filling) -> dict[str, Any]:
    """Hand a month in."""
    enterprise, when = _own(request, code, month)
    return describe(
        actions.submit(request.user, enterprise, when, _texts(given), given.reasons, version=given.version)
    )


@router.post("/{code}/{month}/accept", summary="核对通过", response=Filed)
def accept(request: HttpRequest, code: str, month: str) -> dict[str, Any]:
    """A submitted month is right."""
    return describe(actions.accept(request.user, _filing(request, code, month).pk))


@router.post("/{code}/{month}/return", summary="退回", response=Filed)
def send_back(request: HttpRequest, code: str, month: str, given: Return) -> dict[str, Any]:
    """A month goes back to the enterprise."""
    return describe(actions.send_back(request.user, _filing(request, code, month).pk, given.why))


def describe(filing: Filing) -> dict[str, Any]:
    """A filing as the API answers it."""
    return {
        "enterprise": {"code": filing.enterprise.code, "name": filing.enterprise.name},
        "month": str(filing.when),
        "state": filing.state,
        "values": filing.values,
        "reasons": filing.reasons,
        "findings": [sentence(each) for each in filing.findings],
        "flagged": filing.flagged,
        "late": filing.late,
        "version": filing.version,
        "submitted_at": filing.submitted_at.isoformat() if filing.submitted_at else None,
        "reviewed_at": filing.reviewed_at.isoformat() if filing.reviewed_at else None,
        "answer": filing.answer,
    }


def _texts(given: Filling) -> dict[str, str]:
    """Figures as texts; a name that is no item of the form is told."""
    unknown = [name for name in given.values if name not in form().items]
    if unknown:
        raise actions.unknown_item(unknown[0])
    return {
        name: str(value) if isinstance(value, str) else f"{value:.10f}".rstrip("0").rstrip(".")
        for name, value in given.values.items()
    }


def _filing(request: HttpRequest, code: str, month: str) -> Filing:
    when = parse_month(month)
    held = queries.visible_filings(request.user).filter(enterprise__code=code)
    found = when and held.filter(year=when.year, month=when.month).select_related("enterprise").first()
    if not found:
        raise Http404
    return found


def _own(request: HttpRequest, code: str, month: str) -> tuple[Enterprise, Month]:
    enterprise, when = _own_enterprise(request, code), parse_month(month)
    if when is None:
        raise Http404
    return enterprise, when


def _own_enterprise(request: HttpRequest, code: str) -> Enterprise:
    enterprise = queries.own_enterprises(request.user).filter(code=code).first()
    if enterprise is None:
        raise Http404
    return enterprise
