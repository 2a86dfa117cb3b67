"""Which points and events a person may see: those of the enterprises in their scope; an enterprise's account its own."""

from __future__ import annotations

from django.db.models import QuerySet

from muheng.web.monitoring.models import Event, Point, Suspicion
from muheng.web.people.models import User
from muheng.web.people.scope import scope_of
from muheng.web.registry.queries import official_scope

VIEW = "monitoring.view"


def points_for(user: User, right: str = VIEW) -> QuerySet[Point]:
    """Points that a person may see, with their enterprises and outlets; also those that are no longer watched."""
    rows = scope_of(user, right).filter(Point.objects.all(), "enterprise__")
    return rows.select_related("enterprise", "outlet")


def events_for(user: User, right: str = VIEW) -> QuerySet[Event]:
    """Events of those points."""
    rows = scope_of(user, right).filter(Event.objects.all(), "point__enterprise__")
    return rows.select_related("point__enterprise", "case")


def suspicions_for(user: User, right: str = VIEW) -> QuerySet[Suspicion]:
    """Signs at those points; they are for officials: an enterprise's account sees none."""
    return (
        official_scope(user, right)
        .filter(Suspicion.objects.all(), "point__enterprise__")
        .select_related("point__enterprise")
    )
