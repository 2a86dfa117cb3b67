"""Matching on an enterprise's page: its credits on the timeline, and a card of what it looks for and what it got."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.matching.money import show_money
from muheng.web.matching.models import CreditLine, Need
from muheng.web.matching.queries import credits_seen, introductions_seen, needs_seen
from muheng.web.people.models import User
from muheng.web.reading import language
from muheng.web.registry.models import Enterprise
from muheng.web.registry.sections import Section, register_section
from muheng.web.registry.timeline import KINDS, Event, provider

KINDS["matching"] = gettext_lazy("供需对接")
_MOST = 60
_MOST_ON_CARD = 4


@provider
def matching_events(enterprise: Enterprise, user: User) -> Iterator[Event]:
    """Needs, introductions that were agreed, credits and loans, the newest."""
    for need in needs_seen(user).filter(enterprise=enterprise)[:_MOST]:
        said = _("提出需求：%(title)s") % {"title": need.title}
        yield Event(
            timezone.localdate(need.opened_at), "matching", said, "", reverse("matching:need", args=[need.pk])
        )
    agreed = introductions_seen(user).filter(need__enterprise=enterprise, state="agreed")
    for row in agreed[:_MOST]:
        said = _("与%(name)s达成：%(title)s") % {"name": row.offer.supplier.name, "title": row.offer.title}
        yield Event(row.changed_on, "matching", said, "", reverse("matching:introduction", args=[row.pk]))
    held = {
        each.pk: each for each in credits_seen(user).filter(enterprise=enterprise, voided_at=None)[:_MOST]
    }
    for credit in held.values():
        said = _("%(bank)s授信 %(sum)s") % {
            "bank": credit.bank.name,
            "sum": show_money(credit.granted, language()),
        }
        yield Event(
            credit.since, "matching", said, credit.document, reverse("matching:credit", args=[credit.pk])
        )
    for line in CreditLine.objects.filter(credit__in=held, act=CreditLine.Act.LEND).order_by("-on")[:_MOST]:
        said = _("%(bank)s放款 %(sum)s") % {
            "bank": held[line.credit_id].bank.name,
            "sum": show_money(line.amount, language()),
        }
        yield Event(
            line.on, "matching", said, line.document, reverse("matching:credit", args=[line.credit_id])
        )


def needs_card(enterprise: Enterprise, user: User) -> Section | None:
    """What it still looks for, and its credit; nothing where there is neither."""
    live = needs_seen(user).filter(enterprise=enterprise, state__in=(Need.State.OPEN, Need.State.TALKING))
    needs = list(live[:_MOST_ON_CARD])
    held = list(credits_seen(user).filter(enterprise=enterprise, voided_at=None))
    if not needs and not held:
        return None
    return Section(
        "matching/card.html",
        {
            "needs": needs,
            "granted": sum(each.granted for each in held),
            "lent": sum(each.lent for each in held),
            "credits": len(held),
        },
    )


register_section("aside", needs_card)
