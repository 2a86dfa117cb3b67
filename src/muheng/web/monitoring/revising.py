"""Hours that a device sends a second time and otherwise than before: where that ends an exceedance, it is a suspicion.

The last value counts, because devices do correct themselves; both stay among the raw frames. What is looked for is the
convenient correction: over the limit at first, and then below it, or with a flag that does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from muheng.documents.message import Message, say
from muheng.monitoring.judgement.outlet import Limit
from muheng.monitoring.judgement.oxygen import convert_one
from muheng.monitoring.judgement.rules import Method
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Point, Suspicion
from muheng.web.monitoring.moments import to_aware
from muheng.web.monitoring.points import limits_on

KIND = "revised"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Revision:
    """An hour of a factor as it came first and as it came last; ``time`` local."""

    point: Point
    time: datetime
    factor: str
    first: float
    last: float | None
    flag: str


def find_revisions(
    point: Point, method: Method, time: datetime, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Revision]:
    """``before`` and ``after``: the values of one hour, ``{factor: [value, flag, minutes]}``."""
    found = []
    for factor, limit in limits_on(point, time.date()).items():
        old, new = before.get(factor), after.get(factor)
        if old is None or new is None or old[:2] == new[:2] or limit.most is None:
            continue
        if _is_over(old, limit, point, method, before) and not _is_over(new, limit, point, method, after):
            found.append(Revision(point, time, factor, old[0], new[0], new[1] or ""))
    return found


def note_revisions(revisions: Iterable[Revision], now: datetime) -> None:
    """Suspicions of them; hours of a factor that follow each other are one."""
    for each in sorted(revisions, key=lambda one: (one.point.pk, one.factor, one.time)):
        begin = to_aware(each.time)
        held = Suspicion.objects.filter(
            point=each.point, factor=each.factor, kind=KIND, begin__lte=begin, end__gte=begin
        ).first()
        if held is not None:
            held.end = max(held.end, begin + _HOUR)
            held.save(update_fields=("end",))
            continue
        seen = _say(each)
        Suspicion.objects.create(
            point=each.point,
            factor=each.factor,
            kind=KIND,
            begin=begin,
            end=begin + _HOUR,
            times=5.0,
            strength="strong",
            seen={lang: seen.render(lang) for lang in ("zh", "en")},
            found_at=now,
        )


def _is_over(value: list[Any], limit: Limit, point: Point, method: Method, values: Mapping[str, Any]) -> bool:
    number, flag = value[0], value[1]
    if number is None or flag not in method.counts or limit.most is None:
        return False
    if limit.converted and point.reference_oxygen is not None:
        oxygen = values.get(method.oxygen or "", [None])[0]
        number = convert_one(number, oxygen, float(point.reference_oxygen), city_rules().validity.oxygen)
    return number is not None and number > limit.most


def _say(each: Revision) -> Message:
    if each.last is None:
        return say("先报 {first}，超过限值；后来改报，没有数值。", first=f"{each.first:g}")
    return say(
        "先报 {first}，超过限值；后来改报 {last}，数据标记 {flag}，不再超标。",
        first=f"{each.first:g}",
        last=f"{each.last:g}",
        flag=each.flag or "N",
    )
