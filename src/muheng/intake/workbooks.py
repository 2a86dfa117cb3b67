"""Departments' workbooks to checked facts: the whole way, for all files together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

import polars as pl

from muheng.documents.message import Message, Refusal, say
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
from muheng.intake.progress import SILENT, Progress, Report, Stopped
from muheng.intake.recognition import SheetView, view_ignored, view_sheet, view_unread
from muheng.intake.sheet import TypedSheet, read_sheet
from muheng.intake.sheet_fix import NOTHING_FIXED, SheetFix, SheetKey
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
    `views` say of every sheet, read or not, what was recognised.
    """

    facts: Facts
    problems: tuple[Problem, ...]
    matches: pl.DataFrame
    sheets: tuple[SheetReport, ...]
    views: tuple[SheetView, ...] = ()


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


Fixes = Mapping[SheetKey, SheetFix]


def read_workbooks(
    files: Iterable[Path],
    layouts: Sequence[Layout],
    year: int,
    *,
    past: Facts | None = None,
    roster: Roster | None = None,
    fixes: Fixes | None = None,
    progress: Report | None = None,
) -> Intake:
    """Read departments' files for one year. `past` are the facts of an earlier year, to compare units with.

    Rows are matched against the roster among the files; where there is none, against `roster`, and then the
    facts hold only the enterprises that the files give something of. Other names in `roster` are known in
    either case. `fixes` are what a person decided about sheets. The order of the files does not matter. Facts
    hold every item of `layouts`; what no file gives is null.

    Never raises for what is in the files; OSError when a file cannot be read at all, Refusal for a fix that
    cannot be. What `progress` raises ends the reading and comes out as it is.
    """
    try:
        return _read(
            files, layouts, year, past=past, given=roster, fixes=fixes or {}, progress=Progress(progress)
        )
    except Stopped as stopped:
        raise stopped.reason from None


def recognise_workbooks(
    files: Iterable[Path],
    layouts: Sequence[Layout],
    year: int,
    *,
    fixes: Fixes | None = None,
    progress: Report | None = None,
) -> tuple[SheetView, ...]:
    """What the sheets would be taken for, column by column. Raises as `read_workbooks` does."""
    try:
        found = _recognise_sheets(files, layouts, year, fixes or {}, [], Progress(progress))
        return tuple(view for _, _, view in found)
    except Stopped as stopped:
        raise stopped.reason from None


def read_plain(file: Path, items: Mapping[str, Item], year: int) -> Intake:
    """Read a plain table: 统一社会信用代码, 企业名称 (may be absent) and a column under each item's name.

    A unit in brackets, `税收（元）`, is converted exactly. Any text is accepted as a code, so that tests and
    studies need no real ones.
    """
    intake = _read([file], [_plain_layout(items)], year, any_code=True)
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
    files: Iterable[Path],
    layouts: Sequence[Layout],
    year: int,
    *,
    past: Facts | None = None,
    given: Roster | None = None,
    fixes: Fixes | None = None,
    progress: Progress = SILENT,
    any_code: bool = False,
) -> Intake:
    problems: list[Problem] = []
    views: list[SheetView] = []
    batches = _read_batches(files, layouts, year, fixes or {}, problems, views, progress.within(0, _READING))
    order = [(layout.id, kind) for layout in layouts for kind in layout.sheet]
    matching = progress.within(_READING, 1)
    matching.tell(say("对照企业"))
    roster, settled = _settle_roster(batches, order, given, problems, any_code=any_code)
    done = [] if settled is None else [settled]
    known = roster.known if settled is None else settled.figures
    for at, each in enumerate(_settle_departments(batches, order, roster, known, year)):
        matching.tell(say("对照企业"), 0.5 * at / len(batches))
        done.append(each)
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
    for at, each in enumerate(done):
        matching.tell(say("列出问题"), 0.5 + 0.4 * at / len(done))
        states = row_states(each)
        problems += list_problems(each, states, roster)
        reports += _report(each, states)
        matches.append(states.select(*_MATCHES))
    if settled is not None:
        # Nobody says that these files are to speak of everybody on a roster kept elsewhere.
        problems += _list_without(facts, layouts)
    matching.tell(say("对比往年和同行"), 0.9)
    problems += find_slips(_with_known(facts, roster), past)
    if settled is None:
        facts = _only_given(facts)
    matching.tell(say("读完"), 1)
    return Intake(facts, tuple(problems), pl.concat(matches), tuple(reports), tuple(views))


# Of the time that all takes, this much goes by before rows are matched.
_READING = 0.85


def _with_known(facts: Facts, roster: Roster) -> Facts:
    """The facts with what the roster knows in the places of text that no file gives."""
    names = [
        name
        for name, item in facts.items.items()
        if item.kind == "text"
        and name in roster.known.columns
        and facts.frame.get_column(name).null_count() == facts.frame.height
    ]
    if not names:
        return facts
    known = facts.frame.select(CODE).join(
        roster.known.select(CODE, *names), on=CODE, how="left", maintain_order="left"
    )
    return replace(facts, frame=facts.frame.with_columns(known.get_column(name) for name in names))


