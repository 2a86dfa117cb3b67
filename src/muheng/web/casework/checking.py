"""Rows held against the histories that they mirror, and mended."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from muheng.casework.history import BrokenHistory, replay
from muheng.web.casework.kinds import calendar, find_type
from muheng.web.casework.mirror import mirror, row_of, save_mirror
from muheng.web.casework.models import Case
from muheng.web.casework.writing import deed, event_of, hold, standing_of
from muheng.web.refusal import Refused

BATCH = 500


@dataclass(frozen=True)
class Checked:
    """A case; the columns of its row that differ; why its history is none."""

    number: str
    columns: tuple[str, ...] = ()
    broken: str = ""


def check_cases(mend: bool = False) -> Iterator[Checked]:
    """Every case, one after the other; ``mend`` writes the rows that differ anew."""
    last = 0
    while rows := list(Case.objects.filter(pk__gt=last).order_by("pk")[:BATCH]):
        prefetch_related_objects(rows, "events")
        for case in rows:
            found = _check(case)
            if found.columns and mend:
                # What was read may have been overtaken by a deed meanwhile.
                found = _mend(case.pk)
            yield found
        last = rows[-1].pk


def _check(case: Case) -> Checked:
    events = sorted(case.events.all(), key=lambda row: row.number)
    try:
        standing = replay(find_type(case.type), map(event_of, events), calendar())
    except BrokenHistory as broken:
        return Checked(case.number, broken=str(broken))
    except Refused as refused:
        return Checked(case.number, broken=refused.what)
    again = copy(case)
    mirror(again, standing)
    before, now = row_of(case), row_of(again)
    columns = [name for name in before if before[name] != now[name] and name != "merged_into_id"]
    into = case.merged_into.number if case.merged_into is not None else None
    if into != standing.merged_into:
        columns.append("merged_into_id")
    return Checked(case.number, tuple(columns))


@deed
def _mend(number: int) -> Checked:
    case = hold(number)
    found = _check(case)
    if found.columns:
        save_mirror(case, standing_of(case))
    return found
