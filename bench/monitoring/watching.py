"""An hour of many watched outlets taken from the receiver's store and judged, beside a loop over the same rows by hand.

Ours takes the hour's files, judges every point over five weeks (events, suspicions, cases, notices), and follows the clocks; then it
takes one minute of everybody's real-time data. The peer does what a script of an evening does: it reads each point's hours as objects,
row by row, converts, compares with the limits, and notes stretches over and without data; it keeps nothing. Its hours over the limit
are held against ours. It runs on fewer points, and its time is stated for as many.

``python -m bench.monitoring.watching COUNT [DATABASE]`` measures another number of points.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from bench.monitoring.city import BEFORE, END, invent, mn_of
from bench.site.stage import DATABASES, Stage, stage
from muheng.monitoring.judgement import demo

if TYPE_CHECKING:
    from pathlib import Path

    from muheng.web.monitoring.models import Point

HEAD = "| job | database | points | processor | wall | for 17,000: processor | note |\n|---|---|---|---|---|---|---|"
MAKER = "bench.monitoring.city"
POINTS, PEER_POINTS, CITY = 1000, 40, 17_000
TARGET = 120.0
NOW = BEFORE + timedelta(hours=1)
_ROWS_OF_FILE = 5000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Row:
    """Seconds of so many points."""

    job: str
    database: str
    points: int
    processor: float
    wall: float
    note: str = ""

    def __str__(self) -> str:
        """A row of a Markdown table."""
        whole = self.processor / self.points * CITY
        return (
            f"| {self.job} | {self.database} | {self.points:,} | {self.processor:.2f} s | {self.wall:.2f} s "
            f"| {whole:,.1f} s | {self.note} |"
        )


def run(points: int = POINTS, databases: tuple[str, ...] = DATABASES) -> Iterator[Row]:
    """Rows come as they are measured."""
    for database in databases:
        with stage(database, points, MAKER) as on:
            yield from measure(on, points)


def measure(on: Stage, points: int) -> Iterator[Row]:
    """In a process of its own, so that memory is that of the work alone."""
    on.run(__spec__.name, "send", str(points))
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, "inside", str(points), on.database],
        env=on.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    for line in done.stdout.splitlines():
        yield Row(**json.loads(line))


# -- in the site's own process ---------------------------------------------------------------------------------------


def work(points: int, database: str) -> Iterator[Row]:
    """Take and judge the hour; then the peer."""
    import django

    django.setup()
    from django.urls import reverse

    from muheng.web.monitoring.city_rules import city_rules
    from muheng.web.monitoring.escalating import escalate_due
    from muheng.web.monitoring.judging import judge_due
    from muheng.web.monitoring.models import Event, Point, Suspicion
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.monitoring.taking import take_fresh
    from muheng.web.monitoring.tasks import AT_ONCE

    reverse("monitoring:home")
    city_rules()
    now = to_aware(NOW)
    before = Event.objects.count(), Suspicion.objects.count()

    def judge_all() -> None:
        while judge_due(now, AT_ONCE):
            pass

    parts = [
        _time("the hour taken", database, points, lambda: take_fresh(now, _files(points))),
        _time("every point judged", database, points, judge_all),
        _time("clocks followed", database, points, lambda: escalate_due(now)),
    ]
    yield from parts
    assert not Point.objects.filter(stale=True).exists()
    processor, wall = sum(each.processor for each in parts), sum(each.wall for each in parts)
    verdict = "met" if processor / points * CITY < TARGET else "missed"
    found = Event.objects.count() - before[0], Suspicion.objects.count() - before[1]
    note = (
        f"{TARGET:.0f} s: {verdict}; {found[0]} new events, {found[1]} new suspicions; peak "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )
    yield Row("together", database, points, processor, wall, note)
    yield _time("a minute of real-time data taken", database, points, lambda: take_fresh(now))
    few = list(Point.objects.order_by("pk")[: min(PEER_POINTS, points)])
    over: list[int] = []
    peer = _time("a loop over the same hours", database, len(few), lambda: over.extend(map(_judge, few)))
    assert over == list(_count_over(few)), "the loop finds other hours over the limit"
    share = processor / points / (peer.processor / peer.points)
    yield replace(peer, note=f"ours takes {share:.2f} of it")


def _time(job: str, database: str, points: int, act: Callable[[], object]) -> Row:
    wall, processor = time.perf_counter(), time.process_time()
    act()
    return Row(job, database, points, time.process_time() - processor, time.perf_counter() - wall)


def send(points: int) -> None:
    """What digests found of the hour after ``END``, a file for a thousand devices each, and after it one real-time packet of
    everybody."""
    import django

    django.setup()
    from muheng.web.monitoring.store import store_folder

    values, flags = invent(points)
    columns = {
        "mn": [mn_of(at) for at in range(points) for _ in demo.FACTORS],
        "factor": list(demo.FACTORS) * points,
        "value": values[:, :, -1].astype(float).ravel().round(2),
        "flag": ["NFM"[state] if state < 3 else None for state in flags[:, :, -1].ravel().tolist()],
    }
    frame = pl.DataFrame(columns)
    _send(store_folder(), frame, "hour", END, END + _HOUR + timedelta(minutes=5), 1)
    packet = pl.Series([100000.0, 6.5, 21.0, 15.0, 4.0] * points)
    frame = frame.with_columns(value=packet, flag=pl.lit("N"))
    _send(store_folder(), frame, "realtime", NOW - timedelta(minutes=1), NOW, _files(points) + 1)


def _files(points: int) -> int:
    """Of an hour."""
    return -(-points * len(demo.FACTORS) // _ROWS_OF_FILE)


def _send(store: Path, frame: pl.DataFrame, kind: str, moment: datetime, came: datetime, serial: int) -> None:
    from muheng.monitoring.store.values import COLUMNS, write_fresh

    received = (came - timedelta(hours=8) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    whole = frame.with_row_index("offset").with_columns(
        kind=pl.lit(kind), time=pl.lit(moment), late=False, received=received, segment=pl.lit("2026-11-20/000001")
    )  # fmt: skip
    missing = [pl.lit(None).alias(name) for name in COLUMNS if name not in whole.columns]
    whole = whole.with_columns(missing).select(list(COLUMNS)).cast(COLUMNS)
    for low in range(0, whole.height, _ROWS_OF_FILE):
        part = whole[low : low + _ROWS_OF_FILE].filter(pl.col("flag").is_not_null())
        write_fresh(store, serial + low // _ROWS_OF_FILE, part)


# -- the peer --------------------------------------------------------------------------------------------------------


def _judge(point: Point) -> int:
    """Hours over a limit of a point; stretches over and without data are noted by the way."""
    from muheng.web.monitoring.models import Hour
    from muheng.web.monitoring.moments import midnight

    begin = midnight((NOW - timedelta(days=34)).date())
    limits = {each["factor"]: float(each["most"]) for each in point.limits}
    reference = float(point.reference_oxygen or 0)
    over, stretches = 0, []
    last: dict[str, Any] = {}
    for hour in Hour.objects.filter(point=point, time__gte=begin).order_by("time"):
        stopped = any(flag == "F" for _, flag, _ in hour.values.values())
        oxygen, oxygen_flag, _minutes = hour.values.get("a19001", (None, "", 0))
        known = oxygen is not None and oxygen_flag == "N" and not stopped and 0 <= oxygen <= _most_oxygen()
        for factor, most in limits.items():
            value, flag, minutes = hour.values.get(factor, (None, "", 0))
            if value is None or flag != "N" or minutes < 45 or stopped or not known:
                continue
            converted = round(value * ((21 - reference) / (21 - oxygen)) * 1000) / 1000
            if factor in last and hour.time - last[factor] > 2 * _HOUR:
                stretches.append(("missing", factor, last[factor], hour.time))
            last[factor] = hour.time
            if converted > most:
                over += 1
                if stretches and stretches[-1][:2] == ("over", factor):
                    stretches[-1] = (*stretches[-1][:3], hour.time)
                else:
                    stretches.append(("over", factor, hour.time, hour.time))
    return over


def _most_oxygen() -> float:
    from muheng.web.monitoring.city_rules import city_rules

    return float(city_rules().validity.oxygen.at_most)


def _count_over(points: list[Point]) -> Iterator[int]:
    from muheng.web.monitoring.judging import days_of, span_of
    from muheng.web.monitoring.moments import to_aware

    for each in days_of(points, span_of(to_aware(NOW))):
        yield sum(len(against.over_hours) for against in each.against)


def main() -> None:
    """``send COUNT`` and ``inside COUNT DATABASE`` on a site that is there, or ``COUNT [DATABASE]``."""
    if sys.argv[1] == "send":
        send(int(sys.argv[2]))
        return
    if sys.argv[1] == "inside":
        for row in work(int(sys.argv[2]), sys.argv[3]):
            print(json.dumps(row.__dict__), flush=True)
        return
    print(HEAD)
    for row in run(int(sys.argv[1]), tuple(sys.argv[2:]) or DATABASES):
        print(row, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muheng.web.settings.dev")
    main()
