"""Parcels coloured by the grades of a run: those of the enterprises that a question chooses, as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from django.urls import reverse
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.reports import words
from muheng.web.evaluation.queries.results import SeenRun
from muheng.web.evaluation.queries.table import show_number
from muheng.web.reading import language
from muheng.web.registry.listing import holds_on
from muheng.web.registry.maps import ground
from muheng.web.registry.models import Holding

MOST = 3_000
"""Parcels in one picture: more would be slow to draw and too small to see."""
PART = 800
"""Credit codes in one question to the database: SQLite takes no more than so many values."""


def parcels_of(seen: SeenRun, at: NDArray[np.uint32]) -> dict[str, Any]:
    """The parcels of these rows, in their order, up to ``MOST``, on the ground of the city; ``more``: there are others."""
    digits = seen.plan.numeric(p.TOTAL).digits
    features: list[dict[str, Any]] = []
    place = (seen.run.evaluation_id, seen.run.number)
    start = 0
    while start < len(at) and len(features) <= MOST:
        rows = seen.rows[at[start : start + PART]].select(CODE, NAME, p.GRADE, p.TOTAL, p.STANDING)
        part = {row[0]: row for row in rows.iter_rows()}
        features += [
            _feature(part[code], digits, place, number, area, geometry)
            for code, number, area, geometry in _holdings(list(part))
        ]
        start += PART
    return {
        "type": "FeatureCollection",
        "features": [*ground(), *features[:MOST]],
        "more": len(features) > MOST or start < len(at),
    }


def _feature(
    row: tuple[Any, ...], digits: int, place: tuple[int, int], number: str, area: Decimal, geometry: Any
) -> dict[str, Any]:
    code, name, grade, total, standing = row
    note = (
        _("%(grade)s，总分 %(score)s；宗地 %(number)s，%(mu)s 亩")
        if grade
        else _("%(standing)s；宗地 %(number)s，%(mu)s 亩")
    ) % {
        "grade": grade,
        "score": show_number(total, digits),
        "standing": words.render(words.standing_name(standing), language()),
        "number": number,
        "mu": f"{area * 3 / 2000:,.1f}",
    }
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {
            "title": name,
            "href": reverse("evaluation:run-enterprise", args=(*place, code)),
            "grade": grade or "",
            "note": note,
        },
    }


def _holdings(codes: Sequence[str]) -> Any:
    """(credit code, parcel's number, m², shape) of the land that these enterprises hold, the largest first."""
    held = Holding.objects.filter(holds_on(), enterprise__code__in=codes, parcel__geometry__isnull=False)
    return held.order_by("-area").values_list(
        "enterprise__code", "parcel__number", "area", "parcel__geometry"
    )
