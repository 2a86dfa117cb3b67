"""What a person has been told, and the channels and failures that they look after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from muheng.web.notices.actions import RIGHT
from muheng.web.notices.models import Channel, Dispatch, Letter, Notice, State
from muheng.web.people.models import Membership, Organisation, User
from muheng.web.people.rights import posts_of

MOST_COUNTED = 100
LATELY = timedelta(days=7)

ROOMS: dict[str, Any] = {
    "casework": _("事项"),
    "liaison": _("走访"),
    "matching": _("供需"),
    "registry": _("企业"),
    "intake": _("数据归集"),
    "evaluation": _("评价"),
    "policy": _("评价办法"),
    "filing": _("月度填报"),
}
"""The rooms that tell people something, as the navigation calls them."""


def room_title(room: str) -> str:
    return str(ROOMS.get(room, room))


def notices_of(person: User, room: str = "", unread: bool = False) -> QuerySet[Notice]:
    """A person's own notices, unread first."""
    found = Notice.objects.filter(person=person)
    if room:
        found = found.filter(room=room)
    return found.filter(read_at=None) if unread else found


def count_unread(person: User) -> int:
    """How many a person has not read; counting ends at ``MOST_COUNTED``. One query of an index."""
    return Notice.objects.filter(person_id=person.pk, read_at=None).order_by()[:MOST_COUNTED].count()


def rooms_of(person: User) -> list[tuple[str, str, int]]:
    """The rooms that have told a person something: word, title, how many are unread."""
    rows = (
        Notice.objects.filter(person=person)
        .order_by()
        .values("room")
        .annotate(unread=Count("pk", filter=Q(read_at=None)))
    )
    order = list(ROOMS)
    found = [(row["room"], room_title(row["room"]), row["unread"]) for row in rows]
    return sorted(found, key=lambda row: order.index(row[0]) if row[0] in order else len(order))


def places_for(person: User) -> QuerySet[Organisation]:
    """The organisations whose channels a person sets up, in the tree's order."""
    return Organisation.objects.filter(_below(person, "")).order_by("path")


def channels_for(person: User) -> QuerySet[Channel]:
    """The channels that a person sets up, with how many messages wait and how many were lately given up."""
    waiting = Q(dispatches__state=State.WAITING)
    given_up = Q(dispatches__state=State.GIVEN_UP, dispatches__created_at__gte=timezone.now() - LATELY)
    return (
        Channel.objects.filter(_below(person, "organisation__"))
        .select_related("organisation")
        .annotate(waiting=Count("dispatches", filter=waiting), given_up=Count("dispatches", filter=given_up))
        .order_by(F("ended_at").asc(nulls_first=True), "organisation__path", "pk")
    )


def dispatches_for(person: User) -> QuerySet[Dispatch]:
    """The log of those channels, the newest first."""
    return Dispatch.objects.filter(
        channel__in=Channel.objects.filter(_below(person, "organisation__"))
    ).order_by("-pk")


def troubled_letters(person: User) -> QuerySet[Letter]:
    """Mails that have not gone to people who hold a role below a place that the person looks after."""
    held = Membership.objects.filter(_below(person, "organisation__"), user=OuterRef("person"))
    found = Letter.objects.filter(Exists(held)).exclude(reason="").exclude(state=State.SENT)
    return found.select_related("person").order_by("-pk")


def _below(person: User, prefix: str) -> Q:
    found = Q(pk__in=())
    for post in posts_of(person):
        if RIGHT in post.rights:
            found |= Q(**{f"{prefix}path__startswith": post.path})
    return found
