"""A person's own notices for programs: the list, how many are unread, and marking as read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from ninja import Field, Query, Router, Schema

from muheng.web.notices import actions, queries
from muheng.web.notices.models import Notice
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.request import Request

PREFIX = "notices"
router = Router()


class NoticeShown(Schema):
    """One thing that the person is told."""

    id: int
    subject: str
    text: str
    href: str = Field(description="网站里的地址。")
    room: str = Field(description="casework 事项，liaison 走访，matching 供需……")
    urgent: bool
    at: datetime
    read_at: datetime | None = Field(description="没有读过为 null。")


class NoticeFilter(Schema):
    room: str = Field("", max_length=20, description="哪一类，如 casework；不写为全部。")
    unread: bool = Field(False, description="只要没有读过的。")


class Unread(Schema):
    unread: int = Field(description="没有读过的条数，数到 100 为止。")


class RoomGiven(Schema):
    room: str = Field("", max_length=20, description="只标哪一类；不写为全部。")


class Marked(Schema):
    marked: int = Field(description="标了几条。")


@router.get("/", response=Listed[NoticeShown], summary="我的通知")
def list_notices(request: Request, asked: Query[NoticeFilter], part: Query[Part]) -> HttpResponse:
    """没有读过的在前。"""
    return answer_list(request, queries.notices_of(request.user, asked.room, asked.unread), part, _shown)


@router.get("/count", response=Unread, summary="没有读过的条数")
def count_unread(request: Request) -> dict[str, int]:
    """What the bell of the pages shows."""
    return {"unread": queries.count_unread(request.user)}


@router.post("/read", response=Marked, summary="全部标为已读")
def mark_all_read(request: Request, given: RoomGiven) -> dict[str, int]:
    """All, or those of one room."""
    return {"marked": actions.mark_all_read(request.user, given.room)}


@router.post("/{int:number}/read", response=NoticeShown, summary="标为已读")
def mark_read(request: Request, number: int) -> dict[str, Any]:
    """One notice; what has been read stays as it is."""
    actions.mark_read(request.user, [number])
    notice = Notice.objects.filter(person=request.user, pk=number).first()
    if notice is None:
        raise Http404
    return _shown(notice)


def _shown(notice: Notice) -> dict[str, Any]:
    names = ("text", "href", "room", "urgent", "at", "read_at")
    shown = {name: getattr(notice, name) for name in names}
    return {"id": notice.pk, "subject": notice.subject_line, **shown}
