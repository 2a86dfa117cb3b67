"""The room's first page; alerts from proposal to their end, with how far their orders are carried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.web.emergency.actions import alerts as actions
from muheng.web.emergency.deeds import list_deeds
from muheng.web.emergency.forecasts import city_alert_rules, keep_judgement, say_judgement
from muheng.web.emergency.models import Alert, EmergencyList, Level, Plan
from muheng.web.emergency.pictures import draw_counties, draw_days, draw_map, state_names
from muheng.web.emergency.queries import alerts as queries
from muheng.web.emergency.queries.lists import lists_for
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import holds, represents, require
from muheng.web.refusal import Refused
from muheng.web.request import Request

_PAGE = 50


def require_sight(request: Request) -> None:
    """Officials of the room, and enterprises for what is theirs."""
    if not represents(request.user):
        require(request.user, queries.VIEW)


@require_GET
def home(request: Request) -> HttpResponse:
    """What the air is to be like, which alert is in force, which list and plan count, what to do next."""
    user = request.user
    if not holds(user, queries.VIEW) and represents(user):
        return redirect("emergency:mine")
    require(user, queries.VIEW)
    place = queries.alert_place(user)
    forecast = queries.forecasts_for(user).filter(organisation=place).first()
    alert = queries.live_alert(place)
    lists = lists_for(user).filter(state=EmergencyList.State.IN_FORCE, organisation=place)
    orders = queries.orders_of(user, alert) if alert is not None else None
    context = {
        "place": place,
        "forecast": forecast,
        "chart": draw_days(forecast.series) if forecast is not None else None,
        "said": say_judgement(forecast.judgement)[:3] if forecast is not None else [],
        "alert": alert,
        "execution": queries.count_execution(orders) if orders is not None else None,
        "list": lists.first(),
        "plan": Plan.objects.filter(inventory__organisation=place, state=Plan.State.ADOPTED)
        .order_by("-adopted_at")
        .first(),
        "deeds": list_deeds(user),
        "may_edit": place is not None and holds(user, queries.EDIT, place),
        "recent": queries.alerts_for(user).exclude(pk=alert.pk if alert else 0)[:5],
    }
    return render(request, "emergency/home.html", context)


@require_GET
def listing(request: Request) -> HttpResponse:
    """All alerts."""
    require(request.user, queries.VIEW)
    page = Paginator(queries.alerts_for(request.user), _PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "query": rest_of_query(request)}
    return render(request, "emergency/alert_all.html", context)


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    require_sight(request)
    return _show(request, queries.find_alert(request.user, number))


def _show(request: Request, alert: Alert, refused: Refused | None = None) -> HttpResponse:
    """An alert: how far it is carried out, its steps, what can be done."""
    user, now = request.user, timezone.now()
    may_issue = holds(user, queries.ISSUE, alert.organisation)
    forecast = actions.newest_forecast(alert)
    judged = None
    if forecast is not None and alert.state in (Alert.State.PROPOSED, Alert.State.ISSUED):
        judged = keep_judgement(actions.judge_again(forecast, alert, now))
    rules = city_alert_rules().get(alert.rules)
    rule = rules.level(alert.level) if rules is not None else None  # type: ignore[arg-type]
    context = {
        **_figures(request, alert),
        "steps": alert.steps.select_related("done_by"),
        "forecast": forecast,
        "judged": judged,
        "judged_said": say_judgement(judged) if judged else [],
        "rules": rules,
        "rule": rule,
        "may_issue": may_issue and alert.state == Alert.State.ISSUED,
        "may_sign": may_issue and alert.state == Alert.State.PROPOSED and alert.proposed_by_id != user.pk,
        "may_withdraw": alert.state == Alert.State.PROPOSED
        and (may_issue or alert.proposed_by_id == user.pk),
        "own_proposal": alert.state == Alert.State.PROPOSED and alert.proposed_by_id == user.pk,
        "may_report": alert.state == Alert.State.LIFTED
        and queries.sees_whole(user, alert)
        and (holds(user, queries.EDIT, alert.organisation) or may_issue),
        "reports": list(queries.reports_for(user).filter(alert=alert)),
        "levels": [each for each in Level.choices if each[0] != alert.level],
        "plan": alert.plan
        or (queries.adopted_plan(alert.organisation) if alert.cause == actions.CUTS else None),
        "own_job": alert.job is not None and alert.job.owner_id == user.pk,
        "refused": refused,
        "typed": request.POST if refused else {},
        "soon": timezone.localtime(now + timedelta(days=1)).replace(minute=0),
    }
    return render(request, "emergency/alert_show.html", context, status=refused.status if refused else 200)


def _figures(request: Request, alert: Alert) -> dict[str, Any]:
    """How far the orders that a person may see are carried out."""
    rows = queries.orders_of(request.user, alert)
    counties = queries.count_by_county(rows) if holds(request.user, queries.VIEW) else []
    worst = queries.sort_by_urgency(rows.exclude(broken_lines=0))[:5]
    execution = queries.count_execution(rows)
    return {
        "alert": alert,
        "execution": execution,
        "rate": None if execution.rate is None else f"{round(execution.rate * 1000) / 10:g}%",
        "counties": counties,
        "county_chart": draw_counties(counties) if len(counties) > 1 else None,
        "worst": worst,
        "names": state_names(),
        "working": alert.job is not None and alert.job.state in ("waiting", "running"),
    }


@require_GET
def live(request: Request, number: int) -> HttpResponse:
    """The figures alone, asked for again and again."""
    require_sight(request)
    alert = queries.find_alert(request.user, number)
    return render(request, "emergency/alert_live.html", _figures(request, alert))


@require_GET
def alert_map(request: Request, number: int) -> JsonResponse:
    """Enterprises by how their orders stand."""
    require(request.user, queries.VIEW)
    alert = queries.find_alert(request.user, number)
    return JsonResponse(draw_map(queries.orders_of(request.user, alert).iterator(chunk_size=2000)))


@require_POST
def act(request: Request, number: int) -> HttpResponse:
    """Sign, withdraw, change, extend or lift: what the button says."""
    alert = queries.find_alert(request.user, number)
    do = _DEEDS.get(request.POST.get("deed", ""))
    if do is None:
        return redirect("emergency:alert", alert.pk)
    try:
        messages.success(request, do(request, alert))
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show(request, alert, refused)
    return redirect("emergency:alert", alert.pk)


def _issue(request: Request, alert: Alert) -> str:
    given = request.POST
    actions.issue_alert(
        request.user,
        alert,
        number=given.get("number", ""),
        note=given.get("reason", ""),
        without_plan="without_plan" in given,
    )
    return _("预警已签发。")


def _withdraw(request: Request, alert: Alert) -> str:
    actions.withdraw_alert(request.user, alert, reason=request.POST.get("reason", ""))
    return _("已写明不启动。")


def _change(request: Request, alert: Alert) -> str:
    given = request.POST
    actions.change_level(
        request.user,
        alert,
        given.get("level", ""),
        reason=given.get("reason", ""),
        number=given.get("number", ""),
        starts_at=read_moment(given.get("starts_at", ""), "starts_at", optional=True),
        ends_at=read_moment(given.get("ends_at", ""), "ends_at", optional=True),
        despite="despite" in given,
    )
    return _("级别已调整，新的通知正在下达。")


def _extend(request: Request, alert: Alert) -> str:
    given = request.POST
    end = read_moment(given.get("ends_at", ""), "ends_at")
    assert end is not None
    actions.extend_alert(
        request.user, alert, end, reason=given.get("reason", ""), number=given.get("number", "")
    )
    return _("预计结束时间已调整。")


def _lift(request: Request, alert: Alert) -> str:
    given = request.POST
    actions.lift_alert(
        request.user,
        alert,
        reason=given.get("reason", ""),
        number=given.get("number", ""),
        despite="despite" in given,
    )
    return _("预警已解除。")


_DEEDS: dict[str, Callable[[Request, Alert], str]] = {
    "issue": _issue,
    "withdraw": _withdraw,
    "change": _change,
    "extend": _extend,
    "lift": _lift,
}


def read_moment(text: str, at: str, optional: bool = False) -> datetime | None:
    """A moment as a form writes it, in the site's time. Raises Refused."""
    if not text.strip() and optional:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(
            _("请填日期和时间。"), _("写成 2026-11-20T14:00 的样子。"), status=422, code="invalid", at=at
        ) from None
    return timezone.make_aware(found) if timezone.is_naive(found) else found
