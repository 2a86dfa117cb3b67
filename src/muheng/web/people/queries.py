"""What is asked about people and places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from muheng.web.people.models import Membership, Organisation, Role, User
from muheng.web.people.rights import RIGHTS, posts_of
from muheng.web.people.scope import scope_of


def city_title() -> str:
    """The name of the city that the site serves, in the reader's language; empty before it has one."""
    city = Organisation.objects.filter(kind=Organisation.Kind.CITY).order_by("pk").first()
    return city.title if city else ""


def list_places(kind: str) -> QuerySet[Organisation]:
    """The counties, parks or townships, in their order."""
    return Organisation.objects.filter(kind=kind).order_by("order", "pk")


def describe_posts(user: User) -> list[dict[str, Any]]:
    """A person's roles and where they hold them, for the header and their own page."""
    held = user.memberships.select_related("role", "organisation")
    return [{"role": each.role, "organisation": each.organisation} for each in held]


RIGHT = "people.view"


def territories(user: User) -> list[str]:
    """The paths below which a person may see who is who."""
    return [post.path for post in posts_of(user) if RIGHT in post.rights]


def _below(user: User, prefix: str) -> Q:
    found = Q(pk__in=())
    for path in territories(user):
        found |= Q(**{f"{prefix}path__startswith": path})
    return found


def organisations_for(user: User) -> QuerySet[Organisation]:
    """The places whose people a person may see, in the tree's order."""
    return Organisation.objects.filter(_below(user, "")).order_by("path")


def memberships_for(user: User) -> QuerySet[Membership]:
    """Who holds which role where, as far as a person may see it."""
    held = Membership.objects.filter(_below(user, "organisation__")).select_related(
        "user", "role", "organisation"
    )
    return held.order_by("organisation__path", "role__code", "user__username")


def officials_for(user: User) -> QuerySet[User]:
    """The people that hold a role within a person's sight."""
    return User.objects.filter(pk__in=memberships_for(user).order_by().values("user")).order_by("username")


def representatives_for(user: User) -> QuerySet[User]:
    """The accounts of enterprises within a person's sight."""
    seen = scope_of(user, RIGHT)
    if not territories(user):
        return User.objects.none()
    return (
        User.objects.filter(
            seen.q("represented__enterprise__"), represented__until=None, represented__isnull=False
        )
        .distinct()
        .order_by("username")
    )


@dataclass
class Node:
    """A place of the tree with who holds what there, and what lies below."""

    organisation: Organisation
    held: list[Membership] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    people: int = 0


def tree_for(user: User) -> list[Node]:
    """The tree as far as a person may see it; ``people`` counts those at a place and below."""
    nodes = {each.pk: Node(each) for each in organisations_for(user)}
    for membership in memberships_for(user):
        nodes[membership.organisation_id].held.append(membership)
    tops: list[Node] = []
    for node in nodes.values():
        above = nodes.get(node.organisation.parent_id or 0)
        (above.children if above is not None else tops).append(node)
    # From the leaves up: a place comes after what it lies in.
    for node in reversed(nodes.values()):
        node.children.sort(
            key=lambda child: (child.organisation.kind, child.organisation.order, child.organisation.pk)
        )
        node.people = len({held.user_id for held in node.held}) + sum(child.people for child in node.children)
    return tops


def describe_roles() -> list[dict[str, Any]]:
    """Each role and what it may do, as people read it."""
    return [
        {"role": role, "rights": [str(RIGHTS[right]) for right in role.rights if right in RIGHTS]}
        for role in Role.objects.order_by("pk")
    ]
