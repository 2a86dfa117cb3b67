"""An enterprise's own monitoring: today against the limits, its series, marks, what it has to answer, its year."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.web.casework.kinds import find_type
from muheng.web.entrance import read_number
from muheng.web.files.attachments import ACCEPT
from muheng.web.monitoring.actions import events as actions
from muheng.web.monitoring.actions import marks as mark_actions
from muheng.web.monitoring.actions.marks import Stretch
from muheng.web.monitoring.cases import ALERT
from muheng.web.monitoring.limit_changes import list_changes
from muheng.web.monitoring.models import Event, Mark, Point
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.pages.events import frame, show_row
from muheng.web.monitoring.pages.points import show_days
from muheng.web.monitoring.pages.reading import read_moment
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.queries import own as queries
from muheng.web.monitoring.queries.events import sort_by_urgency
from muheng.web.monitoring.queries.proofs import list_days
from muheng.web.monitoring.queries.series import judge_hours
from muheng.web.monitoring.queries.series import list_days as list_judged_days
from muheng.web.monitoring.sayings import factor_title
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.request import Request

_MOST_EVENTS = 50
MONTH = timedelta(days=30)


def pick_enterprise(request: Request) -> tuple[Enterprise | None, list[Enterprise]]:
    """The enterprise that the address asks for, else the first; and all of the account's."""
    held = queries.own_enterprises(request.user)
    code = request.GET.get("enterprise", "") or request.POST.get("enterprise", "")
    return next((each for each in held if each.code == code), held[0] if held else None), held


@require_GET
def mine(request: Request) -> HttpResponse:
    """Where the enterprise stands now, and what it has to do."""
    require(request.user, queries.OWN)
    now = timezone.now()
    enterprise, held = pick_enterprise(request)
    if enterprise is None:
        return render(request, "monitoring/mine.html", {"enterprise": None})
    points = [
        each
        for each in queries.own_points(request.user).select_related("latest")
        if each.enterprise_id == enterprise.pk and each.watched_until is None
    ]
    events = queries.own_events(request.user).filter(point__enterprise=enterprise, gone=False)
    waiting = sort_by_urgency(events.filter(state=Event.State.OPEN))
    rest = events.exclude(state=Event.State.OPEN).order_by("-last")
    context = {
        "enterprise": enterprise,
        "held": held,
        "today": queries.show_today(points, now),
        "waiting": [show_row(each, now) for each in waiting[:_MOST_EVENTS]],
        "rest": [show_row(each, now) for each in rest[:10]],
        "days": list_days(enterprise, now),
        "year": queries.show_year(points, now),
        "now": now,
    }
    return render(request, "monitoring/mine.html", context)


# -- a point ---------------------------------------------------------------------------------------------------


@require_GET
def point(request: Request, number: int) -> HttpResponse:
    require(request.user, queries.OWN)
    return _point(request, queries.find_own_point(request.user, number))


def _point(request: Request, found: Point, refused: Refused | None = None) -> HttpResponse:
    """A month beside the limit, the marks, and the form for one."""
    now = timezone.now()
    today = timezone.localdate(now)
    factors = list(limits_on(found, today))
    factor = request.GET.get("factor", "")
    factor = factor if factor in factors else factors[0] if factors else ""
    events = queries.own_events(request.user).filter(point=found, gone=False).order_by("-last")
    judged = judge_hours(found, today - MONTH, today + timedelta(days=1))
    context = {
        "point": found,
        "today": queries.show_today([found], now)[0],
        "factor": factor,
        "factor_title": factor_title(factor),
        "factors": [(each, factor_title(each)) for each in factors],
        "days": show_days(list_judged_days(judged, factor, to_local(now))),
        "first": (today - MONTH).isoformat(),
        "last": today.isoformat(),
        "marks": queries.show_marks(found),
        "cap": queries.cap_of(found, now),
        "limit_changes": list_changes(found),
        "kinds": _kinds(),
        "events": [show_row(each, now) for each in events[:20]],
        "now": timezone.localtime(now),
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "monitoring/own_point.html", context, status=refused.status if refused else 200)


