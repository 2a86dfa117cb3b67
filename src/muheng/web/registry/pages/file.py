"""An enterprise's file: who it is, how it does, what it has, and all that ever happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.web.charts import Chart, Series
from muheng.web.entrance import read_number
from muheng.web.people.rights import holds
from muheng.web.registry import figures, timeline
from muheng.web.registry.listing import describe_industry, holds_on
from muheng.web.registry.models import Enterprise, Lease, MonthlyFigure, Reorganisation
from muheng.web.registry.queries import find_enterprise, is_own, list_contacts, may
from muheng.web.registry.sections import sections_at
from muheng.web.request import Request
from muheng.web.templatetags.words import plain

LATEST = 8
"""Events on the first page; all of them stand on their own."""


@dataclass(frozen=True)
class Held:
    """A dated row as a page shows it: ``over`` is no longer so."""

    row: Any
    mu: str
    over: bool


def show(request: Request, code: str) -> HttpResponse:
    """The first page of a file."""
    enterprise = find_enterprise(request.user, code)
    years = figures.compare_for(request.user, enterprise)
    grades = list(enterprise.grades.filter(ended_at=None).order_by("-year"))
    events = timeline.events_of(enterprise, request.user)
    newest = years[0] if years else None
    return _page(
        request,
        enterprise,
        "show",
        {
            "statuses": enterprise.statuses.filter(holds_on()),
            "names": enterprise.names.exclude(until=None).order_by("-until"),
            "parks": [park.title for park in enterprise.parks.all()],
            "industry": describe_industry(enterprise.industry),
            "grades": grades,
            "newest": newest,
            "chief": newest.standings[0] if newest and newest.standings else None,
            "trend": _trend(years),
            "events": events[:LATEST],
            "more_events": len(events) > LATEST,
            "contacts": list_contacts(request.user, enterprise),
            "sections": sections_at(enterprise, request.user),
            "merged_here": enterprise.merged.all(),
            "has_land": enterprise.holdings.filter(holds_on()).exists(),
        },
    )


def years(request: Request, code: str) -> HttpResponse:
    """All figures of a year with their cells, and the industry beside the ratios."""
    enterprise = find_enterprise(request.user, code)
    known = figures.years_of(enterprise.code)
    asked = read_number(request.GET.get("year", ""))
    year = asked if asked in known else (known[0] if known else None)
    listed = figures.list_figures(enterprise.code, year) if year is not None else []
    compared = figures.compare_for(request.user, enterprise)
    return _page(
        request,
        enterprise,
        "years",
        {
            "known": known,
            "year": year,
            "figures": listed,
            "compared": compared,
            "titles": [standing.indicator for standing in compared[0].standings] if compared else [],
            "sections": sections_at(enterprise, request.user),
        },
    )


def months(request: Request, code: str) -> HttpResponse:
    """What was filed month by month, each item as a line and a table."""
    enterprise = find_enterprise(request.user, code)
    rows = list(MonthlyFigure.objects.filter(enterprise=enterprise).order_by("year", "month"))
    by_item: dict[tuple[str, str], dict[tuple[int, int], Any]] = {}
    for row in rows:
        by_item.setdefault((row.item, row.unit), {})[row.year, row.month] = row.value
    all_months = sorted({(row.year, row.month) for row in rows})
    charts = [
        Chart(
            id=f"month-{number}",
            title=item,
            category_title=_("月份"),
            categories=[f"{year}-{month:02d}" for year, month in all_months],
            series=[Series(item, [_float(values.get(each)) for each in all_months], "accent")],
            kind="line",
            unit=unit,
            shown=[[plain(values.get(each)) for each in all_months]],
        )
        for number, ((item, unit), values) in enumerate(by_item.items(), 1)
    ]
    return _page(request, enterprise, "months", {"charts": charts})


def land(request: Request, code: str) -> HttpResponse:
    """Parcels that it holds or held, with their states; leases both ways; the map."""
    enterprise = find_enterprise(request.user, code)
    today = timezone.localdate()
    holdings = enterprise.holdings.select_related("parcel__township").prefetch_related("parcel__states")
    leases = Lease.objects.filter(Q(lessor=enterprise) | Q(tenant=enterprise)).select_related(
        "lessor", "tenant"
    )
    held = [
        Held(row, plain(row.area * 3 / 2000), row.until is not None and row.until <= today)
        for row in holdings.order_by("until", "since", "pk")
    ]
    return _page(
        request,
        enterprise,
        "land",
        {
            "holdings": held,
            "leases": [
                Held(row, plain(row.area), row.until is not None and row.until <= today)
                for row in leases.order_by("since", "pk")
            ],
            "total": plain(sum((each.row.area for each in held if not each.over), 0) * 3 / 2000),
        },
    )


def plant(request: Request, code: str) -> HttpResponse:
    """Lines, outlets with what they may give off, permits, meters."""
    enterprise = find_enterprise(request.user, code)
    today = timezone.localdate()
    return _page(
        request,
        enterprise,
        "plant",
        {
            "lines": [
                {"row": row, "capacity": plain(row.capacity)}
                for row in enterprise.lines.order_by("number", "pk")
            ],
            "outlets": enterprise.outlets.select_related("line"),
            "permits": [
                {"row": row, "over": row.until is not None and row.until <= today}
                for row in enterprise.permits.order_by("-since", "pk")
            ],
            "meters": [{"row": row, "share": plain(row.share)} for row in enterprise.meters.all()],
        },
    )


def history(request: Request, code: str) -> HttpResponse:
    """The whole line of events, all or of one kind."""
    enterprise = find_enterprise(request.user, code)
    events = timeline.events_of(enterprise, request.user)
    kinds = [
        (key, title) for key, title in timeline.KINDS.items() if any(event.kind == key for event in events)
    ]
    kind = request.GET.get("kind", "")
    deeds = Reorganisation.objects.filter(Q(source=enterprise) | Q(target=enterprise), undone_at=None)
    return _page(
        request,
        enterprise,
        "history",
        {
            "events": [event for event in events if not kind or event.kind == kind],
            "kinds": kinds,
            "kind": kind,
            "deeds": deeds.select_related("source", "target")
            if may(request.user, "registry.merge", enterprise)
            else (),
        },
    )


def _page(request: Request, enterprise: Enterprise, here: str, context: dict[str, Any]) -> HttpResponse:
    user = request.user
    tabs = (
        ("show", _("概况")),
        ("years", _("年度数据")),
        ("months", _("月度数据")),
        ("land", _("土地")),
        ("plant", _("生产与排放")),
        ("history", _("历史")),
    )
    return render(
        request,
        f"registry/{here}.html",
        {
            "enterprise": enterprise,
            "own": is_own(user, enterprise),
            "official": holds(user, "registry.view"),
            "may_edit": enterprise.merged_into_id is None and may(user, "registry.edit", enterprise),
            "may_merge": enterprise.merged_into_id is None and may(user, "registry.merge", enterprise),
            "tabs": [
                {
                    "title": title,
                    "href": reverse(f"registry:{name}", args=[enterprise.code]),
                    "here": name == here,
                }
                for name, title in tabs
            ],
            **context,
        },
    )


def _trend(years: list[figures.YearFigures]) -> Chart | None:
    """The one figure that matters over the years, with its industry."""
    found = [(each.year, each.standings[0]) for each in reversed(years) if each.standings]
    if len(found) < 2:
        return None
    indicator = found[-1][1].indicator
    return Chart(
        id="trend",
        title=str(indicator.title),
        category_title=_("年度"),
        categories=[str(year) for year, _standing in found],
        series=[
            Series(_("本企业"), [standing.own_value for _year, standing in found], "accent"),
            Series(_("行业中位数"), [standing.median_value for _year, standing in found], "soft"),
            Series(_("行业前四分之一"), [standing.best_value for _year, standing in found], "B", dashed=True),
        ],
        kind="line",
        unit=str(indicator.unit),
        shown=[
            [standing.own for _year, standing in found],
            [standing.median for _year, standing in found],
            [standing.best_quarter for _year, standing in found],
        ],
    )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
