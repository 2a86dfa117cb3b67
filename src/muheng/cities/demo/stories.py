"""How a demo's case came to be: what each person did, on which working day, told in order until the demo's today.

Plain data. What may be done to a case of a type is not known here: whoever puts these events in checks them. Cases
name each other by `key`, persons by the name of their account, offices by their own name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any

from muheng.standards.calendar import Calendar

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
ENTERPRISE = "企业经办人"
"""Who acts for an enterprise that has no account: kept without a name."""


@dataclass(frozen=True)
class DemoEvent:
    """`who` is an account, None for the site and for enterprises without one; then `name` stands there."""

    at: datetime
    act: str
    part: str
    who: str | None
    name: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class DemoCase:
    """`personal` holds values that name persons: they are not in the events."""

    key: str
    type: str
    title: str
    code: str | None
    opener: str | None
    parent: str | None
    personal: Mapping[str, str]
    events: tuple[DemoEvent, ...]

    @property
    def opened_at(self) -> datetime:
        return self.events[0].at


class NotYet(Exception):
    """What comes next lies after the demo's today."""


@dataclass
class Story:
    """One case while it is told. `wait` passes working days; `do` adds what somebody does then."""

    key: str
    type: str
    title: str
    code: str | None
    random: Random
    calendar: Calendar
    until: datetime
    moment: datetime
    opener: str | None = None
    parent: Story | None = None
    personal: dict[str, str] = field(default_factory=dict)
    events: list[DemoEvent] = field(default_factory=list)
    ended_at: datetime | None = None

    def end(self) -> None:
        """It has come to its end; what follows is said afterwards."""
        self.ended_at = self.events[-1].at

    def wait(self, days: int) -> None:
        """Pass so many working days, at a working hour; with 0 a while on the same day."""
        if days == 0:
            later = self.moment + timedelta(minutes=self.random.randint(15, 100))
            late = later.time() > time(17, 45) or later.date() > self.moment.date()
            self.moment = self.moment + timedelta(minutes=3) if late else later
            return
        day = self.calendar.add_working_days(self.moment.date(), days).due
        self.moment = working_hour(day, self.random)

    def do(self, act: str, part: str, who: str | None = None, **data: Any) -> None:
        """Somebody does something now. Raises NotYet where now lies after the demo's today."""
        if self.moment >= self.until:
            raise NotYet
        given = {name: value for name, value in data.items() if value not in (None, "", {}, [])}
        name = "" if who is not None or part == "site" else ENTERPRISE
        self.events.append(DemoEvent(self.moment, act, part, who, name, given))

    def end_children(self, children: Sequence[Story]) -> bool:
        """As `end_child` for all of them in the order in which they ended; False where some have not."""
        ended = [child for child in children if child.ended_at is not None]
        for child in sorted(ended, key=lambda child: (child.ended_at, child.key)):
            self.end_child(child)
        return len(ended) == len(children)

    def branch(self, key: str, type_id: str, title: str, opener: str | None = None) -> Story:
        """A case below this one, told from the same moment on; its opening is the next thing in it."""
        return Story(
            key,
            type_id,
            title,
            self.code,
            self.random,
            self.calendar,
            self.until,
            self.moment,
            opener,
            self,
        )

    def end_child(self, child: Story, phase: str = "closed") -> None:
        """The site notes that a case below this one has ended; the story goes on from there."""
        self.moment = max(self.moment, child.ended_at or child.moment)
        self.do("child_closed", "site", child={"case": child.key, "type": child.type, "phase": phase})

    def told(self) -> DemoCase:
        return DemoCase(
            self.key,
            self.type,
            self.title,
            self.code,
            self.opener,
            self.parent.key if self.parent else None,
            dict(self.personal),
            tuple(self.events),
        )


def working_hour(day: date, random: Random) -> datetime:
    """A moment between half past eight and half past five."""
    minutes = random.choice((random.randint(0, 205), random.randint(330, 540)))
    return datetime.combine(day, time(8, 30), CHINA) + timedelta(minutes=minutes)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), CHINA)


def working_days(calendar: Calendar, first: date, last: date) -> list[date]:
    """The working days of a period, both its ends with it."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if calendar.is_working_day(day)]


def working_day_before(calendar: Calendar, day: date, count: int) -> date:
    """The working day that lies so many working days back."""
    while count:
        day -= timedelta(days=1)
        count -= calendar.is_working_day(day)
    return day
