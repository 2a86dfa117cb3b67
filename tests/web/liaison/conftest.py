"""A small city with three officers; today is 3 November 2026, a Tuesday in the fourth quarter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from web.clock import hold_clock

if TYPE_CHECKING:
    from django.test import Client

    from muheng.web.liaison.models import Pairing
    from muheng.web.people.models import User
    from web.population import Population

NOW = datetime(2026, 11, 3, 10, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
TODAY = NOW.date()


@dataclass(frozen=True)
class Town:
    """The population, and who visits: two officers of the first county, one of the whole city."""

    people: Population
    east: User
    east_too: User
    roving: User

    @property
    def chief(self) -> User:
        return self.people.chief

    def enterprise(self, number: int) -> Any:
        return self.people.enterprises[number]

    def pair(self, number: int, officer: User, since: date = date(2026, 10, 1)) -> Pairing:
        from muheng.web.liaison import actions

        return actions.pair(None, self.enterprise(number), officer, since=since, at=NOW)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    return hold_clock(monkeypatch, NOW)


@pytest.fixture
def town(db: None, clock: object) -> Town:
    from muheng.web.people.actions import appoint, make_person, take_roles
    from muheng.web.registry.models import Enterprise
    from web.population import PASSWORD, make_city

    people = make_city()
    roles = take_roles()
    officers = []
    for username, name, place in (
        ("east", "联络沈", people.counties[0]),
        ("east_too", "联络韩", people.counties[0]),
        ("roving", "联络杨", people.department),
    ):
        officer = make_person(username, name, PASSWORD)
        appoint(officer, roles["liaison_officer"], place)
        officers.append(officer)
    officers[0].phone = "0555-8320000"
    officers[0].save()
    for number, enterprise in enumerate(people.enterprises):
        Enterprise.objects.filter(pk=enterprise.pk).update(
            longitude=118.4 + number % 4 / 100, latitude=31.5 + number % 3 / 100
        )
        enterprise.refresh_from_db()
    return Town(people, *officers)


@pytest.fixture
def login() -> Callable[[Any], Client]:
    from django.test import Client

    def log_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in
