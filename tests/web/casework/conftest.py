"""What tests of casework share: a window for a person, and offices with somebody in each chair."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from web.casework.offices import Offices


@pytest.fixture
def login() -> Callable[[Any], Client]:
    from django.test import Client

    def log_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def offices(db: None) -> Offices:
    from web.casework.offices import make_offices

    return make_offices()
