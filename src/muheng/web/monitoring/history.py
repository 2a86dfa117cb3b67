"""Events and confirmed suspicions on an enterprise's timeline in the registry."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.monitoring.cases import title_of
from muheng.web.monitoring.models import Suspicion, Tier
from muheng.web.monitoring.queries.scope import events_for, suspicions_for
from muheng.web.monitoring.sayings import sign_title
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own
from muheng.web.registry.timeline import KINDS, Event, provider

KINDS["monitoring"] = gettext_lazy("自动监控")
_MOST = 40


@provider
def happenings(enterprise: Enterprise, user: User) -> Iterator[Event]:
    """The newest events above reminders, how they ended, and suspicions that were confirmed."""
    rows = events_for(user).filter(point__enterprise=enterprise, gone=False)
    name = "monitoring:own-event" if is_own(user, enterprise) else "monitoring:event"
    for event in rows.exclude(tier=Tier.REMIND).order_by("-begin")[:_MOST]:
        href = reverse(name, args=[event.number])
        note = f"{event.number} {event.get_tier_display()}"
        yield Event(timezone.localdate(event.begin), "monitoring", title_of(event), note, href)
        if event.closed_at is not None:
            title = _("%(what)s：办结") % {"what": title_of(event)}
            yield Event(timezone.localdate(event.closed_at), "monitoring", title, event.number, href)
    confirmed = suspicions_for(user).filter(
        point__enterprise=enterprise, state=Suspicion.State.CONFIRMED, looked_at__isnull=False
    )
    for each in confirmed.order_by("-looked_at")[:_MOST]:
        title = _("%(point)s：%(sign)s，查实") % {"point": each.point.name, "sign": sign_title(each.kind)}
        assert each.looked_at is not None
        href = reverse("monitoring:suspicion", args=[each.pk])
        yield Event(timezone.localdate(each.looked_at), "monitoring", title, "", href)
