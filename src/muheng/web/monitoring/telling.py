"""Whom the room tells what, outside of what a case tells by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy

from muheng.web.monitoring.sayings import say_later
from muheng.web.notices.actions import tell
from muheng.web.people.models import Organisation, Role, User

ROOM = "monitoring"


def holders_of(right: str, path: str | None = None) -> list[User]:
    """Who has a right at any place, or at places whose territory has ``path`` within."""
    roles = [role.pk for role in Role.objects.all() if right in role.rights]
    people = User.objects.filter(memberships__role__in=roles, is_active=True).distinct().order_by("pk")
    if path is None:
        return list(people)
    places = Organisation.objects.filter(memberships__role__in=roles).distinct()
    reaching = [place.pk for place in places if path.startswith(place.territory.path)]
    return list(people.filter(memberships__organisation__in=reaching, memberships__role__in=roles).distinct())


def tell_lost(serials: Sequence[int], now: datetime) -> None:
    """That files of the receiver's store were not there or could not be read."""
    tell(
        holders_of("monitoring.edit"),
        gettext_lazy("接收程序的数据文件有缺失，已从原始库补读"),
        say_later(
            gettext_lazy("缺失的序号：%(serials)s。请看磁盘空间和接收程序是否正常。"),
            serials=shorten(serials),
        ),
        reverse("monitoring:home"),
        room=ROOM,
        key="monitoring:lost",
        at=now,
    )


def shorten(numbers: Sequence[int]) -> str:
    """1, 2, 3 … as a first and a last where they are many."""
    return "、".join(map(str, numbers)) if len(numbers) <= 3 else f"{numbers[0]}–{numbers[-1]}"


def representatives_of(enterprise: int) -> list[User]:
    """Who acts for an enterprise."""
    people = User.objects.filter(represented__enterprise=enterprise, represented__until=None, is_active=True)
    return list(people.distinct().order_by("pk"))
