"""Stored files: by their content, once, whole, under a name that harms nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from muheng.web.files.actions import clean_name, folder_path, store, store_folder
from muheng.web.files.models import StoredFile
from muheng.web.files.pages import download

pytestmark = pytest.mark.django_db


def drafts() -> list[Path]:
    return list(Path(settings.MEDIA_ROOT).rglob(".draft-*"))


@pytest.mark.parametrize("way", ["whole", "path", "pieces"])
def test_what_was_stored_is_there(tmp_path: Path, way: str) -> None:
    content = bytes(range(256)) * 5000
    source = tmp_path / "表.xlsx"
    source.write_bytes(content)
    pieces = (content[at : at + 1000] for at in range(0, len(content), 1000))
    file = store({"whole": content, "path": source, "pieces": pieces}[way], "表.xlsx")
    assert file.path.read_bytes() == content
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.size == len(content)


def test_the_same_content_is_kept_once_under_its_names() -> None:
    first, second = store(b"same", "甲.xlsx"), store(b"same", "乙.xlsx")
    assert first.path == second.path
    assert {file.name for file in StoredFile.objects.all()} == {"甲.xlsx", "乙.xlsx"}


def test_a_file_that_breaks_off_leaves_nothing() -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store(broken(), "半个.xlsx")
    assert not StoredFile.objects.exists()
    assert drafts() == []


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\表格\\税务局.xlsx", "税务局.xlsx"),
        ("a\x00b\n.xlsx", "ab.xlsx"),
        ("\u202excod.exe", "xcod.exe"),
        ('"<b>".xlsx', "b.xlsx"),
        (" . ", "未命名"),
        ("", "未命名"),
    ],
)
def test_names_are_cleaned(given_name: str, kept: str) -> None:
    assert clean_name(given_name) == kept


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_can_be_kept(name: str) -> None:
    cleaned = clean_name(name)
    assert 0 < len(cleaned) <= 200
    assert not set(cleaned) & set('/\\\0\r\n"<>')
    assert clean_name(cleaned) == cleaned


def test_a_download_is_saved_never_shown() -> None:
    answer = download(store(b"<script>alert(1)</script>", "页面.html"))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_folder_is_named_by_its_files() -> None:
    def fill(folder: Path) -> None:
        (folder / "b.txt").write_text("二")
        (folder / "a.txt").write_text("一")

    def other(folder: Path) -> None:
        (folder / "a.txt").write_text("一")
        (folder / "c.txt").write_text("二")

    digest = store_folder(fill)
    assert store_folder(fill) == digest
    assert store_folder(other) != digest
    assert {file.name: file.read_text() for file in folder_path(digest).iterdir()} == {
        "a.txt": "一",
        "b.txt": "二",
    }


def test_a_folder_that_breaks_off_leaves_nothing() -> None:
    def broken(folder: Path) -> None:
        (folder / "a.txt").write_text("一")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        store_folder(broken)
    assert drafts() == []


def test_a_long_name_is_one_that_a_file_system_takes(tmp_path: Path) -> None:
    """Departments write whole sentences; a letter of theirs has three bytes."""
    cleaned = clean_name("关于报送二〇二五年度工业企业亩均效益评价基础数据的函附件" * 5 + ".xlsx")
    assert cleaned.endswith("附件.xlsx")
    (tmp_path / cleaned).write_bytes(b"")
