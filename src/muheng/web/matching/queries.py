"""What a person may see: an enterprise its own needs, introductions and credits; an official those of their place.

Offers and suppliers are for everybody who may enter; what others take of them is not an enterprise's business.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from muheng.web.matching.models import Credit, Gathering, Introduction, Need, Offer, Supplier
from muheng.web.people.models import Membership, Organisation, User
from muheng.web.people.rights import holds, posts_of, represents
from muheng.web.people.scope import Scope
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope

VIEW = "matching.view"
EDIT = "matching.edit"


def own_enterprises(user: Any) -> QuerySet[Enterprise]:
    """The enterprises that an account acts for."""
    return Enterprise.objects.filter(
        representatives__user=user, representatives__until=None, merged_into=None
    ).order_by("code")


def _seen(user: Any, prefix: str) -> Q:
    """Rows of enterprises that the person looks after or acts for."""
    scope = official_scope(user, VIEW)
    if scope.everything:
        return Q()
    own = Scope(enterprises=frozenset(own_enterprises(user).values_list("pk", flat=True)))
    return scope.q(prefix) | own.q(prefix)


def needs_seen(user: Any) -> QuerySet[Need]:
    return Need.objects.filter(_seen(user, "enterprise__")).select_related(
        "enterprise__county", "enterprise__township"
    )


def introductions_seen(user: Any) -> QuerySet[Introduction]:
    rows = Introduction.objects.filter(_seen(user, "need__enterprise__"))
    return rows.select_related("need__enterprise__county", "offer__supplier")


def credits_seen(user: Any) -> QuerySet[Credit]:
    rows = Credit.objects.filter(_seen(user, "enterprise__"))
    return rows.select_related("enterprise", "bank", "county")


def suppliers_seen(user: Any) -> QuerySet[Supplier]:
    if not holds(user, VIEW) and not represents(user):
        return Supplier.objects.none()
    return Supplier.objects.select_related("place", "keeper")


def offers_seen(user: Any) -> QuerySet[Offer]:
    """Officials see all; an enterprise those that are in force."""
    rows = Offer.objects.select_related("supplier__place", "supplier__keeper")
    rows = rows.prefetch_related("tags", "regions")
    if holds(user, VIEW):
        return rows
    return rows.filter(state=Offer.State.OPEN) if represents(user) else rows.none()


def gatherings_seen(user: Any) -> QuerySet[Gathering]:
    """Those of the person's places, of the places above, and those that an own enterprise is invited to."""
    found = Q(pk__in=())
    for post in posts_of(user) if getattr(user, "is_authenticated", False) else ():
        if VIEW in post.rights:
            above = [int(each) for each in post.path.strip("/").split("/")]
            found |= Q(host__path__startswith=post.path) | Q(host__in=above)
    own = own_enterprises(user)
    mine = Gathering.objects.filter(attendances__enterprise__in=own).values("pk")
    return Gathering.objects.filter(found | Q(pk__in=mine)).select_related("host", "county")


def editors_of(enterprise: Enterprise) -> QuerySet[User]:
    """Officials of the enterprise's county who match needs; those of the city, where the county has none."""
    near = _editors(enterprise.county)
    return near if near.exists() else _editors(enterprise.county.parent if enterprise.county else None)


def _editors(place: Organisation | None) -> QuerySet[User]:
    if place is None:
        return User.objects.none()
    posts = Membership.objects.filter(
        Q(organisation=place) | Q(organisation__parent=place, organisation__kind="department")
    )
    held = [
        membership.user_id for membership in posts.select_related("role") if EDIT in membership.role.rights
    ]
    return User.objects.filter(pk__in=held, is_active=True)


def representatives_of(enterprise: Enterprise) -> QuerySet[User]:
    return User.objects.filter(represented__enterprise=enterprise, represented__until=None, is_active=True)
