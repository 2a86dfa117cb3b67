"""A city with many watched outlets and five weeks of hours of each, all judged once: the site in which an hour is taken and judged.

Rows are written in bulk, not by the site's actions. Runs in a process of its own, under the settings of its environment:
``python -m bench.monitoring.city make COUNT``. Made up: stacks with flow, oxygen and three pollutants (``judgement.demo``); one in
ten has something wrong with it somewhere in the five weeks, one in twenty something that goes on into the last hours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.site.city import PASSWORD, _Steps
from muheng.monitoring.judgement import demo

if TYPE_CHECKING:
    from muheng.monitoring.judgement.hours import Hours
    from muheng.web.monitoring.models import Point
    from muheng.web.people.models import Organisation

DAYS = 36
END = datetime(2026, 11, 20, 9)
"""Local; hours before it are there."""
BEFORE = datetime(2026, 11, 20, 9, 25)
"""When it was judged; an hour later the next hour is taken."""
OFFICER = "officer"
LIMITS = [
    {"factor": demo.NOX, "most": "50"},
    {"factor": demo.SO2, "most": "35"},
    {"factor": demo.DUST, "most": "10"},
]
_HOURS = (DAYS - 1) * 24 + END.hour + 1
"""With the one that comes afterwards."""
_AT_ONCE = 500


def make_city(count: int) -> None:
    """Fill an empty site."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from muheng.cities.pack import load_pack
    from muheng.web import serving
    from muheng.web.monitoring.judging import judge_due
    from muheng.web.monitoring.moments import to_aware

    step = _Steps()
    serving.migrate()
    pack, _ = load_pack(settings.CITY)
    assert pack is not None
    from muheng.web.people.actions import found_city

    points = make_points(count, make_offices(found_city(pack.city)))
    step("tree, people, points")
    write_hours(points, invent(count))
    step("hours")
    if connection.vendor == "postgresql":  # what its own housekeeping does in the first minutes
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    while judge_due(to_aware(BEFORE)):
        pass
    step("judged")


# -- who is there ------------------------------------------------------------------------------------------------


def make_offices(root: Organisation) -> list[Organisation]:
    """An officer in each county and one in the city; gives the counties."""
    from muheng.web.people.actions import appoint, make_department, make_person, take_roles
    from muheng.web.people.models import Organisation

    role = take_roles()["monitoring_officer"]
    counties = list(Organisation.objects.filter(kind=Organisation.Kind.COUNTY).order_by("order", "pk"))
    for number, place in enumerate((root, *counties)):
        person = make_person(f"{OFFICER}{number or ''}", f"监控{number}", PASSWORD)
        appoint(person, role, make_department("生态环境局", place))
    return counties


