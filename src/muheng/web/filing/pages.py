"""The enterprise's months and the form of one; the official's list of who filed what."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.charts import Chart, Series
from muheng.web.entrance import read_number
from muheng.web.filing import actions, queries
from muheng.web.filing.items import FiledItem, form
from muheng.web.filing.models import Filing
from muheng.web.filing.months import Month, newest_month, parse_month
from muheng.web.filing.sums import say_sums
from muheng.web.filing.taking import open_workbook, take_workbook
from muheng.web.filing.wording import item_title, sentence
from muheng.web.filing.workbook import BadWorkbook
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.request import Request
from muheng.web.templatetags.words import plain

_PAGE = 50


# -- the enterprise ---------------------------------------------------------------------------------------


def mine(request: Request) -> HttpResponse:
    """What my enterprise has to file, its months, and what they add up to."""
    held = list(queries.own_enterprises(request.user).order_by("code"))
    if not held:
        require(request.user, "own.file")
        raise Http404
    enterprise = next((each for each in held if each.code == request.GET.get("enterprise")), held[0])
    return _show_mine(request, enterprise, held)


def _show_mine(
    request: Request, enterprise: Enterprise, held: list[Enterprise], bad: Refused | None = None
) -> HttpResponse:
    months = queries.list_months(enterprise)
    todo = [month for month in months if month.open]
    years: dict[int, list[queries.MonthState]] = {}
    for month in months:
        years.setdefault(month.when.year, []).append(month)
    shown = _chosen_year(request, list(years))
    context = {
        "enterprise": enterprise,
        "held": held,
        "todo": todo,
        "next": todo[-1] if todo else None,
        "years": [(year, of[::-1]) for year, of in years.items()],
        "on_duty": bool(months),
        "year": shown,
        "sums": say_sums(enterprise, shown) if shown else [],
        "bad": bad,
        "cells": getattr(bad, "cells", []),
    }
    return render(request, "filing/mine.html", context, status=bad.status if bad else 200)


def _chosen_year(request: Request, years: list[int]) -> int | None:
    """The year asked for; else the newest with twelve months behind it, else the newest."""
    asked = read_number(request.GET.get("year", ""))
    if asked in years:
        return asked
    return next((year for year in years if year < newest_month().year), years[0] if years else None)


def month(request: Request, code: str, month: str) -> HttpResponse:
    """One month: the form to its enterprise while it is open, the figures as filed to others."""
    enterprise, when = _find(request, code, month)
    own = queries.own_enterprises(request.user).filter(pk=enterprise.pk).exists()
    if request.method == "POST":
        return _take(request, enterprise, when)
    filing = (
        queries.visible_filings(request.user)
        .filter(enterprise=enterprise, year=when.year, month=when.month)
        .select_related("submitted_by", "reviewed_by")
        .first()
    )
    if filing is None and not own:
        raise Http404
    return _show_month(request, enterprise, when, filing, own)


def _take(request: Request, enterprise: Enterprise, when: Month) -> HttpResponse:
    """What was typed: handed in, or kept as a draft. A refusal shows the form again, with all that was typed."""
    typed, reasons = _typed(request)
    act = actions.submit if "submit" in request.POST else actions.save_draft
    version = request.POST.get("version", "")
    filing: Filing | None
    try:
        filing = act(
            request.user,
            enterprise,
            when,
            typed,
            reasons,
            version=read_number(version),
        )
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        filing = Filing.objects.filter(enterprise=enterprise, year=when.year, month=when.month).first()
        return _show_month(request, enterprise, when, filing, True, refused, typed, reasons)
    if act is actions.save_draft:
        messages.success(request, _("%(month)s的草稿已保存。") % {"month": when.title})
        return redirect("filing:month", enterprise.code, str(when))
    late = _("（已过期限）") if filing.late else ""
    messages.success(
        request, _("%(month)s已提交%(late)s，等主管部门核对。") % {"month": when.title, "late": late}
    )
    return redirect("filing:mine")


def _typed(request: Request) -> tuple[dict[str, str], dict[str, str]]:
    """The form's fields are numbered as the items are, so that addresses of fields need no Chinese."""
    typed, reasons = {}, {}
    for at, name in enumerate(form().items):
        typed[name] = request.POST.get(f"figure-{at}", "")[:60]
        reasons[name] = request.POST.get(f"reason-{at}", "")[:500]
    return typed, reasons


