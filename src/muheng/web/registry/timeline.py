"""Everything that ever happened to an enterprise, as one line of events. Later rooms add theirs with ``@provider``.

A room that has events registers its provider in a module that its ``apps.py`` imports in ``ready``. A provider gets
the person too, and gives only what that person may see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.people.models import User
from muheng.web.registry.actions import ATTRIBUTES
from muheng.web.registry.figures import codes_of
from muheng.web.registry.models import (
    Enterprise,
    GradeRecord,
    Layer,
    Lease,
    Parcel,
    ParcelState,
    Permit,
    ProductionLine,
    Reorganisation,
)
from muheng.web.registry.queries import names_in_order
from muheng.web.templatetags.words import plain


@dataclass(frozen=True)
class Event:
    """Something that happened on a day. ``kind`` is what it can be filtered by, ``note`` its source or reason."""

    day: date
    kind: str
    title: str
    note: str = ""
    href: str = ""


Provider = Callable[[Enterprise, User], Iterable[Event]]

KINDS: dict[str, Any] = {
    "file": gettext_lazy("登记变更"),
    "status": gettext_lazy("称号"),
    "grade": gettext_lazy("等级"),
    "land": gettext_lazy("土地"),
    "permit": gettext_lazy("许可与设施"),
    "data": gettext_lazy("数据"),
}
"""Kinds of events and how they read; a room adds its own."""

_providers: list[Provider] = []


def provider(function: Provider) -> Provider:
    """Adds a function to those that are asked for events."""
    if function not in _providers:
        _providers.append(function)
    return function


def events_of(enterprise: Enterprise, user: User) -> list[Event]:
    """All events, the newest first; what was asked for later stands below on the same day."""
    found = [event for ask in _providers for event in ask(enterprise, user)]
    return sorted(found, key=lambda event: event.day, reverse=True)


@provider
def _names_and_attributes(enterprise: Enterprise, user: User) -> Iterator[Event]:
    if enterprise.registered_on is not None:
        yield Event(enterprise.registered_on, "file", _("登记成立"))
    if enterprise.started_on is not None:
        yield Event(enterprise.started_on, "file", _("投产"))
    names = list(names_in_order(enterprise))
    for before, row in pairwise(names):
        if row.since is not None:
            said = _("更名：%(before)s → %(after)s") % {"before": before.name, "after": row.name}
            yield Event(row.since, "file", said, row.source)
    changes = list(enterprise.attributes.all())
    ended = {(change.attribute, change.until): change.value for change in changes}
    for change in changes:
        if change.since is None:
            continue
        said = _("%(attribute)s：%(before)s → %(after)s") % {
            "attribute": ATTRIBUTES.get(change.attribute, change.attribute),
            "before": ended.get((change.attribute, change.since)) or _("空"),
            "after": change.value or _("空"),
        }
        yield Event(change.since, "file", said, change.source)


@provider
def _reorganisations(enterprise: Enterprise, user: User) -> Iterator[Event]:
    rows = Reorganisation.objects.filter(Q(source=enterprise) | Q(target=enterprise), undone_at=None)
    named = ("kind", "day", "basis", "source__code", "source__name", "target__code", "target__name")
    for row in rows.select_related("source", "target").only(*named):
        other = row.target if row.source_id == enterprise.pk else row.source
        if row.kind == Reorganisation.Kind.MERGE:
            said = _("并入%(name)s") if row.source_id == enterprise.pk else _("%(name)s并入本企业")
        else:
            said = _("分立出%(name)s") if row.source_id == enterprise.pk else _("由%(name)s分立")
        yield Event(
            row.day,
            "file",
            said % {"name": other.name},
            row.basis,
            reverse("registry:show", args=[other.code]),
        )


@provider
def _statuses(enterprise: Enterprise, user: User) -> Iterator[Event]:
    rows = list(enterprise.statuses.all())
    follows = {(row.status, row.since) for row in rows}
    for row in rows:
        title = f"{row.status}（{row.level}）" if row.level else row.status
        if row.since is not None:
            yield Event(row.since, "status", _("认定为%(status)s") % {"status": title}, row.source)
        # A renewal that begins on the day of the end says enough.
        if (
            row.until is not None
            and row.until <= timezone.localdate()
            and (row.status, row.until) not in follows
        ):
            yield Event(row.until, "status", _("%(status)s到期") % {"status": title})


@provider
def _grades(enterprise: Enterprise, user: User) -> Iterator[Event]:
    for row in GradeRecord.objects.filter(enterprise=enterprise, ended_at=None):
        said = _("%(year)s年度评为 %(grade)s 类") % {"year": row.year, "grade": row.grade}
        if not row.grade:
            said = _("%(year)s年度：%(standing)s") % {"year": row.year, "standing": row.standing}
        note = (
            _("得分 %(score)s，第 %(place)s 名") % {"score": row.score, "place": row.place}
            if row.place
            else ""
        )
        yield Event(timezone.localdate(row.given_at), "grade", said, note)


@provider
def _land(enterprise: Enterprise, user: User) -> Iterator[Event]:
    holdings = list(enterprise.holdings.select_related("parcel"))
    for row in holdings:
        title = {"number": row.parcel.number, "area": plain(row.area * 3 / 2000)}
        if row.since is not None:
            yield Event(row.since, "land", _("取得宗地 %(number)s，%(area)s 亩") % title, row.certificate)
        if row.until is not None:
            yield Event(row.until, "land", _("不再持有宗地 %(number)s，%(area)s 亩") % title, row.source)
    held = {row.parcel_id: row for row in holdings}
    first = {row.since for row in holdings}
    for state in ParcelState.objects.filter(parcel__in=held).select_related("parcel"):
        if state.since is not None and not (state.since in first and state.state == Parcel.State.IN_USE):
            said = _("宗地 %(number)s转为%(state)s") % {
                "number": state.parcel.number,
                "state": state.get_state_display(),
            }
            yield Event(state.since, "land", said, state.source)
    for lease in Lease.objects.filter(Q(lessor=enterprise) | Q(tenant=enterprise)):
        out = lease.lessor_id == enterprise.pk
        name = lease.tenant_name if out else lease.lessor_name
        said = _("出租给%(name)s，%(area)s 亩") if out else _("承租%(name)s，%(area)s 亩")
        if lease.since is not None:
            yield Event(lease.since, "land", said % {"name": name, "area": plain(lease.area)}, lease.source)
        if lease.until is not None and lease.until <= timezone.localdate():
            yield Event(lease.until, "land", _("与%(name)s的租约到期") % {"name": name})


@provider
def _permits_and_lines(enterprise: Enterprise, user: User) -> Iterator[Event]:
    for permit in Permit.objects.filter(enterprise=enterprise):
        title = {"kind": permit.kind, "number": permit.number}
        if permit.since is not None:
            yield Event(permit.since, "permit", _("%(kind)s %(number)s生效") % title, permit.source)
        if permit.until is not None and permit.until <= timezone.localdate():
            yield Event(permit.until, "permit", _("%(kind)s %(number)s到期") % title)
    for line in ProductionLine.objects.filter(enterprise=enterprise).exclude(since=None):
        assert line.since is not None
        yield Event(line.since, "permit", _("%(name)s建成") % {"name": line.name}, line.product)


@provider
def _layers(enterprise: Enterprise, user: User) -> Iterator[Event]:
    address = reverse("registry:years", args=[enterprise.code])
    for layer in Layer.objects.filter(removed_at=None).select_related("added_by").order_by("-pk"):
        if enterprise.code in codes_of(layer.folder):
            said = _("%(year)s年度数据：%(title)s") % {"year": layer.year, "title": layer.title}
            note = str(layer.added_by) if layer.added_by is not None else ""
            yield Event(
                timezone.localdate(layer.added_at), "data", said, note, f"{address}?year={layer.year}"
            )
