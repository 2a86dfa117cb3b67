"""Notes of what was refused are put away after a month."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from muheng.monitoring.store.quarantine import FOLDER, remove_notes


def test_old_notes_go_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    for name in ("2026-09-30.jsonl", "2026-10-01.jsonl", "2026-10-02.jsonl", "notes.txt"):
        (folder / name).touch()
    remove_notes(tmp_path, date(2026, 10, 1))
    assert {path.name for path in folder.iterdir()} == {"2026-10-01.jsonl", "2026-10-02.jsonl", "notes.txt"}
    remove_notes(tmp_path / "empty", date(2026, 10, 1))
