"""What the receiver's store has that is new becomes rows: the newest values of each point and its hourly means.

Each file of ``fresh`` is taken whole, in its order and once; ``Taken`` is written in the same transaction. A file that is missing
or cannot be read is told, and what it held is read from ``values`` instead, where everything is. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from muheng.monitoring.judgement.means import average_minutes
from muheng.monitoring.judgement.outlet import Limit
from muheng.monitoring.judgement.oxygen import convert_one
from muheng.monitoring.judgement.rules import Method
from muheng.monitoring.store.values import COLUMNS, list_fresh, read_values
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Device, Hour, Latest, Point, Taken
from muheng.web.monitoring.moments import to_aware, to_local
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.revising import Revision, find_revisions, note_revisions
from muheng.web.monitoring.settling import drop_old
from muheng.web.monitoring.store import store_folder
from muheng.web.monitoring.telling import tell_lost

SETTLES_AFTER = timedelta(minutes=10)
"""So long after its end an hour of minutes is complete; a device that sends hours has sent it by then."""
LOOK_BACK = timedelta(days=3)
"""How far before the last file that was taken the store is read again where one was lost."""
AHEAD = timedelta(hours=1)
"""A time so long after its receipt is a clock gone astray, or a value made beforehand: the store keeps it, nobody judges it."""
_MOST = 1e12
"""No instrument measures more; what overflows is no number that a database keeps."""
_FACTOR = "^[0-9A-Za-z]{1,20}$"
_LONGEST_FLAG = 8
KEEP = timedelta(days=190)
"""Of hours in the database: a quarter and, before it, the valid hours that missing ones are replaced from. ``values`` has all."""
_BATCH = 500
_HOUR = timedelta(hours=1)
_UNITS = ((0.6, 1.6), (2.2, 5.5), (2000, 6000))
"""A flow's total per hour ÷ its mean where devices send m³/h, L/s or m³/s."""

Pair = tuple[int, datetime]
"""A point and the beginning of an hour, local."""


@dataclass(frozen=True)
class Source:
    """A device as rows of the store name it."""

    mn: str
    point: Point
    method: Method
    minute_interval: int


def take_fresh(now: datetime | None = None, most: int = 200) -> tuple[int, int]:
    """Take what is new; gives how many files and rows."""
    now = now or timezone.now()
    last = Taken.objects.order_by("-serial").values_list("serial", "at").first()
    due, files, rows = (last[0] if last else 0) + 1, 0, 0
    for serial, path in list_fresh(store_folder(), due - 1)[:most]:
        frame = _read(path)
        if serial != due or frame is None:
            lost = list(range(due, serial + (frame is None)))
            _take_again(
                last[1] if last else now - LOOK_BACK, now, serial if frame is None else serial - 1, lost
            )
        if frame is not None:
            rows += take_rows(frame, now, serial)
        due, files, last = serial + 1, files + 1, (serial, now)
    settle_hours(now)
    return files, rows


def _read(path: Path) -> pl.DataFrame | None:
    """None for what is no file of the digest."""
    try:
        return pl.read_parquet(path, columns=list(COLUMNS)).cast(COLUMNS)
    except (OSError, pl.exceptions.PolarsError):
        return None


def _take_again(since: datetime, now: datetime, serial: int, lost: Sequence[int]) -> None:
    """What lost files held, from the store itself; with that everything up to ``serial`` is taken."""
    begin, end = to_local(since) - LOOK_BACK, to_local(now) + timedelta(days=1)
    store, rows = store_folder(), 0
    with transaction.atomic():
        for kind in ("hour", "minute", "realtime"):
            low = begin if kind != "realtime" else end - timedelta(days=2)
            rows += take_rows(read_values(store, kind, low, end), now)
        Taken.objects.create(serial=serial, rows=rows, at=now)
        tell_lost(lost, now)


