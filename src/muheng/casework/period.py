"""The periods that figures are given for: weeks from Monday, months, quarters, years. Knows no cases and no today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from muheng.documents.message import Message, say

Span = Literal["week", "month", "quarter", "year"]
SPANS: tuple[Span, ...] = get_args(Span)
SPAN_NAMES: dict[Span, Message] = {
    "week": say("周"),
    "month": say("月"),
    "quarter": say("季度"),
    "year": say("年"),
}
_MONTHS: dict[Span, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last``, both within."""

    span: Span
    first: date

    @property
    def last(self) -> date:
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> Period:
        return Period(self.span, _moved(self.span, self.first, 1))

    @property
    def before(self) -> Period:
        return Period(self.span, _moved(self.span, self.first, -1))

    @property
    def title(self) -> Message:
        """2026年第四季度."""
        year, month = self.first.year, self.first.month
        if self.span == "year":
            return say("{year}年", year=year)
        if self.span == "quarter":
            return say("{year}年第{quarter}季度", year=year, quarter=(month + 2) // 3)
        if self.span == "month":
            return say("{year}年{month}月", year=year, month=month)
        return say("{first} 至 {last} 一周", first=self.first.isoformat(), last=self.last.isoformat())

    def until(self, today: date) -> date:
        """The last day that has figures yet. A period that has not begun has none: its day before."""
        return max(min(self.last, today), self.first - timedelta(days=1))

    def alike(self, today: date) -> tuple[date, date]:
        """The days of the period before that this one, running still, is held against: as many, or all of them."""
        before = self.before
        if today >= self.last:
            return before.first, before.last
        gone = (self.until(today) - self.first).days
        return before.first, min(before.first + timedelta(days=gone), before.last)


def period_of(span: Span, day: date) -> Period:
    """The period that a day lies in."""
    if span == "week":
        return Period(span, day - timedelta(days=day.weekday()))
    months = _MONTHS[span]
    return Period(span, day.replace(month=(day.month - 1) // months * months + 1, day=1))


def _moved(span: Span, first: date, steps: int) -> date:
    if span == "week":
        return first + timedelta(weeks=steps)
    return add_months(first, _MONTHS[span] * steps)


def add_months(first: date, months: int) -> date:
    """The first of a month some months on."""
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
