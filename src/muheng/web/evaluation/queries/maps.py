"""Parcels coloured by the grades of a run: those of the enterprises that a question chooses, as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.urls import reverse
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.web.evaluation.queries.results import SeenRun
from muheng.web.evaluation.queries.table import show_number
from muheng.web.registry.models import Holding

MOST = 4_000
"""Parcels in one picture: more would be slow to draw and too small to see."""
PART = 800
"""Credit codes in one question to the database: SQLite takes no more than so many values."""


def parcels_of(seen: SeenRun, at: NDArray[np.uint32]) -> dict[str, Any]:
    """The parcels of these rows, in their order, up to ``MOST``; ``more`` says that there are others."""
    rows = seen.rows[at].select(CODE, NAME, p.GRADE, p.TOTAL, p.STANDING).rows()
    digits = seen.plan.numeric(p.TOTAL).digits
    features: list[dict[str, Any]] = []
    place = (seen.run.evaluation_id, seen.run.number)
    for start in range(0, len(rows), PART):
        part = {row[0]: row for row in rows[start : start + PART]}
        for code, number, area, geometry in _holdings(list(part)):
            _code, name, grade, total, standing = part[code]
            score = show_number(total, digits)
            mu = f"{float(area) * 3 / 2000:,.1f}"
            note = (
                _("%(grade)s，总分 %(score)s；宗地 %(number)s，%(mu)s 亩")
                if grade
                else _("%(standing)s；宗地 %(number)s，%(mu)s 亩")
            ) % {"grade": grade, "score": score, "standing": standing, "number": number, "mu": mu}
            features.append(
                {
                    "type": "Feature",
                    "geometry": geometry,
                    "properties": {
                        "title": name,
                        "href": reverse("evaluation:run-enterprise", args=(*place, code)),
                        "grade": grade or "",
                        "note": note,
                    },
                }
            )
        if len(features) >= MOST:
            break
    return {
        "type": "FeatureCollection",
        "features": features[:MOST],
        "more": len(features) > MOST or start + PART < len(rows) if rows else False,
    }


def _holdings(codes: Sequence[str]) -> Any:
    """(credit code, parcel's number, m², shape) of the land that these enterprises hold, the largest first."""
    held = Holding.objects.filter(enterprise__code__in=codes, until=None, parcel__geometry__isnull=False)
    return held.order_by("-area").values_list(
        "enterprise__code", "parcel__number", "area", "parcel__geometry"
    )
