"""Files of the store become rows once, in order, late data too; what is lost is told and read again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from web.monitoring.rows import make_rows, put_fresh
from web.monitoring.works import COD, NOW, NOX, WATER, Works

FLOW, OXYGEN = "a00000", "a19001"
HOUR = timedelta(hours=1)
MORNING = datetime(2026, 11, 20, 8)


@pytest.fixture
def store(tmp_path: Path, settings: object) -> Path:
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    return tmp_path / "monitoring"


def hour_of(works: Works, time: datetime, which: str = "stack") -> object:
    from muheng.web.monitoring.models import Hour
    from muheng.web.monitoring.moments import to_aware

    return Hour.objects.filter(point=getattr(works, which), time=to_aware(time)).first()


def take() -> tuple[int, int]:
    from muheng.web.monitoring.taking import take_fresh

    return take_fresh(NOW)


def test_real_time_values_become_the_newest(works: Works, store: Path) -> None:
    from muheng.web.monitoring.models import Latest, Taken

    mn = works.devices[0].mn
    before, after = MORNING + timedelta(minutes=10), MORNING + timedelta(minutes=11)
    put_fresh(
        store,
        1,
        make_rows(mn, "realtime", [before, after], {NOX: [20.0, 30.0], OXYGEN: [9.0, 11.0]}),
        make_rows("F" * 24, "realtime", [after], {NOX: [1.0]}),
    )
    assert take() == (1, 4)
    latest = Latest.objects.get(point=works.stack)
    assert latest.values[NOX]["value"] == 30.0
    assert latest.values[NOX]["ratio"] == pytest.approx(30 * 15 / 10 / 50)
    assert latest.worst == pytest.approx(0.9)
    put_fresh(store, 2, make_rows(mn, "realtime", [before], {NOX: [99.0]}, received=after + HOUR))
    assert take() == (1, 1)
    again = Latest.objects.get(point=works.stack)
    assert again.values == latest.values
    assert again.seen_at > latest.seen_at  # type: ignore[operator]
    assert take() == (0, 0)
    assert list(Taken.objects.values_list("serial", "rows").order_by("serial")) == [(1, 5), (2, 1)]


def test_hours_are_kept_and_late_ones_replace(works: Works, store: Path) -> None:
    from muheng.web.monitoring.models import Latest, Point

    mn, old = works.devices[0].mn, datetime(2026, 11, 1, 5)
    Point.objects.update(stale=False)
    put_fresh(store, 1, make_rows(mn, "hour", [old, MORNING], {NOX: [77.0, 21.5]}))
    take()
    assert hour_of(works, MORNING).values == {NOX: [21.5, "N", 60]}  # type: ignore[attr-defined]
    late = hour_of(works, old).values  # type: ignore[attr-defined]
    assert late[NOX] == [77.0, "N", 60]
    assert OXYGEN in late
    assert list(Point.objects.filter(stale=True)) == [works.stack]
    hour = Latest.objects.get(point=works.stack).hour
    assert hour is not None
    assert hour.astimezone(NOW.tzinfo).replace(tzinfo=None) == MORNING
    Point.objects.update(stale=False)
    put_fresh(store, 2, make_rows(mn, "hour", [MORNING], {NOX: [21.5]}))
    take()
    assert not Point.objects.filter(stale=True).exists()


def test_hours_of_minutes_where_the_device_sends_none(works: Works, store: Path) -> None:
    mn, begin = works.devices[0].mn, MORNING - HOUR
    times = [begin + timedelta(minutes=10 * at) for at in range(6)]
    put_fresh(store, 1, make_rows(mn, "minute", times[:3], {NOX: [10.0, 20.0, 30.0]}))
    put_fresh(store, 2, make_rows(mn, "minute", [*times[3:], MORNING], {NOX: [10.0, 20.0, 30.0, 5.0]}))
    from muheng.web.monitoring.models import Hour

    Hour.objects.filter(point=works.stack, time__gte=NOW - timedelta(hours=9)).delete()
    take()
    assert hour_of(works, begin).values == {NOX: [20.0, "N", 60]}  # type: ignore[attr-defined]
    made = hour_of(works, MORNING)
    assert made.values == {NOX: [5.0, "N", 10]}  # type: ignore[attr-defined]
    assert made.of_minutes  # type: ignore[attr-defined]
    put_fresh(store, 3, make_rows(mn, "hour", [begin], {OXYGEN: [7.0]}))
    take()
    assert hour_of(works, begin).values == {OXYGEN: [7.0, "N", 60]}  # type: ignore[attr-defined]
    put_fresh(store, 4, make_rows(mn, "minute", times[:1], {NOX: [40.0]}))
    take()
    assert not hour_of(works, begin).of_minutes  # type: ignore[attr-defined]


def test_flows_by_their_totals(works: Works, store: Path) -> None:
    gas, water = works.devices[0].mn, works.devices[2].mn
    put_fresh(
        store,
        1,
        make_rows(gas, "hour", [MORNING], {FLOW: [10.0]}, totals={FLOW: [36_010.0]}),
        make_rows(
            water, "hour", [MORNING], {WATER: [30.0], COD: [41.0]}, totals={WATER: [108.4], COD: [4.4]}
        ),
    )
    take()
    assert hour_of(works, MORNING).values[FLOW][0] == 36_010.0  # type: ignore[attr-defined]
    found = hour_of(works, MORNING, "water").values  # type: ignore[attr-defined]
    assert (found[WATER][0], found[COD][0]) == (108.4, 41.0)
    put_fresh(store, 2, make_rows(gas, "hour", [MORNING], {FLOW: [20_000.0]}, totals={FLOW: [5e8]}))
    take()
    assert hour_of(works, MORNING).values[FLOW][0] == 20_000.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["missing", "garbled"])
def test_what_was_lost_is_told_and_read_again(works: Works, store: Path, how: str) -> None:
    from muheng.web.monitoring.models import Taken
    from muheng.web.notices.models import Notice

    mn = works.devices[0].mn
    for serial in (1, 2, 3):
        put_fresh(store, serial, make_rows(mn, "hour", [MORNING - serial * HOUR], {NOX: [serial * 1.5]}))
    lost = store / "fresh" / "00000002.parquet"
    if how == "missing":
        lost.unlink()
    else:
        lost.write_bytes(b"PAR1 nothing of the kind")
    take()
    for serial in (1, 2, 3):
        assert hour_of(works, MORNING - serial * HOUR).values[NOX][0] == serial * 1.5  # type: ignore[attr-defined]
    told = Notice.objects.filter(person=works.officer, room="monitoring")
    assert [notice.text for notice in told] == ["缺失的序号：2。请看磁盘空间和接收程序是否正常。"]
    assert Taken.objects.count() == 3
    assert take() == (0, 0)
