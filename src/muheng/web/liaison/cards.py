"""The card on an enterprise's page: who looks after it, the last visit, what is open."""

from __future__ import annotations

from django.utils import timezone

from muheng.web.liaison.queries import may_visit, officer_of, reckon_all, sees_account
from muheng.web.people.models import User
from muheng.web.people.rights import holds
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own
from muheng.web.registry.sections import Section, register_section


def make_card(enterprise: Enterprise, user: User) -> Section | None:
    """To the enterprise: who its officer is. To officials who may see pairings: also how far visits are."""
    own = is_own(user, enterprise)
    if not own and not sees_account(user, enterprise):
        return None
    pairing = officer_of(enterprise)
    if pairing is None and (own or not holds(user, "liaison.view")):
        return None
    owed = reckon_all([pairing], timezone.localdate())[0] if pairing is not None else None
    card = {
        "enterprise": enterprise,
        "pairing": pairing,
        "owed": None if own else owed,
        "own": own,
        "may_visit": may_visit(user, enterprise),
    }
    return Section("liaison/card.html", card)


register_section("aside", make_card)
