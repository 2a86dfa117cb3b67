"""Departments' workbooks to checked facts: the whole way, for all files together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.assembly import (
    FILE,
    IMPORTED,
    ROLE,
    STATUS,
    WORKSHEET,
    Settled,
    lay_out,
    list_problems,
    row_states,
    settle,
    source_tables,
    sum_items,
)
from muheng.intake.claims import (
    GIVEN_CODE,
    GIVEN_NAME,
    SHEET,
    Batch,
    claim_contracts,
    claim_meters,
    claim_ordinary,
    claim_roster,
    claim_shares_alone,
)
from muheng.intake.facts import CODE, NAME, ROW, Facts, Item
from muheng.intake.header import Header, Unrecognised, recognise
from muheng.intake.identity import REASON, Roster
from muheng.intake.layout import Column, ColumnType, Layout, Sheet
from muheng.intake.problem import Problem
from muheng.intake.sheet import TypedSheet, read_sheet
from muheng.intake.slips import find_slips
from muheng.intake.tables import TextTable, read_tables


@dataclass(frozen=True)
class SheetReport:
    """What became of one sheet's rows: rows = imported + listed + skipped; blank rows are counted apart."""

    file: str
    sheet: str
    layout: str
    kind: str
    department: str
    header_row: int
    columns: dict[str, str]
    rows: int
    imported: int
    listed: int
    skipped: int
    blank: int


@dataclass(frozen=True)
class Intake:
    """Checked facts, and all that a person must know about them.

    `matches` has a row for every data row and party of every sheet: 文件, 工作表, 行, 主体, 原信用代码,
    原企业名称, 统一社会信用代码 (as matched), 依据 (the reason), 处理 (导入, 问题, or 跳过 with the reason).
    """

    facts: Facts
    problems: tuple[Problem, ...]
    matches: pl.DataFrame
    sheets: tuple[SheetReport, ...]


_MATCHES = {
    FILE: pl.String,
    WORKSHEET: pl.String,
    ROW: pl.UInt32,
    ROLE: pl.String,
    GIVEN_CODE: pl.String,
    GIVEN_NAME: pl.String,
    CODE: pl.String,
    REASON: pl.String,
    STATUS: pl.String,
}


def read_workbooks(
    files: Iterable[Path], layouts: Sequence[Layout], year: int, *, past: Facts | None = None
) -> Intake:
    """Read departments' files for one year. `past` are the facts of an earlier year, to compare units with.

    Never raises for what is in the files; OSError when a file cannot be read at all. The order of the files
    does not matter. Facts hold every item of `layouts`; what no file gives is null.
    """
    return _read(files, layouts, year, past=past, any_code=False)


def read_plain(file: Path, items: Mapping[str, Item], year: int) -> Intake:
    """Read a plain table: 统一社会信用代码, 企业名称 (may be absent) and a column under each item's name.

    A unit in brackets, `税收（元）`, is converted exactly. Any text is accepted as a code, so that tests and
    studies need no real ones.
    """
    intake = _read([file], [_plain_layout(items)], year, past=None, any_code=True)
    return replace(intake, facts=replace(intake.facts, items=dict(items)))


_PLAIN_TYPES: dict[str, ColumnType] = {"number": "数字", "text": "文本", "date": "日期", "tags": "标签"}


def _plain_layout(items: Mapping[str, Item]) -> Layout:
    columns = {
        CODE: Column(type="信用代码", required=True, aliases=("信用代码", "代码", "code")),
        NAME: Column(type="名称", aliases=("名称", "企业", "name")),
    }
    for item in items.values():
        if item.kind == "number":
            # Everything that a scaled Int64 holds, with room to add up ten rows.
            most = Decimal(10) ** (17 - (item.digits or 0))
            columns[item.name] = Column(
                type="数字",
                item=item.name,
                unit=item.unit or "1",
                digits=item.digits or 0,
                negative="允许",
                range=(-most, most),
            )
        else:
            columns[item.name] = Column(type=_PLAIN_TYPES[item.kind], item=item.name)
    return Layout(id="plain", name="数据", department="", sheet={"数据": Sheet(columns=columns, roster=True)})


_Kind = tuple[str, str]


