"""A small city with banks, technology suppliers and agencies; today is 3 November 2026."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from web.matching.market import Market


@pytest.fixture
def market(db: None, monkeypatch: pytest.MonkeyPatch) -> Market:
    from django.utils import timezone

    from web.matching.market import NOW, make_market

    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return make_market()


@pytest.fixture
def login() -> Callable[[Any], Client]:
    from django.test import Client

    def log_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in
