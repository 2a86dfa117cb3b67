"""What the history of a case says at a moment, and what may be done next. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from muheng.casework.clock_standing import CHINA as CHINA
from muheng.casework.clock_standing import ClockStanding, Mark, end_of
from muheng.casework.document import Act, CaseType, Needs, Part, Phase
from muheng.documents.message import Message, say

RUNNING: tuple[Phase, ...] = ("open", "answered")


@dataclass(frozen=True)
class AttachedFile:
    label: str
    name: str
    sha256: str
    number: int
    """Of the event that brought it."""


@dataclass(frozen=True)
class Child:
    """Another case that came out of this one; `phase` once it has ended."""

    case: Any
    type: str
    phase: Phase
    number: int
    """Of the event that opened or ended it."""
    labels: tuple[str, ...] = ()
    """Of the files that it brought; they are evidence for this one too once it has been closed."""

    @property
    def ended(self) -> bool:
        return self.phase in ("closed", "void")


@dataclass(frozen=True)
class Standing:
    version: int
    """Number of events."""
    state: str
    phase: Phase
    opened_at: datetime
    last_at: datetime
    entered_at: datetime
    """When the state was entered."""
    kind: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Values by field; a personal field has True here, its value is kept elsewhere."""
    organisation: Any = None
    handler: Any = None
    clocks: Mapping[str, ClockStanding] = field(default_factory=dict)
    """The latest run of each clock that was ever started."""
    earlier: tuple[ClockStanding, ...] = ()
    """Runs of clocks that were started again."""
    limits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Limits that the room which opened it has set itself, by clock: days or hours."""
    files: tuple[AttachedFile, ...] = ()
    children: Mapping[Any, Child] = field(default_factory=dict)
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    """When it was closed or became void."""
    rating: int | None = None
    confirmed: bool = False
    reopened: int = 0
    returned: int = 0
    urged: int = 0
    extended: int = 0
    level: int = 0
    """The highest level that it was escalated to."""
    merged_into: Any = None
    absorbed: tuple[Any, ...] = ()
    split: tuple[Any, ...] = ()
    came_from: tuple[Any, ...] = ()
    """The cases that its opening named: what it was split from, or its parent."""
    round_from: int = 1
    """The event of the opening or of the last reopening: evidence and revisits before it do not count again."""
    erased: bool = False

    @property
    def runs(self) -> tuple[ClockStanding, ...]:
        """Every run of every clock."""
        return (*self.earlier, *self.clocks.values())


@dataclass(frozen=True)
class Offer:
    """An act that somebody of these parts may take; `missing` says what has to be done before."""

    act: Act
    missing: tuple[Message, ...] = ()


def offers(
    case_type: CaseType,
    standing: Standing,
    parts: Collection[Part],
    now: datetime | None = None,
    zone: tzinfo = CHINA,
) -> tuple[Offer, ...]:
    """Acts of the file in its order. With `now`, those whose time has passed are left out."""
    return tuple(
        Offer(act, missing_for(case_type, standing, act.needs))
        for act in case_type.acts_from(standing.state)
        if not set(act.by).isdisjoint(parts)
        and finds_its_clocks(act, standing, case_type)
        and not (now is not None and _is_too_late(case_type, act, standing, now, zone))
    )


def _is_too_late(case_type: CaseType, act: Act, standing: Standing, now: datetime, zone: tzinfo) -> bool:
    """Closed too long ago to be reopened, or every clock overdue that could be extended."""
    return (act.reopens and is_too_late_to_reopen(act, standing, now, zone)) or (
        bool(act.extends) and all(clock.is_late(now) for clock in extendable(act, standing, case_type))
    )


def finds_its_clocks(act: Act, standing: Standing, case_type: CaseType) -> bool:
    """Is there a clock to pause, to resume, to extend where the act does that?"""
    return (
        (not act.pauses or bool(pausable(act, standing)))
        and (not act.resumes or bool(resumable(act, standing)))
        and (not act.extends or bool(extendable(act, standing, case_type)))
    )


def pausable(act: Act, standing: Standing) -> tuple[ClockStanding, ...]:
    return tuple(clock for clock in _named(act.pauses, standing) if clock.running)


def resumable(act: Act, standing: Standing) -> tuple[ClockStanding, ...]:
    return tuple(clock for clock in _named(act.resumes, standing) if clock.paused)


def extendable(act: Act, standing: Standing, case_type: CaseType) -> tuple[ClockStanding, ...]:
    """Clocks that have not ended and were not extended as often as the file allows."""
    found = []
    for clock in _named(act.extends, standing):
        declared = case_type.clock(clock.id)
        allowed = declared.extension.times if declared is not None and declared.extension is not None else 0
        if clock.stopped_on is None and len(clock.extensions) < allowed:
            found.append(clock)
    return tuple(found)


def is_too_late_to_reopen(act: Act, standing: Standing, at: datetime, zone: tzinfo = CHINA) -> bool:
    if act.within_days is None or standing.closed_at is None:
        return False
    closed = standing.closed_at.astimezone(zone).date()
    return (at.astimezone(zone).date() - closed).days > act.within_days


def missing_for(case_type: CaseType, standing: Standing, needs: Needs) -> tuple[Message, ...]:
    """What is not yet so, in sentences for whoever wants to take the act."""
    missing: list[Message] = []
    if needs.confirmed and not standing.confirmed:
        missing.append(say("企业还没有确认。"))
    waiting = sum(not child.ended for child in standing.children.values())
    if needs.children and waiting:
        missing.append(say("由它引出的事项还有 {count} 件没有办结。", count=waiting))
    missing += _missing_children(case_type, standing, needs.closed)
    attached = {file.label for file in standing.files if file.number >= standing.round_from}
    for child in standing.children.values():
        if child.phase == "closed" and child.number >= standing.round_from:
            attached.update(child.labels)
    missing += [say("还缺附件“{label}”。", label=label) for label in needs.evidence if label not in attached]
    for wanted in needs.fields:
        declared = case_type.field(wanted)
        if wanted not in standing.fields and declared is not None and declared.is_for(standing.kind):
            missing.append(say("还没有填写“{field}”。", field=declared.said))
    return tuple(missing)


def next_due(standing: Standing) -> tuple[str, Mark, bool] | None:
    """The running clock that is due first: its id, the day or the moment, and whether that is provisional."""
    running = [
        (end_of(clock.due, clock.zone), clock.id, clock.due, clock.provisional)
        for clock in standing.clocks.values()
        if clock.running and clock.due is not None
    ]
    if not running:
        return None
    _end, name, due, provisional = min(running)
    return name, due, provisional


def _named(names: Collection[str], standing: Standing) -> tuple[ClockStanding, ...]:
    return tuple(standing.clocks[name] for name in names if name in standing.clocks)


def _missing_children(case_type: CaseType, standing: Standing, closed: Sequence[str]) -> Iterator[Message]:
    """Each type in its order: who was revisited before the last rectification ended was not revisited after it."""
    since, before = standing.round_from, ""
    for wanted in closed:
        ended = [
            child.number
            for child in standing.children.values()
            if child.type == wanted and child.phase == "closed" and child.number >= standing.round_from
        ]
        if not ended:
            yield _missing_child(case_type, wanted)
        elif max(ended) < since:
            yield say(
                "“{act}”引出的事项要在“{before}”引出的事项办结以后再办结。",
                act=_opening_of(case_type, wanted),
                before=_opening_of(case_type, before),
            )
        since, before = max((since, *ended)), wanted


def _opening_of(case_type: CaseType, wanted: str) -> Message | str:
    return next((act.said for act in case_type.acts if wanted in act.opens), wanted)


def _missing_child(case_type: CaseType, wanted: str) -> Message:
    if wanted == "revisit":
        return say("还没有回访（办结的回访事项）。")
    return say("“{act}”引出的事项还没有办结的。", act=_opening_of(case_type, wanted))
