"""Pairings, weeks and visits for programs: the same actions and scope as the pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import File, Form, Query, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field, ValidationError

from muheng.liaison.week import monday_of
from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.liaison import actions, queries, visiting, weeks
from muheng.web.liaison.models import Pairing, WeekPlan
from muheng.web.liaison.rules import city_rules
from muheng.web.liaison.visiting import FoundHazard, Heard, Photo, Report
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise

PREFIX = "liaison"
router = Router(tags=["结对走访"])
Code = Annotated[str, Field(max_length=18, description="统一社会信用代码")]


# -- pairings --------------------------------------------------------------------------------------------


class PairingShown(Schema):
    """Who looks after an enterprise, and since when."""

    enterprise: str = Field(description="统一社会信用代码")
    name: str
    county: str
    township: str
    officer: str = Field(description="联络员的用户名")
    officer_name: str
    office: str
    since: date
    until: date | None = Field(description="不再联系的第一天；仍在联系为空")
    reason: str


class OwedShown(PairingShown):
    """A pairing, and what is owed to the enterprise."""

    urgency: Literal["overdue", "this_week", "this_period", "later"] = Field(
        description="overdue 逾期，this_week 本周到期，this_period 本期要走访，later 本期已走访"
    )
    due: date = Field(description="下次走访最迟日期")
    days_late: int
    made: int = Field(description="本期已走访次数")
    needed: int = Field(description="本期应走访次数")
    last_visit: date | None
    hazards: int = Field(description="未销号隐患")
    proposals: int = Field(description="在跟进的建议")
    demands: int = Field(description="在办诉求")


class PairingFilter(Schema):
    officer: str = Field("", max_length=60, description="联络员的用户名")
    county: int | None = Field(None, description="县区编号")
    urgency: Literal["", "overdue", "this_week", "this_period", "later"] = Field("", description="走访情况")


class PairingGiven(Schema):
    enterprise: Code
    officer: str = Field(max_length=60, description="联络员的用户名")
    reason: str = Field("", max_length=300)
    since: date | None = Field(None, description="从哪天起；不写为今天")


class MoveGiven(Schema):
    officer: str = Field(max_length=60, description="新联络员的用户名")
    reason: str = Field("", max_length=300)
    since: date | None = Field(None, description="从哪天起；不写为今天")


class EndGiven(Schema):
    reason: str = Field(max_length=300, description="结束的原因")


@router.get("/pairings", response=Listed[OwedShown], summary="结对一览，逾期的在前")
def list_pairings(request: HttpRequest, asked: Query[PairingFilter], part: Query[Part]) -> HttpResponse:
    """Pairings that last and that the person may see, with what is owed to each, the most urgent first."""
    rows = queries.live(queries.pairings_for(request.user))
    if asked.officer:
        rows = rows.filter(officer__username=asked.officer)
    if asked.county is not None:
        rows = rows.filter(enterprise__county=asked.county)
    owed = queries.reckon_all(rows, timezone.localdate())
    if asked.urgency:
        owed = [each for each in owed if each.duty.urgency == asked.urgency]
    return answer_list(request, owed, part, _owed)


@router.post("/pairings", response={201: PairingShown}, summary="结对")
def pair(request: HttpRequest, given: PairingGiven) -> Status[Any]:
    """Give an enterprise an officer; one that has an officer is refused."""
    enterprise = _enterprise(given.enterprise)
    made = actions.pair(
        _user(request),
        enterprise,
        _officer(request, given.officer),
        reason=given.reason,
        since=_sensible(given.since),
    )
    return Status(201, _pairing(made))


@router.post("/pairings/{code}/move", response=PairingShown, summary="换联络员")
def move(request: HttpRequest, code: str, given: MoveGiven) -> dict[str, Any]:
    """Give an enterprise another officer; the history stays."""
    officer = _officer(request, given.officer)
    made = actions.move(
        _user(request), _enterprise(code), officer, reason=given.reason, since=_sensible(given.since)
    )
    return _pairing(made)


@router.post("/pairings/{code}/end", response=PairingShown, summary="结束结对")
def end(request: HttpRequest, code: str, given: EndGiven) -> dict[str, Any]:
    """Nobody looks after the enterprise any more."""
    return _pairing(actions.end_pairing(_user(request), _enterprise(code), reason=given.reason))


@router.get("/pairings/{code}/history", response=Listed[PairingShown], summary="一户企业历次结对")
def list_history(request: HttpRequest, code: str, part: Query[Part]) -> HttpResponse:
    """Who looked after an enterprise, the newest first."""
    rows = queries.pairings_for(request.user).filter(enterprise__code=code.strip().upper())
    return answer_list(request, rows, part, _pairing)


def _pairing(row: Pairing) -> dict[str, Any]:
    enterprise = row.enterprise
    return {
        "enterprise": enterprise.code,
        "name": enterprise.name,
        "county": enterprise.county.title if enterprise.county else "",
        "township": enterprise.township.title if enterprise.township else "",
        "officer": row.officer.username,
        "officer_name": row.officer.name,
        "office": row.office.title,
        "since": row.since,
        "until": row.until,
        "reason": row.reason,
    }


def _owed(owed: queries.Owed) -> dict[str, Any]:
    duty = owed.duty
    return {
        **_pairing(owed.pairing),
        "urgency": duty.urgency,
        "due": duty.due,
        "days_late": owed.days_late,
        "made": duty.made,
        "needed": duty.needed,
        "last_visit": duty.last.day if duty.last else None,
        "hazards": owed.hazards,
        "proposals": owed.proposals,
        "demands": owed.demands,
    }


# -- the week --------------------------------------------------------------------------------------------


class PlannedDay(Schema):
    day: date
    enterprises: list[Code] = Field(max_length=30, description="信用代码，按走访的次序")


class WeekGiven(Schema):
    days: list[PlannedDay] = Field(max_length=7)
    version: int | None = Field(None, description="看到的版本；之间改过就拒绝")


class DayShown(Schema):
    day: date
    enterprises: list[dict[str, Any]] = Field(
        description="code、name、leg（距上一户的米数，不明为空）、visited"
    )
    metres: int = Field(description="一天路上的直线距离，米")


class WeekShown(Schema):
    monday: date
    version: int | None
    days: list[DayShown]


class Monday(Schema):
    monday: date | None = Field(None, description="一周里的任何一天；不写为本周")


@router.get("/week", response=WeekShown, summary="我的一周走访安排")
def show_week(request: HttpRequest, asked: Query[Monday]) -> dict[str, Any]:
    """The officer's own week, with the way of each day."""
    require(request.user, queries.VISIT)
    monday = _monday(asked.monday)
    return _week(weeks.find_plan(_user(request), monday), monday)


