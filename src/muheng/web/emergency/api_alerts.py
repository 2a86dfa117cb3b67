"""Forecasts, alerts, orders and check-ins for programs: a weather service, a plant's own system, a power company."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from muheng.web.emergency.actions import alerts as actions
from muheng.web.emergency.actions import checkins
from muheng.web.emergency.forecasts import say_judgement
from muheng.web.emergency.models import Alert, CheckIn, Forecast, Order
from muheng.web.emergency.pages.forecasts import read_text
from muheng.web.emergency.queries import alerts as queries
from muheng.web.emergency.queries.alerts import Execution
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import represents, require
from muheng.web.reading import language
from muheng.web.refusal import Refused

router = Router()
LevelName = Literal["yellow", "orange", "red"]
CauseName = Literal["pm25", "ozone", "dust", "wildfire", "transboundary", "other"]
Reason = Annotated[str, Field(max_length=2000)]
Number = Annotated[str, Field(max_length=60, description="文号")]


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _require_sight(request: HttpRequest) -> None:
    if not represents(request.user):
        require(request.user, queries.VIEW)


def _moment(value: datetime, at: str) -> datetime:
    """A moment that databases hold; without a zone it is China's."""
    if not 2000 <= value.year <= 2100:
        raise Refused(_("日期应在 2000 年到 2100 年之间。"), status=422, code="invalid", at=at)
    return timezone.make_aware(value) if timezone.is_naive(value) else value


# -- forecasts -----------------------------------------------------------------------------------------


class ForecastGiven(Schema):
    table: str = Field(
        min_length=1,
        max_length=200_000,
        description="CSV 文本：date,aqi,primary；或 date 和 pm25,pm10,so2,no2,co,o3_8h；逐小时的写 time",
    )
    source: str = Field("", max_length=200)
    rules: str = Field("", max_length=40, description="预警规则的代号；不写按城市的")
    cause: Literal["", "pm25", "ozone", "dust", "wildfire", "transboundary", "other"] = Field(
        "", description="由人认定的成因；不写按首要污染物"
    )
    cause_reason: str = Field("", max_length=500)
    issued_at: datetime | None = Field(None, description="发布时间；不写为现在")
    note: str = Field("", max_length=500)


class ForecastShown(Schema):
    id: int
    place: str
    issued_at: datetime
    source: str
    note: str
    action: str = Field(
        description="none、tier、health、decide、issue、keep、upgrade、downgrade、lift：规则怎么说"
    )
    level: LevelName | None = Field(description="应启动减排的级别；没有为空")
    cause: str | None
    starts: str | None
    ends: str | None
    issue_by: str | None = Field(description="最迟发布时间")
    late: bool
    peak: int | None = Field(description="最高日AQI")
    explanation: list[str]


@router.get("/forecasts", response=Listed[ForecastShown], summary="预报，新的在前")
def list_forecasts(request: HttpRequest, part: Query[Part]) -> HttpResponse:
    """Forecasts of the places that the person sees."""
    require(request.user, queries.VIEW)
    return answer_list(request, queries.forecasts_for(request.user), part, _forecast)


@router.post("/forecasts", response={201: ForecastShown}, summary="录入预报，当场判断")
def enter_forecast(request: HttpRequest, given: ForecastGiven) -> Status[Any]:
    """Keep a forecast; the answer says what the rules make of it."""
    require(request.user, queries.EDIT)
    place = queries.place_of(request.user, queries.EDIT)
    assert place is not None
    made = actions.enter_forecast(
        _user(request),
        place,
        read_text(given.table),
        source=given.source,
        rules=given.rules,
        cause=given.cause,
        cause_reason=given.cause_reason,
        issued_at=_moment(given.issued_at, "issued_at") if given.issued_at is not None else None,
        note=given.note,
    )
    return Status(201, _forecast(made))


