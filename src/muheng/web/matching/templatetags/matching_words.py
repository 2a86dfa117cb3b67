"""How sums, amounts and rates of matching read on a page."""

from __future__ import annotations

from django import template

from muheng.matching.money import show_money
from muheng.matching.pair import rate_text
from muheng.web.matching.wording import show_amount
from muheng.web.reading import language

register = template.Library()


@register.filter
def money(fen: int | None) -> str:
    """11.88 亿元; nothing for none."""
    return "" if fen is None else show_money(fen, language())


@register.filter
def amount(value: int | None, kind: str) -> str:
    """A sum or a number of persons, as the kind has it."""
    return show_amount(value, kind)


@register.filter
def rate(value: int | None) -> str:
    """3.85%."""
    return "" if value is None else rate_text(value)
