"""Whom a tier of an event is told: the enterprise, its county, the city. What is one thing to a reader is one notice.

An event with a case is told to the enterprise by the case; one without, here. Each push is a step of its event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy

from muheng.monitoring.judgement.rules import TierId
from muheng.web.monitoring.cases import HANDLE, keep_step, title_of
from muheng.web.monitoring.models import Event, EventStep, Tier
from muheng.web.monitoring.sayings import say_later, say_ratio
from muheng.web.monitoring.telling import ROOM, holders_of, representatives_of
from muheng.web.notices.actions import tell, tell_channel
from muheng.web.people.models import Organisation, User

MARKED = gettext_lazy("标记后不再成立，请核实标记")
LIMITS_CHANGED = gettext_lazy("改限值后不再成立，请核实改动")
TOGETHER = 4
"""From so many on, one reader hears of them in one notice."""
LEAD = "casework.lead"


@dataclass(frozen=True)
class Push:
    """An event that came to a tier."""

    event: Event
    tier: TierId


def push_all(pushes: Sequence[Push], now: datetime) -> None:
    """Tell everybody of everything, in the caller's transaction."""
    groups: dict[tuple[str, int], list[Event]] = {}
    for push in pushes:
        key = (push.tier, push.event.point.enterprise_id if push.tier == "remind" else _place_of(push))
        groups.setdefault(key, []).append(push.event)
    for (tier, place), events in groups.items():
        if tier == "remind":
            _tell_enterprise(events, now)
        else:
            _tell_officials(tier, place, events, now)


def _place_of(push: Push) -> int:
    """The county for the second tier, one city for the third."""
    return (push.event.point.enterprise.county_id or 0) if push.tier == "warn" else 0


def _tell_enterprise(events: Sequence[Event], now: datetime) -> None:
    people = representatives_of(events[0].point.enterprise_id)
    quiet = [event for event in events if event.case is None]
    if quiet:
        _tell(people, quiet, "monitoring:own-event", "monitoring:mine", gettext_lazy("提醒"), False, now)
    for event in events:
        detail: dict[str, object] = {"to": "enterprise", "people": len(people), "tier": "remind"}
        keep_step(event, EventStep.Kind.PUSHED, now, None, detail)


def _tell_officials(tier: str, place: int, events: Sequence[Event], now: datetime) -> None:
    county = Organisation.objects.filter(pk=place).first() if place else None
    root = Organisation.objects.filter(kind=Organisation.Kind.CITY).order_by("pk")[0]
    people, to = _find_officials(county, root)
    if tier == "supervise":
        leaders = holders_of(LEAD, root.path)
        people, to = list({person.pk: person for person in (*people, *leaders)}.values()), "city"
    urgent = tier == "supervise"
    _tell(people, events, "monitoring:event", "monitoring:events", Tier(tier).label, urgent, now)
    subject, text, href = _words(events, "monitoring:event", "monitoring:events", Tier(tier).label)
    tell_channel(
        [county if county is not None and to == "county" else root],
        subject,
        text,
        href,
        room=ROOM,
        urgent=urgent,
        at=now,
    )
    for event in events:
        keep_step(event, EventStep.Kind.PUSHED, now, None, {"to": to, "people": len(people), "tier": tier})


def tell_excused(events: Sequence[Event], what: object, now: datetime) -> None:
    """A mark or a changed limit took away what the enterprise had been told of: whoever looks after it sees whether that
    holds. ``what``: what is to be looked at."""
    root = Organisation.objects.filter(kind=Organisation.Kind.CITY).order_by("pk")[0]
    by_county: dict[Organisation | None, list[Event]] = {}
    for event in events:
        by_county.setdefault(event.point.enterprise.county, []).append(event)
    for county, some in by_county.items():
        people, _to = _find_officials(county, root)
        subject, text, href = _words(some, "monitoring:event", "monitoring:events", what)
        tell(people, subject, text, href, room=ROOM, key=f"excused:{some[0].number}", at=now)


def find_overseers(county: Organisation | None, city: bool) -> list[User]:
    """Who looks after the enterprises of a county; ``city``: and who does in the city."""
    root = Organisation.objects.filter(kind=Organisation.Kind.CITY).order_by("pk").first()
    if root is None:
        return []
    people, _to = _find_officials(county, root)
    more = holders_of(HANDLE, root.path) if city else []
    return list({person.pk: person for person in (*people, *more)}.values())


def _find_officials(county: Organisation | None, root: Organisation) -> tuple[list[User], str]:
    """The county hears of what is its own; where nobody there looks after it, the city does."""
    people = [] if county is None else _within(holders_of(HANDLE, county.path), root)
    return (people, "county") if people else (holders_of(HANDLE, root.path), "city")


def _within(people: Sequence[User], root: Organisation) -> list[User]:
    """Those whose post is below the city: the city hears of what comes to it."""
    above = {person.pk for person in holders_of(HANDLE, root.path)}
    return [person for person in people if person.pk not in above]


def _tell(
    people: Sequence[User],
    events: Sequence[Event],
    one: str,
    many: str,
    tier: object,
    urgent: bool,
    now: datetime,
) -> None:
    if len(events) < TOGETHER:
        for event in events:
            subject, text, href = _words([event], one, many, tier)
            tell(
                people,
                subject,
                text,
                href,
                room=ROOM,
                key=f"event:{event.number}:{event.tier}",
                urgent=urgent,
                at=now,
            )
        return
    subject, text, href = _words(events, one, many, tier)
    tell(people, subject, text, href, room=ROOM, urgent=urgent, at=now)


def _words(events: Sequence[Event], one: str, many: str, tier: object) -> tuple[object, object, str]:
    """What a notice says of events, put together in its reader's language, and where it leads."""
    if len(events) == 1:
        event = events[0]
        subject = say_later(
            gettext_lazy("%(tier)s：%(enterprise)s %(title)s"),
            tier=tier,
            enterprise=event.point.enterprise.name,
            title=lazy(title_of, str)(event),
        )
        peak = lazy(say_ratio, str)(event.peak)
        text = say_later(gettext_lazy("最高为限值的 %(peak)s"), peak=peak) if event.peak is not None else ""
        return subject, text, reverse(one, args=[event.number])
    subject = say_later(gettext_lazy("%(tier)s：%(count)s 起监测事件"), tier=tier, count=len(events))
    names = list(dict.fromkeys(event.point.enterprise.name for event in events))
    shown = "、".join(names[:5])
    text = (
        shown
        if len(names) <= 5
        else say_later(gettext_lazy("%(names)s等 %(count)s 家"), names=shown, count=len(names))
    )
    return subject, text, reverse(many)
