"""When an enterprise is due to be visited: by natural periods (quarters), from the day on which it was paired.

A visit that counts belongs to the period of its day. A period that passed without is overdue until the next visit; it
stays missed in the count, as a visit of one quarter is not one of another.
"""

from __future__ import annotations

import calendar as months_of
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from muheng.liaison.rules import VisitRule

Urgency = Literal["overdue", "this_week", "this_period", "later"]
URGENCIES: tuple[Urgency, ...] = ("overdue", "this_week", "this_period", "later")


@dataclass(frozen=True, order=True)
class Period:
    """Some months, with both days in it."""

    first: date
    last: date

    @property
    def following(self) -> Period:
        return period_of(self.last + timedelta(days=1), self._months)

    @property
    def preceding(self) -> Period:
        return period_of(self.first - timedelta(days=1), self._months)

    @property
    def _months(self) -> int:
        return self.last.month - self.first.month + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Visit:
    """A visit that was made, and how."""

    day: date
    way: str


@dataclass(frozen=True)
class Duty:
    """What is owed to one enterprise as of a day.

    ``made`` of ``needed`` in the current period; ``due`` is the last day for the next visit; ``missed`` are the periods
    since the pairing began that passed with too few.
    """

    period: Period
    needed: int
    made: int
    due: date
    urgency: Urgency
    last: Visit | None
    missed: tuple[Period, ...]

    @property
    def to_visit(self) -> bool:
        """Whether the current period still asks for a visit."""
        return self.made < self.needed


def period_of(day: date, months: int) -> Period:
    """The period of so many months, counted from January, in which a day lies."""
    first = (day.month - 1) // months * months + 1
    last = first + months - 1
    return Period(date(day.year, first, 1), date(day.year, last, months_of.monthrange(day.year, last)[1]))


def first_period(since: date, rule: VisitRule) -> Period:
    """The first period in which an enterprise that was paired on ``since`` has to be visited."""
    here = period_of(since, rule.months)
    return here if (here.last - since).days >= rule.grace else here.following


def counts(visit: Visit, rule: VisitRule) -> bool:
    """Whether a visit is one that the rule asks for; a telephone call is not, unless the rule says so."""
    return visit.way in rule.ways


def reckon(since: date, visits: Iterable[Visit], rule: VisitRule, today: date) -> Duty:
    """What is owed today to an enterprise that is paired since ``since``. Visits after ``today`` are not known yet.

    Visits of an earlier officer count too: the enterprise was visited.
    """
    made = sorted((each for each in visits if each.day <= today), key=lambda each: (each.day, each.way))
    counted = [each for each in made if counts(each, rule)]
    by_period: dict[Period, int] = {}
    for each in counted:
        at = period_of(each.day, rule.months)
        by_period[at] = by_period.get(at, 0) + 1
    current, first = period_of(today, rule.months), first_period(since, rule)
    missed = []
    period = first
    while period.last < current.first:
        if by_period.get(period, 0) < rule.at_least:
            missed.append(period)
        period = period.following
    needed = rule.at_least if current >= first else 0
    here = by_period.get(current, 0)
    due = _due(by_period, missed, first, current, rule)
    return Duty(
        current, needed, here, due, _urgency(due, current, today), made[-1] if made else None, tuple(missed)
    )


def _due(
    by_period: dict[Period, int], missed: list[Period], first: Period, current: Period, rule: VisitRule
) -> date:
    here = by_period.get(current, 0)
    if current < first:
        return first.last
    if here >= rule.at_least:
        return current.following.last
    if here:
        return current.last
    # Missed one after the other up to now: owed since the earliest of these.
    due, period = current.last, current.preceding
    while period in missed:
        due = period.last
        if by_period.get(period, 0):
            break
        period = period.preceding
    return due


def _urgency(due: date, current: Period, today: date) -> Urgency:
    if due < today:
        return "overdue"
    if due <= today + timedelta(days=6 - today.weekday()):
        return "this_week"
    return "this_period" if due <= current.last else "later"
