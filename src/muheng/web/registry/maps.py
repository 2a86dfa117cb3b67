"""Parcels as GeoJSON: those of a box that a person may see, cut to what a screen can show, and an enterprise's own.

Where a box holds more parcels than a map can draw, each township is one point that says how many there are.
"""

from __future__ import annotations

from typing import Any

import shapely
from django.db.models import Avg, Count, Max, Min, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from muheng.web.people.scope import scope_of
from muheng.web.registry.geometry import Box
from muheng.web.registry.listing import holds_on
from muheng.web.registry.models import Enterprise, Holding, Outline, Parcel
from muheng.web.registry.queries import parcels_for
from muheng.web.templatetags.words import plain

MOST = 3000
"""Parcels on one picture."""
TONES = {
    Parcel.State.IN_USE: "accent",
    Parcel.State.IDLE: "wrong",
    Parcel.State.INEFFICIENT: "warn",
    Parcel.State.CLEARED: "none",
    Parcel.State.RELET: "B",
}
Feature = dict[str, Any]


def parcels_in(user: Any, box: Box, state: str = "", by: str = "state") -> dict[str, Any]:
    """The parcels of a box. ``by``: ``state`` or ``grade``, what the colours tell."""
    west, south, east, north = box
    rows = parcels_for(user).filter(west__lte=east, east__gte=west, south__lte=north, north__gte=south)
    if state in Parcel.State.values:
        rows = rows.filter(state=state)
    count = rows.count()
    if count > MOST:
        return {"type": "FeatureCollection", "count": count, "whole": False, "features": _by_township(rows)}
    holders = _holders(user, rows)
    # Half a pixel of a screen that is a thousand wide.
    tolerance = (east - west) / 2000
    features = [_parcel(row, holders.get(row["pk"]), by, tolerance) for row in rows.values(*_FIELDS)]
    return {"type": "FeatureCollection", "count": count, "whole": True, "features": features}


def own_parcels(user: Any, enterprise: Enterprise) -> dict[str, Any]:
    """An enterprise's land today with its outlets, on the ground of its township."""
    numbers = enterprise.holdings.filter(holds_on()).values("parcel")
    rows = Parcel.objects.filter(pk__in=numbers).exclude(geometry=None)
    holder = (enterprise.code, enterprise.name, enterprise.grade)
    features = [_parcel(row, holder, "state", 0) for row in rows.values(*_FIELDS)]
    features += [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [outlet.longitude, outlet.latitude]},
            "properties": {"title": f"{outlet.code} {outlet.name}".strip(), "note": outlet.kind, "tone": "B"},
        }
        for outlet in enterprise.outlets.exclude(longitude=None)
    ]
    if not features and enterprise.longitude is not None:
        point = {"type": "Point", "coordinates": [enterprise.longitude, enterprise.latitude]}
        features.append(
            {"type": "Feature", "geometry": point, "properties": {"title": enterprise.name, "tone": "accent"}}
        )
    if enterprise.township_id is not None:
        features += ground([enterprise.township_id])
    return {"type": "FeatureCollection", "features": features}


def ground(organisations: Any = None) -> list[Feature]:
    """Outlines of places to find one's way by; of the counties and parks where none are named."""
    rows = Outline.objects.select_related("organisation")
    if organisations is not None:
        rows = rows.filter(organisation__in=organisations)
    else:
        rows = rows.filter(organisation__kind__in=("county", "park"))
    return [
        {
            "type": "Feature",
            "geometry": row.geometry,
            "properties": {"ground": True, "title": row.organisation.title, "kind": row.organisation.kind},
        }
        for row in rows
    ]


def extent(user: Any) -> Box | None:
    """The box of all that a person may see."""
    found = parcels_for(user).aggregate(w=Min("west"), s=Min("south"), e=Max("east"), n=Max("north"))
    if found["w"] is None:
        return None
    return found["w"], found["s"], found["e"], found["n"]


_FIELDS = ("pk", "number", "area", "state", "geometry")


def _parcel(row: dict[str, Any], holder: tuple[str, str, str] | None, by: str, tolerance: float) -> Feature:
    state = Parcel.State(row["state"])
    note = _("%(state)s，%(area)s 亩") % {"state": state.label, "area": plain(row["area"] * 3 / 2000)}
    properties: dict[str, Any] = {"title": _("宗地 %(number)s") % {"number": row["number"]}, "note": note}
    grade = ""
    if holder is not None:
        code, name, grade = holder
        properties |= {"title": name, "href": reverse("registry:show", args=[code])}
        properties["note"] = f"{grade} · {note}" if grade else note
    properties["tone"] = (grade[:1] or "none") if by == "grade" else TONES[state]
    return {"type": "Feature", "geometry": _thin(row["geometry"], tolerance), "properties": properties}


def _thin(geometry: dict[str, Any], tolerance: float) -> dict[str, Any]:
    """A shape with only the corners that can be seen; one with few corners stays as it is."""
    rings = geometry["coordinates"]
    if tolerance <= 0 or (geometry["type"] == "Polygon" and sum(map(len, rings)) <= 8):
        return geometry
    thinned = shapely.simplify(shapely.geometry.shape(geometry), tolerance)
    if thinned.is_empty:
        return geometry
    made: dict[str, Any] = shapely.geometry.mapping(thinned)
    return made


def _holders(user: Any, rows: QuerySet[Parcel]) -> dict[int, tuple[str, str, str]]:
    """Who holds each parcel today, as far as the person may see them; the largest part where several do."""
    held = scope_of(user).filter(
        Holding.objects.filter(holds_on(), parcel__in=rows.values("pk")), "enterprise__"
    )
    found = held.order_by("area").values_list(
        "parcel_id", "enterprise__code", "enterprise__name", "enterprise__grade"
    )
    return {parcel: (code, name, grade) for parcel, code, name, grade in found}


def _by_township(rows: QuerySet[Parcel]) -> list[Feature]:
    groups = (
        rows.order_by()
        .values("township__name")
        .annotate(many=Count("pk"), area=Sum("area"), x=Avg("west"), y=Avg("south"))
    )
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [round(group["x"], 5), round(group["y"], 5)]},
            "properties": {
                "title": group["township__name"] or _("未定镇街"),
                "note": _("%(many)s 宗，%(area)s 亩")
                % {"many": f"{group['many']:,}", "area": plain(round(group["area"] * 3 / 2000))},
                "tone": "accent",
                "many": group["many"],
            },
        }
        for group in groups
    ]
