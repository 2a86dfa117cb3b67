"""Points, their values and events for programs: the pages' queries. An enterprise's key sees its own."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Event, Point
from muheng.web.monitoring.moments import to_aware, to_local
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.queries import board
from muheng.web.monitoring.queries import series as queries
from muheng.web.monitoring.queries.scope import VIEW, events_for
from muheng.web.monitoring.sayings import event_title, factor_title, factor_unit, kind_title
from muheng.web.paging import Listed, Part, answer, answer_list
from muheng.web.people.models import User
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.request import Request

PREFIX = "monitoring"
router = Router(tags=["自动监控"])
_FACTOR = "HJ 212-2017 的因子编码，如 a21002。"


class ReadingShown(Schema):
    """One factor as it came last. ``ratio``: value ÷ limit."""

    factor: str
    title: str
    value: float | None = Field(description="有基准氧含量的为折算后的。")
    unit: str
    limit: str
    ratio: float | None
    flag: str = Field(description="设备的数据标记，N 为正常。")


class PointShown(Schema):
    """A watched outlet and how it fares now."""

    number: int
    enterprise: str = Field(description="统一社会信用代码。")
    name: str
    outlet: str
    kind: str
    kind_title: str
    state: str = Field(description="over 超限，offline 离线，marked 有标记，normal 正常，silent 从未上线")
    seen_at: datetime | None
    readings: list[ReadingShown]


class LimitShown(Schema):
    factor: str
    title: str
    unit: str
    most: float | None
    least: float | None
    basis: str = Field(description="hour 按小时均值判，day 按日均值判。")


class PointFull(PointShown):
    """With the limits in force today."""

    key: bool = Field(description="重点单位。")
    reference_oxygen: float | None
    watched_from: date
    watched_until: date | None
    devices: list[str] = Field(description="正在用的设备的 MN。")
    limits: list[LimitShown]


class PointFilter(Schema):
    q: str = Field("", max_length=100, description="企业名称、拼音首字母、代码，点位名称，或 MN 的开头。")
    kind: str = Field("", max_length=30, description="排口类型，如 stack、water。")
    state: Literal["", "over", "offline", "marked", "normal", "silent", "online"] = ""
    factor: str = Field("", max_length=20, pattern="^[0-9A-Za-z]*$", description=_FACTOR)


class ValuesAsked(Schema):
    factor: str = Field(max_length=20, pattern="^[0-9A-Za-z]+$", description=_FACTOR)
    kind: Literal["hour", "minute", "realtime"] = "hour"
    since: date | None = Field(None, description="从哪一天；不写为最近一天。")
    until: date | None = Field(None, description="到哪一天，含当天；不写为今天。")


class ValueShown(Schema):
    time: datetime
    value: float | None = Field(description="计入判定的值，有基准氧含量的为折算后的；不计入为 null。")
    measured: float | None
    why: str = Field(description="不计入的原因。")


class ValuesShown(Schema):
    """One factor's values, in the order of time."""

    factor: str
    title: str
    unit: str
    kind: str
    rows: list[ValueShown]


class MonitoringEventShown(Schema):
    """One pollutant of one point, from the first hour to the last that belongs together."""

    number: str
    point: int
    enterprise: str
    factor: str
    title: str
    tier: str = Field(description="remind 提醒，warn 预警，supervise 督办")
    state: str = Field(description="open 待说明，answered 待核实，closed 已办结，field 现场查处")
    begin: datetime
    last: datetime = Field(description="最后一个小时的开始。")
    peak: float | None = Field(description="最大的数值÷限值。")
    raised_at: datetime
    due_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    case: str | None = Field(description="事项编号。")


class MonitoringEventFilter(Schema):
    point: int | None = Field(None, ge=1, le=2**62, description="点位的编号。")
    state: Literal["", "open", "answered", "closed", "field"] = ""
    tier: Literal["", "remind", "warn", "supervise"] = Field("", description="提醒、预警或督办。")
    factor: str = Field("", max_length=20, pattern="^[0-9A-Za-z]*$", description=_FACTOR)


@router.get("/points", response=Listed[PointShown], summary="监测点位")
def list_points(request: Request, filters: Query[PointFilter], part: Query[Part]) -> HttpResponse:
    """The watched points, worst first."""
    _check(request.user)
    now = timezone.now()
    asked = board.Question(filters.q.strip(), None, filters.kind, filters.state, filters.factor)
    rows = board.worst_first(board.ask_points(request.user, asked, now), asked, now)
    rows = rows.select_related("latest", "outlet", "enterprise")
    return answer_list(request, rows, part, lambda point: _point(point, now))


