"""More of a run for programs: who moved and by what, its rules beside their effect, filters, workbooks, numbers kept."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.web.api_description import FILE, XLSX
from muheng.web.evaluation import exports
from muheng.web.evaluation.actions import filters, numbers
from muheng.web.evaluation.comparing import ask_comparison
from muheng.web.evaluation.models import Run, SavedFilter
from muheng.web.evaluation.pages.run import read_line
from muheng.web.evaluation.queries.beside import read_beside
from muheng.web.evaluation.queries.comparison import (
    AFTER,
    BEFORE,
    CAUSE,
    SeenComparison,
    find_job,
    look,
    narrow,
)
from muheng.web.evaluation.queries.overview import figures_of
from muheng.web.evaluation.queries.results import LARGEST, SeenRun, see_run
from muheng.web.evaluation.queries.table import list_fields
from muheng.web.evaluation.results_api import RUN, Asked, question_of
from muheng.web.evaluation.runs import LAST
from muheng.web.files.pages import download
from muheng.web.jobs.models import Job
from muheng.web.paging import Listed, Part, answer, answer_list
from muheng.web.people.rights import require
from muheng.web.reading import language

router = Router()
_CHANGES = "位置到新数字，位置见 levers。"


class YearMove(Schema):
    """An enterprise whose grade is not last year's."""

    code: str
    name: str
    before: str = Field(description="上年签发的等级。")
    after: str
    regraded_by: str = Field(description="由哪条规则调整；没有则为空。")


class Against(Schema):
    against: int = Field(ge=1, le=LARGEST, description="与同一评价的第几次计算比。")


class ComparisonAsked(Schema):
    """The work that compares: see ``/api/jobs/{job}``, or ask for the comparison until it is there."""

    job: int
    state: str


class MoveCause(Schema):
    """A changed rule or figure, and how many it moved."""

    number: int
    what: str
    moved: int


class ComparisonShown(Schema):
    """``labels``: the grades, then standings without one; ``matrix`` from each to each. All empty until it is done."""

    state: str = Field(description="waiting running done failed cancelled")
    job: int
    labels: list[str]
    matrix: list[list[int]]
    moved: int
    causes: list[MoveCause]


class RunMove(Schema):
    """An enterprise whose grade or standing differs between two runs."""

    code: str
    name: str
    before: str | None
    after: str | None
    total_before: str | None
    total_after: str | None
    causes: list[int] = Field(description="原因的编号。")


class RuleShown(Schema):
    """A sentence, or a row of a table; ``effect``: what it did to the enterprises in sight."""

    text: str
    cells: list[str]
    effect: list[str]


class PartShown(Schema):
    title: str
    header: list[str]
    rules: list[RuleShown]
    last: list[str]


class ChapterShown(Schema):
    id: str
    title: str
    parts: list[PartShown]


class RulesShown(Schema):
    """The policy of the run as people read it, each rule beside its effect."""

    name: str
    illustrative: bool
    chapters: list[ChapterShown]


class NumbersKept(Schema):
    """Numbers of a simulation, to be kept."""

    changes: dict[str, str | float] = Field(max_length=500, description=_CHANGES)
    title: str = Field("", max_length=180, description="名称；不写的由网站起。")


class DraftMade(Schema):
    """The draft: see ``/api/policies/{slug}/{number}``."""

    slug: str
    number: int


class TrialMade(Schema):
    """The run that is computed in the background."""

    number: int
    job: int | None


class FilterShown(Schema):
    """A way of looking at results. ``query``: after the question mark of a results table."""

    id: int
    name: str
    query: str


class FilterGiven(Schema):
    name: str = Field(max_length=60)
    query: str = Field(max_length=2000, description="结果表地址问号之后的部分，如 grade=A&sort=-总分。")


class WorkbookAsked(Schema):
    """Background work was begun: see ``/api/jobs/{job}``."""

    job: int


