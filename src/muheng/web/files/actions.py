"""Keep a file, or a folder of files, under the digest of its content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from muheng.web.files.models import StoredFile, content_path

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]')

# What every file system takes as one name; the end is kept, as it says the kind. Chinese has three bytes a letter.
_MOST_BYTES = 200


def clean_name(name: str) -> str:
    """A file's name without folders, control characters or what turns the direction of writing."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    kept = _FORBIDDEN.sub("", last).encode(errors="ignore")[-_MOST_BYTES:].decode(errors="ignore")
    return kept.strip(" .") or "未命名"


def store(content: bytes | Path | Iterable[bytes], name: str, actor: Any = None) -> StoredFile:
    """Keep a file's bytes (given whole, as a path, or in pieces) and note who brought it under which name."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    handle, draft = tempfile.mkstemp(dir=root, prefix=".draft-")
    try:
        with os.fdopen(handle, "wb") as out:
            for piece in _pieces(content):
                digest.update(piece)
                size += len(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        target = content_path(digest.hexdigest())
        target.parent.mkdir(exist_ok=True)
        # The same content replaces itself.
        os.replace(draft, target)
    finally:
        Path(draft).unlink(missing_ok=True)
    return StoredFile.objects.create(
        sha256=digest.hexdigest(), name=clean_name(name), size=size, created_by=actor
    )


def store_folder(fill: Callable[[Path], None]) -> str:
    """Keep a folder that ``fill`` writes; gives its digest (of the names and contents of its files).

    A folder has no subfolders. It belongs to nobody: the row that names the digest does.
    """
    root = Path(settings.MEDIA_ROOT) / "folders"
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".draft-") as draft:
        inside = Path(draft) / "content"
        inside.mkdir()
        fill(inside)
        digest = hashlib.sha256()
        for file in sorted(inside.iterdir()):
            with file.open("rb") as content:
                part = hashlib.file_digest(content, "sha256").hexdigest()
                os.fsync(content.fileno())
            digest.update(f"{part}  {file.name}\n".encode())
        target = folder_path(digest.hexdigest())
        if not target.exists():
            try:
                os.rename(inside, target)
            except OSError:
                # Somebody else stored the same content a moment earlier.
                if not target.exists():
                    raise
                shutil.rmtree(inside)
    return digest.hexdigest()


def folder_path(digest: str) -> Path:
    """Where a stored folder is."""
    return Path(settings.MEDIA_ROOT) / "folders" / digest


def _pieces(content: bytes | Path | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, Path):
        with content.open("rb") as file:
            while piece := file.read(1 << 20):
                yield piece
    else:
        yield from content
