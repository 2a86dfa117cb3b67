"""Arranging pairings: choose officers and enterprises, look at the proposal and its map, adopt it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from muheng.web.liaison import arranging, queries
from muheng.web.liaison.models import Pairing
from muheng.web.liaison.pages.lists import frame
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.maps import ground
from muheng.web.request import Request

# Officers apart from each other on the map; their names stand in what a point says.
_COLOURS = (
    *("#0f5c4a", "#b45309", "#2f6fb2", "#a61b1b", "#6b4fa0", "#1a7f5a", "#a8326e", "#5b6b00"),
    *("#00708a", "#7a4a1f", "#3d4f9f", "#69736f"),
)


def arrange(request: Request) -> HttpResponse:
    """The form, below it the proposal for what it asks; adopting it is a POST of the same question."""
    require(request.user, queries.PAIR)
    given = request.POST if request.method == "POST" else request.GET
    wish = arranging.read_wish(given)
    refused, proposal = None, None
    if request.method == "POST":
        try:
            done = arranging.adopt(
                request.user, wish, request.POST.get("mark", ""), request.POST.get("reason", "")
            )
        except Refused as raised:
            if raised.status in (403, 404):
                raise
            refused = raised
        else:
            messages.success(
                request,
                _("已采用：新结对 %(new)s 户，换人 %(moved)s 户，不变 %(kept)s 户。") % done,
            )
            return redirect("liaison:list")
    asked = bool(given.get("show")) or request.method == "POST"
    if asked:
        try:
            proposal = arranging.propose(request.user, wish)
        except Refused as raised:
            refused = refused or raised
    officers = list(queries.officers_in(request.user))
    context: dict[str, Any] = {
        **frame(request, "arrange"),
        **arranging.choices_for(request.user),
        "officers": [(each, queries.office_of(each)) for each in officers],
        "chosen": set(wish.officers) if asked else _who_has_some(officers),
        "wish": wish,
        "codes": "\n".join(wish.codes),
        "proposal": proposal,
        "refused": refused,
        "map": f"{reverse('liaison:arrange-map')}?{given.urlencode()}" if proposal else "",
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "liaison/arrange.html", context, status=refused.status if refused else 200)


def _who_has_some(officers: Sequence[User]) -> set[int]:
    """The officers that the form begins with: who has enterprises, or everybody before anybody has."""
    rows = Pairing.objects.filter(officer__in=officers, until=None)
    return set(rows.values_list("officer", flat=True)) or {each.pk for each in officers}


def arrange_map(request: Request) -> HttpResponse:
    """The proposal on the ground: each officer's enterprises in one colour."""
    proposal = arranging.propose(request.user, arranging.read_wish(request.GET))
    colour = {load.officer.pk: _COLOURS[number % len(_COLOURS)] for number, load in enumerate(proposal.loads)}
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": list(point)},
            "properties": {
                "title": line.enterprise.name,
                "href": reverse("registry:show", args=[line.enterprise.code]),
                "note": line.officer.name,
                "tone": colour[line.officer.pk],
            },
        }
        for line in proposal.lines
        if (point := arranging.point_of(line.enterprise)) is not None
    ]
    return JsonResponse({"type": "FeatureCollection", "features": features + ground()})
