"""Choose a trial, have it reviewed by somebody else, publish it, and end the publicity."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from muheng.web.audit.actions import record
from muheng.web.evaluation.models import Evaluation, Objection, Review, Run
from muheng.web.evaluation.runs import digest_of, roster_codes
from muheng.web.evaluation.steps import State, expect, hold, last_of, move, need_text, now, take, today
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Panel
from muheng.web.templatetags.words import day as written_day


@transaction.atomic
def choose(actor: User | None, evaluation: Evaluation, run: Run) -> Evaluation:
    """Put a trial before the reviewers: one by a final text, on the facts and the roster as they now are."""
    held = take(actor, evaluation, "evaluation.edit", State.TRIAL)
    chosen = held.runs.select_related("policy").filter(pk=run.pk).first()
    if chosen is None or chosen.kind != Run.Kind.TRIAL or chosen.state != Run.State.DONE:
        raise Refused(_("只能选一次已经算完的试算。"), code="not_done")
    if not chosen.official:
        raise Refused(
            _("这次试算用的不是定稿的办法。"), _("请把改动定稿成新的版本，用它再试算一次。"), code="not_final"
        )
    if (count := held.objections.filter(state=Objection.State.OPEN).count()) > 0:
        raise Refused(
            _("还有 %(count)s 件数据异议没有答复。") % {"count": count},
            _("请先答复，再按更正后的数据试算。"),
            code="open_objections",
        )
    if stale := why_stale(held, chosen):
        raise Refused(stale, _("请再试算一次。"), code="stale")
    if chosen.reviews.filter(agreed=False).exists():
        raise Refused(_("这次试算被退回过。"), _("请改好后再试算一次。"), code="returned")
    move(held, State.REVIEW, chosen=chosen, policy=chosen.policy)
    record(actor, "evaluation.choose", chosen, number=chosen.number, seal=chosen.seal)
    return held


def why_stale(evaluation: Evaluation, run: Run) -> str:
    """Why a run no longer shows how things are; empty where it does."""
    panels = dict(Panel.objects.filter(pk__gte=evaluation.year - 1).values_list("pk", "folder"))
    last_year = not run.previous or panels.get(evaluation.year - 1) == run.previous
    if run.basis != Run.Basis.CURRENT or panels.get(evaluation.year) != run.facts or not last_year:
        return _("这次计算之后数据又有变化，或用的不是现有数据。")
    if run.roster != digest_of(roster_codes(evaluation)):
        return _("这次计算之后名单又有变化。")
    return ""


@transaction.atomic
def review(actor: User, run: Run, agreed: bool, note: str = "", at: datetime | None = None) -> Review:
    """A reviewer agrees to the run under review, or returns it saying why. Not whoever computed it."""
    held = hold(run.evaluation_id)
    require(actor, "evaluation.review", held.organisation)
    found = held.runs.get(pk=run.pk)
    if found.kind == Run.Kind.CORRECTION:
        expect(held, State.SIGNED)
        if found.state != Run.State.DONE or found.signed_at is not None:
            raise Refused(_("这次更正现在不用审核。"), code="wrong_step")
    else:
        expect(held, State.REVIEW)
        if held.chosen_id != found.pk:
            raise Refused(_("送审的不是这次试算。"), _("请刷新页面查看。"), code="wrong_step")
    if found.created_by_id == actor.pk:
        raise Refused(_("谁算的谁不能审核。"), _("请由另一人审核。"), status=403, code="same_person")
    if found.reviews.filter(person=actor).exists():
        raise Refused(_("您已经审核过了。"), code="unchanged")
    if found.reviews.filter(agreed=False).exists():
        raise Refused(_("已经退回。"), code="returned")
    note = need_text(note, _("退回的理由"), "note") if not agreed else note.strip()
    made = Review.objects.create(run=found, person=actor, agreed=agreed, note=note, at=now(at))
    if not agreed and found.kind == Run.Kind.TRIAL:
        move(held, State.TRIAL, chosen=None)
    record(actor, "evaluation.review", found, agreed=agreed, note=note)
    return made


def agreed_to(run: Run) -> bool:
    """Whether somebody other than whoever computed it has agreed, and nobody returned it."""
    given = list(run.reviews.values_list("agreed", "person_id"))
    return all(agreed for agreed, _person in given) and any(
        agreed and person != run.created_by_id for agreed, person in given
    )


def still_wanted(evaluation: Evaluation, correction: Run) -> bool:
    """Whether a correction still corrects what is signed, and nobody returned it."""
    if correction.replaces_id != evaluation.chosen_id:
        return False
    return not correction.reviews.filter(agreed=False).exists()


@transaction.atomic
def publish(
    actor: User | None,
    evaluation: Evaluation,
    working_days: int,
    first: date | None = None,
    at: datetime | None = None,
) -> Evaluation:
    """Publish the chosen run for so many working days, from a day on (the first is counted)."""
    held = take(actor, evaluation, "evaluation.edit", State.REVIEW)
    assert held.chosen is not None
    if not agreed_to(held.chosen):
        raise Refused(_("还没有人审核同意。"), _("至少要有一位不是经办人的审核人同意。"), code="not_reviewed")
    begins = first or today(at)
    if begins < today(at):
        raise Refused(
            _("公示不能从过去的日子开始（%(day)s）。") % {"day": written_day(begins)},
            status=422,
            code="invalid",
            at="first",
        )
    deadline = last_of(begins, working_days)
    move(
        held,
        State.PUBLICITY,
        publicity_from=begins,
        publicity_until=deadline.due,
        provisional=deadline.provisional,
    )
    record(actor, "evaluation.publish", held, first=begins, last=deadline.due, run=held.chosen.number)
    return held


@transaction.atomic
def close_publicity(actor: User | None, evaluation: Evaluation, at: datetime | None = None) -> Evaluation:
    """Once the publicity is over, go on to the objections that are left and the final run."""
    held = take(actor, evaluation, "evaluation.edit", State.PUBLICITY)
    assert held.publicity_until is not None
    if today(at) <= held.publicity_until:
        raise Refused(
            _("公示到 %(day)s为止，还没有结束。") % {"day": written_day(held.publicity_until)},
            code="too_early",
        )
    move(held, State.ANSWERS)
    record(actor, "evaluation.close_publicity", held)
    return held
