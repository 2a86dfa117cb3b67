"""Tags, suppliers and what they offer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.standards.industry import industry_name
from muheng.web.audit.actions import record
from muheng.web.matching.actions.checks import (
    check_amount,
    check_number,
    check_text,
    check_version,
    find_tags,
    invalid,
    require_at,
)
from muheng.web.matching.models import Introduction, Kind, Offer, Supplier, Tag
from muheng.web.people.models import Organisation
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by


@dataclass(frozen=True)
class OfferTerms:
    """What an offer says. Amounts in fen or persons, ``rate`` in hundredths of a percent; empty is no limit."""

    title: str
    text: str = ""
    least: int | None = None
    most: int | None = None
    capacity: int | None = None
    months: int | None = None
    rate: int | None = None
    lead_days: int | None = None
    since: date | None = None
    until: date | None = None
    regions: tuple[Organisation, ...] = ()
    industries: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@transaction.atomic
def add_tags(actor: Any, kind: str, names: Iterable[str]) -> list[Tag]:
    """Words by which needs and offers of a kind are marked; those that are there stay."""
    city = Organisation.objects.filter(kind=Organisation.Kind.CITY).order_by("pk").first()
    if city is not None:
        require_at(actor, city)
    tags = []
    for name in names:
        text = check_text(name, 30, "tags", _("标签"), needed=True)
        tag, new = Tag.objects.get_or_create(kind=Kind(kind).value, name=text)
        if new:
            record(actor, "matching.tag.add", tag, kind=kind)
        tags.append(tag)
    return tags


@transaction.atomic
def add_supplier(
    actor: Any,
    kind: str,
    name: str,
    *,
    keeper: Organisation,
    place: Organisation | None = None,
    about: str = "",
    contact: str = "",
    phone: str = "",
    at: datetime | None = None,
) -> Supplier:
    """A bank, a technology supplier or a labour agency, kept by the officials of ``keeper``."""
    require_at(actor, keeper)
    values = _supplier_values(name, about, contact, phone)
    if Supplier.objects.filter(kind=kind, name=values["name"]).exists():
        raise Refused(
            _("“%(name)s”已经登记。") % {"name": values["name"]}, _("请直接登记它的供给。"), at="name"
        )
    supplier = Supplier.objects.create(
        kind=Kind(kind).value, keeper=keeper.territory, place=place, added_at=at or timezone.now(), **values
    )
    record(actor, "matching.supplier.add", supplier, kind=kind)
    return supplier


@transaction.atomic
def change_supplier(
    actor: Any,
    supplier: Supplier,
    name: str,
    *,
    place: Organisation | None,
    about: str,
    contact: str,
    phone: str,
) -> Supplier:
    require_at(actor, supplier.keeper)
    values = _supplier_values(name, about, contact, phone)
    if Supplier.objects.filter(kind=supplier.kind, name=values["name"]).exclude(pk=supplier.pk).exists():
        raise Refused(_("“%(name)s”已经登记。") % {"name": values["name"]}, _("请用别的名称。"), at="name")
    for field, value in values.items():
        setattr(supplier, field, value)
    supplier.place = place
    supplier.save()
    record(actor, "matching.supplier.change", supplier)
    return supplier


def _supplier_values(name: str, about: str, contact: str, phone: str) -> dict[str, str]:
    return {
        "name": check_text(name, 120, "name", _("名称"), needed=True),
        "about": check_text(about, 1000, "about", _("简介")),
        "contact": check_text(contact, 60, "contact", _("联系人")),
        "phone": check_text(phone, 30, "phone", _("电话")),
    }


@transaction.atomic
def add_offer(actor: Any, supplier: Supplier, terms: OfferTerms, *, at: datetime | None = None) -> Offer:
    """What a supplier gives, and to whom."""
    require_at(actor, supplier.keeper)
    offer = Offer(supplier=supplier, kind=supplier.kind, added_at=at or timezone.now(), added_by=actor)
    _put(offer, terms)
    record(actor, "matching.offer.add", offer, supplier=supplier.name)
    return offer


@transaction.atomic
def change_offer(actor: Any, offer: Offer, terms: OfferTerms, *, version: int | None = None) -> Offer:
    """New terms; what was agreed under the old ones stays agreed."""
    offer = Offer.objects.select_for_update().get(pk=offer.pk)
    require_at(actor, offer.supplier.keeper)
    check_version(offer, version)
    _must_be_open(offer)
    if terms.capacity is not None and terms.capacity < offer.taken:
        raise invalid(_("总量不能少于已经达成的数额。"), _("请核对总量，或停止这一供给。"), "capacity")
    offer.version += 1
    _put(offer, terms)
    record(actor, "matching.offer.change", offer, version=offer.version)
    return offer


@transaction.atomic
def end_offer(actor: Any, offer: Offer, reason: str) -> Offer:
    """It is no longer offered; introductions under way go on."""
    offer = Offer.objects.select_for_update().get(pk=offer.pk)
    require_at(actor, offer.supplier.keeper)
    _must_be_open(offer)
    offer.ended_reason = check_text(reason, 300, "reason", _("原因"), needed=True)
    offer.state = Offer.State.ENDED
    offer.version += 1
    offer.save()
    record(actor, "matching.offer.end", offer, reason=offer.ended_reason)
    return offer


def recount_offer(offer: Offer) -> None:
    """What is agreed under an offer, added up again from its introductions."""
    agreed = Introduction.objects.filter(offer=offer, state=Introduction.State.AGREED)
    offer.taken = sum(amount for amount in agreed.values_list("amount", flat=True) if amount is not None)
    Offer.objects.filter(pk=offer.pk).update(taken=offer.taken)


def _must_be_open(offer: Offer) -> None:
    if offer.state != Offer.State.OPEN:
        raise Refused(_("这一供给已停止，不能再改。"), _("请另外登记。"))


def _put(offer: Offer, terms: OfferTerms) -> None:
    kind = offer.kind
    offer.title = check_text(terms.title, 120, "title", _("名称"), needed=True)
    offer.text = check_text(terms.text, 2000, "text", _("说明"))
    offer.least = check_amount(terms.least, kind, "least", _("最少"))
    offer.most = check_amount(terms.most, kind, "most", _("最多"))
    offer.capacity = check_amount(terms.capacity, kind, "capacity", _("总量"))
    offer.months = check_number(terms.months, 1, 600, "months", _("期限（月）"))
    offer.rate = check_number(terms.rate, 0, 10_000, "rate", _("年利率"))
    offer.lead_days = check_number(terms.lead_days, 0, 3_650, "lead_days", _("办理天数"))
    offer.since, offer.until = terms.since, terms.until
    if offer.least is not None and offer.most is not None and offer.least > offer.most:
        raise invalid(_("最少的数额大于最多的数额。"), _("请核对两个数。"), "least")
    if offer.since is not None and offer.until is not None and offer.since > offer.until:
        raise invalid(_("有效期的起日晚于止日。"), _("请核对两个日期。"), "until")
    offer.industries = _industries(terms.industries)
    offer.grades = [check_text(each, 8, "grades", _("等级"), needed=True) for each in terms.grades]
    offer.statuses = [check_text(each, 60, "statuses", _("称号"), needed=True) for each in terms.statuses]
    tags = find_tags(kind, terms.tags)
    offer.save()
    offer.tags.set(tags)
    offer.regions.set(terms.regions)


def _industries(codes: Iterable[str]) -> list[str]:
    kept = []
    for code in codes:
        try:
            industry_name(code)
        except Refusal as refusal:
            refused = refused_by(refusal, language())
            refused.at = "industries"
            raise refused from refusal
        kept.append(code.strip().upper())
    return list(dict.fromkeys(kept))