def _show_month(
    request: Request,
    enterprise: Enterprise,
    when: Month,
    filing: Filing | None,
    own: bool,
    refused: Refused | None = None,
    typed: Mapping[str, str] | None = None,
    reasons: Mapping[str, str] | None = None,
) -> HttpResponse:
    open_ = own and (filing is None or filing.state != Filing.State.ACCEPTED)
    stale = getattr(refused, "code", "") == "stale"
    values = typed if typed is not None and not stale else (filing.values if filing else {})
    given = reasons if reasons is not None and not stale else (filing.reasons if filing else {})
    findings = _findings(enterprise, when, filing, open_, refused, values)
    context = {
        "enterprise": enterprise,
        "when": when,
        "deadline": when.deadline,
        "days": (when.deadline.due - timezone.localdate()).days,
        "filing": filing,
        "own": own,
        "open": open_,
        "version": filing.version if filing else "",
        "refused": refused,
        "fields": _fields(enterprise, when, values, given, findings),
        "steps": _steps(filing),
        "may_decide": not own
        and filing is not None
        and filing.state in (Filing.State.SUBMITTED, Filing.State.ACCEPTED),
        "charts": _charts(enterprise, when, filing) if not own else [],
    }
    return render(request, "filing/month.html", context, status=refused.status if refused else 200)


def _findings(
    enterprise: Enterprise,
    when: Month,
    filing: Filing | None,
    open_: bool,
    refused: Refused | None,
    values: Mapping[str, str],
) -> list[dict[str, Any]]:
    if isinstance(refused, actions.Questioned):
        return [each.stored() for each in refused.findings]
    if open_ and any(values.values()):
        _entries, found = actions.examine(enterprise, when, values)
        return [each.stored() for each in found]
    return filing.findings if filing else []


