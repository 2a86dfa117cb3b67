"""How values read on a page: sentences of the library, days, and figures. Loops get figures already as text."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django import template
from django.utils import timezone

from muheng.documents.message import Message
from muheng.web.reading import language

register = template.Library()


@register.filter
def said(value: object) -> object:
    """A library's sentence in the reader's language; anything else as it is."""
    return value.render(language()) if isinstance(value, Message) else value


@register.filter
def day(value: date | datetime | None) -> str:
    """2026年3月9日, or 9 March 2026."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    if language() == "en":
        return f"{value.day} {value:%B} {value.year}"
    return f"{value.year}年{value.month}月{value.day}日"


@register.filter
def moment(value: date | datetime | None) -> str:
    """2026年3月9日 14:05; a day alone has no time."""
    if not isinstance(value, datetime):
        return day(value)
    return f"{day(value)} {timezone.localtime(value):%H:%M}"


@register.filter
def count(value: int | None) -> str:
    """12,345; nothing for none."""
    return "" if value is None else f"{value:,}"


@register.filter
def plain(value: Decimal | int | float | None) -> str:
    """A figure with separators and without idle zeros."""
    if value is None:
        return ""
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def at(mapping: dict[object, object], key: object) -> object:
    """The mapping's value at a key, nothing where there is none."""
    return mapping.get(key, "")
