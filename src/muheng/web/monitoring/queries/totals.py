"""Monitored amounts beside the figures of the year: for whom they are whole, and for whom something is missing, and what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.intake.facts import CODE, Facts, show
from muheng.web.monitoring.models import MonthAmount
from muheng.web.monitoring.pollutants import find_code, pollutants
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise, Layer, Outlet
from muheng.web.registry.panels import current, read_panel
from muheng.web.registry.queries import official_scope

EDIT = "monitoring.edit"
AIR = ("a21026", "a21002", "a34013", "a24088")
"""In the order of the emergency list: SO2, NOx, particles, VOCs."""


LACKS: dict[str, Any] = {
    "running": gettext_lazy("这一年还没有结束"),
    "months": gettext_lazy("监测数据不足 12 个月"),
    "outlets": gettext_lazy("有排放口没有监测"),
    "item": gettext_lazy("年度数据里没有这一项"),
    "enterprise": gettext_lazy("年度数据里没有这家企业"),
}
STATES: dict[str, Any] = {
    "whole": gettext_lazy("完整，可以采用"),
    "settled": gettext_lazy("已采用"),
    "lacking": gettext_lazy("不完整"),
}


@dataclass(frozen=True)
class Lack:
    """Why an amount is not whole. ``kind``: of ``LACKS``."""

    kind: str
    said: str


@dataclass(frozen=True)
class YearAmount:
    """What the points of an enterprise say of one item of a year. ``lacking``: why it is not whole; empty where it is."""

    enterprise: Enterprise
    item: str
    tonnes: Decimal
    months: tuple[str, ...]
    points: int
    replaced_hours: int
    empty_hours: int
    outside_hours: int
    filed: Decimal | None
    settled: bool
    lacking: tuple[Lack, ...]

    @property
    def key(self) -> tuple[str, str]:
        """By which it is chosen: whose, and what."""
        return self.enterprise.code, self.item

    @property
    def ready(self) -> bool:
        """Whether it can be taken."""
        return self.whole and not self.settled

    @property
    def whole(self) -> bool:
        return not self.lacking

    @property
    def difference(self) -> Decimal | None:
        """Of the monitored from the filed, in percent."""
        if not self.filed:
            return None
        return ((self.tonnes - self.filed) / self.filed * 100).quantize(Decimal("0.1"))


def amounts_for(user: User, month: str) -> list[MonthAmount]:
    """A month's amounts of points that a person may see, by enterprise."""
    scope = official_scope(user, "monitoring.view")
    rows = scope.filter(MonthAmount.objects.filter(month=month), "point__enterprise__")
    return list(
        rows.select_related("point__enterprise", "point__outlet").order_by(
            "point__enterprise__name", "point__outlet__code", "factor"
        )
    )


def months_for(user: User) -> list[str]:
    """Months with amounts, the newest first."""
    scope = official_scope(user, "monitoring.view")
    rows = scope.filter(MonthAmount.objects.all(), "point__enterprise__")
    return list(rows.order_by("-month").values_list("month", flat=True).distinct())


def list_year(user: User, year: int, today: date) -> list[YearAmount]:
    """Items of the year for every enterprise with points, those that are whole first."""
    scope = official_scope(user, EDIT)
    items = {each.code: each.item for each in pollutants().values() if each.item}
    rows = scope.filter(
        MonthAmount.objects.filter(month__startswith=f"{year}-", factor__in=items), "point__enterprise__"
    )
    groups: dict[tuple[int, str], list[MonthAmount]] = {}
    for row in rows.select_related("point__enterprise"):
        groups.setdefault((row.point.enterprise_id, row.factor), []).append(row)
    emitting = _emitting(enterprise for enterprise, _factor in groups)
    facts = YearFigures(current(year), _list_taken(year))
    found = [
        _year_amount(amounts, items[factor], emitting.get(key, set()), facts, year, today)
        for key, amounts in groups.items()
        for factor in (key[1],)
    ]
    return sorted(found, key=lambda each: (bool(each.lacking), each.enterprise.name, each.item))


@dataclass(frozen=True)
class Question:
    """What is asked of the year's amounts. ``state``: of ``STATES`` or ``LACKS``; empty for all."""

    item: str = ""
    state: str = ""
    q: str = ""


def ask_year(rows: Iterable[YearAmount], asked: Question) -> list[YearAmount]:
    """Those that answer, in the same order."""
    return [
        each
        for each in rows
        if asked.item in ("", each.item)
        and (not asked.state or asked.state in _states_of(each))
        and (not asked.q or asked.q in each.enterprise.name or asked.q.upper() == each.enterprise.code)
    ]


def _states_of(row: YearAmount) -> set[str]:
    if row.settled:
        return {"settled"}
    return {"lacking", *(each.kind for each in row.lacking)} if row.lacking else {"whole"}


def count_lacks(rows: Iterable[YearAmount]) -> list[tuple[str, str, int]]:
    """Kind, title and number of what keeps amounts from being taken, the most frequent first."""
    found = Counter(kind for row in rows if not row.settled for kind in {each.kind for each in row.lacking})
    return [(kind, str(LACKS[kind]), count) for kind, count in found.most_common()]


