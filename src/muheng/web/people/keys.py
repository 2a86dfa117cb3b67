"""From a program's key to the person it acts for."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from muheng.web.people.models import Token, User

_NOTED_EVERY = timedelta(minutes=5)


def find_person(key: str) -> User | None:
    """The owner of a key that is in force."""
    now = timezone.now()
    found = (
        Token.objects.select_related("user")
        .filter(digest=Token.digest_of(key), ended_at=None, user__is_active=True)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .first()
    )
    if found is None:
        return None
    if found.used_at is None or now - found.used_at > _NOTED_EVERY:
        Token.objects.filter(pk=found.pk).update(used_at=now)
    return found.user
