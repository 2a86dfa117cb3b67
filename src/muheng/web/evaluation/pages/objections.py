"""Objections: the list with what is late, one with its answer, a new one in publicity."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from muheng.web.evaluation.actions import objections as objecting
from muheng.web.evaluation.actions.roster import concerns
from muheng.web.evaluation.forms import AnswerForm, ObjectForm
from muheng.web.evaluation.models import Evaluation, Objection
from muheng.web.evaluation.pages.step import attempt, page_of, show
from muheng.web.evaluation.queries.disputes import (
    count_objections,
    filter_objections,
    find_evidence,
    find_objection,
    objections_for,
)
from muheng.web.evaluation.queries.procedure import find_evaluation, may
from muheng.web.evaluation.steps import State, today
from muheng.web.files.pages import download
from muheng.web.people.scope import scope_of
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own
from muheng.web.registry.queries import may as may_for
from muheng.web.request import Request


def objections(request: Request, number: int) -> HttpResponse:
    """Every objection that the person may see, those that wait on top; a form to write down one."""
    evaluation = find_evaluation(request.user, number)
    form = ObjectForm(request.POST or None, request.FILES or None, official=True)
    asked = request.method == "POST" and form.is_valid()
    if asked and attempt(request, lambda: _object(request, evaluation, form), _("异议已登记。"), form):
        return redirect("evaluation:objections", number)
    state, stage = request.GET.get("state", ""), request.GET.get("stage", "")
    rows = filter_objections(objections_for(request.user, evaluation), state, stage)
    page, rest = page_of(request, rows)
    return show(
        request,
        evaluation,
        "objections",
        "objections.html",
        count=count_objections(request.user, evaluation),
        page=page,
        rest=rest,
        state=state,
        stage=stage,
        states=Objection.State.choices,
        stages=Objection.Stage.choices,
        form=form,
        can_object=evaluation.state == State.PUBLICITY,
    )


def _object(request: Request, evaluation: Evaluation, form: ObjectForm) -> None:
    given = dict(form.cleaned_data)
    code = given.pop("code").strip().upper()
    enterprise = Enterprise.objects.filter(code=code).first()
    if enterprise is None or not may_for(request.user, "evaluation.edit", enterprise):
        raise Refused(
            _("没有这样的企业：%(codes)s。") % {"codes": code}, status=422, code="invalid", at="code"
        )
    _raise(request, evaluation, enterprise, given)


def _raise(
    request: Request, evaluation: Evaluation, enterprise: Enterprise, given: dict[str, Any]
) -> Objection:
    text, files = given.pop("text"), given.pop("evidence")
    return objecting.object_to_result(request.user, evaluation, enterprise, text, files=files, **given)


def object_to_mine(request: Request, number: int, code: str) -> HttpResponse:
    """An enterprise objects to its published result."""
    enterprise = get_object_or_404(Enterprise, code=code, pk__in=scope_of(request.user).enterprises)
    evaluation = get_object_or_404(Evaluation.objects.exclude(publicity_from=None), pk=number)
    if not concerns(evaluation, enterprise):
        raise Http404(number)
    form = ObjectForm(request.POST or None, request.FILES or None, official=False)
    if request.method == "POST" and form.is_valid():
        made: list[Objection] = []
        if attempt(
            request,
            lambda: made.append(_raise(request, evaluation, enterprise, dict(form.cleaned_data))),
            _("异议已提交。"),
            form,
        ):
            return redirect("evaluation:objection", made[0].pk)
    return render(
        request,
        "evaluation/procedure/object.html",
        {"evaluation": evaluation, "enterprise": enterprise, "form": form},
    )


def objection(request: Request, number: int) -> HttpResponse:
    """One objection: what is said, what was shown and claimed, the evidence, and the answer."""
    found = find_objection(request.user, number)
    evaluation = found.evaluation
    can_answer = (
        may(request.user, "evaluation.answer", evaluation)
        and found.state == Objection.State.OPEN
        and evaluation.state in objecting.ANSWERABLE
    )
    own = is_own(request.user, found.enterprise)
    form = AnswerForm(request.POST if request.POST.get("deed") == "answer" else None, figure=bool(found.item))
    if request.method == "POST":
        if request.POST.get("deed") == "withdraw":
            attempt(
                request,
                lambda: objecting.withdraw(request.user, found, request.POST.get("note", "")),
                _("异议已撤回。"),
            )
            return redirect("evaluation:objection", number)
        if form.is_valid():
            given = form.cleaned_data
            if attempt(
                request,
                lambda: objecting.answer(
                    request.user, found, given["outcome"], given["text"], given.get("settled", "")
                ),
                _("已答复。"),
                form,
            ):
                return redirect("evaluation:objection", number)
    return render(
        request,
        "evaluation/procedure/objection.html",
        {
            "objection": found,
            "evaluation": evaluation,
            "form": form,
            "can_answer": can_answer,
            "can_withdraw": found.state == Objection.State.OPEN
            and (
                (own and found.party == Objection.Party.OWN)
                or may_for(request.user, "evaluation.edit", found.enterprise)
            ),
            "own": own,
            "late": found.state == Objection.State.OPEN and found.due < today(),
        },
    )


def evidence(request: Request, number: int, file: int) -> FileResponse:
    """A file that somebody brought with an objection."""
    return download(find_evidence(request.user, number, file))
