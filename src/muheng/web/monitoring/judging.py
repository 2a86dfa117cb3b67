"""Points are judged again over the recent weeks whenever something of theirs changed, and every hour in any case.

What is found becomes events and suspicions (``events``). Data that come late, marks and changed limits so judge themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import F, Q
from django.utils import timezone

from muheng.monitoring.judgement.hours import Hours, weigh_grid
from muheng.monitoring.judgement.judging import Judged, judge
from muheng.monitoring.judgement.rules import Rules
from muheng.monitoring.judgement.runs import Hold
from muheng.web.casework.writing import deed
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.events import Run
from muheng.web.monitoring.models import Outage, Point
from muheng.web.monitoring.moments import midnight, to_aware, to_local
from muheng.web.monitoring.outages import find_outages
from muheng.web.monitoring.points import marks_of, outlet_of, watched_since
from muheng.web.monitoring.settling import settle
from muheng.web.monitoring.window import DAYS, Window, newest_heard, read_window

PATIENCE = timedelta(minutes=20)
"""So long after its end an hour without data is missing."""
_CHUNK = 250
"""Points that are held in memory together. What shows only between points is looked for in ``copying``."""
_KEPT_AT_ONCE = 50
"""Points whose events are kept in one transaction: as long as it lasts, nobody else acts on a case, and on SQLite nobody writes."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Span:
    """The days that are judged, and the hours of the last that have passed. Times are local."""

    begin: datetime
    days: int
    over: int
    """For a point of which nothing newer came."""
    passed: int
    """Hours that have ended at all."""

    @property
    def end(self) -> datetime:
        return self.begin + timedelta(days=self.days)

    @property
    def judged_until(self) -> datetime:
        return self.begin + self.over * _HOUR


def judge_due(now: datetime | None = None, most: int = 1000) -> int:
    """Judge points with something new and those that were not judged this hour; gives how many."""
    now = now or timezone.now()
    span = span_of(now)
    due = Q(stale=True) | Q(judged_until=None) | Q(judged_until__lt=to_aware(span.judged_until))
    numbers = list(
        watched_since(span.begin.date())
        .filter(due, watched_from__lte=to_local(now).date())
        .order_by(F("enterprise__county").asc(nulls_first=True), "enterprise", "pk")
        .values_list("pk", flat=True)[:most]
    )
    if numbers:
        find_outages(span.begin + span.over * _HOUR, now)
    for low in range(0, len(numbers), _CHUNK):
        judge_points(numbers[low : low + _CHUNK], now, span)
    return len(numbers)