def _read(
    files: Iterable[Path], layouts: Sequence[Layout], year: int, *, past: Facts | None, any_code: bool
) -> Intake:
    problems: list[Problem] = []
    batches = _read_batches(files, layouts, year, problems)
    order = [(layout.id, kind) for layout in layouts for kind in layout.sheet]
    roster, settled = _settle_roster(batches, order, problems, any_code=any_code)
    done = [] if settled is None else [settled]
    done += _settle_departments(batches, order, roster, done[0].figures if done else _NO_FIGURES, year)
    items = {name: item for layout in layouts for name, item in layout.items().items()}
    frame = lay_out(roster.frame, [each.figures for each in done], items)
    for each in done:
        frame = sum_items(frame, each)
        _note_parcels(each, roster)
    done.sort(key=lambda each: order.index((each.batch.layout.id, each.batch.kind)))
    sources = tuple(table for each in done for table in source_tables(each))
    facts = Facts(year, items, frame.select(CODE, NAME, *items), sources)
    reports: list[SheetReport] = []
    matches = [pl.DataFrame(schema=_MATCHES)]
    for each in done:
        states = row_states(each)
        problems += list_problems(each, states, roster)
        reports += _report(each, states)
        matches.append(states.select(*_MATCHES))
    problems += _list_without(facts, layouts)
    problems += find_slips(facts, past)
    return Intake(facts, tuple(problems), pl.concat(matches), tuple(reports))


_NO_FIGURES = pl.DataFrame(schema={CODE: pl.String})


def _read_batches(
    files: Iterable[Path], layouts: Sequence[Layout], year: int, problems: list[Problem]
) -> dict[_Kind, Batch]:
    """Every sheet that was recognised, by its kind; the others become problems."""
    sheets: dict[_Kind, list[TypedSheet]] = {}
    declared: dict[_Kind, Layout] = {}
    seen: set[tuple[str, str]] = set()
    for path in sorted(files):
        tables, found = read_tables(path)
        problems += found
        headers = [(table, recognise(table, layouts, year)) for table in tables]
        readable = any(isinstance(header, Header) for _, header in headers)
        for table, header in headers:
            if isinstance(header, Unrecognised):
                # A cover page is common beside a sheet that was understood.
                severity: Literal["error", "warning"] = "warning" if readable else "error"
                problems.append(_about(table, severity, header.what, header.fix))
            elif lacking := _lacking(header):
                problems += _refuse_sheet(table, header, lacking)
            elif (table.sha256, table.sheet) in seen:
                problems.append(_about(table, "error", say("和另一个文件内容完全相同，没有再读一次。"), None))
            else:
                seen.add((table.sha256, table.sheet))
                declared[header.layout.id, header.kind] = header.layout
                sheets.setdefault((header.layout.id, header.kind), []).append(read_sheet(table, header))
    return {key: Batch(declared[key], key[1], read) for key, read in sheets.items()}


def _about(
    table: TextTable, severity: Literal["error", "warning"], what: Message, fix: Message | None
) -> Problem:
    return Problem(severity, table.file, table.sheet, None, None, None, "", what, fix)


def _lacking(header: Header) -> list[str]:
    """Columns without which the sheet cannot be read, though its header names them."""
    lacking = [
        name
        for name, column in header.sheet.columns.items()
        if column.required and name not in header.columns
    ]
    for party in header.sheet.parties().values():
        named = [name for name in (party.code, party.name) if name is not None]
        if not any(name in header.columns for name in named):
            lacking += named[:1]
    return list(dict.fromkeys(lacking))


def _refuse_sheet(table: TextTable, header: Header, lacking: list[str]) -> Iterator[Problem]:
    for remark in header.remarks:
        cell = None if remark.letters is None else f"{remark.letters}{header.row}"
        yield Problem(
            remark.severity,
            table.file,
            table.sheet,
            header.row,
            None,
            cell,
            remark.header,
            remark.what,
            remark.fix,
        )
    columns = "、".join(f"“{name}”" for name in lacking)
    yield _about(table, "error", say("{columns} 不能用，整张表没有读。", columns=columns), None)