def _forecast(row: Forecast) -> dict[str, Any]:
    held = row.judgement
    return {
        "id": row.pk,
        "place": row.organisation.title,
        "issued_at": row.issued_at,
        "source": row.source,
        "note": row.note,
        **{
            name: held.get(name)
            for name in ("action", "level", "cause", "starts", "ends", "issue_by", "late", "peak")
        },
        "explanation": say_judgement(held),
    }


# -- alerts --------------------------------------------------------------------------------------------


class ExecutionShown(Schema):
    """How far orders are carried out; ``rate`` is a fraction of 1."""

    orders: int = Field(description="下达措施的企业")
    acknowledged: int
    lines: int
    done: int = Field(description="措施到位的生产线")
    broken: int
    open: int = Field(description="没有凭证的生产线")
    rate: float | None


class CountyExecution(ExecutionShown):
    county: str


class StepShown(Schema):
    kind: str = Field(description="proposed、issued、raised、lowered、extended、lifted、withdrawn")
    level: LevelName
    at: datetime
    ends_at: datetime | None
    number: str
    reason: str
    departs: bool = Field(description="与规则判断不一致")
    done_at: datetime


class AlertShown(Schema):
    id: int
    number: str
    title: str
    place: str
    level: LevelName
    cause: CauseName
    state: Literal["proposed", "issued", "lifted", "withdrawn"]
    rules: str
    forecast: int | None
    plan: int | None
    starts_at: datetime
    ends_at: datetime
    issued_at: datetime | None
    lifted_at: datetime | None
    reason: str


class AlertWhole(AlertShown):
    steps: list[StepShown]
    execution: ExecutionShown = Field(description="调用者能看到的企业的执行情况")


class AlertGiven(Schema):
    level: LevelName
    starts_at: datetime
    ends_at: datetime
    reason: Reason
    forecast: int | None = Field(None, description="依据的预报")
    cause: CauseName = "pm25"
    rules: str = Field("", max_length=40)
    despite: bool = Field(False, description="与规则判断不一致，仍要这样做")


class IssueGiven(Schema):
    number: Number
    note: Reason = ""
    without_plan: bool = Field(False, description="没有采用的方案也签发")


class ChangeGiven(Schema):
    level: LevelName
    reason: Reason
    number: Number
    starts_at: datetime | None = Field(None, description="不写为现在")
    ends_at: datetime | None = None
    despite: bool = Field(False, description="与规则判断不一致，仍要这样做")


class ExtendGiven(Schema):
    ends_at: datetime
    reason: Reason
    number: str = Field("", max_length=60)


class LiftGiven(Schema):
    reason: Reason
    number: Number
    despite: bool = Field(False, description="与规则判断不一致，仍要这样做")


class WithdrawGiven(Schema):
    reason: Reason


@router.get("/alerts", response=Listed[AlertShown], summary="预警，新的在前")
def list_alerts(request: HttpRequest, part: Query[Part]) -> HttpResponse:
    """Alerts that the person sees; an enterprise those that gave it an order."""
    _require_sight(request)
    return answer_list(request, queries.alerts_for(request.user), part, _alert)


@router.post("/alerts", response={201: AlertWhole}, summary="提出预警")
def propose_alert(request: HttpRequest, given: AlertGiven) -> Status[Any]:
    """Propose an alert; somebody else issues it."""
    require(request.user, queries.EDIT)
    place = queries.place_of(request.user, queries.EDIT)
    assert place is not None
    forecast = None
    if given.forecast is not None:
        forecast = queries.forecasts_for(request.user).filter(pk=_key(given.forecast)).first()
        if forecast is None:
            raise Refused(_("没有这份预报。"), status=422, code="invalid", at="forecast")
    made = actions.propose_alert(
        _user(request),
        place,
        level=given.level,
        starts_at=_moment(given.starts_at, "starts_at"),
        ends_at=_moment(given.ends_at, "ends_at"),
        reason=given.reason,
        forecast=forecast,
        cause=given.cause,
        rules=given.rules,
        despite=given.despite,
    )
    return Status(201, _whole(request, made))


