"""Limits that were changed: how a change is said, whom it is told, and which changes hours are judged by for the first time.

The change itself is made in ``actions.points``; the events that come and go with it are in ``events``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.monitoring.models import LimitChange, Point
from muheng.web.monitoring.pushing import find_overseers
from muheng.web.monitoring.sayings import factor_title, factor_unit, say_later
from muheng.web.monitoring.telling import ROOM, representatives_of
from muheng.web.monitoring.window import DAYS
from muheng.web.notices.actions import tell
from muheng.web.people.models import User
from muheng.web.templatetags.words import day as say_day
from muheng.web.templatetags.words import plain

NUMBERS = ("most", "least")
FIGURES = (*NUMBERS, "basis", "converted")
"""What a limit is, without its days."""
WHOLE_POINT = ""
"""In place of a factor: what all of a point's are judged by."""
TERMS: dict[str, Any] = {
    "reference_oxygen": gettext_lazy("基准氧含量（%）"),
    "trade": gettext_lazy("行业（标记时数的上限按它定）"),
}

Row = Mapping[str, Any]


def figures_of(row: Row) -> dict[str, Any]:
    """What a row of ``Point.limits`` says, without the factor and the days, so that equal limits are equal."""
    said = {name: row[name] for name in FIGURES if row.get(name) not in (None, "")}
    return {name: Decimal(value) if name in NUMBERS else value for name, value in said.items()}


def say_figures(row: Row | None, factor: str) -> str:
    """80 mg/m³; 6–9; what is unusual about it after a comma."""
    most, least = (row or {}).get("most"), (row or {}).get("least")
    if row is None or not (most or least):
        return _("没有限值")
    high, low = (plain(Decimal(each)) if each else "" for each in (most, least))
    number = f"{low}–{high}" if low and high else high or f"≥{low}"
    said = [f"{number} {factor_unit(factor)}".strip()]
    basis = {"day": _("按日均值判"), "hour": _("按小时均值判")}.get(row.get("basis") or "")
    if basis:
        said.append(basis)
    if row.get("converted") is False:
        said.append(_("实测判"))
    return _("，").join(said)


def say_before(change: LimitChange) -> str:
    """What held from that day on, one after the other where there were several."""
    said = []
    for row in change.before:
        begin = row.get("from")
        text = say_figures(row, change.factor)
        later = begin is not None and date.fromisoformat(begin) > change.since
        said.append(_("%(day)s起 %(limit)s") % {"day": _day(begin), "limit": text} if later else text)
    return _("；").join(said) or _("没有限值")


def say_change(change: LimitChange) -> str:
    """50 mg/m³ → 80 mg/m³; of what all factors are judged by: what of it is another."""
    if change.factor == WHOLE_POINT:
        old, new = change.before[0], change.after or {}
        return _("；").join(
            f"{title} {old.get(name) or _('没有')} → {new.get(name) or _('没有')}"
            for name, title in TERMS.items()
            if old.get(name) != new.get(name)
        )
    return f"{say_before(change)} → {say_figures(change.after, change.factor)}"


def say_from(change: LimitChange) -> str:
    """From which day, and what that means where the day had passed."""
    if not change.back:
        return _("自%(day)s起") % {"day": say_day(change.since)}
    return _("自%(day)s起（改的时候这一天已经过去，最近 %(count)s 天按新限值重新判定）") % {
        "day": say_day(change.since),
        "count": DAYS,
    }


def say_whole(change: LimitChange) -> str:
    """What it was, what it is, and from when on."""
    return _("%(change)s，%(begin)s") % {"change": say_change(change), "begin": say_from(change)}


def title_of(change: LimitChange) -> str:
    """What was changed: the limit of a factor, or what all are judged by."""
    return factor_title(change.factor) if change.factor else _("判定的条件")


def list_changes(point: Point, most: int = 20) -> list[dict[str, Any]]:
    """The changes at a point as its pages show them, the newest first."""
    return [
        {
            "change": each,
            "title": title_of(each),
            "said": say_change(each),
            "from": say_from(each),
        }
        for each in point.limit_changes.select_related("by")[:most]
    ]


def tell_changed(changes: Sequence[LimitChange], now: datetime) -> None:
    """The enterprise, and who looks after it; of a day that had passed the city too. One notice for what was done at once."""
    point, actor = changes[0].point, changes[0].by
    back = any(each.back for each in changes)
    template = (
        gettext_lazy("限值从过去的一天起改了：%(point)s") if back else gettext_lazy("限值改动：%(point)s")
    )
    subject = say_later(template, point=point.name)
    text = lazy(_say_all, str)(changes)
    enterprise = point.enterprise
    officials = find_overseers(enterprise.county, city=back)
    for people, page in (
        (representatives_of(enterprise.pk), "monitoring:own-point"),
        ([each for each in officials if each != actor], "monitoring:point"),
    ):
        tell(people, subject, text, reverse(page, args=[point.pk]), room=ROOM, urgent=back, at=now)


def _say_all(changes: Sequence[LimitChange]) -> str:
    by: User | None = changes[0].by
    said = [
        _("%(factor)s：%(change)s。") % {"factor": title_of(each), "change": say_whole(each)}
        for each in changes
    ]
    if changes[0].reason:
        said.append(_("理由：%(reason)s。") % {"reason": changes[0].reason.rstrip("。.")})
    if by is not None:
        said.append(_("改动人：%(name)s。") % {"name": by.name})
    return "\n".join(said)


def find_unjudged(points: Iterable[int]) -> list[LimitChange]:
    """Changes that no hours were judged by yet. Of a point that changed again meanwhile, none: it comes round once more."""
    rows = LimitChange.objects.filter(point__in=list(points), point__stale=False, judged_at=None)
    return list(rows.select_related("by").order_by("at", "pk"))


def _day(text: str | None) -> str:
    return say_day(date.fromisoformat(text)) if text else ""
