"""How visits read on a page."""

from __future__ import annotations

from datetime import date

from django import template
from django.utils.translation import gettext as _

from muheng.web.liaison.wording import CHANGES, URGENCY, say_distance, say_way

register = template.Library()
register.filter("way", say_way)
register.filter("km", say_distance)


@register.filter
def urgency(name: str) -> str:
    return str(URGENCY.get(name, name))


@register.filter
def change(name: str) -> str:
    return str(CHANGES.get(name, name))


@register.filter
def weekday(day: date) -> str:
    """星期一, Monday."""
    names = (_("星期一"), _("星期二"), _("星期三"), _("星期四"), _("星期五"), _("星期六"), _("星期日"))
    return names[day.weekday()]