def span_of(now: datetime, days: int = DAYS) -> Span:
    """So many days that end with today."""
    local = to_local(now)
    begin = datetime(local.year, local.month, local.day) - timedelta(days=days - 1)
    return Span(begin, days, (local - PATIENCE - begin) // _HOUR, (local - begin) // _HOUR)


def judge_points(numbers: Sequence[int], now: datetime, span: Span | None = None) -> tuple[Judged, ...]:
    """Judge points and keep what is found; gives it as the library says it, without amounts."""
    span = span or span_of(now)
    # First, so that what changes while we judge is judged again.
    Point.objects.filter(pk__in=numbers).update(stale=False)
    points = list(Point.objects.filter(pk__in=numbers).select_related("enterprise__county").order_by("pk"))
    rules = city_rules()
    window = read_window(points, span.begin, span.days, rules)
    found = judge(_weigh(points, window, span, rules), rules, amounts=False, between=False)
    for low in range(0, len(points), _KEPT_AT_ONCE):
        some = slice(low, low + _KEPT_AT_ONCE)
        _keep(points[some], found[some], span, now, rules)
    settle(window.unsettled, now)
    return found


@deed
def _keep(points: Sequence[Point], found: Sequence[Judged], span: Span, now: datetime, rules: Rules) -> None:
    """In one transaction that has the book first: whoever acts on a case meanwhile waits, and is not waited for."""
    run = Run(points, span.begin, now, rules)
    for point, judged in zip(points, found, strict=True):
        run.keep(point, judged)
    run.push()
    until: dict[int, list[int]] = {}
    for point, judged in zip(points, found, strict=True):
        until.setdefault(judged.hours.over or 0, []).append(point.pk)
    for over, numbers in until.items():
        # Who sent the hour already is not judged again only because it has been over for a while.
        Point.objects.filter(pk__in=numbers).update(judged_until=to_aware(span.begin + over * _HOUR))


def lay_points(points: Sequence[Point], span: Span, rules: Rules) -> list[Hours]:
    """The hours of points as the library takes them; what is not watched yet or no more is nobody's."""
    return _weigh(points, read_window(points, span.begin, span.days, rules), span, rules)


def _weigh(points: Sequence[Point], window: Window, span: Span, rules: Rules) -> list[Hours]:
    outlets = [outlet_of(point) for point in points]
    marks = marks_of([point.pk for point in points], span.begin + span.passed * _HOUR)
    laid = weigh_grid(window.grid, outlets, span.begin.date(), rules, marks)
    silence = _lay_outages(span)
    whole = []
    for point, hours, heard in zip(points, laid, newest_heard(window.grid, points), strict=True):
        over = min(max(span.over, heard), span.passed, span.days * 24)
        whole.append(_keep_to_watch(replace(hours, over=over, unheard=silence), point, span))
    return whole


def _keep_to_watch(hours: Hours, point: Point, span: Span) -> Hours:
    """What came when the point was not watched is left out, and nothing is missed then, nor of a factor without a limit."""
    dated = any(each.from_day or each.until for each in hours.outlet.limits)
    if not dated and point.watched_from <= span.begin.date() and point.watched_until is None:
        return hours
    outside = ~_lay_days(span, point.watched_from, point.watched_until)
    own = np.zeros(hours.values.shape, dtype=np.bool_)
    for row, factor in enumerate(hours.factors):
        limits = [each for each in hours.outlet.limits if each.factor == factor]
        if limits:
            own[row] = ~np.logical_or.reduce([_lay_days(span, each.from_day, each.until) for each in limits])
    unheard = own | outside if hours.unheard is None else own | outside | hours.unheard
    if not outside.any():
        return replace(hours, unheard=unheard)
    return replace(
        hours,
        values=np.where(outside, np.nan, hours.values),
        valid=hours.valid & ~outside,
        flagged=hours.flagged & ~outside,
        stopped=hours.stopped | outside,
        unheard=unheard,
    )


def _lay_days(span: Span, first: date | None, until: date | None) -> Hold:
    """The hours from a day to before another."""
    held = np.zeros(span.days * 24, dtype=np.bool_)
    begin = 0 if first is None else max((first - span.begin.date()).days * 24, 0)
    end = len(held) if until is None else max((until - span.begin.date()).days * 24, 0)
    held[begin:end] = True
    return held


def _lay_outages(span: Span) -> Hold | None:
    rows = list(Outage.objects.filter(end__gt=to_aware(span.begin)))
    if not rows:
        return None
    held = np.zeros(span.days * 24, dtype=np.bool_)
    for row in rows:
        begin = max((to_local(row.begin) - span.begin) // _HOUR, 0)
        held[begin : (to_local(row.end) - span.begin) // _HOUR] = True
    return held


def days_of(points: Iterable[Point], span: Span) -> tuple[Judged, ...]:
    """As ``judge_points`` finds it, keeping nothing: for pages and totals over other stretches."""
    rules = city_rules()
    return judge(lay_points(list(points), span, rules), rules)


def stretch(begin: datetime, now: datetime) -> Span:
    """From a local midnight to today."""
    local = to_local(now)
    days = (midnight(local.date()).date() - begin.date()).days + 1
    return Span(begin, days, (local - PATIENCE - begin) // _HOUR, (local - begin) // _HOUR)
