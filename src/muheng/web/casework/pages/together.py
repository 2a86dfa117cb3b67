"""What belongs together and what does not: one case into another, one into several, an order to bring a late one to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.casework.history import built_ins
from muheng.web.casework import actions, queries
from muheng.web.casework.actions import NewChild
from muheng.web.casework.forms import ask_opening, name_kinds, read_fields, read_typed, take_files
from muheng.web.casework.hands import Group, list_hands, read_hand
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case
from muheng.web.casework.pages.case import SUPERVISION, Seen
from muheng.web.casework.routing import proposed_office
from muheng.web.casework.story import list_files
from muheng.web.casework.wording import say_due, say_kind, say_state
from muheng.web.files.attachments import ACCEPT
from muheng.web.refusal import Refused
from muheng.web.request import Request

_CANDIDATES = 20
_PARTS = 2
_MOST_PARTS = 10


def _find(request: Request, number: str, verb: str) -> Seen:
    """A case that the person may join or split. Raises Http404 for who only reads it."""
    seen = Seen(request.user, queries.find_case(request.user, number))
    if not seen.inside or verb not in built_ins(seen.standing, seen.parts):
        raise Http404
    return seen


# -- into another ----------------------------------------------------------------------------------------


def merge(request: Request, number: str) -> HttpResponse:
    """The case beside another of the same enterprise; put into it, it ends here."""
    seen = _find(request, number, "merge")
    case = seen.case
    asked = request.POST.get("into") or request.GET.get("into", "")
    into = _candidates(request, case).filter(number=asked.strip().upper()).first() if asked else None
    refused = None
    note = request.POST.get("note", "")[:20_000]
    if request.method == "POST" and "merge" in request.POST:
        try:
            if into is None:
                raise Refused(_("请选并入哪一件。"), status=422, code="invalid", at="into")
            actions.merge(request.user, case, into, note)
        except Refused as again:
            if again.status in (403, 404):
                raise
            refused = again
        else:
            messages.success(request, _("%(gone)s 已并入这一件。") % {"gone": case.number})
            return redirect("casework:show", into.number)
    context = {
        "case": case,
        "into": into,
        "candidates": list(_candidates(request, case)[:_CANDIDATES]),
        "sides": [_side(Seen(request.user, each)) for each in (case, into) if each is not None],
        "note": note,
        "refused": refused,
    }
    return render(request, "casework/merge.html", context, status=refused.status if refused else 200)


def _candidates(request: Request, case: Case) -> QuerySet[Case]:
    rows = queries.visible_cases(request.user).filter(
        enterprise=case.enterprise_id, type=case.type, live=True
    )
    return rows.exclude(pk=case.pk).order_by("-opened_at", "-pk")


@dataclass(frozen=True)
class Side:
    """A case as one of two that are held beside each other."""

    case: Case
    kind: str
    state: str
    due: Any
    values: list[tuple[str, str]]
    files: list[str]
    steps: int


def _side(seen: Seen) -> Side:
    case, case_type = seen.case, seen.case_type
    values = [
        (declared.name, str(seen.standing.fields[declared.id]))
        for declared in case_type.fields
        if declared.id in seen.standing.fields and not declared.personal and declared.id != "title"
    ]
    due = say_due(case_type, case.deadline, case.due_clock, case.provisional, case.paused, timezone.now())
    return Side(
        case,
        say_kind(case_type, case.kind),
        say_state(case_type, case.state),
        due,
        values,
        [file.name for file in list_files(case, seen.inside)],
        seen.standing.version,
    )


# -- into several -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One of the cases that another is split into, as it was typed."""

    number: int
    title: str = ""
    kind: str = ""
    detail: str = ""
    to: str = ""

    @property
    def empty(self) -> bool:
        return not (self.title.strip() or self.detail.strip())


