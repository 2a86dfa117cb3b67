"""Capture rates by county and quarter, the lowest first."""

from __future__ import annotations

import io
import tempfile
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.standards.rounding import scale_half_up
from muheng.web.charts import Chart, Series
from muheng.web.entrance import read_number
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.queries import capture as queries
from muheng.web.monitoring.queries.scope import VIEW
from muheng.web.paging import rest_of_query
from muheng.web.people.models import Organisation
from muheng.web.people.rights import require
from muheng.web.request import Request

PAGE = 50
MOST = 100_000
"""Rows of a workbook."""


def _asked(request: Request) -> tuple[str, int | None, list[str]]:
    """Quarter and county that are asked for, and the quarters that there are."""
    quarters = queries.list_quarters()
    given = request.GET.get("quarter", "")
    quarter = given if given in quarters else (quarters[0] if quarters else "")
    return quarter, read_number(request.GET.get("county", "")), quarters


@require_GET
def show(request: Request) -> HttpResponse:
    require(request.user, VIEW)
    quarter, county, quarters = _asked(request)
    context: dict[str, Any] = {"quarter": quarter, "quarters": quarters, "county": county}
    if quarter:
        rows = queries.rates_in(request.user, quarter)
        shares = queries.share_by_county(rows)
        places = Organisation.objects.in_bulk([each.county for each in shares if each.county is not None])
        named = [
            {
                "share": each,
                "title": places[each.county].title if each.county in places else _("未知"),
            }
            for each in shares
        ]
        if county is not None:
            rows = [each for each in rows if each.county == county]
        page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
        context |= {
            "below": sum(each.below for each in shares),
            "series": sum(each.series for each in shares),
            "counties": named,
            "page": page,
            "rows": queries.show_rates(list(page), quarter),
            "query": rest_of_query(request),
            "chart": _chart(quarter, named),
        }
    return render(request, "monitoring/capture.html", context)


def _chart(quarter: str, named: list[dict[str, Any]]) -> Chart:
    rates = [each["share"].percent for each in named]
    return Chart(
        "capture-chart",
        _("%(quarter)s各县区有效数据捕集率") % {"quarter": quarter},
        _("县区"),
        [each["title"] for each in named],
        [Series(_("捕集率"), [None if rate is None else round(rate, 1) for rate in rates])],
        "bars",
        unit="%",
    )


@require_GET
def workbook(request: Request) -> FileResponse:
    """The list as a workbook."""
    require(request.user, VIEW)
    quarter, county, _quarters = _asked(request)
    found = queries.rates_in(request.user, quarter, county) if quarter else []
    rates = queries.show_rates(found[:MOST], quarter)
    percents = [Fraction(each.valid * 100, each.running) if each.running else None for each in rates]
    columns = (
        _text(_("统一社会信用代码"), [each.point.enterprise.code for each in rates]),
        _text(_("企业"), [each.point.enterprise.name for each in rates]),
        _text(_("县区"), [str(each.point.enterprise.county or "") for each in rates]),
        _text(_("排口编号"), [each.point.outlet.code for each in rates]),
        _text(_("点位"), [each.point.name for each in rates]),
        _text(_("因子"), [each.title for each in rates]),
        _number(_("运行小时"), [each.running for each in rates]),
        _number(_("有效小时"), [each.valid for each in rates]),
        Column(
            _("捕集率（%）"),
            pl.Series([None if p is None else scale_half_up(p, 2) for p in percents], dtype=pl.Int64),
            2,
        ),
        _number(_("应达到（%）"), [each.due for each in rates]),
    )
    now = to_local(timezone.now())
    title = _("%(quarter)s有效数据捕集率") % {"quarter": quarter}
    lines = (title, _("%(day)s导出；到前一天为止。") % {"day": now.date().isoformat()})
    with tempfile.TemporaryDirectory(prefix="muheng-capture-") as folder:
        path = Path(folder) / "out.xlsx"
        sheet = Sheet(_("捕集率"), (Table(lines, columns),))
        write_sheets([sheet], path, datetime(now.year, now.month, now.day))
        content = io.BytesIO(path.read_bytes())
    return FileResponse(content, as_attachment=True, filename=f"{title}.xlsx")


def _text(title: str, values: list[str]) -> Column:
    return Column(title, pl.Series(values, dtype=pl.String))


def _number(title: str, values: list[int]) -> Column:
    return Column(title, pl.Series(values, dtype=pl.Int64))
