"""Hours in which next to nobody was heard: the receiver's trouble, told once to who looks after it, and nobody's event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy

from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Hour, Latest, Outage
from muheng.web.monitoring.moments import to_aware, to_local
from muheng.web.monitoring.sayings import say_later
from muheng.web.monitoring.telling import ROOM, holders_of
from muheng.web.notices.actions import tell
from muheng.web.templatetags.words import moment

LOOK_BACK = 48
"""Hours; what came later than that leaves an outage as it was seen."""
_HOUR = timedelta(hours=1)


@transaction.atomic
def find_outages(until: datetime, now: datetime) -> list[Outage]:
    """Look at the hours before ``until`` (local, the first that has not passed); gives what is new. Data that came
    after all make an outage shorter, or take it away."""
    rule = city_rules().alerts.outage
    begin = until - LOOK_BACK * _HOUR
    if rule is None:
        return []
    speaking = Latest.objects.filter(
        hour__isnull=False, point__watched_until=None, point__devices__allowed=True
    ).distinct()
    # Who has said nothing since before the stretch is no sign of the receiver's health.
    points = list(
        speaking.filter(hour__gte=to_aware(begin) - 5 * timedelta(days=1)).values_list("pk", flat=True)
    )
    if len(points) < rule.points:
        return []
    heard = dict(
        Hour.objects.filter(
            time__gte=to_aware(begin),
            time__lt=to_aware(until),
            point__watched_until=None,
            point__devices__allowed=True,
        )
        .values_list("time")
        .annotate(Count("point", distinct=True))
    )
    silent = []
    for at in range(LOOK_BACK):
        missing = len(points) - min(heard.get(to_aware(begin + at * _HOUR), 0), len(points))
        silent.append(missing * 100 // len(points))
    return _keep(list(_find_runs(silent, rule.percent)), begin, now)


def _find_runs(silent: list[int], percent: int) -> Iterator[tuple[int, int, int]]:
    """Begin, end and the worst of stretches that reach the line."""
    at = 0
    while at < len(silent):
        if silent[at] < percent:
            at += 1
            continue
        end = at
        while end < len(silent) and silent[end] >= percent:
            end += 1
        yield at, end, max(silent[at:end])
        at = end


def _keep(runs: list[tuple[int, int, int]], begin: datetime, now: datetime) -> list[Outage]:
    held = list(Outage.objects.filter(end__gt=to_aware(begin)))
    made, kept = [], set()
    for first, last, worst in runs:
        since, until = to_aware(begin + first * _HOUR), to_aware(begin + last * _HOUR)
        known = next((each for each in held if each.begin <= until and since <= each.end), None)
        if known is not None and known.pk not in kept:
            # What lies before the stretch that is looked at stays.
            known.begin = min(known.begin, since) if first == 0 else since
            known.end, known.percent = until, worst
            known.save()
            kept.add(known.pk)
        else:
            made.append(Outage.objects.create(begin=since, end=until, percent=worst, found_at=now))
    for each in held:
        if each.pk not in kept and to_local(each.begin) >= begin:
            each.delete()
    for each in made:
        tell(
            holders_of("monitoring.edit"),
            say_later(gettext_lazy("平台接收中断：%(percent)s%% 的点位没有数据"), percent=each.percent),
            say_later(
                gettext_lazy("%(when)s起。这段时间的缺失不逐个问企业；请看接收程序、网络和磁盘。"),
                when=lazy(moment, str)(each.begin),
            ),
            reverse("monitoring:home"),
            room=ROOM,
            urgent=True,
            at=now,
        )
    return made
