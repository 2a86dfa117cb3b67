"""What a person may see of pairings and visits, and what is owed to whom.

An official sees the pairings of the place that they look after (``liaison.view``) and their own; an enterprise sees who
looks after it. An officer sees the cases of the enterprises that they look after (``casework.queries.more_sight``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import Http404

from muheng.liaison.duty import URGENCIES, Duty, Visit, reckon
from muheng.web.casework.models import Case
from muheng.web.casework.queries import more_sight
from muheng.web.liaison.models import Pairing, PlannedStop
from muheng.web.liaison.rules import city_rules
from muheng.web.people.models import Organisation, Role, User
from muheng.web.people.rights import holds
from muheng.web.people.scope import scope_of
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope

VIEW, PAIR, VISIT = "liaison.view", "liaison.pair", "liaison.visit"
VISIT_TYPE, HAZARD_TYPE, PROPOSAL_TYPE, DEMAND_TYPE = "visit", "hazard", "proposal", "demand"
MADE = (Case.Phase.ANSWERED, Case.Phase.CLOSED)
"""The phases of a visit that was made; one that is planned or called off is none."""
_LONG_AGO = timedelta(days=3 * 366)
"""Missed quarters are counted this far back."""


# -- pairings ------------------------------------------------------------------------------------------


def pairings_for(user: Any) -> QuerySet[Pairing]:
    """The pairings that a person may see, ended ones too."""
    if not getattr(user, "is_authenticated", False):
        return Pairing.objects.none()
    scope = official_scope(user, VIEW)
    rows = Pairing.objects.select_related("enterprise__county", "enterprise__township", "officer", "office")
    if scope.everything:
        return rows
    own = scope_of(user).enterprises
    return rows.filter(scope.q("enterprise__") | Q(officer=user) | Q(enterprise__in=own))


def live(rows: QuerySet[Pairing]) -> QuerySet[Pairing]:
    """Those that last, of enterprises that are still one."""
    return rows.filter(until=None, enterprise__merged_into=None)


def own_pairings(user: Any) -> QuerySet[Pairing]:
    """The enterprises that a person looks after now."""
    rows = Pairing.objects.filter(officer=user, until=None, enterprise__merged_into=None)
    return rows.select_related("enterprise__county", "enterprise__township", "officer", "office")


def officer_of(enterprise: Enterprise) -> Pairing | None:
    """Who looks after an enterprise."""
    return (
        Pairing.objects.filter(enterprise=enterprise, until=None).select_related("officer", "office").first()
    )


def find_paired(user: User, code: str) -> tuple[Enterprise, Pairing | None]:
    """An enterprise whose account (一企一账) a person may see, and who looks after it. Raises Http404.

    That is who looks after it, whoever sees the pairings of its place, and whoever may visit it.
    """
    rows = Enterprise.objects.select_related("county", "township")
    enterprise = rows.filter(code=code.strip().upper()).first()
    if enterprise is None or not (sees_account(user, enterprise) or may_visit(user, enterprise)):
        raise Http404(code)
    return enterprise, officer_of(enterprise)


def sees_account(user: User, enterprise: Enterprise) -> bool:
    """Whether a person may read an enterprise's account of visits."""
    return _within(user, VIEW, enterprise) or own_pairings(user).filter(enterprise=enterprise).exists()


def may_visit(user: User, enterprise: Enterprise) -> bool:
    """Whether a person may record a visit: their own enterprises, and those of the place for which they may."""
    if not holds(user, VISIT):
        return False
    return _within(user, VISIT, enterprise) or own_pairings(user).filter(enterprise=enterprise).exists()


def visitable(user: User) -> QuerySet[Enterprise]:
    """The enterprises that a person may visit."""
    if not holds(user, VISIT):
        return Enterprise.objects.none()
    rows = Enterprise.objects.filter(merged_into=None)
    scope = official_scope(user, VISIT)
    if scope.everything:
        return rows
    mine = Pairing.objects.filter(officer=user, until=None).values("enterprise")
    return rows.filter(scope.q() | Q(pk__in=mine))


def _within(user: User, right: str, enterprise: Enterprise) -> bool:
    scope = official_scope(user, right)
    return scope.everything or scope.filter(Enterprise.objects.filter(pk=enterprise.pk)).exists()


@more_sight
def _cases_of_own(user: Any) -> Q | None:
    """An officer sees the cases of the enterprises that they look after."""
    if not holds(user, VISIT):
        return None
    numbers = list(Pairing.objects.filter(officer=user, until=None).values_list("enterprise_id", flat=True))
    return Q(enterprise__in=numbers) if numbers else None


# -- officers ------------------------------------------------------------------------------------------


def officers_in(user: User) -> QuerySet[User]:
    """Who may look after enterprises of the place whose pairings a person arranges."""
    scope = official_scope(user, PAIR)
    if not holds(user, PAIR):
        return User.objects.none()
    visiting = User.objects.filter(is_active=True, memberships__role__in=_visiting_roles())
    if not scope.everything:
        inside = _inside(scope.counties | scope.townships | scope.parks)
        visiting = visiting.filter(memberships__organisation__in=inside)
    return visiting.distinct().order_by("pk")


