"""What somebody with a device, an account or a list in hand might try."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from web.monitoring.rows import make_rows, put_fresh
from web.monitoring.works import COD, NOW, NOX, Works

TODAY = datetime(2026, 11, 20)
HUGE = 1.7e308
FLOW, OXYGEN = "a00000", "a19001"


@pytest.fixture
def store(tmp_path: Path, settings: object) -> Path:
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    folder = tmp_path / "monitoring"
    folder.mkdir()
    return folder


def hostile(mn: str) -> list[pl.DataFrame]:
    """What the receiver takes, because its length and checksum are right."""
    minutes = [TODAY.replace(hour=7, minute=10 * each) for each in range(6)]
    return [
        make_rows(mn, "realtime", [minutes[-1]], {NOX: [HUGE], OXYGEN: [10.0], "a34013": [2.5]}),
        make_rows(mn, "minute", minutes, {NOX: [HUGE] * 6, FLOW: [HUGE] * 6}, totals={FLOW: [HUGE] * 6}),
        make_rows(mn, "hour", [TODAY], {NOX: [-HUGE], "a\0b": [1.0], "": [1.0], "9" * 300: [1.0]}),
        make_rows(mn, "hour", [TODAY], {"a21026": [12.5]}, flag="N\0" + "\ue000" * 900),
    ]


def test_a_device_that_sends_nonsense_holds_up_nobody(works: Works, store: Path) -> None:
    from muheng.web.monitoring.judging import judge_due
    from muheng.web.monitoring.models import Hour, Latest
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.monitoring.taking import take_fresh

    wrong, right = works.devices[0].mn, works.devices[2].mn
    put_fresh(store, 1, *hostile(wrong), make_rows(right, "hour", [TODAY], {COD: [44.0]}))
    assert take_fresh(NOW)[0] == 1
    taken = Hour.objects.get(point=works.water, time=to_aware(TODAY))
    assert taken.values[COD] == [44.0, "N", 60]
    latest = Latest.objects.get(point=works.stack)
    assert latest.values[NOX]["value"] is None
    assert latest.values["a34013"]["value"] == 2.5
    hour = Hour.objects.get(point=works.stack, time=to_aware(TODAY)).values
    assert hour[NOX][0] is None
    assert hour["a21026"][0] == 12.5
    assert hour["a21026"][1].startswith("N\ue000")
    assert {factor for factor in hour if not factor.isalnum() or len(factor) > 20} == set()
    assert judge_due(NOW) == 3


def test_a_clock_that_is_ahead_neither_stops_the_board_nor_fills_hours_beforehand(
    works: Works, store: Path
) -> None:
    from muheng.web.monitoring.models import Hour, Latest
    from muheng.web.monitoring.taking import take_fresh

    mn, ahead = works.devices[0].mn, TODAY + timedelta(days=300)
    put_fresh(
        store,
        1,
        make_rows(mn, "realtime", [ahead], {NOX: [1.0]}, received=TODAY),
        make_rows(mn, "hour", [ahead], {NOX: [1.0]}, received=TODAY),
    )
    take_fresh(NOW)
    assert not Hour.objects.filter(time__gt=NOW).exists()
    put_fresh(store, 2, make_rows(mn, "realtime", [TODAY], {NOX: [500.0]}))
    take_fresh(NOW)
    assert Latest.objects.get(point=works.stack).values[NOX]["value"] == 500.0
