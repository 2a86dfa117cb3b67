"""What each hour counts for, after marks: valid, stopped, judged. Marked hours are kept and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.outlet import Marked
from muheng.monitoring.judgement.rules import Rules
from muheng.monitoring.judgement.runs import Hold


@dataclass(frozen=True)
class MarkCount:
    """Hours of one mark in a calendar year; ``past_cap``: those that are judged because the year's cap was used up."""

    outlet: str
    mark: str
    year: str
    hours: int
    past_cap: int


@dataclass(frozen=True, eq=False)
class Standing:
    """``valid`` has the series of the hours; the rest speak for the outlet."""

    valid: Hold
    stopped: Hold
    exempt: Hold
    """Valid, and not judged."""
    marked: Hold
    """Under any mark, whatever it does."""
    excused: Hold
    """Not judged because of a mark, of the monitor or of the plant, other than of a state that passes limits by nature."""
    counts: tuple[MarkCount, ...]


def weigh_marks(hours: Hours, rules: Rules) -> Standing:
    """What the outlet's marks make of its hours. A mark that the rules do not know raises KeyError."""
    length = hours.values.shape[1]
    none = np.zeros(length, dtype=np.bool_)
    if not hours.marks:
        return Standing(hours.valid & ~hours.stopped, hours.stopped, none, none, none, ())
    painted: dict[str, Hold] = {}
    for mark in hours.marks:
        begin, end = find_touched(hours, mark)
        painted.setdefault(mark.mark, np.zeros(length, dtype=np.bool_))[begin:end] = True
    of_effect = {
        effect: np.zeros(length, dtype=np.bool_) for effect in ("stopped", "invalid", "exempt", "none")
    }
    late = _find_late(hours, painted, rules)
    excused = none.copy()
    for name, holds in painted.items():
        kind = rules.limits.marks[name]
        works = holds & ~late if kind.effect == "exempt" and _is_capped(hours, name, rules) else holds
        of_effect[kind.effect] |= works
        if kind.effect in ("invalid", "exempt") and not kind.natural:
            excused |= works
    stopped = hours.stopped | of_effect["stopped"]
    return Standing(
        hours.valid & ~stopped & ~of_effect["invalid"],
        stopped,
        of_effect["exempt"],
        np.logical_or.reduce(list(painted.values())),
        excused,
        tuple(_count(hours, painted, late, rules)),
    )


def find_touched(hours: Hours, mark: Marked) -> tuple[int, int]:
    """The hours that a mark speaks for: the first, and the first after it."""
    origin = hours.calendar.time_of(0)
    hour = timedelta(hours=1)
    return max((mark.begin - origin) // hour, 0), max(-((origin - mark.end) // hour), 0)


def _is_capped(hours: Hours, mark: str, rules: Rules) -> bool:
    cap = rules.limits.find_cap(hours.outlet.trade)
    return cap is not None and mark in cap.marks


def _find_late(hours: Hours, painted: dict[str, Hold], rules: Rules) -> Hold:
    """Hours under capped marks after the year's cap was used up."""
    late = np.zeros(hours.values.shape[1], dtype=np.bool_)
    cap = rules.limits.find_cap(hours.outlet.trade)
    capped = [holds for mark, holds in painted.items() if cap is not None and mark in cap.marks]
    if cap is None or not capped:
        return late
    together = np.logical_or.reduce(capped)
    used = _count_before(hours, cap.marks)
    for year in hours.calendar.years:
        part = slice(year.begin, year.end)
        late[part] = together[part] & (np.cumsum(together[part]) + used > cap.hours)
        used = 0
    return late


def _count_before(hours: Hours, marks: Sequence[str]) -> int:
    """Hours under these marks in the first year, before the stretch begins."""
    origin, hour = hours.calendar.time_of(0), timedelta(hours=1)
    january = datetime(hours.start.year, 1, 1)
    length = (origin - january) // hour
    held = np.zeros(length, dtype=np.bool_)
    for mark in hours.marks:
        if mark.mark in marks and mark.begin < origin and mark.end > january:
            begin = max((mark.begin - january) // hour, 0)
            held[begin : min(-((january - mark.end) // hour), length)] = True
    return int(held.sum())


def _count(hours: Hours, painted: dict[str, Hold], late: Hold, rules: Rules) -> Iterator[MarkCount]:
    for mark, holds in sorted(painted.items()):
        capped = _is_capped(hours, mark, rules)
        for year in hours.calendar.years:
            part = slice(year.begin, year.end)
            past = int((holds[part] & late[part]).sum()) if capped else 0
            yield MarkCount(hours.outlet.id, mark, year.name, int(holds[part].sum()), past)