@transaction.atomic
def take_rows(rows: pl.DataFrame, now: datetime, serial: int | None = None) -> int:
    """Rows of the store, of any points; gives how many were of devices that the site knows."""
    if serial is not None:
        Taken.objects.create(serial=serial, rows=rows.height, at=now)
    sources = _find_sources(rows["mn"].unique().to_list())
    known = _keep_sane(rows.filter(pl.col("mn").is_in(list(sources))))
    if known.is_empty():
        return 0
    _keep_latest(known, sources, to_local(now).date())
    hours = known.filter(pl.col("kind") == "hour")
    if not hours.is_empty():
        revisions = _keep_hours(_flow_per_hour(hours, sources, minutes=False), sources, of_minutes=False)
        note_revisions(revisions, now)
    minutes = known.filter(pl.col("kind") == "minute")
    if not minutes.is_empty():
        _make_touched_hours(minutes, sources, now)
    return known.height


def _keep_sane(rows: pl.DataFrame) -> pl.DataFrame:
    """What can be a measurement at all: devices send whatever they like, and one of them must not hold up the others."""
    local = pl.from_epoch("received", "us") + pl.duration(hours=8)
    figures = pl.col("value", "least", "most", "total", "converted")
    flag = pl.col("flag").str.slice(0, _LONGEST_FLAG).str.replace_all("[[:cntrl:]]", "")
    return rows.filter(pl.col("factor").str.contains(_FACTOR), pl.col("time") <= local + AHEAD).with_columns(
        pl.when(figures.abs() <= _MOST).then(figures), flag
    )


def _find_sources(mns: Iterable[str]) -> dict[str, Source]:
    rules = city_rules()
    methods: dict[str, Method] = {}
    found = {}
    for device in Device.objects.filter(mn__in=list(mns)).select_related("point"):
        kind = device.point.kind
        method = methods.setdefault(kind, rules.method(kind))
        found[device.mn] = Source(device.mn, device.point, method, device.minute_interval)
    return found


# -- the newest values --------------------------------------------------------------------------------------------


def _keep_latest(rows: pl.DataFrame, sources: Mapping[str, Source], today: date) -> None:
    live = rows.filter(pl.col("kind").is_in(["realtime", "minute"]))
    newest = live.filter(pl.col("time") == pl.col("time").max().over("mn"))
    # Of one moment the real-time value counts, and of two that came the later.
    newest = newest.sort(pl.col("kind") == "realtime", "received", "offset").unique(
        ["mn", "factor"], keep="last", maintain_order=True
    )
    values: dict[str, list[tuple[Any, ...]]] = {}
    times: dict[str, datetime] = {}
    for mn, time, factor, value, converted, flag in newest.select(
        "mn", "time", "factor", "value", "converted", "flag"
    ).iter_rows():
        values.setdefault(mn, []).append((factor, value, converted, flag))
        times[mn] = time
    seen = dict(rows.group_by("mn").agg(pl.col("received").max()).iter_rows())
    points = {sources[mn].point.pk for mn in seen}
    held = {each.pk: each for each in Latest.objects.filter(pk__in=points)}
    for mn, received in seen.items():
        point = sources[mn].point
        latest = held.setdefault(point.pk, Latest(point=point))
        at = datetime.fromtimestamp(received / 1e6, UTC)
        latest.seen_at = max(latest.seen_at or at, at)
        if mn in values:
            _put_newest(latest, sources[mn], to_aware(times[mn]), values[mn], today)
    Latest.objects.bulk_create(
        held.values(),
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["point"],
        update_fields=["time", "values", "seen_at", "worst"],
    )


def _put_newest(
    latest: Latest, source: Source, time: datetime, rows: Iterable[tuple[Any, ...]], today: date
) -> None:
    if latest.time is not None and time < latest.time:
        return
    # What was split over several packets belongs together.
    values = dict(latest.values) if latest.time == time else {}
    limits = limits_on(source.point, today)
    for factor, value, converted, flag in rows:
        values[factor] = {"value": value, "converted": converted, "flag": flag}
    oxygen = values.get(source.method.oxygen or "", {}).get("value")
    for factor, limit in limits.items():
        if factor in values:
            values[factor]["ratio"] = _ratio(values[factor], limit, source.point, oxygen)
    latest.time, latest.values = time, values
    ratios = [each["ratio"] for each in values.values() if each.get("ratio") is not None]
    latest.worst = max(ratios, default=None)


