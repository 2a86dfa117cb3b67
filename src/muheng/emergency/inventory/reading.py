"""The emergency list's workbook to an `Inventory`, all of it or nothing.

The list is a legal document: while one cell is wrong nothing of it is taken, and every problem is told at once,
each with its cell. What the list says of the world (is the cut possible, is the grade still valid) is for
`checking`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from muheng.documents.message import say
from muheng.emergency.inventory import sheets
from muheng.emergency.inventory.model import Inventory
from muheng.emergency.inventory.reading_lines import read_firms, read_lines
from muheng.emergency.inventory.reading_measures import (
    read_base,
    read_filed,
    read_filed_by_level,
    read_offers,
    read_transport,
)
from muheng.emergency.inventory.recognition import recognise_sheet
from muheng.emergency.inventory.row import (
    Notes,
    Row,
    own_rows,
    refuse_merged_figures,
    rows_of_firms,
    tell_flaws,
)
from muheng.intake.facts import CODE, NAME
from muheng.intake.identity import Roster
from muheng.intake.problem import Problem
from muheng.intake.progress import Progress, Report, Stopped
from muheng.intake.sheet import TypedSheet, read_sheet
from muheng.intake.tables import read_tables


def read_inventory(path: Path, progress: Report | None = None) -> tuple[Inventory | None, list[Problem]]:
    """Read the list. None when there is an error; problems in the order of sheets and rows.

    Never raises for what is in the file; OSError when it cannot be read at all. What `progress` raises comes out
    as it is.
    """
    try:
        return _read(path, Progress(progress))
    except Stopped as stopped:
        raise stopped.reason from None


def _read(path: Path, progress: Progress) -> tuple[Inventory | None, list[Problem]]:
    tables, problems = read_tables(path, progress.within(0, 0.6))
    notes = Notes(path.name, problems)
    found: dict[str, list[TypedSheet]] = defaultdict(list)
    for at, table in enumerate(tables):
        if table.sheet.strip() in (sheets.NOTES, sheets.PLANNED, sheets.RATIOS):
            continue
        progress.tell(
            say("读取 {file}·{sheet}", file=table.file, sheet=table.sheet), 0.6 + 0.2 * at / len(tables)
        )
        header = recognise_sheet(table, notes)
        if header is not None:
            found[header.kind].append(read_sheet(table, header))
    if tables:
        _note_absent(found, notes)
    progress.tell(say("核对 {file}", file=path.name), 0.8)
    inventory = _assemble(path.stem, found, notes)
    ordered = _sort(notes.problems, [table.sheet for table in tables])
    wrong = any(problem.severity == "error" for problem in ordered)
    return (None if wrong else inventory), ordered


def _sort(problems: Iterable[Problem], names: list[str]) -> list[Problem]:
    places = {name: at for at, name in enumerate(names)}
    return sorted(problems, key=lambda p: (places.get(p.sheet or "", -1), p.row or 0, p.cell or ""))


def _note_absent(found: Mapping[str, list[TypedSheet]], notes: Notes) -> None:
    for kind in (sheets.FIRMS, sheets.LINES):
        if kind not in found:
            notes.add(
                "error",
                say("没有“{sheet}”表。", sheet=kind),
                say("清单要有“企业”和“生产线”两张表；可先下载空白模板。"),
            )
        elif not any(typed.frame.height for typed in found[kind]):
            notes.add("error", say("“{sheet}”表里没有数据。", sheet=kind), sheet=found[kind][0].table.sheet)
    aside = any("预警" in name for typed in found.get(sheets.LINES, ()) for name in typed.header.columns)
    if sheets.FILED not in found and sheets.FILED_BY_LEVEL not in found and not aside:
        notes.add("warning", say("没有“{sheet}”表：没有现行的一厂一策可以对照。", sheet=sheets.FILED))
    if sheets.OFFERS not in found:
        notes.add("warning", say("没有“{sheet}”表：各生产线按城市设置里的措施菜单。", sheet=sheets.OFFERS))
    if sheets.TRANSPORT not in found:
        notes.add("warning", say("没有“{sheet}”表：不核对运输管控。", sheet=sheets.TRANSPORT))
    if sheets.BASE not in found:
        notes.add(
            "warning",
            say("没有“{sheet}”表：算不出占全社会排放的比例。", sheet=sheets.BASE),
            say("请补上各排放源的日排放量和各级别减排量。"),
        )


def _assemble(stem: str, found: Mapping[str, list[TypedSheet]], notes: Notes) -> Inventory:
    for typed in (typed for of_kind in found.values() for typed in of_kind):
        tell_flaws(typed, notes)
        refuse_merged_figures(typed, notes)
    places: dict[tuple[str, str], str] = {}
    listed = list(own_rows(found.get(sheets.FIRMS, [])))
    firms = read_firms(listed, places, notes)
    bad = notes.bad_rows
    refused = {
        text for row in listed if (row.sheet.table.sheet, row.number) in bad for text in (row.code, row.name)
    }
    roster = Roster(
        pl.DataFrame(
            {CODE: list(firms), NAME: [firm.name or None for firm in firms.values()]},
            {CODE: pl.String, NAME: pl.String},
        )
    )

    def rows_of(kind: str) -> Iterator[Row]:
        return rows_of_firms(found.get(kind, []), roster, refused - {None}, notes)

    line_rows = list(rows_of(sheets.LINES))
    lines = read_lines(line_rows, places, notes)
    offers = list(read_offers(list(rows_of(sheets.OFFERS)), lines, places, notes))
    filed = list(read_filed(list(rows_of(sheets.FILED)), lines, places, notes))
    by_level = [*rows_of(sheets.FILED_BY_LEVEL), *filter(_bears_measures, line_rows)]
    filed += read_filed_by_level(by_level, lines, places, notes)
    transport = list(read_transport(list(rows_of(sheets.TRANSPORT)), places, notes))
    base = list(read_base(own_rows(found.get(sheets.BASE, [])), places, notes))
    order = {level: at for at, level in enumerate(sheets.LEVELS)}
    return Inventory(
        _title(found.get(sheets.FIRMS, [])) or stem,
        tuple(firms[code] for code in sorted(firms)),
        tuple(lines[line] for line in sorted(lines)),
        tuple(sorted(offers, key=lambda offer: (offer.line, offer.order))),
        tuple(sorted(filed, key=lambda each: (each.line, order[each.level], each.name))),
        tuple(sorted(transport, key=lambda each: each.firm)),
        tuple(sorted(base, key=lambda source: sheets.source_order(source.name))),
        places,
    )


def _bears_measures(row: Row) -> bool:
    """A line's own row may say what it does at each level."""
    return f"{sheets.alert('yellow')}|减排措施" in row.sheet.header.columns


def _title(firms: list[TypedSheet]) -> str | None:
    """The one text in the first row above the header of the enterprises."""
    for typed in firms:
        if typed.header.row > 1:
            texts = [text.strip() for text in typed.table.frame.row(0) if text and text.strip()]
            if len(texts) == 1:
                return str(texts[0])
    return None
