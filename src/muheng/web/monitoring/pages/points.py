"""One point: its series against limits, its days, what was raised there, its device; and its values as a file."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from muheng.web.entrance import read_number
from muheng.web.monitoring.actions.asks import COMMANDS, STRETCHES, ask_device
from muheng.web.monitoring.limit_changes import list_changes
from muheng.web.monitoring.models import Ask, Device, Point
from muheng.web.monitoring.moments import to_aware, to_local
from muheng.web.monitoring.pages.reading import read_day
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.queries import board, capture
from muheng.web.monitoring.queries import series as queries
from muheng.web.monitoring.queries.receiver import read_contact
from muheng.web.monitoring.queries.scope import VIEW
from muheng.web.monitoring.sayings import (
    event_title,
    factor_title,
    factor_unit,
    kind_title,
    mark_effect,
    mark_title,
    say_span,
    sign_title,
)
from muheng.web.paging import answer
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.queries import may
from muheng.web.request import Request

SPANS = (1, 7, 31, 92)
"""Days that are one click away."""
USUAL_SPAN = 7
KIND_TITLES: dict[queries.Kind, Any] = {
    "hour": gettext_lazy("小时"),
    "minute": gettext_lazy("分钟"),
    "realtime": gettext_lazy("实时数据"),
}
VERDICTS = {
    "over": gettext_lazy("超标"),
    "within": gettext_lazy("达标"),
    "few": gettext_lazy("有效小时不够"),
    "none": gettext_lazy("没有数据"),
    "stopped": gettext_lazy("停运"),
    "": gettext_lazy("未到日终"),
}
MOST_HOURS_SHOWN = 24 * 8
MOST_SHOWN = 20


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    require(request.user, VIEW)
    point = board.find_point(request.user, number)
    return _show(request, point)


def _show(request: Request, point: Point, refused: Refused | None = None) -> HttpResponse:
    now = timezone.now()
    asked = read_asked(request, point, now)
    judged = queries.judge_hours(point, asked["first"], asked["last"] + timedelta(days=1))
    days = queries.list_days(judged, asked["factor"], to_local(now))
    hours = queries.lay_hourly(judged, asked["factor"]).reverse()
    compared = judged.against.get(asked["factor"])
    by_day = compared is not None and not compared.hourly[-1]
    begin, end = _moments(asked)
    device = point.devices.filter(allowed=True).first()
    row = board.show_rows([board.live_point(request.user, point, now)], now)[0]
    context: dict[str, Any] = {
        **asked,
        "first_text": asked["first"].isoformat(),
        "last_text": asked["last"].isoformat(),
        "point": point,
        "row": row,
        "readings": board.list_readings(point, now),
        "limits": _limits(point, to_local(now).date()),
        "limit_changes": list_changes(point),
        "kind_name": kind_title(point.kind),
        "kinds": KIND_TITLES.items(),
        "spans": SPANS,
        "factors": [(code, factor_title(code)) for code in _factors(point, judged.hours.factors)],
        "factor_title": factor_title(asked["factor"]),
        "unit": factor_unit(asked["factor"]),
        "days": show_days(days),
        "hours": [
            {"time": moment, "value": value, "measured": measured, "why": queries.say_why(why)}
            for moment, value, measured, why in hours.filter(hours["measured"].is_not_null()).iter_rows()
        ][:MOST_HOURS_SHOWN],
        "limited": bool(days),
        "by_day": by_day,
        "over_count": sum(each.verdict == "over" if by_day else each.over for each in days),
        "events": [
            {"event": each, "title": event_title(each.seen, each.factor), "factor": factor_title(each.factor)}
            for each in queries.events_of(request.user, point, begin, end)[:MOST_SHOWN]
        ],
        "suspicions": [
            {
                "suspicion": each,
                "title": sign_title(each.kind),
                "factor": factor_title(each.factor),
                "span": say_span(each.begin, each.end),
            }
            for each in queries.suspicions_of(request.user, point, begin, end)[:MOST_SHOWN]
        ],
        "marks": [
            {
                "title": mark_title(each.mark),
                "effect": mark_effect(each.mark),
                "span": say_span(each.begin, each.end),
                "mark": each,
            }
            for each in point.marks.filter(begin__lt=to_aware(end))
            .exclude(end__lte=to_aware(begin))
            .select_related("by")[:MOST_SHOWN]
        ],
        "rates": capture.rates_of(point)[: len(point.limits) * 4],
        "device": device,
        "refused": refused,
        "given": request.POST,
        "may_edit": may(request.user, "monitoring.edit", point.enterprise),
        "may_ask": may(request.user, "monitoring.handle", point.enterprise),
        "contact": {},
    }
    if context["may_edit"] and device is not None:
        context["contact"] = read_contact(device.mn)
    if context["may_ask"] and device is not None:
        asks = Ask.objects.filter(device__point=point).select_related("by", "device")[:MOST_SHOWN]
        context["asks"] = [{"ask": each, "title": COMMANDS.get(each.command, each.command)} for each in asks]
        context["commands"] = COMMANDS.items()
        context["stretches"] = " ".join(STRETCHES)
    return render(request, "monitoring/point.html", context, status=refused.status if refused else 200)


def _limits(point: Point, today: date) -> list[dict[str, str]]:
    return [
        {
            "factor": factor_title(factor),
            "text": board.say_limit(limit.most, limit.least),
            "unit": factor_unit(factor),
        }
        for factor, limit in limits_on(point, today).items()
    ]


def _factors(point: Point, measured: tuple[str, ...]) -> list[str]:
    """Those with limits first, in the order of the limits."""
    limited = [each["factor"] for each in point.limits]
    latest = getattr(point, "latest", None)
    return list(dict.fromkeys([*limited, *measured, *(latest.values if latest is not None else ())]))


def _nearest(point: Point) -> str:
    """The factor that is nearest to its limit now; the first one where nothing came."""
    latest = getattr(point, "latest", None)
    ratios = {
        code: value["ratio"]
        for code, value in (latest.values if latest else {}).items()
        if value.get("ratio")
    }
    return max(ratios, key=ratios.__getitem__) if ratios else next(iter(_factors(point, ())), "")


# -- what is asked of a series -----------------------------------------------------------------------------------------


def read_asked(request: Request, point: Point, now: datetime) -> dict[str, Any]:
    """``first`` to ``last`` day, ``kind`` and ``factor`` as an address asks for them; what cannot be understood is as usual."""
    given = request.GET
    today = to_local(now).date()
    kind: queries.Kind = next((each for each in queries.KINDS if each == given.get("kind")), "hour")
    span = read_number(given.get("span", ""))
    longest = queries.LONGEST[kind].days
    last = min(read_day(given.get("to", "")) or today, today)
    usual = {"hour": USUAL_SPAN, "minute": 1, "realtime": 1}[kind]
    first = read_day(given.get("from", "")) or last - timedelta(days=min(span or usual, longest) - 1)
    if first > last:
        first, last = last, min(first, today)
    first = max(first, last - timedelta(days=longest - 1))
    factor = given.get("factor", "")
    if not (factor.isascii() and factor.isalnum() and len(factor) <= 20):
        factor = _nearest(point)
    return {
        "kind": kind,
        "first": first,
        "last": last,
        "span": (last - first).days + 1 if last == today else 0,
        "factor": factor,
    }


def show_days(days: list[queries.Day]) -> list[dict[str, Any]]:
    """Days as a table has them."""
    return [{"day": each, "verdict": VERDICTS[each.verdict]} for each in days]


def _moments(asked: dict[str, Any]) -> tuple[datetime, datetime]:
    return (
        datetime.combine(asked["first"], time.min),
        datetime.combine(asked["last"] + timedelta(days=1), time.min),
    )


@require_GET
def series(request: Request, number: int) -> HttpResponse:
    """The values of one factor for a chart, thinned to about ``points``: ``from`` and ``to`` as days or local moments."""
    point = board.find_point(request.user, number)
    given = request.GET
    asked = read_asked(request, point, timezone.now())
    begin, end = _moments(asked)
    begin, end = _moment(given.get("from", "")) or begin, _moment(given.get("to", "")) or end
    if end <= begin or end - begin > queries.LONGEST[asked["kind"]]:
        raise Refused(
            _("从 %(begin)s 到 %(end)s 不能这样查。") % {"begin": begin, "end": end},
            _("结束要晚于开始，一次最多 %(days)s 天。") % {"days": queries.LONGEST[asked["kind"]].days},
            status=422,
            code="invalid",
            at="to",
        )
    points = min(read_number(given.get("points", "")) or queries.USUAL_POINTS, queries.MOST_POINTS)
    drawn = queries.draw_series(request.user, point, asked["factor"], asked["kind"], begin, end, points)
    return answer(drawn)


def _moment(text: str) -> datetime | None:
    """A moment, not a day."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if "T" not in text or not 2000 <= found.year <= 2100:
        return None
    return found if found.tzinfo is None else to_local(found)


