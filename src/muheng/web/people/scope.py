"""Which enterprises a person may see. Every query for a person goes through here.

A post at the city shows every enterprise, one at a county, township or park those within; an enterprise's account
shows that enterprise. What is not within is as if it did not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import posts_of

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Scope:
    """Places (numbers of organisations) and single enterprises that a person may see; ``everything`` is the city."""

    everything: bool = False
    counties: frozenset[int] = frozenset()
    townships: frozenset[int] = frozenset()
    parks: frozenset[int] = frozenset()
    enterprises: frozenset[int] = frozenset()

    def q(self, prefix: str = "") -> Q:
        """The condition on rows that lead to an enterprise by ``prefix`` (``"enterprise__"``)."""
        if self.everything:
            return Q()
        found = Q(pk__in=())
        for field, numbers in (
            ("county_id", self.counties),
            ("township_id", self.townships),
            ("pk", self.enterprises),
        ):
            if numbers:
                found |= Q(**{f"{prefix}{field}__in": numbers})
        if self.parks:
            # A subquery: an enterprise in two of the parks is still one row.
            from django.apps import apps

            enterprise = apps.get_model("registry", "Enterprise")
            inside = enterprise.objects.filter(parks__in=self.parks).values("pk")
            found |= Q(**{f"{prefix}pk__in": inside})
        return found

    def filter(self, rows: QuerySet[M], prefix: str = "") -> QuerySet[M]:
        """The rows whose enterprise a person may see."""
        return rows if self.everything else rows.filter(self.q(prefix))


def scope_of(user: Any, right: str = "registry.view") -> Scope:
    """What a person may see by virtue of a right; an enterprise's account sees its own whatever the right."""
    if not getattr(user, "is_authenticated", False):
        return Scope()
    cache: dict[str, Scope] = user.__dict__.setdefault("_scopes", {})
    if right not in cache:
        cache[right] = _find_scope(user, right)
    return cache[right]


def _find_scope(user: User, right: str) -> Scope:
    by_kind: dict[str, set[int]] = {}
    for post in posts_of(user):
        if right in post.rights:
            by_kind.setdefault(post.kind, set()).add(post.territory_id)
    return Scope(
        everything=Organisation.Kind.CITY in by_kind,
        counties=frozenset(by_kind.get(Organisation.Kind.COUNTY, ())),
        townships=frozenset(by_kind.get(Organisation.Kind.TOWNSHIP, ())),
        parks=frozenset(by_kind.get(Organisation.Kind.PARK, ())),
        enterprises=_own(user),
    )


def _own(user: User) -> frozenset[int]:
    """The enterprises that an account acts for; asked for once in the life of the object."""
    found: frozenset[int] | None = user.__dict__.get("_own")
    if found is None:
        found = frozenset(user.represented.filter(until=None).values_list("enterprise_id", flat=True))
        user.__dict__["_own"] = found
    return found
