"""A need beside an offer, and how the figures of both are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from muheng.documents.message import Message, say
from muheng.matching.money import say_money
from muheng.matching.terms import EnterpriseFacts, Need, Offer
from muheng.standards.industry import section_of
from muheng.standards.rounding import format_trimmed


@dataclass(frozen=True)
class Pair:
    """``money``: amounts are fen, otherwise persons."""

    need: Need
    offer: Offer
    facts: EnterpriseFacts
    money: bool

    def amount(self, value: int) -> Message:
        """An amount with its unit."""
        if not self.money:
            return say("{count} 人", count=f"{value:,}")
        return say_money(value)

    @property
    def days_left(self) -> int | None:
        """Days until it is wanted; negative after that day."""
        wanted = self.need.wanted_by
        return None if wanted is None else (wanted - self.facts.on).days


def rate_text(rate: int) -> str:
    """3.85 % of 385."""
    return f"{format_trimmed(rate, 2)}%"


def day_text(day: date) -> str:
    return day.isoformat()


def same_industry(code: str, prefix: str) -> bool:
    """Whether an industry's digits lie within a section, or begin with the digits."""
    wanted = prefix.strip().upper()
    if wanted[:1].isalpha():
        if section_of(code) != wanted[0]:
            return False
        wanted = wanted[1:]
    return code.startswith(wanted)
