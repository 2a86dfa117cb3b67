"""What was emitted: a month's amounts by point, and the year's beside the figures that were filed, to be accepted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.web.entrance import read_number
from muheng.web.monitoring.actions.totals import settle_year
from muheng.web.monitoring.models import MonthAmount
from muheng.web.monitoring.queries import totals as queries
from muheng.web.monitoring.queries.scope import VIEW
from muheng.web.monitoring.sayings import factor_title
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.registry.panels import list_years
from muheng.web.request import Request

PAGE = 50
YEAR_PAGE = 200
"""As many as a form may send back."""


@require_GET
def show(request: Request) -> HttpResponse:
    """A month, the largest amounts first."""
    require(request.user, VIEW)
    months = queries.months_for(request.user)
    given = request.GET.get("month", "")
    month = given if given in months else (months[0] if months else "")
    rows = [_described(row) for row in queries.amounts_for(request.user, month)] if month else []
    rows.sort(key=lambda each: -each["kilograms"])
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row["title"]] = sums.get(row["title"], Decimal(0)) + row["kilograms"]
    context = {
        "month": month,
        "months": months,
        "page": page,
        "rows": page.object_list,
        "query": rest_of_query(request),
        "sums": [(title, total / 1000) for title, total in sums.items()][:4],
        "running": month == f"{timezone.localdate():%Y-%m}",
        "may_settle": holds(request.user, queries.EDIT),
    }
    return render(request, "monitoring/totals.html", context)


def _described(row: MonthAmount) -> dict[str, Any]:
    ran = row.measured_hours + row.replaced_hours + row.empty_hours
    return {
        "amount": row,
        "point": row.point,
        "title": factor_title(row.factor),
        "kilograms": row.milligrams / 1_000_000,
        "replaced": row.replaced_hours * 100 / ran if ran else None,
    }


@require_GET
def year(request: Request) -> HttpResponse:
    """The year's amounts by enterprise and item, beside what was filed."""
    require(request.user, queries.EDIT)
    return _show_year(request)


def _show_year(request: Request, refused: Refused | None = None) -> HttpResponse:
    asked_year, years, asked = _read(request)
    everything = queries.list_year(request.user, asked_year, timezone.localdate())
    rows = queries.ask_year(everything, asked)
    number = (request.GET if refused is None else request.POST).get("page")
    page = Paginator(rows, YEAR_PAGE).get_page(number)
    given = request.POST.getlist("chosen") if refused is not None else None
    none = request.GET.get("none") == "1"
    ready = [each for each in rows if each.ready]
    context = {
        "year": asked_year,
        "years": years,
        "asked": asked,
        "items": sorted({each.item for each in everything}),
        "states": [*queries.STATES.items(), *queries.LACKS.items()],
        "page": page,
        "rows": [
            {
                "amount": each,
                "key": _write_key(each.key),
                "checked": each.ready and (not none if given is None else _write_key(each.key) in given),
            }
            for each in page
        ],
        "query": rest_of_query(request),
        "without_none": rest_of_query(request, "none"),
        "none": none,
        "whole": sum(each.ready for each in everything),
        "total": len(everything),
        "lacks": queries.count_lacks(everything),
        "ready": len(ready),
        "ready_here": sum(each.ready for each in page),
        "refused": refused,
    }
    return render(request, "monitoring/totals_year.html", context, status=refused.status if refused else 200)


def _read(request: Request) -> tuple[int, list[int], queries.Question]:
    """The year, those there are, and what is asked of it, by the address or the form."""
    given = request.POST if request.method == "POST" else request.GET
    today = timezone.localdate()
    years = sorted({*list_years(), today.year - 1, today.year}, reverse=True)
    found = read_number(given.get("year", ""))
    state = given.get("state", "")
    asked = queries.Question(
        given.get("item", "").strip()[:100],
        state if state in queries.STATES or state in queries.LACKS else "",
        given.get("q", "").strip()[:100],
    )
    return found if found in years else today.year - 1, years, asked


def _write_key(key: tuple[str, str]) -> str:
    return "|".join(key)


def _read_key(text: str) -> tuple[str, str]:
    code, _bar, item = text.partition("|")
    return code, item


@require_POST
def settle(request: Request) -> HttpResponse:
    """Take the monitored figures that were chosen; or all complete ones that the filters leave."""
    asked_year, _years, asked = _read(request)
    if request.POST.get("all"):
        require(request.user, queries.EDIT)
        rows = queries.list_year(request.user, asked_year, timezone.localdate())
        chosen = {each.key for each in queries.ask_year(rows, asked) if each.ready}
    else:
        chosen = {_read_key(each) for each in request.POST.getlist("chosen")}
    try:
        settle_year(request.user, asked_year, chosen)
    except Refused as refused:
        if refused.status == 403:
            raise
        return _show_year(request, refused)
    messages.success(
        request,
        _("%(firms)s 家企业 %(year)s 年的 %(count)s 项排放量已采用监测数。")
        % {"firms": len({code for code, _item in chosen}), "year": asked_year, "count": len(chosen)},
    )
    response = redirect("monitoring:totals-year")
    response["Location"] += f"?year={asked_year}"
    return response
