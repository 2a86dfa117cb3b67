"""Capture rates by quarter: of one point, by county, and the points below what the rules ask first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import ExpressionWrapper, F, FloatField, QuerySet, Sum
from django.db.models.functions import Cast, NullIf

from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import MonthCapture, Point
from muheng.web.monitoring.queries.scope import points_for
from muheng.web.monitoring.sayings import factor_title
from muheng.web.people.models import User


@dataclass(frozen=True)
class Rate:
    """Of one factor of a point in a quarter; ``due``: the least percent by the rules."""

    point: Point
    factor: str
    quarter: str
    running: int
    valid: int
    due: int

    @property
    def title(self) -> str:
        return factor_title(self.factor)

    @property
    def percent(self) -> float | None:
        return self.valid * 100 / self.running if self.running else None

    @property
    def enough(self) -> bool:
        return self.valid * 100 >= self.due * self.running


def quarter_of(month: str) -> str:
    """2026-11 → 2026Q4."""
    return f"{month[:4]}Q{(int(month[5:]) + 2) // 3}"


def months_of(quarter: str) -> list[str]:
    """2026Q4 → its three months."""
    first = int(quarter[5]) * 3 - 2
    return [f"{quarter[:4]}-{month:02d}" for month in range(first, first + 3)]


def list_quarters() -> list[str]:
    """Those that were counted, the newest first."""
    months = MonthCapture.objects.order_by().values_list("month", flat=True).distinct()
    return sorted({quarter_of(month) for month in months}, reverse=True)


def due_percent(kind: str) -> int:
    """What the rules ask of a kind of outlet."""
    return city_rules().method(kind).capture_percent


def rates_of(point: Point) -> list[Rate]:
    """Of one point: the newest quarter first."""
    sums: dict[tuple[str, str], list[int]] = {}
    for factor, month, running, valid in point.captures.values_list("factor", "month", "running", "valid"):
        found = sums.setdefault((quarter_of(month), factor), [0, 0])
        found[0] += running
        found[1] += valid
    due = due_percent(point.kind)
    rows = [
        Rate(point, factor, quarter, running, valid, due)
        for (quarter, factor), (running, valid) in sums.items()
    ]
    rows.sort(key=lambda rate: rate.factor)
    rows.sort(key=lambda rate: rate.quarter, reverse=True)
    return rows


def rates_in(user: User, quarter: str) -> QuerySet[Any, Any]:
    """``point``, ``factor``, ``running_hours``, ``valid_hours``, ``rate`` (0 to 1), the lowest first."""
    rows = MonthCapture.objects.filter(month__in=months_of(quarter), point__in=points_for(user).order_by())
    grouped = rows.order_by().values("point", "factor", "point__kind", "point__enterprise__county")
    rate = ExpressionWrapper(
        Cast(F("valid_hours"), FloatField()) / NullIf(Cast(F("running_hours"), FloatField()), 0.0),
        output_field=FloatField(),
    )
    summed = grouped.annotate(running_hours=Sum("running"), valid_hours=Sum("valid")).annotate(rate=rate)
    return summed.order_by(F("rate").asc(nulls_last=True), "point", "factor")


def show_rates(rows: list[dict[str, Any]], quarter: str) -> list[Rate]:
    """With their points."""
    points: Mapping[int, Point] = Point.objects.select_related("enterprise__county", "outlet").in_bulk(
        {row["point"] for row in rows}
    )
    return [
        Rate(
            points[row["point"]],
            row["factor"],
            quarter,
            row["running_hours"],
            row["valid_hours"],
            due_percent(row["point__kind"]),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Share:
    """Of a county (or all, without one): series counted, and those below."""

    county: int | None
    series: int
    below: int
    running: int
    valid: int

    @property
    def percent(self) -> float | None:
        return self.valid * 100 / self.running if self.running else None


def share_by_county(rows: QuerySet[Any, Any]) -> list[Share]:
    """The counties with the most below first."""
    due = {kind.id: due_percent(kind.id) for kind in city_rules().limits.kind}
    found: dict[int | None, list[int]] = {}
    columns = ("point__enterprise__county", "point__kind", "running_hours", "valid_hours")
    for county, kind, running, valid in rows.values_list(*columns):
        sums = found.setdefault(county, [0, 0, 0, 0])
        sums[0] += running > 0
        sums[1] += valid * 100 < due.get(kind, 0) * running
        sums[2] += running
        sums[3] += valid
    shares = [Share(county, *sums) for county, sums in found.items()]
    return sorted(shares, key=lambda each: (-each.below, each.county or 0))
