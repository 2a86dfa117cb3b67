"""Who moved: against last year's signed grades, and against another run of the same evaluation with its causes."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import polars as pl
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.reports import words
from muheng.web.entrance import read_number
from muheng.web.evaluation.comparing import ask_comparison
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.pages.run import show
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
from muheng.web.evaluation.queries.results import SeenRun, see_run
from muheng.web.evaluation.queries.table import NONE
from muheng.web.evaluation.runs import LAST
from muheng.web.jobs.models import Job
from muheng.web.reading import language
from muheng.web.request import Request

PAGE = 50
FIRST = 20


def moves(request: Request, evaluation: int, number: int) -> HttpResponse:
    """Last year's grades against this run's; or another run's, where ``against`` names one."""
    seen = see_run(request.user, evaluation, number)
    others = list(
        Run.objects.filter(evaluation=evaluation)
        .exclude(pk=seen.run.pk)
        .exclude(results="")
        .order_by("number")
    )
    against = request.GET.get("against", "")
    first = next((run for run in others if str(run.number) == against), None)
    if first is not None:
        return _against(request, seen, first, others)
    found = figures_of(seen).moves
    table: dict[str, Any] = {}
    if found is not None:
        address = reverse("evaluation:run-table", args=(evaluation, number))
        labels = [label if label is not None else _("上年无等级") for label in found.before]
        heads = [label if label is not None else words.UNGRADED.render(language()) for label in found.after]
        table = {
            "matrix": _matrix(
                labels,
                heads,
                found.counts,
                lambda row, column: (
                    f"{address}?"
                    + urlencode({"last": found.before[row] or NONE, "grade": found.after[column] or NONE})
                ),
            ),
            "heads": heads,
            "up": _yearly(found.up.head(FIRST)),
            "down": _yearly(found.down.head(FIRST)),
            "many_up": found.up.height,
            "many_down": found.down.height,
            "same": found.same,
        }
    return show(request, seen, "run-moves", "evaluation/results/moves.html", others=others, moves=table)


def _matrix(
    labels: Sequence[str], heads: Sequence[str], counts: Sequence[Sequence[int]], link: Any
) -> list[SimpleNamespace]:
    """Rows of a table from–to; above the diagonal is down, below is up."""
    rows = []
    for at, (label, row) in enumerate(zip(labels, counts, strict=True)):
        cells = []
        for to, many in enumerate(row):
            known = label in heads and to < len(heads)
            kind = ""
            if known:
                place = heads.index(label)
                kind = "same" if place == to else "better" if to < place else "worse"
            cells.append(SimpleNamespace(many=many, kind=kind, address=link(at, to) if many else ""))
        rows.append(SimpleNamespace(label=label, cells=cells, total=sum(row)))
    return rows


def _yearly(rows: pl.DataFrame) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(code=code, name=name, before=before, after=after, why=why or "")
        for code, name, before, after, why in rows.select(
            CODE, NAME, LAST, p.GRADE, p.REGRADED_BY
        ).iter_rows()
    ]


def _against(request: Request, seen: SeenRun, first: Run, others: list[Run]) -> HttpResponse:
    job = find_job(first, seen.run)
    context: dict[str, Any] = {"others": others, "first": first, "job": job}
    if job is not None and job.state == Job.State.DONE and job.result:
        context |= _compared(request, look(seen, first, job.result["folder"]))
    return show(request, seen, "run-moves", "evaluation/results/against.html", **context)


def _compared(request: Request, found: SeenComparison) -> dict[str, Any]:
    cause = request.GET.get("cause", "")
    chosen = narrow(found, cause, request.GET.get("from", ""), request.GET.get("to", ""))
    page = Paginator(range(chosen.height), PAGE).get_page(request.GET.get("page"))
    start = page.start_index() - 1 if chosen.height else 0
    asked = request.GET.copy()
    asked.pop("page", None)
    shown = [_standing_name(label) for label in found.labels]

    def link(row: int, column: int) -> str:
        if row == column:
            return ""
        pairs = {"against": request.GET["against"], "from": found.labels[row], "to": found.labels[column]}
        return f"?{urlencode(pairs)}"

    lines = [
        {
            "code": row[CODE],
            "name": row[NAME],
            "before": _standing_name(row[BEFORE]),
            "after": _standing_name(row[AFTER]),
            "old": row["原总分"] or "—",
            "new": row["新总分"] or "—",
            "why": row[CAUSE] or "—",
        }
        for row in chosen.slice(start, PAGE).iter_rows(named=True)
    ]
    return {
        "matrix": _matrix(shown, shown, found.counts, link),
        "heads": shown,
        "moved": found.moves.height,
        "causes": found.causes,
        "lines": lines,
        "page": page,
        "query": f"{asked.urlencode()}&",
        "chosen": chosen.height,
        "narrowed": chosen.height != found.moves.height,
        "cause": read_number(cause) or 0,
    }


def _standing_name(label: str | None) -> str:
    """A grade as it is; a standing in the reader's language."""
    return words.STANDINGS[label].render(language()) if label in words.STANDINGS else label or "—"


@require_POST
def ask_compare(request: Request, evaluation: int, number: int) -> HttpResponse:
    """Have another run compared with this one."""
    seen = see_run(request.user, evaluation, number)
    against = read_number(request.POST.get("against", ""))
    first = get_object_or_404(Run.objects.exclude(results=""), evaluation=evaluation, number=against or 0)
    ask_comparison(request.user, first, seen.run)
    return redirect(f"{reverse('evaluation:run-moves', args=(evaluation, number))}?against={first.number}")