def _settle_roster(
    batches: dict[_Kind, Batch], order: Sequence[_Kind], problems: list[Problem], *, any_code: bool
) -> tuple[Roster, Settled | None]:
    rosters = [batches[key] for key in order if key in batches and batches[key].declared.roster]
    if not rosters:
        what = say("没有评价名单，无法对照其他部门的数据。")
        problems.append(
            Problem("error", "", None, None, None, None, "", what, say("请加上经信部门的企业名单。"))
        )
        return Roster(pl.DataFrame(schema={CODE: pl.String, NAME: pl.String})), None
    for other in rosters[1:]:
        for sheet in other.sheets:
            problems.append(_about(sheet.table, "error", say("有两种名单，这一种没有读。"), None))
        del batches[other.layout.id, other.kind]
    claims = claim_roster(rosters[0], any_code=any_code)
    enterprises = (
        claims.frame.filter(pl.col(CODE).is_not_null())
        .select(CODE, pl.col(GIVEN_NAME).alias(NAME))
        .unique(CODE, keep="first", maintain_order=True)
    )
    return Roster(enterprises), settle(rosters[0], [claims])


def _settle_departments(
    batches: dict[_Kind, Batch], order: Sequence[_Kind], roster: Roster, known: pl.DataFrame, year: int
) -> Iterator[Settled]:
    for key in order:
        batch = batches.get(key)
        if batch is None or batch.declared.roster:
            continue
        declared = batch.declared
        if declared.share is not None:
            if not any(
                other.declared.meter is not None for (layout, _), other in batches.items() if layout == key[0]
            ):
                yield settle(batch, [claim_shares_alone(batch, roster)])
        elif declared.meter is not None:
            splits = batches.get((key[0], declared.meter.split))
            meters, shares = claim_meters(batch, declared.meter, splits, roster)
            yield settle(batch, [meters])
            if splits is not None and shares is not None:
                yield settle(splits, [shares])
        elif declared.subjects:
            yield settle(batch, claim_contracts(batch, roster, known, year))
        else:
            yield settle(batch, [claim_ordinary(batch, roster)])


def _note_parcels(settled: Settled, roster: Roster) -> None:
    """List the parcels that several enterprises share."""
    batch = settled.batch
    for column, declared in batch.declared.columns.items():
        for claim in settled.claims if declared.parcel else ():
            if column not in claim.frame.columns:
                continue
            shared = (
                claim.frame.filter(pl.col(CODE).is_not_null() & pl.col(column).is_not_null())
                .group_by(column, maintain_order=True)
                .agg(pl.col(CODE).unique(maintain_order=True), pl.struct(SHEET, ROW).alias("rows"))
                .filter(pl.col(CODE).list.len() > 1)
            )
            names = dict(roster.frame.iter_rows()) if shared.height else {}
            for parcel, codes, rows in shared.iter_rows():
                what = say(
                    "宗地 {parcel} 由 {count} 家企业共用：{names}。",
                    parcel=parcel,
                    count=len(codes),
                    names="、".join(names[code] or code for code in codes),
                )
                fix = say("各企业按表中各自的面积计；按宗地合并评价的，请在政策里写明。")
                for row in rows:
                    batch.note(row[SHEET], row[ROW], column, what, fix, error=False, found=parcel)


def _list_without(facts: Facts, layouts: Sequence[Layout]) -> Iterator[Problem]:
    """Enterprises of the roster that a sheet should name and does not."""
    for layout in layouts:
        for sheet in layout.sheet.values():
            expected = [name for name in sheet.expects if name in facts.items]
            sources = [table for table in facts.sources if any(name in table.columns for name in expected)]
            if not expected or not sources:
                continue
            without = facts.frame.filter(pl.all_horizontal(pl.col(name).is_null() for name in expected))
            for code, name in without.select(CODE, NAME).iter_rows():
                yield Problem(
                    "warning",
                    sources[0].file,
                    sources[0].sheet,
                    None,
                    None,
                    None,
                    "",
                    say("{name} 没有 {items}。", name=name or code, items="、".join(expected)),
                    say("请核对是否漏报；确实没有的，按办法的规定处理。"),
                    name,
                    code,
                )


def _report(settled: Settled, states: pl.DataFrame) -> Iterator[SheetReport]:
    for at, sheet in enumerate(settled.batch.sheets):
        own = states.filter(pl.col(SHEET) == at)
        rows = own.group_by(ROW).agg((pl.col(STATUS) == IMPORTED).any().alias("in"))
        imported = int(rows.get_column("in").sum())
        yield SheetReport(
            sheet.table.file,
            sheet.table.sheet,
            settled.batch.layout.id,
            settled.batch.kind,
            settled.batch.layout.department,
            sheet.header.row,
            {name: found.letters for name, found in sheet.header.columns.items()},
            rows.height,
            imported,
            rows.height - imported - sheet.skipped.height,
            sheet.skipped.height,
            sheet.blank,
        )
