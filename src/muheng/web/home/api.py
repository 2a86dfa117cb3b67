"""What waits for the person behind the key, as on their first page."""

from __future__ import annotations

from datetime import date

from django.http import HttpResponse
from ninja import Field, Query, Router, Schema

from muheng.web.home.todo import list_todos
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.request import Request

PREFIX = "home"
router = Router()


class TodoShown(Schema):
    """Something to do."""

    title: str
    href: str = Field(description="在哪个页面上做。")
    due: date | None
    late: bool
    note: str
    waits: bool = Field(description="有人在等；否则只是值得一看。")


@router.get("/todos", response=Listed[TodoShown], summary="要做的事")
def list_what_waits(request: Request, part: Query[Part]) -> HttpResponse:
    """最急的在前。"""
    names = ("title", "href", "due", "late", "note", "waits")
    todos = list_todos(request.user)
    return answer_list(request, todos, part, lambda todo: {name: getattr(todo, name) for name in names})