@router.get("/alerts/{number}", response=AlertWhole, summary="一次预警：经过和执行情况")
def show_alert(request: HttpRequest, number: int) -> dict[str, Any]:
    """An alert with its steps, and how far the orders that the person sees are carried out."""
    return _whole(request, _find_alert(request, number))


@router.post("/alerts/{number}/issue", response=AlertWhole, summary="签发预警")
def issue_alert(request: HttpRequest, number: int, given: IssueGiven) -> dict[str, Any]:
    """Issue what another proposed; the orders are written in the background."""
    found = _find_alert(request, number)
    made = actions.issue_alert(
        _user(request), found, number=given.number, note=given.note, without_plan=given.without_plan
    )
    return _whole(request, made)


@router.post("/alerts/{number}/withdraw", response=AlertWhole, summary="不启动")
def withdraw_alert(request: HttpRequest, number: int, given: WithdrawGiven) -> dict[str, Any]:
    """A proposal is not issued."""
    found = _find_alert(request, number)
    return _whole(request, actions.withdraw_alert(_user(request), found, reason=given.reason))


@router.post("/alerts/{number}/level", response=AlertWhole, summary="升级或降级")
def change_level(request: HttpRequest, number: int, given: ChangeGiven) -> dict[str, Any]:
    """Another level from a moment on; new orders take the place of the old."""
    made = actions.change_level(
        _user(request),
        _find_alert(request, number),
        given.level,
        reason=given.reason,
        number=given.number,
        starts_at=_moment(given.starts_at, "starts_at") if given.starts_at is not None else None,
        ends_at=_moment(given.ends_at, "ends_at") if given.ends_at is not None else None,
        despite=given.despite,
    )
    return _whole(request, made)


@router.post("/alerts/{number}/extend", response=AlertWhole, summary="延长或提前")
def extend_alert(request: HttpRequest, number: int, given: ExtendGiven) -> dict[str, Any]:
    """Another expected end; orders stay as they are."""
    made = actions.extend_alert(
        _user(request),
        _find_alert(request, number),
        _moment(given.ends_at, "ends_at"),
        reason=given.reason,
        number=given.number,
    )
    return _whole(request, made)


@router.post("/alerts/{number}/lift", response=AlertWhole, summary="解除预警")
def lift_alert(request: HttpRequest, number: int, given: LiftGiven) -> dict[str, Any]:
    """The response ends."""
    made = actions.lift_alert(
        _user(request),
        _find_alert(request, number),
        reason=given.reason,
        number=given.number,
        despite=given.despite,
    )
    return _whole(request, made)


@router.get("/alerts/{number}/execution", response=Listed[CountyExecution], summary="各县区执行情况")
def list_execution(request: HttpRequest, number: int, part: Query[Part]) -> HttpResponse:
    """By county, of the enterprises that the person sees."""
    rows = queries.orders_of(request.user, _find_alert(request, number))
    return answer_list(request, queries.count_by_county(rows), part, _county)


def _county(row: tuple[Organisation | None, Execution]) -> dict[str, Any]:
    place, figures = row
    return {"county": place.title if place is not None else "", **_execution(figures)}


def _key(number: int) -> int:
    """A number that a database holds; nothing has a larger one."""
    return number if 0 <= number < 2**31 else 0


def _find_alert(request: HttpRequest, number: int) -> Alert:
    _require_sight(request)
    return queries.find_alert(request.user, _key(number))


def _alert(row: Alert) -> dict[str, Any]:
    return {
        "id": row.pk,
        "number": row.number,
        "title": row.title,
        "place": row.organisation.title,
        "level": row.level,
        "cause": row.cause,
        "state": row.state,
        "rules": row.rules,
        "forecast": row.forecast_id,
        "plan": row.plan_id,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "issued_at": row.issued_at,
        "lifted_at": row.lifted_at,
        "reason": row.reason,
    }


