"""One sheet for each enterprise (一企一单): sent out, confirmed or disputed in time, closed when the time is over.

An enterprise answers by its account; an official writes down what came on paper, saying so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.intake.facts import CODE, Facts, show
from muheng.intake.overlay import read_value
from muheng.web.audit.actions import record
from muheng.web.evaluation.actions.cases import open_case_of
from muheng.web.evaluation.actions.evidence import attach, speak_for
from muheng.web.evaluation.bulk import insert_rows
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection
from muheng.web.evaluation.steps import State, due_after, expect, need_text, now, take, today
from muheng.web.people.models import User
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.models import Enterprise, Panel
from muheng.web.registry.panels import read_panel
from muheng.web.templatetags.words import day as written_day

SheetState = Confirmation.State


@transaction.atomic
def open_confirmation(
    actor: User | None, evaluation: Evaluation, working_days: int, at: datetime | None = None
) -> int:
    """Send everyone on the roster their sheet, to be answered within so many working days; gives how many."""
    held = take(actor, evaluation, "evaluation.edit", State.ROSTER)
    deadline = due_after(today(at), working_days)
    panel = Panel.objects.filter(pk=held.year).first()
    if not held.roster_panel:
        raise Refused(_("名单还没有整理好。"), _("请等名单整理完再发确认单。"), code="no_roster")
    if panel is None or panel.folder != held.roster_panel:
        raise Refused(
            _("名单整理之后，%(year)s 年的数据又有变化。") % {"year": held.year}, _("请重新整理名单。")
        )
    if not held.participants.filter(included=True).exists():
        raise Refused(_("名单里没有企业。"), _("请先整理名单。"))
    held.state = State.CONFIRMATION
    held.confirm_from, held.confirm_until = today(at), deadline.due
    held.provisional = deadline.provisional
    held.save(update_fields=("state", "confirm_from", "confirm_until", "provisional"))
    sent = match_sheets(held)
    record(actor, "evaluation.open_confirmation", held, until=deadline.due, sheets=sent)
    return sent


@transaction.atomic
def extend_confirmation(
    actor: User | None,
    evaluation: Evaluation,
    working_days: int,
    reason: str,
    at: datetime | None = None,
) -> Evaluation:
    """Give everyone more time: so many working days after the deadline, or after today where it has passed."""
    held = take(actor, evaluation, "evaluation.edit", State.CONFIRMATION)
    reason = need_text(reason, _("延期的理由"), "reason", 200)
    assert held.confirm_until is not None
    before = held.confirm_until
    deadline = due_after(max(before, today(at)), working_days)
    held.confirm_until, held.provisional = deadline.due, deadline.provisional
    held.save(update_fields=("confirm_until", "provisional"))
    record(actor, "evaluation.extend_confirmation", held, before=before, until=deadline.due, reason=reason)
    return held


def match_sheets(evaluation: Evaluation) -> int:
    """While sheets are out: one for everyone who is in, none unanswered for who is out; gives how many were sent."""
    if evaluation.state != State.CONFIRMATION:
        return 0
    sheets = Confirmation.objects.filter(evaluation=evaluation)
    inside = evaluation.participants.filter(included=True).values_list("enterprise_id", flat=True)
    sheets.filter(state=SheetState.WAITING).exclude(enterprise__in=inside).delete()
    held = set(sheets.values_list("enterprise_id", flat=True))
    fresh = [(number,) for number in inside.iterator(chunk_size=20_000) if number not in held]
    sent = {"evaluation_id": evaluation.pk, "folder": evaluation.roster_panel}
    insert_rows(Confirmation, ("enterprise_id",), fresh, **sent)
    return len(fresh)


@transaction.atomic
def confirm(
    actor: User,
    evaluation: Evaluation,
    enterprise: Enterprise,
    note: str = "",
    at: datetime | None = None,
) -> Confirmation:
    """The enterprise accepts every figure on its sheet."""
    sheet = _take_sheet(actor, evaluation, enterprise, note, at)
    if sheet.state == SheetState.CONFIRMED:
        raise Refused(_("这张单已经确认过了。"), code="unchanged")
    if sheet.state != SheetState.WAITING:
        raise Refused(_("这张单上提过异议，异议办完即可，不用再确认。"))
    sheet.state, sheet.answered_by, sheet.answered_at = SheetState.CONFIRMED, actor, now(at)
    sheet.note = note.strip()[:200]
    sheet.save(update_fields=("state", "answered_by", "answered_at", "note"))
    record(actor, "evaluation.confirm", sheet, code=enterprise.code, note=sheet.note)
    return sheet


@transaction.atomic
def dispute(
    actor: User,
    evaluation: Evaluation,
    enterprise: Enterprise,
    item: str,
    claimed: str,
    reason: str,
    files: Sequence[UploadedFile[Any]] = (),
    note: str = "",
    at: datetime | None = None,
) -> Objection:
    """The enterprise says that a figure on its sheet is wrong, what it should be, and why."""
    sheet = _take_sheet(actor, evaluation, enterprise, note, at)
    if sheet.state == SheetState.CONFIRMED:
        raise Refused(
            _("这张单已经确认，不能再提异议。"), _("确有错误的，请在公示期内提出，或联系评价的经办人。")
        )
    reason = need_text(reason, _("异议的理由"), "reason")
    facts = read_panel(sheet.folder)
    shown, settled, unit = read_claim(facts, enterprise, item, claimed)
    if _about(evaluation, enterprise, item).filter(state=Objection.State.OPEN).exists():
        raise Refused(
            _("“%(item)s”的异议还没有答复，不用再提。") % {"item": item},
            _("要改的话，先撤回原来的。"),
            at="item",
        )
    made = Objection.objects.create(
        evaluation=evaluation,
        enterprise=enterprise,
        stage=Objection.Stage.CONFIRMATION,
        item=item,
        shown=shown,
        claimed=settled,
        unit=unit,
        text=reason,
        raised_by=actor,
        raised_at=now(at),
        due=due_after(today(at), evaluation.answer_days).due,
    )
    attach(made, files, actor)
    open_case_of(actor, made)
    sheet.answered_by, sheet.answered_at, sheet.note = actor, now(at), note.strip()[:200]
    sheet.state = SheetState.DISPUTED
    sheet.save(update_fields=("state", "answered_by", "answered_at", "note"))
    record(
        actor,
        "evaluation.dispute",
        made,
        code=enterprise.code,
        item=item,
        shown=shown,
        claimed=settled,
        files=[file.name for file in files],
    )
    return made


@transaction.atomic
def close_confirmation(actor: User | None, evaluation: Evaluation, at: datetime | None = None) -> int:
    """Once the time is over, or all have answered: mark who was silent, and go on to trials; gives how many were."""
    held = take(actor, evaluation, "evaluation.edit", State.CONFIRMATION)
    waiting = Confirmation.objects.filter(evaluation=held, state=SheetState.WAITING)
    assert held.confirm_until is not None
    if today(at) <= held.confirm_until and (count := waiting.count()):
        raise Refused(
            _("确认期限到 %(day)s，还有 %(count)s 户没有回复。")
            % {"day": written_day(held.confirm_until), "count": count},
            _("等期限过后再结束，或等全部回复。"),
            code="too_early",
        )
    silent = waiting.update(state=SheetState.SILENT)
    held.state = State.TRIAL
    held.save(update_fields=("state",))
    record(actor, "evaluation.close_confirmation", held, silent=silent)
    return silent


def read_claim(facts: Facts, enterprise: Enterprise, item: str, claimed: str) -> tuple[str, str, str]:
    """What the facts say of an item, what is claimed, and its unit, as text. Raises Refused for a claim that is none."""
    known = facts.items.get(item)
    if known is None:
        raise Refused(
            _("数据里没有“%(item)s”这一项。") % {"item": item}, status=422, code="invalid", at="item"
        )
    try:
        value = read_value(claimed, known)
    except Refusal as refusal:
        refused = refused_by(refusal, language())
        raise Refused(refused.what, refused.fix, status=422, code="invalid", at="claimed") from refusal
    row = facts.frame[CODE].search_sorted(enterprise.code)
    held = (
        facts.frame[item][row]
        if row < facts.frame.height and facts.frame[CODE][row] == enterprise.code
        else None
    )
    if held == value:
        raise Refused(_("所填的数和单上的一样。"), status=422, code="invalid", at="claimed")
    return "" if held is None else show(held, known), show(value, known), known.unit or ""


def settle_sheet(evaluation: Evaluation, enterprise_id: int) -> None:
    """Bring the state of a sheet up to its disputes."""
    sheet = Confirmation.objects.filter(evaluation=evaluation, enterprise_id=enterprise_id).first()
    if sheet is None or sheet.state in (SheetState.CONFIRMED, SheetState.SILENT):
        return
    states = set(
        Objection.objects.filter(
            evaluation=evaluation, enterprise_id=enterprise_id, stage=Objection.Stage.CONFIRMATION
        ).values_list("state", flat=True)
    )
    if Objection.State.OPEN in states:
        sheet.state = SheetState.DISPUTED
    elif states - {Objection.State.WITHDRAWN}:
        sheet.state = SheetState.SETTLED
    else:
        # Every dispute was taken back: as if there had been none, and silent where the time is over.
        ended = evaluation.state != State.CONFIRMATION
        sheet.state = SheetState.SILENT if ended else SheetState.WAITING
        sheet.answered_by, sheet.answered_at = None, None
    sheet.save(update_fields=("state", "answered_by", "answered_at"))


def _about(evaluation: Evaluation, enterprise: Enterprise, item: str) -> Any:
    return Objection.objects.filter(evaluation=evaluation, enterprise=enterprise, item=item)


def _take_sheet(
    actor: User, evaluation: Evaluation, enterprise: Enterprise, note: str, at: datetime | None
) -> Confirmation:
    """The enterprise's sheet, for this transaction alone, from somebody who may answer it, in time."""
    speak_for(actor, enterprise, note)
    rows = Confirmation.objects.select_for_update(of=("self",)).filter(
        evaluation=evaluation, enterprise=enterprise
    )
    sheet = rows.first()
    # Asked with the sheet in hand: whoever ends the confirmation waits for it, or has ended it already.
    evaluation.refresh_from_db()
    expect(evaluation, State.CONFIRMATION)
    if sheet is None:
        raise Refused(
            _("%(name)s没有这次评价的确认单。") % {"name": enterprise.name}, status=404, code="not_found"
        )
    if evaluation.confirm_until is not None and today(at) > evaluation.confirm_until:
        raise Refused(
            _("确认期限已过（%(day)s截止）。") % {"day": written_day(evaluation.confirm_until)},
            _("请在公示期内提出异议，或联系评价的经办人。"),
            code="too_late",
        )
    return sheet