@router.get(f"{RUN}/moves", response=Listed[YearMove], summary="与上年比，谁变了")
def list_moves(
    request: HttpRequest, evaluation: int, number: int, part: Query[Part], way: Literal["up", "down"] = "up"
) -> HttpResponse:
    """Against last year's signed grades; the matrix of all is in ``overview``. Empty where last year has none."""
    moves = figures_of(see_run(request.user, evaluation, number)).moves
    rows: list[tuple[Any, ...]] = []
    if moves is not None:
        rows = (moves.up if way == "up" else moves.down).select(
            CODE, NAME, LAST, p.GRADE, p.REGRADED_BY
        ).rows()  # fmt: skip
    keys = ("code", "name", "before", "after", "regraded_by")
    return answer_list(request, rows, part, lambda row: {k: v or "" for k, v in zip(keys, row, strict=True)})


@router.post(f"{RUN}/comparisons", response=ComparisonAsked, summary="与另一次计算比较")
def ask_to_compare(request: HttpRequest, evaluation: int, number: int, given: Against) -> HttpResponse:
    """Finding the causes is background work; what was asked for already is not done twice."""
    seen = see_run(request.user, evaluation, number)
    job = ask_comparison(request.user, _other(seen, given.against), seen.run)
    return answer({"job": job.pk, "state": job.state})


@router.get(f"{RUN}/comparisons/{{int:against}}", response=ComparisonShown, summary="两次计算的比较")
def show_comparison(request: HttpRequest, evaluation: int, number: int, against: int) -> HttpResponse:
    """How many moved from where to where, and which change moved them."""
    job, found = _compared(see_run(request.user, evaluation, number), against)
    return answer(
        {
            "state": job.state,
            "job": job.pk,
            "labels": found.labels if found else [],
            "matrix": found.counts if found else [],
            "moved": found.moves.height if found else 0,
            "causes": [
                {"number": cause, "what": what, "moved": many}
                for cause, what, many in (found.causes if found else ())
            ],
        }
    )


@router.get(f"{RUN}/comparisons/{{int:against}}/moves", response=Listed[RunMove], summary="两次之间谁变了")
def list_compared(
    request: HttpRequest,
    evaluation: int,
    number: int,
    against: int,
    part: Query[Part],
    cause: int | None = Query(None, ge=1, le=LARGEST, description="只要由这个原因变的。"),  # type: ignore[type-arg]
    before: str = Query("", max_length=40, description="只要原来是这个等级的。"),  # type: ignore[type-arg]
    after: str = Query("", max_length=40, description="只要后来是这个等级的。"),  # type: ignore[type-arg]
) -> HttpResponse:
    """Empty until the comparison is done."""
    _job, found = _compared(see_run(request.user, evaluation, number), against)
    rows: list[dict[str, Any]] = []
    if found is not None:
        chosen = narrow(found, "" if cause is None else str(cause), before, after)
        for name, wanted in ((BEFORE, before), (AFTER, after)):
            if wanted and wanted not in found.labels:
                chosen = chosen.filter(pl.col(name) == wanted)
        rows = chosen.to_dicts()
    return answer_list(request, rows, part, _moved)


@router.get(f"{RUN}/rules", response=RulesShown, summary="条文与效果")
def show_rules(request: HttpRequest, evaluation: int, number: int) -> HttpResponse:
    """Each rule of the policy, and beside it what it did in this run."""
    text = read_beside(see_run(request.user, evaluation, number), language())
    return answer(
        {
            "name": text.name,
            "illustrative": text.illustrative,
            "chapters": [
                {
                    "id": id_,
                    "title": title,
                    "parts": [
                        {
                            "title": each.title,
                            "header": [cell for cell, _numeric in each.header],
                            "rules": [
                                {
                                    "text": rule.text,
                                    "cells": [cell for cell, _numeric in rule.cells],
                                    "effect": rule.effect,
                                }
                                for rule in each.rules
                            ],
                            "last": each.last,
                        }
                        for each in parts
                    ],
                }
                for id_, title, parts in text.chapters
            ],
        }
    )