def _whole(request: HttpRequest, row: Alert) -> dict[str, Any]:
    steps = [
        {
            "kind": step.kind,
            "level": step.level,
            "at": step.at,
            "ends_at": step.ends_at,
            "number": step.number,
            "reason": step.reason,
            "departs": step.departs,
            "done_at": step.done_at,
        }
        for step in row.steps.all()
    ]
    figures = queries.count_execution(queries.orders_of(request.user, row))
    return {**_alert(row), "steps": steps, "execution": _execution(figures)}


def _execution(figures: Execution) -> dict[str, Any]:
    return {
        "orders": figures.orders,
        "acknowledged": figures.acknowledged,
        "lines": figures.lines,
        "done": figures.done,
        "broken": figures.broken,
        "open": figures.open,
        "rate": float(figures.rate) if figures.rate is not None else None,
    }


# -- orders --------------------------------------------------------------------------------------------


class OrderedLineShown(Schema):
    line: str
    name: str
    measure: str
    text: str = Field(description="措施的文字")
    part: int = Field(description="减少的产量，千分之几")
    count_by: str
    meter: str
    outlet: str
    state: Literal["done", "broken", "open"] | None = Field(description="没有凭证为空")


class OrderShown(Schema):
    id: int
    alert: int
    enterprise: str = Field(description="统一社会信用代码")
    name: str
    county: str
    level: LevelName
    in_force: bool
    state: Literal["broken", "silent", "open", "done"] = Field(
        description="broken 有不到位的，silent 没有确认，open 没有全部到位，done 全部到位"
    )
    due_at: datetime
    sent_at: datetime
    replaced_at: datetime | None
    acknowledged_at: datetime | None
    lines: int
    done: int
    broken: int


class OrderWhole(OrderShown):
    number: str
    measures: list[OrderedLineShown]
    released: list[str] = Field(description="本级不再要求的生产线")


class OrderFilter(Schema):
    alert: int | None = Field(None, description="预警编号")
    enterprise: str = Field("", max_length=18, description="统一社会信用代码")
    state: Literal["", "broken", "silent", "open", "done"] = ""
    in_force: bool = Field(False, description="只要现在要执行的")


class CheckGiven(Schema):
    kind: Literal["power", "monitor", "ledger", "photo"]
    at: datetime | None = Field(None, description="什么时候的；不写为现在")
    usual: Decimal | None = Field(
        None, ge=0, le=10**12, max_digits=16, decimal_places=3, description="平日的读数"
    )
    found: Decimal | None = Field(
        None, ge=0, le=10**12, max_digits=16, decimal_places=3, description="当日的读数"
    )
    unit: str = Field("", max_length=20)
    note: str = Field("", max_length=500)
    reference: str = Field("", max_length=80, description="发送方自己的编号；重发不会记两次")


class CheckShown(Schema):
    id: int
    line: str
    kind: Literal["power", "monitor", "ledger", "photo", "site"]
    at: datetime
    usual: str | None
    found: str | None
    unit: str
    note: str
    verdict: Literal["done", "broken", "open"]
    why: str
    by_official: bool


@router.get("/orders", response=Listed[OrderShown], summary="一厂一策通知，新的在前")
def list_orders(request: HttpRequest, asked: Query[OrderFilter], part: Query[Part]) -> HttpResponse:
    """Orders that the person sees; an enterprise its own."""
    _require_sight(request)
    rows = queries.orders_for(request.user)
    if asked.alert is not None:
        rows = rows.filter(alert=_key(asked.alert))
    if asked.enterprise:
        rows = rows.filter(firm__code=asked.enterprise.strip().upper())
    if asked.in_force:
        rows = rows.filter(alert__state=Alert.State.ISSUED, replaced_at=None, lines__gt=0)
    rows = queries.filter_state(rows, asked.state).order_by("-sent_at", "firm__code", "pk")
    return answer_list(request, rows, part, _order)


