"""Objections: raised in publicity, withdrawn, answered with a reason. Upheld figures become a layer of the facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.intake.facts import show
from muheng.intake.overlay import Correction, correction_layer, read_value
from muheng.web.audit.actions import record
from muheng.web.evaluation.actions.cases import open_case_of, settle_case_of
from muheng.web.evaluation.actions.confirmation import read_claim, settle_sheet
from muheng.web.evaluation.actions.evidence import attach, speak_for
from muheng.web.evaluation.actions.roster import concerns
from muheng.web.evaluation.models import Evaluation, Objection
from muheng.web.evaluation.steps import State, due_after, expect, hold, need_text, now, take, today
from muheng.web.people.models import User
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.models import Enterprise, Layer
from muheng.web.registry.panels import add_layer, current
from muheng.web.registry.queries import is_own
from muheng.web.templatetags.words import day as written_day

Outcome = Objection.State
OUTCOMES = (Outcome.UPHELD, Outcome.PARTLY, Outcome.REJECTED)
ANSWERABLE = (State.CONFIRMATION, State.TRIAL, State.PUBLICITY, State.ANSWERS)


@dataclass(frozen=True)
class Answer:
    """What officials say to one objection; ``settled`` is the figure that it sets, where it is partly upheld."""

    objection: int
    outcome: str
    text: str
    settled: str = ""


@transaction.atomic
def object_to_result(
    actor: User,
    evaluation: Evaluation,
    enterprise: Enterprise,
    text: str,
    *,
    item: str = "",
    claimed: str = "",
    files: Sequence[UploadedFile[Any]] = (),
    party: str = Objection.Party.OWN,
    who: str = "",
    note: str = "",
    at: datetime | None = None,
) -> Objection:
    """An objection to the published result. Those of other enterprises and of the public are written down by officials."""
    evaluation = hold(evaluation.pk)
    expect(evaluation, State.PUBLICITY)
    if not concerns(evaluation, enterprise):
        raise Refused(
            _("%(name)s没有参加这次评价。") % {"name": enterprise.name}, status=404, code="not_found"
        )
    first, last = evaluation.publicity_from, evaluation.publicity_until
    assert first is not None
    assert last is not None
    if not first <= today(at) <= last:
        raise Refused(
            _("公示期是 %(first)s到%(last)s，现在不能提出异议。")
            % {"first": written_day(first), "last": written_day(last)},
            code="too_late" if today(at) > last else "too_early",
        )
    if party not in Objection.Party.values:
        raise Refused(_("没有这种异议人。"), status=422, code="invalid", at="party")
    own = speak_for(actor, enterprise, note)
    if own and party != Objection.Party.OWN:
        raise Refused(_("企业只能为自己提出异议。"), status=422, code="invalid", at="party")
    text = need_text(text, _("异议的理由"), "text")
    if party != Objection.Party.OWN:
        who = need_text(who, _("异议人"), "who", 100)
    shown = unit = ""
    if item:
        facts = current(evaluation.year)
        if facts is None:
            raise Refused(_("%(year)s 年的数据已经撤销。") % {"year": evaluation.year})
        shown, claimed, unit = read_claim(facts, enterprise, item, claimed)
    made = Objection.objects.create(
        evaluation=evaluation,
        enterprise=enterprise,
        stage=Objection.Stage.PUBLICITY,
        run=evaluation.chosen,
        party=party,
        who=who,
        item=item,
        shown=shown,
        claimed=claimed if item else "",
        unit=unit,
        text=text if own else f"{text}（{note.strip()}）",
        raised_by=actor,
        raised_at=now(at),
        due=due_after(today(at), evaluation.answer_days).due,
    )
    attach(made, files, actor)
    open_case_of(actor, made)
    record(
        actor,
        "evaluation.object",
        made,
        code=enterprise.code,
        party=party,
        item=item,
        claimed=made.claimed,
        files=[file.name for file in files],
    )
    return made


@transaction.atomic
def withdraw(actor: User, objection: Objection, note: str = "", at: datetime | None = None) -> Objection:
    """Who raised an objection takes it back while it is open."""
    evaluation = hold(objection.evaluation_id)
    held = Objection.objects.select_for_update(of=("self",)).select_related("enterprise").get(pk=objection.pk)
    speak_for(actor, held.enterprise, note)
    if is_own(actor, held.enterprise) and held.party != Objection.Party.OWN:
        raise Refused(_("别人提的异议不能由您撤回。"), status=403, code="forbidden")
    _still_open(held)
    held.state, held.answered_at = Outcome.WITHDRAWN, now(at)
    held.save(update_fields=("state", "answered_at"))
    if held.stage == Objection.Stage.CONFIRMATION:
        settle_sheet(evaluation, held.enterprise_id)
    settle_case_of(actor, held, note.strip() or _("提出的人撤回"), now(at))
    record(actor, "evaluation.withdraw", held, code=held.enterprise.code, note=note)
    return held


def answer(
    actor: User | None,
    objection: Objection,
    outcome: str,
    text: str,
    settled: str = "",
    at: datetime | None = None,
) -> Objection:
    """Answer one objection."""
    return answer_all(actor, objection.evaluation, [Answer(objection.pk, outcome, text, settled)], at)[0]


@transaction.atomic
def answer_all(
    actor: User | None,
    evaluation: Evaluation,
    answers: Sequence[Answer],
    at: datetime | None = None,
) -> list[Objection]:
    """Answer objections together, all or none; the figures that they set become one layer."""
    held = take(actor, evaluation, "evaluation.answer", *ANSWERABLE)
    rows = {
        each.pk: each
        for each in held.objections.select_for_update(of=("self",))
        .select_related("enterprise")
        .filter(pk__in=[each.objection for each in answers])
    }
    corrections = []
    answered = []
    for each in answers:
        found = rows.get(each.objection)
        if found is None:
            raise Refused(_("没有这件异议。"), status=404, code="not_found")
        _still_open(found)
        if each.outcome not in OUTCOMES:
            raise Refused(_("请选择采纳、部分采纳或不采纳。"), status=422, code="invalid", at="outcome")
        found.state = each.outcome
        found.answer = need_text(each.text, _("答复的理由"), "text")
        found.answered_by, found.answered_at = actor, now(at)
        if found.item and each.outcome != Outcome.REJECTED:
            found.settled = _settled(held, found, each)
            document = f"更正单 第{found.pk}号"
            corrections.append(Correction(found.enterprise.code, found.item, found.settled, document))
        answered.append(found)
    layer = _lay(actor, held, corrections) if corrections else None
    for found in answered:
        found.layer = layer if found.settled else None
        found.save(update_fields=("state", "answer", "answered_by", "answered_at", "settled", "layer"))
        if found.stage == Objection.Stage.CONFIRMATION:
            settle_sheet(held, found.enterprise_id)
        settle_case_of(actor, found, found.answer, now(at))
        record(
            actor,
            "evaluation.answer",
            found,
            code=found.enterprise.code,
            outcome=found.state,
            item=found.item,
            settled=found.settled,
            late=today(at) > found.due,
        )
    return answered


def _settled(evaluation: Evaluation, objection: Objection, given: Answer) -> str:
    """The figure that an upheld or partly upheld objection sets, as the facts would write it."""
    if given.outcome == Outcome.UPHELD:
        return objection.claimed
    facts = current(evaluation.year)
    item = facts.items.get(objection.item) if facts else None
    if item is None:
        raise Refused(_("数据里没有“%(item)s”这一项。") % {"item": objection.item}, at="settled")
    try:
        value = show(read_value(given.settled, item), item)
    except Refusal as refusal:
        refused = refused_by(refusal, language())
        raise Refused(refused.what, refused.fix, status=422, code="invalid", at="settled") from refusal
    if value in (objection.shown, objection.claimed):
        raise Refused(
            _("部分采纳的数应与原数和企业主张的数都不同。"),
            _("相同的，请选采纳或不采纳。"),
            status=422,
            code="invalid",
            at="settled",
        )
    return value


def _lay(actor: User | None, evaluation: Evaluation, corrections: Sequence[Correction]) -> Layer:
    facts = current(evaluation.year)
    if facts is None:
        raise Refused(_("%(year)s 年的数据已经撤销。") % {"year": evaluation.year})
    try:
        layer = correction_layer(facts, corrections)
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
    title = corrections[0].document if len(corrections) == 1 else f"更正单 {len(corrections)} 份"
    return add_layer(layer, title, f"evaluation.objections:{evaluation.pk}", actor)


def _still_open(objection: Objection) -> None:
    if objection.state == Outcome.OPEN:
        return
    by = objection.answered_by.name if objection.answered_by else ""
    raise Refused(
        _("这件异议已经办过（%(state)s，%(by)s）。") % {"state": objection.get_state_display(), "by": by}
        if by
        else _("这件异议已经办过（%(state)s）。") % {"state": objection.get_state_display()},
        _("请刷新页面查看。"),
        code="answered",
    )
