"""Forecasts: typed in, pasted or uploaded; what the rules make of them; the alert that is proposed from one."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.documents.message import Refusal
from muheng.emergency.alerts import Override
from muheng.emergency.forecast import Series, read_forecast
from muheng.intake.problem import Problem, format_problem
from muheng.web.emergency.actions import alerts as actions
from muheng.web.emergency.forecasts import (
    judge_forecast,
    keep_judgement,
    keep_series,
    rules_on,
    say_judgement,
)
from muheng.web.emergency.models import Alert, Level
from muheng.web.emergency.pages.alerts import read_moment
from muheng.web.emergency.pictures import draw_days
from muheng.web.emergency.queries import alerts as queries
from muheng.web.files.actions import clean_name
from muheng.web.paging import rest_of_query
from muheng.web.people.models import Organisation
from muheng.web.people.rights import holds, require
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.request import Request

DAYS = 7
COLUMNS = ("aqi", "primary", "pm25", "pm10", "so2", "no2", "co", "o3_8h")
MOST_BYTES = 5 * 1024 * 1024
_PAGE = 50


class Unread(Refused):
    """A forecast that cannot be read: every problem."""

    def __init__(self, problems: list[Problem]) -> None:
        lines = [format_problem(each, language()) for each in problems[:20]]
        super().__init__(_("预报读不了，没有保存。"), status=422, code="invalid", at="forecast")
        self.lines = lines

    def body(self) -> dict[str, object]:
        """The error as the API answers it, with every problem."""
        return super().body() | {"problems": self.lines}


@require_GET
def listing(request: Request) -> HttpResponse:
    """All forecasts, the newest first."""
    require(request.user, queries.VIEW)
    page = Paginator(queries.forecasts_for(request.user), _PAGE).get_page(request.GET.get("page"))
    place = queries.place_of(request.user, queries.EDIT)
    context = {"page": page, "query": rest_of_query(request), "may_edit": place is not None}
    return render(request, "emergency/forecast_all.html", context)


def new(request: Request) -> HttpResponse:
    """A forecast is entered; with ``preview`` only what the rules make of it is shown."""
    place = edited_place(request)
    preview = request.method == "POST" and "preview" in request.POST
    refused: Refused | None = None
    if request.method == "POST":
        try:
            series = _read(request)
            if preview:
                return _preview(request, place, series)
            given = request.POST
            made = actions.enter_forecast(
                request.user,
                place,
                series,
                source=given.get("source", ""),
                rules=given.get("rules", ""),
                cause=given.get("cause", ""),
                cause_reason=given.get("cause_reason", ""),
                issued_at=read_moment(given.get("issued_at", ""), "issued_at", optional=True),
                note=given.get("note", ""),
            )
            return redirect("emergency:forecast", made.pk)
        except Refused as found:
            if found.status in (403, 404):
                raise
            refused = found
    if preview:
        return render(request, "emergency/forecast_judged.html", {"refused": refused})
    today = timezone.localdate()
    typed = request.POST if refused else {}
    context = {
        "refused": refused,
        "typed": typed,
        "rules": rules_on(today),
        "causes": Alert.Cause.choices,
        "rows": [_row(at, (today + timedelta(days=at + 1)).isoformat(), typed) for at in range(DAYS)],
        "now": timezone.localtime(timezone.now()),
    }
    return render(request, "emergency/forecast_new.html", context, status=refused.status if refused else 200)


def edited_place(request: Request) -> Organisation:
    """The place whose alerts a person prepares. Raises Refused."""
    require(request.user, queries.EDIT)
    place = queries.place_of(request.user, queries.EDIT)
    assert place is not None
    return place


def _row(at: int, day: str, typed: Any) -> dict[str, Any]:
    return {
        "at": at,
        "date": typed.get(f"date-{at}", day),
        "cells": [(name, typed.get(f"{name}-{at}", "")) for name in COLUMNS],
    }


def _preview(request: Request, place: Organisation, series: Series) -> HttpResponse:
    given, now = request.POST, timezone.now()
    cause = given.get("cause", "")
    override = None
    if cause in Alert.Cause.values:
        override = Override(cause, given.get("cause_reason", "").strip() or "—")  # type: ignore[arg-type]
    try:
        judged = judge_forecast(
            series, actions.find_rules(given.get("rules", ""), now), now, queries.live_alert(place), override
        )
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
    kept = keep_judgement(judged)
    context = {"judged": kept, "said": say_judgement(kept), "chart": draw_days(keep_series(series))}
    return render(request, "emergency/forecast_judged.html", context)


def _read(request: Request) -> Series:
    upload = request.FILES.get("file")
    if isinstance(upload, UploadedFile):
        return read_upload(upload)
    if text := request.POST.get("table", "").strip():
        return read_text(text[:200_000])
    return read_text(_table(request))


def read_upload(upload: UploadedFile[Any]) -> Series:
    """A file with a forecast. Raises Refused."""
    if (upload.size or 0) > MOST_BYTES:
        raise Refused(
            _("文件太大。"), _("预报只要日期和数，几行就够。"), status=413, code="too_large", at="file"
        )
    with tempfile.TemporaryDirectory(prefix="muheng-forecast-") as folder:
        path = Path(folder) / clean_name(upload.name or "forecast.csv")
        path.write_bytes(b"".join(upload.chunks()))
        series, problems = read_forecast(path)
    return _taken(series, problems)


def read_text(text: str) -> Series:
    """A table with a forecast. Raises Refused."""
    return _taken(*read_forecast(text, name=_("预报")))


def _taken(series: Series | None, problems: list[Problem]) -> Series:
    if series is None:
        raise Unread([each for each in problems if each.severity == "error"])
    return series


def _table(request: Request) -> str:
    """What was typed in the form's rows, as the table that it stands for."""
    rows = [
        {name: request.POST.get(f"{name}-{at}", "").strip()[:40] for name in ("date", *COLUMNS)}
        for at in range(DAYS)
    ]
    filled = [row for row in rows if any(row[name] for name in COLUMNS)]
    if not filled:
        raise Refused(
            _("还没有填预报。"), _("至少填一天的AQI，或各项浓度。"), status=422, code="invalid", at="aqi-0"
        )
    used = ["date", *(name for name in COLUMNS if any(row[name] for row in filled))]
    held = io.StringIO()
    writer = csv.DictWriter(held, used, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(filled)
    return held.getvalue()


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    return _show(request, number)


def _show(request: Request, number: int, refused: Refused | None = None) -> HttpResponse:
    """A forecast, what the rules made of it, and the alert that can be proposed from it."""
    user = request.user
    require(user, queries.VIEW)
    forecast = queries.find_forecast(user, number)
    held = forecast.judgement
    live = queries.live_alert(forecast.organisation)
    now = timezone.now()
    starts = datetime.fromisoformat(held["starts"]) if held.get("starts") else now
    ends = datetime.fromisoformat(held["ends"]) if held.get("ends") else starts + timedelta(days=1)
    context = {
        "forecast": forecast,
        "judged": held,
        "said": say_judgement(held),
        "chart": draw_days(forecast.series),
        "live": live,
        "may_propose": holds(user, queries.EDIT, forecast.organisation) and live is None,
        "levels": Level.choices,
        "causes": Alert.Cause.choices,
        "level": held.get("level") or held.get("level_by_aqi") or "",
        "cause": held.get("cause") or actions.CUTS,
        "starts": timezone.localtime(max(starts, now)).replace(second=0, microsecond=0),
        "ends": timezone.localtime(ends),
        "alerts": forecast.alerts.all(),
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "emergency/forecast_show.html", context, status=refused.status if refused else 200)


@require_POST
def propose(request: Request, number: int) -> HttpResponse:
    """Propose an alert from a forecast."""
    require(request.user, queries.VIEW)
    forecast = queries.find_forecast(request.user, number)
    given = request.POST
    try:
        starts = read_moment(given.get("starts_at", ""), "starts_at")
        ends = read_moment(given.get("ends_at", ""), "ends_at")
        assert starts is not None
        assert ends is not None
        made = actions.propose_alert(
            request.user,
            forecast.organisation,
            level=given.get("level", ""),
            starts_at=starts,
            ends_at=ends,
            reason=given.get("reason", ""),
            forecast=forecast,
            cause=given.get("cause", ""),
            despite="despite" in given,
        )
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show(request, number, refused)
    messages.success(request, _("已提出，等待签发。"))
    return redirect("emergency:alert", made.pk)
