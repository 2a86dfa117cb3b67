"""Opening a case: officials for an enterprise or a place that they look after, an enterprise for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from muheng.casework.document import CaseType
from muheng.web.casework import actions, queries
from muheng.web.casework.forms import Typed, ask_opening, name_kinds, read_fields, read_typed, take_files
from muheng.web.casework.kinds import case_types, find_type
from muheng.web.casework.models import Case
from muheng.web.entrance import read_number
from muheng.web.files.attachments import ACCEPT
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, posts_of, require
from muheng.web.people.scope import scope_of
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import enterprises_for
from muheng.web.registry.search import search
from muheng.web.request import Request

OPEN = "casework.open"
_FOUND = 8


def choose(request: Request) -> HttpResponse:
    """Which type an official opens a case of."""
    require(request.user, OPEN)
    types = [(each.id, each.title(language()), each.note or "") for each in types_for(request.user)]
    context = {"types": types, "enterprise": request.GET.get("enterprise", "")[:30]}
    return render(request, "casework/choose.html", context)


def types_for(user: User) -> list[CaseType]:
    """The types that officials of this person's rights open; others are opened by rooms, or out of a case."""
    parts = {"opener"}
    for part, right in (("desk", queries.ASSIGN), ("handler", queries.HANDLE), ("leader", queries.LEAD)):
        if holds(user, right):
            parts.add(part)
    return [each for each in case_types().values() if parts & set(each.opening.by)]


def open_case(request: Request, type_id: str) -> HttpResponse:
    """The form of a type. A refusal shows it again, with everything that was typed and the files that were brought."""
    require(request.user, OPEN)
    case_type = find_type(type_id)
    if case_type not in types_for(request.user):
        raise Http404
    if request.method != "POST":
        code = request.GET.get("enterprise", "")
        return _show(request, case_type, Typed(), enterprise=code)
    typed, bad = take_files(request, read_typed(request.POST), case_type.labels)
    words, code = request.POST.get("words", "")[:100], request.POST.get("enterprise", "")[:30]
    if "find" in request.POST:
        return _show(request, case_type, typed, enterprise=code, words=words)
    try:
        if bad is not None:
            raise bad
        case = _open(request, case_type, typed, code)
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show(request, case_type, typed, enterprise=code, words=words, refused=refused)
    messages.success(request, _("已登记：%(number)s。") % {"number": case.number})
    return redirect("casework:show", case.number)


def _open(request: Request, case_type: CaseType, typed: Typed, code: str) -> Case:
    enterprise = enterprises_for(request.user).filter(code=code.upper()).first() if code else None
    place = None
    if case_type.subject == "place":
        place = _places(request.user).get(read_number(request.POST.get("place", "")) or 0)
        if place is None:
            raise Refused(_("请选是哪个地方的事。"), status=422, code="invalid", at="place")
    fields = _fields(case_type, typed)
    return actions.open_case(
        request.user,
        case_type.id,
        str(fields.get("title", "")),
        enterprise=enterprise if case_type.subject == "enterprise" else None,
        place=place,
        kind=typed.kind,
        fields=fields,
        files=typed.attachments,
        note=typed.note.strip(),
    )


def _fields(case_type: CaseType, typed: Typed) -> dict[str, object]:
    names = tuple(each.id for each in case_type.fields_at_opening(typed.kind or None))
    return read_fields(case_type, typed, names)


def _show(
    request: Request,
    case_type: CaseType,
    typed: Typed,
    *,
    enterprise: str = "",
    words: str = "",
    refused: Refused | None = None,
) -> HttpResponse:
    chosen = enterprises_for(request.user).filter(code=enterprise.upper()).first() if enterprise else None
    places = _places(request.user) if case_type.subject == "place" else {}
    context = {
        "type": case_type,
        "title": case_type.title(language()),
        "inputs": ask_opening(case_type, typed),
        "kinds": name_kinds(case_type),
        "typed": typed,
        "labels": case_type.labels,
        "wanted": [(case_type.labels.index(label), label) for label in case_type.opening.attachments],
        "chosen": chosen,
        "words": words,
        "found": _find(request.user, words) if words else [],
        "places": [(str(number), place.title) for number, place in places.items()],
        "place": request.POST.get("place", ""),
        "refused": refused,
        "accept": ACCEPT,
    }
    return render(request, "casework/open.html", context, status=refused.status if refused else 200)


