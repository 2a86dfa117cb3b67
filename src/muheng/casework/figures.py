"""What is said of many closed cases: counts that can be added up, and the shares and means that follow, exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from fractions import Fraction
from typing import Literal, get_args

from muheng.documents.message import Message, say
from muheng.standards.rounding import format_scaled, scale_half_up

Indicator = Literal[
    "closed", "on_time", "promised_kept", "legal_kept", "net_days", "gross_days", "compression", "satisfied",
    "rating", "reopened",
]  # fmt: skip
INDICATORS: tuple[Indicator, ...] = get_args(Indicator)


@dataclass(frozen=True)
class Figures:
    """Counts over cases. ``timed``: of the closed, those that had a clock; ``legal…``, ``promised…``: that had such a
    one; ``rating``: the sum of it over the ``rated``; ``reopened``: at least once. Days are working days."""

    opened: int = 0
    closed: int = 0
    timed: int = 0
    on_time: int = 0
    net_days: int = 0
    gross_days: int = 0
    rated: int = 0
    rating: int = 0
    satisfied: int = 0
    reopened: int = 0
    legal: int = 0
    legal_kept: int = 0
    legal_limit: int = 0
    legal_net: int = 0
    promised: int = 0
    promised_kept: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __bool__(self) -> bool:
        return any(astuple(self))

    @property
    def late(self) -> int:
        return self.timed - self.on_time

    def value(self, indicator: Indicator) -> Fraction | None:
        """Shares as parts of one; None where there is nothing to divide by."""
        if indicator == "closed":
            return Fraction(self.closed)
        if indicator == "compression":
            return Fraction(self.legal_limit - self.legal_net, self.legal_limit) if self.legal_limit else None
        part, whole = _QUOTIENTS[indicator]
        divisor: int = getattr(self, whole)
        return Fraction(getattr(self, part), divisor) if divisor else None


_QUOTIENTS: Mapping[str, tuple[str, str]] = {
    "on_time": ("on_time", "timed"),
    "promised_kept": ("promised_kept", "promised"),
    "legal_kept": ("legal_kept", "legal"),
    "net_days": ("net_days", "closed"),
    "gross_days": ("gross_days", "closed"),
    "satisfied": ("satisfied", "rated"),
    "rating": ("rating", "rated"),
    "reopened": ("reopened", "closed"),
}


@dataclass(frozen=True)
class Look:
    """How an indicator is called and read: ``unit`` is % for shares; ``more_is_better`` says which way is up."""

    name: Message
    unit: str
    digits: int
    more_is_better: bool


LOOKS: Mapping[Indicator, Look] = {
    "closed": Look(say("办结"), "件", 0, True),
    "on_time": Look(say("按时办结率"), "%", 1, True),
    "promised_kept": Look(say("承诺时限内办结率"), "%", 1, True),
    "legal_kept": Look(say("规定时限内办结率"), "%", 1, True),
    "net_days": Look(say("平均净用时"), "工作日", 1, False),
    "gross_days": Look(say("平均总用时"), "工作日", 1, False),
    "compression": Look(say("较规定时限压缩"), "%", 1, True),
    "satisfied": Look(say("满意率"), "%", 1, True),
    "rating": Look(say("平均评分"), "分", 2, True),
    "reopened": Look(say("重办率"), "%", 1, False),
}


def spell(indicator: Indicator, value: Fraction | None) -> str:
    """A value as it is read, without its unit but for %: 71.2%, 8.3; — where there is none."""
    look = LOOKS[indicator]
    if value is None:
        return "—"
    scaled = scale_half_up(value * (100 if look.unit == "%" else 1), look.digits)
    return format_scaled(scaled, look.digits) + ("%" if look.unit == "%" else "")
