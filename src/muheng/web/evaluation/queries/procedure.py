"""What a person may see of the procedure: evaluations, rosters, sheets, objections, runs; and what comes next.

An evaluation is seen by those whose place lies within its territory, or holds it; rows within it by their scope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from muheng.web.evaluation.actions.review import agreed_to
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.steps import State, today
from muheng.web.people.models import Organisation
from muheng.web.people.rights import holds, posts_of
from muheng.web.templatetags.words import day as written_day


def evaluations_for(user: Any) -> QuerySet[Evaluation]:
    """The evaluations that a person may see, the newest first."""
    rows = Evaluation.objects.select_related(
        "organisation", "policy__document", "chosen", "created_by", "job"
    )
    paths = [post.path for post in posts_of(user) if "evaluation.view" in post.rights]
    if not paths:
        return rows.none()
    seen = Q(pk__in=())
    for path in paths:
        above = [int(part) for part in path.strip("/").split("/")]
        seen |= Q(organisation__path__startswith=path) | Q(organisation__in=above)
        # A department of a place above evaluates for the whole of that place.
        seen |= Q(organisation__kind=Organisation.Kind.DEPARTMENT, organisation__parent__in=above)
    return rows.filter(seen)


def find_evaluation(user: Any, number: int) -> Evaluation:
    """Raises Http404 for one that the person may not see."""
    found = evaluations_for(user).filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


def runs_of(evaluation: Evaluation) -> QuerySet[Run]:
    """Its runs, the newest first."""
    return evaluation.runs.select_related(
        "policy__document", "created_by", "signed_by", "job", "replaces"
    ).order_by("-number")


def find_run(user: Any, number: int, run: int) -> Run:
    """One run of an evaluation that the person may see. Raises Http404."""
    evaluation = find_evaluation(user, number)
    found = runs_of(evaluation).filter(number=run).first()
    if found is None:
        raise Http404(run)
    found.evaluation = evaluation
    return found


def may(user: Any, right: str, evaluation: Evaluation) -> bool:
    """Whether the person may do this in this evaluation."""
    return holds(user, right, evaluation.organisation)


@dataclass(frozen=True)
class Step:
    """A step of the procedure: its title, whether it is behind us and whether it is now."""

    title: Any
    done: bool
    here: bool


@dataclass(frozen=True)
class Deed:
    """What comes next: a sentence, where it is done, what still keeps it waiting, and whether the person may do it."""

    title: str
    address: str
    missing: tuple[str, ...] = ()
    mine: bool = False
    late: bool = False


def steps_of(evaluation: Evaluation) -> list[Step]:
    """Every step in order."""
    order = list(State.values)
    now = order.index(evaluation.state)
    return [
        Step(
            State(state).label,
            at < now or evaluation.state == State.SIGNED,
            at == now,
        )
        for at, state in enumerate(order)
    ]


def next_deed(user: Any, evaluation: Evaluation, day: date | None = None) -> Deed | None:
    """What the procedure waits for; None where everything is done."""
    day = day or today()
    return _NEXT[State(evaluation.state)](user, evaluation, day)


def _deed(
    user: Any,
    evaluation: Evaluation,
    page: str,
    right: str,
    title: str,
    *missing: str,
    late: bool = False,
) -> Deed:
    address = reverse(f"evaluation:{page}", args=[evaluation.pk])
    return Deed(title, address, missing, may(user, right, evaluation), late)


def _after_roster(user: Any, evaluation: Evaluation, day: date) -> Deed:
    if not evaluation.roster_panel:
        return _deed(user, evaluation, "roster", "evaluation.edit", _("整理名单"), _("名单还没有整理好"))
    if evaluation.roster_problems:
        missing = _("数据和办法还对不上，有 %(count)s 处") % {"count": len(evaluation.roster_problems)}
        return _deed(user, evaluation, "roster", "evaluation.edit", _("核对名单和数据"), missing)
    return _deed(user, evaluation, "confirmation", "evaluation.edit", _("发确认单给企业"))


def _after_sheets(user: Any, evaluation: Evaluation, day: date) -> Deed:
    waiting = evaluation.confirmations.filter(state="waiting").count()
    over = evaluation.confirm_until is not None and day > evaluation.confirm_until
    if over or not waiting:
        return _deed(
            user, evaluation, "confirmation", "evaluation.edit", _("结束企业确认，转入试算"), late=over
        )
    if count := _open(evaluation):
        missing = _("%(count)s 户企业还没有回复") % {"count": waiting}
        title = _("答复 %(count)s 件异议") % {"count": count}
        return _deed(user, evaluation, "objections", "evaluation.answer", title, missing)
    return _deed(
        user,
        evaluation,
        "confirmation",
        "evaluation.edit",
        _("等企业确认"),
        _("%(count)s 户企业还没有回复") % {"count": waiting},
    )


def _after_trials(user: Any, evaluation: Evaluation, day: date) -> Deed:
    if count := _open(evaluation):
        title = _("答复 %(count)s 件异议") % {"count": count}
        return _deed(user, evaluation, "objections", "evaluation.answer", title)
    done = evaluation.runs.filter(kind=Run.Kind.TRIAL, state=Run.State.DONE).exists()
    title = _("选定一次试算送审") if done else _("试算")
    return _deed(user, evaluation, "trials", "evaluation.edit", title)


def _after_choice(user: Any, evaluation: Evaluation, day: date) -> Deed:
    assert evaluation.chosen is not None
    if agreed_to(evaluation.chosen):
        return _deed(user, evaluation, "review", "evaluation.edit", _("公示"))
    return _deed(user, evaluation, "review", "evaluation.review", _("内部审核"), _("还没有人审核同意"))


def _after_publication(user: Any, evaluation: Evaluation, day: date) -> Deed:
    assert evaluation.publicity_until is not None
    if day > evaluation.publicity_until:
        return _deed(user, evaluation, "publicity", "evaluation.edit", _("结束公示"), late=True)
    if count := _open(evaluation):
        title = _("答复 %(count)s 件异议") % {"count": count}
        return _deed(user, evaluation, "objections", "evaluation.answer", title)
    missing = _("公示到 %(day)s为止") % {"day": written_day(evaluation.publicity_until)}
    return _deed(user, evaluation, "publicity", "evaluation.edit", _("等公示结束"), missing)


def _after_publicity(user: Any, evaluation: Evaluation, day: date) -> Deed:
    if count := _open(evaluation):
        late = evaluation.objections.filter(state="open", due__lt=day).exists()
        title = _("答复 %(count)s 件异议") % {"count": count}
        return _deed(user, evaluation, "objections", "evaluation.answer", title, late=late)
    return _deed(user, evaluation, "final", "evaluation.edit", _("终算"))


def _after_final(user: Any, evaluation: Evaluation, day: date) -> Deed:
    last = evaluation.runs.select_related("job").filter(kind=Run.Kind.FINAL).order_by("-number").first()
    if last is None or last.state == Run.State.FAILED or last.lost:
        return _deed(user, evaluation, "final", "evaluation.edit", _("重新终算"))
    if last.state == Run.State.WAITING:
        return _deed(user, evaluation, "final", "evaluation.edit", _("等终算算完"))
    return _deed(user, evaluation, "final", "evaluation.sign", _("签发"))


def _after_signature(user: Any, evaluation: Evaluation, day: date) -> Deed | None:
    open_one = (
        evaluation.runs.filter(
            kind=Run.Kind.CORRECTION, signed_at=None, state=Run.State.DONE, replaces=evaluation.chosen
        )
        .exclude(reviews__agreed=False)
        .order_by("-number")
        .first()
    )
    if open_one is None:
        return None
    if agreed_to(open_one):
        return _deed(user, evaluation, "final", "evaluation.sign", _("签发更正"))
    return _deed(user, evaluation, "final", "evaluation.review", _("审核更正"))


def _open(evaluation: Evaluation) -> int:
    return evaluation.objections.filter(state="open").count()


_NEXT: dict[State, Callable[[Any, Evaluation, date], Deed | None]] = {
    State.ROSTER: _after_roster,
    State.CONFIRMATION: _after_sheets,
    State.TRIAL: _after_trials,
    State.REVIEW: _after_choice,
    State.PUBLICITY: _after_publication,
    State.ANSWERS: _after_publicity,
    State.FINAL: _after_final,
    State.SIGNED: _after_signature,
}
