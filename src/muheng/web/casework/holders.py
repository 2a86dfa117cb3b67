"""The persons behind the parts of a case: who handles it, who is its desk, whose leaders it is raised to.

An office without anybody for a part is looked after by the place that it belongs to, and that by the one above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from muheng.web.casework.models import Case
from muheng.web.casework.queries import ASSIGN, HANDLE, LEAD, visible_cases
from muheng.web.people.models import Organisation, Role, User
from muheng.web.people.rights import holds

_RIGHTS = {"handler": HANDLE, "desk": ASSIGN, "leader": LEAD}


def people_of(case: Case, part: str) -> list[User]:
    """The persons that somebody of this part can be: all of the office where nobody is named."""
    if part == "enterprise":
        return representatives(case)
    if part == "opener":
        return [case.opener] if case.opener is not None and _still_sees(case.opener, case) else []
    if part == "handler" and case.handler is not None and holds(case.handler, HANDLE):
        return [case.handler]
    right = _RIGHTS.get(part)
    if right is None:
        return []
    own = _members(case.organisation, right) if part == "handler" else []
    return own or nearest(case.organisation, ASSIGN if part == "handler" else right)


def representatives(case: Case) -> list[User]:
    """Those who act for the enterprise, where the case is kept with it and not only about it."""
    if case.enterprise_id is None or not case.shown_to_enterprise:
        return []
    return list(
        User.objects.filter(
            represented__enterprise=case.enterprise_id, represented__until=None, is_active=True
        ).distinct()
    )


def _still_sees(person: User, case: Case) -> bool:
    """Who acts for the enterprise no more, or has left the office, hears no more of what they brought."""
    return person.is_active and visible_cases(person).filter(pk=case.pk).exists()


def leaders_above(office: Organisation, levels: int) -> tuple[Organisation, list[User]]:
    """The place so many steps up the tree from an office (the city at most), and its leaders."""
    chain = list(_upwards(office))
    place = chain[min(levels, len(chain) - 1)]
    return place, nearest(place, LEAD)


def nearest(office: Organisation, right: str) -> list[User]:
    """Who has a right in an office; else in the place that it looks after, else in that place's departments, else above."""
    for place in _upwards(office):
        found = _members(place, right)
        if not found and place.kind != Organisation.Kind.DEPARTMENT:
            found = _members_below(place, right)
        if found:
            return found
    return []


def _upwards(office: Organisation) -> Iterator[Organisation]:
    numbers = [int(number) for number in office.path.strip("/").split("/") if number]
    places = Organisation.objects.in_bulk([number for number in numbers if number != office.pk])
    for number in reversed(numbers):
        yield office if number == office.pk else places[number]


def _members(office: Organisation, right: str) -> list[User]:
    return _active(right, memberships__organisation=office)


def _members_below(place: Organisation, right: str) -> list[User]:
    return _active(
        right,
        memberships__organisation__parent=place,
        memberships__organisation__kind=Organisation.Kind.DEPARTMENT,
    )


def _active(right: str, **where: object) -> list[User]:
    roles = [role.pk for role in Role.objects.all() if right in role.rights]
    rows = User.objects.filter(memberships__role__in=roles, is_active=True, **where)
    return list(rows.distinct().order_by("pk"))
