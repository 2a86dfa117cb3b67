"""What a person may see of cases, and who they are to one.

An official sees the cases of the place that they look after (``casework.view``), those in the hands of their own office
(``casework.handle``), and those that they opened or handle themselves. An enterprise sees its own, without what is
internal, and not those that are kept about it (``shown_to_enterprise``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404

from muheng.casework.document import Part
from muheng.web.casework.models import Case
from muheng.web.people.models import User
from muheng.web.people.rights import holds, posts_of
from muheng.web.people.scope import scope_of
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope

VIEW, HANDLE, ASSIGN, LEAD, PERSONAL = (
    "casework.view",
    "casework.handle",
    "casework.assign",
    "casework.lead",
    "casework.personal",
)


def own_offices(user: Any, right: str = HANDLE) -> frozenset[int]:
    """The organisations in whose name a person acts by virtue of a right; asked for once in the life of the object."""
    cache: dict[str, frozenset[int]] = user.__dict__.setdefault("_offices", {})
    if right not in cache:
        held = user.memberships.select_related("role") if user.is_active else ()
        cache[right] = frozenset(each.organisation_id for each in held if right in each.role.rights)
    return cache[right]


def place_q(user: Any, right: str = VIEW) -> Q:
    """The cases of the places that a person has a right for."""
    found = Q(pk__in=())
    for way in _ways_by_place(user, right):
        if not way:
            return way
        found |= way
    return found


def _ways_by_place(user: Any, right: str) -> list[Q]:
    scope = official_scope(user, right)
    if scope.everything:
        return [Q()]
    ways = []
    if scope.counties:
        ways.append(Q(county__in=scope.counties))
    if scope.townships:
        ways.append(Q(township__in=scope.townships))
    if scope.parks:
        ways.append(Q(enterprise__in=Enterprise.objects.filter(parks__in=scope.parks).values("pk")))
    return ways


def own_q(user: Any) -> Q:
    """The cases of the enterprises that a person acts for."""
    own = scope_of(user).enterprises
    return Q(enterprise__in=own, shown_to_enterprise=True) if own else Q(pk__in=())


Sight = Callable[[Any], Q | None]
_sights: list[Sight] = []


def more_sight(function: Sight) -> Sight:
    """Adds a rule of a later room by which a person sees cases; it gives None to whom it does not speak of."""
    if function not in _sights:
        _sights.append(function)
    return function


def visible_cases(user: Any) -> QuerySet[Case]:
    """The cases that a person may see."""
    seen = Q(pk__in=())
    for way in ways_of_sight(user):
        if not way:
            return Case.objects.all()
        seen |= way
    return Case.objects.filter(seen)


def ways_of_sight(user: Any) -> tuple[Q, ...]:
    """The ways by which a person sees cases, each a condition by itself: long lists are asked way by way."""
    if not getattr(user, "is_authenticated", False):
        return ()
    ways = _ways_by_place(user, VIEW)
    if not all(ways):
        return (Q(),)
    if scope_of(user).enterprises:
        ways.append(own_q(user))
    offices = own_offices(user)
    if offices:
        ways += [Q(organisation__in=offices), Q(handler=user)]
    if offices or holds(user, "casework.open"):
        ways.append(Q(opener=user))
    ways += [more for also in _sights if (more := also(user)) is not None]
    return tuple(ways)


def find_case(user: Any, number: str) -> Case:
    """The case of a number. One that the person may not see is not found: raises Http404."""
    rows = visible_cases(user).select_related(
        "enterprise", "county", "organisation", "handler", "opener", "parent", "thread", "merged_into"
    )
    found = rows.filter(number=number.strip().upper()).first()
    if found is None:
        raise Http404(number)
    return found


def parts_of(user: User, case: Case) -> frozenset[Part]:
    """Who a person is to a case: what acts they may do follows from it.

    Who acts for its enterprise is that and nothing else, whatever post they hold: nobody is on both sides.
    """
    parts: set[Part] = set()
    if case.opener_id == user.pk:
        parts.add("opener")
    if case.enterprise_id in scope_of(user).enterprises:
        return frozenset(parts | {"enterprise"} if case.shown_to_enterprise else ())
    if case.organisation_id in own_offices(user) or (case.handler_id == user.pk and holds(user, HANDLE)):
        parts.add("handler")
    if _has_for(user, ASSIGN, case):
        parts.add("desk")
    if _has_for(user, LEAD, case):
        parts.add("leader")
    return frozenset(parts)


def sees_inside(user: User, case: Case) -> bool:
    """Whether a person may read internal notes: officials who see the case, unless they act for its enterprise."""
    return bool(posts_of(user)) and case.enterprise_id not in scope_of(user).enterprises


def sees_personal(user: User, case: Case) -> bool:
    """Whether a person may read who to call: the enterprise itself, whoever handles it, and who has the right."""
    parts = parts_of(user, case)
    return bool(parts & {"enterprise", "opener", "handler", "desk"}) or _has_for(user, PERSONAL, case)


def _has_for(user: User, right: str, case: Case) -> bool:
    """Whether a person has a right for the office that has the case, or for the place of its enterprise.

    An office of the city is not led from a county, though the enterprise lies there.
    """
    return holds(user, right, case.organisation)
