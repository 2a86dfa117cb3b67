"""What points emitted by months: added up anew while late data may come, left alone once it was settled for a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.monitoring.judgement.capture import find_capture
from muheng.monitoring.judgement.standing import weigh_marks
from muheng.monitoring.judgement.totals import MonthTotal, find_totals
from muheng.web.jobs.actions import Progress
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.judging import lay_points, stretch
from muheng.web.monitoring.models import MonthAmount, Point
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.points import watched_since

LOOK_BACK = timedelta(days=90)
"""Before the quarter: so many days of valid hours may be what missing ones are replaced from."""
_CHUNK = 50


def add_up_due(now: datetime | None = None, progress: Progress | None = None) -> int:
    """Every watched point, this month and the one before; gives how many points."""
    now = now or timezone.now()
    first = _month_before(to_local(now).date())
    numbers = list(watched_since(first).order_by("pk").values_list("pk", flat=True))
    for low in range(0, len(numbers), _CHUNK):
        if progress is not None:
            progress(low, len(numbers), _("计算排放量"))
        points = list(Point.objects.filter(pk__in=numbers[low : low + _CHUNK]).order_by("pk"))
        add_up(points, first, now)
    return len(numbers)


@transaction.atomic
def add_up(points: Sequence[Point], first: date, now: datetime) -> int:
    """Months from ``first`` to the running one, by hours in the database; gives how many rows there are."""
    rules = city_rules()
    quarter = date(first.year, (first.month - 1) // 3 * 3 + 1, 1)
    begin = quarter - LOOK_BACK
    span = stretch(datetime(begin.year, begin.month, begin.day), now)
    rows = []
    for point, hours in zip(points, lay_points(points, span, rules), strict=True):
        method = rules.method(point.kind)
        standing = weigh_marks(hours, rules)
        capture = find_capture(hours, standing, method)
        for total in find_totals(hours, standing, capture, method, rules.validity.replacement):
            month = date.fromisoformat(f"{total.month}-01")
            if month >= first and total.factor not in _NO_AMOUNT and _is_watched(point, month):
                rows.append(_amount(point, total))
    settled = set(
        MonthAmount.objects.filter(point__in=points, final=True).values_list("point_id", "factor", "month")
    )
    kept = [row for row in rows if (row.point_id, row.factor, row.month) not in settled]
    MonthAmount.objects.bulk_create(
        kept,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["point", "factor", "month"],
        update_fields=[
            "milligrams",
            "measured_hours",
            "replaced_hours",
            "empty_hours",
            "stopped_hours",
            "outside_hours",
        ],
    )
    return len(kept)


_NO_AMOUNT = ("w01001", "a01014", "a19001")
"""Factors with limits that are no amounts of anything."""


def _amount(point: Point, total: MonthTotal) -> MonthAmount:
    return MonthAmount(
        point=point,
        factor=total.factor,
        month=total.month,
        milligrams=Decimal(total.milligrams),
        measured_hours=total.measured_hours,
        replaced_hours=total.replaced_hours,
        empty_hours=total.empty_hours,
        stopped_hours=max(total.stopped_hours - _unwatched_hours(point, total.month), 0),
        outside_hours=total.outside_hours,
    )


def _unwatched_hours(point: Point, month: str) -> int:
    """Hours of a month in which the point was not watched: it counts for nothing then, as if it had stood still."""
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=32)).replace(day=1)
    begin = min(max(point.watched_from, first), after)
    end = after if point.watched_until is None else min(max(point.watched_until, begin), after)
    return ((begin - first) + (after - end)).days * 24


def _is_watched(point: Point, month: date) -> bool:
    """For some of the month."""
    after = (month + timedelta(days=32)).replace(day=1)
    return point.watched_from < after and (point.watched_until is None or point.watched_until > month)


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
