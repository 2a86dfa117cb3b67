"""A card on an enterprise's page in the registry: its grade on the list in force, and what it does at each level."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from muheng.emergency.plan.problem import LEVELS
from muheng.web.emergency.models import EmergencyList, ListedFirm, Measure
from muheng.web.emergency.queries.lists import VIEW, adopted_plan
from muheng.web.emergency.wording import LEVEL_TITLES
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, may
from muheng.web.registry.sections import Section, register_section

TEMPLATE = "emergency/card.html"
_SHOWN = 6
"""Lines of each level on the card; the page has all."""


def _listing(enterprise: Enterprise, user: User) -> Section | None:
    """To officials who look after the enterprise, and to itself."""
    official = may(user, VIEW, enterprise)
    if not official and not is_own(user, enterprise):
        return None
    firm = (
        ListedFirm.objects.filter(enterprise=enterprise, inventory__state=EmergencyList.State.IN_FORCE)
        .select_related("inventory__organisation")
        .order_by("inventory__organisation__path")
        .first()
    )
    if firm is None:
        return None
    plan = adopted_plan(firm.inventory)
    rows: dict[str, list[Any]] = {level: [] for level in LEVELS}
    if plan is not None:
        for row in Measure.objects.filter(plan=plan, firm=firm).order_by("line"):
            rows[row.level].append(row)
    address = (
        reverse("emergency:list-firm", args=[firm.inventory_id, firm.code])
        if official
        else f"{reverse('emergency:own-grade')}?enterprise={firm.code}"
    )
    levels = [
        {
            "level": level,
            "title": LEVEL_TITLES[level],
            "rows": found[:_SHOWN],
            "more": max(len(found) - _SHOWN, 0),
        }
        for level, found in rows.items()
    ]
    return Section(TEMPLATE, {"firm": firm, "plan": plan, "levels": levels, "address": address})


register_section("aside", _listing)
