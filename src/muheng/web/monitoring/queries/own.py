"""What an enterprise sees of its own monitoring: today's values with their margin, its year beside the permit, its marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.http import Http404
from django.utils import timezone

from muheng.casework.standing import CHINA
from muheng.web.monitoring.city_rules import city_rules, patrol_rules
from muheng.web.monitoring.models import Event, Mark, MonthAmount, Point
from muheng.web.monitoring.moments import midnight, to_local
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.pollutants import find_code
from muheng.web.monitoring.sayings import factor_title, factor_unit, mark_effect, mark_title
from muheng.web.people.models import User
from muheng.web.people.scope import scope_of
from muheng.web.registry.models import Enterprise

OWN = "own.monitoring"
HOUR = timedelta(hours=1)
TONNE = Decimal(10) ** 9
"""Milligrams."""


def own_enterprises(user: User) -> list[Enterprise]:
    """Those that the account acts for and that are watched."""
    rows = Enterprise.objects.filter(pk__in=scope_of(user).enterprises, points__isnull=False)
    return list(rows.distinct().order_by("code"))


def own_points(user: User) -> QuerySet[Point]:
    rows = Point.objects.filter(enterprise__in=scope_of(user).enterprises)
    return rows.select_related("enterprise", "outlet").order_by("enterprise__code", "outlet__code")


def find_own_point(user: User, number: int) -> Point:
    """Raises Http404 for one that is somebody else's."""
    found = own_points(user).filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


def own_events(user: User) -> QuerySet[Event]:
    rows = Event.objects.filter(point__enterprise__in=scope_of(user).enterprises)
    return rows.select_related("point__enterprise", "case")


def find_own_event(user: User, number: str) -> Event:
    """Raises Http404 for one that is somebody else's."""
    found = own_events(user).filter(number=number.strip().upper()).first()
    if found is None:
        raise Http404(number)
    return found


# -- today ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """A factor's newest value beside its limit. ``percent``: of the limit; ``margin``: what is left of it, may be below 0."""

    factor: str
    title: str
    unit: str
    value: float | None
    limit: float | None
    percent: int | None
    margin: float | None

    @property
    def over(self) -> bool:
        return self.percent is not None and self.margin is not None and self.margin < 0


@dataclass(frozen=True)
class Today:
    """A point as its operator sees it now."""

    point: Point
    time: datetime | None
    readings: tuple[Reading, ...]
    marks: tuple[Mark, ...]
    silent: bool
    """Nothing came for an hour."""


def show_today(points: list[Point], now: datetime) -> list[Today]:
    """The points with their newest values."""
    held: dict[int, list[Mark]] = {}
    running = Mark.objects.filter(point__in=points, withdrawn_at=None, begin__lte=now)
    for mark in running.filter(Q(end=None) | Q(end__gt=now)).order_by("begin"):
        held.setdefault(mark.point_id, []).append(mark)
    found = []
    for point in points:
        latest = getattr(point, "latest", None)
        values = latest.values if latest is not None else {}
        time = latest.time if latest is not None else None
        limits = limits_on(point, timezone.localdate(now))
        readings = tuple(_reading(factor, values.get(factor), limit) for factor, limit in limits.items())
        silent = time is None or now - time > HOUR
        found.append(Today(point, time, readings, tuple(held.get(point.pk, ())), silent))
    return found


def _reading(factor: str, given: dict[str, Any] | None, limit: Any) -> Reading:
    value: float | None = None
    if given:
        converted = given.get("converted")
        value = converted if limit.converted and converted is not None else given.get("value")
    value = None if value is None else round(value, 3)
    most = limit.most
    percent = margin = None
    if value is not None and most:
        percent, margin = round(value * 100 / most), round(most - value, 3)
    return Reading(factor, factor_title(factor), factor_unit(factor), value, most, percent, margin)


# -- the year beside the permit --------------------------------------------------------------------------------


