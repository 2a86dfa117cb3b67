"""No history leads where the file does not allow: every shipped type, driven at random through allowed and
forbidden acts by people who are and are not entitled to them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from casebook import CALENDAR, load, shipped
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from muheng.casework.document import Act, CaseType, FieldOf
from muheng.casework.history import BUILT_INS, Actor, BrokenHistory, Event, built_ins, replay, take
from muheng.casework.measure import measure
from muheng.casework.reminders import escalations_due, recount, warnings_due
from muheng.casework.standing import CHINA, RUNNING, Standing, next_due, offers
from muheng.documents.message import Refusal

PARTS = ("enterprise", "opener", "desk", "handler", "leader", "room", "site")


def value_of(field: FieldOf) -> Any:
    if field.personal:
        return True
    return {
        "text": "写了",
        "long": "写了一段",
        "choice": field.choices[0] if field.choices else "",
        "date": "2026-03-02",
        "number": "12.5",
        "money": "100",
        "flag": True,
    }[field.type]


def values_for(case_type: CaseType, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value_of(field) for name in names if (field := case_type.field(name)) is not None}


def attached(label: str) -> dict[str, str]:
    return {"label": label, "name": f"{label}.jpg", "sha256": "0" * 64}


def data_for(case_type: CaseType, act: Act, standing: Standing, number: int) -> dict[str, Any]:
    """What a person who fills in everything would send."""
    data: dict[str, Any] = {}
    if act.note != "none":
        data["note"] = "按规定办理"
    if act.reasons:
        data["reason"] = act.reasons[0]
    if act.fields or act.optional:
        data["fields"] = values_for(case_type, (*act.fields, *act.optional))
    if act.attachments:
        data["files"] = [attached(label) for label in act.attachments]
    if act.assigns != "none":
        data |= {"organisation": 7, "handler": number}
    if act.asks_rating:
        data["rating"] = number % 5 + 1
    if act.opens:
        data["child"] = {"case": f"X{number}", "type": act.opens[number % len(act.opens)]}
    if act.extends:
        running = [
            name
            for name in act.extends
            if name in standing.clocks and standing.clocks[name].stopped_on is None
        ]
        data |= {"clock": running[number % len(running)] if running else act.extends[0], "days": 1}
    return data


def opening_data(case_type: CaseType, number: int) -> dict[str, Any]:
    """Everything filled in; the kinds take turns."""
    kind = case_type.kinds[number % len(case_type.kinds)].id if case_type.kinds else None
    data: dict[str, Any] = {
        "fields": {field.id: value_of(field) for field in case_type.fields_at_opening(kind)},
        "files": [attached(label) for label in case_type.opening.attachments],
    }
    return data if kind is None else {**data, "kind": kind}


class Casework(RuleBasedStateMachine):
    """One case from its opening on. Rules that may be refused must then leave everything as it was."""

    case_type: CaseType

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.standings: list[Standing] = []
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)

    @property
    def standing(self) -> Standing:
        return self.standings[-1]

    def try_event(self, act: str, part: str, data: dict[str, Any]) -> bool:
        event = Event(len(self.events) + 1, self.now, act, Actor(part, 1, "某"), data)  # type: ignore[arg-type]
        try:
            after = take(self.case_type, self.standings[-1] if self.standings else None, event, CALENDAR)
        except Refusal:
            return False
        self.events.append(event)
        self.standings.append(after)
        return True

    @initialize(number=st.integers(0, 20), hours=st.integers(0, 8000))
    def open_case(self, number: int, hours: int) -> None:
        self.now += timedelta(hours=hours)
        opening = self.case_type.opening
        part = opening.by[number % len(opening.by)]
        assert self.try_event("open", part, opening_data(self.case_type, number))

    @rule(hours=st.integers(0, 400))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(number=st.integers(0, 50), hours=st.integers(0, 200))
    def take_an_offered_act(self, number: int, hours: int) -> None:
        """What is offered without anything missing is accepted, unless it came too late to extend."""
        self.now += timedelta(hours=hours)
        found = [
            offer
            for offer in offers(self.case_type, self.standing, PARTS, self.now)
            if not offer.missing  # type: ignore[arg-type]
        ]
        if not found:
            return
        act = found[number % len(found)].act
        data = data_for(self.case_type, act, self.standing, number)
        taken = self.try_event(act.id, act.by[number % len(act.by)], data)
        if act.extends and not taken:
            clock = self.standing.clocks[data["clock"]]
            declared = self.case_type.clock(clock.id)
            assert declared is not None
            assert (
                clock.is_late(self.now.astimezone(CHINA).date())
                or declared.extension is None
                or len(clock.extensions) >= declared.extension.times
            )
        elif act.opens and not taken:
            assert data["child"]["case"] in self.standing.children
        else:
            assert taken, (act.id, data)

    @rule(number=st.integers(0, 1000), part=st.sampled_from(PARTS), empty=st.booleans())
    def take_any_act(self, number: int, part: str, empty: bool) -> None:
        """Any act of the file by anybody in any state; allowed only where the file says so."""
        act = self.case_type.acts[number % len(self.case_type.acts)]
        before = self.standing
        data = {} if empty else data_for(self.case_type, act, before, number)
        if self.try_event(act.id, part, data):
            assert before.state in act.from_states
            assert part in act.by
            assert self.standing.state == (act.to or before.state)
            assert act.note != "required" or data["note"]
            assert all(name in self.standing.fields for name in act.fields)

    @rule(number=st.integers(0, 1000), part=st.sampled_from(PARTS))
    def take_a_built_in(self, number: int, part: str) -> None:
        name = sorted(BUILT_INS)[number % len(BUILT_INS)]
        children = list(self.standing.children)
        clocks = list(self.standing.clocks) or ["none"]
        labels = self.case_type.labels or ("",)
        data: dict[str, dict[str, Any]] = {
            "note": {"note": "记一笔", "internal": bool(number % 2)},
            "attach": {"files": [attached(labels[number % len(labels)])]},
            "assign": {"organisation": number, "handler": 1},
            "child": {"child": {"case": f"Y{number}", "type": "revisit"}},
            "child_closed": {
                "child": {
                    "case": children[number % len(children)] if children else "nothing",
                    "phase": ("closed", "void")[number % 2],
                }
            },
            "merge": {"cases": ["SQ1"]},
            "absorb": {"cases": ["SQ2"]},
            "split": {"cases": ["SQ3", "SQ4"]},
            "warn": {"clock": clocks[number % len(clocks)], "level": 50},
            "escalate": {"clock": clocks[number % len(clocks)], "level": 1},
            "erase": {"note": "本人要求"},
            "recount": {"clock": clocks[0], "fields": {"old": "2027-01-01", "new": "2027-01-04"}},
        }
        before = self.standing
        if self.try_event(name, part, data.get(name, {})):
            assert part in BUILT_INS[name].by
            assert name in built_ins(before, [part])  # type: ignore[list-item]
            assert name == "merge" or self.standing.state == before.state

    @precondition(lambda self: bool(self.standings))
    @rule()
    def close_all_children(self) -> None:
        for child in self.standing.children.values():
            if not child.ended:
                assert self.try_event(
                    "child_closed", "site", {"child": {"case": child.case, "phase": "closed"}}
                )

    @rule(text=st.sampled_from(["vanish", "", "open", "erase_all"]), part=st.sampled_from(PARTS))
    def take_what_does_not_exist(self, text: str, part: str) -> None:
        assert not self.try_event(text, part, {})

    @rule()
    def act_on_what_was_seen_before(self) -> None:
        """The second editor's number is taken already."""
        event = Event(len(self.events), self.now, "note", Actor("desk"), {"note": "迟了一步"})
        with pytest.raises(Refusal):
            take(self.case_type, self.standing, event, CALENDAR)

    @invariant()
    def stands_where_the_file_allows(self) -> None:
        if not self.standings:
            return
        standing = self.standing
        state = self.case_type.state(standing.state)
        assert state is not None
        assert standing.phase == state.phase
        assert standing.version == len(self.events)
        assert set(standing.clocks) <= {clock.id for clock in self.case_type.clocks}
        assert (standing.closed_at is not None) is (standing.phase in ("closed", "void"))
        assert standing.reopened == sum(
            (act := self.case_type.act(event.act)) is not None and act.reopens for event in self.events
        )
        if standing.erased and self.events[-1].act == "erase":
            personal = {field.id for field in self.case_type.fields if field.personal}
            assert not personal & set(standing.fields)

    @invariant()
    def clocks_are_sound(self) -> None:
        if not self.standings:
            return
        standing, today = self.standing, self.now.astimezone(CHINA).date()
        for clock in standing.runs:
            assert not (clock.running and clock.paused)
            assert standing.phase in RUNNING or clock.stopped_on is not None
            assert 0 <= clock.spent(today) <= clock.count(today, clock.unit, gross=True)
            if clock.paused:
                later = today + timedelta(days=30)
                assert clock.spent(later) == clock.spent(clock.pauses[-1].paused_on)
            for pause in clock.pauses:
                assert clock.started_on <= pause.paused_on <= (pause.resumed_on or today)
        soonest = next_due(standing)
        if soonest is not None:
            assert soonest[1] == min(
                clock.due for clock in standing.clocks.values() if clock.running and clock.due
            )
        for found in (
            *warnings_due(self.case_type, standing, today),
            *escalations_due(self.case_type, standing, today),
        ):
            assert standing.clocks[found.clock].running
        found_measure = measure(self.case_type, standing, CALENDAR)
        if found_measure is not None:
            assert 0 <= found_measure.net_working <= found_measure.gross_working
            assert 0 <= found_measure.net_calendar <= found_measure.gross_calendar
            assert found_measure.net_working <= found_measure.net_calendar
        assert recount(standing, CALENDAR) == (standing, ())

    def teardown(self) -> None:
        """The same history gives the same standing, and any past moment can be shown."""
        if not self.events:
            return
        assert replay(self.case_type, self.events, CALENDAR) == self.standing
        assert replay(self.case_type, self.events, CALENDAR, strict=True) == self.standing
        last: dict[datetime, Standing] = {
            event.at: standing for event, standing in zip(self.events, self.standings, strict=True)
        }
        for moment, standing in last.items():
            assert replay(self.case_type, self.events, CALENDAR, until=moment) == standing
        with pytest.raises(BrokenHistory):
            replay(self.case_type, self.events[1:], CALENDAR)
        with pytest.raises(BrokenHistory):
            replay(self.case_type, self.events, CALENDAR, until=self.events[0].at - timedelta(microseconds=1))


