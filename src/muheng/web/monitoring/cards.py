"""A card on an enterprise's page in the registry: its watched outlets, what is open there, its last proof."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone

from muheng.web.monitoring.models import Event, Point, Proof, Suspicion
from muheng.web.monitoring.queries.scope import VIEW
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, may
from muheng.web.registry.sections import Section, register_section

TEMPLATE = "monitoring/card.html"


def _monitoring(enterprise: Enterprise, user: User) -> Section | None:
    """To officials who look after the enterprise, and to itself."""
    official = may(user, VIEW, enterprise)
    own = is_own(user, enterprise)
    if not official and not own:
        return None
    points = list(
        Point.objects.filter(enterprise=enterprise, watched_until=None)
        .select_related("latest", "outlet")
        .order_by("outlet__code")
    )
    if not points:
        return None
    events = Event.objects.filter(point__in=points, gone=False)
    card = {
        "points": points,
        "own": own and not official,
        "open": events.exclude(state=Event.State.CLOSED).count(),
        "year": events.filter(begin__year=timezone.localdate().year).count(),
        "suspicions": Suspicion.objects.filter(
            point__in=points, gone=False, state=Suspicion.State.NEW
        ).count()
        if official
        else 0,
        "proof": Proof.objects.filter(enterprise=enterprise).first(),
        "address": f"{reverse('monitoring:events')}?state=all&q={enterprise.code}"
        if official
        else f"{reverse('monitoring:mine')}?enterprise={enterprise.code}",
    }
    return Section(TEMPLATE, card)


register_section("aside", _monitoring)
