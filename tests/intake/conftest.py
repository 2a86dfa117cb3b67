"""Real files for the tests of intake: workbooks by openpyxl, invented enterprises with valid codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import openpyxl
import pytest

from muheng.cities.pack import COMMON_LAYOUTS
from muheng.intake.layout import Layout, load_layouts

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

Row = Sequence[object]
MakeWorkbook = Callable[..., Path]


def make_code(number: int) -> str:
    """A synthetic credit code with a right check digit."""
    body = f"91340500MA{number:07d}"
    total = sum(ALPHABET.index(letter) * pow(3, place, 31) for place, letter in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def make_name(number: int) -> str:
    return f"虚构第{number}号机械有限公司"


def roster_rows(count: int, **columns: Sequence[object]) -> list[Row]:
    """A header and `count` enterprises, odd ones 规上; `columns` add further ones."""
    head = ["统一社会信用代码", "企业名称", "规模", "行业代码", *columns]
    rows: list[Row] = [head]
    for number in range(count):
        extra = [values[number] for values in columns.values()]
        rows.append([make_code(number), make_name(number), "规上" if number % 2 else "规下", "3311", *extra])
    return rows


@pytest.fixture(scope="session")
def layouts() -> list[Layout]:
    """The layouts that all packs share."""
    found, diagnostics = load_layouts(sorted(COMMON_LAYOUTS.glob("*.toml")))
    assert diagnostics == []
    return found


@pytest.fixture
def workbook(tmp_path: Path) -> MakeWorkbook:
    """Write a workbook: sheet name → rows, and merged ranges by sheet name."""

    def write(
        name: str, sheets: Mapping[str, Sequence[Row]], merges: Mapping[str, Sequence[str]] | None = None
    ) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
            for span in (merges or {}).get(title, ()):
                sheet.merge_cells(span)
        path = tmp_path / name
        book.save(path)
        return path

    return write


@pytest.fixture
def roster(workbook: MakeWorkbook) -> Callable[..., Path]:
    """Write the economy bureau's list."""
    return lambda count=6, **columns: workbook("经信局.xlsx", {"名单": roster_rows(count, **columns)})