def _only_given(facts: Facts) -> Facts:
    """Without the enterprises of which nothing is given."""
    something = pl.any_horizontal(pl.col(name).is_not_null() for name in facts.items)
    return replace(facts, frame=facts.frame.filter(something)) if facts.items else facts


def _read_batches(
    files: Iterable[Path],
    layouts: Sequence[Layout],
    year: int,
    fixes: Fixes,
    problems: list[Problem],
    views: list[SheetView],
    progress: Progress,
) -> dict[_Kind, Batch]:
    """Every sheet that was recognised, by its kind; the others become problems."""
    sheets: dict[_Kind, list[TypedSheet]] = {}
    declared: dict[_Kind, Layout] = {}
    for table, header, view in _recognise_sheets(files, layouts, year, fixes, problems, progress):
        views.append(view)
        if table is not None and isinstance(header, Header):
            declared[header.layout.id, header.kind] = header.layout
            sheets.setdefault((header.layout.id, header.kind), []).append(read_sheet(table, header))
    return {key: Batch(declared[key], key[1], read) for key, read in sheets.items()}


def _recognise_sheets(
    files: Iterable[Path],
    layouts: Sequence[Layout],
    year: int,
    fixes: Fixes,
    problems: list[Problem],
    progress: Progress,
) -> Iterator[tuple[TextTable | None, Header | None, SheetView]]:
    """Every sheet with its view; with its header only where it is to be read, else `problems` say why not."""
    paths = sorted(files)
    sizes = [path.stat().st_size + 1 for path in paths]
    done, whole = 0, max(sum(sizes), 1)
    seen: set[tuple[str, str]] = set()
    unused = dict(fixes)
    for path, size in zip(paths, sizes, strict=True):
        own = progress.within(done / whole, (done + size) / whole)
        done += size
        tables, found = read_tables(path, own.within(0, _TEXT))
        problems += found
        if not tables:
            said = found[0] if found else None
            yield (
                None,
                None,
                view_unread(
                    path.name, said.what if said else say("没有可读的工作表。"), said.fix if said else None
                ),
            )
            continue
        decided = [unused.pop((table.file, table.sheet), None) for table in tables]
        read = [
            (table, fix, recognise(table, layouts, year, fix or NOTHING_FIXED))
            for table, fix in zip(tables, decided, strict=True)
            if fix is None or not fix.ignore
        ]
        yield from (
            (None, None, view_ignored(table))
            for table, fix in zip(tables, decided, strict=True)
            if fix is not None and fix.ignore
        )
        readable = any(isinstance(header, Header) for *_, header in read)
        for at, (table, fix, header) in enumerate(read):
            own.within(_TEXT, 1).tell(
                say("换算 {file}·{sheet}", file=table.file, sheet=table.sheet), at / len(read)
            )
            if isinstance(header, Unrecognised):
                # A cover page is common beside a sheet that was understood.
                severity: Literal["error", "warning"] = "warning" if readable else "error"
                problems.append(_about(table, severity, header.what, header.fix))
                yield None, None, view_sheet(table, header, (), fix)
                continue
            lacking = tuple(_lacking(header))
            view = view_sheet(table, header, lacking, fix)
            if lacking:
                problems += _refuse_sheet(table, header, lacking)
                yield None, None, view
            elif (table.sha256, table.sheet) in seen:
                what = say("和另一个文件内容完全相同，没有再读一次。")
                problems.append(_about(table, "error", what, None))
                yield None, None, replace(view, what=what)
            else:
                seen.add((table.sha256, table.sheet))
                yield table, header, view
    for file, sheet in unused:
        raise Refusal(
            say("没有可读的工作表 {file}·{sheet}，改动用不上。", file=file, sheet=sheet),
            say("去掉这条改动，或重新上传这个文件。"),
            (file, sheet),
        )


# Of the time that a file takes, this much goes by before its sheets are recognised and converted.
_TEXT = 0.75


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


def _refuse_sheet(table: TextTable, header: Header, lacking: Sequence[str]) -> Iterator[Problem]:
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
    batches: dict[_Kind, Batch],
    order: Sequence[_Kind],
    given: Roster | None,
    problems: list[Problem],
    *,
    any_code: bool,
) -> tuple[Roster, Settled | None]:
    """The roster among the files and what it gives, or the one that was given."""
    rosters = [batches[key] for key in order if key in batches and batches[key].declared.roster]
    if not rosters and given is not None:
        return given, None
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
    former = Roster(enterprises).former if given is None else _other_names(enterprises, given)
    return Roster(enterprises, former), settle(rosters[0], [claims])


def _other_names(enterprises: pl.DataFrame, given: Roster) -> pl.DataFrame:
    """Names that the enterprises bear or bore elsewhere, besides the one on their own roster."""
    others = pl.concat([given.frame.select(CODE, NAME), given.former.select(CODE, NAME)])
    return others.join(enterprises, on=[CODE, NAME], how="anti")


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
