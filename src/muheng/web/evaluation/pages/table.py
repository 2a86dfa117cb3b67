"""The results as a table: filters, columns of a person's choice, filters kept under a name, the rows as a workbook."""

from __future__ import annotations

from types import SimpleNamespace

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from muheng.web.evaluation.actions import filters
from muheng.web.evaluation.exports import ask_if_long, find_export, find_job, write_at_once
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
from muheng.web.files.pages import download
from muheng.web.request import Request

PAGE = 50


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
    found = filters.save_filter(request.user, seen, name, request.POST.get("query", ""))
    return _back(evaluation, number, found.query)


@require_POST
def drop_filter(request: Request, evaluation: int, number: int, saved: int) -> HttpResponse:
    filters.drop_filter(request.user, saved)
    return _back(evaluation, number, "")


def _back(evaluation: int, number: int, query: str) -> HttpResponseRedirect:
    address = reverse("evaluation:run-table", args=(evaluation, number))
    return HttpResponseRedirect(f"{address}?{query}" if query else address)


@require_POST
def ask_export(request: Request, evaluation: int, number: int) -> HttpResponseBase:
    """The chosen rows as a workbook: at once, or by background work where they are many."""
    seen = see_run(request.user, evaluation, number)
    query = read_question(QueryDict(request.POST.get("query", "")[:2000]), list_fields(seen)).address
    job = ask_if_long(request.user, seen, query)
    if job is not None:
        return redirect("evaluation:run-export", evaluation, number, job.pk)
    return write_at_once(seen, query)


def export(request: Request, evaluation: int, number: int, job: int) -> HttpResponse:
    """A large workbook in the making, then its file."""
    seen = see_run(request.user, evaluation, number)
    found = find_job(request.user, seen.run, job)
    return show(request, seen, "run-table", "evaluation/results/export.html", job=found)


def export_file(request: Request, evaluation: int, number: int, job: int) -> HttpResponseBase:
    seen = see_run(request.user, evaluation, number)
    return download(find_export(request.user, seen.run, job))
