"""A small city whose first and last enterprises file each month since January 2025; today is 3 November 2026."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from web.clock import hold_clock

if TYPE_CHECKING:
    from django.test import Client

    from web.population import Population


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    from web.filing.figures import NOW

    return hold_clock(monkeypatch, NOW)


@pytest.fixture
def city(db: None, clock: object) -> Population:
    from muheng.web.filing import actions
    from muheng.web.filing.months import Month
    from web.filing.figures import NOW, USUAL
    from web.population import make_city

    city = make_city()
    first, last = city.enterprises[0], city.enterprises[-1]
    actions.oblige(city.clerk, [first, last], date(2025, 1, 1))
    past = {
        (enterprise, when): {name: value + when.month * value / 100 for name, value in USUAL.items()}
        for enterprise in (first, last)
        for when in Month(2025, 1).until(Month(2026, 9))
    }
    actions.take_past(city.clerk, past, at=NOW)
    return city


@pytest.fixture
def login() -> Callable[[Any], Client]:
    from django.test import Client

    def log_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in
