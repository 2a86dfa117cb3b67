"""Words that the weekly sheet and the monthly review share: days, comparisons, lists, as Chinese offices write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from muheng.casework.figures import LOOKS, Indicator, spell
from muheng.standards.rounding import format_scaled, scale_half_up

if TYPE_CHECKING:
    from muheng.reports.meeting import Item


def day(value: date | None, year: bool = True) -> str:
    """2026年11月20日, or 11月20日."""
    if value is None:
        return ""
    return (f"{value.year}年" if year else "") + f"{value.month}月{value.day}日"


def short_day(value: date | None) -> str:
    """11.20, as it stands in a table."""
    return "" if value is None else f"{value.month}.{value.day}"


def percent(value: Fraction | None) -> str:
    """71.2%, and 100% without its idle zero."""
    text = spell("on_time", value)
    return text.replace(".0%", "%")


def compare_counts(now: int, then: int, name: str) -> str:
    """How a count moved: 比上周多3件."""
    if now == then:
        return f"与{name}持平"
    return f"比{name}{'多' if now > then else '少'}{abs(now - then)}件"


def compare(indicator: Indicator, now: Fraction | None, then: Fraction | None, name: str) -> str:
    """How a share or a mean moved: 比上月提高2.3个百分点; nothing where there is nothing to compare."""
    if now is None or then is None:
        return ""
    look = LOOKS[indicator]
    factor = 100 if look.unit == "%" else 1
    change = scale_half_up(now * factor, look.digits) - scale_half_up(then * factor, look.digits)
    if change == 0:
        return f"与{name}持平"
    size = format_scaled(abs(change), look.digits)
    if look.unit == "%":
        return f"比{name}{'提高' if change > 0 else '下降'}{size}个百分点"
    if look.unit == "工作日":
        return f"比{name}{'增加' if change > 0 else '缩短'}{size}个工作日"
    return f"比{name}{'提高' if change > 0 else '下降'}{size}{look.unit}"


def listed(parts: Sequence[str]) -> str:
    """One, two and three: A、B和C."""
    return parts[0] if len(parts) == 1 else "、".join(parts[:-1]) + "和" + parts[-1]


def days_of(item: Item) -> str:
    """How long it took, and whether that was too long."""
    if item.net_days is None:
        return ""
    return f"{item.net_days}天" + ("超期" if item.late else "")
