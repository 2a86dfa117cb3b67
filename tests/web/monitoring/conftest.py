"""The watched outlets of the monitoring room; now is the morning after the last hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from web.clock import hold_clock
from web.monitoring.works import NOW, Works, make_works


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    return hold_clock(monkeypatch, NOW)


@pytest.fixture
def works(db: None, clock: object) -> Works:
    return make_works()
