"""The site's clock held still, and moved by the test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest


def hold_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Callable[[datetime], None]:
    """The site's time is `now`; gives what sets it to another moment."""
    from django.utils import timezone

    def set_now(now: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now)

    set_now(now)
    return set_now