@pytest.mark.parametrize("name", sorted(shipped()))
def test_no_history_leads_where_the_file_does_not_allow(name: str) -> None:
    class Machine(Casework):
        case_type = load(name)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_act_and_every_state_of_a_shipped_type_is_used(name: str) -> None:
    """A walk that always takes the act taken least so far, its conditions met, ends in every state of the file."""
    case_type = load(name)
    acts: Counter[str] = Counter()
    states: set[str] = set()
    for round_ in range(60):
        machine = type("Machine", (Casework,), {"case_type": case_type})()
        assert machine.try_event("open", case_type.opening.by[0], opening_data(case_type, round_))
        states.add(machine.standing.state)
        for step in range(12):
            machine.now += timedelta(hours=2)
            for child in list(machine.standing.children.values()):
                if not child.ended:
                    machine.try_event("child_closed", "site", {"child": {"case": child.case}})
            if machine.standing.phase in RUNNING and case_type.labels:
                machine.try_event(
                    "attach", "desk", {"files": [attached(label) for label in case_type.labels]}
                )
            ready = [
                offer.act
                for offer in offers(case_type, machine.standing, PARTS, machine.now)  # type: ignore[arg-type]
                if not offer.missing
            ]
            if not ready:
                break
            act = min(ready, key=lambda each: acts[each.id])
            number = 1000 * round_ + step
            assert machine.try_event(act.id, act.by[0], data_for(case_type, act, machine.standing, number)), (
                act.id
            )
            acts[act.id] += 1
            states.add(machine.standing.state)
        if case_type.merged is not None and machine.standing.phase in RUNNING:
            machine.try_event("merge", "desk", {"cases": ["ZZ1"]})
            states.add(machine.standing.state)
    assert {act.id for act in case_type.acts} == set(acts)
    assert {state.id for state in case_type.states} == states


def test_dates_of_the_past_can_be_shown() -> None:
    """The day before a pause the case is shown without it."""
    from casebook import Book

    book = Book(load("demand")).open(
        "2026-03-02T09:00", kind="other", fields={"title": "一事", "detail": "详情"}
    )
    book.act("2026-03-03T09:00", "accept", "desk").act("2026-03-03T10:00", "dispatch", "desk", organisation=1)
    book.act("2026-03-05T09:00", "suspend", "leader", note="等", reason="不可抗力")
    assert book.until("2026-03-05T08:59").state == "handling"
    assert book.until("2026-03-05T08:59").clocks["promised"].due == date(2026, 3, 17)
    assert book.until("2026-03-05T09:00").state == "suspended"
