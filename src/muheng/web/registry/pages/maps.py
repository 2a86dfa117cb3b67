"""The city's parcels on a map, and an enterprise's own."""

from __future__ import annotations

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import render

from muheng.web.paging import answer
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry import maps
from muheng.web.registry.geometry import read_box
from muheng.web.registry.models import Parcel
from muheng.web.registry.queries import find_enterprise, parcels_for
from muheng.web.request import Request


def show_map(request: Request) -> HttpResponse:
    """All parcels that the person may see, by state or by their holder's grade."""
    require(request.user, "registry.view")
    by = "grade" if request.GET.get("by") == "grade" else "state"
    state = request.GET.get("state", "")
    box = maps.extent(request.user)
    counts = parcels_for(request.user).order_by().values_list("state")
    many = dict(counts.annotate(many=Count("pk")))
    return render(
        request,
        "registry/map.html",
        {
            "by": by,
            "state": state,
            "states": [
                {
                    "value": value,
                    "title": label,
                    "many": many.get(value, 0),
                    "tone": maps.TONES[Parcel.State(value)],
                }
                for value, label in Parcel.State.choices
            ],
            "box": ",".join(f"{each:.6f}" for each in box) if box else "",
            "total": sum(many.values()),
        },
    )


def map_data(request: Request) -> HttpResponse:
    """The parcels of a box as GeoJSON: ``?box=west,south,east,north&by=grade&state=idle``; ``ground=1`` the outlines."""
    require(request.user, "registry.view")
    if "ground" in request.GET:
        return answer({"type": "FeatureCollection", "features": maps.ground()})
    by = "grade" if request.GET.get("by") == "grade" else "state"
    try:
        box = read_box(request.GET.get("box", ""))
    except Refused as refused:
        return answer(refused.body(), refused.status)
    return answer(maps.parcels_in(request.user, box, request.GET.get("state", ""), by))


def own_map(request: Request, code: str) -> HttpResponse:
    """An enterprise's land as GeoJSON."""
    return answer(maps.own_parcels(request.user, find_enterprise(request.user, code)))
