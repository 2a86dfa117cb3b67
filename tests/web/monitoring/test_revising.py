"""An hour that was over the limit and is sent again below it: the last value counts, and it is a suspicion."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from web.monitoring.rows import make_rows, put_fresh
from web.monitoring.works import NOW, NOX, Works

OXYGEN = "a19001"
MORNING = datetime(2026, 11, 20, 8)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path, settings: object) -> Path:
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    return tmp_path / "monitoring"


def send(works: Works, store: Path, serial: int, nox: list[float], flag: str = "N") -> None:
    from muheng.web.monitoring.taking import take_fresh

    times = [MORNING + at * HOUR for at in range(len(nox))]
    rows = make_rows(works.devices[0].mn, "hour", times, {NOX: nox, OXYGEN: [6.0] * len(nox)}, flag=flag)
    put_fresh(store, serial, rows)
    take_fresh(NOW)


def test_what_was_over_and_is_no_more(works: Works, store: Path) -> None:
    from muheng.web.monitoring.judging import judge_due
    from muheng.web.monitoring.models import Suspicion

    send(works, store, 1, [80.0, 90.0, 20.0])
    assert not Suspicion.objects.filter(kind="revised").exists()
    send(works, store, 2, [30.0, 31.0, 19.0])
    (seen,) = Suspicion.objects.filter(kind="revised")
    assert (seen.point, seen.factor, seen.end - seen.begin) == (works.stack, NOX, 2 * HOUR)
    assert "80" in seen.seen["zh"]
    assert "30" in seen.seen["en"]
    while judge_due(NOW):
        pass
    seen.refresh_from_db()
    assert not seen.gone


def test_a_flag_that_takes_it_away_is_one_too(works: Works, store: Path) -> None:
    from muheng.web.monitoring.models import Suspicion

    send(works, store, 1, [80.0])
    send(works, store, 2, [80.0], flag="M")
    assert Suspicion.objects.get(kind="revised").seen["zh"].count("M") == 1


def test_other_corrections_are_none(works: Works, store: Path) -> None:
    from muheng.web.monitoring.models import Suspicion

    send(works, store, 1, [80.0, 20.0])
    send(works, store, 2, [80.0, 25.0])
    send(works, store, 3, [95.0, 90.0])
    assert not Suspicion.objects.filter(kind="revised").exists()