@router.get("/week/proposal", response=WeekShown, summary="替我排一周")
def propose_week(request: HttpRequest, asked: Query[Monday]) -> dict[str, Any]:
    """What would be planned for the days of the week that are still to come; nothing is kept."""
    require(request.user, queries.VISIT)
    monday, today = _monday(asked.monday), timezone.localdate()
    per_day = city_rules().week.per_day
    chosen, _waiting = weeks.propose(
        _user(request), monday, weeks.days_to_plan(monday, today), per_day, today
    )
    lines = [weeks.show_day(day, True, these, set()) for day, these in sorted(chosen.items())]
    return {"monday": monday, "version": None, "days": [_day(line) for line in lines]}


@router.put("/week", response=WeekShown, summary="保存一周走访安排")
def keep_week(request: HttpRequest, asked: Query[Monday], given: WeekGiven) -> dict[str, Any]:
    """Replace what is planned for the week."""
    monday = _monday(asked.monday)
    codes = [code.strip().upper() for each in given.days for code in each.enterprises]
    known = {each.code: each for each in queries.visitable(_user(request)).filter(code__in=codes)}
    days: dict[date, list[Enterprise]] = {}
    for each in given.days:
        for code in each.enterprises:
            if code.strip().upper() not in known:
                raise _unknown()
            days.setdefault(each.day, []).append(known[code.strip().upper()])
    plan = actions.keep_week(_user(request), _user(request), monday, days, version=given.version)
    return _week(plan, monday)


