"""Whom an officer visits this week, on which working day: the most urgent, near ones on one day, each day a short way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from muheng.liaison.duty import URGENCIES, Duty, Urgency
from muheng.liaison.ground import Point, measure
from muheng.liaison.route import Route, order_route
from muheng.standards.calendar import Calendar


@dataclass(frozen=True)
class Stop:
    """An enterprise of the officer, and what is owed to it. ``hazards``: open ones that want to be looked at again."""

    code: str
    duty: Duty
    at: Point | None = None
    place: str = ""
    hazards: int = 0

    @property
    def rank(self) -> tuple[int, date, int, str]:
        """The smaller, the sooner."""
        return URGENCIES.index(self.duty.urgency), self.duty.due, -self.hazards, self.code


@dataclass(frozen=True)
class DayPlan:
    """One day's way."""

    day: date
    route: Route


@dataclass(frozen=True)
class WeekPlan:
    """``waiting``: urgent ones for whom the days did not suffice, the most urgent first."""

    days: tuple[DayPlan, ...]
    waiting: tuple[str, ...]


_URGENT: tuple[Urgency, ...] = ("overdue", "this_week")


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def free_days(monday: date, calendar: Calendar, today: date, taken: Iterable[date] = ()) -> list[date]:
    """The working days of a week that are still to come and not taken; a make-up Saturday is one."""
    busy = set(taken)
    week = (monday + timedelta(days=number) for number in range(7))
    return [day for day in week if day >= today and day not in busy and calendar.is_working_day(day)]


def plan_week(
    stops: Iterable[Stop], days: Sequence[date], per_day: int, start: Point | None = None
) -> WeekPlan:
    """A proposal for these days, using no more of them than it takes. As many as are urgent; and beyond these so many that
    the rest of the period suffices for the others at the same pace. The order in which stops are given does not matter."""
    wanted = sorted(stops, key=lambda stop: stop.rank)
    days = sorted(set(days))
    room = len(days) * per_day
    urgent = [stop for stop in wanted if stop.duty.urgency in _URGENT]
    later = [stop for stop in wanted if stop.duty.urgency == "this_period" and stop.duty.to_visit]
    chosen = urgent[:room]
    pace = _pace(later, days)
    chosen += _nearest(chosen, later, min(max(pace - len(chosen), 0), room - len(chosen)))
    plans = []
    # Full days first: near ones share a trip, and the other days stay free.
    used = days[: -(-len(chosen) // per_day)]
    for number, day in enumerate(used):
        group = _gather(chosen, -(-len(chosen) // (len(used) - number)))
        chosen = [stop for stop in chosen if stop not in group]
        plans.append(DayPlan(day, order_route({stop.code: stop.at for stop in group}, start)))
    return WeekPlan(tuple(plans), tuple(stop.code for stop in urgent[room:]))


def _pace(later: Sequence[Stop], days: Sequence[date]) -> int:
    """How many a week so that the period suffices."""
    if not later or not days:
        return 0
    weeks = max((later[0].duty.period.last - monday_of(days[0])).days // 7 + 1, 1)
    return -(-len(later) // weeks)


def _nearest(chosen: Sequence[Stop], later: Sequence[Stop], many: int) -> list[Stop]:
    """Of those that can wait, so many that lie on the way of those who cannot; else in their order."""
    left, found = list(later), list[Stop]()
    while left and len(found) < many:
        best = min(left, key=lambda stop: (_apart(stop, [*chosen, *found]), stop.rank))
        left.remove(best)
        found.append(best)
    return found


def _gather(chosen: Sequence[Stop], size: int) -> list[Stop]:
    """The most urgent of all, and those near to it."""
    group = [min(chosen, key=lambda stop: stop.rank)]
    left = [stop for stop in chosen if stop is not group[0]]
    while left and len(group) < size:
        best = min(left, key=lambda stop: (_apart(stop, group), stop.rank))
        left.remove(best)
        group.append(best)
    return group


def _apart(stop: Stop, others: Sequence[Stop]) -> int:
    """Metres to the nearest of the others; without coordinates those of the same place are near."""
    found = []
    for other in others:
        if stop.at is not None and other.at is not None:
            found.append(measure(stop.at, other.at))
        elif stop.place and stop.place == other.place:
            found.append(0)
    return min(found, default=10**9)
