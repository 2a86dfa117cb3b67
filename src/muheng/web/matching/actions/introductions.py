"""A need and an offer are brought together, and what comes of it: every step with its day and person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.audit.actions import record
from muheng.web.matching.actions.checks import (
    check_amount,
    check_text,
    check_version,
    invalid,
    moment_of,
    require_for,
)
from muheng.web.matching.actions.settling import resettle, write_step
from muheng.web.matching.actions.suppliers import recount_offer
from muheng.web.matching.candidates import judge, keep_reasons
from muheng.web.matching.models import Introduction, Need, Offer
from muheng.web.matching.queries import editors_of, representatives_of
from muheng.web.notices.actions import tell
from muheng.web.refusal import Refused
from muheng.web.registry.queries import is_own

State = Introduction.State
NEXT: dict[str, tuple[str, ...]] = {
    State.ASKED: (State.INTRODUCED, State.FAILED),
    State.INTRODUCED: (State.CONTACTED, State.AGREED, State.FAILED),
    State.CONTACTED: (State.AGREED, State.FAILED),
    State.AGREED: (State.FAILED,),
    State.FAILED: (),
}
"""What may come after what."""


@transaction.atomic
def introduce(
    actor: Any,
    need: Need,
    offer: Offer,
    *,
    reason: str = "",
    on: date | None = None,
    at: datetime | None = None,
) -> Introduction:
    """An official brings both together. Against the rules only with a reason."""
    require_for(actor, need.enterprise)
    asked = Introduction.objects.filter(need=need, offer=offer, state=State.ASKED).first()
    if asked is not None:
        return advance(actor, asked, State.INTRODUCED, note=reason, on=on, at=at)
    return _begin(actor, need, offer, State.INTRODUCED, reason, on, at)


@transaction.atomic
def ask_for(actor: Any, need: Need, offer: Offer, *, at: datetime | None = None) -> Introduction:
    """The enterprise asks to be brought together with a supplier."""
    if not is_own(actor, need.enterprise):
        raise Refused(_("只有本企业的账号可以申请。"), status=403, code="forbidden")
    begun = _begin(actor, need, offer, State.ASKED, "", None, at)
    tell(
        editors_of(need.enterprise),
        gettext_lazy("企业申请对接"),
        f"{need.enterprise.name}：{need.title} → {offer.supplier.name}",
        reverse("matching:introduction", args=[begun.pk]),
        room="matching",
        key=f"introduction:{begun.pk}",
        at=begun.introduced_at,
    )
    return begun


def _begin(
    actor: Any, need: Need, offer: Offer, state: str, reason: str, on: date | None, at: datetime | None
) -> Introduction:
    now, day = moment_of(at, on)
    need = Need.objects.select_for_update().get(pk=need.pk)
    offer = Offer.objects.select_for_update().get(pk=offer.pk)
    if need.kind != offer.kind:
        raise invalid(_("需求和供给不是同一类。"), at="offer")
    if not need.live:
        raise Refused(_("这一需求%(state)s。") % {"state": need.get_state_display()})
    if offer.state != Offer.State.OPEN:
        raise Refused(_("这一供给已停止。"), _("请选别的供给。"))
    live = Introduction.objects.filter(need=need, offer=offer).exclude(state=State.FAILED)
    if live.exists():
        raise Refused(_("已经推介过这一供给。"), _("请打开原来的对接。"))
    candidate = judge(need, offer, day)
    note = check_text(reason, 500, "reason", _("原因"))
    if not candidate.fits and not note and state == State.INTRODUCED:
        raise invalid(
            _("有 %(count)d 项条件不符合，仍要推介请写明原因。") % {"count": len(candidate.against)},
            _("请写明原因，或选别的供给。"),
            "reason",
        )
    begun = Introduction.objects.create(
        need=need,
        offer=offer,
        state=state,
        points=candidate.points,
        fits=candidate.fits,
        reasons=keep_reasons(candidate),
        introduced_at=now,
        changed_on=day,
    )
    write_step(actor, begun, state, day, now, note)
    resettle(need, now)
    record(actor, f"matching.introduction.{state}", begun, points=begun.points, fits=begun.fits, note=note)
    if state == State.INTRODUCED:
        _tell_enterprise(begun, actor, now)
    return begun


@transaction.atomic
def advance(
    actor: Any,
    introduction: Introduction,
    state: str,
    *,
    note: str = "",
    amount: int | None = None,
    on: date | None = None,
    at: datetime | None = None,
    version: int | None = None,
) -> Introduction:
    """The next step. What was agreed has its amount where the kind has amounts; what failed has its reason.

    The enterprise itself may say that contact was made, or that nothing came of it.
    """
    row = (
        Introduction.objects.select_for_update(of=("self",))
        .select_related("need", "offer")
        .get(pk=introduction.pk)
    )
    need = Need.objects.select_for_update().get(pk=row.need_id)
    offer = Offer.objects.select_for_update().get(pk=row.offer_id)
    own = actor is not None and is_own(actor, need.enterprise)
    if not (own and state in (State.CONTACTED, State.FAILED) and row.state != State.AGREED):
        require_for(actor, need.enterprise)
    check_version(row, version)
    if state not in NEXT[row.state]:
        raise Refused(
            _("现在是“%(now)s”，不能记为“%(then)s”。")
            % {"now": row.get_state_display(), "then": State(state).label}
        )
    now, day = moment_of(at, on)
    if day < row.changed_on:
        raise invalid(
            _("日期早于上一步的 %(day)s。") % {"day": row.changed_on.isoformat()}, _("请核对日期。"), "on"
        )
    if need.state == Need.State.ENDED and state != State.FAILED:
        raise Refused(_("这一需求%(state)s。") % {"state": need.get_state_display()})
    text = check_text(note, 500, "note", _("原因"), needed=state == State.FAILED)
    if state == State.FAILED and hasattr(row, "credit") and row.credit.voided_at is None:
        raise Refused(_("已经据此授信，不能记为未达成。"), _("授信记错的，请先作废授信。"))
    amount = _agreed_amount(row, need, offer, amount) if state == State.AGREED else None
    row.state, row.changed_on, row.amount = state, day, amount
    row.version += 1
    row.save()
    write_step(actor, row, state, day, now, text, amount)
    recount_offer(offer)
    resettle(need, now)
    record(actor, f"matching.introduction.{state}", row, on=day, amount=amount, note=text)
    if not own:
        _tell_enterprise(row, actor, now)
    return row


def _agreed_amount(row: Introduction, need: Need, offer: Offer, amount: int | None) -> int | None:
    amount = check_amount(amount if amount is not None else need.amount, need.kind, "amount", _("达成数额"))
    if amount is None and offer.capacity is not None:
        raise invalid(_("这一供给有总量，达成时要写数额。"), _("请写明数额。"), "amount")
    if amount is not None and offer.left is not None and amount > offer.left:
        raise invalid(_("达成的数额超出供给的余量。"), _("请核对数额，或先改供给的总量。"), "amount")
    return amount


def _tell_enterprise(row: Introduction, actor: Any, now: datetime) -> None:
    people = [
        each for each in representatives_of(row.need.enterprise) if actor is None or each.pk != actor.pk
    ]
    tell(
        people,
        gettext_lazy("您的需求有新的对接进展"),
        f"{row.need.title}：{row.offer.supplier.name}",
        reverse("matching:introduction", args=[row.pk]),
        room="matching",
        key=f"introduction:{row.pk}:{row.state}",
        at=now,
    )