def _week(plan: WeekPlan | None, monday: date) -> dict[str, Any]:
    lines = [line for line in weeks.show_days(plan, monday) if line.stops]
    return {
        "monday": monday,
        "version": plan.version if plan is not None else None,
        "days": [_day(line) for line in lines],
    }


def _day(line: weeks.DayLine) -> dict[str, Any]:
    stops = [
        {
            "code": stop.enterprise.code,
            "name": stop.enterprise.name,
            "leg": stop.leg,
            "visited": stop.visited,
        }
        for stop in line.stops
    ]
    return {"day": line.day, "enterprises": stops, "metres": line.route.metres}


def _monday(day: date | None) -> date:
    today = timezone.localdate()
    return monday_of(_sensible(day) or today)


# -- visits ----------------------------------------------------------------------------------------------


class HazardGiven(Schema):
    title: str = Field(max_length=200)
    kind: str = Field(max_length=40, description="隐患类别，见 /api/liaison/visits/options")
    severity: str = Field("一般", max_length=20, description="程度")
    spot: str = Field("", max_length=200, description="部位")
    detail: str = Field("", max_length=5000)
    proposal: str = Field("", max_length=5000, description="建议；写了就成为一条建议事项")
    proposal_kind: str = Field("management", max_length=40)
    limit: str = Field("", max_length=40, description="整改期限的类别；空为先不下达整改")
    photos: list[str] = Field([], max_length=20, description="本次上传的文件名")


class DemandGiven(Schema):
    title: str = Field(max_length=200)
    kind: str = Field(max_length=40)
    detail: str = Field("", max_length=5000)


class VisitGiven(Schema):
    """What the part ``visit`` of the form holds, as JSON."""

    enterprise: Code
    day: date
    way: str = Field(max_length=20)
    met: str = Field("", max_length=200)
    seen: str = Field("", max_length=10_000)
    photos: list[str] = Field([], max_length=40, description="本次上传的文件名")
    hazards: list[HazardGiven] = Field([], max_length=visiting.MOST_FINDINGS)
    demands: list[DemandGiven] = Field([], max_length=visiting.MOST_FINDINGS)
    key: str = Field("", max_length=64, description="同一个值再发一次，仍是同一次走访")


class VisitShown(Schema):
    number: str = Field(description="走访事项的编号")
    enterprise: str
    name: str
    day: date
    way: str
    officer: str
    state: str
    seen: str


class VisitMade(VisitShown):
    children: list[dict[str, str]] = Field(description="由它引出的事项：number、type、title")


class OptionsShown(Schema):
    ways: list[str]
    severities: list[str]
    hazards: dict[str, str]
    proposals: dict[str, str]
    demands: dict[str, str]
    limits: dict[str, str]


class VisitFilter(Schema):
    enterprise: str = Field("", max_length=18, description="统一社会信用代码")
    officer: str = Field("", max_length=60, description="走访人的用户名")
    since: date | None = Field(None, description="从哪天起登记的")


@router.get("/visits/options", response=OptionsShown, summary="走访表可选的方式和类别")
def list_options(request: HttpRequest) -> dict[str, Any]:
    """What a visit may be filled in with, by the city's case types."""
    require(request.user, queries.VISIT)
    options = visiting.options_for()
    return {
        **options,
        **{name: dict(options[name]) for name in ("hazards", "proposals", "demands")},
        "limits": {key: title for key, title, _days in options["limits"]},
    }


@router.get("/visits", response=Listed[VisitShown], summary="走访记录")
def list_visits(request: HttpRequest, asked: Query[VisitFilter], part: Query[Part]) -> HttpResponse:
    """Visits that were made and that the person may see, the newest first."""
    rows = visible_cases(request.user).filter(type=queries.VISIT_TYPE, phase__in=queries.MADE)
    if asked.enterprise:
        rows = rows.filter(enterprise__code=asked.enterprise.strip().upper())
    if asked.officer:
        rows = rows.filter(opener__username=asked.officer)
    if asked.since is not None:
        rows = rows.filter(opened_on__gte=asked.since)
    return answer_list(
        request, rows.select_related("enterprise", "opener").order_by("-opened_at", "-pk"), part, _visit
    )


