"""The bell of each page: how many notices a person has not read. One query, when the frame is drawn."""

from __future__ import annotations

from typing import Any

from django import template

from muheng.web.notices.queries import MOST_COUNTED, count_unread

register = template.Library()


@register.inclusion_tag("notices/bell.html", takes_context=True)
def bell(context: dict[str, Any]) -> dict[str, Any]:
    """The link to the list, with the count; for who has logged in."""
    unread = count_unread(context["user"])
    more = unread >= MOST_COUNTED
    return {"unread": unread, "shown": f"{MOST_COUNTED - 1}+" if more else str(unread)}
