"""One act for many cases: which of those chosen it would change, which not and why, and then doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.casework.document import Act
from muheng.web.casework import queries
from muheng.web.casework.bulk import MOST, Outcome, act_on_many, preview_many
from muheng.web.casework.forms import Typed, read_typed
from muheng.web.casework.hands import Group, list_hands, read_hand
from muheng.web.casework.kinds import case_types
from muheng.web.casework.models import Case
from muheng.web.casework.pages.lists import clean_query, require_official
from muheng.web.casework.routing import proposed_office
from muheng.web.people.models import User
from muheng.web.people.rights import holds
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.request import Request


@dataclass(frozen=True)
class Deed:
    """Something that may be done to many at once: ``assign``, ``urge``, or an act of a type (``demand.accept``)."""

    key: str
    title: str


def list_deeds(user: User) -> list[Deed]:
    """What a person might do to many at once; whether it may be done to each is found out before."""
    found = []
    if holds(user, queries.ASSIGN) or holds(user, queries.LEAD) or holds(user, queries.HANDLE):
        found.append(Deed("assign", _("指派")))
    if holds(user, queries.ASSIGN) or holds(user, queries.LEAD):
        found.append(Deed("urge", _("催办")))
    parts = _parts_by_right(user)
    for case_type in case_types().values():
        found += [
            Deed(f"{case_type.id}.{act.id}", f"{act.title(language())}（{case_type.title(language())}）")
            for act in case_type.acts
            if act.bulk and parts & set(act.by)
        ]
    return found


def _parts_by_right(user: User) -> set[str]:
    """Who a person may be to cases by their posts."""
    rights = {"desk": queries.ASSIGN, "leader": queries.LEAD, "handler": queries.HANDLE}
    return {part for part, right in rights.items() if holds(user, right)} | {"opener"}


# -- before and after ---------------------------------------------------------------------------------------


@require_POST
def bulk(request: Request) -> HttpResponse:
    """What the deed would change of the cases chosen, and what it asks for; with ``do``, doing it."""
    require_official(request.user)
    query = clean_query(request.POST.get("query", ""))
    back = f"{reverse('casework:inbox')}?{query}"
    deed = next((each for each in list_deeds(request.user) if each.key == request.POST.get("deed")), None)
    numbers = [number[:30] for number in request.POST.getlist("case")]
    if deed is None or not numbers:
        messages.error(request, _("先在清单里选中要一起办的事项。"))
        return redirect(back)
    if len(numbers) > MOST:
        messages.error(request, _("一次最多办 %(most)d 件。") % {"most": MOST})
        return redirect(back)
    cases = list(
        queries.visible_cases(request.user)
        .filter(number__in=numbers)
        .select_related("enterprise", "county", "township", "organisation")
    )
    type_id, act = _find_act(deed)
    gives = deed.key == "assign" or (act is not None and act.assigns != "none")
    groups = _groups(cases) if gives and cases else []
    typed, refused = read_typed(request.POST), None
    given: dict[str, Any] = {}
    try:
        given = _given(deed, act, typed, groups)
        if "do" in request.POST:
            outcome = act_on_many(
                request.user, numbers, _verb(deed), type_id=type_id, seen=_seen(request, numbers), **given
            )
            return _tell_done(request, deed, outcome, back)
    except Refused as again:
        refused = again
    supposed = _supposed(given, act, deed, groups)
    outcome = preview_many(request.user, numbers, _verb(deed), type_id=type_id, **supposed)
    context = {
        "deed": deed,
        "able": outcome.done,
        "unable": outcome.not_done,
        "groups": groups,
        "note": _asks_note(deed, act),
        "must_note": act is not None and act.note == "required",
        "must_assign": gives,
        "typed": typed,
        "query": query,
        "back": back,
        "refused": refused,
    }
    return render(request, "casework/bulk.html", context, status=refused.status if refused else 200)


def _find_act(deed: Deed) -> tuple[str, Act | None]:
    type_id, _dot, act_id = deed.key.partition(".")
    case_type = case_types().get(type_id)
    return (type_id, case_type.act(act_id)) if case_type is not None else ("", None)


def _verb(deed: Deed) -> str:
    return deed.key.rpartition(".")[2]


def _asks_note(deed: Deed, act: Act | None) -> bool:
    return act is None or act.note != "none"


def _given(deed: Deed, act: Act | None, typed: Typed, groups: list[Group]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if _asks_note(deed, act):
        given["note"] = typed.note
    if groups:
        given["organisation"], given["handler"] = read_hand(typed.to, groups)
    return given


def _supposed(given: dict[str, Any], act: Act | None, deed: Deed, groups: list[Group]) -> dict[str, Any]:
    """For the rehearsal: what is still to be filled in is supposed to be there."""
    supposed = dict(given)
    if act is not None and act.note == "required" and not (given.get("note") or "").strip():
        supposed["note"] = deed.title
    if groups and supposed.get("organisation") is None:
        supposed["organisation"], supposed["handler"] = read_hand(groups[0].hands[0].value, groups)
    return supposed


def _groups(cases: list[Case]) -> list[Group]:
    """The offices that all of the cases can be given to: those of the first; one that cannot be given there says so."""
    first = cases[0]
    return list_hands(first, proposed_office(case_types()[first.type], first))


def _seen(request: Request, numbers: list[str]) -> dict[str, int]:
    """The versions that the preview showed."""
    told = {number: request.POST.get(f"seen-{number}", "") for number in numbers}
    return {number: int(text) for number, text in told.items() if text.isascii() and text.isdigit()}


def _tell_done(request: Request, deed: Deed, outcome: Outcome, back: str) -> HttpResponse:
    if outcome.done:
        told = {"deed": deed.title, "count": len(outcome.done)}
        messages.success(request, _("“%(deed)s”已办 %(count)d 件。") % told)
    for each in outcome.not_done[:5]:
        messages.warning(request, _("%(number)s 没有办：%(why)s") % {"number": each.number, "why": each.why})
    if len(outcome.not_done) > 5:
        messages.warning(request, _("另有 %(count)d 件没有办。") % {"count": len(outcome.not_done) - 5})
    return redirect(back)
