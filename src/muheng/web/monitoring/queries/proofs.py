"""Daily proofs: what the data say of an enterprise's day, which days have a proof, which lack one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Q
from django.utils import timezone

from muheng.monitoring.judgement.exceedance import Against
from muheng.web.monitoring.city_rules import city_rules, patrol_rules
from muheng.web.monitoring.models import Event, Mark, Point, Proof
from muheng.web.monitoring.moments import midnight, to_aware
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.queries.series import Judged, judge_hours
from muheng.web.registry.models import Enterprise

HOURS = 24


@dataclass(frozen=True)
class ProofDay:
    """A day of an enterprise: proved, in time or late, or not yet. ``due``: until when."""

    enterprise: Enterprise
    day: date
    due: datetime
    proof: Proof | None = None

    @property
    def late(self) -> bool:
        """Given after it was due, or due and not given."""
        return (self.proof.at if self.proof is not None else timezone.now()) > self.due


def watched_on(points: Iterable[Point], day: date) -> list[Point]:
    """Those that were watched on a day."""
    return [
        each
        for each in points
        if each.watched_from <= day and (each.watched_until is None or day < each.watched_until)
    ]


def due_of(day: date) -> datetime:
    """Until when a day's proof is in time."""
    return to_aware(patrol_rules().proof.due(day))


def list_days(enterprise: Enterprise, now: datetime, days: int | None = None) -> list[ProofDay]:
    """The last days that are over, the newest first; days on which nothing was watched are left out."""
    today = timezone.localdate(now)
    wanted = [today - timedelta(days=back) for back in range(1, (days or look_back()) + 1)]
    points = list(Point.objects.filter(enterprise=enterprise))
    held = {
        each.day: each
        for each in Proof.objects.filter(enterprise=enterprise, day__in=wanted).select_related("by")
    }
    return [
        ProofDay(enterprise, day, due_of(day), held.get(day)) for day in wanted if watched_on(points, day)
    ]


def look_back() -> int:
    """How many days back a proof is looked for."""
    return patrol_rules().proof.look_back_days


def count_missing(points: Iterable[Point], now: datetime) -> dict[int, int]:
    """By enterprise, how many of its last days should have a proof by now and have none."""
    today = timezone.localdate(now)
    days = [today - timedelta(days=back) for back in range(1, look_back() + 1)]
    days = [day for day in days if due_of(day) <= now]
    by_enterprise: dict[int, list[Point]] = {}
    for point in points:
        by_enterprise.setdefault(point.enterprise_id, []).append(point)
    given = set(
        Proof.objects.filter(enterprise__in=by_enterprise, day__in=days).values_list("enterprise", "day")
    )
    missing = {
        number: sum(bool(watched_on(own, day)) and (number, day) not in given for day in days)
        for number, own in by_enterprise.items()
    }
    return {number: count for number, count in missing.items() if count}


# -- what the data say ---------------------------------------------------------------------------------------


def describe_day(enterprise: Enterprise, day: date) -> list[dict[str, Any]]:
    """What the data say of each point on a day, as it is kept with the proof: plain values, figures as numbers."""
    points = watched_on(Point.objects.filter(enterprise=enterprise).order_by("outlet__code"), day)
    begin, end = midnight(day), midnight(day + timedelta(days=1))
    return [_describe_point(each, day, begin, end) for each in points]


def _describe_point(point: Point, day: date, begin: datetime, end: datetime) -> dict[str, Any]:
    judged = judge_hours(point, day, day + timedelta(days=1))
    marks = Mark.objects.filter(point=point, withdrawn_at=None, begin__lt=end)
    events = Event.objects.filter(point=point, begin__lt=end, last__gte=begin, gone=False).order_by("number")
    stopped = int(judged.standing.stopped[judged.first :].sum())
    return {
        "point": point.pk,
        "name": point.name,
        "running": HOURS - stopped,
        "factors": [_describe_factor(judged, factor, day, point) for factor in limits_on(point, day)],
        "marks": [
            {
                "mark": each.mark,
                "begin": each.begin.isoformat(),
                "end": None if each.end is None else each.end.isoformat(),
            }
            for each in marks.filter(Q(end=None) | Q(end__gt=begin)).order_by("begin", "pk")
        ],
        "events": [
            {"number": each.number, "factor": each.factor, "state": each.state, "tier": each.tier}
            for each in events
        ],
    }


def _describe_factor(judged: Judged, factor: str, day: date, point: Point) -> dict[str, Any]:
    """``valid``: hours that count; ``over``: hours over the limit, or 1 for a day whose mean is; ``mean`` as judged."""
    limit = limits_on(point, day)[factor]
    row, against = judged.hours.place(factor), judged.against.get(factor)
    found: dict[str, Any] = {
        "factor": factor,
        "limit": limit.most,
        "least": limit.least,
        "basis": limit.basis or city_rules().kind(point.kind).basis,
        "valid": 0,
        "mean": None,
        "most": None,
        "over": 0,
    }
    if row is None or against is None:
        return found
    hours = slice(judged.first, judged.first + HOURS)
    value = against.value[hours][np.isfinite(against.value[hours])]
    found["valid"] = int(judged.standing.valid[row, hours].sum())
    found["mean"] = _round(against.day_value[judged.first // HOURS])
    found["most"] = _round(value.max()) if len(value) else None
    found["over"] = _count_over(against, judged.first)
    return found


def _count_over(against: Against, first: int) -> int:
    if against.hourly[first]:
        return int(((against.over_hours >= first) & (against.over_hours < first + HOURS)).sum())
    return int((against.over_days == first // HOURS).sum())


def _round(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None


def is_over(points: Iterable[dict[str, Any]]) -> bool:
    """Whether anything of a day was over its limit."""
    return any(each["over"] for point in points for each in point["factors"])


def is_complete(point: dict[str, Any]) -> bool:
    """Whether every hour that ran has its values."""
    return all(each["valid"] >= point["running"] for each in point["factors"])
