"""The clocks of the tiers: an event comes to a higher one because nobody did what was due, and who is told then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from muheng.monitoring.judgement.episodes import Episode, Seen
from muheng.monitoring.judgement.escalation import Arrival, Due, escalate
from muheng.monitoring.judgement.rules import TIERS, Alerts, When
from muheng.web.casework.writing import deed
from muheng.web.monitoring.cases import keep_step
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Event, EventStep
from muheng.web.monitoring.moments import to_aware, to_local
from muheng.web.monitoring.pushing import Push, push_all

_HOUR = timedelta(hours=1)


def follow_clock(event: Event, rules: Alerts, now: datetime) -> tuple[tuple[Arrival, ...], tuple[Due, ...]]:
    """Where an event has been by its tiers, and what is due. Clocks run from when the site knew, not from the hour itself:
    nobody is late with what nobody could know."""
    return escalate(
        _as_known(event),
        rules,
        to_local(now),
        key=event.point.key,
        answered=None if event.answered_at is None else to_local(event.answered_at),
        closed=None if event.closed_at is None else to_local(event.closed_at),
    )


def wants_answer(event: Event, rules: Alerts) -> bool:
    """Whether somebody has to say something to it. What only comes near a limit, or stays the same, is a hint."""
    return event.case_id is not None or bool({each["kind"] for each in event.seen} & set(rules.follow.case))


def set_clock(event: Event, rules: Alerts, now: datetime) -> None:
    """When the next tier is told. In the caller's transaction."""
    due_at, until = None, ""
    if (
        not event.gone
        and event.state in (Event.State.OPEN, Event.State.ANSWERED)
        and wants_answer(event, rules)
    ):
        _arrivals, due = follow_clock(event, rules, now)
        if due:
            first = min(due, key=lambda each: each.by)
            due_at, until = to_aware(first.by), first.until
    if (event.due_at, event.due_until) != (due_at, until):
        event.due_at, event.due_until = due_at, until
        event.save(update_fields=("due_at", "due_until"))


def escalate_due(now: datetime | None = None) -> int:
    """Bring events to the tier that their clocks have come to; gives how many."""
    now = now or timezone.now()
    return _escalate(now) if Event.objects.filter(due_at__lte=now, gone=False).exists() else 0


@deed
def _escalate(now: datetime) -> int:
    rules = city_rules().alerts
    pushes: list[Push] = []
    due = Event.objects.select_for_update(of=("self",)).filter(due_at__lte=now, gone=False)
    for event in due.select_related("point__enterprise__county").order_by("due_at"):
        arrivals, _due = follow_clock(event, rules, now)
        reached = max((each.tier for each in arrivals), key=TIERS.index, default=event.tier)
        before = TIERS.index(event.tier)
        if event.state in (Event.State.OPEN, Event.State.ANSWERED) and TIERS.index(reached) > before:
            because = next((each.because for each in arrivals if each.tier == reached), None)
            detail: dict[str, Any] = {"from": event.tier, "to": reached, "because": because}
            event.tier = reached
            event.save(update_fields=("tier",))
            keep_step(event, EventStep.Kind.GROWN, now, None, detail)
            pushes += [Push(event, tier) for tier in TIERS[before + 1 : TIERS.index(reached) + 1]]
        set_clock(event, rules, now)
    push_all(pushes, now)
    return len({push.event.pk for push in pushes})


def _as_known(event: Event) -> Episode:
    """The event as an episode whose conditions were first so in the hour before the site knew."""
    seen = []
    for each in event.seen:
        known = datetime.fromisoformat(each["known"]) - _HOUR
        when = When(kind=each["kind"], percent=each["percent"], hours=each["hours"], days=each["days"])
        first = max(datetime.fromisoformat(each["first"]), known)
        seen.append(
            Seen(each["tier"], when, first, max(first, datetime.fromisoformat(each["last"])), each["times"])
        )
    return Episode(
        str(event.point_id),
        event.factor,
        to_local(event.begin),
        to_local(event.last),
        tuple(seen),
        event.peak,
        event.over,
    )
