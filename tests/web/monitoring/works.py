"""A city with three watched outlets and forty days of hours: two stacks of one plant, the first with reference oxygen, and
the water of another in the other county. The second stack was over its limit for five hours of the last day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from muheng.monitoring.judgement.hours import Hours
    from muheng.web.monitoring.models import Device, Point
    from muheng.web.people.models import User
    from web.population import Population

CHINA = ZoneInfo("Asia/Shanghai")
DAYS = 40
START = date(2026, 10, 11)
END = START + timedelta(days=DAYS)
"""The first day without hours."""
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=CHINA)
OVER_FROM = datetime(2026, 11, 19, 14)
OVER_HOURS = 5
NOX, SO2, COD, WATER = "a21002", "a21026", "w01018", "w00000"
PASSWORD = "123456"


@dataclass(frozen=True)
class Works:
    """``officer`` watches over the city, ``county_officer`` over the first county."""

    people: Population
    officer: User
    county_officer: User
    stack: Point
    dry_stack: Point
    water: Point
    devices: tuple[Device, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        return self.stack, self.dry_stack, self.water

    @property
    def owner(self) -> User:
        """Of the plant with the two stacks."""
        return self.people.owner


def make_works() -> Works:
    """Points and devices through the rows themselves; hours as a year of the demo would have them."""
    from muheng.monitoring.judgement import demo
    from muheng.web.monitoring.models import Device, Point
    from muheng.web.notices.sealing import seal
    from muheng.web.people.actions import appoint, make_department, make_person, take_roles
    from muheng.web.registry.actions import add_outlet
    from web.population import PASSWORD as LOGIN
    from web.population import make_city

    people = make_city()
    roles = take_roles()
    bureau = make_department("生态环境局", people.root, "Bureau of Ecology and Environment")
    branch = make_department("生态环境分局", people.counties[0], "Branch of Ecology and Environment")
    officer = make_person("monitor", "监控何", LOGIN)
    county_officer = make_person("county_monitor", "监控吕", LOGIN)
    appoint(officer, roles["monitoring_officer"], bureau)
    appoint(county_officer, roles["monitoring_officer"], branch)
    plant, mill = people.enterprises[0], people.enterprises[-1]
    gas = [
        {"factor": demo.NOX, "most": "50"},
        {"factor": demo.SO2, "most": "35"},
        {"factor": demo.DUST, "most": "10"},
    ]
    points = []
    for owner, code, name, kind, oxygen, limits in (
        (plant, "DA001", "1号锅炉排口", "stack", Decimal(6), gas),
        (plant, "DA002", "熔炼炉排口", "stack", None, gas),
        (mill, "DW001", "废水总排口", "water", None, [{"factor": COD, "most": "80"}]),
    ):
        medium = "水" if kind == "water" else "气"
        outlet = add_outlet(None, owner, code, medium, name=name, longitude=118.5, latitude=31.6)
        point = Point.objects.create(
            enterprise=owner,
            outlet=outlet,
            name=name,
            kind=kind,
            reference_oxygen=oxygen,
            limits=limits,
            watched_from=START,
        )
        points.append(point)
    devices = tuple(
        Device.objects.create(
            mn=f"A1B2C3D4E5F60718293A4B{number:02X}",
            point=point,
            sealed_password=seal(PASSWORD),
            added_at=datetime(2026, 10, 11, tzinfo=CHINA),
        )
        for number, point in enumerate(points)
    )
    made = demo.make_hours(2, START, DAYS, seed=6)
    for hours in made:
        # Nobody marked its starting and stopping: they are told by flag, as the stop itself.
        for mark in hours.marks:
            first, last = (
                (each - hours.calendar.time_of(0)) // timedelta(hours=1) for each in (mark.begin, mark.end)
            )
            hours.stopped[first:last] = True
    begin = (OVER_FROM - datetime(START.year, START.month, START.day)) // timedelta(hours=1)
    second = made[1]
    row = second.factors.index(demo.NOX)
    second.values[row, begin : begin + OVER_HOURS] = [61.2, 64.8, 70.1, 66.3, 58.9]
    second.valid[row, begin : begin + OVER_HOURS] = True
    second.flagged[row, begin : begin + OVER_HOURS] = False
    write_hours(points[0], made[0])
    write_hours(points[1], second)
    _write_water(points[2])
    return Works(people, officer, county_officer, *points, devices=devices)


def write_hours(point: Point, hours: Hours) -> None:
    """As rows, with the flags that a device would have sent."""
    from muheng.web.monitoring.models import Hour

    origin = datetime(hours.start.year, hours.start.month, hours.start.day, tzinfo=CHINA)
    rows = []
    for at in range(hours.values.shape[1]):
        values = {}
        for place, factor in enumerate(hours.factors):
            value = hours.values[place, at]
            if not np.isfinite(value):
                continue
            flag = "F" if hours.stopped[at] else "N" if hours.valid[place, at] else "M"
            values[factor] = [round(float(value), 3), flag, 60]
        rows.append(Hour(point=point, time=origin + timedelta(hours=at), values=values))
    Hour.objects.bulk_create(rows)


def _write_water(point: Point) -> None:
    from muheng.web.monitoring.models import Hour

    random = np.random.default_rng(9)
    origin = datetime(START.year, START.month, START.day, tzinfo=CHINA)
    cod = np.round(40 + 8 * random.random(DAYS * 24), 1)
    flow = np.round(120 + 30 * random.random(DAYS * 24), 1)
    Hour.objects.bulk_create(
        Hour(
            point=point,
            time=origin + timedelta(hours=at),
            values={COD: [float(cod[at]), "N", 60], WATER: [float(flow[at]), "N", 60]},
        )
        for at in range(DAYS * 24)
    )
