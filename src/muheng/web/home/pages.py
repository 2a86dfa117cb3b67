"""The first page: what to do today, the one number that matters, and the city at a glance."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from muheng.web.home import glance
from muheng.web.home.service import show_service
from muheng.web.home.todo import Todo, list_todos
from muheng.web.people.models import User
from muheng.web.people.rights import holds, represents
from muheng.web.registry.figures import compare_for
from muheng.web.request import Request

TODAY = 3


def home(request: Request) -> HttpResponse:
    user = request.user
    todos = list_todos(user)
    own = glance.show_own(user) if represents(user) else []
    tax = glance.show_tax(user)
    context = {
        "todos": todos[:TODAY],
        "more": todos[TODAY:],
        "number": _number(user, todos, tax),
        "own": own,
        "standing": _standing(user, own),
        "grades": glance.show_grades(user),
        "tax": tax,
        "intake": glance.show_intake(user),
        "service": show_service(user),
        "deadlines": glance.list_deadlines(user),
    }
    return render(request, "home/home.html", context)


def _number(user: User, todos: list[Todo], tax: glance.TaxPerMu | None) -> dict[str, Any] | None:
    """The one number: who signs looks at what the land yields, who works at what waits. An enterprise has its grade."""
    waiting = [todo for todo in todos if todo.waits]
    late = sum(todo.late for todo in waiting)
    if waiting and not holds(user, "evaluation.sign") and not represents(user):
        note = _("其中 %(late)s 件已过期限") % {"late": late} if late else _("没有逾期的")
        return {"value": str(len(waiting)), "unit": _("件要办"), "note": note, "late": bool(late)}
    if tax is None:
        return None
    year, _value = tax.now
    note = _("%(year)s年亩均税收") % {"year": year}
    if tax.change:
        note = _("%(year)s年亩均税收，比上年 %(change)s") % {"year": year, "change": tax.change}
    return {"value": tax.said, "unit": _("万元/亩"), "note": note, "late": False}


def _standing(user: User, own: list[glance.OwnGrade]) -> list[dict[str, Any]]:
    """How the first enterprise of the account stands among its industry in the newest year."""
    if not own:
        return []
    years = compare_for(user, own[0].enterprise, 1)
    if not years:
        return []
    return [
        {
            "title": each.indicator.title,
            "unit": each.indicator.unit,
            "own": each.own,
            "median": each.median,
            "best": each.best_quarter,
            "place": each.place,
            "many": each.many,
            "leads": each.leads,
        }
        for each in years[0].standings
        if each.own
    ]
