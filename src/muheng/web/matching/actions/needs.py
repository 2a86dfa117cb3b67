"""What enterprises look for: filed by themselves or by officials, out of a demand too, changed, and brought to an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.audit.actions import record
from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.matching.actions.checks import (
    check_amount,
    check_number,
    check_text,
    check_version,
    find_tags,
    invalid,
    require_for,
)
from muheng.web.matching.actions.settling import end_introductions
from muheng.web.matching.models import Kind, Need
from muheng.web.matching.queries import editors_of
from muheng.web.notices.actions import tell
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own

CASE_KINDS = {"money": Kind.FINANCE, "technology": Kind.TECHNOLOGY, "labour": Kind.LABOUR}
"""Kinds of demands that can become a need."""


@dataclass(frozen=True)
class NeedTerms:
    """What is looked for. ``amount`` in fen or persons, ``rate`` in hundredths of a percent; tags by name."""

    title: str
    text: str = ""
    amount: int | None = None
    months: int | None = None
    rate: int | None = None
    wanted_by: date | None = None
    tags: tuple[str, ...] = ()
    must: tuple[str, ...] = ()


@transaction.atomic
def file_need(
    actor: Any,
    enterprise: Enterprise,
    kind: str,
    terms: NeedTerms,
    *,
    case: Case | None = None,
    case_number: str = "",
    at: datetime | None = None,
) -> Need:
    """A need of an enterprise, by its own account or by an official who looks after it."""
    own = actor is not None and is_own(actor, enterprise)
    if not own:
        require_for(actor, enterprise)
    now = at or timezone.now()
    need = Need(
        enterprise=enterprise,
        kind=Kind(kind).value,
        case=case,
        case_number=case_number,
        opened_at=now,
        opened_by=actor,
    )
    if terms.wanted_by is not None and terms.wanted_by < timezone.localtime(now).date():
        raise invalid(_("需要的日子已经过了。"), _("请写今天或以后的日期。"), "wanted_by")
    _put(need, terms)
    record(actor, "matching.need.file", need, kind=kind, case=case_number)
    if own:
        tell(
            editors_of(enterprise),
            gettext_lazy("企业有新的供需需求"),
            f"{enterprise.name}：{need.title}",
            reverse("matching:need", args=[need.pk]),
            room="matching",
            key=f"need:{need.pk}",
            at=now,
        )
    return need


def need_from_case(
    actor: Any, case: Case, terms: NeedTerms | None = None, *, at: datetime | None = None
) -> Need:
    """The need that a demand for money, technology or labour is about; one for each demand."""
    # Held, so that of two who ask at once the second finds the first's.
    seen = Case.objects.all() if actor is None else visible_cases(actor)
    held = Case.objects.select_for_update(of=("self",)).filter(pk=case.pk, pk__in=seen.values("pk")).first()
    if held is None:
        raise Refused(_("没有这件事。"), status=404, code="not_found")
    kind = CASE_KINDS.get(case.kind)
    if kind is None or case.enterprise is None:
        raise Refused(
            _("这一事项不是资金、技术或用工诉求。"),
            _("只有这三类诉求可以转成供需需求。"),
            status=422,
            code="invalid",
        )
    found = Need.objects.filter(case=case).first()
    if found is not None:
        raise Refused(_("这一诉求已经转成供需需求。"), _("请打开已有的需求。"))
    return file_need(
        actor,
        case.enterprise,
        kind,
        terms or NeedTerms(case.title[:120]),
        case=case,
        case_number=case.number,
        at=at,
    )


@transaction.atomic
def change_need(actor: Any, need: Need, terms: NeedTerms, *, version: int | None = None) -> Need:
    """Other terms, while it is still looked for."""
    need = _hold(actor, need, version)
    need.version += 1
    _put(need, terms)
    record(actor, "matching.need.change", need, version=need.version)
    return need


@transaction.atomic
def end_need(actor: Any, need: Need, reason: str, *, met: bool = False, at: datetime | None = None) -> Need:
    """It is met (in whatever way) or given up, with the reason; introductions under way end with it."""
    need = _hold(actor, need)
    need.closed_reason = check_text(reason, 300, "reason", _("原因"), needed=True)
    need.state = Need.State.MET if met else Need.State.ENDED
    need.closed_at = at or timezone.now()
    need.version += 1
    need.save()
    record(actor, "matching.need.end", need, state=need.state, reason=need.closed_reason)
    end_introductions(actor, need, need.closed_reason, need.closed_at)
    return need


def _hold(actor: Any, need: Need, version: int | None = None) -> Need:
    """A need held for change by who may change it."""
    need = Need.objects.select_for_update().get(pk=need.pk)
    if actor is None or not is_own(actor, need.enterprise):
        require_for(actor, need.enterprise)
    check_version(need, version)
    if not need.live:
        raise Refused(
            _("这一需求%(state)s，不能再改。") % {"state": need.get_state_display()},
            _("有新的需求请另外提出。"),
        )
    return need


def _put(need: Need, terms: NeedTerms) -> None:
    kind = need.kind
    need.title = check_text(terms.title, 120, "title", _("需求"), needed=True)
    need.text = check_text(terms.text, 2000, "text", _("说明"))
    need.amount = check_amount(terms.amount, kind, "amount", _("数额"))
    need.months = check_number(terms.months, 1, 600, "months", _("期限（月）"))
    need.rate = check_number(terms.rate, 0, 10_000, "rate", _("年利率"))
    need.wanted_by = terms.wanted_by
    must = find_tags(kind, terms.must, "must")
    tags = find_tags(kind, (*terms.tags, *terms.must))
    need.save()
    need.tags.set(tags)
    need.must.set(must)
