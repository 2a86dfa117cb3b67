"""Points and devices: what is watched and by which device, what is not yet, a list handed in, devices that nobody knows."""

from __future__ import annotations

import io
import secrets
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.monitoring.dialogue.devices import MINUTE_INTERVALS
from muheng.monitoring.hj212.decoding import decode_bytes
from muheng.web.entrance import read_number
from muheng.web.intake.uploads import KINDS
from muheng.web.monitoring.actions.device_list import (
    HEADS,
    read_list,
    seal_list,
    take_list,
    try_list,
    unseal_list,
    write_template,
)
from muheng.web.monitoring.actions.devices import (
    EDIT,
    add_device,
    change_device,
    replace_device,
    stop_device,
)
from muheng.web.monitoring.actions.points import (
    change_limits,
    change_point,
    stop_watching,
    watch_outlet,
)
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.limit_changes import list_changes
from muheng.web.monitoring.models import Device, Point
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.queries import devices as queries
from muheng.web.monitoring.queries.board import find_point
from muheng.web.monitoring.queries.quarantine import HOURS, list_strangers, read_quarantine, show_kept
from muheng.web.monitoring.queries.receiver import read_receiver
from muheng.web.monitoring.queries.scope import VIEW, points_for
from muheng.web.monitoring.sayings import factor_title, factor_unit, kind_title
from muheng.web.monitoring.window import DAYS
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.registry.queries import may
from muheng.web.request import Request
from muheng.web.templatetags.words import day as say_day

PAGE = 50
EDITIONS = (2005, 2017, 2025)


def _today() -> date:
    return to_local(timezone.now()).date()


def _words(request: Request) -> str:
    return request.GET.get("q", "").strip()[:100]


@require_GET
def listing(request: Request) -> HttpResponse:
    """What is watched, and by which device."""
    require(request.user, VIEW)
    q, only = _words(request), request.GET.get("only", "")
    rows = queries.list_points(request.user, q, only)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    may_edit = holds(request.user, EDIT)
    context = {
        "page": page,
        "rows": [
            {
                "point": point,
                "kind": kind_title(point.kind),
                "limits": _say_limits(point),
            }
            for point in page
        ],
        "query": rest_of_query(request),
        "q": q,
        "only": only,
        "all": queries.list_points(request.user, "", "").count(),
        "without": queries.list_points(request.user, "", "none").count(),
        "unlimited": queries.list_points(request.user, "", "limits").count(),
        "may_edit": may_edit,
        "unwatched": queries.unwatched_outlets(request.user).count() if may_edit else 0,
        "refused": read_receiver().quarantined,
    }
    return render(request, "monitoring/devices.html", context)


def _say_limits(point: Point) -> str:
    held = limits_on(point, _today())
    return _("，").join(
        f"{factor_title(factor)} {limit.most:g}" for factor, limit in held.items() if limit.most is not None
    )


# -- outlets that are not watched yet ----------------------------------------------------------------------------------


def unwatched(request: Request) -> HttpResponse:
    """Outlets of the registry with a proposal; those that are chosen are watched from today."""
    require(request.user, EDIT)
    q = _words(request)
    refused = None
    if request.method == "POST":
        try:
            return _watch(request)
        except Refused as error:
            refused = error
    page = Paginator(queries.unwatched_outlets(request.user, q), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [queries.propose(outlet) for outlet in page],
        "query": rest_of_query(request),
        "q": q,
        "kinds": city_rules().limits.kind,
        "refused": refused,
        "given": request.POST,
    }
    return render(request, "monitoring/unwatched.html", context, status=refused.status if refused else 200)


def _watch(request: Request) -> HttpResponse:
    given = request.POST
    outlet = (
        queries.unwatched_outlets(request.user).filter(pk=read_number(given.get("outlet", "")) or 0).first()
    )
    if outlet is None:
        raise Http404
    point = watch_outlet(
        request.user,
        outlet,
        given.get("kind", ""),
        _today(),
        name=given.get("name", ""),
        reference_oxygen=_read_oxygen(given.get("reference_oxygen", "")),
        key=bool(given.get("key")),
    )
    messages.success(request, _("已开始监控“%(point)s”，请核对限值并登记设备。") % {"point": point.name})
    return redirect("monitoring:point-edit", point.pk)


