"""Segments: what was appended is read again, what a crash left is cut, what was changed is found and said where."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.monitoring.store import segments
from muheng.monitoring.store.segments import (
    Record,
    SegmentWriter,
    StoreError,
    list_segments,
    read_record,
    read_seal,
    read_segment,
    seal_path,
    segment_path,
    verify_segments,
)

NOON = 1_790_000_000_000_000
A_DAY = 86_400_000_000


def make(number: int, raw: bytes = b"##0002ab", verdict: str = "", at: int = NOON) -> Record:
    return Record(at + number, f"MN{number}", "192.0.2.1:9", verdict, raw)


def read_all(folder: Path) -> list[Record]:
    return [record for path in list_segments(folder) for _, record in read_segment(path)]


def write(folder: Path, batches: list[list[Record]], limit: int = 1 << 20) -> None:
    with SegmentWriter(folder, limit) as writer:
        for batch in batches:
            writer.append(batch)


records = st.builds(
    Record,
    st.integers(NOON, NOON + 10**9),
    st.text(max_size=30),
    st.text(max_size=20),
    st.sampled_from(["", "crc", "length crc"]),
    st.binary(max_size=60) | st.just(segments.BATCH * 5),
)


@given(st.lists(st.lists(records, max_size=3), max_size=4), st.integers(100, 2000))
def test_what_was_appended_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Record]], limit: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    with SegmentWriter(folder, limit) as writer:
        places = [place for batch in batches for place in writer.append(batch)]
    given = [record for batch in batches for record in batch]
    assert read_all(folder) == given
    assert [read_record(segment_path(folder, place.segment), place.offset) for place in places] == given
    assert verify_segments(folder) == []


def test_reading_begins_anywhere(tmp_path: Path) -> None:
    write(tmp_path, [[make(1), make(2)], [make(3)], [make(4)]])
    (path,) = list_segments(tmp_path)
    everything = list(read_segment(path))
    size = path.stat().st_size
    for offset in range(size + 1):
        assert list(read_segment(path, offset)) == [each for each in everything if each[0].offset >= offset]


def test_days_and_full_files_begin_new_ones_and_the_seals_link_them(tmp_path: Path) -> None:
    later = [make(3, at=NOON + A_DAY)]
    write(tmp_path, [[make(1)], [make(2, verdict="crc")], later, [make(4)]], limit=100)
    names = [f"{path.parent.name}/{path.stem}" for path in list_segments(tmp_path)]
    # A clock that goes back opens no earlier day.
    assert names == [
        "2026-09-21/000001", "2026-09-21/000002", "2026-09-22/000003", "2026-09-22/000004"
    ]  # fmt: skip
    seal = read_seal(list_segments(tmp_path)[1])
    assert seal is not None
    assert (seal["records"], seal["verdicts"]) == (1, {"crc": 1})
    assert seal["begin"] == "2026-09-21T22:13:20.000002+08:00"
    assert read_seal(list_segments(tmp_path)[3]) is None
    assert verify_segments(tmp_path) == []


def test_a_crash_at_any_byte_costs_only_the_batch_it_was_writing(tmp_path: Path) -> None:
    batches = [[make(1), make(2)], [make(3, segments.BATCH + bytes(9))]]
    whole = tmp_path / "whole"
    write(whole, batches)
    (path,) = list_segments(whole)
    data = path.read_bytes()
    ends = [batch.end for batch in segments.walk_batches(data)]
    for cut in range(len(data)):
        folder = tmp_path / str(cut)
        torn = folder / path.relative_to(whole)
        torn.parent.mkdir(parents=True)
        torn.write_bytes(data[:cut])
        kept = sum(end <= cut for end in ends)
        with SegmentWriter(folder) as writer:
            writer.append([make(9)])
        assert read_all(folder) == [record for batch in batches[:kept] for record in batch] + [make(9)]
        assert verify_segments(folder) == []


def test_every_changed_byte_is_found_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, [[make(1)], [make(2)], [make(3)], [make(4)]], limit=250)
    first, second = list_segments(tmp_path)
    for path in (first, second, seal_path(first)):
        data = path.read_bytes()
        for at in range(0, len(data), 3):
            path.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
            found = verify_segments(tmp_path)
            assert found, (path, at)
            if path == first and at >= segments.BEGIN:
                (place,) = [finding.offset for finding in found if finding.offset is not None]
                assert place <= at
        path.write_bytes(data)
    assert verify_segments(tmp_path) == []


def test_damage_hides_only_its_own_batch_and_is_not_cut_off(tmp_path: Path) -> None:
    write(tmp_path, [[make(1)], [make(2)], [make(3)]])
    (path,) = list_segments(tmp_path)
    data = bytearray(path.read_bytes())
    place = next(place for place, record in read_segment(path) if record.mn == "MN2")
    data[place.offset + 3] ^= 1
    path.write_bytes(data)
    assert [record.mn for record in read_all(tmp_path)] == ["MN1", "MN3"]
    write(tmp_path, [[make(4)]])
    assert path.read_bytes()[: len(data)] == data
    assert [record.mn for record in read_all(tmp_path)] == ["MN1", "MN3", "MN4"]
    (finding,) = verify_segments(tmp_path)
    assert finding.offset is not None
    assert finding.offset <= place.offset


def test_a_missing_segment_and_a_replaced_one_are_found(tmp_path: Path) -> None:
    write(tmp_path, [[make(number)] for number in range(6)], limit=100)
    paths = list_segments(tmp_path)
    other = tmp_path.parent / (tmp_path.name + "-other")
    write(other, [[make(number + 100)] for number in range(6)], limit=100)
    for path in (paths[2], seal_path(paths[2])):
        path.write_bytes((other / path.relative_to(tmp_path)).read_bytes())
    # Whole in itself, with a seal that fits; but the chain leads elsewhere on both sides.
    assert [finding.file[-1] for finding in verify_segments(tmp_path)] == ["3", "4"]
    paths[2].unlink()
    assert [str(finding.what) for finding in verify_segments(tmp_path)] == ["缺第 3 至 3 段。"]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with SegmentWriter(tmp_path) as writer:
        writer.append([make(1)])

        def write_half(file: int, data: bytes) -> int:
            if len(data) > 80:
                return real(file, data[:50])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", write_half)
        with pytest.raises(StoreError, match="磁盘满了"):
            writer.append([make(2)])
        monkeypatch.setattr(os, "write", real)
        writer.append([make(3)])
    assert read_all(tmp_path) == [make(1), make(3)]
    assert verify_segments(tmp_path) == []


def test_after_a_failed_sync_nothing_is_taken_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with SegmentWriter(tmp_path) as writer:
        writer.append([make(1)])
        monkeypatch.setattr(os, "fdatasync", fail)
        with pytest.raises(StoreError, match="磁盘读写出错"):
            writer.sync()
        monkeypatch.undo()
        with pytest.raises(StoreError):
            writer.append([make(2)])


def test_there_is_one_writer(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path), pytest.raises(StoreError, match="另一个"):
        SegmentWriter(tmp_path)
    with SegmentWriter(tmp_path):
        pass


def test_a_seal_says_what_it_seals(tmp_path: Path) -> None:
    write(tmp_path, [[make(1)], [make(2)]], limit=100)
    path = list_segments(tmp_path)[0]
    seal = json.loads(seal_path(path).read_text(encoding="utf-8"))
    assert seal["bytes"] == path.stat().st_size
    assert seal["last_link"] == path.read_bytes()[-32:].hex()
