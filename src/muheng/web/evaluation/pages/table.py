"""The results as a table: filters, columns of a person's choice, filters kept under a name, the rows as a workbook."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace

from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.audit.actions import record
from muheng.web.evaluation.exports import AT_ONCE, file_name, write_workbook
from muheng.web.evaluation.models import SavedFilter
from muheng.web.evaluation.pages.run import read_line, show
from muheng.web.evaluation.queries.results import see_run
from muheng.web.evaluation.queries.table import (
    Field,
    Question,
    choose_rows,
    list_choices,
    list_fields,
    read_question,
    write_lines,
)
from muheng.web.files.models import StoredFile
from muheng.web.files.pages import download
from muheng.web.jobs.actions import enqueue
from muheng.web.jobs.models import Job
from muheng.web.refusal import Refused
from muheng.web.request import Request

PAGE = 50
MOST_SAVED = 30
EXPORT = "evaluation.export"


def table(request: Request, evaluation: int, number: int) -> HttpResponse:
    """One row for each enterprise of the run."""
    seen = see_run(request.user, evaluation, number)
    fields = list_fields(seen)
    question = read_question(request.GET, fields)
    at = choose_rows(seen, question)
    page = Paginator(range(len(at)), PAGE).get_page(request.GET.get("page"))
    first = page.start_index() - 1 if len(at) else 0
    shown = [fields[key] for key in question.columns]
    grouped: dict[str, list[Field]] = {}
    for field in fields.values():
        grouped.setdefault(field.group, []).append(field)
    query = question.address
    return show(
        request,
        seen,
        "run-table",
        "evaluation/results/table.html",
        question=question,
        choices=list_choices(seen),
        headers=[_header(field, question) for field in shown],
        lines=write_lines(seen, at[first : first + PAGE], shown),
        page=page,
        count=len(at),
        query=f"{query}&" if query else "",
        address=query,
        groups=list(grouped.items()),
        saved=SavedFilter.objects.filter(user=request.user),
    )


def _header(field: Field, question: Question) -> SimpleNamespace:
    """A column's head; its link sorts by it, and the other way round where it does already."""
    here = question.sort == field.key
    asked = QueryDict(mutable=True)
    for key, value in question.pairs:
        if key != "sort":
            asked.appendlist(key, value)
    # Figures are looked at from the largest down.
    down = not question.descending if here else field.numeric and not field.plain
    asked["sort"] = f"-{field.key}" if down else field.key
    return SimpleNamespace(
        title=field.title,
        unit=field.unit,
        number=field.numeric,
        address=asked.urlencode(),
        sort=("descending" if question.descending else "ascending") if here else "",
    )


@require_POST
def save_filter(request: Request, evaluation: int, number: int) -> HttpResponse:
    """Keep this way of looking under a name; a name that is taken is given the new one."""
    seen = see_run(request.user, evaluation, number)
    name = read_line(request.POST.get("name", ""), 60)
    query = read_question(QueryDict(request.POST.get("query", "")[:2000]), list_fields(seen)).address
    if not name:
        raise Refused(_("请给这个筛选起个名字。"), status=422, code="invalid", at="name")
    if len(query) > 1000:
        raise Refused(_("这个筛选太长，存不下。"), _("请少选几列。"), status=422, code="invalid")
    with transaction.atomic():
        kept = SavedFilter.objects.filter(user=request.user)
        if kept.count() >= MOST_SAVED and not kept.filter(name=name).exists():
            raise Refused(_("最多存 %(most)s 个筛选。") % {"most": MOST_SAVED}, _("请先删掉不用的。"))
        found, _made = SavedFilter.objects.update_or_create(
            user=request.user, name=name, defaults={"query": query}
        )
        record(request.user, "evaluation.save_filter", found, query=query)
    return _back(evaluation, number, query)


@require_POST
def drop_filter(request: Request, evaluation: int, number: int, saved: int) -> HttpResponse:
    found = get_object_or_404(SavedFilter, pk=saved, user=request.user)
    with transaction.atomic():
        record(request.user, "evaluation.drop_filter", found)
        found.delete()
    return _back(evaluation, number, "")


def _back(evaluation: int, number: int, query: str) -> HttpResponseRedirect:
    address = reverse("evaluation:run-table", args=(evaluation, number))
    return HttpResponseRedirect(f"{address}?{query}" if query else address)


@require_POST
def ask_export(request: Request, evaluation: int, number: int) -> HttpResponseBase:
    """The chosen rows as a workbook: at once, or by background work where they are many."""
    seen = see_run(request.user, evaluation, number)
    query = read_question(QueryDict(request.POST.get("query", "")[:2000]), list_fields(seen)).address
    many = len(choose_rows(seen, read_question(QueryDict(query), list_fields(seen))))
    with transaction.atomic():
        record(request.user, "evaluation.export", seen.run, query=query, rows=many)
    if many > AT_ONCE:
        title = _("%(run)s：%(count)s 户的表格") % {"run": seen.run, "count": f"{many:,}"}
        job = enqueue(EXPORT, request.user, title, run=seen.run.pk, query=query)
        return redirect("evaluation:run-export", evaluation, number, job.pk)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.xlsx"
        write_workbook(seen, query, path)
        content = path.open("rb")
    return FileResponse(content, as_attachment=True, filename=file_name(seen.run))


def export(request: Request, evaluation: int, number: int, job: int) -> HttpResponse:
    """A large workbook in the making, then its file."""
    seen = see_run(request.user, evaluation, number)
    found = _export_job(request, seen.run.pk, job)
    return show(request, seen, "run-table", "evaluation/results/export.html", job=found)


def export_file(request: Request, evaluation: int, number: int, job: int) -> HttpResponseBase:
    seen = see_run(request.user, evaluation, number)
    found = _export_job(request, seen.run.pk, job)
    if found.state != Job.State.DONE or not found.result:
        raise Http404
    return download(get_object_or_404(StoredFile, pk=found.result["file"]))


def _export_job(request: Request, run: int, job: int) -> Job:
    found = get_object_or_404(Job, pk=job, owner=request.user, kind=EXPORT)
    if found.arguments.get("run") != run:
        raise Http404
    return found