def _fields(
    enterprise: Enterprise,
    when: Month,
    values: Mapping[str, str],
    reasons: Mapping[str, str],
    findings: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """The form's lines: an item with what was typed, last month and the same month a year ago, and what was found."""
    before, a_year_ago = when.shift(-1), when.shift(-12)
    known = queries.list_figures(enterprise, [before, a_year_ago])
    return [
        _field(at, item, values, reasons, findings)
        | {
            "before": plain(known.get(before, {}).get(item.name)),
            "a_year_ago": plain(known.get(a_year_ago, {}).get(item.name)),
        }
        for at, item in enumerate(form().items.values())
    ]


def _field(
    at: int,
    item: FiledItem,
    values: Mapping[str, str],
    reasons: Mapping[str, str],
    findings: list[dict[str, Any]],
) -> dict[str, Any]:
    found = [sentence(each) for each in findings if each["item"] == item.name]
    return {
        "at": at,
        "title": item.title(language()),
        "unit": item.unit,
        "value": values.get(item.name, ""),
        "shown": _show(values.get(item.name, "")),
        "reason": reasons.get(item.name, ""),
        "found": found,
        "questioned": any(each["level"] == "warning" for each in found),
        "wrong": any(each["level"] == "error" for each in found),
    }


def _show(text: str) -> str:
    """A figure with separators; what is none as it was typed."""
    try:
        figure = Decimal(text)
    except ArithmeticError:
        return text
    return plain(figure) if figure.is_finite() else text


def _steps(filing: Filing | None) -> list[dict[str, Any]]:
    """The history, the newest first, changes as sentences."""
    if filing is None:
        return []
    told = []
    for step in filing.steps.select_related("by").order_by("-at", "-pk")[:50]:
        changes = [
            _("%(item)s：%(before)s → %(after)s")
            % {"item": item_title(name), "before": before or _("空"), "after": after or _("空")}
            for name, (before, after) in step.changes.items()
        ]
        told.append(
            {
                "at": step.at,
                "by": step.by,
                "verb": step.get_verb_display(),
                "note": step.note,
                "changes": changes,
            }
        )
    return told


def _charts(enterprise: Enterprise, when: Month, filing: Filing | None) -> list[Chart]:
    """Two years of each item that was questioned: what an official needs to judge it."""
    questioned = [each["item"] for each in filing.findings if each["level"] == "warning"] if filing else []
    if not questioned:
        return []
    months = list(when.shift(-23).until(when))
    known = queries.list_figures(enterprise, months)
    return [
        Chart(
            id=f"item-{at}",
            title=item_title(name),
            category_title=_("月份"),
            categories=[str(each) for each in months],
            series=[
                Series(
                    item_title(name),
                    [_number(known.get(each, {}).get(name)) for each in months],
                    tone="accent",
                )
            ],
            kind="columns",
            unit=form().items[name].unit,
        )
        for at, name in enumerate(dict.fromkeys(questioned))
    ]


def _number(figure: Decimal | None) -> float | None:
    return None if figure is None else float(figure)


@require_POST
def check(request: Request, code: str, month: str) -> HttpResponse:
    """What is odd in what is typed so far, as a fragment for each item."""
    enterprise, when = _find(request, code, month)
    if not queries.own_enterprises(request.user).filter(pk=enterprise.pk).exists():
        raise Http404
    typed, reasons = _typed(request)
    _entries, found = actions.examine(enterprise, when, typed)
    findings = [each.stored() for each in found]
    fields = [_field(at, item, typed, reasons, findings) for at, item in enumerate(form().items.values())]
    return render(request, "filing/findings.html", {"fields": fields, "swap": True})


def workbook(request: Request, code: str) -> HttpResponse:
    """The enterprise's own workbook, with its open months, or those of a year that is asked for."""
    return open_workbook(_own(request, code))


@require_POST
def upload(request: Request, code: str) -> HttpResponse:
    """A filled workbook: every month in it becomes a draft, or none does."""
    enterprise = _own(request, code)
    held = list(queries.own_enterprises(request.user).order_by("code"))
    try:
        months = _take_workbook(request, enterprise)
    except Refused as refused:
        return _show_mine(request, enterprise, held, refused)
    if len(months) == 1:
        messages.success(request, _("%(month)s的数据已导入，请核对后提交。") % {"month": months[0].title})
        return redirect("filing:month", enterprise.code, str(months[0]))
    told = _("已导入 %(count)d 个月的草稿，请逐月核对后提交。")
    messages.success(request, told % {"count": len(months)})
    return redirect("filing:mine")


def _take_workbook(request: Request, enterprise: Enterprise) -> list[Month]:
    sent = request.FILES.get("file")
    if not isinstance(sent, UploadedFile):
        raise BadWorkbook(_("没有选择文件。"), _("请选择填好的 .xlsx 文件。"))
    return take_workbook(request.user, enterprise, sent)


def _own(request: Request, code: str) -> Enterprise:
    found = queries.own_enterprises(request.user).filter(code=code).first()
    if found is None:
        raise Http404
    return found


def _find(request: Request, code: str, month: str) -> tuple[Enterprise, Month]:
    enterprise, when = queries.find_enterprise(request.user, code), parse_month(month)
    if enterprise is None or when is None:
        raise Http404
    return enterprise, when


# -- the official ---------------------------------------------------------------------------------------


def review(request: Request) -> HttpResponse:
    """Who filed a month, who is late, what was questioned."""
    require(request.user, queries.RIGHT)
    newest = newest_month()
    when = parse_month(request.GET.get("month", "")) or newest
    when = min(when, newest)
    counts = queries.count_month(request.user, when)
    rows = queries.month_duties(request.user, when)
    state, words = request.GET.get("state", ""), request.GET.get("q", "").strip()
    rows = queries.filter_duties(rows, when, state, words)
    rows = rows.select_related("enterprise__county").order_by("-filing_flagged", "enterprise__code")
    page = Paginator(rows, _PAGE).get_page(request.GET.get("page"))
    today = timezone.localdate()
    context = {
        "when": when,
        "months": [newest.shift(-back) for back in range(24)],
        "deadline": when.deadline,
        "passed": today > when.deadline.due,
        "counts": counts,
        "states": _state_choices(counts),
        "state": state,
        "q": words,
        "page": page,
        "rows": [_row(row, today > when.deadline.due) for row in page],
        "query": rest_of_query(request),
        "unflagged": counts["submitted"] - counts["flagged"],
    }
    return render(request, "filing/review.html", context)


def _state_choices(counts: dict[str, int]) -> list[tuple[str, Any, int]]:
    return [
        ("", _("全部"), counts["every"]),
        ("flagged", _("有疑问、待核对"), counts["flagged"]),
        ("submitted", _("待核对"), counts["submitted"]),
        ("missing", _("未报"), counts["missing"]),
        ("late", _("逾期"), counts["late"]),
        ("returned", _("已退回"), counts["returned"]),
        ("accepted", _("已核对"), counts["accepted"]),
    ]


def _row(duty: Any, passed: bool) -> dict[str, Any]:
    missing = duty.state == queries.MISSING
    warned = [each for each in duty.filing_findings or () if each["level"] == "warning"]
    first = sentence(warned[0]) if warned else None
    return {
        "enterprise": duty.enterprise,
        "state": duty.state,
        "state_title": _("未报") if missing else Filing.State(duty.state).label,
        "tone": {"submitted": "warn", "returned": "wrong", "accepted": "plain"}.get(duty.state, "plain"),
        "late": passed if missing else bool(duty.filing_late),
        "submitted_at": duty.submitted_at if not missing else None,
        "flagged": bool(duty.filing_flagged) and duty.state == Filing.State.SUBMITTED,
        "remark": f"{first['title']}：{first['what']}" if first and not missing else "",
        "more": len(warned) - 1,
    }


@require_POST
def accept_unflagged(request: Request) -> HttpResponse:
    when = parse_month(request.POST.get("month", ""))
    if when is None:
        raise Http404
    done = actions.accept_unflagged(request.user, when)
    messages.success(request, _("已核对通过 %(count)d 户；有疑问的留待逐户核对。") % {"count": done})
    return _back_to_review(when)


@require_POST
def decide(request: Request, code: str, month: str) -> HttpResponse:
    """Accept or send back, then on to the next that waits."""
    enterprise, when = _find(request, code, month)
    filing = (
        queries.visible_filings(request.user)
        .filter(enterprise=enterprise, year=when.year, month=when.month)
        .first()
    )
    if filing is None:
        raise Http404
    if "accept" in request.POST:
        actions.accept(request.user, filing.pk)
        messages.success(
            request, _("%(name)s %(month)s已核对通过。") % {"name": enterprise.name, "month": when.title}
        )
    else:
        try:
            actions.send_back(request.user, filing.pk, request.POST.get("why", ""))
        except Refused as refused:
            if refused.status != 422:
                raise
            return _show_month(request, enterprise, when, filing, False, refused)
        messages.success(
            request, _("%(name)s %(month)s已退回。") % {"name": enterprise.name, "month": when.title}
        )
    return _back_to_review(when)


def _back_to_review(when: Month) -> HttpResponse:
    return redirect(f"{reverse('filing:review')}?month={when}")
