"""Capture rates are counted from the hours: of the running month and the one before, which late data may still change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from django.db import transaction
from django.utils import timezone

from muheng.monitoring.judgement.hours import lay_hours
from muheng.monitoring.judgement.standing import weigh_marks
from muheng.web.jobs.actions import Progress, task
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Hour, MonthCapture, Point
from muheng.web.monitoring.moments import midnight, to_local
from muheng.web.monitoring.points import marks_of, outlet_of

AT_ONCE = 100
_SCHEMA = pl.Schema(
    {
        "outlet": pl.String(),
        "factor": pl.String(),
        "time": pl.Datetime("us"),
        "value": pl.Float64(),
        "flag": pl.String(),
        "minutes": pl.Int64(),
    }
)


@task("monitoring.capture", every=timedelta(hours=6))
def count_recent(progress: Progress) -> dict[str, int]:
    """The running month and the one before it."""
    today = to_local(timezone.now()).date()
    this = today.replace(day=1)
    months = ((this - timedelta(days=1)).replace(day=1), this)
    numbers = list(Point.objects.order_by("pk").values_list("pk", flat=True))
    for at, month in enumerate(months):
        for start in range(0, len(numbers), AT_ONCE):
            count_month(numbers[start : start + AT_ONCE], month, today)
            progress(at * len(numbers) + min(start + AT_ONCE, len(numbers)), 2 * len(numbers))
    return {"points": len(numbers)}


def count_month(numbers: Sequence[int], month: date, today: date) -> None:
    """The hours of whole days before ``today``, of points with limits; days before a point was watched do not count."""
    following = (month + timedelta(days=31)).replace(day=1)
    days = (min(following, today) - month).days
    if days <= 0:
        return
    points = list(Point.objects.filter(pk__in=numbers).order_by("pk"))
    outlets, rules = [outlet_of(point) for point in points], city_rules()
    end = month + timedelta(days=days)
    marks = marks_of(numbers, datetime.combine(end, datetime.min.time()))
    laid = lay_hours(_read_hours(numbers, month, end), outlets, month, days, rules, marks)
    rows = []
    for point, hours in zip(points, laid, strict=True):
        standing = weigh_marks(hours, rules)
        watched = np.zeros(days * 24, dtype=np.bool_)
        first = max((point.watched_from - month).days, 0)
        last = days if point.watched_until is None else min((point.watched_until - month).days, days)
        watched[first * 24 : max(last, 0) * 24] = True
        running = watched & ~standing.stopped
        if not watched.any():
            continue
        for factor in hours.outlet.pollutants:
            place = hours.place(factor)
            valid = 0 if place is None else int((standing.valid[place] & running).sum())
            rows.append(
                MonthCapture(
                    point=point,
                    factor=factor,
                    month=f"{month:%Y-%m}",
                    running=int(running.sum()),
                    valid=valid,
                )
            )
    with transaction.atomic():
        MonthCapture.objects.filter(point__in=numbers, month=f"{month:%Y-%m}").delete()
        MonthCapture.objects.bulk_create(rows)


def _read_hours(numbers: Sequence[int], begin: date, end: date) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in _SCHEMA}
    found = Hour.objects.filter(point__in=numbers, time__gte=midnight(begin), time__lt=midnight(end))
    for point, time, values in found.values_list("point", "time", "values").iterator(chunk_size=20_000):
        local, name = to_local(time), str(point)
        for factor, (value, flag, minutes) in values.items():
            columns["outlet"].append(name)
            columns["factor"].append(factor)
            columns["time"].append(local)
            columns["value"].append(value)
            columns["flag"].append(flag)
            columns["minutes"].append(minutes)
    return pl.DataFrame(columns, schema=_SCHEMA)
