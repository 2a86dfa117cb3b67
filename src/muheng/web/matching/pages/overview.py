"""The room's first page, the enterprise's own, and the figures."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.matching.money import WAN, show_money
from muheng.reports.sheet import write_sheets
from muheng.web.charts import Chart, Series
from muheng.web.entrance import read_number
from muheng.web.matching import figures
from muheng.web.matching.figures import LedgerRow, Span
from muheng.web.matching.models import Gathering, Introduction, Kind, Need
from muheng.web.matching.queries import (
    EDIT,
    VIEW,
    credits_seen,
    gatherings_seen,
    introductions_seen,
    needs_seen,
    own_enterprises,
)
from muheng.web.matching.share import percent
from muheng.web.matching.sheets import ledger_sheets
from muheng.web.people.rights import holds, represents, require
from muheng.web.reading import language
from muheng.web.request import Request

_MOST = 8


def home(request: Request) -> HttpResponse:
    """What waits, and the figures that matter."""
    if not holds(request.user, VIEW) and represents(request.user):
        return redirect("matching:mine")
    require(request.user, VIEW)
    needs = needs_seen(request.user)
    asked = introductions_seen(request.user).filter(state=Introduction.State.ASKED)
    total = figures.totals(request.user, Span())
    context = {
        "asked": asked.order_by("introduced_at")[:_MOST],
        "waiting": needs.filter(state=Need.State.OPEN).order_by("wanted_by", "opened_at")[:_MOST],
        "waiting_count": needs.filter(state=Need.State.OPEN).count(),
        "talking": introductions_seen(request.user)
        .filter(state__in=(Introduction.State.INTRODUCED, Introduction.State.CONTACTED))
        .order_by("changed_on")[:_MOST],
        "gatherings": gatherings_seen(request.user)
        .filter(state=Gathering.State.PLANNED)
        .order_by("on")[:_MOST],
        "total": total,
        "share": percent(total.lent, total.granted),
        "may_edit": holds(request.user, EDIT),
    }
    return render(request, "matching/home.html", context)


def mine(request: Request) -> HttpResponse:
    """An enterprise's needs, what came of them, its credits and gatherings."""
    held = list(own_enterprises(request.user))
    if not held:
        require(request.user, "own.case")
        raise Http404
    enterprise = next((each for each in held if each.code == request.GET.get("enterprise")), held[0])
    granted = credits_seen(request.user).filter(enterprise=enterprise, voided_at=None)
    gatherings = gatherings_seen(request.user).filter(attendances__enterprise=enterprise)
    context = {
        "enterprise": enterprise,
        "held": held,
        "needs": needs_seen(request.user).filter(enterprise=enterprise)[:50],
        "introductions": introductions_seen(request.user).filter(need__enterprise=enterprise)[:50],
        "credits": granted[:50],
        "gatherings": gatherings.order_by("-on")[:20],
        "kinds": Kind.choices,
    }
    return render(request, "matching/mine.html", context)


def show_figures(request: Request) -> HttpResponse:
    """Granted, lent, share drawn, firms; gatherings and reach."""
    require(request.user, VIEW)
    span, years = _span(request)
    total = figures.totals(request.user, span)
    months = figures.by_month(request.user, span)
    counts = figures.introduction_counts(request.user, span)
    context = {
        "span": span,
        "years": years,
        "total": total,
        "share": percent(total.lent, total.granted) if span.year is None else "",
        "ledgers": [
            (_("按银行"), _("银行"), figures.by_bank(request.user, span), span.year is None),
            (_("按县区"), _("县区"), figures.by_county(request.user, span), span.year is None),
            # What is outstanding is so on a day, not in a month.
            (_("按月份"), _("月份"), months, False),
        ],
        "chart": _chart(months) if len(months) > 1 else None,
        "needs": figures.need_rows(request.user, span),
        "introductions": [(state.label, counts[state]) for state in Introduction.State],
        "reach": figures.reach(request.user, span),
        "reaches": [
            (_("按种类"), _("种类"), figures.reach_by_kind(request.user, span)),
            (_("按县区"), _("县区"), figures.reach_by_county(request.user, span)),
            *([(_("按年份"), _("年份"), figures.reach_by_year(request.user))] if span.year is None else []),
        ],
        "materials": figures.materials_by_kind(request.user, span),
    }
    return render(request, "matching/figures.html", context)


def download_figures(request: Request) -> FileResponse:
    """The same as a workbook."""
    require(request.user, VIEW)
    span, _years = _span(request)
    return write_figures(request.user, span)


def write_figures(user: Any, span: Span) -> FileResponse:
    """The workbook as an answer."""
    today, title = timezone.localdate(), _("供需与资金")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.xlsx"
        write_sheets(ledger_sheets(user, span), path, datetime.datetime(today.year, today.month, today.day))
        name = f"{title}-{span.year or today.isoformat()}.xlsx"
        # The open file outlives its name.
        return FileResponse(path.open("rb"), as_attachment=True, filename=name)


def _span(request: Request) -> tuple[Span, list[int]]:
    years = figures.years(request.user)
    asked = read_number(request.GET.get("year", ""))
    return Span(asked if asked in years else None), years


def _chart(months: list[LedgerRow]) -> Chart:
    """Granted and lent, month by month."""
    shown = months[-24:]
    series = [
        (_("授信"), [row.granted for row in shown], "soft"),
        (_("放款"), [row.lent for row in shown], "accent"),
    ]
    return Chart(
        id="months",
        title=_("每月授信和放款"),
        category_title=_("月份"),
        categories=[row.title for row in shown],
        series=[Series(name, [fen / WAN for fen in sums], tone=tone) for name, sums, tone in series],
        unit=_("万元"),
        shown=[[show_money(fen, language()) for fen in sums] for _name, sums, _tone in series],
    )
