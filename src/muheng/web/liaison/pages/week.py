"""This week I enter …: days, stops, the way; moved by hand, kept, printed. And the week of all officers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.web.entrance import read_number
from muheng.web.liaison import actions, queries, weeks
from muheng.web.liaison.pages.lists import frame
from muheng.web.liaison.rules import city_rules
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.request import Request

_MOST_A_DAY = 30


def mine(request: Request) -> HttpResponse:
    """The officer's own week."""
    user, today = request.user, timezone.localdate()
    require(user, queries.VISIT)
    monday = weeks.read_monday(request.POST.get("monday") or request.GET.get("monday", ""), today)
    refused = None
    if request.method == "POST":
        try:
            _change(request, monday, today)
        except Refused as raised:
            if raised.status in (403, 404):
                raise
            refused = raised
        else:
            return redirect(f"{reverse('liaison:week')}?monday={monday}")
    plan = weeks.find_plan(user, monday)
    days = weeks.show_days(plan, monday)
    placed = {stop.enterprise.pk for line in days for stop in line.stops}
    owed = queries.reckon_all(queries.own_pairings(user), today)
    context: dict[str, Any] = {
        **frame(request, "week"),
        "monday": monday,
        "sunday": monday + timedelta(days=6),
        "before": monday - weeks.WEEK,
        "after": monday + weeks.WEEK,
        "this_week": monday == weeks.read_monday("", today),
        "plan": plan,
        "days": days,
        "stops": len(placed),
        "visited": sum(stop.visited for line in days for stop in line.stops),
        "metres": sum(line.route.metres for line in days),
        "others": [each for each in owed if each.enterprise.pk not in placed],
        "open_days": weeks.days_to_plan(monday, today),
        "per_day": city_rules().week.per_day,
        "refused": refused,
    }
    return render(request, "liaison/week.html", context, status=refused.status if refused else 200)


def _change(request: Request, monday: date, today: date) -> None:
    user = request.user
    version = read_number(request.POST.get("version", ""))
    if request.POST.get("act") == "propose":
        wanted = set(request.POST.getlist("on"))
        days = [day for day in weeks.days_to_plan(monday, today) if day.isoformat() in wanted]
        if not days:
            raise Refused(_("请选这周哪几天下企业。"), status=422, code="invalid", at="on")
        most = read_number(request.POST.get("per_day", "")) or city_rules().week.per_day
        chosen, waiting = weeks.propose(user, monday, days, min(most, _MOST_A_DAY), today)
        if not chosen:
            messages.success(request, _("没有要排的：本期的走访都已完成。"))
            return
        actions.keep_week(user, user, monday, chosen, version=version)
        many = sum(len(these) for these in chosen.values())
        messages.success(request, _("已排 %(many)s 户，可以再调整。") % {"many": many})
        if waiting:
            messages.warning(
                request,
                _("排不下的还有 %(many)s 户：%(names)s。")
                % {"many": len(waiting), "names": "、".join(each.name for each in waiting[:5])},
            )
        return
    chosen = _read_days(request, monday)
    if request.POST.get("act") == "route":
        chosen = weeks.shorten(chosen)
    actions.keep_week(user, user, monday, chosen, version=version)
    messages.success(request, _("本周安排已保存。"))


def _read_days(request: Request, monday: date) -> dict[date, list[Enterprise]]:
    """What the form says of each enterprise: on which day, as which stop."""
    asked: list[tuple[str, int, str]] = []
    for name, value in request.POST.items():
        if name.startswith("day-") and isinstance(value, str) and value:
            code = name.removeprefix("day-")
            order = read_number(request.POST.get(f"order-{code}", "")) or 1000
            asked.append((value, order, code))
    known = {
        each.code: each for each in queries.visitable(request.user).filter(code__in=[a[2] for a in asked])
    }
    days: dict[date, list[Enterprise]] = {}
    for text, _order, code in sorted(asked):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise Refused(_("日期不在这一周里。"), status=422, code="invalid", at="days") from None
        if code not in known:
            raise Refused(_("没有找到这家企业。"), status=404, code="not_found")
        days.setdefault(day, []).append(known[code])
    return days


def week_map(request: Request) -> HttpResponse:
    """The officer's week on the ground."""
    require(request.user, queries.VISIT)
    monday = weeks.read_monday(request.GET.get("monday", ""), timezone.localdate())
    days = weeks.show_days(weeks.find_plan(request.user, monday), monday)
    return JsonResponse(weeks.draw_week(days, lambda each: reverse("liaison:account", args=[each.code])))


def everybody(request: Request) -> HttpResponse:
    """The week of all officers."""
    require(request.user, queries.VIEW)
    monday = weeks.read_monday(request.GET.get("monday", ""), timezone.localdate())
    found = weeks.everybody(request.user, monday)
    days = [monday + timedelta(days=number) for number in range(7)]
    busy = {day for each in found for day in each.days}
    shown = [day for day in days if day.weekday() < 5 or day in busy]
    context = {
        **frame(request, "weeks"),
        "monday": monday,
        "sunday": days[-1],
        "before": monday - weeks.WEEK,
        "after": monday + weeks.WEEK,
        "shown": shown,
        "rows": [(each, [each.days.get(day, []) for day in shown]) for each in found],
        "stops": sum(each.stops for each in found),
    }
    return render(request, "liaison/weeks.html", context)
