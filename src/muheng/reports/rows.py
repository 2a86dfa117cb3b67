"""Rows of a worksheet as SpreadsheetML, whole columns at a time. Knows no file and no format beyond its number.

A number's text is its exact decimal, made from the scaled integer; a text is an inline string, escaped as Excel
escapes it (ECMA-376 part 1, 22.4.2.4 ST_Xstring), so that no name can become markup, a formula or a link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from muheng.intake.address import column_letters
from muheng.policy.run import decimal_text

SLICE = 4_096
LONGEST_TEXT = 32_767
"""UTF-16 units in a cell: Excel's own limit."""


@dataclass(frozen=True)
class Column:
    """``values``: String, or Int64 holding value × 10**digits (null: an empty cell)."""

    title: str
    values: pl.Series
    digits: int = 0
    plain: bool = False  # a number without thousands separators: a place, a row

    @property
    def is_text(self) -> bool:
        return self.values.dtype == pl.String


def write_rows(columns: Sequence[Column], styles: Sequence[str], first: int) -> Iterator[str]:
    """The rows from sheet row ``first`` (1-based) on, in pieces; ``styles``: each column's cell format number."""
    height = len(columns[0].values)
    for start in range(0, height, SLICE):
        stop = min(start + SLICE, height)
        number = pl.int_range(first + start, first + stop, eager=True).cast(pl.String).alias("~行")
        cells = [
            _cells(column, index, styles[index], column.values.slice(start, SLICE), number)
            for index, column in enumerate(columns)
        ]
        parts = [pl.lit('<row r="'), "~行", pl.lit('">'), *(cell.name for cell in cells), pl.lit("</row>")]
        yield pl.DataFrame([number, *cells]).select(pl.concat_str(parts).str.join("")).item()


def _cells(column: Column, index: int, style: str, values: pl.Series, number: pl.Series) -> pl.Series:
    """The column's cells, empty text where there is no value."""
    start = f'<c r="{column_letters(index)}'
    if column.is_text:
        values = escape_text(values)
        # Edge blanks are kept only where the element says so.
        space = ' xml:space="preserve"' if values.str.contains(r"^\s|\s$").any() else ""
        middle, end = f'" s="{style}" t="inlineStr"><is><t{space}>', "</t></is></c>"
    else:
        values = decimal_text(values, column.digits)
        middle, end = f'" s="{style}"><v>', "</v></c>"
    frame = pl.DataFrame([number, values.alias("v")])
    cell = pl.concat_str([pl.lit(start), "~行", pl.lit(middle), "v", pl.lit(end)]).fill_null("")
    return frame.select(cell.alias(str(index))).to_series()


def escape_text(values: pl.Series) -> pl.Series:
    """Texts as they stand inside ``<t>``."""
    if (values.str.len_bytes() > LONGEST_TEXT).any():
        values = pl.Series([None if text is None else _cut(text) for text in values], dtype=pl.String)
    if values.str.contains("_x[0-9A-Fa-f]{4}_").any():
        values = values.str.replace_all("_(x[0-9A-Fa-f]{4}_)", "_x005F_${1}")
    if values.str.contains("[\x00-\x08\x0b-\x1f\ufffe\uffff]").any():
        for letter in (*range(0x09), *range(0x0B, 0x20), 0xFFFE, 0xFFFF):
            values = values.str.replace_all(chr(letter), f"_x{letter:04X}_", literal=True)
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        values = values.str.replace_all(letter, entity, literal=True)
    return values


def _cut(text: str) -> str:
    return text.encode("utf-16-le")[: 2 * LONGEST_TEXT].decode("utf-16-le", "ignore")
