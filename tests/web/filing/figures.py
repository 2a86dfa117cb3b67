"""The figures of a usual month, and the day on which the tests of filing stand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from muheng.web.filing.months import Month

NOW = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)
OCTOBER = Month(2026, 10)
USUAL = {
    "用电量": Decimal("30.5"),
    "综合能耗": Decimal("150"),
    "用水量": Decimal("1.2"),
    "一般固废产生量": Decimal("20"),
    "危险废物产生量": Decimal("1.1"),
    "工业总产值": Decimal("800"),
}


def texts(**changed: str) -> dict[str, str]:
    """A usual month as typed."""
    return {**{name: f"{value:f}" for name, value in USUAL.items()}, **changed}
