"""What every page of the procedure has: the steps, the tabs, what comes next; and how a deed is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from muheng.web.entrance import read_number
from muheng.web.evaluation.models import Evaluation
from muheng.web.evaluation.queries.procedure import may, next_deed, steps_of
from muheng.web.evaluation.steps import today
from muheng.web.paging import rest_of_query
from muheng.web.refusal import Refused
from muheng.web.request import Request

PER_PAGE = 50


@dataclass(frozen=True)
class Tab:
    """A page about an evaluation, by the name of its address."""

    name: str
    title: Any


TABS = (
    Tab("show", _("概况")),
    Tab("roster", _("名单")),
    Tab("confirmation", _("企业确认")),
    Tab("trials", _("试算")),
    Tab("review", _("内部审核")),
    Tab("publicity", _("公示")),
    Tab("objections", _("异议")),
    Tab("final", _("终算签发")),
)
RIGHTS = {
    "can_edit": "evaluation.edit",
    "can_review": "evaluation.review",
    "can_answer": "evaluation.answer",
    "can_sign": "evaluation.sign",
}


def show(request: Request, evaluation: Evaluation, tab: str, template: str, **context: Any) -> HttpResponse:
    """A page about an evaluation."""
    tabs = [
        (each.title, reverse(f"evaluation:{each.name}", args=[evaluation.pk]), each.name == tab)
        for each in TABS
    ]
    given = {
        "evaluation": evaluation,
        "tabs": tabs,
        "steps": steps_of(evaluation),
        "deed": next_deed(request.user, evaluation),
        "day": today(),
        # Counts and names that nobody has cut to a person's place are for who looks after all of it.
        "whole": may(request.user, "evaluation.view", evaluation),
        **{name: may(request.user, right, evaluation) for name, right in RIGHTS.items()},
    }
    return render(request, f"evaluation/procedure/{template}", {**given, **context})


def attempt(request: Request, deed: Callable[[], object], done: str, form: Form | None = None) -> bool:
    """Try a deed; say that it is done, or why not: beside the form's field where there is a form."""
    try:
        deed()
    except Refused as refused:
        said = f"{refused.what} {refused.fix}".strip()
        if form is None:
            messages.error(request, said)
        else:
            form.add_error(refused.at if refused.at in form.fields else None, said)
        return False
    messages.success(request, done)
    return True


def number_of(request: Request, name: str) -> int:
    """A number from a form; 0 where it is none, which no action accepts."""
    return read_number(request.POST.get(name, "").strip()) or 0


def page_of(request: Request, rows: Any, per_page: int = PER_PAGE) -> tuple[Page[Any], str]:
    """The page of a list that is asked for, and the rest of the question."""
    return Paginator(rows, per_page).get_page(request.GET.get("page")), rest_of_query(request)
