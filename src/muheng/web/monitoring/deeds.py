"""What waits for a person in this room: events to answer or verify, proofs to give, patrols to make, suspicions to judge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.web.monitoring.cases import HANDLE, title_of
from muheng.web.monitoring.models import Event, Suspicion, Tier
from muheng.web.monitoring.moments import midnight
from muheng.web.monitoring.queries import own
from muheng.web.monitoring.queries.events import sort_by_urgency
from muheng.web.monitoring.queries.patrols import PATROL, patrols_for
from muheng.web.monitoring.queries.proofs import list_days
from muheng.web.monitoring.queries.scope import events_for, suspicions_for
from muheng.web.people.models import User
from muheng.web.people.rights import holds, represents
from muheng.web.templatetags.words import day as say_day
from muheng.web.waiting import Waiting

MOST = 5
FEW = 3


def list_deeds(user: User, now: datetime | None = None) -> Iterator[Waiting]:
    """What waits for a person."""
    now = now or timezone.now()
    if represents(user):
        yield from _own(user, now)
    if holds(user, HANDLE):
        yield from _handle(user, now)
    if holds(user, PATROL):
        yield from _patrol(user)


def _own(user: User, now: datetime) -> Iterator[Waiting]:
    events = own.own_events(user).filter(state=Event.State.OPEN, gone=False)
    for event in sort_by_urgency(events)[:MOST]:
        urgent = event.tier == Tier.SUPERVISE or (
            event.answer_by is not None and event.answer_by - now < timedelta(hours=2)
        )
        href = reverse("monitoring:own-event", args=[event.number])
        yield Waiting(
            _("说明：%(what)s") % {"what": title_of(event)}, href, event.answer_by, event.number, urgent
        )
    for enterprise in own.own_enterprises(user):
        for each in list_days(enterprise, now, 1):
            if each.proof is None:
                href = f"{reverse('monitoring:own-proof')}?enterprise={enterprise.code}&day={each.day}"
                yield Waiting(_("自证%(day)s") % {"day": say_day(each.day)}, href, each.due, enterprise.name)


def _handle(user: User, now: datetime) -> Iterator[Waiting]:
    events = events_for(user, HANDLE).filter(gone=False)
    grave = events.filter(tier=Tier.SUPERVISE).exclude(state__in=(Event.State.CLOSED, Event.State.FIELD))
    for event in sort_by_urgency(grave)[:MOST]:
        href = reverse("monitoring:event", args=[event.number])
        title = _("督办：%(enterprise)s %(what)s") % {
            "enterprise": event.point.enterprise.name,
            "what": title_of(event),
        }
        yield Waiting(title, href, event.due_at, event.number, urgent=True)
    answered = events.filter(state=Event.State.ANSWERED).exclude(tier=Tier.SUPERVISE)
    count = answered.count()
    if count:
        first = answered.aggregate(first=Min("due_at"))["first"]
        href = f"{reverse('monitoring:events')}?state=answered"
        yield Waiting(_("核实 %(count)s 件监测事件的说明") % {"count": count}, href, first)
    signs = suspicions_for(user, HANDLE).filter(state=Suspicion.State.NEW, gone=False, strength="strong")
    strong = signs.count()
    if strong:
        yield Waiting(
            _("核实 %(count)s 个很明显的疑点") % {"count": strong}, reverse("monitoring:suspicions")
        )


def _patrol(user: User) -> Iterator[Waiting]:
    mine = patrols_for(user).filter(done_at=None, case__handler=user).order_by("due")
    count = mine.count()
    # A few stand there one by one already, as the cases that they are.
    if count > FEW:
        href = f"{reverse('monitoring:patrols')}?only=mine"
        yield Waiting(_("网上巡查 %(count)s 个点位") % {"count": count}, href, _end_of(mine[0].due))


def _end_of(due: date | None) -> datetime | None:
    return None if due is None else midnight(due + timedelta(days=1)) - timedelta(minutes=1)