@router.post(f"{RUN}/simulation/draft", response={201: DraftMade}, summary="把调过的数字存为草稿")
def keep_draft(request: HttpRequest, evaluation: int, number: int, given: NumbersKept) -> HttpResponse:
    """A copy of the run's policy with these numbers, to be worked on further."""
    seen = see_run(request.user, evaluation, number)
    person: Any = request.user
    draft = numbers.keep_draft(person, seen, given.changes, read_line(given.title, 180))
    return answer({"slug": draft.document.slug, "number": draft.number}, 201)


@router.post(f"{RUN}/simulation/trial", response={201: TrialMade}, summary="用调过的数字试算")
def run_trial(request: HttpRequest, evaluation: int, number: int, given: NumbersKept) -> HttpResponse:
    """A trial of the evaluation with these numbers, kept and sealed like any other."""
    seen = see_run(request.user, evaluation, number)
    person: Any = request.user
    run = numbers.run_trial(person, seen, given.changes, read_line(given.title, 100))
    return answer({"number": run.number, "job": run.job_id}, 201)


@router.get("/filters", response=Listed[FilterShown], summary="我存下的筛选")
def list_filters(request: HttpRequest, part: Query[Part]) -> HttpResponse:
    """The person's own; they serve for every run."""
    require(request.user, "evaluation.view")
    return answer_list(request, SavedFilter.objects.filter(user=request.user.pk), part, _filter)


@router.post(f"{RUN}/filters", response={201: FilterShown}, summary="存下一个筛选")
def save_filter(request: HttpRequest, evaluation: int, number: int, given: FilterGiven) -> HttpResponse:
    """Under a name; a name that is taken is given the new one. What the run's table does not know is left out."""
    seen = see_run(request.user, evaluation, number)
    return answer(
        _filter(filters.save_filter(request.user, seen, read_line(given.name, 60), given.query)), 201
    )


@router.delete("/filters/{int:saved}", response={204: None}, summary="删去存下的筛选")
def drop_filter(request: HttpRequest, saved: int) -> HttpResponse:
    """One's own."""
    filters.drop_filter(request.user, saved)
    return HttpResponse(status=204)


@router.post(
    f"{RUN}/export",
    response={200: None, 202: WorkbookAsked},
    openapi_extra=XLSX,
    summary="导出结果（xlsx）",
)
def export(
    request: HttpRequest, evaluation: int, number: int, asked: Query[Asked]
) -> HttpResponse | FileResponse:
    """The chosen rows; where they are many, background work that writes them (202). The book notes who took them."""
    seen = see_run(request.user, evaluation, number)
    query = question_of(asked, list_fields(seen)).address
    job = exports.ask_if_long(request.user, seen, query)
    return answer({"job": job.pk}, 202) if job is not None else exports.write_at_once(seen, query)


@router.get(
    f"{RUN}/export/{{int:job}}", response={200: None}, openapi_extra=FILE, summary="导出的结果（xlsx）"
)
def exported(request: HttpRequest, evaluation: int, number: int, job: int) -> FileResponse:
    """The workbook that was made in the background; only for who asked for it."""
    seen = see_run(request.user, evaluation, number)
    return download(exports.find_export(request.user, seen.run, job))


def _other(seen: SeenRun, number: int) -> Run:
    """A run of the same evaluation that has results. Raises Http404."""
    if number > LARGEST:
        raise Http404
    rows = Run.objects.filter(evaluation=seen.run.evaluation_id).exclude(results="")
    return get_object_or_404(rows, number=number)


def _compared(seen: SeenRun, against: int) -> tuple[Job, SeenComparison | None]:
    """The work, and what it found once it is done. Raises Http404 where nobody asked for it."""
    first = _other(seen, against)
    job = find_job(first, seen.run)
    if job is None:
        raise Http404
    if job.state != Job.State.DONE or not job.result:
        return job, None
    return job, look(seen, first, job.result["folder"])


def _moved(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": row[CODE],
        "name": row[NAME] or "",
        "before": row[BEFORE],
        "after": row[AFTER],
        "total_before": row["原总分"] or None,
        "total_after": row["新总分"] or None,
        "causes": [int(number) for number in (row[CAUSE] or "").split("、") if number.isdecimal()],
    }


def _filter(row: SavedFilter) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "query": row.query}
