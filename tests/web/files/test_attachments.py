"""What may be attached is judged by what is in it."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from muheng.web.files import attachments
from muheng.web.files.attachments import check_attachments
from muheng.web.refusal import Refused


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for name in names:
            out.writestr(name, "x")
    return made.getvalue()


GOOD = [
    ("意见.pdf", b"%PDF-1.7 ..."),
    ("现场.JPG", b"\xff\xd8\xff\xe0...."),
    ("图.png", b"\x89PNG\r\n\x1a\n..."),
    ("图.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 "),
    ("手机.heic", b"\x00\x00\x00\x18ftypheic\x00\x00"),
    ("旧.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..."),
    ("报告.docx", archive("[Content_Types].xml", "word/document.xml")),
    ("表.xlsx", archive("[Content_Types].xml", "xl/workbook.xml")),
    ("公文.ofd", archive("OFD.xml", "Doc_0/Document.xml")),
    ("说明.txt", "说明".encode()),
]
BAD = [
    ("无.pdf", b""),
    ("改名.pdf", b"MZ\x90\x00"),
    ("改名.jpg", b"<svg onload=alert(1)>"),
    ("改名.docx", archive("xl/workbook.xml")),
    ("带宏.docx", archive("word/document.xml", "word/vbaProject.bin")),
    ("坏.xlsx", b"PK\x03\x04 broken"),
    ("包.zip", archive("a.txt")),
    ("图.svg", b"<svg/>"),
    ("页.html", b"<html>"),
    ("页.txt", b"  <script>"),
    ("程序.txt", b"MZ\x90\x00"),
    ("脚本.txt", b"#!/bin/sh"),
    ("无名", b"%PDF-1.7"),
]


@pytest.mark.parametrize(("name", "content"), GOOD, ids=[name for name, _ in GOOD])
def test_documents_and_pictures_are_taken(name: str, content: bytes) -> None:
    upload = SimpleUploadedFile(name, content)
    ((clean, same),) = check_attachments([upload])
    assert clean == name
    assert b"".join(same.chunks()) == content, "it is read from its beginning afterwards"


@pytest.mark.parametrize(("name", "content"), BAD, ids=[name for name, _ in BAD])
def test_what_could_run_or_is_something_else_is_not(name: str, content: bytes) -> None:
    with pytest.raises(Refused) as caught:
        check_attachments([SimpleUploadedFile(name, content)])
    assert name in caught.value.what
    assert caught.value.status == 422


def test_size_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "LARGEST", 1 << 20)
    with pytest.raises(Refused, match="超过上限"):
        check_attachments([SimpleUploadedFile("大.pdf", b"%PDF-" + bytes(1 << 20))])
    with pytest.raises(Refused, match="附件太多"):
        check_attachments([SimpleUploadedFile("一.pdf", b"%PDF-")], already=20)
