"""What is handed in by mistake or with bad intent is refused in words, and nothing of it is kept or believed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from muheng.web.files.models import StoredFile
from muheng.web.intake.actions import accept, drop_workbooks
from muheng.web.intake.models import Batch
from muheng.web.intake.queries import problems_of, sheets_of
from muheng.web.intake.uploads import check_uploads
from muheng.web.refusal import Refused
from web.population import Population

from .conftest import Read
from .workbooks import TAX, tax, taxes, upload, workbook

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("空.xlsx", b"", "“空.xlsx”是空的"),
        ("图.xlsx", b"\x89PNG\r\n\x1a\n", "其实是 PNG"),
        ("报告.xlsx", b"%PDF-1.7", "其实是 PDF"),
        ("程序.csv", b"MZ\x90\0", "其实是 EXE"),
        ("报告.docx", b"PK\x03\x04", "“报告.docx”不是表格文件"),
        ("无后缀", b"a,b", "不是表格文件"),
        ("乱.csv", b"\x01\0\x02\0\x03", "内容不是表格"),
    ],
)
def test_what_is_no_table_is_refused_at_the_door(
    city: Population, name: str, content: bytes, words: str
) -> None:
    good = tax(taxes(city.enterprises[:1], [1]))
    with pytest.raises(Refused, match=words) as refused:
        drop_workbooks(city.clerk, 2025, [good, upload(name, content)])
    assert refused.value.status == 422
    assert "一个也没有收" in refused.value.fix
    assert Batch.objects.count() == 0
    assert StoredFile.objects.count() == 0


def test_no_file_too_many_too_large_and_twice(city: Population, settings: Settings) -> None:
    def small(name: str = "税务局.xlsx") -> SimpleUploadedFile:
        return tax(taxes(city.enterprises[:1], [1]), name)

    with pytest.raises(Refused, match="没有选文件"):
        drop_workbooks(city.clerk, 2025, [])
    with pytest.raises(Refused, match=r"“税务局\.xlsx”有两个"):
        drop_workbooks(city.clerk, 2025, [small(), small("目录/税务局.xlsx")])
    settings.UPLOAD_MAX_FILES = 2
    with pytest.raises(Refused, match="一批最多 2 个文件，这里有 3 个") as refused:
        drop_workbooks(city.clerk, 2025, [small("1.xlsx"), small("2.xlsx"), small("3.xlsx")])
    assert refused.value.status == 413
    settings.UPLOAD_MAX_BYTES = 100
    with pytest.raises(Refused, match="超过上限"):
        drop_workbooks(city.clerk, 2025, [small()])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/税.xlsx", "税.xlsx"),
        ("C:\\报表\\税.xlsx", "税.xlsx"),
        ("税\x00\u202exslx.xlsx", "税xslx.xlsx"),
        ("税<script>.xlsx", "税script.xlsx"),
    ],
)
def test_names_are_cleaned(given: str, kept: str) -> None:
    ((name, _upload),) = check_uploads([_named(given)])
    assert name == kept


def _named(name: str) -> SimpleUploadedFile:
    made = upload("x.xlsx", b"PK\x03\x04")
    made.__dict__["_name"] = name  # Django's own cleaning is not what is tested.
    return made


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (300 << 20))
    return out.getvalue()


def _locked() -> bytes:
    # The parts that an encrypted workbook has, in an OLE file: its directory names them in UTF-16.
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")


def _far_cell() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for column, title in enumerate(TAX, start=1):
        book.active.cell(1, column, str(title))
    book.active.cell(1_048_576, 16_384, "x")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_bomb, "不像正常的工作簿|超过上限"),
        (_locked, "加了密码"),
        (_far_cell, "太大，没有打开"),
        (lambda: b"PK\x03\x04" + b"\xff" * 100, "已损坏"),
        (lambda: b"<html><table></table></html>", "其实是网页"),
    ],
)
def test_a_file_that_must_not_be_opened_is_told(
    city: Population, read: Read, make: Callable[[], bytes], words: str
) -> None:
    one = city.enterprises[0]
    batch = read(city.clerk, upload("坏.xlsx", make()), tax(taxes([one], [1])))
    assert batch.state == Batch.State.REVIEW
    broken = next(sheet for sheet in sheets_of(batch) if sheet["file"] == "坏.xlsx")
    assert broken["sheet"] is None
    told = problems_of(batch, file="坏.xlsx").row(0, named=True)
    import re

    assert re.search(words, told["what"])
    assert told["what"] == broken["what"]
    # The other file is not touched by it.
    accept(city.clerk, batch, reading=1, withheld=batch.count("errors"))


def test_a_gbk_text_a_macro_workbook_and_two_thousand_columns_are_read(city: Population, read: Read) -> None:
    one, two, three = city.enterprises[:3]
    csv = f"统一社会信用代码,企业名称,入库税收\n{one.code},{one.name},1\n".encode("gb18030")
    plain = workbook({"税收": [TAX, [two.code, two.name, 2]]})
    out = io.BytesIO(plain)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 macro")
    wide = workbook(
        {"税收": [[*TAX, *(f"列{n}" for n in range(2000))], [three.code, three.name, 3, *range(2000)]]}
    )
    batch = read(
        city.clerk, upload("国标.csv", csv), upload("宏.xlsm", out.getvalue()), upload("宽.xlsx", wide)
    )
    assert (batch.count("imported"), batch.count("errors")) == (3, 0)
    from django.test import Client

    client = Client()
    client.force_login(city.clerk)
    place = next(at for at, sheet in enumerate(sheets_of(batch)) if sheet["file"] == "宽.xlsx")
    page = client.get(f"/intake/{batch.pk}/sheets/{place}/").content.decode()
    assert "还有 1,803 列没有列出" in page


def test_what_is_in_cells_stays_text_on_the_page(city: Population, read: Read) -> None:
    from django.test import Client

    evil = "<script>alert(1)</script>"
    batch = read(
        city.clerk, tax([[city.enterprises[0].code, evil, evil]], f"{'x' * 20}.xlsx", [*TAX[:2], "入库税收"])
    )
    client = Client()
    client.force_login(city.clerk)
    for tab in ("", "sheets/", "sheets/0/", "problems/", "changes/"):
        page = client.get(f"/intake/{batch.pk}/{tab}").content.decode()
        assert evil not in page
