"""A case written down step by step for tests: events with local times, the standing after each."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from muheng.casework.case_type import load_types
from muheng.casework.document import CaseType, Part
from muheng.casework.history import Actor, Event, replay, take
from muheng.casework.standing import CHINA, Standing
from muheng.standards.calendar import Calendar, load_calendar

CALENDAR = load_calendar()


@cache
def shipped() -> dict[str, CaseType]:
    return load_types()[0]


def load(name: str) -> CaseType:
    return shipped()[name]


def at(text: str) -> datetime:
    """A time in China unless it brings its own offset."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=CHINA)


class Book:
    """Takes acts one by one; `standing` is the last one."""

    def __init__(self, case_type: CaseType, calendar: Calendar = CALENDAR) -> None:
        self.case_type = case_type
        self.calendar = calendar
        self.events: list[Event] = []
        self.standings: list[Standing] = []

    @property
    def standing(self) -> Standing:
        return self.standings[-1]

    def open(self, when: str, part: Part = "enterprise", **data: Any) -> Book:
        return self.act(when, "open", part, **data)

    def act(self, when: str | datetime, act: str, part: Part, **data: Any) -> Book:
        moment = at(when) if isinstance(when, str) else when
        event = Event(len(self.events) + 1, moment, act, Actor(part, 1, "某"), data)
        before = self.standings[-1] if self.standings else None
        self.standings.append(take(self.case_type, before, event, self.calendar))
        self.events.append(event)
        return self

    def until(self, when: str) -> Standing:
        return replay(self.case_type, self.events, self.calendar, at(when))
