"""Points with their devices as a list, and outlets of the registry that nobody watches yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from muheng.web.monitoring.actions.devices import EDIT
from muheng.web.monitoring.actions.points import propose_limits
from muheng.web.monitoring.models import Device, Point
from muheng.web.monitoring.queries.scope import points_for
from muheng.web.monitoring.sayings import factor_title, factor_unit
from muheng.web.people.models import User
from muheng.web.registry.models import Outlet, SearchEntry
from muheng.web.registry.queries import official_scope
from muheng.web.registry.search import matching

_OWN = Device.objects.filter(allowed=True, point=OuterRef("pk"))


def list_points(user: User, q: str, only: str) -> QuerySet[Point]:
    """``only``: without a device (``none``), without limits (``limits``), watched no longer (``ended``)."""
    rows = points_for(user).select_related("enterprise__county", "latest").annotate(has_device=Exists(_OWN))
    rows = rows.filter(watched_until__isnull=only != "ended")
    if only == "none":
        rows = rows.filter(has_device=False)
    if only == "limits":
        rows = rows.filter(limits=[])
    if q:
        by_name = matching(SearchEntry.objects.all(), q).values("enterprise")
        of_device = Device.objects.filter(mn__startswith=q.upper()).values("point")
        rows = rows.filter(Q(enterprise__in=by_name) | Q(name__contains=q) | Q(pk__in=of_device))
    devices = Prefetch("devices", Device.objects.filter(allowed=True), "allowed_devices")
    return rows.prefetch_related(devices).order_by("enterprise__code", "outlet__code")


def unwatched_outlets(user: User, q: str = "") -> QuerySet[Outlet]:
    """Outlets in a person's care that are no points."""
    rows = official_scope(user, EDIT).filter(Outlet.objects.filter(point=None), "enterprise__")
    rows = rows.filter(enterprise__merged_into=None)
    if q:
        by_name = matching(SearchEntry.objects.all(), q).values("enterprise")
        rows = rows.filter(Q(enterprise__in=by_name) | Q(code__startswith=q.upper()) | Q(name__contains=q))
    return rows.select_related("enterprise__county").order_by("enterprise__code", "code")


@dataclass(frozen=True)
class Proposal:
    """An outlet as it could be watched."""

    outlet: Outlet
    kind: str
    limits: tuple[str, ...]
    unknown: tuple[str, ...]


def propose(outlet: Outlet) -> Proposal:
    """By its code and what its permit says."""
    rows, unknown = propose_limits(outlet)
    said = tuple(f"{factor_title(row['factor'])} {row['most']} {factor_unit(row['factor'])}" for row in rows)
    return Proposal(outlet, guess_kind(outlet), said, tuple(unknown))


def guess_kind(outlet: Outlet) -> str:
    """DW… is water, anything else a stack; a person may say otherwise."""
    return "water" if outlet.code.upper().startswith("DW") or "水" in outlet.kind else "stack"


def points_without_device(user: User) -> list[dict[str, Any]]:
    """To choose from when a device is admitted."""
    rows = official_scope(user, EDIT).filter(Point.objects.filter(watched_until=None), "enterprise__")
    rows = (
        rows.annotate(has_device=Exists(_OWN)).filter(has_device=False).select_related("enterprise", "outlet")
    )
    return [
        {"pk": row.pk, "title": f"{row.enterprise.name} · {row.outlet.code} {row.name}"}
        for row in rows.order_by("enterprise__code", "outlet__code")[:500]
    ]
