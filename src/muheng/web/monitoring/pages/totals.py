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
    today = timezone.localdate()
    years = sorted({*list_years(), today.year - 1, today.year}, reverse=True)
    asked = read_number((request.POST if request.method == "POST" else request.GET).get("year", ""))
    chosen = asked if asked in years else today.year - 1
    rows = queries.list_year(request.user, chosen, today)
    context = {
        "year": chosen,
        "years": years,
        "rows": rows,
        "whole": sum(each.whole and not each.settled for each in rows),
        "typed": set(request.POST.getlist("codes")),
        "refused": refused,
    }
    return render(request, "monitoring/totals_year.html", context, status=refused.status if refused else 200)


@require_POST
def settle(request: Request) -> HttpResponse:
    """Take the monitored figures of the enterprises that were chosen."""
    asked = read_number(request.POST.get("year", "")) or 0
    codes = request.POST.getlist("codes")
    try:
        settle_year(request.user, asked, codes)
    except Refused as refused:
        if refused.status == 403:
            raise
        return _show_year(request, refused)
    messages.success(
        request,
        _("%(count)s 家企业 %(year)s 年的排放量已采用监测数") % {"count": len(set(codes)), "year": asked},
    )
    response = redirect("monitoring:totals-year")
    response["Location"] += f"?year={asked}"
    return response
