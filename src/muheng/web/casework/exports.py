"""A list of cases as a workbook, written in the background: what the list shows, never who to call."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.web.casework import listing
from muheng.web.files.actions import store
from muheng.web.files.models import StoredFile
from muheng.web.jobs.actions import Progress, enqueue, task
from muheng.web.jobs.models import Job
from muheng.web.people.models import User

KIND = "casework.export"
MOST = 200_000
"""Rows of a workbook; who wants more asks year by year."""
_AT_ONCE = 2_000


def ask(user: User, query: str) -> Job:
    """Ask for the workbook of a list."""
    return enqueue(KIND, user, _("导出事项清单"), query=query)


def find(user: User, number: int) -> StoredFile:
    """The workbook that was made for this person. Raises Http404."""
    job = Job.objects.filter(pk=number, kind=KIND, owner=user, state=Job.State.DONE).first()
    if job is None or job.result is None:
        raise Http404
    return get_object_or_404(StoredFile, pk=job.result["file"])


@task(KIND)
def export(progress: Progress, query: str) -> dict[str, int]:
    """Write the list as the person who asked may see it when the work is done."""
    person = progress.job.owner
    assert person is not None, "nobody asked"
    asked = listing.read_question(QueryDict(query))
    if asked.tab not in listing.tabs_of(person):
        asked = listing.read_question({"tab": "all"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        many = _write(person, asked, path, progress)
        stored = store(path, f"{_('事项清单')}-{timezone.localdate().isoformat()}.xlsx", person)
    return {"file": stored.pk, "rows": many}


def _write(person: User, asked: listing.Question, path: Path, progress: Progress) -> int:
    now = timezone.now()
    today = timezone.localdate(now)
    keys = listing.find_numbers(person, asked, 0, MOST, now)
    titles = [
        *(_("编号"), _("事项"), _("类型"), _("类别"), _("状态"), _("企业"), _("承办单位"), _("承办人")),
        *(_("登记"), _("到期"), _("期限"), _("办结"), _("是否超期办结"), _("评价")),
    ]
    texts: list[list[str]] = [[] for _title in titles]
    for start in range(0, len(keys), _AT_ONCE):
        for row in listing.read_rows(keys[start : start + _AT_ONCE], now):
            for column, text in zip(texts, _cells(row), strict=True):
                column.append(text)
        progress(min(start + _AT_ONCE, len(keys)), len(keys))
    columns = tuple(
        Column(title, pl.Series(values, dtype=pl.String)) for title, values in zip(titles, texts, strict=True)
    )
    said = _("%(day)s 导出，共 %(many)s 件。") % {"day": today.isoformat(), "many": f"{len(keys):,}"}
    if len(keys) == MOST:
        said += _("只导出前 %(most)s 件，其余请缩小范围另行导出。") % {"most": f"{MOST:,}"}
    lines = (_("事项清单"), listing.describe(asked), said)
    created = datetime.datetime(today.year, today.month, today.day)
    write_sheets([Sheet(_("事项清单"), (Table(lines, columns),))], path, created)
    return len(keys)


def _spell(deadline: datetime.date | None) -> str:
    if isinstance(deadline, datetime.datetime):
        return f"{timezone.localtime(deadline):%Y-%m-%d %H:%M}"
    return deadline.isoformat() if deadline is not None else ""


def _cells(row: listing.Row) -> tuple[Any, ...]:
    ended = not row.live
    return (
        *(row.number, row.title, row.type, row.kind, row.state, row.enterprise, row.office, row.handler),
        row.opened_on.isoformat(),
        _spell(row.due.deadline),
        row.due.text,
        row.closed_on.isoformat() if row.closed_on else "",
        (_("超期") if row.late else _("按期")) if ended else "",
        str(row.rating or ""),
    )
