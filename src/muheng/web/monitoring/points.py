"""Which points are watched, and a point as the library of judgement reads it: its outlet with limits, and what its operator marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from muheng.monitoring.judgement.outlet import Limit, Marked, Outlet
from muheng.web.monitoring.models import Mark, Point
from muheng.web.monitoring.moments import to_local


def watched_since(day: date) -> QuerySet[Point]:
    """Points that are watched, or were on that day or later."""
    return Point.objects.filter(Q(watched_until=None) | Q(watched_until__gt=day))


def outlet_of(point: Point) -> Outlet:
    """``id`` is the point's number as text."""
    oxygen = point.reference_oxygen
    return Outlet(
        str(point.pk),
        point.kind,
        tuple(limit_of(each) for each in point.limits),
        None if oxygen is None else float(oxygen),
        point.trade,
        point.key,
    )


def limit_of(row: Mapping[str, Any]) -> Limit:
    """A row of ``Point.limits``."""
    return Limit(
        row["factor"],
        _number(row.get("most")),
        _number(row.get("least")),
        row.get("basis"),
        row.get("converted", True),
        _day(row.get("from")),
        _day(row.get("until")),
    )


def limits_on(point: Point, day: date) -> dict[str, Limit]:
    """By factor, the limits that hold on a day."""
    held = (limit_of(each) for each in point.limits)
    return {
        each.factor: each
        for each in held
        if (each.from_day is None or each.from_day <= day) and (each.until is None or day < each.until)
    }


def judge_again(point: Point) -> None:
    """Something changed that its hours are judged by: marks or limits."""
    Point.objects.filter(pk=point.pk, stale=False).update(stale=True)


def marks_of(points: Iterable[int], until: datetime) -> dict[str, tuple[Marked, ...]]:
    """By outlet, what was marked and not withdrawn; a mark that goes on reaches to ``until`` (local)."""
    found: dict[str, tuple[Marked, ...]] = {}
    for mark in Mark.objects.filter(point__in=points, withdrawn_at=None).order_by("begin", "pk"):
        begin = to_local(mark.begin)
        end = until if mark.end is None else to_local(mark.end)
        if end > begin:
            found[str(mark.point_id)] = (
                *found.get(str(mark.point_id), ()),
                Marked(mark.mark, begin, end, to_local(mark.at)),
            )
    return found


def _number(text: str | None) -> float | None:
    return None if text in (None, "") else float(text)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
