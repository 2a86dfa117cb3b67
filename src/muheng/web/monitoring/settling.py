"""Days that are over, each in one row: made from the hours, read by ``window``, dropped by the database when an hour changes.

Whoever writes hours need know nothing of it. A day that has no row is read hour by hour; nothing else depends on there being one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, connections, transaction

from muheng.web.monitoring.models import Hour, SettledDay
from muheng.web.monitoring.moments import midnight, to_local

WAITS = timedelta(hours=6)
"""So long after its end most of what came late is there."""
CELL = 8 + 1 + 1
"""Bytes of an hour of a factor: value, flag, minutes."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_PAIRS = 500
"""Days of points that are settled in one transaction: nobody waits long for it."""
_TRIGGER = "monitoring_unsettle"

Pair = tuple[int, date]
"""A point and a day."""


def settle(pairs: Sequence[Pair], now: datetime) -> None:
    """Put the hours of days that have been over for a while into one row for each point and day."""
    until = (to_local(now) - WAITS).date()
    due = sorted(pair for pair in pairs if pair[1] < until)
    for low in range(0, len(due), _PAIRS):
        _settle(due[low : low + _PAIRS])


@transaction.atomic
def _settle(pairs: Sequence[Pair]) -> None:
    if connection.vendor == "postgresql":
        # Whoever writes hours drops rows of this table: one whose hours we would not see yet is waited for, and who
        # comes later finds the row. SQLite has one writer.
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {SettledDay._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
    found: dict[int, dict[int, dict[int, Mapping[str, Any]]]] = {}
    first, last = min(day for _, day in pairs), max(day for _, day in pairs)
    for point, day in pairs:
        found.setdefault(point, {})[(day - first).days] = {}
    begin = midnight(first)
    rows = Hour.objects.filter(point__in=list(found), time__gte=begin, time__lt=midnight(last + _DAY))
    for point, time, values in rows.values_list("point_id", "time", "values").iterator(chunk_size=5000):
        number, hour = divmod((time - begin) // _HOUR, 24)
        if number in found[point]:
            found[point][number][hour] = values
    SettledDay.objects.bulk_create(
        (_pack(point, day, found[point][(day - first).days]) for point, day in pairs),
        batch_size=_PAIRS,
        ignore_conflicts=True,
    )


def _pack(point: int, day: date, hours: Mapping[int, Mapping[str, Any]]) -> SettledDay:
    factors = sorted({factor for values in hours.values() for factor in values})
    values = np.full((len(factors), 24), np.nan)
    flags = np.zeros(values.shape, dtype=np.uint8)
    minutes = np.full(values.shape, 60, dtype=np.uint8)
    for row, factor in enumerate(factors):
        for hour, given in hours.items():
            if factor in given:
                value, flag, count = given[factor]
                values[row, hour] = np.nan if value is None else value
                flags[row, hour] = letter_of(flag)
                minutes[row, hour] = count or 0
    return SettledDay(
        point_id=point,
        day=day,
        factors=" ".join(factors),
        hours=values.astype("<f8").tobytes() + flags.tobytes() + minutes.tobytes(),
    )


def letter_of(flag: str | None) -> int:
    """A flag as judging reads it. The standard's are single letters; another text is none of them."""
    return ord(flag) if flag is not None and len(flag) == 1 and flag.isascii() else 0


def drop_old(before: date) -> None:
    """Days whose hours are put away."""
    SettledDay.objects.filter(day__lt=before).delete()


# -- the database's own part ---------------------------------------------------------------------------------------


def set_triggers(using: str = "default", **_signal: Any) -> None:
    """An hour that comes, changes or goes takes the row of its day with it. To be called after every migration."""
    on = connections[using]
    hours, days = Hour._meta.db_table, SettledDay._meta.db_table
    with on.cursor() as cursor:
        if not {hours, days} <= set(on.introspection.table_names(cursor)):
            return
        statements = _of_sqlite if on.vendor == "sqlite" else _of_postgresql
        for statement in statements(hours, days):
            cursor.execute(statement)


_CHANGES = (("INSERT", "NEW"), ("UPDATE", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))


def _of_sqlite(hours: str, days: str) -> Iterable[str]:
    for what, row in _CHANGES:
        name = f"{_TRIGGER}_{what}_{row}".lower()
        yield f"DROP TRIGGER IF EXISTS {name}"
        yield (
            f"CREATE TRIGGER {name} AFTER {what} ON {hours} BEGIN DELETE FROM {days} "
            f"WHERE point_id = {row}.point_id AND day = date({row}.time, '+8 hours'); END"
        )


def _of_postgresql(hours: str, days: str) -> Iterable[str]:
    yield (
        f"CREATE OR REPLACE FUNCTION {_TRIGGER}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"DELETE FROM {days} USING (SELECT DISTINCT point_id, (time AT TIME ZONE 'Asia/Shanghai')::date AS day "
        f"FROM changed) AS hit WHERE {days}.point_id = hit.point_id AND {days}.day = hit.day; "
        "RETURN NULL; END $$"
    )
    for what, rows in _CHANGES:
        name = f"{_TRIGGER}_{what}_{rows}".lower()
        yield f"DROP TRIGGER IF EXISTS {name} ON {hours}"
        yield (
            f"CREATE TRIGGER {name} AFTER {what} ON {hours} REFERENCING {rows} TABLE AS changed "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {_TRIGGER}()"
        )
