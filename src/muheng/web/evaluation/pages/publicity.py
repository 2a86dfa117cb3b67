"""Publicity: the list as it is published, to print, as a workbook, and for strangers while it runs."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import polars as pl
import xlsxwriter
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from muheng.policy import plan as p
from muheng.web.evaluation.actions import review as reviewing
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.pages.step import attempt, number_of, page_of, show
from muheng.web.evaluation.queries.procedure import find_evaluation, may
from muheng.web.evaluation.queries.publicity import filter_published, in_publicity, published
from muheng.web.evaluation.runs import make_plan
from muheng.web.evaluation.steps import State
from muheng.web.people.rights import require
from muheng.web.request import Request

PER_PAGE, PRINTED = 100, 2_000


def publicity(request: Request, number: int) -> HttpResponse:
    """From when until when, the list, and the beginning and the end of it."""
    evaluation = find_evaluation(request.user, number)
    if request.method == "POST":
        _conduct(request, evaluation)
        return redirect("evaluation:publicity", number)
    run = _published_run(evaluation) if _may_read(request, evaluation) else None
    context = _list(request, run, PER_PAGE) if run else {}
    return show(
        request,
        evaluation,
        "publicity",
        "publicity.html",
        run=run,
        agreed=bool(evaluation.chosen and reviewing.agreed_to(evaluation.chosen)),
        can_publish=evaluation.state == State.REVIEW,
        running=evaluation.state == State.PUBLICITY,
        **context,
    )


def _may_read(request: Request, evaluation: Evaluation) -> bool:
    """Whoever looks after all of its enterprises; everybody while the publicity runs."""
    return (
        may(request.user, "evaluation.view", evaluation) or in_publicity().filter(pk=evaluation.pk).exists()
    )


def _published_run(evaluation: Evaluation) -> Run | None:
    run = evaluation.chosen
    return run if run is not None and run.results else None


def _list(request: Request, run: Run, per_page: int) -> dict[str, object]:
    query, grade = request.GET.get("q", ""), request.GET.get("grade", "")
    rows = filter_published(published(run), query, grade)
    page, rest = page_of(request, rows.rows(), per_page)
    grades = make_plan(run.policy_text).grades
    return {"page": page, "rest": rest, "q": query, "grade": grade, "grades": grades, "count": rows.height}


def _conduct(request: Request, evaluation: Evaluation) -> None:
    if request.POST.get("deed") == "close":
        attempt(
            request,
            lambda: reviewing.close_publicity(request.user, evaluation),
            _("公示已结束。"),
        )
        return
    days = number_of(request, "working_days")
    try:
        first = date.fromisoformat(request.POST.get("first", ""))
    except ValueError:
        first = None
    attempt(
        request,
        lambda: reviewing.publish(request.user, evaluation, days, first),
        _("已安排公示。"),
    )


def publicity_print(request: Request, number: int) -> HttpResponse:
    """The list to print."""
    evaluation = find_evaluation(request.user, number)
    run = _need_run(request, evaluation)
    return render(
        request,
        "evaluation/procedure/publicity_print.html",
        {"evaluation": evaluation, **_list(request, run, PRINTED)},
    )


def publicity_xlsx(request: Request, number: int) -> HttpResponse:
    """The list as a workbook."""
    evaluation = find_evaluation(request.user, number)
    run = _need_run(request, evaluation)
    rows = filter_published(published(run), request.GET.get("q", ""), request.GET.get("grade", ""))
    response = HttpResponse(
        write_list(evaluation, rows),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response.headers["Content-Disposition"] = "attachment; filename=\"list.xlsx\"; filename*=UTF-8''" + (
        quoted(_("%(title)s公示名单") % {"title": evaluation.title} + ".xlsx")
    )
    return response


def quoted(name: str) -> str:
    """A name as a header carries it."""
    from urllib.parse import quote

    return quote(name, safe="")


def _need_run(request: Request, evaluation: Evaluation) -> Run:
    require(request.user, "evaluation.view", evaluation.organisation)
    run = _published_run(evaluation)
    if run is None:
        raise Http404(evaluation.pk)
    return run


def write_list(evaluation: Evaluation, rows: pl.DataFrame) -> bytes:
    """A workbook of the published columns; what looks like a formula stays text."""
    target = BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet(_("公示名单"))
        bold = book.add_format({"bold": True, "bottom": 1})
        sheet.set_column(0, 0, 8)
        sheet.set_column(1, 1, 44)
        sheet.set_column(2, 2, 24)
        sheet.write_string(0, 0, _("%(title)s公示名单") % {"title": evaluation.title})
        titles = (_("序号"), _("企业名称"), _("统一社会信用代码"), _("等级"))
        for column, title in enumerate(titles):
            sheet.write_string(1, column, title, bold)
        sheet.freeze_panes(2, 0)
        for at, (name, code, grade) in enumerate(rows.iter_rows(), start=1):
            sheet.write_number(at + 1, 0, at)
            sheet.write_string(at + 1, 1, name or "")
            sheet.write_string(at + 1, 2, code)
            sheet.write_string(at + 1, 3, grade)
    return target.getvalue()


@login_not_required
def public_index(request: Request) -> HttpResponse:
    """What is in publicity now, for anyone."""
    return render(request, "evaluation/procedure/public_index.html", {"rows": in_publicity()})


@login_not_required
def public(request: Request, number: int) -> HttpResponse:
    """The published list, for anyone, while the publicity runs."""
    evaluation = in_publicity().filter(pk=number).first()
    run = _published_run(evaluation) if evaluation else None
    if evaluation is None or run is None:
        return render(request, "evaluation/procedure/public_over.html", status=404)
    counts = published(run)[p.GRADE].value_counts().sort(p.GRADE).rows()
    return render(
        request,
        "evaluation/procedure/public.html",
        {"evaluation": evaluation, "counts": counts, **_list(request, run, PER_PAGE)},
    )