def _kinds() -> list[tuple[str, list[dict[str, str]]]]:
    """The marks by what they speak of, for a form."""
    groups: dict[str, list[dict[str, str]]] = {"plant": [], "monitor": []}
    for mark, title, effect, of in queries.mark_choices():
        groups[of].append({"id": mark, "title": title, "effect": effect})
    return [(_("生产设施"), groups["plant"]), (_("监测设施"), groups["monitor"])]


@require_POST
def mark(request: Request, number: int) -> HttpResponse:
    """Mark a stretch."""
    require(request.user, queries.OWN)
    found = queries.find_own_point(request.user, number)
    try:
        mark_actions.add_mark(request.user, found, read_stretch(request))
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _point(request, found, refused)
    messages.success(request, _("已标记，有关的小时会重新判定。"))
    return redirect("monitoring:own-point", found.pk)


def read_stretch(request: Request) -> Stretch:
    """A mark as a form gives it. Raises Refused."""
    given = request.POST
    begin = read_moment(given.get("begin", ""), "begin")
    end = read_moment(given.get("end", ""), "end", optional=True)
    assert begin is not None
    return Stretch(given.get("mark", ""), begin, end, given.get("mark-note", ""))


@require_POST
def mark_act(request: Request, number: int) -> HttpResponse:
    """A mark is over, or was wrong."""
    held = Mark.objects.filter(pk=number).select_related("point__enterprise").first()
    if held is None:
        raise Http404(number)
    own = queries.own_points(request.user).filter(pk=held.point_id).exists()
    if not own:
        require(request.user, "monitoring.handle", at=held.point.enterprise.county)
    given = request.POST
    try:
        if given.get("deed") == "end":
            end = read_moment(given.get("end", ""), "end")
            assert end is not None
            mark_actions.end_mark(request.user, held, end)
            messages.success(request, _("已记下结束时间。"))
        else:
            mark_actions.withdraw_mark(request.user, held, given.get("note", ""))
            messages.success(request, _("已撤回，有关的小时会重新判定。"))
    except Refused as refused:
        if refused.status in (403, 404) or not own:
            raise
        return _point(request, held.point, refused)
    if own:
        return redirect("monitoring:own-point", held.point_id)
    return redirect("monitoring:point", held.point_id)


# -- an event --------------------------------------------------------------------------------------------------


@require_GET
def event(request: Request, number: str) -> HttpResponse:
    require(request.user, queries.OWN)
    return _event(request, queries.find_own_event(request.user, number))


def _event(request: Request, found: Event, refused: Refused | None = None) -> HttpResponse:
    declared = find_type(ALERT).field("cause")
    context: dict[str, Any] = {
        **frame(found, timezone.now(), inside=False),
        "may_answer": found.state == Event.State.OPEN,
        "causes": declared.choices if declared is not None else (),
        "kinds": _kinds(),
        "begin": timezone.localtime(found.begin),
        "end": timezone.localtime(found.last + queries.HOUR),
        "accept": ACCEPT,
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "monitoring/own_event.html", context, status=refused.status if refused else 200)


@require_POST
def answer(request: Request, number: str) -> HttpResponse:
    """Say what it was, with a mark of the stretch where that is asked."""
    require(request.user, queries.OWN)
    found = queries.find_own_event(request.user, number)
    given = request.POST
    try:
        actions.answer(
            request.user,
            found,
            cause=given.get("cause", ""),
            note=given.get("note", ""),
            uploads=request.FILES.getlist("files"),
            mark=read_stretch(request) if given.get("mark") else None,
            seen=read_number(given.get("seen", "")),
        )
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _event(request, found, refused)
    messages.success(request, _("说明已提交，等待核实。"))
    return redirect("monitoring:own-event", found.number)
