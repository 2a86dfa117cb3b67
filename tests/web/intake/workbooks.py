"""Departments' workbooks for the tests of the site, as bytes, and their uploads."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile

from muheng.web.registry.models import Enterprise

Row = Sequence[object]
ROSTER: Row = ["统一社会信用代码", "企业名称", "规模", "行业代码", "乡镇", "园区", "标签"]
TAX: Row = ["统一社会信用代码", "企业名称", "入库税收"]


def workbook(sheets: Mapping[str, Sequence[Row]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def roster(rows: Sequence[Row], name: str = "经信局.xlsx") -> SimpleUploadedFile:
    return upload(name, workbook({"名单": [ROSTER, *rows]}))


def tax(rows: Sequence[Row], name: str = "税务局.xlsx", head: Row = TAX) -> SimpleUploadedFile:
    return upload(name, workbook({"税收": [head, *rows]}))


def taxes(enterprises: Sequence[Enterprise], amounts: Sequence[object]) -> list[Row]:
    return [[each.code, each.name, amount] for each, amount in zip(enterprises, amounts, strict=False)]


def roster_row(enterprise: Enterprise, **changed: str) -> Row:
    """An enterprise's row as the registry has it, but for what is changed."""
    row = {
        "name": enterprise.name,
        "scale": enterprise.scale,
        "industry": enterprise.industry,
        "township": enterprise.township.name if enterprise.township else "",
        "parks": "|".join(park.name for park in enterprise.parks.all()),
        "tags": "",
        **changed,
    }
    return [enterprise.code, *row.values()]