def _places(user: User) -> dict[int, Organisation]:
    """The counties and townships that a person looks after."""
    scope = scope_of(user, queries.VIEW)
    kind = Organisation.Kind
    rows = Organisation.objects.filter(kind__in=(kind.COUNTY, kind.TOWNSHIP)).order_by("path")
    mine = scope.counties | scope.townships
    return {
        each.pk: each
        for each in rows
        if scope.everything or mine & {int(part) for part in each.path.split("/") if part}
    }


@dataclass(frozen=True)
class Choice:
    """An enterprise that was found, to be chosen."""

    code: str
    name: str
    place: str


def _find(user: User, words: str) -> list[Choice]:
    return [
        Choice(each.code, each.name, each.place)
        for each in search(scope_of(user), words, _FOUND)
        if not each.merged
    ]


def find_enterprises(request: Request) -> HttpResponse:
    """What is found so far of the enterprise that is typed, to be chosen in the form."""
    require(request.user, OPEN)
    words = request.GET.get("words", "")[:100].replace("\x00", "").strip()
    context = {"found": _find(request.user, words) if words else [], "words": words}
    return render(request, "casework/enterprises.html", context)


# -- an enterprise -----------------------------------------------------------------------------------------


def ask(request: Request) -> HttpResponse:
    """An enterprise asks for something: what about, in its own words, with pictures; whom to call is known already."""
    own = _own(request.user)
    types = [each for each in case_types().values() if "enterprise" in each.opening.by]
    if not own or not types:
        raise Http404
    asked = request.POST.get("type") or request.GET.get("type") or types[0].id
    case_type = next((each for each in types if each.id == asked), None)
    code = request.POST.get("enterprise") or own[0].code
    enterprise = next((each for each in own if each.code == code), None)
    if case_type is None or enterprise is None:
        raise Http404
    if request.method != "POST":
        return _show_ask(request, case_type, enterprise, own, Typed())
    typed, bad = take_files(request, read_typed(request.POST), case_type.labels)
    try:
        if bad is not None:
            raise bad
        fields = _fields(case_type, typed)
        case = actions.open_case(
            request.user,
            case_type.id,
            str(fields.get("title", "")),
            enterprise=enterprise,
            kind=typed.kind,
            fields=fields,
            files=typed.attachments,
        )
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show_ask(request, case_type, enterprise, own, typed, refused)
    messages.success(request, _("已提出，编号 %(number)s。受理后会通知您。") % {"number": case.number})
    return redirect("casework:show", case.number)


def _own(user: User) -> list[Enterprise]:
    numbers = scope_of(user).enterprises
    return list(enterprises_for(user).filter(pk__in=numbers).order_by("code")) if numbers else []


def _show_ask(
    request: Request,
    case_type: CaseType,
    enterprise: Enterprise,
    own: list[Enterprise],
    typed: Typed,
    refused: Refused | None = None,
) -> HttpResponse:
    known = _contact(request.user, enterprise)
    inputs = [
        each
        for each in ask_opening(case_type, typed, known)
        # Where a matter comes from is the desk's to say.
        if each.required or each.kinds or each.personal
    ]
    context = {
        "type": case_type,
        "title": case_type.title(language()),
        "enterprise": enterprise,
        "own": own,
        "kinds": name_kinds(case_type),
        "inputs": inputs,
        "typed": typed,
        "labels": case_type.labels,
        "refused": refused,
        "accept": ACCEPT,
        "official": bool(posts_of(request.user)),
    }
    return render(request, "casework/ask.html", context, status=refused.status if refused else 200)


def _contact(user: User, enterprise: Enterprise) -> Mapping[str, str]:
    """Whom to call, as the registry knows it; else the person who asks."""
    row = enterprise.contacts.order_by("-main", "pk").first()
    name = row.name if row is not None else user.name
    number = (row.mobile or row.phone) if row is not None else user.phone
    return {"contact": name, "phone": number}
