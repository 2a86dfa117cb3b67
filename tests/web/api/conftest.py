"""Programs with keys. Django is set up after this file is read: imports are inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from web.population import Population


@pytest.fixture
def city(db: None) -> Population:
    from web.population import make_city

    return make_city()


@pytest.fixture
def program(city: Population) -> Any:
    """``program("clerk")``: a client with that person's key."""
    from django.test import Client

    from muheng.web.people.actions import make_token

    def make(who: str) -> Client:
        return Client(headers={"Authorization": f"Bearer {make_token(city.people[who], 'test')}"})

    return make
