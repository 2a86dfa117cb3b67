"""The shapes of parcels: checked once when they come in, cut and thinned for a map. Degrees of CGCS2000 throughout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shapely
from django.utils.translation import gettext as _
from shapely.geometry import shape

from muheng.web.refusal import Refused

Box = tuple[float, float, float, float]
"""West, south, east, north."""


def check_shape(geometry: Mapping[str, Any]) -> Box:
    """The extent of a polygon. Raises Refused where it is none, crosses itself, or lies outside of the country."""
    try:
        found = shape(geometry)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
        found = None
    if found is None or found.geom_type not in ("Polygon", "MultiPolygon") or found.is_empty:
        raise _wrong(_("地块图形应是多边形（GeoJSON Polygon 或 MultiPolygon）。"))
    if not found.is_valid:
        raise _wrong(_("地块边界自相交，或洞在边界之外。"))
    west, south, east, north = found.bounds
    if west < 73 or east > 136 or south < 3 or north > 54:
        raise _wrong(_("地块坐标应是经度、纬度（度），现在落在国境之外。"))
    return west, south, east, north


def _wrong(what: str) -> Refused:
    return Refused(
        what, _("请检查坐标顺序（先经度后纬度）和坐标系。"), status=422, code="invalid", at="geometry"
    )


def read_box(text: str) -> Box:
    """A box as addresses write it: ``west,south,east,north``. Raises Refused."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = float("nan")
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Refused(
            _("范围应写成 西,南,东,北 四个数（度），现在是“%(text)s”。") % {"text": text[:60]},
            status=422,
            code="invalid",
            at="box",
        )
    return west, south, east, north
