"""The room's rounds: new data are taken, points judged, clocks followed, months added up, what is old put away; and evidence
that somebody asked for is locked."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from muheng.web.jobs.actions import Progress, task
from muheng.web.monitoring.actions import evidence
from muheng.web.monitoring.answering import take_answers
from muheng.web.monitoring.copying import compare_all
from muheng.web.monitoring.escalating import escalate_due
from muheng.web.monitoring.judging import judge_due
from muheng.web.monitoring.models import Event
from muheng.web.monitoring.store import write_allow_list
from muheng.web.monitoring.taking import clear_old_hours, take_fresh
from muheng.web.monitoring.totals import add_up_due

AT_ONCE = 5000
"""Points that are judged before anybody looks for new data again: some fifteen seconds."""


@task("monitoring.take", every=timedelta(seconds=15), lane="watch")
def take(progress: Progress) -> dict[str, int]:
    """What devices sent, and what they answered."""
    files, rows = take_fresh()
    return {"files": files, "rows": rows, "answers": take_answers()}


@task("monitoring.judge", every=timedelta(minutes=1), lane="watch")
def judge(progress: Progress) -> dict[str, int]:
    """All points with something new, some at a time; between two times what came meanwhile is taken."""
    points = 0
    while judged := judge_due(most=AT_ONCE):
        points += judged
        if judged < AT_ONCE:
            break
        take_fresh()
    return {"points": points}


@task("monitoring.escalate", every=timedelta(minutes=1), lane="watch")
def escalate(progress: Progress) -> dict[str, int]:
    """Events whose clocks have run out."""
    return {"events": escalate_due()}


@task("monitoring.add_up", every=timedelta(hours=24))
def add_up(progress: Progress) -> dict[str, int]:
    """What was emitted in the running month and the one before."""
    return {"points": add_up_due(progress=progress)}


@task("monitoring.tidy", every=timedelta(hours=12))
def tidy(progress: Progress) -> dict[str, int]:
    """Old hours, and the lists in the store in case a process died before it wrote them."""
    return {"hours": clear_old_hours(timezone.now()), "devices": write_allow_list()}


@task("monitoring.compare", every=timedelta(hours=24))
def compare(progress: Progress) -> dict[str, int]:
    """Values that another point sent too, among all points."""
    return {"suspicions": compare_all(progress=progress)}


@task(evidence.SEAL)
def seal(progress: Progress, event: int, note: str) -> dict[str, int]:
    """What there is about an event, for whoever asked."""
    asked = progress.job.owner
    assert asked is not None
    rows = Event.objects.select_related("point__enterprise", "point__outlet", "case")
    made = evidence.seal(asked, rows.get(pk=event), note, progress=progress)
    return {"evidence": made.pk}
