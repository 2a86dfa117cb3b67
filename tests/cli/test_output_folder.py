"""A folder is written whole or not at all, and what others put there stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from muheng.cli.answer import Failure
from muheng.cli.output import fill_folder

NAMES = ("a.txt", "b.txt", "c", "mark")


def fill(target: Path, text: str) -> None:
    with fill_folder(target, NAMES, "mark") as folder:
        for name in ("a.txt", "b.txt", "mark"):
            (folder / name).write_text(text, encoding="utf-8")


def stumble(target: Path) -> None:
    """The work fails when half of it is written."""
    with fill_folder(target, NAMES, "mark") as folder:
        (folder / "a.txt").write_text("新", encoding="utf-8")
        raise ZeroDivisionError


def held(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file()}


def test_a_failure_on_the_way_leaves_everything_as_it_was(tmp_path: Path) -> None:
    for target in (tmp_path / "新 的", tmp_path / "已有"):
        if target.name == "已有":
            fill(target, "旧")
        before = held(target) if target.exists() else None
        with pytest.raises(ZeroDivisionError):
            stumble(target)
        assert (held(target) if target.exists() else None) == before
        assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_what_this_run_does_not_write_goes_and_the_rest_stays(tmp_path: Path) -> None:
    fill(tmp_path, "旧")
    (tmp_path / "c").mkdir()
    (tmp_path / "笔记.md").write_text("留", encoding="utf-8")
    fill(tmp_path, "新")
    assert held(tmp_path) == {"a.txt": "新", "b.txt": "新", "mark": "新", "笔记.md": "留"}
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt", "mark", "笔记.md"]


def test_a_file_that_cannot_be_replaced_brings_the_old_ones_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "旧")
    rename, calls = Path.rename, 0

    def busy(self: Path, target: Path) -> Path:
        """As a workbook that is open in Excel: the second new file is refused its place, once."""
        nonlocal calls
        calls += 1
        if calls == 5:
            raise PermissionError(13, "Permission denied", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(Failure) as refused:
        fill(tmp_path, "新")
    assert refused.value.kind == "output"
    assert held(tmp_path) == {"a.txt": "旧", "b.txt": "旧", "mark": "旧"}
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt", "mark"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system where nobody may write")
def test_a_place_where_nobody_may_write(tmp_path: Path) -> None:
    for target in (Path("/proc/muheng"), Path("/proc/self/muheng/out")):
        with pytest.raises(Failure) as refused, fill_folder(target, NAMES, "mark"):
            pytest.fail("the work began")
        assert refused.value.kind == "output"