@require_GET
def values(request: Request, number: int) -> HttpResponse:
    """All values of the stretch as CSV, with what does not count and why."""
    point = board.find_point(request.user, number)
    asked = read_asked(request, point, timezone.now())
    begin, end = _moments(asked)
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    title, unit = factor_title(asked["factor"]), factor_unit(asked["factor"])
    rows.writerow([_("时间"), _("因子"), _("单位"), _("实测"), _("计入判定"), _("不计入的原因")])
    frame = queries.read_frame(point, asked["kind"], asked["factor"], begin, end)
    for moment, value, measured, why in frame.iter_rows():
        if measured is not None:
            rows.writerow([moment, title, unit, measured, value, queries.say_why(why)])
    name = f"{point.outlet.code}-{asked['factor']}-{asked['first']}-{asked['last']}.csv"
    return HttpResponse(
        "\ufeff" + text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


# -- what is asked of a device -----------------------------------------------------------------------------------------


@require_POST
def ask(request: Request, number: int) -> HttpResponse:
    """Ask the point's device to do something; what came of it is on the page later."""
    point = board.find_point(request.user, number)
    given = request.POST
    device = Device.objects.filter(point=point, allowed=True).select_related("point__enterprise").first()
    try:
        if device is None:
            raise Refused(_("这个点位没有设备。"))
        ask_device(
            request.user,
            device,
            given.get("command", ""),
            factor=given.get("factor", ""),
            begin=_aware(given.get("begin", "")),
            end=_aware(given.get("end", "")),
        )
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show(request, point, refused)
    messages.success(request, _("已请接收程序转告设备，答复会显示在这里。"))
    return redirect("monitoring:point", point.pk)


def _aware(text: str) -> datetime | None:
    """As ``datetime-local`` fields write it."""
    try:
        return to_aware(datetime.fromisoformat(text))
    except ValueError:
        return None
