"""The card on an enterprise's page: what is in hand for it, and what is late."""

from __future__ import annotations

from django.utils import timezone

from muheng.web.casework import queries
from muheng.web.casework.listing import COUNTED, read_rows, say_count
from muheng.web.people.models import User
from muheng.web.people.rights import holds
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own
from muheng.web.registry.sections import Section, register_section

SHOWN = 3


def make_card(enterprise: Enterprise, user: User) -> Section | None:
    """The next due of the enterprise's cases that the person may see; nothing where there never was one."""
    own = is_own(user, enterprise)
    seen = queries.visible_cases(user).filter(enterprise=enterprise)
    live = seen.filter(live=True).order_by("turn_at", "pk")
    keys = list(live.values_list("pk", flat=True)[: COUNTED + 1])
    may_open = holds(user, "casework.open") and not own
    if not keys and not may_open and not seen.exists():
        return None
    now = timezone.now()
    card = {
        "enterprise": enterprise,
        "count": say_count(len(keys)),
        "late": seen.filter(live=True, turn_at__lt=now)[: COUNTED + 1].count(),
        "rows": read_rows(keys[:SHOWN], now),
        "own": own,
        "may_open": may_open,
    }
    return Section("casework/card.html", card)


register_section("aside", make_card)
