"""The ways through a case type: which states are reached, and what each clock can be doing there.

Follows every act as if its conditions were met, one clock at a time; says what is possible, not what is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from muheng.casework.document import Act, CaseType

Running = Literal["idle", "running", "paused", "stopped"]


def reachable(case_type: CaseType) -> set[str]:
    """States that some history enters, merging included."""
    found = _spread([case_type.opening.state], _edges(case_type))
    if case_type.merged is not None:
        found.add(case_type.merged)
    return found


def ends_reached(case_type: CaseType, phases: Iterable[str]) -> set[str]:
    """States from which a state of these phases can be reached, those states themselves included."""
    wanted = set(phases)
    backwards: dict[str, set[str]] = defaultdict(set)
    for start, ends in _edges(case_type).items():
        for end in ends:
            backwards[end].add(start)
    return _spread([state.id for state in case_type.states if state.phase in wanted], backwards)


def clock_ways(case_type: CaseType, clock: str) -> dict[str, set[Running]]:
    """State → what the clock can be doing while a case is in it."""
    first: Running = "running" if clock in case_type.opening.starts else "idle"
    seen: set[tuple[str, Running]] = {(case_type.opening.state, first)}
    waiting = list(seen)
    while waiting:
        state, doing = waiting.pop()
        for act in case_type.acts_from(state):
            step = (act.to or state, after(act, clock, doing))
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    ways: dict[str, set[Running]] = defaultdict(set)
    for state, doing in seen:
        ways[state].add(doing)
    return ways


def after(act: Act, clock: str, doing: Running) -> Running:
    """What the clock is doing once the act is taken."""
    if clock in act.stops and doing in ("running", "paused"):
        doing = "stopped"
    if clock in act.pauses and doing == "running":
        doing = "paused"
    elif clock in act.resumes and doing == "paused":
        doing = "running"
    return "running" if clock in act.starts and doing in ("idle", "stopped") else doing


def confirmed_before(case_type: CaseType) -> set[str]:
    """States in which a case can be while the enterprise's confirmation holds."""
    seen = {(case_type.opening.state, False)}
    waiting = list(seen)
    while waiting:
        state, confirmed = waiting.pop()
        for act in case_type.acts_from(state):
            end = case_type.state(act.to or state)
            if end is None:
                continue
            holds = (confirmed or act.confirms) and (act.to is None or end.phase != "open")
            if (end.id, holds) not in seen:
                seen.add((end.id, holds))
                waiting.append((end.id, holds))
    return {state for state, confirmed in seen if confirmed}


def _edges(case_type: CaseType) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = defaultdict(set)
    for act in case_type.acts:
        for state in act.from_states:
            edges[state].add(act.to or state)
    return edges


def _spread(first: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(first)
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting.extend(edges.get(state, ()))
    return found


def acts_with_place(case_type: CaseType) -> Iterator[tuple[int, Act]]:
    """Acts with their number in the file, those from states that are never reached left out."""
    states = reachable(case_type)
    for number, act in enumerate(case_type.acts):
        if not states.isdisjoint(act.from_states):
            yield number, act
