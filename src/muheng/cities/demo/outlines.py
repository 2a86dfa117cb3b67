"""Outlines of counties, townships and parks for a map to orient by. Synthetic: no boundary here is a real one.

Each town gets the ground that is nearer to its land than to any other's, so all of its land lies within.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import shapely

from muheng.cities.demo.parcels import Ground
from muheng.cities.demo.places import Point, Ring, Site, site_plane
from muheng.cities.pack import City

_MARGIN = 4000.0
"""Metres of open country around the outermost towns."""


@dataclass(frozen=True)
class Outline:
    """`polygons` are GeoJSON coordinates of a MultiPolygon; longitude and latitude are where to put the name.

    `code` is a county's division code, a township's 县区/镇街, a park's id.
    """

    kind: Literal["县区", "镇街", "园区"]
    code: str
    name: str
    county: str | None
    longitude: float
    latitude: float
    polygons: tuple[tuple[Ring, ...], ...]
    note: str

    def geojson(self) -> dict[str, Any]:
        return {
            "type": "MultiPolygon",
            "coordinates": [[[list(point) for point in ring] for ring in rings] for rings in self.polygons],
        }


def draw_outlines(city: City, ground: Ground, note: str) -> tuple[Outline, ...]:
    """Counties, then townships, then parks, each in the order of the city's file."""
    cells = _cells(list(ground.sites.values()))
    towns: dict[str, list[shapely.Polygon]] = defaultdict(list)
    counties: dict[str, list[shapely.Polygon]] = defaultdict(list)
    for name, cell in cells.items():
        spot = ground.sites[name].spot
        towns[spot.township].append(cell)
        counties[spot.county].append(cell)
    outlines = []
    for county in city.county:
        if county.name in counties:
            shape = shapely.union_all(counties[county.name], grid_size=1.0)
            seat = ground.sites[county.townships[0]]
            outlines.append(_outline("县区", county.code, county.name, None, seat, shape, ground, note))
    for town, county_name in city.townships():
        shape = shapely.union_all(towns[town], grid_size=1.0)
        code = f"{county_name}/{town}"
        outlines.append(_outline("镇街", code, town, county_name, ground.sites[town], shape, ground, note))
    for name, site in ground.sites.items():
        if site.spot.park is None or site.spot.id is None:
            continue
        local = site_plane(site, ground.plane)
        frame = ground.blocks[name].frame
        ring = tuple(local.to_globe(x, y, 6) for x, y in (*frame, frame[0]))
        longitude, latitude = local.to_globe(0.0, 0.0, 6)
        outlines.append(
            Outline("园区", site.spot.id, name, site.spot.county, longitude, latitude, ((ring,),), note)
        )
    return tuple(outlines)


def _outline(
    kind: Literal["县区", "镇街"],
    code: str,
    name: str,
    county: str | None,
    seat: Site,
    shape: shapely.Geometry,
    ground: Ground,
    note: str,
) -> Outline:
    shape = shapely.orient_polygons(shape)
    polygons = tuple(
        tuple(
            tuple(ground.plane.to_globe(x, y, 6) for x, y in ring.coords)
            for ring in (polygon.exterior, *polygon.interiors)
        )
        for polygon in shapely.get_parts(shape)
    )
    longitude, latitude = ground.plane.to_globe(seat.x, seat.y, 6)
    return Outline(kind, code, name, county, longitude, latitude, polygons, note)


def _cells(sites: Sequence[Site]) -> Mapping[str, shapely.Polygon]:
    """The ground of every site: nearer to its circle, by the length of the tangent, than to any other's.

    Circles that do not touch lie each within its own cell.
    """
    hull = shapely.MultiPoint([(site.x, site.y) for site in sites]).convex_hull
    reach = max(site.radius for site in sites) + _MARGIN
    around = [(float(x), float(y)) for x, y in hull.buffer(reach, quad_segs=4).exterior.coords[:-1]]
    cells = {}
    for site in sites:
        ring = around
        for other in sites:
            if other is not site:
                ring = _cut(ring, site, other)
        cells[site.spot.name if site.spot.park is None else site.spot.park] = shapely.Polygon(ring)
    return cells


def _cut(ring: list[Point], site: Site, other: Site) -> list[Point]:
    """The part of a convex ring on the site's side of the line where both tangents are equal."""
    a, b = 2 * (other.x - site.x), 2 * (other.y - site.y)
    c = (other.x**2 + other.y**2 - other.radius**2) - (site.x**2 + site.y**2 - site.radius**2)
    sides = [c - a * x - b * y for x, y in ring]
    kept: list[Point] = []
    for at, (point, side) in enumerate(zip(ring, sides, strict=True)):
        before, last = ring[at - 1], sides[at - 1]
        if (side >= 0) != (last >= 0):
            part = last / (last - side)
            kept.append(
                (before[0] + part * (point[0] - before[0]), before[1] + part * (point[1] - before[1]))
            )
        if side >= 0:
            kept.append(point)
    return kept
