"""What is asked about people and places."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from muheng.web.people.models import Organisation, User


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
