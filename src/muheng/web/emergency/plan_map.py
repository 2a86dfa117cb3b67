"""A plan on the map: each enterprise coloured by the strictest that one of its lines does at a level."""

from __future__ import annotations

from typing import Any

import polars as pl
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from muheng.emergency.inventory.model import Level
from muheng.emergency.plan.problem import POLLUTANTS
from muheng.web.emergency.models import Plan
from muheng.web.emergency.queries.lists import sees_all
from muheng.web.emergency.queries.plans import lines_for, stored_of
from muheng.web.emergency.wording import show_wan
from muheng.web.paging import answer
from muheng.web.registry.models import Enterprise, Outline

_WHOLE = 1000


def draw_map(user: Any, plan: Plan, level: Level) -> HttpResponse:
    """GeoJSON: counties behind, enterprises in front."""
    firms = stored_of(plan).listing.firms
    rows = (
        lines_for(user, plan)
        .group_by("firm", "firm_name")
        .agg(
            pl.col(f"part_{level}").max().alias("part"),
            pl.sum_horizontal(pl.col(f"{p}_{level}").sum() for p in POLLUTANTS).alias("cut"),
            pl.col(f"loss_{level}").sum().alias("loss"),
            (pl.col(f"part_{level}") > 0).sum().alias("acting"),
        )
        .sort("firm")
    )
    codes = rows.get_column("firm").to_list()
    known: dict[str, tuple[float, float]] = {}
    for start in range(0, len(codes), 2000):
        found = Enterprise.objects.filter(code__in=codes[start : start + 2000], longitude__isnull=False)
        known |= {
            code: (x, y) for code, x, y in found.values_list("code", "longitude", "latitude") if x and y
        }
    features: list[dict[str, Any]] = []
    for outline in Outline.objects.select_related("organisation") if sees_all(user, plan.inventory) else ():
        features.append(
            {
                "type": "Feature",
                "geometry": outline.geometry,
                "properties": {"title": outline.organisation.title, "ground": True},
            }
        )
    for code, name, part, cut, loss, acting in rows.iter_rows():
        firm = firms[code]
        place = known.get(code)
        if firm.longitude is not None and firm.latitude is not None:
            place = (firm.longitude, firm.latitude)
        if place is None:
            continue
        tone, said = _tone(part, cut)
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": place},
                "properties": {
                    "title": name,
                    "tone": tone,
                    "note": _("%(said)s；%(acting)s 条线有措施；一天损失 %(loss)s")
                    % {"said": said, "acting": acting, "loss": show_wan(loss)},
                    "href": reverse("emergency:list-firm", args=[plan.inventory_id, code]),
                },
            }
        )
    return answer({"type": "FeatureCollection", "features": features})


def _tone(part: int, cut: int) -> tuple[str, str]:
    if part >= _WHOLE:
        return "wrong", _("有线停产")
    if part > 0:
        return "warn", _("限产")
    if cut > 0:
        return "B", _("其他措施")
    return "none", _("不减")