def _read_oxygen(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip()) if text.strip() else None
    except InvalidOperation as error:
        raise Refused(
            _("“%(text)s”不是数字。") % {"text": text[:40]},
            _("只写数，不写单位；不折算的留空。"),
            status=422,
            code="invalid",
            at="reference_oxygen",
        ) from error


# -- one point ---------------------------------------------------------------------------------------------------------


def edit(request: Request, number: int) -> HttpResponse:
    """Its limits from a day on, what it is called, its device."""
    require(request.user, EDIT)
    point = find_point(request.user, number)
    if not may(request.user, EDIT, point.enterprise):
        raise Http404
    refused, shown = None, ""
    if request.method == "POST":
        try:
            shown = _ACTS[request.POST.get("act", "")](request, point)
        except KeyError:
            raise Http404 from None
        except Refused as error:
            refused = error
        else:
            if not shown:
                return redirect("monitoring:point-edit", point.pk)
    device = Device.objects.filter(point=point, allowed=True).first()
    held = limits_on(point, _today())
    context = {
        "point": point,
        "kind_name": kind_title(point.kind),
        "device": device,
        "past": Device.objects.filter(point=point, allowed=False).order_by("-added_at"),
        "limits": [
            {"factor": factor, "title": factor_title(factor), "unit": factor_unit(factor), "limit": limit}
            for factor, limit in held.items()
        ],
        "limit_changes": list_changes(point),
        "days_again": DAYS,
        "history": [
            {**row, "title": factor_title(row["factor"]), "unit": factor_unit(row["factor"])}
            for row in point.limits
            if row.get("from") or row.get("until")
        ],
        "today": _today().isoformat(),
        "editions": EDITIONS,
        "intervals": MINUTE_INTERVALS,
        "refused": refused,
        "password": shown,
        "given": request.POST if refused else {},
    }
    return render(request, "monitoring/point_edit.html", context, status=refused.status if refused else 200)


def _set_limit(request: Request, point: Point) -> str:
    given = request.POST
    since = _read_day(given.get("since", ""))
    row: dict[str, Any] = {name: given.get(name, "") for name in ("factor", "most", "least", "basis")}
    if not given.get("converted"):
        row["converted"] = False
    change_limits(request.user, point, [row], since, reason=given.get("reason", ""))
    if since < _today():
        messages.success(
            request,
            _("限值已改，%(day)s以来的小时正在重新判定；企业和负责的人已收到通知。")
            % {"day": say_day(since)},
        )
    else:
        messages.success(request, _("限值已改，之前的小时按之前的限值判；企业和负责的人已收到通知。"))
    return ""


