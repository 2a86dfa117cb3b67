"""Digest: every value that was taken is in the store once, whatever is interrupted when, and however it was sent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from store_frames import MN, START, make_records, received

from muheng.monitoring.dialogue.devices import Device, write_devices
from muheng.monitoring.hj212.encoding import encode
from muheng.monitoring.store import digest as digesting
from muheng.monitoring.store import rows as rows_module
from muheng.monitoring.store import values
from muheng.monitoring.store.digest import digest
from muheng.monitoring.store.quarantine import list_quarantine
from muheng.monitoring.store.rows import read_rows
from muheng.monitoring.store.segments import Place, Record, SegmentWriter, StoreError
from muheng.monitoring.store.values import list_fresh, list_parts, read_values

NOW = START + timedelta(minutes=10)
FACTORS = {"a34013": {"Rtd": "12.3", "Flag": "N"}, "a19001": {"Rtd": "6.0", "ZsRtd": "7.1", "Flag": "N"}}
LONG = {f"a{number:05d}": {"Avg": f"{number}.5", "Flag": "N"} for number in range(80)}
KEY = bytes(range(16))


def receive(store: Path, *batches: list[Record]) -> None:
    with SegmentWriter(store / "segments") as writer:
        for batch in batches:
            writer.append(batch)


def read(store: Path, kind: values.Kind = "realtime") -> pl.DataFrame:
    return read_values(store, kind, START - timedelta(days=40), START + timedelta(days=2))


def facts(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.select("time", "factor", "value", "converted", "flag", "late").rows()


def test_values_of_every_kind(tmp_path: Path) -> None:
    day = START.replace(hour=0) - timedelta(days=1)
    means = {"a21026": {"Min": "1", "Avg": "2.5", "Max": "4", "Cou": "0.125", "ZsAvg": "3"}}
    receive(
        tmp_path,
        make_records(START, FACTORS),
        make_records(START, means, "minute", delay=timedelta(minutes=10)),
        make_records(START, means, "hour", delay=timedelta(hours=1)),
        make_records(day, means, "day", delay=timedelta(days=1)),
        make_records(START, {"SB1": {"RS": "1"}}, "status"),
        make_records(START, {"SB1": {"RT": "1.3"}}, "day")[:0],
    )
    found = digest(tmp_path, NOW)
    assert (found.records, found.rows) == (5, 6)
    assert facts(read(tmp_path)) == [
        (START, "a19001", 6.0, 7.1, "N", False),
        (START, "a34013", 12.3, None, "N", False),
    ]
    for kind, at in (("minute", START), ("hour", START), ("day", day)):
        row = read(tmp_path, kind).row(0, named=True)  # type: ignore[arg-type]
        assert (row["mn"], row["kind"], row["time"]) == (MN, kind, at)
        figures = [row[name] for name in ("value", "least", "most", "total", "converted")]
        assert figures == [2.5, 1, 4, 0.125, 3]
        assert row["segment"] == "2026-11-20/000001"
    assert read(tmp_path, "status")["value"].to_list() == [1]


def test_what_was_received_last_counts(tmp_path: Path) -> None:
    receive(tmp_path, make_records(START, {"a34013": {"Rtd": "1"}}))
    digest(tmp_path, NOW)
    receive(
        tmp_path,
        make_records(START, {"a34013": {"Rtd": "3"}}, delay=timedelta(seconds=9)),
        make_records(START, {"a34013": {"Rtd": "2"}}, delay=timedelta(seconds=5)),
    )
    digest(tmp_path, NOW)
    assert read(tmp_path)["value"].to_list() == [3]
    assert [serial for serial, _ in list_fresh(tmp_path)] == [1, 2]
    values.compact(tmp_path, START.date())
    assert read(tmp_path)["value"].to_list() == [3]


def test_a_clock_gone_astray_does_not_fill_the_store(tmp_path: Path) -> None:
    years = (1, 1970, 2010, 2018, 2026, 2027, 2028, 9999)
    header = {"ST": "31", "CN": "2011", "MN": MN, "Flag": "4"}
    records = []
    for year in years:
        packet = encode(header, f"DataTime={year:04d}1120080000;a34013-Rtd=1")
        records.append(Record(received(START), MN, "", "", packet.removesuffix(b"\r\n")))
    receive(tmp_path, records)
    assert digest(tmp_path, NOW).records == len(years)
    assert [day.year for day in values.list_days(tmp_path)] == [2018, 2026, 2027]


def test_late_is_marked_or_long_after_its_time(tmp_path: Path) -> None:
    receive(
        tmp_path,
        make_records(START, FACTORS, edition=2025, RF="1"),
        make_records(START + timedelta(minutes=1), FACTORS, delay=timedelta(minutes=16)),
        make_records(START + timedelta(minutes=2), FACTORS, delay=timedelta(minutes=14)),
    )
    digest(tmp_path, NOW)
    assert read(tmp_path).filter(pl.col("factor") == "a34013")["late"].to_list() == [True, True, False]


def test_quarantined_frames_give_no_values_and_are_listed(tmp_path: Path) -> None:
    (good,) = make_records(START + timedelta(seconds=30), FACTORS)
    first, second, other = (
        record._replace(verdict="crc password", received=record.received + number, mn=mn)
        for number, mn in enumerate((MN, MN, "other"))
        for record in make_records(START, FACTORS)
    )
    receive(tmp_path, [first], [good])
    assert [refused.place for refused in list_quarantine(tmp_path, START, NOW)] == [
        Place("2026-11-20/000001", 60)
    ]
    assert digest(tmp_path, NOW).rows == 2
    receive(tmp_path, [second], [other])
    # One was noted by the digest, the others are read from the segment; the newest is first.
    for _ in range(2):
        found = list_quarantine(tmp_path, START, NOW, mn=MN)
        assert [(each.mn, each.reasons, each.raw) for each in found] == [
            (MN, ("crc", "password"), second.raw),
            (MN, ("crc", "password"), first.raw),
        ]
        assert [each.mn for each in list_quarantine(tmp_path, START, NOW, most=2)] == ["other", MN]
        digest(tmp_path, NOW)
    assert list_quarantine(tmp_path, NOW, NOW + timedelta(days=1)) == []
    # As a crash while noting leaves it, and the same noted again.
    (path,) = (tmp_path / "quarantine").iterdir()
    text = path.read_text()
    path.write_text(text + text[:-20] + "\n" + text)
    assert len(list_quarantine(tmp_path, START, NOW)) == 3


def test_old_codes_become_those_of_2017(tmp_path: Path) -> None:
    receive(tmp_path, make_records(START, {"011": {"Rtd": "40"}, "B01": {"Rtd": "2"}}, edition=2005))
    digest(tmp_path, NOW)
    assert read(tmp_path)["factor"].to_list() == ["w00000", "w01018"]


def test_columns_and_packets_one_by_one_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {
        "a34013": {"Rtd": "12.3", "Avg": "9", "Min": "-", "Flag": "N"},
        "011": {"Avg": "1e3", "Cou": "9" * 400},
        "LA": {"Rtd": "-3.25", "Max": ".5"},
        "w01018": {"Flag": "D"},
        "w01001": {"SampleTime": "20261120080000"},
    }
    records = [
        record
        for kind in ("realtime", "minute", "hour", "day", "status")
        for edition in (2005, 2017, 2025)
        for record in make_records(START, odd, kind, edition=edition)
    ]
    records += make_records(START, {"SB1": {"RS": "1", "Rtd": "2"}}, "status")
    broken = encode({"ST": "31", "CN": "2011", "MN": MN}, "DataTime=20269920080000;a34013-Rtd=1")
    records.append(Record(received(START), MN, "", "", broken.removesuffix(b"\r\n")))
    taken = [(Place("2026-11-20/000001", number), record) for number, record in enumerate(records)]
    together = read_rows(taken).rows
    monkeypatch.setattr(rows_module, "read_archive", lambda data, keys: iter(()))
    one_by_one = read_rows(taken).rows
    assert len(together) > 40
    order = list(values.COLUMNS)
    assert together.sort(order).equals(one_by_one.sort(order))


def test_parts_in_two_digests_are_joined(tmp_path: Path) -> None:
    parts = make_records(START, LONG, "hour", delay=timedelta(hours=1))
    assert len(parts) == 3
    for record in parts:
        receive(tmp_path, [record])
        digest(tmp_path, START + timedelta(hours=1, seconds=5))
    assert read(tmp_path, "hour").height == 80
    (path,) = [path for _, path in list_fresh(tmp_path)]
    assert pl.read_parquet(path).height == 80


def test_of_a_message_without_its_end_what_is_sure_is_kept(tmp_path: Path) -> None:
    first, second, _ = make_records(START, LONG, "hour", delay=timedelta(hours=1))
    receive(tmp_path, [second], [first])
    now = START + timedelta(hours=1, seconds=30)
    assert digest(tmp_path, now).rows == 0
    assert digest(tmp_path, now).rows == 0
    assert digest(tmp_path, now + timedelta(minutes=2)).rows == 0 + read(tmp_path, "hour").height
    factors = read(tmp_path, "hour")["factor"].to_list()
    # The second part's last factor may have been cut; the first part ends where the second begins.
    assert factors == sorted(LONG)[: len(factors)]
    assert 50 < len(factors) < 80
    assert digest(tmp_path, now + timedelta(minutes=4)).rows == 0


def test_enciphered_frames_wait_for_their_key(tmp_path: Path) -> None:
    receive(tmp_path, make_records(START, FACTORS, edition=2025, key=KEY))
    assert digest(tmp_path, NOW).rows == 0
    write_devices(tmp_path / "devices.csv", [Device(MN, "123456", key=KEY)])
    assert digest(tmp_path, NOW).rows == 2
    receive(tmp_path, make_records(START + timedelta(minutes=1), FACTORS, edition=2025, key=KEY))
    assert digest(tmp_path, NOW).rows == 2
    assert read(tmp_path).height == 4
    assert digest(tmp_path, NOW) == digesting.Digested(0, 0, [], digest(tmp_path, NOW).up_to)


def test_a_large_backlog_is_taken_in_pieces(tmp_path: Path) -> None:
    minutes = [START + timedelta(minutes=number) for number in range(10)]
    receive(tmp_path, *(make_records(minute, FACTORS) for minute in minutes))
    counts = []
    while (found := digest(tmp_path, NOW, most=4)).records:
        counts.append(found.records)
    assert counts == [4, 4, 2]
    assert read(tmp_path).height == 20


class Killed(BaseException):
    pass


STEPS = ("replace", "unlink", "mkdir")


def count_down(monkeypatch: pytest.MonkeyPatch, left: int) -> Iterator[int]:
    """The process ends before the file operation of this number."""
    state = {"left": left}
    for name in STEPS:
        real = getattr(Path, name)

        def act(self: Path, *args: Any, _real: Any = real, **kwargs: Any) -> Any:
            if not state["left"]:
                raise Killed
            state["left"] -= 1
            return _real(self, *args, **kwargs)

        monkeypatch.setattr(Path, name, act)
    yield left


def test_killed_between_any_two_file_operations_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "TOGETHER", 2)
    origin = tmp_path / "origin"
    origin.mkdir()
    write_devices(origin / "devices.csv", [])
    days = [START - timedelta(days=number) for number in (0, 3)]
    receive(origin, *(make_records(day, FACTORS) for day in days))
    digest(origin, NOW)
    long = make_records(START, LONG, "minute", delay=timedelta(minutes=69))
    receive(origin, *(make_records(day + timedelta(seconds=30), FACTORS) for day in days), long[:2])
    whole = None
    for step in range(100):
        store = tmp_path / str(step)
        shutil.copytree(origin, store)
        later = NOW + timedelta(hours=1)
        with monkeypatch.context() as patch:
            next(count_down(patch, step))
            try:
                digest(store, later)
                ended = True
            except Killed:
                ended = False
        seen = list_fresh(store)
        receive(store, long[2:])
        digest(store, later)
        digest(store, later)
        digest(store, later + timedelta(hours=1))
        result = [facts(read(store)), facts(read(store, "minute"))]
        if whole is None:
            whole = result
            assert [len(each) for each in whole] == [8, 80]
        assert result == whole
        fresh = pl.concat([pl.read_parquet(path) for _, path in list_fresh(store)])
        assert fresh.height == 88
        # What the site may have read already did not change under its number.
        assert [serial for serial, _ in seen] == [serial for serial, _ in list_fresh(store)][: len(seen)]
        shutil.rmtree(store)
        if ended:
            assert step > 10
            return
    pytest.fail("the digest never came to its end")


def test_many_files_become_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "TOGETHER", 3)
    monkeypatch.setattr(values, "ROWS_OF_FILE", 4)
    for number in range(9):
        mn = f"{number % 3:024X}"
        receive(tmp_path, make_records(START + timedelta(minutes=number), FACTORS, mn=mn))
        digest(tmp_path, NOW)
    before = read(tmp_path)
    assert {part.level for part in list_parts(tmp_path, START.date())} == {2}
    receive(tmp_path, make_records(START, {"a34013": {"Rtd": "99"}}, mn=f"{0:024X}", delay=timedelta(days=2)))
    digest(tmp_path, START + timedelta(days=2))
    # Over since yesterday: one file for each device here, so small is what memory holds.
    assert [(part.level, part.first, part.last) for part in list_parts(tmp_path, START.date())] == [
        (values.SETTLED, "00000001", "00000010")
    ] * 3
    changed = (pl.col("mn") == f"{0:024X}") & (pl.col("time") == START) & (pl.col("factor") == "a34013")
    columns = ["mn", "time", "factor", "value"]
    due = before.with_columns(pl.when(changed).then(99.0).otherwise("value").alias("value"))
    assert read(tmp_path)[columns].equals(due[columns])
    assert read_values(tmp_path, "realtime", START, NOW, [f"{1:024X}"]).height == 6


def test_plain_polars_reads_the_store(tmp_path: Path) -> None:
    receive(tmp_path, make_records(START, FACTORS))
    digest(tmp_path, NOW)
    frame = pl.scan_parquet(tmp_path / "values", hive_partitioning=True).collect()
    assert frame["day"].to_list() == [date(2026, 11, 20)] * 2
    assert frame.drop("day").schema == values.COLUMNS


def test_old_news_go_and_the_serial_grows_on(tmp_path: Path) -> None:
    for minute in (0, 1):
        receive(tmp_path, make_records(START + timedelta(minutes=minute), FACTORS))
        digest(tmp_path, NOW)
    now = datetime.now(UTC)
    for _, path in list_fresh(tmp_path):
        os.utime(path, ((now - timedelta(days=8)).timestamp(),) * 2)
    digest(tmp_path, now)
    assert [serial for serial, _ in list_fresh(tmp_path)] == [2]


def test_one_digest_at_a_time_and_a_spoiled_state_is_told(tmp_path: Path) -> None:
    with digesting._alone(tmp_path), pytest.raises(StoreError, match="另一个进程"):
        digest(tmp_path, NOW)
    (tmp_path / "digest.json").write_text("{")
    with pytest.raises(StoreError, match=r"digest\.json 读不出来"):
        digest(tmp_path, NOW)


def test_an_empty_store_has_nothing(tmp_path: Path) -> None:
    assert digest(tmp_path, NOW) == digesting.Digested(0, 0, [], None)
    assert read(tmp_path).schema == values.COLUMNS
    assert list_quarantine(tmp_path, START, NOW) == []
