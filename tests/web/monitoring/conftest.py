"""The watched outlets of the monitoring room; now is the morning after the last hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from web.monitoring.works import NOW, Works, make_works


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    from django.utils import timezone

    def set_now(now: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now)

    set_now(NOW)
    return set_now


@pytest.fixture
def works(db: None, clock: object) -> Works:
    return make_works()