@router.get("/orders/{number}", response=OrderWhole, summary="一份通知：各生产线的措施和执行情况")
def show_order(request: HttpRequest, number: int) -> dict[str, Any]:
    """An order with its lines."""
    return _whole_order(_find_order(request, number))


@router.post("/orders/{number}/acknowledge", response=OrderWhole, summary="确认收到")
def acknowledge(request: HttpRequest, number: int) -> dict[str, Any]:
    """The enterprise has it, or told an officer by telephone. Twice is once."""
    order = _find_order(request, number)
    checkins.acknowledge(_user(request), order)
    return _whole_order(_find_order(request, number))


@router.get("/orders/{number}/checks", response=Listed[CheckShown], summary="一份通知的核查记录")
def list_checks(request: HttpRequest, number: int, part: Query[Part]) -> HttpResponse:
    """What was brought and found, the newest first."""
    rows = _find_order(request, number).check_ins.select_related("measure")
    return answer_list(request, rows, part, _check)


@router.post("/orders/{number}/lines/{line}/checks", response={201: CheckShown}, summary="报送凭证")
def check_in(request: HttpRequest, number: int, line: str, given: CheckGiven) -> Status[Any]:
    """What shows that a line does as ordered; a reading is judged at once."""
    order = _find_order(request, number)
    evidence = checkins.Evidence(
        kind=given.kind,
        at=_moment(given.at, "at") if given.at is not None else None,
        usual=given.usual,
        found=given.found,
        unit=given.unit,
        note=given.note,
        reference=given.reference,
    )
    made = checkins.check_in(_user(request), order, line, evidence)
    return Status(201, _check(CheckIn.objects.select_related("measure").get(pk=made.pk)))


def _find_order(request: HttpRequest, number: int) -> Order:
    _require_sight(request)
    if _key(number) != number:
        raise Http404
    return queries.find_order(request.user, number)


def _order(row: Order) -> dict[str, Any]:
    return {
        "id": row.pk,
        "alert": row.alert_id,
        "enterprise": row.firm.code,
        "name": row.firm.name,
        "county": row.firm.county.title if row.firm.county is not None else "",
        "level": row.level,
        "in_force": queries.in_force(row),
        "state": queries.state_of(row),
        "due_at": row.due_at,
        "sent_at": row.sent_at,
        "replaced_at": row.replaced_at,
        "acknowledged_at": row.acknowledged_at,
        "lines": row.lines,
        "done": row.done_lines,
        "broken": row.broken_lines,
    }


def _whole_order(row: Order) -> dict[str, Any]:
    states = queries.states_of_lines([row.pk])
    english = language() == "en"
    lines = [
        {
            "line": each["line"],
            "name": each["name"],
            "measure": each["step"],
            "text": (each["text_english"] if english else "") or each["text"] or each["step"],
            "part": each["part"],
            "count_by": each["count_by"],
            "meter": each["meter"],
            "outlet": each["outlet"],
            "state": states.get((row.pk, each["measure"])),
        }
        for each in row.content.get("lines", ())
    ]
    return {
        **_order(row),
        "number": row.content.get("number", ""),
        "measures": lines,
        "released": list(row.content.get("released", ())),
    }


def _check(row: CheckIn) -> dict[str, Any]:
    said = checkins.say_check(row)
    return {
        "id": row.pk,
        "line": row.measure.line,
        "kind": row.kind,
        "at": row.at,
        "usual": None if row.usual is None else f"{row.usual:f}",
        "found": None if row.found is None else f"{row.found:f}",
        "unit": row.unit,
        "note": row.note,
        "verdict": row.verdict,
        "why": said.render(language()) if said is not None else "",
        "by_official": row.by_official,
    }
