"""Which of the list's sheets a table is, with the units of its headers understood. Converts no cell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from muheng.documents.message import say
from muheng.emergency.inventory import sheets
from muheng.emergency.inventory.row import Notes
from muheng.intake.header import SEARCHED_ROWS, Header, Unrecognised, recognise
from muheng.intake.problem import Problem
from muheng.intake.tables import TextTable

_RATE = re.compile(
    r"[(（【\[]?\s*([^()（）【】\[\]/／|]+?)\s*[/／]\s*(年|a|日|天|d)\s*[)）】\]]?\s*$", re.IGNORECASE
)
_UNIT_ALONE = re.compile(r"(?:g|kg|t|克|千克|公斤|吨|元|万元|千元)", re.IGNORECASE)
_LONGEST_HEADER = 100
"""A page of text in a cell is no header, and would be searched for long."""
_YEAR = re.compile(r"(20[0-9]{2})\s*年")


def recognise_sheet(table: TextTable, notes: Notes) -> Header | None:
    """Which of the list's sheets this is. What lies beside them, such as a cover, is told and left alone."""
    plain = replace(table, frame=_without_rates(table.frame))
    header = recognise(plain, [sheets.list_layout()], _year_of(table))
    if isinstance(header, Unrecognised):
        ours = {name for sheet in sheets.list_layout().sheet.values() for name in sheet.names}
        mistaken = table.sheet.strip() in ours
        notes.add("error" if mistaken else "warning", header.what, header.fix, sheet=table.sheet)
        return None
    for letters, name, rate in _wrong_rates(table, header):
        notes.problems.append(
            Problem(
                "error",
                table.file,
                table.sheet,
                header.row,
                name,
                f"{letters}{header.row}",
                rate,
                say("“{column}”的单位写成了“{found}”，年与日对不上。", column=name, found=rate),
                say("年排放量用 t，日排放量用 kg；请核对这一列是哪一种。"),
            )
        )
    return header


def _without_rates(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in which headers stand, with 年排放量(t/a) as 年排放量(t) and 排放量(kg/d) as 日排放量(kg)."""
    head = frame.head(SEARCHED_ROWS + 3)
    texts = {text for column in head.iter_columns() for text in column.drop_nulls()}
    plain = {text: changed for text in texts if (changed := _plain_rate(text)) != text}
    if not plain:
        return frame
    return pl.concat([head.with_columns(pl.all().replace(plain)), frame.slice(head.height)])


def _plain_rate(text: str) -> str:
    found = _RATE.search(text) if len(text) <= _LONGEST_HEADER else None
    if found is None or _UNIT_ALONE.fullmatch(found.group(1)) is None:
        return text
    base, unit = text[: found.start()].strip(), found.group(1)
    if not base:
        return f"({unit})"
    yearly = found.group(2) in ("年", "a", "A")
    named = "年" in base or "日" in base
    return f"{base if named else ('年' if yearly else '日') + base}({unit})"


def _wrong_rates(table: TextTable, header: Header) -> Iterator[tuple[str, str, str]]:
    """Columns of yearly figures whose header gives a daily unit, and the other way round: letters, name, unit."""
    top = table.frame.slice(max(header.row - 2, 0), 1).row(0)
    over: str | None = None
    for letters, above in zip(table.frame.columns, top, strict=True):
        over = above or over
        name = next((name for name, place in header.columns.items() if place.letters == letters), None)
        if name is None or not name.startswith(("年排放量", "日")):
            continue
        below = table.frame.get_column(letters)[header.row - 1 : header.first_row - 1].to_list()
        for text in (over if header.row > 1 and "|" in header.texts.get(letters, "") else None, *below):
            rate = _RATE.search(text) if text and len(text) <= _LONGEST_HEADER else None
            if rate is not None and _UNIT_ALONE.fullmatch(rate.group(1)):
                yearly = rate.group(2) in ("年", "a", "A")
                if yearly != name.startswith("年"):
                    yield letters, name, rate.group(0).strip("()（）【】[]")
                    break


def _year_of(table: TextTable) -> int:
    """The latest year that a header names: the list says itself of which year it is."""
    head = table.frame.head(SEARCHED_ROWS)
    years = [
        int(year)
        for column in head.iter_columns()
        for text in column.drop_nulls()
        for year in _YEAR.findall(unicodedata.normalize("NFKC", text))
    ]
    return max(years, default=0)
