"""Capture rates by quarter: of one point, by county, and the points below what the rules ask first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Sum

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


@dataclass(frozen=True)
class Counted:
    """Of one factor of a point in a quarter, for sorting and summing: what ``Rate`` shows, without its point."""

    point: int
    factor: str
    running: int
    valid: int
    due: int
    county: int | None

    @property
    def enough(self) -> bool:
        return self.valid * 100 >= self.due * self.running


def rates_in(user: User, quarter: str, county: int | None = None) -> list[Counted]:
    """Of the points that a person may see, the lowest first; those that did not run last."""
    due = {kind.id: due_percent(kind.id) for kind in city_rules().limits.kind}
    columns = ("pk", "kind", "enterprise__county")
    points = {
        number: (due.get(kind, 0), place)
        for number, kind, place in points_for(user).order_by().values_list(*columns)
        if county is None or place == county
    }
    rows = MonthCapture.objects.filter(month__in=months_of(quarter)).order_by().values("point", "factor")
    summed = rows.annotate(hours=Sum("running"), good=Sum("valid"))
    found = [
        Counted(point, factor, running, valid, *points[point])
        for point, factor, running, valid in summed.values_list("point", "factor", "hours", "good")
        if point in points
    ]
    return sorted(found, key=lambda each: (_share(each.valid, each.running), each.point, each.factor))


def _share(valid: int, running: int) -> float:
    return valid / running if running else 2.0


def show_rates(rows: Sequence[Counted], quarter: str) -> list[Rate]:
    """With their points."""
    points = Point.objects.select_related("enterprise__county", "outlet").in_bulk({row.point for row in rows})
    return [Rate(points[row.point], row.factor, quarter, row.running, row.valid, row.due) for row in rows]


@dataclass(frozen=True)
class Share:
    """Of a county: factors of points counted, and those below what is due."""

    county: int | None
    series: int
    below: int
    running: int
    valid: int

    @property
    def percent(self) -> float | None:
        return self.valid * 100 / self.running if self.running else None


def share_by_county(rows: Sequence[Counted]) -> list[Share]:
    """The counties with the most below first."""
    found: dict[int | None, list[int]] = {}
    for each in rows:
        sums = found.setdefault(each.county, [0, 0, 0, 0])
        sums[0] += each.running > 0
        sums[1] += not each.enough
        sums[2] += each.running
        sums[3] += each.valid
    shares = [Share(county, *sums) for county, sums in found.items()]
    return sorted(shares, key=lambda each: (-each.below, each.county or 0))
