"""What an enterprise may see of the list in force: itself."""

from __future__ import annotations

from typing import Any

from muheng.web.emergency.models import EmergencyList, ListedFirm
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
