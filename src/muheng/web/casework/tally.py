"""Figures of cases, counted as they happen: what each case adds to its months, kept in step with its row.

A case counts as opened in the month that it was opened in and, once closed, with all its figures in the month of its
closing; one that was merged or withdrawn counts nowhere. Rows are only added (``keep_step``), so that two people never
wait for the same row; ``fold`` makes one row of many with one key. ``find_differences`` holds the tally against the
cases, ``retally`` makes it anew. Says nothing of what is in hand today: that is asked of the cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from muheng.casework.measure import SATISFIED
from muheng.web.casework.models import Case, CaseTally

KEY = ("month", "type", "kind", "county", "organisation")
COUNTS = (
    *("opened", "closed", "on_time", "timed", "net_days", "gross_days", "rated", "rating", "satisfied"),
    *("reopened", "legal", "legal_kept", "legal_limit", "legal_net", "promised", "promised_kept"),
)
BATCH = 5_000

Key = tuple[date, str, str, int, int]
Share = dict[Key, dict[str, int]]
"""What a case, or many, add to the tally: counts by key, none of them nothing."""


def share_of(case: Case) -> Share:
    """What a case adds to the tally as its row stands."""
    found: Share = {}
    if case.phase != Case.Phase.VOID:
        _add(found, _key(case, case.opened_on), {"opened": 1})
    if case.phase == Case.Phase.CLOSED and case.closed_on is not None:
        _add(found, _key(case, case.closed_on), _closing(case))
    return found


def _key(case: Case, on: date) -> Key:
    return (on.replace(day=1), case.type, case.kind, case.county_id or 0, case.organisation_id or 0)


def _closing(case: Case) -> dict[str, int]:
    counts = {"closed": 1, "net_days": case.net_days or 0, "gross_days": case.gross_days or 0}
    counts["reopened"] = int(case.reopened > 0)
    if case.late_legal is not None or case.late_promised is not None:
        counts |= {"timed": 1, "on_time": int(not case.late)}
    if case.rating is not None:
        counts |= {"rated": 1, "rating": case.rating, "satisfied": int(case.rating >= SATISFIED)}
    if case.late_legal is not None:
        counts |= {"legal": 1, "legal_kept": int(not case.late_legal)}
        counts |= {"legal_limit": case.legal_limit or 0, "legal_net": case.legal_net or 0}
    if case.late_promised is not None:
        counts |= {"promised": 1, "promised_kept": int(not case.late_promised)}
    return {name: number for name, number in counts.items() if number}


def keep_step(before: Share, after: Share) -> None:
    """Add what changed between two shares of a case, in the transaction that changed it."""
    changed = _difference(before, after)
    if changed:
        CaseTally.objects.bulk_create(_rows(changed))


def add_cases(cases: Iterable[Case]) -> None:
    """Add many new cases at once."""
    total: Share = {}
    for case in cases:
        for key, counts in share_of(case).items():
            _add(total, key, counts)
    CaseTally.objects.bulk_create(_rows(total), batch_size=BATCH)


def _add(total: Share, key: Key, counts: Mapping[str, int]) -> None:
    kept = total.setdefault(key, {})
    for name, number in counts.items():
        kept[name] = kept.get(name, 0) + number


def _difference(before: Share, after: Share) -> Share:
    """What has to be added to ``before`` to have ``after``."""
    found: Share = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key, {}), after.get(key, {})
        counts = {name: new.get(name, 0) - old.get(name, 0) for name in old.keys() | new.keys()}
        if kept := {name: number for name, number in counts.items() if number}:
            found[key] = kept
    return found


def _rows(share: Share) -> list[CaseTally]:
    return [
        CaseTally(**dict(zip(KEY, key, strict=True)), **counts)
        for key, counts in sorted(share.items())
        if any(counts.values())
    ]


# -- folded, held against the cases, made anew ----------------------------------------------------------------


def fold() -> int:
    """Make one row of many with one key; gives how many rows fewer there are. Safe while others add."""
    folded = 0
    many = CaseTally.objects.order_by().values(*KEY).annotate(rows=Count("pk")).filter(rows__gt=1)
    for key in list(many.values_list(*KEY)):
        with transaction.atomic():
            rows = CaseTally.objects.filter(**dict(zip(KEY, key, strict=True)))
            held: list[Any] = list(rows.select_for_update().values())
            counts = {name: sum(row[name] for row in held) for name in COUNTS}
            CaseTally.objects.filter(pk__in=[row["id"] for row in held]).delete()
            kept = _rows({key: counts})
            CaseTally.objects.bulk_create(kept)
            folded += len(held) - len(kept)
    return folded


def count_tally() -> Share:
    """What the tally says."""
    sums: dict[str, Any] = {f"all_{name}": Sum(name) for name in COUNTS}
    rows = CaseTally.objects.order_by().values(*KEY).annotate(**sums)
    found: Share = {}
    row: Any
    for row in rows.iterator(chunk_size=BATCH):
        counts = {name: row[f"all_{name}"] for name in COUNTS if row[f"all_{name}"]}
        if counts:
            month, *rest = (row[name] for name in KEY)
            found[(month, *rest)] = counts
    return found


def count_cases() -> Share:
    """What the tally has to say: the cases counted one by one by the database."""
    found: Share = {}
    counted = Case.objects.exclude(phase=Case.Phase.VOID)
    for key, number in _by_key(counted, "opened_on", {"opened": Count("pk")}):
        _add(found, key, number)
    closed = Case.objects.filter(phase=Case.Phase.CLOSED)
    for key, counts in _by_key(closed, "closed_on", closing_sums()):
        _add(found, key, counts)
    return found


def _by_key(rows: QuerySet[Case], day: str, sums: Mapping[str, Any]) -> Iterator[tuple[Key, dict[str, int]]]:
    grouped = (
        rows.order_by()
        .annotate(its_month=TruncMonth(day))
        .values("its_month", "type", "kind", "county_id", "organisation_id")
        .annotate(**{f"all_{name}": each for name, each in sums.items()})
    )
    row: Any
    for row in grouped.iterator(chunk_size=BATCH):
        month = row["its_month"]
        key = (month, row["type"], row["kind"], row["county_id"] or 0, row["organisation_id"] or 0)
        yield key, {name: row[f"all_{name}"] for name in sums if row[f"all_{name}"]}


def closing_sums() -> dict[str, Any]:
    """The counts of closed cases as the database adds them up; each is what ``_closing`` says of one."""

    def those(**condition: Any) -> Any:
        return Count("pk", filter=Q(**condition))

    timed = Q(late_legal__isnull=False) | Q(late_promised__isnull=False)
    return {
        "closed": Count("pk"),
        "timed": Count("pk", filter=timed),
        "on_time": Count("pk", filter=timed & Q(late=False)),
        "net_days": Sum("net_days", default=0),
        "gross_days": Sum("gross_days", default=0),
        "rated": Count("rating"),
        "rating": Sum("rating", default=0),
        "satisfied": those(rating__gte=SATISFIED),
        "reopened": those(reopened__gt=0),
        "legal": Count("late_legal"),
        "legal_kept": those(late_legal=False),
        "legal_limit": Sum("legal_limit", filter=Q(late_legal__isnull=False), default=0),
        "legal_net": Sum("legal_net", filter=Q(late_legal__isnull=False), default=0),
        "promised": Count("late_promised"),
        "promised_kept": those(late_promised=False),
    }


def find_differences() -> Share:
    """What the tally lacks (or has too much, below zero) against the cases; nothing where the two agree."""
    with transaction.atomic():
        _hold()
        return _difference(count_tally(), count_cases())


def retally() -> int:
    """Make the tally anew from the cases; gives its number of rows."""
    with transaction.atomic():
        _hold()
        CaseTally.objects.all().delete()
        rows = _rows(count_cases())
        CaseTally.objects.bulk_create(rows, batch_size=BATCH)
        return len(rows)


def _hold() -> None:
    """Nobody changes the tally until the transaction ends, and all who were changing it are done. SQLite's one writer
    is alone already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {CaseTally._meta.db_table} IN EXCLUSIVE MODE")
