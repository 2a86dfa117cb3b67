"""One enterprise in a run: for the officials who see it, and for the enterprise's own account."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from muheng.policy.advise import Advice
from muheng.policy.run import Result
from muheng.web.evaluation.models import Confirmation, Evaluation, Run
from muheng.web.evaluation.pages.run import show
from muheng.web.evaluation.queries.enterprise import (
    Told,
    advise_in,
    find_in_run,
    find_own,
    grade_history,
    own_enterprises,
    public_runs,
    tell,
)
from muheng.web.evaluation.queries.results import see_run
from muheng.web.evaluation.runs import read_result
from muheng.web.people.rights import represents
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.request import Request


def enterprise(request: Request, evaluation: int, number: int, code: str) -> HttpResponse:
    """Why it has its grade, and what would help."""
    seen = see_run(request.user, evaluation, number)
    find_in_run(request.user, seen, code)
    told = tell(seen.result, code, language())
    return show(
        request,
        seen,
        "run-enterprise",
        "evaluation/results/enterprise.html",
        told=told,
        history=grade_history(code),
        **_asked(
            request,
            seen.run,
            seen.result,
            told,
            reverse("evaluation:run-advice", args=(evaluation, number, code)),
        ),
    )


def advice(request: Request, evaluation: int, number: int, code: str) -> HttpResponse:
    """What would lift the enterprise to the grade asked for."""
    seen = see_run(request.user, evaluation, number)
    find_in_run(request.user, seen, code)
    if not request.htmx:
        return enterprise(request, evaluation, number, code)
    return _answer(request, seen.run, code)


def _asked(request: Request, run: Run, result: Result, told: Told, address: str) -> dict[str, Any]:
    """What may be asked for, and the answer where it has been."""
    known = result.plan.grades
    better = known[: known.index(told.grade)] if told.grade in known else known[:-1]
    wanted = request.GET.get("grade", "")
    context: dict[str, Any] = {
        "wanted": wanted if wanted in better else (better[-1] if better else ""),
        "better": [(grade, result.plan.document.grade[grade].name) for grade in better],
        "advice_address": address,
    }
    if wanted in better:
        context["answer"] = _advice(advise_in(run.results, told.code, wanted))
    return context


def _answer(request: Request, run: Run, code: str) -> HttpResponse:
    found = advise_in(run.results, code, request.GET.get("grade", ""))
    return render(request, "evaluation/results/advice.html", {"answer": _advice(found)})


def _advice(found: Advice) -> dict[str, Any]:
    given = found.json(language())
    return {
        **given,
        "ways": [
            {
                "text": way["text"],
                "cost": _("改变幅度 %(share)s") % {"share": f"{float(made.cost) * 100:.1f}%"}
                if made.cost
                else "",
            }
            for way, made in zip(given["ways"], found.ways, strict=True)
        ],
    }


def mine(request: Request) -> HttpResponse:
    """The account's own result: the grade, why, and what would help, once it is public."""
    if not represents(request.user):
        raise Refused(
            _("这一页是给企业账号看的。"), _("工作人员请从“评价”进入。"), status=403, code="forbidden"
        )
    own = own_enterprises(request.user)
    chosen = next(
        (each for each in own if each.code == request.GET.get("enterprise")), own[0] if own else None
    )
    context: dict[str, Any] = {"own": own, "enterprise": chosen}
    if chosen is not None:
        runs = public_runs(chosen)
        asked = request.GET.get("evaluation", "")
        run = next((each for each in runs if str(each.evaluation_id) == asked), runs[0] if runs else None)
        context |= {
            "runs": runs,
            "run": run,
            "history": grade_history(chosen.code),
            "sheets": Confirmation.objects.filter(
                enterprise=chosen,
                state=Confirmation.State.WAITING,
                evaluation__state=Evaluation.State.CONFIRMATION,
            ).select_related("evaluation"),
        }
        if run is not None:
            result = read_result(run.results)
            told = tell(result, chosen.code, language())
            address = reverse("evaluation:mine-advice", args=(run.evaluation_id, chosen.code))
            kept = [("enterprise", chosen.code), ("evaluation", str(run.evaluation_id))]
            context |= {"told": told, "kept": kept, **_asked(request, run, result, told, address)}
    return render(request, "evaluation/results/mine.html", context)


def mine_advice(request: Request, evaluation: int, code: str) -> HttpResponse:
    """What would lift the account's own enterprise to the grade asked for."""
    _enterprise, run = find_own(request.user, evaluation, code)
    return _answer(request, run, code)