def _ratio(value: Mapping[str, Any], limit: Limit, point: Point, oxygen: float | None) -> float | None:
    """Value ÷ limit, at the reference oxygen where that is asked; None where it cannot be said."""
    found = value["value"]
    if point.reference_oxygen is not None and limit.converted:
        found = value["converted"]
        if found is None and value["value"] is not None:
            rule = city_rules().validity.oxygen
            found = convert_one(value["value"], oxygen, float(point.reference_oxygen), rule)
    if found is None:
        return None
    over = found / limit.most if limit.most else 0.0
    under = limit.least / found if limit.least and found > 0 else 0.0
    return round(max(over, under), 4)


# -- hours --------------------------------------------------------------------------------------------------------


def _flow_per_hour(rows: pl.DataFrame, sources: Mapping[str, Source], *, minutes: bool) -> pl.DataFrame:
    """The rows with flows in m³/h, by their totals where these tell the unit; others as sent.

    The standard asks for L/s and m³/s; most devices send m³/h. A total is always in m³.
    """
    flows = sorted({source.method.flow for source in sources.values() if source.method.flow})
    if not flows:
        return rows
    total = pl.col("total")
    if minutes:
        intervals = {source.mn: source.minute_interval for source in sources.values()}
        total = total * 60 / pl.col("mn").replace_strict(intervals, default=None, return_dtype=pl.Float64)
    ratio = total / pl.col("value")
    told = pl.any_horizontal(ratio.is_between(low, high) for low, high in _UNITS)
    is_flow = pl.col("factor").is_in(flows)
    return rows.with_columns(
        pl.when(is_flow & told.fill_null(False)).then(total).otherwise(pl.col("value")).alias("value")
    )


def _keep_hours(rows: pl.DataFrame, sources: Mapping[str, Source], *, of_minutes: bool) -> list[Revision]:
    """Hourly rows (mn, time, factor, value, flag, perhaps minutes) laid into those that are there; the points are stale.

    Gives what a device sent otherwise than before, where that ends an exceedance.
    """
    if not of_minutes:
        rows = rows.sort("received", "offset").with_columns(minutes=60)
    found: dict[Pair, dict[str, list[Any]]] = {}
    columns = rows.select("mn", pl.col("time").dt.truncate("1h"), "factor", "value", "flag", "minutes")
    for mn, time, factor, value, flag, minutes in columns.iter_rows():
        found.setdefault((sources[mn].point.pk, time), {})[factor] = [value, flag, minutes]
    held = _find_hours(found)
    owners = {source.point.pk: source for source in sources.values()}
    revisions: list[Revision] = []
    rows_of = []
    for (point, time), values in found.items():
        before = held.get((point, time))
        # The device's own hour replaces one that was made of minutes.
        kept = {} if before is None or (before.of_minutes and not of_minutes) else before.values
        merged = {**kept, **values}
        if before is not None and merged == before.values and before.of_minutes == of_minutes:
            continue
        if before is not None and not before.of_minutes and not of_minutes:
            owner = owners[point]
            revisions += find_revisions(owner.point, owner.method, time, before.values, merged)
        rows_of.append(Hour(point_id=point, time=to_aware(time), values=merged, of_minutes=of_minutes))
    if not rows_of:
        return []
    Hour.objects.bulk_create(
        rows_of,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["point", "time"],
        update_fields=["values", "of_minutes"],
    )
    newest: dict[int, datetime] = {}
    for row in rows_of:
        newest[row.point_id] = max(newest.get(row.point_id, row.time), row.time)
    _note_newest(newest)
    return revisions


def _find_hours(pairs: Iterable[Pair]) -> dict[Pair, Hour]:
    """Those that are there. Asked for by points and times, which is more than the pairs where these differ much."""
    pairs = list(pairs)
    found: dict[Pair, Hour] = {}
    times = sorted({to_aware(time) for _point, time in pairs})
    points = sorted({point for point, _time in pairs})
    for low in range(0, len(points), _BATCH):
        held = Hour.objects.filter(point__in=points[low : low + _BATCH], time__in=times)
        for hour in held:
            found[(hour.point_id, to_local(hour.time))] = hour
    return found


