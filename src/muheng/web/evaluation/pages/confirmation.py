"""Sheets: how far the answers have come, one enterprise's sheet, and sheets to print."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from muheng.web.evaluation.actions import confirmation as confirming
from muheng.web.evaluation.actions.objections import withdraw
from muheng.web.evaluation.forms import DisputeForm
from muheng.web.evaluation.models import Confirmation, Objection
from muheng.web.evaluation.pages.step import attempt, number_of, page_of, show
from muheng.web.evaluation.queries.disputes import find_objection
from muheng.web.evaluation.queries.procedure import find_evaluation
from muheng.web.evaluation.queries.sheets import (
    Sheet,
    filter_sheets,
    make_sheet,
    measure_progress,
    own_sheets,
    read_sheet,
    sheets_for,
)
from muheng.web.evaluation.steps import State, today
from muheng.web.registry.queries import is_own
from muheng.web.registry.queries import may as may_for
from muheng.web.request import Request

PRINTED = 100


def confirmation(request: Request, number: int) -> HttpResponse:
    """Progress by county and township, the list of sheets, and what the clerk does with all of them."""
    evaluation = find_evaluation(request.user, number)
    if request.method == "POST":
        _conduct(request, evaluation)
        return redirect("evaluation:confirmation", number)
    query, state = request.GET.get("q", ""), request.GET.get("state", "")
    page, rest = page_of(request, filter_sheets(sheets_for(request.user, evaluation), query, state))
    progress = measure_progress(request.user, evaluation)
    over = evaluation.confirm_until is not None and today() > evaluation.confirm_until
    return show(
        request,
        evaluation,
        "confirmation",
        "confirmation.html",
        progress=progress,
        states=Confirmation.State.choices,
        page=page,
        rest=rest,
        q=query,
        state=state,
        over=over,
        opened=evaluation.confirm_from is not None,
        running=evaluation.state == State.CONFIRMATION,
        can_open=evaluation.state == State.ROSTER,
    )


def _conduct(request: Request, evaluation: Any) -> None:
    person, days = request.user, number_of(request, "working_days")
    match request.POST.get("deed"):
        case "open":
            attempt(
                request,
                lambda: confirming.open_confirmation(person, evaluation, days),
                _("确认单已发出。"),
            )
        case "extend":
            reason = request.POST.get("reason", "")
            attempt(
                request,
                lambda: confirming.extend_confirmation(person, evaluation, days, reason),
                _("已延期。"),
            )
        case "close":
            attempt(
                request,
                lambda: confirming.close_confirmation(person, evaluation),
                _("企业确认已结束，可以试算。"),
            )


def sheet(request: Request, number: int, code: str) -> HttpResponse:
    """One enterprise's sheet: confirmed, or a figure of it disputed, by the enterprise or for it."""
    found = read_sheet(request.user, number, code)
    own = is_own(request.user, found.enterprise)
    official = not own and may_for(request.user, "evaluation.edit", found.enterprise)
    evaluation = found.evaluation
    over = evaluation.confirm_until is not None and today() > evaluation.confirm_until
    answerable = evaluation.state == State.CONFIRMATION and not over and (own or official)
    deed = request.POST.get("deed")
    form = DisputeForm(
        request.POST if deed == "dispute" else None,
        request.FILES if deed == "dispute" else None,
        items=[(each.item, f"{each.item}（{each.unit}）" if each.unit else each.item) for each in found.used]
        + [(each.item, each.item) for each in found.others],
        official=official,
        initial={"item": request.GET.get("item")},
    )
    if request.method == "POST" and _answer(request, found, form):
        return redirect("evaluation:sheet", number, code)
    state = found.confirmation.state
    return render(
        request,
        "evaluation/procedure/sheet.html",
        {
            "sheet": found,
            "evaluation": evaluation,
            "enterprise": found.enterprise,
            "own": own,
            "official": official,
            "over": over,
            "answerable": answerable,
            "can_confirm": answerable and state == Confirmation.State.WAITING,
            "can_dispute": answerable and state != Confirmation.State.CONFIRMED,
            "form": form,
            "open": Objection.State.OPEN,
        },
    )


def _answer(request: Request, found: Sheet, form: DisputeForm) -> bool:
    """Do what was asked; False where the page is to be shown again as it was filled in."""
    person, note = request.user, request.POST.get("note", "")
    evaluation, enterprise = found.evaluation, found.enterprise
    match request.POST.get("deed"):
        case "confirm":
            attempt(
                request,
                lambda: confirming.confirm(person, evaluation, enterprise, note),
                _("已确认。谢谢。"),
            )
        case "withdraw":
            objection = find_objection(person, number_of(request, "objection"))
            attempt(request, lambda: withdraw(person, objection, note), _("异议已撤回。"))
        case "dispute":
            if not form.is_valid():
                return False
            given = form.cleaned_data
            return attempt(
                request,
                lambda: confirming.dispute(
                    person,
                    evaluation,
                    enterprise,
                    given["item"],
                    given["claimed"],
                    given["text"],
                    given["evidence"],
                    given.get("note", ""),
                ),
                _("异议已提交。"),
                form,
            )
    return True


def print_sheets(request: Request, number: int) -> HttpResponse:
    """The sheets of the list's page, each on a page of paper."""
    evaluation = find_evaluation(request.user, number)
    rows = filter_sheets(
        sheets_for(request.user, evaluation), request.GET.get("q", ""), request.GET.get("state", "")
    )
    page, rest = page_of(request, rows.select_related("evaluation__policy", "enterprise"), PRINTED)
    sheets = [make_sheet(each) for each in page]
    return render(
        request,
        "evaluation/procedure/sheets_print.html",
        {"evaluation": evaluation, "sheets": sheets, "page": page, "rest": rest},
    )


def my_sheets(request: Request) -> HttpResponse:
    """The sheets of the enterprises that the account acts for."""
    return render(
        request,
        "evaluation/procedure/my_sheets.html",
        {"rows": own_sheets(request.user), "day": today()},
    )
