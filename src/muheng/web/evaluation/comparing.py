"""Ask for two runs to be compared, and do it in the background."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from muheng.policy.compare import compare
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.queries.comparison import KIND, find_job, keep
from muheng.web.evaluation.runs import read_result
from muheng.web.jobs.actions import Progress, enqueue, task
from muheng.web.jobs.models import Job


@transaction.atomic
def ask_comparison(actor: Any, first: Run, second: Run) -> Job:
    """The work that compares; what was asked for already is not done twice."""
    known = find_job(first, second)
    if known is not None and known.state in (Job.State.WAITING, Job.State.RUNNING, Job.State.DONE):
        return known
    title = _("比较：%(first)s → %(second)s") % {"first": first.title, "second": second.title}
    return enqueue(KIND, actor, title, first=first.pk, second=second.pk)


@task(KIND)
def compare_runs(progress: Progress, first: int, second: int) -> dict[str, Any]:
    """Find who moves and why."""
    runs = Run.objects.in_bulk((first, second))
    progress(0, 3, _("读取两次结果"))
    before, after = read_result(runs[first].results), read_result(runs[second].results)
    progress(1, 3, _("逐条找出原因"))
    comparison = compare(before, after)
    progress(2, 3, _("整理"))
    return {"folder": keep(comparison), "moved": comparison.moves.height}
