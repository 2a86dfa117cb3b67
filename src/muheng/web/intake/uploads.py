"""What may be handed in: tables by their content, of a size and number that can be read. Reads no table."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from muheng.web.files.actions import clean_name
from muheng.web.refusal import Refused

KINDS = (".xlsx", ".xlsm", ".xls", ".csv", ".txt", ".tsv", ".tab")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHER = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"MZ", "EXE"),
    (b"\x7fELF", "ELF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
)
_HEAD = 4096


class Upload(Protocol):
    """A file as it was sent: Django's ``UploadedFile``, or anything that gives the same."""

    @property
    def name(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    def chunks(self) -> Iterable[bytes]: ...
    def read(self, size: int = ..., /) -> bytes: ...
    def seek(self, offset: int, /) -> object: ...


def check_uploads(uploads: Sequence[Upload], already: int = 0) -> list[tuple[str, Upload]]:
    """The files with their names cleaned. Raises Refused that says what is wrong with each, none is kept then."""
    if not uploads:
        raise Refused(
            _("没有选文件。"), _("请选一个或几个表格文件。"), status=422, code="invalid", at="files"
        )
    if len(uploads) + already > settings.UPLOAD_MAX_FILES:
        raise Refused(
            _("一批最多 %(limit)s 个文件，这里有 %(count)s 个。")
            % {"limit": settings.UPLOAD_MAX_FILES, "count": len(uploads) + already},
            _("请分成几批上传。"),
            status=413,
            code="too_many",
            at="files",
        )
    named = [(clean_name(upload.name or ""), upload) for upload in uploads]
    wrong = [sentence for name, upload in named if (sentence := _find_fault(name, upload))]
    seen: set[str] = set()
    for name, _upload in named:
        if name in seen:
            wrong.append(_("“%(name)s”有两个。") % {"name": name})
        seen.add(name)
    if wrong:
        raise Refused(
            " ".join(wrong),
            _("可以上传 %(kinds)s；请改正后重新选择，这一次一个也没有收。") % {"kinds": "、".join(KINDS)},
            status=422,
            code="invalid",
            at="files",
        )
    return named


def _find_fault(name: str, upload: Upload) -> str | None:
    """What is wrong with a file as far as its name, size and first bytes tell."""
    size, kind = upload.size or 0, Path(name).suffix.lower()
    if not size:
        return _("“%(name)s”是空的。") % {"name": name}
    if size > settings.UPLOAD_MAX_BYTES:
        return _("“%(name)s”有 %(size)s MB，超过上限 %(limit)s MB。") % {
            "name": name,
            "size": size >> 20,
            "limit": settings.UPLOAD_MAX_BYTES >> 20,
        }
    if kind not in KINDS:
        return _("“%(name)s”不是表格文件。") % {"name": name}
    upload.seek(0)
    head = upload.read(_HEAD)
    upload.seek(0)
    other = next((title for mark, title in _OTHER if head.startswith(mark)), None)
    if other is not None:
        return _("“%(name)s”的内容其实是 %(kind)s，不是表格。") % {"name": name, "kind": other}
    if not head.startswith((_ZIP, _OLE, *_MARKS)) and b"\0" in head:
        return _("“%(name)s”的内容不是表格，可能已损坏。") % {"name": name}
    return None
