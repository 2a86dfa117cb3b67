"""The week of an officer: proposed by the library from what is owed, kept as they change it, shown with its ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from muheng.liaison.route import Route, measure_route, order_route
from muheng.liaison.week import Stop, free_days, monday_of, plan_week
from muheng.standards.calendar import load_calendar
from muheng.web.liaison import actions
from muheng.web.liaison.arranging import point_of
from muheng.web.liaison.models import PlannedStop, WeekPlan
from muheng.web.liaison.queries import VIEW, Owed, own_pairings, reckon_all, visits_of
from muheng.web.liaison.rules import city_rules
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope

WEEK = timedelta(days=7)
_YEARS = 800  # days


@dataclass(frozen=True)
class StopLine:
    """A stop as a page lists it. ``leg``: metres from the one before; None where it is not known or there is none."""

    enterprise: Enterprise
    order: int
    leg: int | None
    visited: bool


@dataclass(frozen=True)
class DayLine:
    """A day of the week with its stops."""

    day: date
    working: bool
    stops: tuple[StopLine, ...]
    route: Route


def read_monday(text: str, today: date) -> date:
    """The Monday of the week of a day; where it is no day or years away, of the week that there is still work in."""
    try:
        monday = monday_of(date.fromisoformat(text))
        if abs((monday - today).days) < _YEARS:
            return monday
    except (ValueError, OverflowError):
        pass
    monday = monday_of(today)
    return monday if days_to_plan(monday, today) else monday + WEEK


def find_plan(officer: User, monday: date) -> WeekPlan | None:
    return WeekPlan.objects.filter(officer=officer, monday=monday).first()


def show_days(plan: WeekPlan | None, monday: date) -> list[DayLine]:
    """The days of a week: working days, and others on which something is planned."""
    stops: dict[date, list[Enterprise]] = {}
    if plan is not None:
        for row in plan.stops.select_related("enterprise__township", "enterprise__county"):
            stops.setdefault(row.day, []).append(row.enterprise)
    numbers = [each.pk for these in stops.values() for each in these]
    visited = {
        number
        for number, visits in visits_of(numbers, monday).items()
        if any(monday <= visit.day < monday + WEEK for visit in visits)
    }
    calendar = load_calendar()
    found = []
    for day in (monday + timedelta(days=number) for number in range(7)):
        these, working = stops.get(day, []), calendar.is_working_day(day)
        if these or working:
            found.append(show_day(day, working, these, visited))
    return found


def show_day(day: date, working: bool, these: Sequence[Enterprise], visited: set[int]) -> DayLine:
    """A day with its stops in the order given; ``visited``: numbers of enterprises seen this week."""
    points = {each.code: point_of(each) for each in these}
    route = measure_route(points, tuple(points))
    legs = iter(route.legs)
    lines, first = [], True
    for order, each in enumerate(these, 1):
        leg = next(legs) if points[each.code] is not None else None
        lines.append(StopLine(each, order, None if first and leg is not None else leg, each.pk in visited))
        first = first and leg is None
    return DayLine(day, working, tuple(lines), route)


def propose(
    officer: User, monday: date, days: Iterable[date], per_day: int, today: date
) -> tuple[dict[date, list[Enterprise]], list[Enterprise]]:
    """Whom to visit on which of the days; and those urgent ones for whom the days do not suffice."""
    owed = reckon_all(own_pairings(officer), today)
    by_code = {each.enterprise.code: each.enterprise for each in owed}
    plan = plan_week([_as_stop(each) for each in owed], sorted(days), per_day)
    chosen = {day.day: [by_code[code] for code in day.route.order] for day in plan.days}
    return chosen, [by_code[code] for code in plan.waiting]


def _as_stop(owed: Owed) -> Stop:
    place = owed.enterprise.township
    return Stop(
        owed.enterprise.code, owed.duty, point_of(owed.enterprise), place.name if place else "", owed.hazards
    )


def days_to_plan(monday: date, today: date) -> list[date]:
    """The working days of a week that are still to come."""
    return free_days(monday, load_calendar(), today)


def shorten(days: Mapping[date, Sequence[Enterprise]]) -> dict[date, list[Enterprise]]:
    """The same days, each in the order of a short way."""
    found = {}
    for day, these in days.items():
        by_code = {each.code: each for each in these}
        route = order_route({each.code: point_of(each) for each in these})
        found[day] = [by_code[code] for code in route.order]
    return found


def load_week(officer: User, monday: date, today: date, *, at: datetime | None = None) -> WeekPlan:
    """Keep what is proposed for a week, as the officer would who takes it as it is."""
    chosen, _waiting = propose(officer, monday, days_to_plan(monday, today), city_rules().week.per_day, today)
    return actions.keep_week(officer, officer, monday, chosen, at=at or timezone.now())


def draw_week(days: Sequence[DayLine], href: Any) -> dict[str, Any]:
    """The week on the ground: a point for each stop, a line for each day's way. ``href``: enterprise → address."""
    tones = ("#0f5c4a", "#b45309", "#2f6fb2", "#a61b1b", "#6b4fa0", "#5b6b00", "#00708a")
    features: list[dict[str, Any]] = []
    for number, line in enumerate(days):
        way = [list(point) for stop in line.stops if (point := point_of(stop.enterprise)) is not None]
        tone = tones[number % len(tones)]
        if len(way) > 1:
            features.append(
                {
                    "type": "Feature",
                    "geometry": {"type": "LineString", "coordinates": way},
                    "properties": {"title": line.day.isoformat(), "tone": tone},
                }
            )
        features += [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": list(point)},
                "properties": {
                    "title": f"{stop.order}. {stop.enterprise.name}",
                    "note": line.day.isoformat(),
                    "href": href(stop.enterprise),
                    "tone": tone,
                },
            }
            for stop in line.stops
            if (point := point_of(stop.enterprise)) is not None
        ]
    return {"type": "FeatureCollection", "features": features}


@dataclass(frozen=True)
class OfficerWeek:
    """What one officer plans, as far as the reader may see the enterprises."""

    officer: User
    days: dict[date, list[PlannedStop]]
    stops: int


def everybody(user: Any, monday: date) -> list[OfficerWeek]:
    """The plans of a week of all officers whose enterprises a person may see."""
    rows: QuerySet[PlannedStop] = PlannedStop.objects.filter(plan__monday=monday).select_related(
        "enterprise__township", "plan__officer"
    )
    rows = (
        official_scope(user, VIEW)
        .filter(rows, "enterprise__")
        .order_by("plan__officer__name", "plan__officer", "day", "order")
    )
    by_officer: dict[int, OfficerWeek] = {}
    for row in rows:
        officer = row.plan.officer
        if officer.pk not in by_officer:
            by_officer[officer.pk] = OfficerWeek(officer, {}, 0)
        by_officer[officer.pk].days.setdefault(row.day, []).append(row)
    return [
        OfficerWeek(each.officer, each.days, sum(len(stops) for stops in each.days.values()))
        for each in by_officer.values()
    ]