def split(request: Request, number: str) -> HttpResponse:
    """Cases of their own out of one in which several things were asked."""
    seen = _find(request, number, "split")
    case_type = seen.case_type
    if case_type.merged is None:
        raise Http404
    groups = list_hands(seen.case, proposed_office(case_type, seen.case))
    parts = _read_parts(request) or [Part(at) for at in range(_PARTS)]
    refused = None
    note = request.POST.get("note", "")[:20_000]
    if request.method == "POST" and "add" in request.POST:
        parts.append(Part(len(parts)))
    elif request.method == "POST":
        try:
            made = actions.split(request.user, seen.case, _children(seen, parts, groups), note)
        except Refused as again:
            if again.status in (403, 404):
                raise
            refused = again
        else:
            numbers = "、".join(each.number for each in made)
            messages.success(request, _("已拆出：%(numbers)s。") % {"numbers": numbers})
            return redirect("casework:show", seen.case.number)
    context = {
        "case": seen.case,
        "parts": parts[:_MOST_PARTS],
        "more": len(parts) < _MOST_PARTS,
        "kinds": name_kinds(case_type),
        "detailed": case_type.field("detail") is not None,
        "detail": seen.standing.fields.get("detail", ""),
        "groups": groups,
        "note": note,
        "refused": refused,
    }
    return render(request, "casework/split.html", context, status=refused.status if refused else 200)


def _read_parts(request: Request) -> list[Part]:
    return [
        Part(
            at, *(request.POST.get(f"{name}-{at}", "")[:20_000] for name in ("title", "kind", "detail", "to"))
        )
        for at in range(_MOST_PARTS)
        if f"title-{at}" in request.POST
    ]


def _children(seen: Seen, parts: list[Part], groups: list[Group]) -> list[NewChild]:
    children = []
    for part in parts:
        if part.empty:
            continue
        office, person = read_hand(part.to, groups)
        fields = {"title": part.title.strip()}
        if part.detail.strip():
            fields["detail"] = part.detail
        children.append(
            NewChild(
                type=seen.case.type,
                title=part.title,
                kind=part.kind,
                fields=fields,
                organisation=office,
                handler=person,
            )
        )
    return children


# -- an order from above ------------------------------------------------------------------------------------


def supervise(request: Request, number: str) -> HttpResponse:
    """A supervisor's order on a case that is late, given to whoever has it."""
    seen = Seen(request.user, queries.find_case(request.user, number))
    case, now = seen.case, timezone.now()
    if "leader" not in seen.parts or not case.is_overdue(now):
        raise Http404
    case_type = find_type(SUPERVISION)
    typed, refused = read_typed(request.POST), None
    if request.method == "POST":
        typed, refused = take_files(request, typed, case_type.labels)
        try:
            if refused is not None:
                raise refused
            fields = read_fields(
                case_type, typed, tuple(each.id for each in case_type.fields_at_opening(typed.kind or None))
            )
            order = actions.open_case(
                request.user,
                case_type.id,
                str(fields.get("title", "")),
                place=case.township or case.county,
                kind=typed.kind,
                fields=fields,
                files=typed.attachments,
                organisation=case.organisation,
                handler=case.handler,
                parent=case,
                part="leader",
            )
        except Refused as again:
            if again.status in (403, 404):
                raise
            refused = again
        else:
            messages.success(request, _("已下达督办：%(number)s。") % {"number": order.number})
            return redirect("casework:show", order.number)
    due = say_due(seen.case_type, case.deadline, case.due_clock, case.provisional, case.paused, now)
    known = {
        "title": _("督办：%(title)s") % {"title": case.title[:180]},
        "detail": _("%(number)s %(due)s，请尽快办结并回复。") % {"number": case.number, "due": due.text},
    }
    context = {
        "case": case,
        "due": due,
        "inputs": ask_opening(case_type, typed, known),
        "kinds": name_kinds(case_type),
        "typed": typed,
        "labels": case_type.labels,
        "refused": refused,
        "accept": ACCEPT,
    }
    return render(request, "casework/supervise.html", context, status=refused.status if refused else 200)
