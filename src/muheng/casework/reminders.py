"""What the clocks of a case call for today, or at a moment: warnings, escalations, due dates that a new calendar moves.

Says what is to be written down; the site writes it. What the history already has is not due again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from muheng.casework.clock_standing import Amount, ClockStanding, Mark, begin_of
from muheng.casework.document import CaseType, Clock, Escalation, Part, read_share
from muheng.casework.standing import Standing
from muheng.standards.calendar import Calendar


@dataclass(frozen=True)
class Reminder:
    """`level` is the share in percent; `data` is what the event `warn` holds."""

    clock: str
    level: int
    due: Mark
    provisional: bool

    @property
    def data(self) -> dict[str, str | int]:
        return {"clock": self.clock, "level": self.level}


@dataclass(frozen=True)
class Raised:
    """To be told `level` levels up the tree, and to `tells`; `data` is what the event `escalate` holds."""

    clock: str
    level: int
    tells: tuple[Part, ...]
    due: Mark
    overdue: Amount
    """In the clock's unit."""

    @property
    def data(self) -> dict[str, str | int]:
        return {"clock": self.clock, "level": self.level}


@dataclass(frozen=True)
class Moved:
    """A due date that another calendar moves; `data` is what the event `recount` holds."""

    clock: str
    old: date
    new: date

    @property
    def data(self) -> dict[str, object]:
        return {"clock": self.clock, "fields": {"old": self.old.isoformat(), "new": self.new.isoformat()}}


def warnings_due(case_type: CaseType, standing: Standing, now: Mark) -> tuple[Reminder, ...]:
    """At most one for each running clock: the highest share that is reached and was not warned of."""
    found = []
    for clock, declared in _running(case_type, standing):
        share = clock.share(now) * 100
        reached = max((level for level in declared.warnings if level <= share), default=0)
        if reached > clock.warned and clock.due is not None:
            found.append(Reminder(clock.id, reached, clock.due, clock.provisional))
    return tuple(found)


def escalations_due(case_type: CaseType, standing: Standing, now: Mark) -> tuple[Raised, ...]:
    """Every level that is reached and was not told, the lowest first."""
    found = []
    for clock, _ in _running(case_type, standing):
        for escalation in _of(case_type, clock.id):
            if escalation.levels <= clock.escalated or clock.due is None:
                continue
            if _is_reached(escalation, clock, now):
                found.append(
                    Raised(clock.id, escalation.levels, escalation.tells, clock.due, clock.overdue(now))
                )
    return tuple(sorted(found, key=lambda raised: (raised.level, raised.clock)))


def next_reminder(case_type: CaseType, standing: Standing) -> Mark | None:
    """The first day, or moment, from which a warning or an escalation is due that the history does not have; maybe past.

    The site's sweep needs to look at a case only from then on.
    """
    marks = []
    for clock, declared in _running(case_type, standing):
        marks += [
            _reached_on(clock, Fraction(level, 100)) for level in declared.warnings if level > clock.warned
        ]
        for escalation in _of(case_type, clock.id):
            if escalation.levels > clock.escalated:
                marks.append(_escalates_on(escalation, clock))
    return min((mark for mark in marks if mark is not None), key=begin_of, default=None)


def recount(standing: Standing, calendar: Calendar) -> tuple[Standing, tuple[Moved, ...]]:
    """The same standing by another calendar, and the due dates of clocks that have not ended which it moves.

    The same as replaying the history with that calendar, without the history.
    """
    moved = []
    clocks: dict[str, ClockStanding] = {}
    for name, clock in standing.clocks.items():
        clocks[name] = replace(clock, calendar=calendar)
        old, new = clock.due, clocks[name].due
        if clock.stopped_on is None and old is not None and new is not None and old != new:
            moved.append(Moved(name, old, new))
    earlier = tuple(replace(clock, calendar=calendar) for clock in standing.earlier)
    return replace(standing, clocks=clocks, earlier=earlier), tuple(moved)


def _running(case_type: CaseType, standing: Standing) -> Iterable[tuple[ClockStanding, Clock]]:
    for clock in standing.clocks.values():
        declared = case_type.clock(clock.id)
        if clock.running and declared is not None:
            yield clock, declared


def _of(case_type: CaseType, clock: str) -> Iterable[Escalation]:
    return (escalation for escalation in case_type.escalations if escalation.clock == clock)


def _is_reached(escalation: Escalation, clock: ClockStanding, now: Mark) -> bool:
    if escalation.overdue is not None:
        return clock.overdue(now) >= escalation.overdue
    return escalation.at is not None and clock.share(now) * 100 >= read_share(escalation.at)


def _escalates_on(escalation: Escalation, clock: ClockStanding) -> Mark | None:
    if escalation.overdue is None:
        return _reached_on(clock, Fraction(read_share(escalation.at or "100%"), 100))
    return None if clock.due is None else clock.after(clock.due, escalation.overdue)


def _reached_on(clock: ClockStanding, share: Fraction) -> Mark | None:
    """The first day on which this share of the limit is used up, or the moment at which it is."""
    if clock.unit == "hour":
        return clock.mark_of(share * clock.limit)
    days = -(-share.numerator * clock.limit // share.denominator) if clock.limit else int(share) - 1
    return clock.mark_of(max(days, 0))
