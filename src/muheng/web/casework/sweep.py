"""What comes round by itself: warnings, escalations, days counted anew by a new calendar, personal values erased.

The library says of each case what is due; here it is written as events of the site and told. Each case is a transaction
of its own that asks again what is due, so that a sweep may be stopped anywhere, and two at once write nothing twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from muheng.casework.history import Actor, BrokenHistory
from muheng.casework.reminders import escalations_due, warnings_due
from muheng.casework.standing import CHINA
from muheng.web.casework.kinds import find_type
from muheng.web.casework.mirror import calendar_digest, save_mirror
from muheng.web.casework.models import Case, OpeningKey
from muheng.web.casework.writing import append, deed, hold, recount, standing_of
from muheng.web.refusal import Refused

MOST = 5_000
"""Cases of one kind of work in one sweep; the next goes on."""
BATCH = 200
KEYS_KEPT = timedelta(days=30)
SITE = Actor("site")
_log = logging.getLogger(__name__)


@dataclass
class Swept:
    """What a sweep did, in cases; ``failed`` are the numbers of those that could not be looked at."""

    recounted: int = 0
    reminded: int = 0
    erased: int = 0
    failed: list[str] = field(default_factory=list)


def sweep(now: datetime | None = None, progress: Callable[[int, int], None] | None = None) -> Swept:
    """Look at every case that something is due for."""
    now = now or timezone.now()
    today = now.astimezone(CHINA).date()
    digest, done = calendar_digest(), Swept()
    live = Case.objects.filter(live=True)
    # Days first: what is due may move.
    work = (
        ("recounted", live.filter(Q(calendar__lt=digest) | Q(calendar__gt=digest)), recount_case),
        ("reminded", _to_remind(now), remind),
        ("erased", Case.objects.filter(erase_on__lte=today), erase),
    )
    for name, rows, deed_of in work:
        setattr(done, name, _each(rows, deed_of, now, done.failed, progress))
    OpeningKey.objects.filter(at__lt=now - KEYS_KEPT).delete()
    return done


def remind_due(now: datetime | None = None, progress: Callable[[int, int], None] | None = None) -> Swept:
    """Warn and raise alone: the part of a sweep that must not come late."""
    now, done = now or timezone.now(), Swept()
    done.reminded = _each(_to_remind(now), remind, now, done.failed, progress)
    return done


def _to_remind(now: datetime) -> QuerySet[Case]:
    return Case.objects.filter(live=True, remind_at__lte=now)


def _each(
    rows: QuerySet[Case],
    deed_of: Callable[[int, datetime], bool],
    now: datetime,
    failed: list[str],
    progress: Callable[[int, int], None] | None,
) -> int:
    changed = seen = last = 0
    while seen < MOST:
        # What stays due (it could not be looked at) is passed by until the next sweep.
        batch = list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "number")[:BATCH])
        for key, number in batch:
            try:
                changed += deed_of(key, now)
            except (Refused, BrokenHistory):
                _log.exception("sweep of %s", number)
                failed.append(number)
        seen += len(batch)
        if progress is not None and batch:
            progress(seen, seen)
        if len(batch) < BATCH:
            break
        last = batch[-1][0]
    return changed


@deed
def remind(key: int, now: datetime) -> bool:
    """Write down what the clocks of a case call for; gives whether there was anything."""
    case = hold(key)
    if not case.live:
        return False
    recount(case, now)
    case_type = find_type(case.type)
    standing = standing_of(case)
    at = max(now, standing.last_at)
    events = [("warn", each.data) for each in warnings_due(case_type, standing, now)]
    events += [("escalate", each.data) for each in escalations_due(case_type, standing, now)]
    for verb, data in events:
        append(case, verb, None, SITE, dict(data), at)
    if not events:
        save_mirror(case, standing)
    return bool(events)


@deed
def recount_case(key: int, now: datetime) -> bool:
    """Count the days of a case by the calendars that the site has now."""
    return recount(hold(key), now)


@deed
def erase(key: int, now: datetime) -> bool:
    """Erase who was to be called, once the case has been closed as long as its type says."""
    case = hold(key)
    if case.erase_on is None or case.erase_on > now.astimezone(CHINA).date():
        return False
    append(case, "erase", None, SITE, {}, max(now, standing_of(case).last_at))
    return True