def _visiting_roles() -> list[int]:
    return [role.pk for role in Role.objects.all() if VISIT in role.rights]


def _inside(places: Iterable[int]) -> QuerySet[Organisation]:
    """The places themselves and everything below."""
    below = Q(pk__in=())
    for path in Organisation.objects.filter(pk__in=list(places)).values_list("path", flat=True):
        below |= Q(path__startswith=path)
    return Organisation.objects.filter(below)


def office_of(officer: User) -> Organisation | None:
    """The office in whose name a person visits."""
    held = officer.memberships.select_related("role", "organisation").order_by("pk")
    return next((each.organisation for each in held if VISIT in each.role.rights), None)


# -- visits and what is owed ---------------------------------------------------------------------------


def visits_of(enterprises: Iterable[int], since: date | None = None) -> dict[int, list[Visit]]:
    """The visits that were made to enterprises, by enterprise, the earliest first."""
    numbers = list(enterprises)
    rows = Case.objects.filter(type=VISIT_TYPE, enterprise__in=numbers, phase__in=MADE)
    if since is not None:
        rows = rows.filter(opened_at__date__gte=since)
    found: dict[int, list[Visit]] = {number: [] for number in numbers}
    for enterprise, fields, opened_on in rows.values_list("enterprise_id", "fields", "opened_on"):
        found[enterprise].append(visit_from(fields, opened_on))
    for visits in found.values():
        visits.sort(key=lambda visit: visit.day)
    return found


def visit_from(fields: dict[str, Any], opened_on: date) -> Visit:
    """When and how, by what the case says; one that does not say was made when it was opened."""
    said = fields.get("visited_on")
    return Visit(date.fromisoformat(said) if isinstance(said, str) else opened_on, str(fields.get("way", "")))


@dataclass(frozen=True)
class Owed:
    """A pairing, what is owed to its enterprise, and how many cases of each kind are open."""

    pairing: Pairing
    duty: Duty
    hazards: int = 0
    proposals: int = 0
    demands: int = 0
    days_late: int = 0

    @property
    def enterprise(self) -> Enterprise:
        return self.pairing.enterprise


def reckon_all(pairings: Iterable[Pairing], today: date, *, counted: bool = True) -> list[Owed]:
    """What is owed, the most urgent first. Two queries whatever their number."""
    rows = list(pairings)
    rule, back = city_rules().visit, today - _LONG_AGO
    numbers = [row.enterprise_id for row in rows]
    visits = visits_of(numbers, back)
    open_ones = count_open(numbers) if counted else {}
    found = []
    for row in rows:
        duty = reckon(max(row.since, back), visits[row.enterprise_id], rule, today)
        open_here = open_ones.get(row.enterprise_id, {})
        found.append(
            Owed(
                row,
                duty,
                open_here.get(HAZARD_TYPE, 0),
                open_here.get(PROPOSAL_TYPE, 0),
                open_here.get(DEMAND_TYPE, 0),
                max((today - duty.due).days, 0),
            )
        )
    return sorted(
        found, key=lambda owed: (URGENCIES.index(owed.duty.urgency), owed.duty.due, owed.enterprise.code)
    )


def count_open(enterprises: Iterable[int]) -> dict[int, dict[str, int]]:
    """Enterprise → type → how many cases are open."""
    rows = (
        Case.objects.filter(enterprise__in=list(enterprises), live=True)
        .order_by()
        .values_list("enterprise_id", "type")
        .annotate(many=Count("pk"))
    )
    found: dict[int, dict[str, int]] = {}
    for enterprise, type_id, many in rows:
        found.setdefault(enterprise, {})[type_id] = many
    return found


def stops_of(officer: Any, day: date) -> list[PlannedStop]:
    """Whom an officer means to visit on a day, in their order."""
    rows = PlannedStop.objects.filter(plan__officer=officer, day=day).select_related("enterprise")
    return list(rows.order_by("order"))


@dataclass(frozen=True)
class Tally:
    """How far visits are, of one officer or one county."""

    title: str
    key: int
    enterprises: int
    overdue: int
    to_visit: int
    visited: int


def tally(owed: Sequence[Owed], by: str) -> list[Tally]:
    """By ``officer`` or ``county``: who has the most overdue comes first."""
    groups: dict[tuple[int, str], list[Owed]] = {}
    for each in owed:
        place = each.enterprise.county
        key = (
            (each.pairing.officer_id, each.pairing.officer.name)
            if by == "officer"
            else (place.pk if place else 0, place.title if place else "")
        )
        groups.setdefault(key, []).append(each)
    found = [
        Tally(
            title,
            key,
            len(group),
            sum(each.duty.urgency == "overdue" for each in group),
            sum(each.duty.to_visit for each in group),
            sum(each.duty.made > 0 for each in group),
        )
        for (key, title), group in groups.items()
    ]
    return sorted(found, key=lambda each: (-each.overdue, -each.to_visit, each.title, each.key))