@router.post("/visits", response={201: VisitMade}, summary="登记走访，连同隐患、建议、诉求和照片")
def record_visit(
    request: HttpRequest,
    visit: Annotated[str, Form(max_length=200_000, description="VisitGiven 的 JSON")],
    files: Annotated[list[UploadedFile], File(description="照片，JPEG、PNG 或 WebP")] = [],  # noqa: B006
) -> Status[Any]:
    """All or nothing; with a key that was sent before, the visit of then is answered."""
    try:
        given = VisitGiven.model_validate_json(visit)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Refused(
            _("visit 的内容读不懂：%(what)s") % {"what": first["msg"]},
            _("它应是 JSON，写法见接口说明里的 VisitGiven。"),
            status=422,
            code="invalid",
            at=".".join(str(each) for each in first["loc"]) or "visit",
        ) from error
    require(request.user, queries.VISIT)
    photos = {each.name or "": each for each in files}
    case = visiting.record_visit(_user(request), _report(given, photos), key=given.key)
    children = [
        {"number": each.number, "type": each.type, "title": each.title}
        for each in Case.objects.filter(thread=case).order_by("pk")
    ]
    return Status(201, {**_visit(case), "children": children})


def _report(given: VisitGiven, files: dict[str, UploadedFile]) -> Report:
    def take(names: Sequence[str], at: str) -> tuple[Photo, ...]:
        for name in names:
            if name not in files:
                raise Refused(
                    _("没有上传“%(name)s”。") % {"name": name[:60]}, status=422, code="invalid", at=at
                )
            if (files[name].size or 0) > visiting.MOST_PHOTO_BYTES:
                raise visiting.too_large(name, at)
        return tuple(Photo(name, files[name].read()) for name in names if not files[name].seek(0))

    hazards = tuple(
        FoundHazard(**each.dict(exclude={"photos"}), photos=take(each.photos, f"hazards.{number}.photos"))
        for number, each in enumerate(given.hazards)
    )
    return Report(
        _enterprise(given.enterprise),
        given.day,
        given.way,
        met=given.met,
        seen=given.seen,
        photos=take(given.photos, "photos"),
        hazards=hazards,
        demands=tuple(Heard(**each.dict()) for each in given.demands),
    )


def _visit(case: Case) -> dict[str, Any]:
    visit = queries.visit_from(case.fields, case.opened_on)
    return {
        "number": case.number,
        "enterprise": case.enterprise.code if case.enterprise else "",
        "name": case.enterprise.name if case.enterprise else "",
        "day": visit.day,
        "way": visit.way,
        "officer": case.opener.name if case.opener else "",
        "state": case.state,
        "seen": str(case.fields.get("seen", "")),
    }


# -- what is named ---------------------------------------------------------------------------------------


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _enterprise(code: str) -> Enterprise:
    rows = Enterprise.objects.filter(merged_into=None).select_related("county", "township")
    found = rows.filter(code=code.strip().upper()).first()
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Refused:
    return Refused(_("没有找到这家企业。"), status=404, code="not_found")


def _officer(request: HttpRequest, username: str) -> User:
    require(request.user, queries.PAIR)
    found = queries.officers_in(_user(request)).filter(username=username).first()
    if found is None:
        raise Refused(
            _("没有名为“%(name)s”的联络员。") % {"name": username[:60]},
            _("请用在您负责的地方、有走访权限的人的用户名。"),
            status=422,
            code="invalid",
            at="officer",
        )
    return found


def _sensible(day: date | None) -> date | None:
    """A day that calendars and databases can reckon with."""
    if day is not None and not 2000 <= day.year <= 2100:
        raise Refused(_("日期应在 2000 年到 2100 年之间。"), status=422, code="invalid", at="since")
    return day
