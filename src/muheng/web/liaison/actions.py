"""Pair officers with enterprises, change who looks after one, adopt a proposal, keep a week plan.

Visits are recorded in ``visiting``. Every deed is one transaction with its line in the book of deeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.liaison.week import monday_of
from muheng.web.audit.actions import record
from muheng.web.liaison.models import Pairing, PlannedStop, WeekPlan
from muheng.web.liaison.queries import PAIR, VISIT, may_visit, office_of
from muheng.web.liaison.rules import city_rules
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import may
from muheng.web.templatetags.words import day as say_day

_MOST_STOPS = 60


# -- who looks after whom --------------------------------------------------------------------------------


@transaction.atomic
def pair(
    actor: User | None,
    enterprise: Enterprise,
    officer: User,
    *,
    reason: str = "",
    since: date | None = None,
    office: Organisation | None = None,
    at: datetime | None = None,
) -> Pairing:
    """An officer looks after an enterprise from a day on. Raises Refused where somebody already does."""
    _may_arrange(actor, enterprise)
    at = at or timezone.now()
    since = since or timezone.localdate(at)
    held = Pairing.objects.filter(enterprise=enterprise, until=None).select_related("officer").first()
    if held is not None:
        raise _already_paired(enterprise, held)
    later = Pairing.objects.filter(enterprise=enterprise, until__gt=since).select_related("officer").first()
    if later is not None:
        raise Refused(
            _("%(day)s%(name)s还由%(officer)s联系。")
            % {"day": say_day(since), "name": enterprise.name, "officer": later.officer.name},
            _("开始日期最早是%(day)s。") % {"day": say_day(later.until)},
            status=422,
            code="invalid",
            at="since",
        )
    place = office or _office_for(officer, enterprise)
    _check_load(officer, 1)
    try:
        with transaction.atomic():
            made = Pairing.objects.create(
                enterprise=enterprise,
                officer=officer,
                office=place,
                since=since,
                reason=_short(reason),
                made_by=actor,
                made_at=at,
            )
    except IntegrityError:
        # Somebody else paired it at the same moment.
        held = Pairing.objects.filter(enterprise=enterprise, until=None).select_related("officer").get()
        raise _already_paired(enterprise, held) from None
    record(actor, "liaison.pair", made, enterprise=enterprise.code, officer=officer.username)
    return made


@transaction.atomic
def move(
    actor: User | None,
    enterprise: Enterprise,
    officer: User,
    *,
    reason: str = "",
    since: date | None = None,
    seen: int | None = None,
    at: datetime | None = None,
) -> Pairing:
    """Somebody else looks after an enterprise from a day on; what is open goes on, its history stays.

    ``seen``: the officer that the person saw it with; another's change in between is told.
    """
    _may_arrange(actor, enterprise)
    at = at or timezone.now()
    since = since or timezone.localdate(at)
    held = _held(enterprise)
    if seen is not None and seen != held.officer_id:
        raise Refused(
            _("%(name)s刚刚改由%(officer)s联系。") % {"name": enterprise.name, "officer": held.officer.name},
            _("请先看最新的结对，再改。"),
            code="changed",
        )
    if held.officer_id == officer.pk:
        raise Refused(
            _("%(name)s已经由%(officer)s联系。") % {"name": enterprise.name, "officer": officer.name}
        )
    _end(actor, held, since, reason, at)
    return pair(actor, enterprise, officer, reason=reason, since=since, at=at)


@transaction.atomic
def end_pairing(
    actor: User | None,
    enterprise: Enterprise,
    *,
    reason: str,
    until: date | None = None,
    at: datetime | None = None,
) -> Pairing:
    """Nobody looks after an enterprise any more, from a day on."""
    _may_arrange(actor, enterprise)
    if not reason.strip():
        raise Refused(_("请写明结束结对的原因。"), status=422, code="invalid", at="reason")
    at = at or timezone.now()
    held = _held(enterprise)
    _end(actor, held, until or timezone.localdate(at), reason, at)
    return held


def _end(actor: User | None, held: Pairing, until: date, reason: str, at: datetime) -> None:
    if until < held.since:
        raise Refused(
            _("结对从%(day)s开始，不能在这之前结束。") % {"day": say_day(held.since)},
            status=422,
            code="invalid",
            at="since",
        )
    held.until, held.end_reason, held.ended_by, held.ended_at = until, _short(reason), actor, at
    held.save(update_fields=("until", "end_reason", "ended_by", "ended_at"))
    PlannedStop.objects.filter(
        plan__officer=held.officer_id,
        enterprise=held.enterprise_id,
        day__gte=max(until, timezone.localdate(at)),
    ).delete()
    record(actor, "liaison.end", held, until=until.isoformat(), reason=held.end_reason)


def _held(enterprise: Enterprise) -> Pairing:
    held = (
        Pairing.objects.select_for_update(of=("self",))
        .select_related("officer")
        .filter(enterprise=enterprise, until=None)
        .first()
    )
    if held is None:
        raise Refused(_("%(name)s现在没有结对。") % {"name": enterprise.name}, status=404, code="not_found")
    return held


def _already_paired(enterprise: Enterprise, held: Pairing) -> Refused:
    return Refused(
        _("%(name)s已由%(officer)s联系（%(day)s起），一家企业只能有一名联络员。")
        % {"name": enterprise.name, "officer": held.officer.name, "day": say_day(held.since)},
        _("要换人，请用“换联络员”。"),
        code="paired",
    )


def _may_arrange(actor: User | None, enterprise: Enterprise) -> None:
    if actor is None:
        return
    require(actor, PAIR)
    if not may(actor, PAIR, enterprise):
        raise Refused(_("没有找到这家企业。"), status=404, code="not_found")


def _office_for(officer: User, enterprise: Enterprise) -> Organisation:
    """The office of the officer. Raises Refused for who may not visit there."""
    if not officer.is_active or not holds(officer, VISIT):
        raise Refused(
            _("%(officer)s没有走访企业的权限。") % {"officer": officer.name},
            _("请先在“人员与机构”里给他联络员的角色。"),
            status=422,
            code="invalid",
            at="officer",
        )
    office = office_of(officer)
    if office is None or not may(officer, VISIT, enterprise):
        place = enterprise.township or enterprise.county
        raise Refused(
            _("%(officer)s不负责%(place)s。")
            % {"officer": officer.name, "place": place.title if place else enterprise.name},
            _("请选负责当地的人。"),
            status=422,
            code="invalid",
            at="officer",
        )
    return office


def _check_load(officer: User, more: int) -> None:
    most = city_rules().pairing.most
    has = Pairing.objects.filter(officer=officer, until=None, enterprise__merged_into=None).count()
    if has + more > most:
        raise Refused(
            _("%(officer)s已联系 %(has)s 户，每人最多 %(most)s 户。")
            % {"officer": officer.name, "has": has, "most": most},
            _("请选别人，或者先调出几户。"),
            code="full",
            at="officer",
        )


def _short(text: str) -> str:
    return " ".join(text.split())[:300]


@transaction.atomic
def adopt(
    actor: User | None,
    chosen: Sequence[tuple[Enterprise, User]],
    *,
    reason: str,
    since: date | None = None,
    at: datetime | None = None,
) -> dict[str, int]:
    """Make the pairings so, all or none; gives how many were new, moved, kept. Others stay as they are."""
    at = at or timezone.now()
    counts = {"new": 0, "moved": 0, "kept": 0}
    held = {
        row.enterprise_id: row
        for row in Pairing.objects.select_for_update(of=("self",)).filter(
            enterprise__in=[enterprise.pk for enterprise, _officer in chosen], until=None
        )
    }
    fresh = []
    for enterprise, officer in chosen:
        row = held.get(enterprise.pk)
        if row is not None and row.officer_id == officer.pk:
            counts["kept"] += 1
            continue
        # All that are given away are given away first: on the way nobody has too many.
        if row is not None:
            _may_arrange(actor, enterprise)
            _end(actor, row, since or timezone.localdate(at), reason, at)
        counts["moved" if row is not None else "new"] += 1
        fresh.append((enterprise, officer))
    for enterprise, officer in fresh:
        pair(actor, enterprise, officer, reason=reason, since=since, at=at)
    return counts


# -- the week --------------------------------------------------------------------------------------------


@transaction.atomic
def keep_week(
    actor: User,
    officer: User,
    monday: date,
    days: Mapping[date, Sequence[Enterprise]],
    *,
    version: int | None = None,
    at: datetime | None = None,
) -> WeekPlan:
    """Keep whom an officer visits on which day of a week, in the order given. What was planned before is replaced."""
    if actor.pk != officer.pk:
        raise Refused(_("只能改自己的走访安排。"), status=403, code="forbidden")
    require(actor, VISIT)
    if monday != monday_of(monday):
        raise Refused(_("一周从星期一算起。"), status=422, code="invalid", at="monday")
    listed = [enterprise for each in days.values() for enterprise in each]
    if len({enterprise.pk for enterprise in listed}) < len(listed):
        raise Refused(_("一家企业一周只排一次。"), status=422, code="invalid", at="days")
    if len(listed) > _MOST_STOPS:
        raise Refused(
            _("一周最多排 %(most)s 户。") % {"most": _MOST_STOPS}, status=422, code="invalid", at="days"
        )
    if any(not monday <= day < monday + timedelta(days=7) for day in days):
        raise Refused(_("日期不在这一周里。"), status=422, code="invalid", at="days")
    for enterprise in listed:
        if not may_visit(actor, enterprise):
            raise Refused(_("没有找到这家企业。"), status=404, code="not_found")
    at = at or timezone.now()
    plan, _made = WeekPlan.objects.select_for_update().get_or_create(
        officer=officer, monday=monday, defaults={"changed_at": at}
    )
    if version is not None and version != plan.version:
        raise Refused(_("您打开之后，这周的安排在别处改过。"), _("请先看最新的安排，再改。"), code="changed")
    plan.version, plan.changed_at = plan.version + 1, at
    plan.save()
    plan.stops.all().delete()
    PlannedStop.objects.bulk_create(
        PlannedStop(plan=plan, enterprise=enterprise, day=day, order=order)
        for day, these in sorted(days.items())
        for order, enterprise in enumerate(these, 1)
    )
    record(actor, "liaison.plan", plan, stops=len(listed))
    return plan


def as_days(plan: WeekPlan | None) -> dict[date, list[Any]]:
    """The stops of a plan by day, in their order."""
    days: dict[date, list[Any]] = {}
    if plan is not None:
        for stop in plan.stops.select_related("enterprise__township").order_by("day", "order"):
            days.setdefault(stop.day, []).append(stop)
    return days
