"""Patrols: which points may be drawn with how many tickets, rounds and their progress, who can be sent."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404

from muheng.monitoring.patrolling import Candidate, draw
from muheng.web.monitoring.city_rules import patrol_rules
from muheng.web.monitoring.models import Event, Patrol, PatrolRound, Point, Suspicion
from muheng.web.monitoring.queries.proofs import count_missing
from muheng.web.people.models import Organisation, Role, User
from muheng.web.people.rights import holds
from muheng.web.registry.queries import official_scope

PATROL = "monitoring.patrol"


@dataclass(frozen=True)
class Chance:
    """A point that may be drawn, with what makes its tickets."""

    point: Point
    weight: int
    suspicions: int
    events: int
    unproved: int


def office_of_person(user: User) -> Organisation | None:
    """In whose name a person patrols."""
    held = user.memberships.select_related("role", "organisation__parent").order_by("pk")
    return next((each.organisation for each in held if PATROL in each.role.rights), None)


def points_to_patrol(user: User) -> QuerySet[Point]:
    """Watched points where the person may patrol."""
    rows = official_scope(user, PATROL).filter(Point.objects.filter(watched_until=None), "enterprise__")
    return rows.select_related("enterprise", "outlet").order_by("pk")


def list_chances(user: User, now: datetime) -> list[Chance]:
    """Every point that may be drawn: of the person's places, and not being looked at already."""
    waiting = Patrol.objects.filter(point=OuterRef("pk"), done_at=None)
    points = list(points_to_patrol(user).exclude(Exists(waiting)))
    numbers = [each.pk for each in points]
    suspicions = _count(Suspicion.objects.filter(point__in=numbers, state=Suspicion.State.NEW, gone=False))
    events = _count(Event.objects.filter(point__in=numbers, gone=False).exclude(state=Event.State.CLOSED))
    unproved = count_missing(points, now)
    weight = patrol_rules().patrol.weight
    chances = []
    for each in points:
        counts = suspicions[each.pk], events[each.pk], unproved.get(each.enterprise_id, 0)
        chances.append(Chance(each, weight.of(*counts), *counts))
    return chances


def _count(rows: QuerySet[Any]) -> Counter[int]:
    return Counter(dict(rows.order_by().values_list("point").annotate(count=Count("pk"))))


def next_seed(organisation: Organisation) -> str:
    """The seed of an office's next round: known before anybody sees the list, the same however often one looks, and
    nobody's choice."""
    made = PatrolRound.objects.filter(organisation=organisation).count()
    text = f"monitoring.round|{organisation.pk}|{made + 1}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def draw_again(made: PatrolRound) -> list[int]:
    """The points that a round's seed and list give: what anybody gets who draws it again."""
    candidates = [Candidate(str(each["point"]), int(each["weight"])) for each in made.drawn["candidates"]]
    return [int(number) for number in draw(candidates, int(made.drawn["count"]), made.seed)]


def rounds_for(user: User) -> QuerySet[PatrolRound]:
    """Rounds of the offices whose places the person patrols, with how many are done and abnormal."""
    if not holds(user, PATROL):
        return PatrolRound.objects.none()
    points = official_scope(user, PATROL).filter(Point.objects.all(), "enterprise__").values("pk")
    mine = Patrol.objects.filter(round=OuterRef("pk"), point__in=points)
    rows = PatrolRound.objects.filter(Exists(mine) | Q(made_by=user))
    return rows.select_related("organisation", "made_by").annotate(
        total=Count("patrols"),
        done=Count("patrols", filter=Q(patrols__done_at__isnull=False)),
        abnormal=Count("patrols", filter=Q(patrols__finding="abnormal")),
    )


def find_round(user: User, number: int) -> PatrolRound:
    """Raises Http404."""
    found = rounds_for(user).filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


def patrols_for(user: User) -> QuerySet[Patrol]:
    """Patrols of points where the person may patrol."""
    if not holds(user, PATROL):
        return Patrol.objects.none()
    rows = official_scope(user, PATROL).filter(Patrol.objects.all(), "point__enterprise__")
    return rows.select_related("point__enterprise__county", "case__handler", "round", "event", "suspicion")


def find_patrol(user: User, number: int) -> Patrol:
    """Raises Http404."""
    found = patrols_for(user).filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


def list_officers(office: Organisation) -> list[User]:
    """Who of an office can be given patrols."""
    roles = [role.pk for role in Role.objects.all() if PATROL in role.rights]
    rows = User.objects.filter(memberships__role__in=roles, memberships__organisation=office, is_active=True)
    return list(rows.distinct().order_by("pk"))


def share_out(points: Sequence[Point], officers: Sequence[User]) -> list[tuple[Point, User | None]]:
    """One after the other, so that nobody has more than one more than another."""
    return [(point, officers[at % len(officers)] if officers else None) for at, point in enumerate(points)]
