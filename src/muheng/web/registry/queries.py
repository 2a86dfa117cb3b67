"""What a person may see of the files of enterprises. Nothing here is without a person and their scope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import F, Q, QuerySet
from django.http import Http404

from muheng.web.people.rights import holds
from muheng.web.people.scope import Scope, scope_of
from muheng.web.registry.models import Enterprise, NameRecord, Parcel


def official_scope(user: Any, right: str) -> Scope:
    """What a person may reach by their posts alone, leaving out the enterprises that they represent."""
    return replace(scope_of(user, right), enterprises=frozenset()) if holds(user, right) else Scope()


def may(user: Any, right: str, enterprise: Enterprise) -> bool:
    """Whether a person has a right for this enterprise by a post of theirs."""
    scope = official_scope(user, right)
    return scope.everything or scope.filter(Enterprise.objects.filter(pk=enterprise.pk)).exists()


def is_own(user: Any, enterprise: Enterprise) -> bool:
    """Whether the person acts for this enterprise."""
    return enterprise.pk in scope_of(user).enterprises


def enterprises_for(user: Any) -> QuerySet[Enterprise]:
    """The enterprises that a person may see, those merged into others included."""
    return scope_of(user).filter(Enterprise.objects.all())


def find_enterprise(user: Any, code: str) -> Enterprise:
    """The enterprise of a code. One that the person may not see is not found: raises Http404."""
    rows = enterprises_for(user).select_related("county", "township")
    found = rows.filter(code=code.strip().upper()).first()
    if found is None:
        raise Http404(code)
    return found


def names_in_order(enterprise: Enterprise) -> QuerySet[NameRecord]:
    """All names that it bore, one after the other; databases differ in where they put a first day not known."""
    return enterprise.names.order_by(F("since").asc(nulls_first=True), "pk")


def parcel_scope(scope: Scope) -> Q:
    """The condition on parcels: one of an enterprise in scope stands there, or it lies in a place in scope."""
    if scope.everything:
        return Q()
    inside = scope.filter(Enterprise.objects.all()).values("pk")
    places = Q(pk__in=())
    if scope.counties:
        places |= Q(township__parent__in=scope.counties)
    if scope.townships:
        places |= Q(township__in=scope.townships)
    return places | Q(pk__in=Parcel.objects.filter(holdings__enterprise__in=inside).values("pk"))


def parcels_for(user: Any, right: str = "registry.view") -> QuerySet[Parcel]:
    """The parcels that a person may see."""
    return Parcel.objects.filter(parcel_scope(scope_of(user, right)))


def list_contacts(user: Any, enterprise: Enterprise) -> list[dict[str, Any]]:
    """Whom to call; numbers whole only for who keeps the file, and for the enterprise itself."""
    whole = is_own(user, enterprise) or may(user, "registry.edit", enterprise)
    return [
        {
            "id": row.pk,
            "name": row.name,
            "post": row.post,
            "main": row.main,
            "numbers": [text if whole else mask(text) for text in (row.phone, row.mobile) if text],
        }
        for row in enterprise.contacts.order_by("-main", "pk")
    ]


def mask(number: str) -> str:
    """A telephone number with all but its ends hidden: 138****0123."""
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 9 else "****"
