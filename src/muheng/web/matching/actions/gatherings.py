"""Gatherings: planned, held, who came, what was handed out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.audit.actions import record
from muheng.web.matching.actions.checks import (
    check_number,
    check_text,
    check_version,
    invalid,
    moment_of,
    require_at,
)
from muheng.web.matching.models import Attendance, Gathering, Material
from muheng.web.notices.actions import tell
from muheng.web.people.models import Organisation, User
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope

_MOST_HEADS = 1_000_000


@transaction.atomic
def plan_gathering(
    actor: Any,
    kind: str,
    title: str,
    *,
    on: date,
    place: str,
    host: Organisation,
    county: Organisation | None = None,
    at: datetime | None = None,
) -> Gathering:
    """A gathering of a place (``host``), to be held on a day that may lie in the past, when it is written down later."""
    require_at(actor, host)
    gathering = Gathering.objects.create(
        kind=Gathering.Kind(kind).value,
        title=check_text(title, 120, "title", _("名称"), needed=True),
        on=on,
        place=check_text(place, 120, "place", _("地点"), needed=True),
        host=host.territory,
        county=county or _county(host.territory),
        added_at=at or timezone.now(),
        added_by=actor,
    )
    record(actor, "matching.gathering.plan", gathering, kind=kind, on=on)
    return gathering


@transaction.atomic
def change_gathering(
    actor: Any, gathering: Gathering, title: str, *, on: date, place: str, version: int | None = None
) -> Gathering:
    """Another title, day or place, before it is held."""
    row = _hold(actor, gathering, version)
    if row.state != Gathering.State.PLANNED:
        raise Refused(_("这次活动%(state)s，不能再改。") % {"state": row.get_state_display()})
    row.title = check_text(title, 120, "title", _("名称"), needed=True)
    row.place = check_text(place, 120, "place", _("地点"), needed=True)
    row.on = on
    row.version += 1
    row.save()
    record(actor, "matching.gathering.change", row, on=on)
    return row


@transaction.atomic
def cancel_gathering(actor: Any, gathering: Gathering, reason: str) -> Gathering:
    row = _hold(actor, gathering)
    if row.state != Gathering.State.PLANNED:
        raise Refused(_("这次活动%(state)s。") % {"state": row.get_state_display()})
    row.summary = check_text(reason, 1000, "reason", _("原因"), needed=True)
    row.state = Gathering.State.CANCELLED
    row.version += 1
    row.save()
    record(actor, "matching.gathering.cancel", row, reason=row.summary)
    return row


@transaction.atomic
def invite(
    actor: Any, gathering: Gathering, enterprises: Iterable[Enterprise], *, at: datetime | None = None
) -> int:
    """Enterprises within the person's place; gives how many were not invited before."""
    row = _hold(actor, gathering)
    if row.state != Gathering.State.PLANNED:
        raise Refused(_("这次活动%(state)s，不能再邀请。") % {"state": row.get_state_display()})
    wanted = _within(actor, enterprises)
    held = {each.enterprise_id: each for each in row.attendances.filter(enterprise__in=wanted)}
    new = [number for number in wanted if number not in held or not held[number].invited]
    Attendance.objects.bulk_create(
        [
            Attendance(gathering=row, enterprise_id=number, invited=True)
            for number in new
            if number not in held
        ]
    )
    Attendance.objects.filter(gathering=row, enterprise__in=new).update(invited=True)
    record(actor, "matching.gathering.invite", row, enterprises=len(new))
    tell(
        User.objects.filter(represented__enterprise__in=new, represented__until=None).distinct(),
        gettext_lazy("邀请您参加活动"),
        f"{row.on.isoformat()} {row.title}（{row.place}）",
        reverse("matching:mine"),
        room="matching",
        key=f"gathering:{row.pk}",
        at=at,
    )
    return len(new)