@router.get("/points/{number}", response=PointFull, summary="一个监测点位")
def show_point(request: Request, number: int) -> HttpResponse:
    """With its limits and device."""
    now = timezone.now()
    point = board.find_point(request.user, number)
    usual = city_rules().kind(point.kind).basis
    limits = limits_on(point, to_local(now).date())
    return answer(
        {
            **_point(board.live_point(request.user, point, now), now),
            "key": point.key,
            "reference_oxygen": None if point.reference_oxygen is None else float(point.reference_oxygen),
            "watched_from": point.watched_from,
            "watched_until": point.watched_until,
            "devices": list(point.devices.filter(allowed=True).values_list("mn", flat=True)),
            "limits": [
                {
                    "factor": factor,
                    "title": factor_title(factor),
                    "unit": factor_unit(factor),
                    "most": limit.most,
                    "least": limit.least,
                    "basis": limit.basis or usual,
                }
                for factor, limit in limits.items()
            ],
        }
    )


@router.get("/points/{number}/values", response=ValuesShown, summary="一个点位一个因子的数值")
def list_values(request: Request, number: int, asked: Query[ValuesAsked]) -> HttpResponse:
    """Hours of up to a year, minutes of three months, real-time values of three days at once."""
    point = board.find_point(request.user, number)
    last = asked.until or to_local(timezone.now()).date()
    first = asked.since or last
    longest = queries.LONGEST[asked.kind]
    if not 2000 <= first.year <= last.year <= 2100 or not timedelta(0) <= last - first < longest:
        raise Refused(
            _("从 %(begin)s 到 %(end)s 不能这样查。") % {"begin": first, "end": last},
            _("结束要晚于开始，一次最多 %(days)s 天。") % {"days": longest.days},
            status=422,
            code="invalid",
            at="until",
        )
    begin, end = datetime.combine(first, time.min), datetime.combine(last + timedelta(days=1), time.min)
    frame = queries.read_frame(point, asked.kind, asked.factor, begin, end)
    rows = [
        {
            "time": to_aware(moment).isoformat(),
            "value": value,
            "measured": measured,
            "why": queries.say_why(why),
        }
        for moment, value, measured, why in frame.iter_rows()
        if measured is not None
    ]
    return answer(
        {
            "factor": asked.factor,
            "title": factor_title(asked.factor),
            "unit": factor_unit(asked.factor),
            "kind": asked.kind,
            "rows": rows,
        }
    )


@router.get("/events", response=Listed[MonitoringEventShown], summary="监测事件")
def list_events(request: Request, filters: Query[MonitoringEventFilter], part: Query[Part]) -> HttpResponse:
    """The newest first; those whose data turned out otherwise are left out."""
    _check(request.user)
    rows = events_for(request.user).filter(gone=False)
    for name in ("point", "state", "tier", "factor"):
        given = getattr(filters, name)
        if given not in (None, ""):
            rows = rows.filter(**{name: given})
    return answer_list(request, rows, part, _event)


def _check(user: User) -> None:
    if not holds(user, board.OWN):
        require(user, VIEW)


def _point(point: Point, now: datetime) -> dict[str, Any]:
    latest = getattr(point, "latest", None)
    return {
        "number": point.pk,
        "enterprise": point.enterprise.code,
        "name": point.name,
        "outlet": point.outlet.code,
        "kind": point.kind,
        "kind_title": kind_title(point.kind),
        "state": board.state_of(point, now),
        "seen_at": latest.seen_at if latest is not None else None,
        "readings": [
            {
                "factor": each.factor,
                "title": each.title,
                "value": each.value,
                "unit": each.unit,
                "limit": each.limit,
                "ratio": each.ratio,
                "flag": each.flag,
            }
            for each in board.list_readings(point, now)
        ],
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "number": event.number,
        "point": event.point_id,
        "enterprise": event.point.enterprise.code,
        "factor": event.factor,
        "title": event_title(event.seen),
        "tier": event.tier,
        "state": event.state,
        "begin": event.begin,
        "last": event.last,
        "peak": event.peak,
        "raised_at": event.raised_at,
        "due_at": event.due_at,
        "answered_at": event.answered_at,
        "closed_at": event.closed_at,
        "case": event.case.number if event.case is not None else None,
    }