@dataclass(frozen=True)
class YearAmount:
    """What an outlet emitted of a pollutant this year, and what it may, in t. ``percent`` of it; None where not said."""

    point: Point
    factor: str
    title: str
    tonnes: Decimal
    allowed: Decimal | None
    percent: int | None
    until: str
    """The last month that is counted."""


def show_year(points: list[Point], now: datetime) -> list[YearAmount]:
    """By point and factor; what is counted nowhere is left out."""
    year = str(timezone.localdate(now).year)
    rows = MonthAmount.objects.filter(point__in=points, month__startswith=year)
    sums = {
        (row["point"], row["factor"]): row["all"]
        for row in rows.order_by().values("point", "factor").annotate(all=Sum("milligrams"))
    }
    last = rows.order_by("-month").values_list("month", flat=True).first() or ""
    found = []
    for point in points:
        allowed = dict(_allowed(point))
        for factor in dict.fromkeys([*limits_on(point, timezone.localdate(now)), *allowed]):
            milligrams = sums.get((point.pk, factor))
            if milligrams is None:
                continue
            tonnes, most = Decimal(milligrams) / TONNE, allowed.get(factor)
            percent = int(tonnes * 100 / most) if most else None
            found.append(
                YearAmount(point, factor, factor_title(factor), round(tonnes, 3), most, percent, last)
            )
    return found


def _allowed(point: Point) -> Iterator[tuple[str, Decimal]]:
    for each in point.outlet.limits:
        code = find_code(str(each.get("pollutant", "")))
        if code is not None and each.get("yearly"):
            yield code, Decimal(str(each["yearly"]))


# -- marks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cap:
    """Hours of a calendar year that some marks together may take at a point."""

    names: tuple[str, ...]
    used: int
    hours: int

    @property
    def left(self) -> int:
        return max(self.hours - self.used, 0)


def cap_of(point: Point, now: datetime) -> Cap | None:
    """The hours that are used up so far this year; a mark takes every hour that it touches. None without a cap."""
    limits = city_rules().limits
    cap = limits.find_cap(point.trade)
    if cap is None:
        return None
    year = timezone.localdate(now).year
    first, until = midnight(date(year, 1, 1)), now.astimezone(CHINA)
    marks = Mark.objects.filter(point=point, mark__in=cap.marks, withdrawn_at=None, begin__lt=until)
    taken: set[int] = set()
    origin = to_local(first)
    for mark in marks.filter(Q(end=None) | Q(end__gt=first)):
        begin = max(to_local(mark.begin), origin)
        end = min(to_local(mark.end), to_local(until)) if mark.end is not None else to_local(until)
        taken.update(range((begin - origin) // HOUR, -((origin - end) // HOUR)))
    return Cap(tuple(mark_title(each) for each in cap.marks), len(taken), cap.hours)


@dataclass(frozen=True)
class ShownMark:
    """A mark as lists show it. ``late``: made after the fact."""

    mark: Mark
    title: str
    effect: str
    late: bool

    @property
    def live(self) -> bool:
        return self.mark.withdrawn_at is None


def is_late(mark: Mark) -> bool:
    """Whether a mark was made after the fact."""
    return mark.at - mark.begin > timedelta(hours=patrol_rules().mark.late_hours)


def show_marks(point: Point, most: int = 50) -> list[ShownMark]:
    """The newest marks of a point, withdrawn ones too."""
    rows = Mark.objects.filter(point=point).select_related("by", "withdrawn_by")[:most]
    return [ShownMark(each, mark_title(each.mark), mark_effect(each.mark), is_late(each)) for each in rows]


def mark_choices() -> list[tuple[str, str, str, str]]:
    """What may be marked: id, title, what it does, and whether it speaks of the plant or the monitor."""
    limits = city_rules().limits
    return [(each.id, mark_title(each.id), mark_effect(each.id), each.of) for each in limits.mark]