@transaction.atomic
def sign_in(
    actor: Any,
    gathering: Gathering,
    enterprises: Iterable[Enterprise],
    *,
    persons: int = 1,
    at: datetime | None = None,
) -> int:
    """Enterprises that came, invited or not; gives how many had not signed in before. Not before the day itself."""
    row = _hold(actor, gathering)
    if row.state == Gathering.State.CANCELLED:
        raise Refused(_("这次活动已取消。"))
    now, _day = moment_of(at, row.on)
    count = check_number(persons, 1, 1000, "persons", _("人数")) or 1
    wanted = _within(actor, enterprises)
    held = {each.enterprise_id: each for each in row.attendances.filter(enterprise__in=wanted)}
    new = [number for number in wanted if number not in held or held[number].signed_at is None]
    Attendance.objects.bulk_create(
        [
            Attendance(gathering=row, enterprise_id=number, signed_at=now, persons=count)
            for number in new
            if number not in held
        ]
    )
    Attendance.objects.filter(gathering=row, enterprise__in=[n for n in new if n in held]).update(
        signed_at=now, persons=count
    )
    record(actor, "matching.gathering.sign", row, enterprises=len(new), persons=count)
    return len(new)


@transaction.atomic
def unsign(actor: Any, gathering: Gathering, enterprise: Enterprise) -> None:
    """A sign-in that was a mistake is taken back."""
    row = _hold(actor, gathering)
    (number,) = _within(actor, [enterprise])
    held = row.attendances.filter(enterprise=number).exclude(signed_at=None).first()
    if held is None:
        raise Refused(_("这家企业没有签到。"))
    if held.invited:
        held.signed_at, held.persons = None, 0
        held.save()
    else:
        held.delete()
    record(actor, "matching.gathering.unsign", row, enterprise=enterprise.code)


@transaction.atomic
def hold_gathering(
    actor: Any, gathering: Gathering, heads: int, summary: str = "", *, at: datetime | None = None
) -> Gathering:
    """It took place: how many were there in all. May be said again, when the count was wrong."""
    row = _hold(actor, gathering)
    if row.state == Gathering.State.CANCELLED:
        raise Refused(_("这次活动已取消。"))
    moment_of(at, row.on)
    counted = check_number(heads, 0, _MOST_HEADS, "heads", _("到场人数"))
    signed = sum(row.attendances.values_list("persons", flat=True))
    if counted is None or counted < signed:
        raise invalid(
            _("到场 %(heads)s 人，少于签到的 %(signed)s 人。") % {"heads": counted, "signed": signed},
            _("请核对人数。"),
            "heads",
        )
    row.heads, row.summary = counted, check_text(summary, 1000, "summary", _("小结"))
    row.state = Gathering.State.HELD
    row.version += 1
    row.save()
    record(actor, "matching.gathering.hold", row, heads=counted)
    return row


@transaction.atomic
def hand_out(actor: Any, gathering: Gathering, kind: str, title: str, count: int) -> Material:
    """How many of a material were handed out in all; said again, the new count takes the place of the old."""
    row = _hold(actor, gathering)
    if row.state == Gathering.State.CANCELLED:
        raise Refused(_("这次活动已取消。"))
    many = check_number(count, 1, 10_000_000, "count", _("份数")) or 1
    name = check_text(title, 120, "title", _("资料名称"), needed=True)
    material, _new = Material.objects.update_or_create(
        gathering=row, kind=Material.Kind(kind).value, title=name, defaults={"count": many}
    )
    record(actor, "matching.gathering.material", row, kind=kind, material=name, count=many)
    return material


def _hold(actor: Any, gathering: Gathering, version: int | None = None) -> Gathering:
    row = Gathering.objects.select_for_update().get(pk=gathering.pk)
    require_at(actor, row.host)
    check_version(row, version)
    return row


def _within(actor: Any, enterprises: Iterable[Enterprise]) -> list[int]:
    """The numbers of enterprises, each of which the person looks after. Raises Refused."""
    numbers = sorted({each.pk for each in enterprises})
    if actor is None:
        return numbers
    rows = Enterprise.objects.filter(pk__in=numbers)
    if official_scope(actor, "matching.edit").filter(rows).count() != len(numbers):
        raise invalid(_("有的企业不在您负责的范围内。"), _("请只选本地的企业。"), "enterprises")
    return numbers


def _county(place: Organisation) -> Organisation | None:
    node: Organisation | None = place
    while node is not None and node.kind != Organisation.Kind.COUNTY:
        node = node.parent
    return node
