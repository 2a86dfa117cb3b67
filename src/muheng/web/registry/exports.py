"""The list of enterprises as a workbook, with the rows and columns that the question asks for."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from django.http import FileResponse, Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.web.files.actions import store
from muheng.web.files.models import StoredFile
from muheng.web.jobs.actions import enqueue
from muheng.web.jobs.models import Job
from muheng.web.people.scope import Scope, scope_of
from muheng.web.registry.listing import COLUMNS, Question, describe, find_rows, read_question, read_rows

KIND = "registry.export"
AT_ONCE = 20_000
"""Rows that are written while the person waits; more are written in the background."""
READ_AT_ONCE = 5_000


def write_list(scope: Scope, asked: Question, path: Path) -> int:
    """Write the workbook; gives how many enterprises are in it."""
    titles = [_("企业名称"), *(str(COLUMNS[key].title) for key in asked.columns)]
    keys = ["name", *asked.columns]
    texts: list[list[str]] = [[] for _key in keys]
    for row in _rows(scope, asked):
        for column, key in zip(texts, keys, strict=True):
            column.append(row[key])
    columns = tuple(
        Column(title, pl.Series(values, dtype=pl.String)) for title, values in zip(titles, texts, strict=True)
    )
    today = timezone.localdate()
    many = len(texts[0])
    lines = (
        _("企业名单"),
        describe(asked),
        _("%(day)s 导出，共 %(many)s 家。") % {"day": today.isoformat(), "many": f"{many:,}"},
    )
    write_sheets(
        [Sheet(_("企业名单"), (Table(lines, columns),))],
        path,
        datetime.datetime(today.year, today.month, today.day),
    )
    return many


def store_list(user: Any, query: str) -> StoredFile:
    """Write the list that the person may see, and keep the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        write_list(scope_of(user), read_question(QueryDict(query)), path)
        return store(path, file_name(), user)


def ask_if_long(user: Any, query: str, asked: Question) -> Job | None:
    """Background work that writes the list, where it is too long to wait for."""
    if find_rows(scope_of(user), asked).count() <= AT_ONCE:
        return None
    return enqueue(KIND, user, _("导出企业名单"), query=query)


def write_at_once(scope: Scope, asked: Question) -> FileResponse:
    """The workbook as an answer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        write_list(scope, asked, path)
        # The open file outlives its name.
        return FileResponse(path.open("rb"), as_attachment=True, filename=file_name())


def find_export(user: Any, number: int) -> StoredFile:
    """The workbook that was made in the background for this person. Raises Http404."""
    job = Job.objects.filter(pk=number, kind=KIND, owner=user, state=Job.State.DONE).first()
    if job is None or job.result is None:
        raise Http404
    return get_object_or_404(StoredFile, pk=job.result["file"])


def file_name() -> str:
    return f"{_('企业名单')}-{timezone.localdate().isoformat()}.xlsx"


def _rows(scope: Scope, asked: Question) -> Iterator[dict[str, Any]]:
    found = find_rows(scope, asked)
    numbers = list(found.values_list("pk", flat=True))
    for start in range(0, len(numbers), READ_AT_ONCE):
        part = numbers[start : start + READ_AT_ONCE]
        rows = {row["pk"]: row for row in read_rows(found.filter(pk__in=part).order_by(), asked.columns)}
        yield from (rows[number] for number in part if number in rows)