@dataclass(frozen=True, eq=False)
class YearFigures:
    """The figures of a year, looked up by enterprise and item; ``taken``: those that are monitored ones already."""

    facts: Facts | None
    taken: Collection[tuple[str, str]] = ()

    @cached_property
    def row_of(self) -> dict[str, int]:
        """By enterprise, where its figures stand."""
        return {} if self.facts is None else {code: at for at, code in enumerate(self.facts.frame[CODE])}

    def has_item(self, item: str) -> bool:
        """Whether the year knows the item at all."""
        return self.facts is not None and item in self.facts.items

    def read(self, code: str, item: str) -> Decimal | None:
        """A figure as a number; None where there is none."""
        at = self.row_of.get(code)
        if at is None or self.facts is None or item not in self.facts.items:
            return None
        value = self.facts.frame[item][at]
        return None if value is None else Decimal(show(value, self.facts.items[item]).replace(",", ""))


def origin_of(year: int) -> str:
    """How a layer of the year's figures says that it is of monitored amounts."""
    return f"monitoring.year:{year}"


def _list_taken(year: int) -> set[tuple[str, str]]:
    """Enterprises with items whose monitored amounts lie over the year's figures; a layer that was taken away lies no more."""
    taken: set[tuple[str, str]] = set()
    for folder in Layer.objects.filter(year=year, removed_at=None, origin=origin_of(year)).values_list(
        "folder", flat=True
    ):
        layer = read_panel(folder)
        for item in layer.items:
            given = layer.frame.filter(layer.frame[item].is_not_null())
            taken |= {(code, item) for code in given[CODE]}
    return taken


def _emitting(enterprises: Iterable[int]) -> dict[tuple[int, str], set[int]]:
    """By enterprise and factor, the outlets whose permits name it."""
    found: dict[tuple[int, str], set[int]] = {}
    for outlet in Outlet.objects.filter(enterprise__in=set(enterprises)):
        for limit in outlet.limits:
            code = find_code(str(limit.get("pollutant") or ""))
            if code is not None:
                found.setdefault((outlet.enterprise_id, code), set()).add(outlet.pk)
    return found


def _year_amount(
    rows: list[MonthAmount], item: str, emitting: set[int], facts: YearFigures, year: int, today: date
) -> YearAmount:
    enterprise = rows[0].point.enterprise
    by_point: dict[int, set[str]] = {}
    for row in rows:
        by_point.setdefault(row.point_id, set()).add(row.month)
    months = sorted({row.month for row in rows})
    watched = {row.point.outlet_id for row in rows}
    lacking = []
    if today.year <= year:
        lacking.append(Lack("running", _("这一年还没有结束")))
    short = min(len(each) for each in by_point.values())
    if short < 12:
        lacking.append(Lack("months", _("监测数据只有 %(count)s 个月") % {"count": short}))
    if missing := emitting - watched:
        names = Outlet.objects.filter(pk__in=missing).order_by("code").values_list("code", flat=True)
        said = _("没有监测的排放口：%(names)s") % {"names": "、".join(names)}
        lacking.append(Lack("outlets", said))
    if not facts.has_item(item):
        lacking.append(Lack("item", _("这一年的数据里没有“%(item)s”") % {"item": item}))
    elif enterprise.code not in facts.row_of:
        lacking.append(Lack("enterprise", _("这一年的数据里没有这家企业")))
    return YearAmount(
        enterprise,
        item,
        Decimal(sum(int(row.milligrams) for row in rows)).scaleb(-9),
        tuple(months),
        len(by_point),
        sum(row.replaced_hours for row in rows),
        sum(row.empty_hours for row in rows),
        sum(row.outside_hours for row in rows),
        facts.read(enterprise.code, item),
        (enterprise.code, item) in facts.taken and all(row.final for row in rows),
        tuple(lacking),
    )


def daily_grams(
    codes: Iterable[str], today: date
) -> dict[str, tuple[int | None, int | None, int | None, int | None]]:
    """g a running day by enterprise, over the months of the past year: SO2, NOx, particles, VOCs.

    None where an outlet that may emit it is not monitored: part of an enterprise is no measure of all of it.
    """
    since, this = f"{today.year - 1}-{today.month:02d}", f"{today.year}-{today.month:02d}"
    rows = MonthAmount.objects.filter(
        point__enterprise__code__in=list(codes), factor__in=AIR, month__gte=since, month__lt=this
    ).select_related("point__enterprise")
    groups: dict[tuple[int, str], list[MonthAmount]] = {}
    for row in rows:
        groups.setdefault((row.point.enterprise_id, row.factor), []).append(row)
    emitting = _emitting(enterprise for enterprise, _factor in groups)
    found: dict[str, list[int | None]] = {}
    for (enterprise, factor), amounts in groups.items():
        watched = {row.point.outlet_id for row in amounts}
        if emitting.get((enterprise, factor), set()) - watched:
            continue
        grams = sum(map(_running_day, _by_point(amounts)))
        own = found.setdefault(amounts[0].point.enterprise.code, [None] * 4)
        own[AIR.index(factor)] = grams
    return {code: (own[0], own[1], own[2], own[3]) for code, own in found.items()}


def _by_point(rows: Iterable[MonthAmount]) -> list[list[MonthAmount]]:
    found: dict[int, list[MonthAmount]] = {}
    for row in rows:
        found.setdefault(row.point_id, []).append(row)
    return list(found.values())


def _running_day(rows: list[MonthAmount]) -> int:
    """What one point emits in 24 hours in which its plant runs."""
    hours = sum(row.measured_hours + row.replaced_hours for row in rows)
    if not hours:
        return 0
    return int(sum(int(row.milligrams) for row in rows) * 24 // (hours * 1000))
