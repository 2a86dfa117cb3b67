"""Whether evidence is as it was sealed: the checks of the folder's own ``verify.py``, from our copy, in either language."""

from __future__ import annotations

import json
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from muheng.documents.finding import Finding
from muheng.documents.message import Message, Refusal, say
from muheng.monitoring.evidence import standalone
from muheng.monitoring.evidence.request import name_event, name_outlet

DAMAGED = (OSError, ValueError, RuntimeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
MOST_RATIO = 500


class EvidenceError(Refusal):
    """It is no evidence, or cannot be opened safely; ``what`` says why."""


@dataclass(frozen=True)
class Verification:
    """``seal``: SHA-256 of the manifest as found. Names are as the manifest gives them, if it can be read."""

    seal: str
    event: str
    outlet: str
    sealed_at: str
    sealed_by: str
    files: int
    frames: int
    values: int
    findings: tuple[Finding, ...]

    @property
    def proved(self) -> bool:
        return not self.findings


def is_evidence(path: Path) -> bool:
    """Whether a folder or a zip says that it is evidence; nothing is checked."""
    try:
        if path.is_dir():
            manifest = path / standalone.MANIFEST
            return not manifest.is_symlink() and _says_evidence(manifest.read_bytes())
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(standalone.MANIFEST)
            return info.file_size < 64 << 20 and _says_evidence(archive.read(info))
    except (KeyError, *DAMAGED):
        return False


def _says_evidence(data: bytes) -> bool:
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError):
        # A manifest that one byte spoiled: what it was is still to be seen.
        return b'"muheng": "evidence"' in data[:200]
    return isinstance(manifest, dict) and manifest.get("muheng") == "evidence"


def verify_evidence(path: Path, seal: str = "") -> Verification:
    """Of a folder or a zip; ``seal`` as it was written down. Raises EvidenceError for what cannot be opened safely."""
    with _opened(path) as folder:
        found = standalone.check(str(folder), seal)
        findings = tuple(
            Finding(
                each.file,
                each.row or None,
                Message(standalone.TEXTS[each.code][0], tuple(each.params.items())),
            )
            for each in found.findings
        )
        manifest = found.manifest if isinstance(found.manifest, dict) else {}
        return Verification(
            found.seal,
            name_event(_part(manifest, "event")),
            name_outlet(_part(manifest, "outlet")),
            str(manifest.get("sealed_at", "")),
            str(manifest.get("sealed_by", "")),
            len(found.sizes),
            found.frames,
            found.values,
            findings,
        )


def _part(manifest: dict[str, object], name: str) -> dict[str, object]:
    part = manifest.get(name)
    return part if isinstance(part, dict) else {}


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(archive, folder)
        except DAMAGED as error:
            if isinstance(error, EvidenceError):
                raise
            raise EvidenceError(
                say("{file} 打不开，不是证据包，或已损坏。", file=path.name), say("换一份完整的。")
            ) from None
        yield folder


def _unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Only plain files with plain names, none twice, and no more bytes than they claim."""
    infos = archive.infolist()
    sizes = sum(info.file_size for info in infos)
    if len(infos) > standalone.MOST_FILES or sizes > standalone.MOST_BYTES:
        raise EvidenceError(say("证据包里文件太多或太大，没有打开。"))
    seen: set[str] = set()
    for info in infos:
        name = info.filename
        if info.is_dir() and name.count("/") == 1 and not info.file_size:
            continue  # other programs list folders too
        parts = name.split("/")
        mode = info.external_attr >> 16
        if (
            name in seen
            or len(parts) > 2
            or any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in parts)
            or stat.S_IFMT(mode) not in (0, stat.S_IFREG)
            or info.file_size > MOST_RATIO * max(info.compress_size, 1) + (1 << 20)
        ):
            raise EvidenceError(say("证据包里的“{name}”不是普通文件，没有打开。", name=name))
        seen.add(name)
        data = archive.read(info)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
