"""One file per enterprise for the demo city: what a registry holds besides a year's figures.

Everything is synthetic and agrees with `make_demo` of the same seed and year. Periods are half-open: `end` is
the first day that something no longer holds, None while it still does. The demo's today is the end of October
of the year after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from muheng.cities.demo.city import DemoCity, grade_by_tax, make_demo, make_frame
from muheng.cities.demo.enterprises import make_enterprises
from muheng.cities.demo.figures import calibrate_tax, make_figures, make_levels
from muheng.cities.demo.histories import (
    FormerName,
    HeldStatus,
    ParkStatus,
    as_they_were,
    make_former_names,
    make_park_statuses,
    make_statuses,
)
from muheng.cities.demo.land import make_land
from muheng.cities.demo.monthly import MonthlyAnomaly, make_monthly
from muheng.cities.demo.operations import (
    Contact,
    Meter,
    Outlet,
    Permit,
    ProductionLine,
    list_meters,
    make_contacts,
    make_lines,
    make_outlets,
    make_permits,
    read_operations,
)
from muheng.cities.demo.outlines import Outline, draw_outlines
from muheng.cities.demo.parameters import demo_parameters
from muheng.cities.demo.parcels import (
    Location,
    RegisteredLease,
    RegisteredParcel,
    list_leases,
    locate,
    place_parcels,
)
from muheng.cities.demo.places import list_spots, read_centres
from muheng.cities.demo.procedure import (
    Confirmation,
    FigureDispute,
    Objection,
    list_graded,
    make_confirmations,
    make_disputes,
    make_objections,
    read_procedure,
)
from muheng.cities.demo.records import make_records
from muheng.cities.pack import Pack


@dataclass(frozen=True)
class DemoRegistry:
    """`yearly` has a frame like `city.truth` for each earlier year, names, titles and records as they were then.

    Enterprises are named by 统一社会信用代码, and are those of `city.truth`. `monthly` has 统一社会信用代码,
    月份 (its first day) and the items of `MONTHLY_UNITS`.
    """

    pack: str
    seed: int
    year: int
    city: DemoCity
    locations: tuple[Location, ...]
    parcels: tuple[RegisteredParcel, ...]
    leases: tuple[RegisteredLease, ...]
    outlines: tuple[Outline, ...]
    former_names: tuple[FormerName, ...]
    statuses: tuple[HeldStatus, ...]
    park_statuses: tuple[ParkStatus, ...]
    yearly: Mapping[int, pl.DataFrame]
    lines: tuple[ProductionLine, ...]
    permits: tuple[Permit, ...]
    outlets: tuple[Outlet, ...]
    meters: tuple[Meter, ...]
    contacts: tuple[Contact, ...]
    monthly: pl.DataFrame
    anomalies: tuple[MonthlyAnomaly, ...]
    confirm_within: int
    """Working days that enterprises have to confirm."""
    publicity: int
    """Working days that the result is published."""
    confirmations: tuple[Confirmation, ...]
    disputes: tuple[FigureDispute, ...]
    objections: tuple[Objection, ...]


def make_registry(pack: Pack, seed: int, year: int, years: int = 5) -> DemoRegistry:
    """The registry of the demo city in a year, with `years` years of figures, its own among them.

    The same pack, seed and year give the same registry. Raises ValueError, with every diagnostic, when the
    pack's demo files have mistakes.
    """
    city = make_demo(pack, seed, year)
    parameters = demo_parameters(pack)
    centres, operations, procedure = read_centres(pack), read_operations(), read_procedure(pack)
    everyone = make_enterprises(pack.city, parameters, seed)
    land = make_land(everyone, parameters, seed)
    levels = make_levels(everyone, parameters, seed)
    factor = calibrate_tax(everyone, levels, land, parameters)
    figures = {
        at: make_figures(everyone, levels, land, parameters, factor, seed, at)
        for at in range(min(year - years, year - 1), year + 2)
    }
    now = figures[year]
    enterprises = [e for e in everyone if e.code in now]

    names = make_former_names(enterprises, parameters, seed, year)
    statuses = make_statuses(enterprises, parameters, seed, year)
    yearly = {}
    for at in range(year - years + 1, year):
        then = as_they_were(enterprises, figures[at], names, statuses, parameters, seed, at)
        yearly[at] = make_frame(then, figures[at], grade_by_tax(everyone, figures[at - 1]), land)

    parcels, ground = place_parcels(everyone, now, land, list_spots(pack, centres), seed, year)
    leases = list_leases(land, now, year)
    contacts = make_contacts(enterprises, parameters.roster.area_code, seed)
    legal_persons = {
        contact.code: contact.name for contact in reversed(contacts) if contact.post == "法定代表人"
    }
    locations = locate(enterprises, parcels, leases, ground, centres, legal_persons, seed)
    points = {location.code: (location.longitude, location.latitude) for location in locations}

    lines = make_lines(enterprises, operations, seed, year)
    permits = make_permits(enterprises, now, operations, seed, year)
    outlets = make_outlets(enterprises, now, permits, lines, parcels, points, operations, seed)
    grades = grade_by_tax(everyone, figures[year - 1])
    records = make_records(enterprises, now, grades, land, parameters, seed, year)
    monthly, anomalies = make_monthly(enterprises, figures, permits, operations, seed, year)
    graded = list_graded(enterprises, land.groups, year)
    disputes = make_disputes(graded, now, procedure, seed, year)
    return DemoRegistry(
        pack=pack.id,
        seed=seed,
        year=year,
        city=city,
        locations=locations,
        parcels=parcels,
        leases=leases,
        outlines=draw_outlines(pack.city, ground, centres.note),
        former_names=names,
        statuses=statuses,
        park_statuses=make_park_statuses(pack.city, seed, year),
        yearly=yearly,
        lines=lines,
        permits=permits,
        outlets=outlets,
        meters=list_meters(records["用电"], records["分摊"], records["用水"]),
        contacts=contacts,
        monthly=monthly,
        anomalies=anomalies,
        confirm_within=procedure.confirm_within,
        publicity=procedure.publicity,
        confirmations=make_confirmations(enterprises, disputes, legal_persons, procedure, seed, year),
        disputes=disputes,
        objections=make_objections(graded, now, procedure, seed, year),
    )
