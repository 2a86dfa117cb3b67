"""The town of the emergency room; now is a morning two days before the bad air."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from web.emergency.population import NOW, Town, make_town


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    from django.utils import timezone

    def set_now(now: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now)

    set_now(NOW)
    return set_now


@pytest.fixture
def town(db: None, clock: object) -> Town:
    return make_town()
