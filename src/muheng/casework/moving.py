"""How a standing moves: into a state, onto another kind, with clocks started and children added.

The steps that acts of the file and acts of every type have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

from muheng.casework.clock_standing import ClockStanding
from muheng.casework.document import CaseType, Unit
from muheng.casework.event import Event, read_children
from muheng.casework.standing import RUNNING, Child, Standing
from muheng.documents.message import Refusal, say
from muheng.standards.calendar import Calendar


def enter(case_type: CaseType, standing: Standing, to: str, at: datetime) -> Standing:
    state = case_type.state(to)
    if state is None:
        raise Refusal(say("“{type}”没有“{state}”这个状态。", type=case_type.said, state=to))
    ends = state.phase not in RUNNING
    confirmed = standing.confirmed and state.phase != "open"
    changed = replace(standing, state=to, phase=state.phase, confirmed=confirmed)
    if to != standing.state:
        changed = replace(changed, entered_at=at)
    if state.phase == "answered":
        changed = replace(changed, answered_at=at)
    if ends and standing.closed_at is None:
        clocks = {
            name: clock if clock.stopped_on is not None else clock.stop(at)
            for name, clock in changed.clocks.items()
        }
        changed = replace(changed, closed_at=at, clocks=clocks)
    return changed


def start_clocks(
    case_type: CaseType,
    standing: Standing,
    names: Iterable[str],
    calendar: Calendar,
    at: datetime,
    zone: tzinfo,
    given: Mapping[str, Any] | None = None,
) -> Standing:
    """`given`: what the event says, where it sets the limit of every clock that it starts."""
    clocks, earlier = dict(standing.clocks), list(standing.earlier)
    for name in names:
        declared = case_type.clock(name)
        if declared is None:
            continue
        if name in clocks:
            if clocks[name].stopped_on is None:
                continue
            earlier.append(clocks.pop(name))
        own = (read_amount(each, declared.unit) for each in (given or {}, standing.limits.get(name, {})))
        limit = next((amount for amount in own if amount is not None), declared.limit(standing.kind))
        clock = ClockStanding(name, at, limit, declared.unit, calendar, zone=zone)
        clocks[name] = replace(clock, started_on=clock.mark(at))
    return replace(standing, clocks=clocks, earlier=tuple(earlier))


def read_amount(given: Mapping[str, Any], unit: Unit) -> int | None:
    """What is said of a clock as `hours` or as `days`, in its unit.

    Said in the other before the file changed the unit, a day is 24 hours, and hours are the days that they reach into.
    """
    days, hours = given.get("days"), given.get("hours")
    if unit == "hour":
        return hours if hours is not None else None if days is None else 24 * days
    return days if days is not None else None if hours is None else -(-hours // 24)


def with_kind(case_type: CaseType, standing: Standing, kind: str) -> Standing:
    """Another kind may have other limits; clocks that have not ended get them, and warn anew of a longer one.

    Where the file knows one limit for both kinds, a clock keeps what it has: a room may have set it.
    """
    clocks = dict(standing.clocks)
    for name, clock in clocks.items():
        declared = case_type.clock(name)
        if clock.stopped_on is not None or declared is None or name in standing.limits:
            continue
        limit = declared.limit(kind)
        if limit != declared.limit(standing.kind):
            warned = 0 if limit > clock.base else clock.warned
            clocks[name] = replace(clock, base=limit, warned=warned)
    return replace(standing, kind=kind, clocks=clocks)


def with_children(standing: Standing, event: Event, types: tuple[str, ...] | None) -> Standing:
    children = dict(standing.children)
    found = read_children(event)
    for child in found:
        if types is not None and child.get("type") not in types:
            raise Refusal(say("这里不能引出“{type}”。", type=child.get("type")))
        if not isinstance(child.get("type"), str):
            raise Refusal(say("写明引出了哪一件。"))
        if child["case"] in children:
            raise Refusal(say("这一件已经记过。"))
        children[child["case"]] = Child(child["case"], child["type"], "open", event.number)
    return replace(standing, children=children)


def with_clock(standing: Standing, clock: ClockStanding) -> Standing:
    return replace(standing, clocks={**standing.clocks, clock.id: clock})
