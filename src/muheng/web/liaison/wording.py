"""How visits read in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from muheng.liaison.duty import Period
from muheng.liaison.rules import Rules

WAYS: dict[str, Any] = {"上门走访": _("上门走访"), "座谈": _("座谈"), "电话": _("电话")}
URGENCY: dict[str, Any] = {
    "overdue": _("已逾期"),
    "this_week": _("本周到期"),
    "this_period": _("本期要走访"),
    "later": _("本期已走访"),
}
CHANGES: dict[str, Any] = {"kept": _("不变"), "moved": _("换人"), "new": _("新结对")}


def say_way(way: str) -> str:
    return str(WAYS.get(way, way))


def say_period(period: Period, rules: Rules) -> str:
    """2026年第四季度, or from which month to which."""
    names = {"year": period.first.year, "first": period.first.month, "last": period.last.month}
    if rules.visit.months == 3:
        return _("%(year)s年第%(quarter)s季度") % {**names, "quarter": (period.first.month + 2) // 3}
    if rules.visit.months == 12:
        return _("%(year)s年") % names
    if rules.visit.months == 1:
        return _("%(year)s年%(first)s月") % names
    return _("%(year)s年%(first)s—%(last)s月") % names


def say_distance(metres: int) -> str:
    """12.3 公里 without the unit; the last hundred metres do not matter."""
    return f"{metres / 1000:.1f}"