def _read_day(text: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError as error:
        raise Refused(_("请选一个日期。"), status=422, code="invalid", at="since") from error


def _set_point(request: Request, point: Point) -> str:
    given = request.POST
    change_point(
        request.user,
        point,
        name=given.get("name", ""),
        reference_oxygen=_read_oxygen(given.get("reference_oxygen", "")),
        trade=given.get("trade", ""),
        key=bool(given.get("key")),
        reason=given.get("reason", ""),
    )
    messages.success(request, _("已保存。"))
    return ""


def _numbers(request: Request) -> dict[str, int]:
    return {
        name: read_number(request.POST.get(name, "")) or usual
        for name, usual in (("edition", 2017), ("realtime_seconds", 60), ("minute_interval", 10))
    }


def _set_device(request: Request, point: Point) -> str:
    """A password that nobody gave is made, and shown this once."""
    given = request.POST
    mn, password = given.get("mn", "").strip(), given.get("password", "").strip()
    made = "" if password else f"{secrets.randbelow(1_000_000):06d}"
    device = Device.objects.filter(point=point, allowed=True).first()
    key = given.get("key", "").strip()
    if device is not None and device.mn == mn:
        change_device(
            request.user,
            device,
            password=password,
            key="" if given.get("plain") else key or None,
            **_numbers(request),
        )
        messages.success(request, _("已保存。"))
        return ""
    if device is None:
        add_device(request.user, point, mn, password or made, key=key, **_numbers(request))
    else:
        replace_device(request.user, device, mn, password or made, key=key, **_numbers(request))
    if not made:
        messages.success(request, _("设备 %(mn)s 可以发送数据了。") % {"mn": mn})
    return made


def _stop_device(request: Request, point: Point) -> str:
    stop_device(request.user, get_object_or_404(Device, point=point, allowed=True))
    messages.success(request, _("设备已停用，它发来的数据不再收。"))
    return ""


def _stop_point(request: Request, point: Point) -> str:
    stop_watching(request.user, point, _read_day(request.POST.get("until", "")))
    messages.success(request, _("已停止监控，以往的数据都在。"))
    return ""


_ACTS = {
    "limit": _set_limit,
    "point": _set_point,
    "device": _set_device,
    "stop-device": _stop_device,
    "stop": _stop_point,
}


# -- devices that nobody knows -----------------------------------------------------------------------------------------


@require_GET
def quarantine(request: Request) -> HttpResponse:
    """What was not taken, by reason; who keeps trying can be given a point."""
    require(request.user, EDIT)
    return _quarantine(request)


def _quarantine(request: Request, error: Refused | None = None) -> HttpResponse:
    hours = next((each for each in HOURS if str(each) == request.GET.get("hours")), HOURS[0])
    mn = request.GET.get("mn", "").strip()[:24]
    refused = read_quarantine(request.user, hours, mn)
    context = {
        "strangers": list_strangers(refused),
        "kept": show_kept(refused[:200]),
        "count": len(refused),
        "points": queries.points_without_device(request.user),
        "refused": error,
        "hours": hours,
        "choices": HOURS,
        "mn": mn,
    }
    return render(request, "monitoring/quarantine.html", context, status=error.status if error else 200)


@require_POST
def admit(request: Request) -> HttpResponse:
    """A device that keeps trying is given to a point, with the password that it sends."""
    require(request.user, EDIT)
    mn = request.POST.get("mn", "").strip()
    refused = read_quarantine(request.user, HOURS[-1], mn)
    tried = next((each for each in refused if "unknown_device" in each.reasons), None)
    rows = points_for(request.user).filter(pk=read_number(request.POST.get("point", "")) or 0)
    point = rows.first()
    if tried is None or point is None:
        raise Http404
    packet = decode_bytes(tried.raw)
    try:
        password = packet.header.get("PW", "") if packet is not None else ""
        edition = (packet.version if packet is not None else None) or 2017
        add_device(request.user, point, mn, password, edition=edition)
    except Refused as error:
        return _quarantine(request, error)
    said = _("设备 %(mn)s 已登记到“%(point)s”，下一包起收下。")
    messages.success(request, said % {"mn": mn, "point": point.name})
    return redirect("monitoring:point", point.pk)


# -- a list ------------------------------------------------------------------------------------------------------------


def imported(request: Request) -> HttpResponse:
    """A workbook of points and devices: looked at first, then taken whole."""
    require(request.user, EDIT)
    context: dict[str, Any] = {"kinds": ",".join(KINDS), "heads": list(HEADS)}
    status = 200
    if request.method == "POST":
        try:
            if "sealed" in request.POST:
                listed, columns = unseal_list(request.POST["sealed"])
                deeds = take_list(request.user, listed, columns, _today())
                messages.success(request, _("已登记 %(count)s 台设备。") % {"count": len(deeds)})
                return redirect("monitoring:devices")
            listed, columns = read_list(request.FILES.getlist("files"))
            deeds, faults = try_list(request.user, listed, columns, _today())
            context |= {"deeds": deeds, "faults": faults, "count": len(listed)}
            if faults:
                status = 422
            else:
                context["sealed"] = seal_list(listed, columns)
        except Refused as error:
            context["refused"], status = error, error.status
    return render(request, "monitoring/device_list.html", context, status=status)


@require_GET
def template(request: Request) -> FileResponse:
    """The empty list."""
    require(request.user, EDIT)
    name = _("监测设备（空表）.xlsx")
    return FileResponse(io.BytesIO(write_template()), as_attachment=True, filename=name)
