"""What may be attached to a matter: documents and pictures, by what is in them. What could run is turned away.

Archives are turned away too: what is inside one is not looked at by anybody before it is opened.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.liaison.photograph import kind_of, strip_photograph
from muheng.web.files.actions import clean_name, store
from muheng.web.files.models import StoredFile
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by

LARGEST = 20 * 1024 * 1024
MOST = 20
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic")
_OLD_OFFICE = (".doc", ".xls", ".ppt", ".wps", ".et", ".dps")
# What a new office document, which is an archive, must hold to be what its name says.
_INSIDE = {
    ".docx": "word/document.xml",
    ".xlsx": "xl/workbook.xml",
    ".pptx": "ppt/presentation.xml",
    ".ofd": "OFD.xml",
}
KINDS = (".pdf", *_PICTURES, *_OLD_OFFICE, *_INSIDE, ".txt")
ACCEPT = ",".join(("image/*", *(kind for kind in KINDS if kind not in _PICTURES)))
"""For the browser's file chooser; a phone offers its camera."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEAD = 512


class Upload(Protocol):
    """A file as it was sent: Django's ``UploadedFile``, or anything that gives the same."""

    @property
    def name(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    @property
    def file(self) -> Any: ...
    def chunks(self) -> Iterable[bytes]: ...


def check_attachments(uploads: Sequence[Upload], already: int = 0) -> list[tuple[str, Upload]]:
    """The files with their names cleaned. Raises Refused that says what is wrong with each; none is kept then."""
    if already + len(uploads) > MOST:
        raise Refused(
            _("附件太多：一次最多 %(most)d 个。") % {"most": MOST},
            _("请分几次附上。"),
            status=413,
            code="too_many",
            at="files",
        )
    named = [(clean_name(upload.name or ""), upload) for upload in uploads]
    wrong = [sentence for name, upload in named if (sentence := _find_fault(name, upload))]
    if wrong:
        raise Refused(
            " ".join(wrong),
            _("可以附 PDF、图片、Word、Excel、PPT、WPS、OFD 和 txt 文件，每个不超过 %(limit)d MB。")
            % {"limit": LARGEST >> 20},
            status=422,
            code="invalid",
            at="files",
        )
    return named


def keep_attachments(actor: Any, uploads: Sequence[Upload]) -> list[StoredFile]:
    """Attachments as they may be kept: photographs without what the camera noted beside them. Raises Refused."""
    kept = []
    for name, upload in check_attachments(uploads):
        content = b"".join(upload.chunks())
        if kind_of(content):
            try:
                content = strip_photograph(content)
            except Refusal as refusal:
                refused = refused_by(refusal, language())
                refused.at = "files"
                raise refused from refusal
        kept.append(store(content, name, actor))
    return kept


def _find_fault(name: str, upload: Upload) -> str | None:
    size, kind = upload.size or 0, Path(name).suffix.lower()
    if not size:
        return _("“%(name)s”是空的。") % {"name": name}
    if size > LARGEST:
        return _("“%(name)s”有 %(size)s MB，超过上限 %(limit)s MB。") % {
            "name": name,
            "size": size >> 20,
            "limit": LARGEST >> 20,
        }
    if kind not in KINDS:
        return _("不能附“%(name)s”这种文件。") % {"name": name}
    if not _is(kind, upload):
        return _("“%(name)s”的内容和扩展名不符，可能改过名或已损坏。") % {"name": name}
    return None


def _is(kind: str, upload: Upload) -> bool:
    """Whether the content is what the name says."""
    file = upload.file
    file.seek(0)
    head: bytes = file.read(_HEAD)
    file.seek(0)
    if kind == ".pdf":
        return head.startswith(b"%PDF-")
    if kind in (".jpg", ".jpeg"):
        return head.startswith(b"\xff\xd8\xff")
    if kind == ".png":
        return head.startswith(b"\x89PNG\r\n\x1a\n")
    if kind == ".webp":
        return head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    if kind == ".heic":
        return head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc")
    if kind in _OLD_OFFICE:
        return head.startswith(_OLE)
    if kind in _INSIDE:
        return _holds(file, _INSIDE[kind])
    return b"\0" not in head and not head.lstrip().startswith((b"<", b"#!", b"MZ"))


def _holds(file: Any, wanted: str) -> bool:
    """Whether an archive is the document that it should be, without a programme in it."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    finally:
        file.seek(0)
    return wanted in names and not any(name.endswith("vbaProject.bin") for name in names)