def make_points(count: int, counties: Sequence[Organisation]) -> list[Point]:
    """One to three outlets of each enterprise, with their devices."""
    from muheng.web.monitoring.models import Device, Latest, Point
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.registry.models import Enterprise, Outlet

    start = date.fromordinal(END.toordinal() - DAYS)
    plants = Enterprise.objects.bulk_create(
        [
            Enterprise(code=f"9134{at:014d}", name=f"第{at}号企业", county=counties[at % len(counties)])
            for at in range((count + 1) // 2)
        ]
    )
    outlets = Outlet.objects.bulk_create(
        [
            Outlet(enterprise=plants[at // 2], code=f"DA{at % 2 + 1:03d}", kind="气", longitude=118.5, latitude=31.6)
            for at in range(count)
        ]
    )  # fmt: skip
    points = Point.objects.bulk_create(
        [
            Point(enterprise=each.enterprise, outlet=each, name=f"{each.code}排口", kind="stack", reference_oxygen=6,
                  key=at % 3 == 0, limits=LIMITS, watched_from=start)
            for at, each in enumerate(outlets)
        ]
    )  # fmt: skip
    added = to_aware(datetime(2026, 1, 1))
    Device.objects.bulk_create(
        Device(mn=mn_of(at), point=point, added_at=added) for at, point in enumerate(points)
    )
    last = to_aware(END - timedelta(hours=1))
    Latest.objects.bulk_create(Latest(point=point, hour=last, seen_at=last) for point in points)
    return points


def mn_of(at: int) -> str:
    """The device of a point, by its place."""
    return f"B0B0{at:020X}"


# -- what it measured ----------------------------------------------------------------------------------------------


def invent(count: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Values (outlet, factor, hour), and by outlet, factor and hour which flag: 0 normal, 1 stopped, 2 set aside, 3 nothing came."""
    values = np.empty((count, len(demo.FACTORS), _HOURS), dtype=np.float32)
    flags = np.empty(values.shape, dtype=np.uint8)
    start = date.fromordinal(END.toordinal() - DAYS + 1)
    for low in range(0, count, _AT_ONCE):
        for at, hours in enumerate(
            demo.make_hours(min(_AT_ONCE, count - low), start, DAYS, seed=low + 1), low
        ):
            each = _spoil(hours, at)
            marked = each.stopped.copy()
            for mark in each.marks:  # told by flag, as the stop itself: nobody marked anything
                first, last = (
                    (when - each.calendar.time_of(0)) // timedelta(hours=1) for when in (mark.begin, mark.end)
                )
                marked[first:last] = True
            values[at] = each.values[:, :_HOURS]
            flag = np.where(marked, 1, np.where(each.valid, 0, 2))
            flags[at] = np.where(np.isfinite(each.values), flag, 3)[:, :_HOURS]
    return values, flags


def _spoil(hours: Hours, at: int) -> Hours:
    if at % 10 == 0:
        ways = ("missing", "flat", "clipped", "jump", "copied_time", "unlike_flow", "oxygen_low")
        return demo.spoil(hours, ways[at // 10 % len(ways)], at)[0]
    if at % 20 == 5:  # over its limit since some hours
        hours.values[2, _HOURS - 1 - at % 7 : _HOURS] *= 2.6
    return hours


def rows_of(values: NDArray[np.float32], flags: NDArray[np.uint8], hour: int) -> Iterator[str | None]:
    """The values of an hour as the site's rows have them, of each outlet; None where nothing came."""
    names = "NFM"
    for numbers, states in zip(values[:, :, hour].tolist(), flags[:, :, hour].tolist(), strict=True):
        given = [
            f'"{factor}": [{number:.2f}, "{names[state]}", 60]'
            for factor, number, state in zip(demo.FACTORS, numbers, states, strict=True)
            if state < 3
        ]
        yield f"{{{', '.join(given)}}}" if given else None


def write_hours(points: Sequence[Point], made: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    """In the order in which they would have come: hour by hour."""
    from django.db import connection, transaction

    from muheng.web.monitoring.models import Hour

    table = Hour._meta.db_table
    numbers = [point.pk for point in points]
    begin = END - timedelta(hours=_HOURS - 1 + 8)
    rows = (
        (number, begin + timedelta(hours=hour), text, False)
        for hour in range(_HOURS - 1)
        for number, text in zip(numbers, rows_of(*made, hour), strict=True)
        if text is not None
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} (point_id, time, values, of_minutes) FROM STDIN") as copy:
                for number, moment, text, own in rows:
                    copy.write_row((number, moment.replace(tzinfo=UTC), text, own))
            return
        # Nothing is there yet that a broken-off making could spoil.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-4000000"):
            cursor.execute(f"PRAGMA {pragma}")
        insert = f'INSERT INTO {table} ("point_id", "time", "values", "of_minutes") VALUES (?, ?, ?, ?)'
        with transaction.atomic():
            cursor.connection.executemany(
                insert, ((number, str(moment), text, own) for number, moment, text, own in rows)
            )
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536"):
            cursor.execute(f"PRAGMA {pragma}")


def main() -> None:
    """``make COUNT``."""
    verb, count = sys.argv[1], int(sys.argv[2])
    assert verb == "make", json.dumps(sys.argv)
    make_city(count)


if __name__ == "__main__":
    main()
