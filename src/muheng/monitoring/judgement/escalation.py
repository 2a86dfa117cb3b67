"""When an episode comes to a higher tier because nobody did what was due. What people did, and now, are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from muheng.monitoring.judgement.episodes import Episode
from muheng.monitoring.judgement.rules import TIERS, Alerts, TierId, Until


@dataclass(frozen=True)
class Arrival:
    """An episode at a tier. ``because``: what was not done in time; None: its data brought it there."""

    tier: TierId
    at: datetime
    because: Until | None = None


@dataclass(frozen=True)
class Due:
    """What has to be done by when, or the episode comes to ``tier``."""

    tier: TierId
    until: Until
    by: datetime


def escalate(
    episode: Episode,
    rules: Alerts,
    now: datetime,
    *,
    key: bool,
    answered: datetime | None = None,
    closed: datetime | None = None,
) -> tuple[tuple[Arrival, ...], tuple[Due, ...]]:
    """Where the episode has been up to now, tier by tier, and what is still due.

    A tier's clock runs from the arrival at the tier below. What is closed is answered too.
    """
    done: dict[Until, datetime | None] = {"answered": _first(answered, closed), "closed": closed}
    arrivals: list[Arrival] = []
    due: list[Due] = []
    for place, tier in enumerate(rules.tier):
        candidates = []
        reached = episode.reached(tier.id)
        if reached is not None and reached <= now:
            candidates.append(Arrival(tier.id, reached))
        below = _last_below(arrivals, rules.tier[place - 1].id) if place else None
        if tier.escalate is not None and below is not None:
            allowed = tier.escalate.after_hours
            if key and tier.escalate.after_hours_key is not None:
                allowed = tier.escalate.after_hours_key
            by = below + timedelta(hours=allowed)
            act = done[tier.escalate.until]
            if act is None or act > by:
                if by <= now:
                    candidates.append(Arrival(tier.id, by, tier.escalate.until))
                elif not candidates and act is None:
                    due.append(Due(tier.id, tier.escalate.until, by))
        if candidates:
            arrivals.append(min(candidates, key=lambda each: (each.at, each.because is not None)))
    return tuple(arrivals), tuple(due)


def _first(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)


def _last_below(arrivals: list[Arrival], tier: TierId) -> datetime | None:
    """When it came to the tier below, or to one above that at once."""
    return next((each.at for each in arrivals if TIERS.index(each.tier) >= TIERS.index(tier)), None)
