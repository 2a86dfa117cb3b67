"""What an enterprise may see of the list in force: itself."""

from __future__ import annotations

from typing import Any

from muheng.web.emergency.models import EmergencyList, ListedFirm
from muheng.web.emergency.queries.lists import adopted_plan
from muheng.web.emergency.queries.plans import firm_measures
from muheng.web.emergency.stored_plans import Measured
from muheng.web.people.scope import scope_of


def own_listings(user: Any) -> list[ListedFirm]:
    """The rows of a person's enterprises on the lists in force; the widest list first."""
    rows = ListedFirm.objects.filter(
        enterprise__in=scope_of(user).enterprises, inventory__state=EmergencyList.State.IN_FORCE
    )
    return list(
        rows.select_related("inventory__organisation", "enterprise", "county").order_by(
            "inventory__organisation__path", "code"
        )
    )


def own_measures(firm: ListedFirm) -> dict[str, list[Measured]]:
    """By line, what the adopted plan asks at each level."""
    return firm_measures(adopted_plan(firm.inventory), firm.code)
