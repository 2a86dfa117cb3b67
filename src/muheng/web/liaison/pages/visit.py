"""The form of a visit: filled in on a phone, kept there until it has arrived, sent once.

The page works without scripts too; with them ``static/liaison/visit.js`` keeps the draft, and ``worker.js`` opens the page
where there is no network.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from muheng.web.casework.models import Case
from muheng.web.liaison import queries, visiting
from muheng.web.liaison.pages.lists import frame
from muheng.web.liaison.visiting import FoundHazard, Heard, Photo, Report
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.request import Request

_FIELD = re.compile(r"(hazard|demand)-(\d{1,4})-([a-z_]+)")
_KEY = re.compile(r"[0-9A-Za-z-]{8,64}")


@never_cache
def visit(request: Request) -> HttpResponse:
    """The form; what is sent becomes a visit."""
    require(request.user, queries.VISIT)
    if request.method == "POST":
        return _take(request)
    return _show(request)


def _take(request: Request) -> HttpResponse:
    wants_json = "application/json" in request.headers.get("Accept", "")
    try:
        case = send(request)
    except Refused as refused:
        if wants_json:
            return JsonResponse(refused.body(), status=refused.status)
        if refused.status in (403, 404):
            raise
        return _show(request, refused)
    href = reverse("liaison:account", args=[case.enterprise.code]) if case.enterprise else "/"
    said = _("走访已记录：%(number)s。") % {"number": case.number}
    if wants_json:
        return JsonResponse({"number": case.number, "href": href, "said": said}, status=201)
    messages.success(request, said)
    return redirect(href)


def send(request: Request) -> Case:
    """Record what a form holds. Raises Refused, with the form's own name of the field."""
    numbers = _numbers(request)
    report = read_report(request, numbers)
    key = request.POST.get("key", "")
    try:
        return visiting.record_visit(request.user, report, key=key if _KEY.fullmatch(key) else "")
    except Refused as refused:
        refused.at = _name_in_form(refused.at, numbers)
        raise


def _numbers(request: Request) -> dict[str, list[int]]:
    """The numbers of the form's blocks that hold something, in their order: a removed one leaves a gap."""
    found: dict[str, set[int]] = {"hazard": set(), "demand": set()}
    for name, value in request.POST.items():
        match = _FIELD.fullmatch(name)
        telling = match and (match[1], match[3]) in _TELLING
        if match and telling and isinstance(value, str) and value.strip():
            found[match[1]].add(int(match[2]))
    for name in request.FILES:
        if match := _FIELD.fullmatch(name):
            found[match[1]].add(int(match[2]))
    return {kind: sorted(numbers) for kind, numbers in found.items()}


# What makes a block one that was filled in; the others have a choice from the beginning.
_TELLING = {
    ("hazard", "title"),
    ("hazard", "spot"),
    ("hazard", "detail"),
    ("hazard", "proposal"),
    ("demand", "title"),
    ("demand", "detail"),
}


def _name_in_form(at: str, numbers: dict[str, list[int]]) -> str:
    match = _FIELD.fullmatch(at)
    if match is None or int(match[2]) >= len(numbers[match[1]]):
        return at
    return f"{match[1]}-{numbers[match[1]][int(match[2])]}-{match[3]}"


def read_report(request: Request, numbers: dict[str, list[int]]) -> Report:
    """What was typed. Raises Refused for what cannot be read."""

    def text(name: str, most: int = 200) -> str:
        return request.POST.get(name, "").strip()[:most]

    enterprise = Enterprise.objects.filter(code=text("enterprise").upper(), merged_into=None).first()
    if enterprise is None:
        raise Refused(_("请选走访的企业。"), status=422, code="invalid", at="enterprise")
    try:
        day = date.fromisoformat(text("day"))
    except ValueError:
        raise Refused(
            _("请填走访日期。"), _("写成 2026-11-03 的样子。"), status=422, code="invalid", at="day"
        ) from None
    hazards = [
        FoundHazard(
            title=text(f"hazard-{n}-title"),
            kind=text(f"hazard-{n}-kind"),
            severity=text(f"hazard-{n}-severity") or "一般",
            spot=text(f"hazard-{n}-spot"),
            detail=text(f"hazard-{n}-detail", 5000),
            proposal=text(f"hazard-{n}-proposal", 5000),
            proposal_kind=text(f"hazard-{n}-proposal_kind") or "management",
            limit=text(f"hazard-{n}-limit"),
            photos=_photos(request, f"hazard-{n}-photo"),
        )
        for n in numbers["hazard"]
    ]
    demands = [
        Heard(text(f"demand-{n}-title"), text(f"demand-{n}-kind"), text(f"demand-{n}-detail", 5000))
        for n in numbers["demand"]
    ]
    return Report(
        enterprise,
        day,
        text("way"),
        met=text("met"),
        seen=text("seen", 10_000),
        photos=_photos(request, "photo"),
        hazards=tuple(hazards),
        demands=tuple(demands),
    )


def _photos(request: Request, name: str) -> tuple[Photo, ...]:
    given = [each for each in request.FILES.getlist(name) if isinstance(each, UploadedFile)]
    for each in given:
        if (each.size or 0) > visiting.MOST_PHOTO_BYTES:
            raise visiting.too_large(each.name or "", name)
    return tuple(Photo(each.name or "photo.jpg", each.read()) for each in given)


def _show(request: Request, refused: Refused | None = None) -> HttpResponse:
    user = request.user
    own = [row.enterprise for row in queries.own_pairings(user).order_by("enterprise__name")]
    asked = (request.POST.get("enterprise") or request.GET.get("enterprise", "")).strip().upper()
    if asked and asked not in {each.code for each in own}:
        own += list(queries.visitable(user).filter(code=asked))
    typed = request.POST if refused else {}
    numbers = _numbers(request) if refused else {"hazard": [], "demand": []}
    context: dict[str, Any] = {
        **frame(request, "visit"),
        **visiting.options_for(),
        "enterprises": own,
        "asked": asked,
        "typed": typed,
        "refused": refused,
        "hazard_blocks": _blocks("hazard", numbers["hazard"] or [0], typed, refused),
        "demand_blocks": _blocks("demand", numbers["demand"] or [0], typed, refused),
        "blank_hazard": _blocks("hazard", ["NN"], {}, None)[0],
        "blank_demand": _blocks("demand", ["NN"], {}, None)[0],
    }
    return render(request, "liaison/visit.html", context, status=refused.status if refused else 200)


def _blocks(kind: str, numbers: Any, typed: Any, refused: Refused | None) -> list[dict[str, Any]]:
    """A block's names and what was typed in it."""
    names = ("title", "kind", "severity", "spot", "detail", "proposal", "proposal_kind", "limit")
    return [
        {
            "id": f"{kind}-{number}",
            "number": number,
            "open": bool(typed) and any(typed.get(f"{kind}-{number}-{name}") for name in ("title", "detail")),
            "wrong": refused.at if refused else "",
            **{name: typed.get(f"{kind}-{number}-{name}", "") for name in names},
        }
        for number in numbers
    ]


@never_cache
@require_GET
def ready(request: Request) -> HttpResponse:
    """To a phone that is about to send: the site is there, the person is logged in, and the token for the form."""
    require(request.user, queries.VISIT)
    return JsonResponse({"user": request.user.pk, "token": get_token(request)})


@never_cache
@require_GET
def worker(request: Request) -> HttpResponse:
    """The service worker: its address says which pages it looks after."""
    script = render_to_string("liaison/worker.js", {"page": reverse("liaison:visit")})
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")
