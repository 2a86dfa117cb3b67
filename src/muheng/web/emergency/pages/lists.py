"""Lists: handed in, read with everything that is wrong, looked through by enterprise and line, put in force."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from muheng.web.emergency.actions import lists as actions
from muheng.web.emergency.changes import choose, find_changes, parts, show_change, show_counts
from muheng.web.emergency.city_settings import city_settings
from muheng.web.emergency.models import EmergencyList, Plan
from muheng.web.emergency.queries import lists as queries
from muheng.web.emergency.queries.lists import FirmQuestion
from muheng.web.emergency.wording import base_shares, in_language, show_ratios
from muheng.web.emergency.workbook import ask_workbook, find_workbook, send_template
from muheng.web.entrance import read_number
from muheng.web.files.pages import download
from muheng.web.intake.uploads import KINDS
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.request import Request

PAGE = 50


@require_GET
def listing(request: Request) -> HttpResponse:
    """All lists, the one in force first."""
    require(request.user, queries.VIEW)
    rows = list(queries.lists_for(request.user)[:200])
    rows.sort(key=lambda row: row.state != EmergencyList.State.IN_FORCE)
    return render(
        request, "emergency/list_all.html", {"rows": rows, "may_edit": holds(request.user, queries.EDIT)}
    )


def new(request: Request) -> HttpResponse:
    """The workbook of a list is handed in."""
    require(request.user, queries.EDIT)
    refused = None
    if request.method == "POST":
        given = request.POST
        try:
            made = actions.hand_in_list(
                request.user, request.FILES.getlist("files"), given.get("title", ""), given.get("season", "")
            )
            return redirect("emergency:list", made.pk)
        except Refused as error:
            refused = error
    context = {
        "refused": refused,
        "title": request.POST.get("title", ""),
        "season": request.POST.get("season", ""),
        "kinds": ",".join(KINDS),
    }
    return render(request, "emergency/list_new.html", context, status=refused.status if refused else 200)


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    return _show(request, queries.find_list(request.user, number))


def _show(request: Request, found: EmergencyList, refused: Refused | None = None) -> HttpResponse:
    """How much the list emits, what its filed measures reach, who is on it."""
    status = refused.status if refused else 200
    context: dict[str, Any] = {**frame(request, found, "list"), "refused": refused}
    if not found.folder:
        return render(
            request, "emergency/list_wrong.html", context | _problems(request, found), status=status
        )
    rows = queries.firms_of(request.user, found)
    total = queries.total_of(rows)
    context |= {
        "total": total,
        "totals": list(
            zip(queries.POLLUTANT_TITLES, queries.in_whole_kilograms(total.emission), strict=True)
        ),
        "pollutants": queries.POLLUTANT_TITLES,
        "by": [
            (title, field, _by(rows, field))
            for field, title in (
                ("county", _("县区")),
                ("trade", _("重点行业")),
                ("grade", _("绩效等级")),
                ("guarantee", _("保障类型")),
            )
        ],
        "plan": queries.adopted_plan(found),
        "plans": Plan.objects.filter(inventory=found).select_related("made_by")[:5]
        if context["whole"]
        else (),
        "findings": _count_findings(queries.findings_of(request.user, found)),
    }
    if context["whole"]:
        context |= {"base": base_shares(found), "ratios": show_ratios(found, city_settings())}
    return render(request, "emergency/list_show.html", context, status=status)


def _by(rows: Any, field: str) -> list[dict[str, Any]]:
    found = queries.sum_by(rows, field)
    none = {"trade": _("其他行业"), "grade": _("未评级"), "guarantee": _("不保障"), "county": _("未知")}[
        field
    ]
    keys = {"grade": queries.NO_GRADE}
    return [
        {
            "name": row.name or none,
            "key": row.key or keys.get(field, ""),
            "firms": row.firms,
            "lines": row.lines,
            "kg": queries.in_whole_kilograms(row.emission),
        }
        for row in found[:40]
    ]


def _count_findings(found: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "errors": sum(each["severity"] == "error" for each in found),
        "warnings": sum(each["severity"] == "warning" for each in found),
        "all": len(found),
    }


def _problems(request: Request, found: EmergencyList) -> dict[str, Any]:
    severity, words = request.GET.get("severity", ""), request.GET.get("q", "").strip()[:100]
    rows = [in_language(each) for each in found.problems]
    if severity in ("error", "warning"):
        rows = [each for each in rows if each["severity"] == severity]
    if words:
        rows = [
            each
            for each in rows
            if any(words in each[key] for key in ("what", "found", "enterprise", "sheet"))
        ]
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return {"page": page, "query": rest_of_query(request), "severity": severity, "q": words}


_TABS = {
    "list": gettext_lazy("概况"),
    "list-firms": gettext_lazy("企业"),
    "list-findings": gettext_lazy("检查"),
    "list-changes": gettext_lazy("变化"),
    "list-plans": gettext_lazy("方案"),
}


def frame(request: Request, found: EmergencyList, tab: str) -> dict[str, Any]:
    """What every page of a list shows."""
    user = request.user
    whole = queries.sees_all(user, found)
    hidden = set() if whole else {"list-changes", "list-plans"}
    return {
        "list": found,
        "whole": whole,
        "tabs": [
            {"address": reverse(f"emergency:{name}", args=[found.pk]), "title": title, "here": name == tab}
            for name, title in _TABS.items()
            if name not in hidden
        ]
        if found.folder
        else [],
        "may_edit": holds(user, queries.EDIT, found.organisation),
        "may_adopt": holds(user, queries.ADOPT, found.organisation),
        "busy": found.job is not None and not found.job.ended,
        "own_job": found.job is not None and found.job.owner_id == user.pk,
    }


@require_GET
def firms(request: Request, number: int) -> HttpResponse:
    """The enterprises: searched, filtered, sorted."""
    found = queries.find_list(request.user, number)
    rows = queries.firms_of(request.user, found)
    asked = _question(request)
    page = Paginator(queries.ask_firms(rows.select_related("county"), asked), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        **frame(request, found, "list-firms"),
        "page": page,
        "query": rest_of_query(request),
        "rows": [
            {"firm": row, "kg": queries.in_kilograms((row.so2, row.nox, row.pm, row.voc))} for row in page
        ],
        "asked": asked,
        "choices": queries.choices_of(rows),
        "heads": _heads(request, asked),
    }
    return render(request, "emergency/list_firms.html", context)


def _question(request: Request) -> FirmQuestion:
    given = request.GET
    text = {name: given.get(name, "").strip()[:100] for name in ("q", "trade", "grade", "guarantee", "sort")}
    return FirmQuestion(county=read_number(given.get("county", "")), **text)


def _heads(request: Request, asked: FirmQuestion) -> list[dict[str, Any]]:
    titles: dict[str, Any] = {
        "name": _("企业"),
        "county": _("县区"),
        "trade": _("重点行业"),
        "grade": _("绩效等级"),
        "guarantee": _("保障"),
        "lines": _("生产线"),
        **{
            key: f"{title} kg/d"
            for key, title in zip(queries.POLLUTANTS, queries.POLLUTANT_TITLES, strict=True)
        },
    }
    rest = rest_of_query(request, "sort")
    numbers = {"lines", *queries.POLLUTANTS}
    heads = []
    for key, title in titles.items():
        head: dict[str, Any] = {"title": title, "number": key in numbers}
        if key in queries.SORTS:
            here = asked.sort.lstrip("-") == key
            down = asked.sort == f"-{key}" if here else False
            head["sorted"] = ("descending" if down else "ascending") if here else ""
            first = "-" if key in numbers else ""
            turned = ("" if down else "-") if here else first
            head["href"] = f"?{rest}sort={turned}{key}"
        heads.append(head)
    return heads


@require_GET
def findings(request: Request, number: int) -> HttpResponse:
    """What the check of the list found."""
    found = queries.find_list(request.user, number)
    severity, words = request.GET.get("severity", ""), request.GET.get("q", "").strip()[:100]
    every = queries.findings_of(request.user, found)
    rows = [in_language(each) for each in every]
    if severity:
        rows = [each for each in rows if each["severity"] == severity]
    if words:
        rows = [each for each in rows if any(words in (each[key] or "") for key in ("what", "firm", "line"))]
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    listing = queries.listing_of(found)
    context = {
        **frame(request, found, "list-findings"),
        "page": page,
        "query": rest_of_query(request),
        "severity": severity,
        "q": words,
        "counts": _count_findings(every),
        "rows": [
            {
                **each,
                "firm_name": listing.firms[each["firm"]].name if each["firm"] in listing.firms else "",
                "line_name": listing.lines[each["line"]].name if each["line"] in listing.lines else "",
            }
            for each in page
        ],
    }
    return render(request, "emergency/list_findings.html", context)


@require_GET
def changes(request: Request, number: int) -> HttpResponse:
    """What changed since the list that was in force when this one came."""
    found = queries.find_list(request.user, number)
    if not queries.sees_all(request.user, found):
        raise Http404
    before = found.before if found.before is not None and found.before.folder else None
    context = {**frame(request, found, "list-changes"), "before": before}
    if before is not None and found.folder:
        changed = find_changes(before.folder, found.folder)
        part = request.GET.get("part", "")
        page = Paginator(choose(changed, part), PAGE).get_page(request.GET.get("page"))
        context |= {
            "counts": show_counts(changed),
            "part": part,
            "parts": parts(),
            "page": page,
            "rows": [show_change(row) for row in page],
            "query": rest_of_query(request),
        }
    return render(request, "emergency/list_changes.html", context)


@require_POST
def put_in_force(request: Request, number: int) -> HttpResponse:
    found = queries.find_list(request.user, number)
    try:
        actions.put_in_force(request.user, found)
    except Refused as error:
        return _show(request, queries.find_list(request.user, number), error)
    messages.success(request, _("清单已启用。"))
    return redirect("emergency:list", number)


@require_POST
def remove(request: Request, number: int) -> HttpResponse:
    found = queries.find_list(request.user, number)
    try:
        actions.remove_list(request.user, found)
    except Refused as error:
        return _show(request, queries.find_list(request.user, number), error)
    messages.success(request, _("已删除。"))
    return redirect("emergency:lists")


@require_GET
def original(request: Request, number: int) -> FileResponse:
    """The workbook as it was handed in."""
    return _file(request, number, "file")


@require_GET
def marked(request: Request, number: int) -> FileResponse:
    """The workbook with its problems marked."""
    return _file(request, number, "marked")


def _file(request: Request, number: int, name: str) -> FileResponse:
    found = queries.find_list(request.user, number)
    file = getattr(found, name)
    if file is None or not queries.sees_all(request.user, found):
        raise Http404
    return download(file)


@require_GET
def workbook(request: Request, number: int) -> FileResponse | HttpResponse:
    """The list in its usual columns, with the adopted plan's measures where there are."""
    found = queries.find_list(request.user, number)
    if not found.folder or not queries.sees_all(request.user, found):
        raise Http404
    return send_or_wait(request, found, queries.adopted_plan(found))


def send_or_wait(request: Request, found: EmergencyList, plan: Plan | None) -> FileResponse | HttpResponse:
    """The workbook, or a page that waits while it is written."""
    sent = find_workbook(found, plan)
    if sent is not None:
        return sent
    context = {"list": found, "job": ask_workbook(request.user, found, plan)}
    return render(request, "emergency/list_wait.html", context)


@require_GET
def template(request: Request) -> FileResponse:
    """An empty workbook with notes."""
    require(request.user, queries.VIEW)
    return send_template()
