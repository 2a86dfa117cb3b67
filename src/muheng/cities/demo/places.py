"""Where the towns and parks of a demo city stand, spread so that each has room for its land.

Centres come from the pack's `demo/centres.toml` and are approximate; whatever is built on them is synthetic.
Metres are turned into degrees on the ellipsoid of CGCS2000, close enough (0.1 %) within a town.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, radians, sin, sqrt

from pydantic import BaseModel, ConfigDict, Field

from muheng.cities.pack import Pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.documents.schema import validate
from muheng.documents.toml_file import read_toml

Point = tuple[float, float]
Ring = tuple[Point, ...]
"""A closed ring; longitude before latitude once it is on the globe."""

_RADIUS, _FLATTENING = 6_378_137.0, 1 / 298.257222101
_ECCENTRICITY2 = _FLATTENING * (2 - _FLATTENING)
_DIGITS = 7
"""About a centimetre: small parcels keep their area."""
_SPACING = 250.0
"""Metres left free around a town's land."""


class Centres(BaseModel):
    """`centres.toml`: longitude and latitude of townships by name and parks by id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: str
    road: tuple[str, ...] = Field(min_length=1, description="合成地址用的路名。")
    township: dict[str, Point]
    park: dict[str, Point]


@dataclass(frozen=True)
class Spot:
    """A town or a park. `park` is its short name and `id` its id; a town has neither."""

    name: str
    county: str
    township: str
    park: str | None
    id: str | None
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Site:
    """A spot with room: everything on it lies within `radius` metres of (x, y), metres from the city's middle."""

    spot: Spot
    x: float
    y: float
    radius: float


def read_centres(pack: Pack) -> Centres:
    """Raises ValueError when the file has mistakes or lacks a township or park of the city."""
    path = pack.folder / "demo" / "centres.toml"
    file, found = read_toml(path, "/".join(path.parts[-3:]))
    centres = None
    if file is not None:
        centres, mistakes = validate(file, Centres)
        found += mistakes
    if centres is None:
        raise ValueError(format_diagnostics(found))
    lacking = [town for town, _ in pack.city.townships() if town not in centres.township]
    lacking += [park.id for park in pack.city.park if park.id not in centres.park]
    if lacking:
        raise ValueError(f"centres.toml: no centre for {', '.join(lacking)}")
    return centres


def list_spots(pack: Pack, centres: Centres) -> dict[str, Spot]:
    """Towns by name, then parks by short name."""
    spots = {
        town: Spot(town, county, town, None, None, *centres.township[town])
        for town, county in pack.city.townships()
    }
    towns = {county.name: county.townships[0] for county in pack.city.county}
    for park in pack.city.park:
        name, county = park.short or park.name, park.county or pack.city.name
        township = park.township or towns[county]
        spots[name] = Spot(name, county, township, name, park.id, *centres.park[park.id])
    return spots


def metres_per_degree(latitude: float) -> Point:
    """Metres of one degree of longitude and of latitude, at a latitude."""
    phi = radians(latitude)
    part = 1 - _ECCENTRICITY2 * sin(phi) ** 2
    across = _RADIUS / sqrt(part) * cos(phi)
    along = _RADIUS * (1 - _ECCENTRICITY2) / part**1.5
    return across * pi / 180, along * pi / 180


@dataclass(frozen=True)
class Plane:
    """Metres east and north of a point of the globe."""

    longitude: float
    latitude: float

    def to_globe(self, x: float, y: float, digits: int = _DIGITS) -> Point:
        across, along = metres_per_degree(self.latitude)
        return round(self.longitude + x / across, digits), round(self.latitude + y / along, digits)

    def from_globe(self, longitude: float, latitude: float) -> Point:
        across, along = metres_per_degree(self.latitude)
        return (longitude - self.longitude) * across, (latitude - self.latitude) * along


def middle_of(spots: Mapping[str, Spot]) -> Plane:
    """The plane around the middle of all spots."""
    return Plane(
        sum(spot.longitude for spot in spots.values()) / len(spots),
        sum(spot.latitude for spot in spots.values()) / len(spots),
    )


def spread(spots: Mapping[str, Spot], radii: Mapping[str, float], plane: Plane) -> dict[str, Site]:
    """Push spots apart until their circles, with free land between them, do not touch."""
    names = list(spots)
    at = [list(plane.from_globe(spots[name].longitude, spots[name].latitude)) for name in names]
    room = [radii[name] + _SPACING for name in names]
    moved = True
    while moved:
        moved = False
        for i, one in enumerate(at):
            for j in range(i):
                other = at[j]
                dx, dy = one[0] - other[0], one[1] - other[1]
                near = room[i] + room[j]
                if abs(dx) >= near or abs(dy) >= near or (gap := hypot(dx, dy)) >= near:
                    continue
                if gap < 1.0:
                    dx, dy, gap = cos(i), sin(i), 1.0
                # A metre more than needed, so that the pushing ends.
                push = (near - gap) / 2 + 1.0
                one[0] += dx / gap * push
                one[1] += dy / gap * push
                other[0] -= dx / gap * push
                other[1] -= dy / gap * push
                moved = True
    return {
        name: Site(spots[name], x, y, radii[name] + _SPACING / 2)
        for name, (x, y) in zip(names, at, strict=True)
    }


def site_plane(site: Site, plane: Plane) -> Plane:
    """The plane around a site's own middle, in which its parcels keep their areas."""
    return Plane(*plane.to_globe(site.x, site.y))


def turn(ring: Sequence[Point], angle: float) -> list[Point]:
    """Points turned around the origin."""
    c, s = cos(angle), sin(angle)
    return [(x * c - y * s, x * s + y * c) for x, y in ring]
