"""Whom a case may be given to: offices that have somebody to handle cases, and the persons there. Moves nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from muheng.web.casework.models import Case
from muheng.web.casework.queries import HANDLE
from muheng.web.people.models import Membership, Organisation, Role, User
from muheng.web.refusal import Refused


@dataclass(frozen=True)
class Hand:
    """An office (``12``), or a person there (``12-34``)."""

    value: str
    title: str


@dataclass(frozen=True)
class Group:
    """An office with its people; ``proposed``: the words of the case's kind lead there."""

    title: str
    hands: tuple[Hand, ...]
    proposed: bool = False


def list_hands(case: Case, proposed: Organisation | None = None) -> list[Group]:
    """The offices of the city and of the case's county, the proposed one first."""
    kind = Organisation.Kind
    near = Q(organisation__kind=kind.CITY) | Q(
        organisation__kind=kind.DEPARTMENT, organisation__parent__kind=kind.CITY
    )
    for path in {place.path for place in (case.county, _county_of(case.organisation)) if place is not None}:
        near |= Q(organisation__path__startswith=path)
    roles = [role.pk for role in Role.objects.all() if HANDLE in role.rights]
    held = Membership.objects.filter(near, role__in=roles, user__is_active=True)
    held = held.select_related("organisation__parent", "user").order_by("organisation__path", "user_id")
    people: dict[Organisation, dict[int, User]] = {}
    for each in held:
        people.setdefault(each.organisation, {})[each.user_id] = each.user
    if proposed is not None:
        people.setdefault(proposed, {})
    first = proposed.pk if proposed is not None else None
    return [
        _group(office, list(there.values()), office.pk == first)
        for office, there in sorted(people.items(), key=lambda item: (item[0].pk != first, item[0].path))
    ]


def _group(office: Organisation, people: list[User], proposed: bool) -> Group:
    place = office.parent.title if office.parent is not None else ""
    title = f"{place} {office.title}".strip()
    shown = _("%(office)s（建议）") % {"office": title} if proposed else title
    whole = _("%(office)s（由单位安排）") if people else _("%(office)s（还没有承办人）")
    hands = [Hand(str(office.pk), whole % {"office": office.title})]
    hands += [Hand(f"{office.pk}-{person.pk}", f"{person.name} {person.post}".strip()) for person in people]
    return Group(shown, tuple(hands), proposed)


def read_hand(text: str, groups: list[Group]) -> tuple[Organisation | None, User | None]:
    """The office and the person that were chosen. Raises Refused where they were not offered."""
    if not text:
        return None, None
    if not any(hand.value == text for group in groups for hand in group.hands):
        raise Refused(_("不能交给所选的单位或人。"), _("请从列表里选。"), status=422, code="invalid", at="to")
    office, _dash, person = text.partition("-")
    return (
        Organisation.objects.get(pk=int(office)),
        User.objects.get(pk=int(person)) if person else None,
    )


def _county_of(place: Organisation | None) -> Organisation | None:
    while place is not None and place.kind != Organisation.Kind.COUNTY:
        place = place.parent
    return place
