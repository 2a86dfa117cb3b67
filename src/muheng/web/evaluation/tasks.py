"""Work in the background: take a roster, send out the sheets, compute a run."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from muheng.web.evaluation import comparing as comparing  # their tasks
from muheng.web.evaluation import exports as exports
from muheng.web.evaluation.actions.roster import take_roster
from muheng.web.evaluation.actions.running import compute_run
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.jobs.actions import Progress, task


@task("evaluation.take_roster")
def _take_roster(progress: Progress, evaluation: int) -> dict[str, Any]:
    progress(0, 1, _("读取数据，试算谁参评"))
    total = take_roster(progress.job.owner, Evaluation.objects.get(pk=evaluation))
    return {"evaluation": evaluation, "enterprises": total}


@task("evaluation.run")
def _run(progress: Progress, run: int) -> dict[str, Any]:
    found = Run.objects.select_related("evaluation").get(pk=run)
    compute_run(found, progress)
    found.refresh_from_db()
    return {"evaluation": found.evaluation_id, "run": found.number, "state": found.state}
