"""The rows of a results table as a workbook: the columns that are shown, as people read them."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from django.http import FileResponse, Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.web.audit.actions import record
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.queries.results import LARGEST, SeenRun, find_sight
from muheng.web.evaluation.queries.table import choose_rows, list_fields, make_columns, read_question
from muheng.web.files.actions import store
from muheng.web.files.models import StoredFile
from muheng.web.jobs.actions import Progress, enqueue, task
from muheng.web.jobs.models import Job

KIND = "evaluation.export"
AT_ONCE = 20_000
"""Rows that are written while the person waits; more are written in the background."""


def write_workbook(seen: SeenRun, query: str, path: Path) -> int:
    """Write the rows that a question chooses; how many."""
    fields = list_fields(seen)
    question = read_question(QueryDict(query), fields)
    at: NDArray[np.uint32] = choose_rows(seen, question)
    lines = (
        f"{seen.run.evaluation.title} {seen.run.title}",
        _("已签发的结果。") if seen.run.signed_at else _("没有签发，不是正式结果；内部资料，不作公布。"),
        _("共 %(count)s 户。") % {"count": f"{len(at):,}"},
    )
    columns = make_columns(seen, at, [fields[key] for key in question.columns])
    made = timezone.localtime(seen.run.signed_at or seen.run.created_at)
    write_sheets(
        [Sheet(_("评价结果"), (Table(lines, columns),))],
        path,
        datetime.datetime(made.year, made.month, made.day),
    )
    return len(at)


def ask_if_long(user: Any, seen: SeenRun, query: str) -> Job | None:
    """Write into the book that rows are taken; background work that writes them where they are many."""
    many = len(choose_rows(seen, read_question(QueryDict(query), list_fields(seen))))
    with transaction.atomic():
        record(user, "evaluation.export", seen.run, query=query, rows=many)
    if many <= AT_ONCE:
        return None
    title = _("%(run)s：%(count)s 户的表格") % {"run": seen.run, "count": f"{many:,}"}
    return enqueue(KIND, user, title, run=seen.run.pk, query=query)


def write_at_once(seen: SeenRun, query: str) -> FileResponse:
    """The workbook as an answer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.xlsx"
        write_workbook(seen, query, path)
        # The open file outlives its name.
        return FileResponse(path.open("rb"), as_attachment=True, filename=file_name(seen.run))


def find_job(user: Any, run: Run, number: int) -> Job:
    """The work that writes rows of this run for this person. Raises Http404."""
    job = Job.objects.filter(pk=number, owner=user, kind=KIND).first() if number <= LARGEST else None
    if job is None or job.arguments.get("run") != run.pk:
        raise Http404
    return job


def find_export(user: Any, run: Run, number: int) -> StoredFile:
    """The workbook that was made. Raises Http404."""
    job = find_job(user, run, number)
    if job.state != Job.State.DONE or not job.result:
        raise Http404
    return get_object_or_404(StoredFile, pk=job.result["file"])


def file_name(run: Run) -> str:
    return f"{run.evaluation.title}-{run.number}-{_('评价结果')}.xlsx"


@task(KIND)
def export(progress: Progress, run: int, query: str) -> dict[str, Any]:
    """Write a large workbook; the person who asked gets it, with the rows that they may see now."""
    found = Run.objects.select_related("evaluation").get(pk=run)
    owner = progress.job.owner
    progress(0, 1, _("写表格"))
    seen = SeenRun(found, find_sight(owner, found))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.xlsx"
        rows = write_workbook(seen, query, path)
        file: StoredFile = store(path, file_name(found), owner)
    return {"file": file.pk, "rows": rows}
