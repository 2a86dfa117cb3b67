"""The evaluations, and one of them: where it stands, its roster, its trials, review, final run and signature."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from muheng.web.evaluation.actions import review as reviewing
from muheng.web.evaluation.actions import roster as rostering
from muheng.web.evaluation.actions import running, signing
from muheng.web.evaluation.forms import OpenForm, TrialForm
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.pages.step import attempt, number_of, page_of, show
from muheng.web.evaluation.queries.disputes import count_objections
from muheng.web.evaluation.queries.procedure import (
    evaluations_for,
    find_evaluation,
    find_run,
    may,
    next_deed,
    runs_of,
)
from muheng.web.evaluation.queries.rosters import (
    count_roster,
    count_strangers,
    filter_roster,
    find_enterprises,
    participants_for,
)
from muheng.web.evaluation.queries.sheets import count_sheets
from muheng.web.evaluation.queries.trials import count_changed, place_side_by_side
from muheng.web.evaluation.runs import BUNDLE
from muheng.web.evaluation.steps import State
from muheng.web.files.actions import folder_path
from muheng.web.people.models import Organisation
from muheng.web.people.rights import posts_of, require
from muheng.web.policy.models import PolicyVersion
from muheng.web.policy.queries import list_finals
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.panels import list_years
from muheng.web.registry.queries import official_scope
from muheng.web.request import Request


def list_all(request: Request) -> HttpResponse:
    """Every evaluation that the person may see."""
    require(request.user, "evaluation.view")
    rows = [(each, next_deed(request.user, each)) for each in evaluations_for(request.user)]
    can_open = bool(_places(request).exists())
    return render(request, "evaluation/procedure/list.html", {"rows": rows, "can_open": can_open})


def _places(request: Request) -> Any:
    """The organisations for which the person may evaluate: where they hold the right, and departments there."""
    held = [post.territory_id for post in posts_of(request.user) if "evaluation.edit" in post.rights]
    own = Organisation.objects.filter(pk__in=held)
    kind = Organisation.Kind
    departments = Organisation.objects.filter(
        kind=kind.DEPARTMENT, parent__in=held, memberships__user=request.user
    )
    return (own | departments).distinct().order_by("path")


def open_new(request: Request) -> HttpResponse:
    """A form to open an evaluation."""
    require(request.user, "evaluation.edit")
    years = list_years()
    places = _places(request)
    policies = list_finals(request.user)
    first = years[0] if years else None
    title = _("%(year)s年度亩均效益评价") % {"year": first} if first else ""
    form = OpenForm(
        request.POST or None,
        years=years,
        organisations=places,
        policies=policies,
        initial={"year": first, "title": title, "organisation": places.first()},
    )
    if request.method == "POST" and form.is_valid():
        made: list[Evaluation] = []
        if attempt(
            request,
            lambda: made.append(rostering.open_evaluation(request.user, **form.cleaned_data)),
            _("已开始。正在整理名单。"),
            form,
        ):
            return redirect("evaluation:show", made[0].pk)
    return render(
        request, "evaluation/procedure/new.html", {"form": form, "years": years, "policies": policies}
    )


def show_one(request: Request, number: int) -> HttpResponse:
    """Where an evaluation stands, and what comes next."""
    evaluation = find_evaluation(request.user, number)
    return show(
        request,
        evaluation,
        "show",
        "show.html",
        roster=count_roster(request.user, evaluation),
        progress=count_sheets(request.user, evaluation),
        objections=count_objections(request.user, evaluation),
        runs=runs_of(evaluation)[:5],
    )


def roster(request: Request, number: int) -> HttpResponse:
    """Who is in, who is not and why; taken anew, or changed by hand."""
    evaluation = find_evaluation(request.user, number)
    if request.method == "POST":
        _change_roster(request, evaluation)
        return redirect(request.get_full_path())
    query, shown = request.GET.get("q", ""), request.GET.get("show", "")
    rows = filter_roster(participants_for(request.user, evaluation), query, shown)
    page, rest = page_of(request, rows)
    strangers, without = count_strangers(evaluation)
    return show(
        request,
        evaluation,
        "roster",
        "roster.html",
        count=count_roster(request.user, evaluation),
        strangers=strangers,
        without=without,
        page=page,
        rest=rest,
        q=query,
        shown=shown,
        changeable=evaluation.state in rostering.CHANGEABLE,
        job=evaluation.job,
    )


def _change_roster(request: Request, evaluation: Evaluation) -> None:
    person = request.user
    match request.POST.get("deed"):
        case "take":
            attempt(request, lambda: rostering.ask_roster(person, evaluation), _("正在整理名单。"))
        case "exclude":
            attempt(
                request,
                lambda: rostering.exclude(
                    person, evaluation, _named(request), request.POST.get("reason", "")
                ),
                _("已移出名单。"),
            )
        case "include":
            attempt(
                request,
                lambda: rostering.include(person, evaluation, _named(request)),
                _("已放回名单。"),
            )


def _named(request: Request) -> list[Enterprise]:
    """The enterprises that were ticked or whose codes were pasted."""
    pasted = request.POST.get("codes", "").replace("，", " ").replace(",", " ").split()
    return find_enterprises(request.user, [*request.POST.getlist("code"), *pasted])


def trials(request: Request, number: int) -> HttpResponse:
    """Every run; a form for another trial; runs side by side; the choice of one for review."""
    evaluation = find_evaluation(request.user, number)
    policies = PolicyVersion.objects.select_related("document").order_by("document__title", "-number")
    form = TrialForm(
        request.POST if request.POST.get("deed") == "try" else None,
        policies=policies,
        initial={"policy": evaluation.policy_id, "basis": Run.Basis.CURRENT},
    )
    if request.method == "POST":
        if request.POST.get("deed") == "choose":
            run = find_run(request.user, number, number_of(request, "run"))
            attempt(request, lambda: reviewing.choose(request.user, evaluation, run), _("已送审。"))
            return redirect("evaluation:trials", number)
        if form.is_valid() and attempt(
            request,
            lambda: running.ask_trial(request.user, evaluation, **form.cleaned_data),
            _("已开始试算。"),
            form,
        ):
            return redirect("evaluation:trials", number)
    every = list(runs_of(evaluation))
    choices = [
        run for run in every if run.state == Run.State.DONE and run.kind == Run.Kind.TRIAL and run.official
    ]
    asked = {text for text in request.GET.getlist("run") if text.isdigit()}
    beside = [run for run in reversed(every) if str(run.number) in asked and run.state == Run.State.DONE]
    return show(
        request,
        evaluation,
        "trials",
        "trials.html",
        runs=every,
        form=form,
        can_try=evaluation.state in running.OPEN_FOR_TRIALS,
        choices=choices if evaluation.state == State.TRIAL else [],
        side=place_side_by_side(request.user, beside[:6]) if len(beside) > 1 else None,
        asked=asked,
    )


def review(request: Request, number: int) -> HttpResponse:
    """The run under review: what reviewers said, and the beginning of publicity."""
    evaluation = find_evaluation(request.user, number)
    run = evaluation.chosen
    if request.method == "POST" and run is not None:
        _review(request, run)
        return redirect("evaluation:review", number)
    return show(
        request,
        evaluation,
        "review",
        "review.html",
        run=run,
        reviews=run.reviews.select_related("person") if run else (),
        agreed=bool(run and reviewing.agreed_to(run)),
        under_review=evaluation.state == State.REVIEW,
        own=bool(run and run.created_by_id == request.user.pk),
    )


def _review(request: Request, run: Run) -> None:
    agreed = request.POST.get("agreed") == "yes"
    attempt(
        request,
        lambda: reviewing.review(request.user, run, agreed, request.POST.get("note", "")),
        _("已同意。") if agreed else _("已退回。"),
    )


def final(request: Request, number: int) -> HttpResponse:
    """The final run and its signature; corrections of what was signed."""
    evaluation = find_evaluation(request.user, number)
    person = request.user
    if request.method == "POST":
        _conclude(request, evaluation)
        return redirect("evaluation:final", number)
    official = [run for run in runs_of(evaluation) if run.kind != Run.Kind.TRIAL]
    waits = next((run for run in official if run.signed_at is None and run.state == Run.State.DONE), None)
    if (
        waits is not None
        and waits.kind == Run.Kind.CORRECTION
        and not reviewing.still_wanted(evaluation, waits)
    ):
        waits = None
    before = evaluation.chosen if evaluation.chosen and evaluation.chosen.results else None
    return show(
        request,
        evaluation,
        "final",
        "final.html",
        runs=official,
        waits=waits,
        reviews=waits.reviews.select_related("person") if waits else (),
        needs_review=bool(waits and waits.kind == Run.Kind.CORRECTION and not reviewing.agreed_to(waits)),
        changed=count_changed(person, before, waits) if waits and before and waits != before else None,
        stale=reviewing.why_stale(evaluation, waits) if waits else "",
        own=bool(waits and waits.created_by_id == person.pk),
        open=count_objections(person, evaluation).open,
        computing=next((run for run in official if run.state == Run.State.WAITING and not run.lost), None),
        can_final=evaluation.state in (State.ANSWERS, State.FINAL),
        can_correct=evaluation.state == State.SIGNED,
        can_fetch=may(person, "evaluation.view", evaluation),
    )


def _conclude(request: Request, evaluation: Evaluation) -> None:
    person = request.user
    match request.POST.get("deed"):
        case "final":
            attempt(request, lambda: running.ask_final(person, evaluation), _("已开始终算。"))
        case "correct":
            reason = request.POST.get("reason", "")
            attempt(
                request, lambda: running.ask_correction(person, evaluation, reason), _("已开始更正的计算。")
            )
        case "sign":
            run = find_run(person, evaluation.pk, number_of(request, "run"))
            attempt(request, lambda: signing.sign(person, run), _("已签发。"))
        case "review":
            run = find_run(person, evaluation.pk, number_of(request, "run"))
            _review(request, run)


def bundle(request: Request, number: int, run: int) -> FileResponse:
    """The sealed bundle, for those who may see everybody in it; ``muheng verify`` proves it."""
    found = find_run(request.user, number, run)
    require(request.user, "evaluation.view", found.evaluation.organisation)
    if not found.results:
        raise Http404(run)
    if found.previous and not official_scope(request.user, "evaluation.view").everything:
        raise Refused(
            _("封存包里有全市上年的数据，只有全市的工作人员可以下载。"),
            _("需要时请联系市里的经办人。"),
            status=403,
            code="forbidden",
        )
    path = folder_path(found.results) / BUNDLE
    name = f"{found.evaluation.title}-{found.number}-{found.seal[:8]}.zip"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/zip")
