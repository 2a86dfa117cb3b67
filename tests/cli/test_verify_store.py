"""``muheng verify`` of what a receiver has kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from small_town import muheng

from muheng.monitoring.store.digest import digest
from muheng.monitoring.store.segments import Record, SegmentWriter, list_segments

RECEIVED = 1_790_000_000_000_000
A_DAY = 86_400_000_000


def receive(store: Path) -> list[Path]:
    """Two days, a segment each."""
    with SegmentWriter(store / "segments") as writer:
        for number in range(4):
            writer.append(
                [Record(RECEIVED + number // 2 * A_DAY, "M", "192.0.2.7:1", "", b"##0003%d..FFFF" % number)]
            )
    return list_segments(store / "segments")


def said(store: Path) -> list[tuple[str, int | None]]:
    outcome = muheng("verify", store, "--json")
    assert outcome.data["proved"] is (outcome.code == 0) is (outcome.data["findings"] == [])
    return [(each["file"], each["offset"]) for each in outcome.data["findings"]]


def test_a_store_is_whole_or_it_is_said_where_not(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    assert muheng("verify", tmp_path).code == 1
    assert "没有报文" in muheng("verify", tmp_path).out
    first, last = receive(tmp_path)
    assert said(tmp_path) == []
    while digest(tmp_path, datetime(2026, 9, 24)).records:
        pass
    assert said(tmp_path) == []
    kept = last.read_bytes()
    last.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    assert [name for name, _ in said(tmp_path)] == ["2026-09-22/000002"]
    # The last batch is gone, then the whole last segment: the chain of what is left is whole.
    size = 48 + (len(kept) - 48) // 2
    last.write_bytes(kept[:size])
    assert said(tmp_path) == [("2026-09-22/000002", size)]
    last.unlink()
    assert said(tmp_path) == [("2026-09-22/000002", None)]
    first.unlink()
    assert said(tmp_path) == [("2026-09-22/000002", None)]
    (tmp_path / "digest.json").write_text("{")
    assert said(tmp_path) == [("digest.json", None)]