def _note_newest(newest: Mapping[int, datetime]) -> None:
    held = Latest.objects.in_bulk(list(newest))
    changed = []
    for point, hour in newest.items():
        latest = held.get(point) or Latest(point_id=point)
        if latest.hour is None or hour > latest.hour:
            latest.hour = hour
            changed.append(latest)
    Latest.objects.bulk_create(
        changed,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["point"],
        update_fields=["hour"],
    )
    numbers = sorted(newest)
    for low in range(0, len(numbers), _BATCH):
        Point.objects.filter(pk__in=numbers[low : low + _BATCH], stale=False).update(stale=True)


# -- hours of minutes ---------------------------------------------------------------------------------------------


def _make_touched_hours(minutes: pl.DataFrame, sources: Mapping[str, Source], now: datetime) -> None:
    """Hours that minutes came for and that are over, and the hour before, where the device sends none itself."""
    due = to_local(now) - SETTLES_AFTER - _HOUR
    touched = minutes.select("mn", pl.col("time").dt.truncate("1h").alias("hour")).unique()
    pairs = dict.fromkeys(touched.iter_rows(), True)
    for mn, hour in list(pairs):
        pairs.setdefault((mn, hour - _HOUR), False)
    held = _find_hours((sources[mn].point.pk, hour) for mn, hour in pairs)
    wanted = []
    for (mn, hour), own in pairs.items():
        before = held.get((sources[mn].point.pk, hour))
        if hour <= due and (before is None or (own and before.of_minutes)):
            wanted.append((mn, hour))
    make_hours(wanted, sources)


def settle_hours(now: datetime) -> int:
    """Hours of devices that fell silent before anything after the hour came; gives how many were made."""
    due = to_local(now) - SETTLES_AFTER - _HOUR
    begin = to_aware(due - timedelta(hours=6))
    silent = Latest.objects.filter(time__gte=begin, time__lt=to_aware(due) + _HOUR)
    hours: dict[int, datetime] = {}
    for point, time, newest in silent.values_list("point_id", "time", "hour"):
        assert time is not None
        hour = to_local(time).replace(minute=0, second=0, microsecond=0)
        if hour <= due and (newest is None or to_local(newest) < hour):
            hours[point] = hour
    if not hours:
        return 0
    mns = Device.objects.filter(point__in=hours, allowed=True).values_list("mn", flat=True)
    sources = _find_sources(mns)
    return make_hours([(mn, hours[each.point.pk]) for mn, each in sources.items()], sources)


@transaction.atomic
def make_hours(wanted: Sequence[tuple[str, datetime]], sources: Mapping[str, Source]) -> int:
    """Hourly means of the minutes in the store, for devices and hours; gives how many hours had any."""
    if not wanted:
        return 0
    begin, end = min(hour for _mn, hour in wanted), max(hour for _mn, hour in wanted) + _HOUR
    mns = sorted({mn for mn, _hour in wanted})
    rows = _keep_sane(read_values(store_folder(), "minute", begin, end, mns))
    chosen = pl.DataFrame(
        {"mn": [mn for mn, _hour in wanted], "hour": [hour for _mn, hour in wanted]},
        schema={"mn": pl.String(), "hour": pl.Datetime("us")},
    )
    rows = rows.with_columns(pl.col("time").dt.truncate("1h").alias("hour")).join(
        chosen, on=["mn", "hour"], how="semi"
    )
    if rows.is_empty():
        return 0
    rows = _flow_per_hour(rows, sources, minutes=True).rename({"mn": "outlet"})
    made = []
    kinds = {(sources[mn].method.id, sources[mn].minute_interval) for mn in mns}
    for method, interval in sorted(kinds):
        own = [mn for mn in mns if (sources[mn].method.id, sources[mn].minute_interval) == (method, interval)]
        part = rows.filter(pl.col("outlet").is_in(own))
        made.append(average_minutes(part, sources[own[0]].method, interval))
    hours = pl.concat(made).rename({"outlet": "mn"})
    _keep_hours(hours, sources, of_minutes=True)
    return hours.select("mn", "time").n_unique()


def clear_old_hours(now: datetime) -> int:
    """Day by day, so that no deletion is long; gives how many went."""
    gone, until = 0, now - KEEP
    while (
        oldest := Hour.objects.filter(time__lt=until).order_by("time").values_list("time", flat=True).first()
    ) is not None:
        count, _each = Hour.objects.filter(time__lt=min(oldest + timedelta(days=1), until)).delete()
        gone += count
    drop_old(to_local(until).date())
    return gone
