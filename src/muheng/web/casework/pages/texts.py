"""Texts that an office answers with often: those that a person looks after, written, changed and removed."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.casework.kinds import case_types
from muheng.web.casework.models import AnswerTemplate
from muheng.web.casework.queries import own_offices
from muheng.web.casework.templates import (
    SET,
    change_template,
    find_template,
    remove_template,
    templates_of,
    write_template,
)
from muheng.web.casework.wording import say_kind
from muheng.web.entrance import read_number
from muheng.web.people.models import Organisation
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.request import Request


@dataclass(frozen=True)
class Draft:
    """A text as it stands in the form."""

    title: str = ""
    text: str = ""
    about: str = ""
    """The type, or type and kind: ``demand``, ``demand.land``."""
    office: str = ""


def texts(request: Request) -> HttpResponse:
    """The texts of a person's offices, and the form of a new one."""
    require(request.user, SET)
    if request.method != "POST":
        return _show(request, Draft(about="demand"))
    draft = _read(request)
    try:
        office = _offices(request).get(read_number(draft.office) or 0)
        if office is None:
            raise Refused(_("请选是哪个单位用。"), status=422, code="invalid", at="office")
        type_id, _dot, kind = draft.about.partition(".")
        if type_id not in case_types():
            raise Refused(_("请选用在哪类事项。"), status=422, code="invalid", at="about")
        write_template(request.user, office, type_id, draft.title, draft.text, kind)
    except Refused as refused:
        return _show(request, draft, refused=refused)
    messages.success(request, _("已存下“%(title)s”。") % {"title": draft.title})
    return redirect("casework:texts")


def change(request: Request, number: int) -> HttpResponse:
    """Another text in the place of one."""
    require(request.user, SET)
    held = find_template(request.user, number)
    about = f"{held.type}.{held.kind}" if held.kind else held.type
    if request.method != "POST":
        return _show(request, Draft(held.title, held.text, about, str(held.organisation_id)), held)
    draft = _read(request)
    kind = draft.about.partition(".")[2]
    try:
        change_template(request.user, held, draft.title, draft.text, kind)
    except Refused as refused:
        return _show(request, draft, held, refused)
    messages.success(request, _("已存下“%(title)s”。") % {"title": draft.title})
    return redirect("casework:texts")


@require_POST
def remove(request: Request, number: int) -> HttpResponse:
    require(request.user, SET)
    held = find_template(request.user, number)
    messages.success(request, _("已删去“%(name)s”。") % {"name": held.title})
    remove_template(request.user, held)
    return redirect("casework:texts")


def _read(request: Request) -> Draft:
    asked = request.POST
    return Draft(
        asked.get("title", "")[:200],
        asked.get("text", "")[:20_000].replace("\r\n", "\n"),
        asked.get("about", "")[:80],
        asked.get("office", "")[:20],
    )


def _offices(request: Request) -> dict[int, Organisation]:
    return Organisation.objects.in_bulk(own_offices(request.user, SET))


def _show(
    request: Request, draft: Draft, held: AnswerTemplate | None = None, refused: Refused | None = None
) -> HttpResponse:
    lang = language()
    types = [each for each in case_types().values() if held is None or each.id == held.type]
    groups = [
        (each.title(lang), each.id, [(f"{each.id}.{kind.id}", kind.title(lang)) for kind in each.kinds])
        for each in types
        if any(act.note != "none" for act in each.acts)
    ]
    context = {
        "rows": [
            (row, case_types()[row.type].title(lang), say_kind(case_types()[row.type], row.kind))
            for row in templates_of(request.user)
            if row.type in case_types()
        ],
        "groups": groups,
        "offices": _offices(request).values(),
        "draft": draft,
        "held": held,
        "refused": refused,
    }
    return render(request, "casework/texts.html", context, status=refused.status if refused else 200)
