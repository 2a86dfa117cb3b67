"""What the receiver knows again after a restart: means that are there are not asked for, packets not kept twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from receiver_line import QUICK, Line, passive, receive, wait_for

from monitored_devices import DEVICES, NEW, NOON, OLD, data
from muheng.monitoring.dialogue.conversation import Host
from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.dialogue.times import SECOND, local_time
from muheng.monitoring.hj212.moments import write_moment
from muheng.monitoring.store.segments import Record, SegmentWriter
from muheng.monitoring.store.values import COLUMNS, write_part
from muheng.wire.recalling import recall_intervals, recall_packets
from muheng.wire.receiver import now_micros


def put_values(store: Path, kind: str, minutes: list[int], mn: str = NEW, now: int = NOON) -> None:
    """An interval so many minutes before now each."""
    times = [local_time(now) - timedelta(minutes=back) for back in minutes]
    rows = pl.DataFrame({"mn": mn, "kind": kind, "time": times, "factor": "a21026", "value": 1.0})
    write_part(store, 1, rows.select(pl.col(name) if name in rows else pl.lit(None).alias(name) for name in COLUMNS).cast(COLUMNS))  # fmt: skip


def test_means_in_the_store_are_not_missed(tmp_path: Path) -> None:
    put_values(tmp_path, "minute", [back for back in range(10, 24 * 60, 10) if back != 600])
    host = Host(Settings(), DEVICES, NOON)
    asyncio.run(recall_intervals(host, tmp_path, NOON))
    # Only what is between the first and now, and not there.
    (stretch,) = host.contacts[NEW].find_missing(NOON)
    assert (stretch.command, stretch.count, stretch.end - stretch.begin) == ("2051", 1, 600)
    assert not list(host.contacts[OLD].find_missing(NOON))


def test_hours_and_days_are_recalled_as_far_back_as_they_are_asked_for(tmp_path: Path) -> None:
    put_values(tmp_path, "hour", [back * 60 for back in range(1, 24 * 10) if back != 50])
    put_values(tmp_path, "day", [720 + back * 1440 for back in range(1, 30) if back not in (3, 4)], OLD)
    host = Host(Settings(), DEVICES, NOON)
    asyncio.run(recall_intervals(host, tmp_path, NOON))
    (hours,) = host.contacts[NEW].find_missing(NOON)
    assert (hours.command, hours.count) == ("2061", 1)
    (days,) = host.contacts[OLD].find_missing(NOON)
    assert (days.command, days.count) == ("2031", 2)


def test_only_the_last_segments_are_read_again(tmp_path: Path) -> None:
    packets = [data(at=NOON + number * SECOND).rstrip() for number in range(100)]
    with SegmentWriter(tmp_path, limit=5000) as writer:
        for number, packet in enumerate(packets):
            writer.append([Record(NOON + number, NEW, "192.0.2.1:7", "", packet)])
    host = Host(Settings(), DEVICES, NOON)
    recall_packets(host, tmp_path, 4000, NOON)
    known = [host.contacts[NEW].repeats.meet(packet) for packet in packets]
    assert not known[0]
    assert known[-5:] == [True] * 5


def test_a_gap_of_earlier_is_asked_for_and_filled(tmp_path: Path) -> None:
    now = now_micros()
    # The interval that began at least 100 minutes ago is not there.
    begin = now - now % (600 * SECOND)
    put_values(tmp_path, "minute", [back for back in range(0, 200, 10) if back != 100], now=begin)
    with receive(tmp_path, passive(fill_gaps=True, gap_pause=0)) as receiving, Line(receiving.port) as line:
        line.say(data(at=now))
        _, asked = line.hear(2)
        lost = begin - 6000 * SECOND
        assert asked.header["CN"] == "2051"
        assert asked.cp == {
            "BeginTime": write_moment(local_time(lost)),
            "EndTime": write_moment(local_time(lost + 600 * SECOND)),
        }
        line.say(data(NEW, "2051", now + SECOND, time=write_moment(local_time(lost))))
        line.hear()
        wait_for(lambda: receiving.state["counts"].get("gap_requests") == 1)


def test_a_damaged_store_does_not_stop_the_receiver(tmp_path: Path) -> None:
    folder = tmp_path / "values" / f"day={local_time(now_micros()).date()}"
    folder.mkdir(parents=True)
    (folder / "minute.0.00000001.00000001.parquet").write_bytes(b"no Parquet")
    told: list[str] = []
    with (
        receive(tmp_path, tell=lambda message: told.append(str(message))) as receiving,
        Line(receiving.port) as line,
    ):
        wait_for(lambda: told)
        line.say(data())
        assert line.hear()


def test_a_state_that_cannot_be_written_does_not_stop_the_receiver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with receive(tmp_path, limits=QUICK, tell=lambda message: told.append(str(message))) as receiving:
        (tmp_path / "state.draft").mkdir()
        wait_for(lambda: told)
        with Line(receiving.port) as line:
            line.say(data())
            assert line.hear()
    assert len(told) == 1
