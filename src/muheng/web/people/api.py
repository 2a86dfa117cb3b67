"""Who the key belongs to and what it may do; the tree of organisations; who holds what where."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from muheng.web.paging import Listed, Part, answer, answer_list, answer_part
from muheng.web.people.actions import end_token
from muheng.web.people.models import Organisation
from muheng.web.people.queries import RIGHT, describe_posts, memberships_for, officials_for
from muheng.web.people.rights import RIGHTS, holds, represents, require
from muheng.web.refusal import Refused
from muheng.web.request import Request

PREFIX = "people"
router = Router()
own = Router()
ROUTERS = {PREFIX: router, "me": own}


class PostHeld(Schema):
    """A role held at a place."""

    role: str = Field(description="角色代码")
    title: str = Field(description="角色名称")
    organisation: int
    place: str


class Me(Schema):
    """The person behind the key. ``rights``: what may be asked for, somewhere; ``enterprises``: those represented."""

    username: str
    name: str
    posts: list[PostHeld]
    rights: list[str]
    enterprises: list[str] = Field(description="所代表企业的信用代码")


class Key(Schema):
    """A key for programs; what it is, is never told again."""

    number: int
    name: str
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


class Place(Schema):
    """A place of the tree; ``parent`` is null for the city."""

    id: int
    kind: str = Field(description="city、county、park、department、township")
    name: str
    english: str
    parent: int | None


class Person(Schema):
    """An official and the roles that they hold within one's sight."""

    username: str
    name: str
    post: str
    active: bool
    posts: list[PostHeld]


@own.get("/", response=Me, summary="我是谁")
def show_me(request: Request) -> HttpResponse:
    """Whose key this is and what it may do."""
    user = request.user
    enterprises: list[str] = []
    if represents(user):
        live = user.represented.filter(until=None).order_by("enterprise__code")
        enterprises = list(live.values_list("enterprise__code", flat=True))
    return answer(
        {
            "username": user.username,
            "name": user.name,
            "posts": [_post(post["role"], post["organisation"]) for post in describe_posts(user)],
            "rights": [right for right in RIGHTS if holds(user, right)],
            "enterprises": enterprises,
        }
    )


@own.get("/keys", response=Listed[Key], summary="我的密钥")
def list_keys(request: Request, part: Annotated[Part, Query()]) -> HttpResponse:
    """The keys in force."""
    rows = request.user.tokens.filter(ended_at=None).order_by("pk")
    return answer_list(
        request,
        rows,
        part,
        lambda row: {
            "number": row.pk,
            "name": row.name,
            "created_at": row.created_at,
            "used_at": row.used_at,
            "expires_at": row.expires_at,
        },
    )


@own.delete("/keys/{int:number}", response={204: None}, summary="停用密钥")
def end_key(request: Request, number: int) -> HttpResponse:
    """A key opens nothing any more, this one too."""
    end_token(request.user, number)
    return HttpResponse(status=204)


@router.get("/organisations", response=Listed[Place], summary="机构")
def list_organisations(
    request: Request, part: Annotated[Part, Query()], kind: Annotated[str, Query(max_length=12)] = ""
) -> HttpResponse:
    """The tree, from the city down; officials may see it whole."""
    if not (holds(request.user, "registry.view") or holds(request.user, RIGHT)):
        require(request.user, RIGHT)
    if kind and kind not in Organisation.Kind.values:
        raise Refused(
            _("没有“%(kind)s”这一类机构。") % {"kind": kind},
            "、".join(Organisation.Kind.values),
            status=422,
            code="invalid",
            at="kind",
        )
    rows = Organisation.objects.order_by("path").filter(Q(kind=kind) if kind else Q())
    return answer_list(
        request,
        rows,
        part,
        lambda row: {
            "id": row.pk,
            "kind": row.kind,
            "name": row.name,
            "english": row.english,
            "parent": row.parent_id,
        },
    )


@router.get("/", response=Listed[Person], summary="人员")
def list_people(request: Request, part: Annotated[Part, Query()]) -> HttpResponse:
    """The officials below the places that one looks after."""
    require(request.user, RIGHT)
    rows = officials_for(request.user)
    found = list(rows[part.offset : part.offset + part.limit])
    posts: dict[int, list[dict[str, Any]]] = {}
    for held in memberships_for(request.user).filter(user__in=found):
        posts.setdefault(held.user_id, []).append(_post(held.role, held.organisation))

    items = [
        {
            "username": person.username,
            "name": person.name,
            "post": person.post,
            "active": person.is_active,
            "posts": posts.get(person.pk, []),
        }
        for person in found
    ]
    return answer_part(request, items, part, rows.count())


def _post(role: Any, organisation: Organisation) -> dict[str, Any]:
    return {
        "role": role.code,
        "title": role.name,
        "organisation": organisation.pk,
        "place": organisation.title,
    }
