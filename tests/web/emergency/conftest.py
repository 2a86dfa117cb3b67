"""The town of the emergency room; now is a morning two days before the bad air."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from web.clock import hold_clock
from web.emergency.population import NOW, Town, make_town


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    return hold_clock(monkeypatch, NOW)


@pytest.fixture
def town(db: None, clock: object) -> Town:
    return make_town()
