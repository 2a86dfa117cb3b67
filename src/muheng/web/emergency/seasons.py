"""What lines have borne in the episodes of a season that are over: what rotation weighs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from muheng.emergency.season import Burden, Episode, add_up_season
from muheng.standards.rounding import divide_half_up
from muheng.web.emergency.models import Alert, AlertStep, Measure
from muheng.web.people.models import Organisation

_SEASON = timedelta(days=240)
"""From the first bad air of autumn to the last of spring."""
_DAY = timedelta(days=1)


def burdens_before(place: Organisation, moment: datetime) -> dict[str, Burden]:
    """By line, of the alerts of the season that were lifted before a moment."""
    return add_up_season(episodes_before(place, moment))


def episodes_before(place: Organisation, moment: datetime) -> list[Episode]:
    """The season's episodes that are over."""
    alerts = Alert.objects.filter(
        organisation=place,
        state=Alert.State.LIFTED,
        lifted_at__lte=moment,
        lifted_at__gt=moment - _SEASON,
        plan__isnull=False,
    ).prefetch_related("steps")
    return [_episode(alert) for alert in alerts]


def days_of(alert: Alert, until: datetime) -> dict[str, int]:
    """Whole days at each level, from its steps; begun halves count."""
    held: dict[str, timedelta] = defaultdict(timedelta)
    steps = [step for step in alert.steps.all() if step.kind in _MOVES]
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        end = following.at if following is not None else until
        if step.kind != AlertStep.Kind.LIFTED and end > step.at:
            held[step.level] += end - step.at
    return {
        level: max(1, divide_half_up(*Fraction(span / _DAY).as_integer_ratio()))
        for level, span in held.items()
    }


_MOVES = (
    AlertStep.Kind.ISSUED,
    AlertStep.Kind.RAISED,
    AlertStep.Kind.LOWERED,
    AlertStep.Kind.EXTENDED,
    AlertStep.Kind.LIFTED,
)


def _episode(alert: Alert) -> Episode:
    assert alert.lifted_at is not None
    days = days_of(alert, alert.lifted_at)
    rows: Iterable[Any] = Measure.objects.filter(plan=alert.plan_id, level__in=days)
    losses = {
        (line, level): loss
        for line, level, loss in rows.values_list("line", "level", "loss").order_by()  # type: ignore[attr-defined]
    }
    return Episode(str(alert.pk), days, losses)


def last_season_days(place: Organisation, moment: datetime) -> dict[str, int]:
    """Days at each level in the last twelve months of alerts that called for cuts."""
    found: dict[str, int] = defaultdict(int)
    alerts = Alert.objects.filter(
        organisation=place,
        state=Alert.State.LIFTED,
        lifted_at__gt=moment - timedelta(days=365),
        lifted_at__lte=moment,
    ).prefetch_related("steps")
    for alert in alerts:
        if alert.lifted_at is not None and alert.plan_id is not None:
            for level, days in days_of(alert, alert.lifted_at).items():
                found[level] += days
    return dict(found)
