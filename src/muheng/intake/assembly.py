"""Claims to facts: an enterprise's rows become one figure, or none at all.

A bad row withholds the enterprise's figures from that department's sheets, all of them: a sum of some of its
rows would look like a figure and be wrong. Other enterprises are not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.claims import GIVEN_CODE, GIVEN_NAME, SHEET, Batch, Claims, Gain
from muheng.intake.facts import CODE, NAME, ROW, Item, SourceTable
from muheng.intake.identity import BY_SPLIT, REASON, Roster
from muheng.intake.problem import Problem
from muheng.intake.sheet import SKIP, Flaw

FILE = "文件"
WORKSHEET = "工作表"
ROLE = "主体"
STATUS = "处理"
IMPORTED = str(say("导入"))
LISTED = str(say("问题"))

_JOINED = "|"
_FIRST = "/first"


@dataclass(frozen=True)
class Settled:
    """A batch after its bad rows were taken out.

    `before` are the claims as matched, `claims` the same with the code null where a row does not count;
    `figures` has 统一社会信用代码 (unique) and the batch's items.
    """

    batch: Batch
    before: list[Claims]
    claims: list[Claims]
    figures: pl.DataFrame


def settle(batch: Batch, claims: Sequence[Claims]) -> Settled:
    """Withhold what bad, doubled and contradicting rows would spoil, and add up the rest."""
    dropped = [_note_doubles(batch, claim) for claim in claims]
    bad = batch.bad_rows()
    settled = [_withhold(batch, claim, bad, doubles) for claim, doubles in zip(claims, dropped, strict=True)]
    figures = pl.DataFrame(schema={CODE: pl.String})
    for claim in settled:
        if claim.gains:
            added = add_up(claim.frame, claim.gains)
            figures = figures.join(added, on=CODE, how="full", coalesce=True) if figures.width > 1 else added
    return Settled(batch, list(claims), settled, figures)


def _note_doubles(batch: Batch, claim: Claims) -> pl.DataFrame:
    """Note rows that stand twice and rows that contradict each other; give back the repetitions (表, 行)."""
    nothing = claim.frame.select(SHEET, ROW).clear()
    if not claim.gains:
        return nothing
    several = claim.frame.filter(
        pl.col(CODE).is_not_null() & pl.col(CODE).is_duplicated() & (pl.col(REASON) != BY_SPLIT)
    )
    if not several.height:
        return nothing
    # Whose the row is has been settled; in a contract the other party counts.
    compared = [
        name
        for name, column in batch.declared.columns.items()
        if name in several.columns and (claim.role or column.type not in ("信用代码", "名称"))
    ]
    several = several.with_columns(pl.col(ROW).first().over(CODE, *compared).alias(_FIRST))
    again = several.filter(~pl.struct(CODE, *compared).is_first_distinct())
    for sheet, row, first in again.select(SHEET, ROW, _FIRST).iter_rows():
        what = say("与第 {row} 行完全相同，只计一次。", row=first)
        batch.note(sheet, row, None, what, say("如确是两笔，请填写能区分的编号后再交。"), error=False)
    several = several.join(again, on=[SHEET, ROW], how="anti")
    for gain in claim.gains:
        if gain.column not in several.columns:
            continue
        if gain.repeat is None:
            differing = several.filter(pl.col(gain.column).drop_nulls().n_unique().over(CODE) > 1)
            for sheet, row, code in differing.select(SHEET, ROW, CODE).iter_rows():
                what = say("{code} 有几行，“{column}”不一致。", code=code, column=gain.column)
                batch.note(sheet, row, gain.column, what, say("请核对后只留一行。"), error=True)
        elif gain.repeat == "拼接" and batch.declared.roster:
            differing = several.filter(pl.col(gain.column).drop_nulls().n_unique().over(CODE) > 1)
            for sheet, row in differing.select(SHEET, ROW).iter_rows():
                what = say("一家企业在几个“{column}”各有一行，已合为一家。", column=gain.column)
                batch.note(
                    sheet,
                    row,
                    gain.column,
                    what,
                    say("按{column}分组的规则要指定主要的一个。", column=gain.column),
                    error=False,
                )
    return again.select(SHEET, ROW)


def _withhold(batch: Batch, claim: Claims, bad: pl.DataFrame, doubles: pl.DataFrame) -> Claims:
    """Null the code of rows that do not count: doubles, bad rows, and the other rows of their enterprises."""
    frame = claim.frame
    spoiled = set(frame.join(bad, on=[SHEET, ROW], how="semi").get_column(CODE).drop_nulls()) | batch.withheld
    if spoiled and claim.gains:
        siblings = (
            frame.filter(pl.col(CODE).is_in(list(spoiled)))
            .join(bad, on=[SHEET, ROW], how="anti")
            .join(doubles, on=[SHEET, ROW], how="anti")
        )
        for sheet, row in siblings.select(SHEET, ROW).unique(maintain_order=True).iter_rows():
            what = say("同一企业另有一行有错，为免只算一部分，这一行也暂不导入。")
            batch.note(sheet, row, None, what, say("改正有错的那一行即可。"), error=False)
    if not spoiled and not doubles.height and not bad.height:
        return claim
    out = pl.concat([bad, doubles]).unique().with_columns(pl.lit(True).alias("out"))
    kept = (
        frame.join(out, on=[SHEET, ROW], how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("out").is_null() & ~pl.col(CODE).is_in(list(spoiled)))
            .then(pl.col(CODE))
            .alias(CODE)
        )
        .drop("out")
    )
    return replace(claim, frame=kept)


def add_up(frame: pl.DataFrame, gains: Sequence[Gain]) -> pl.DataFrame:
    """One row for each enterprise; several rows become one as each gain's repeat rule says."""
    present = [gain for gain in gains if gain.column in frame.columns]
    counted = frame.filter(pl.col(CODE).is_not_null())
    twice = counted.get_column(CODE).is_duplicated()
    single = counted.select(CODE, *(pl.col(gain.column).alias(gain.item.name) for gain in present))
    if not twice.any():
        return single
    repeated = counted.filter(twice)
    several = repeated.group_by(CODE, maintain_order=True).agg(
        _combine(gain).alias(gain.item.name) for gain in present if gain.repeat != "取最大"
    )
    for gain in present:
        if gain.repeat == "取最大":
            several = several.join(_take_largest(repeated, gain), on=CODE, how="left", maintain_order="left")
    return pl.concat([single.filter(~twice), several.select(single.columns)])


def _combine(gain: Gain) -> pl.Expr:
    values = pl.col(gain.column)
    if gain.repeat == "相加":
        return pl.when(values.count() > 0).then(values.sum())
    if gain.repeat == "拼接":
        if gain.item.kind == "tags":
            joined = values.drop_nulls().str.split("|").explode().unique(maintain_order=True).str.join("|")
        else:
            joined = values.drop_nulls().unique(maintain_order=True).str.join(_JOINED)
        return pl.when(values.count() > 0).then(joined)
    return values.drop_nulls().first()


def _take_largest(rows: pl.DataFrame, gain: Gain) -> pl.DataFrame:
    """The value in the row where `by` is largest; the earlier row of equals."""
    # Not sort_by with int_range(len()) inside agg: Polars 2.1 then reads past the group, or crashes.
    by = gain.by or gain.column
    ranked = rows.select(
        CODE, pl.col(gain.column).alias(gain.item.name), pl.col(by).alias("by")
    ).with_row_index("at")
    ranked = ranked.sort("by", "at", descending=[True, False], nulls_last=True)
    return ranked.unique(CODE, keep="first", maintain_order=True).select(CODE, gain.item.name)


def sum_items(frame: pl.DataFrame, settled: Settled) -> pl.DataFrame:
    """Items that are sums of others: missing parts count as nothing; without any part there is no sum."""
    made = []
    for name, total in settled.batch.declared.sums.items():
        parts = [pl.col(part) for part in _part_items(settled.batch, total.of)]
        made.append(
            pl.when(pl.any_horizontal(part.is_not_null() for part in parts))
            .then(pl.sum_horizontal(parts))
            .alias(name)
        )
    return frame.with_columns(made)


def _part_items(batch: Batch, columns: Sequence[str]) -> list[str]:
    return [batch.declared.columns[column].item or column for column in columns]


def source_tables(settled: Settled) -> list[SourceTable]:
    """Each sheet with the figures that it gave, once for each party that its rows name."""
    tables = []
    for at, sheet in enumerate(settled.batch.sheets):
        for claim in settled.claims:
            cited = {
                gain: sheet.header.columns[gain.cited].letters
                for gain in claim.gains
                if gain.cited in sheet.header.columns and gain.column in claim.frame.columns
            }
            if not cited:
                continue
            frame = claim.frame.filter(pl.col(SHEET) == at) if len(settled.batch.sheets) > 1 else claim.frame
            columns = {gain.item.name: letters for gain, letters in cited.items()}
            parts = {
                name: tuple(part for part in _part_items(settled.batch, total.of) if part in columns)
                for name, total in settled.batch.declared.sums.items()
            }
            tables.append(
                SourceTable(
                    sheet.table.file,
                    sheet.table.sheet,
                    settled.batch.layout.department,
                    settled.batch.layout.id,
                    sheet.table.sha256,
                    columns,
                    frame.select(CODE, ROW, *(pl.col(gain.column).alias(gain.item.name) for gain in cited)),
                    parts,
                )
            )
    return tables


def row_states(settled: Settled) -> pl.DataFrame:
    """Every row and party: 表, 文件, 工作表, 行, 主体, what it said of itself, its match, its fate."""
    batch = settled.batch
    counted = pl.concat(
        [
            claim.frame.filter(pl.col(CODE).is_not_null() | (pl.col(REASON) == BY_SPLIT)).select(SHEET, ROW)
            for claim in settled.claims
        ]
    ).unique()
    states = []
    for claim in settled.before:
        frame = claim.frame.join(
            counted.with_columns(pl.lit(IMPORTED).alias(STATUS)),
            on=[SHEET, ROW],
            how="left",
            maintain_order="left",
        )
        shared = pl.col(REASON) == BY_SPLIT
        states.append(
            frame.select(
                SHEET,
                ROW,
                pl.lit(claim.role).alias(ROLE),
                GIVEN_CODE,
                GIVEN_NAME,
                pl.when(shared.fill_null(False)).then(None).otherwise(pl.col(CODE)).alias(CODE),
                REASON,
                pl.col(STATUS).fill_null(LISTED),
            ).filter(~shared.fill_null(False) | pl.struct(SHEET, ROW).is_first_distinct())
        )
    for at, sheet in enumerate(batch.sheets):
        if sheet.skipped.height:
            states.append(
                sheet.skipped.select(
                    pl.lit(at, pl.UInt32).alias(SHEET),
                    ROW,
                    pl.lit("").alias(ROLE),
                    *(pl.lit(None, pl.String).alias(name) for name in (GIVEN_CODE, GIVEN_NAME, CODE, REASON)),
                    pl.format("{}：{}", pl.lit(SKIP), pl.col(SKIP)).alias(STATUS),
                )
            )
    names = pl.DataFrame(
        {
            SHEET: pl.int_range(0, len(batch.sheets), dtype=pl.UInt32, eager=True),
            FILE: [sheet.table.file for sheet in batch.sheets],
            WORKSHEET: [sheet.table.sheet for sheet in batch.sheets],
        }
    )
    return (
        pl.concat(states)
        .join(names, on=SHEET, how="left", maintain_order="left")
        .select(SHEET, FILE, WORKSHEET, ROW, ROLE, GIVEN_CODE, GIVEN_NAME, CODE, REASON, STATUS)
    )


def list_problems(settled: Settled, states: pl.DataFrame, roster: Roster) -> list[Problem]:
    """The flaws of a batch in words, each with its cell, its enterprise, and what becomes of the rest."""
    problems = []
    batch = settled.batch
    for at, sheet in enumerate(batch.sheets):
        own = states.filter(pl.col(SHEET) == at)
        imported = own.filter(pl.col(STATUS) == IMPORTED).get_column(ROW).n_unique()
        rows = [flaw.row for flaw in batch.flaws[at] if flaw.row is not None]
        named = {
            row: (known or name, code or given)
            for row, given, name, code, known in own.filter(pl.col(ROW).is_in(rows))
            .select(ROW, GIVEN_CODE, GIVEN_NAME, CODE)
            .join(roster.frame, on=CODE, how="left", maintain_order="left")
            .reverse()
            .iter_rows()
        }
        for flaw in sorted(batch.flaws[at], key=lambda flaw: (flaw.row or 0, flaw.letters or "")):
            enterprise, code = named.get(flaw.row or 0, (None, None))
            fix = _consequence(flaw, enterprise, code, imported) if flaw.row in named else flaw.fix
            cell = f"{flaw.letters}{flaw.row}" if flaw.letters is not None and flaw.row is not None else None
            problems.append(
                Problem(
                    flaw.severity,
                    sheet.table.file,
                    sheet.table.sheet,
                    flaw.row,
                    flaw.column,
                    cell,
                    flaw.found,
                    flaw.what,
                    fix,
                    enterprise,
                    code,
                )
            )
        problems += _list_skipped(sheet.table.file, sheet.table.sheet, sheet.skipped)
    return problems


def _consequence(flaw: Flaw, enterprise: str | None, code: str | None, imported: int) -> Message | None:
    if flaw.severity != "error":
        return flaw.fix
    mend = flaw.fix or ""
    others = f"{imported:,}"
    if enterprise is None or code is None:
        return say(
            "{mend}此行未导入，其余 {others} 行不受影响，等待您确认后一并生效。", mend=mend, others=others
        )
    short = code if len(code) <= 6 else f"{code[:4]}…{code[-1]}"
    return say(
        "{mend}此行（{enterprise}，{code}）未导入，其余 {others} 行不受影响，等待您确认后一并生效。",
        mend=mend,
        enterprise=enterprise,
        code=short,
        others=others,
    )


def _list_skipped(file: str, sheet: str, skipped: pl.DataFrame) -> list[Problem]:
    problems = []
    for (reason,), rows in skipped.group_by(SKIP, maintain_order=True):
        numbers = rows.get_column(ROW).to_list()
        shown = "、".join(str(number) for number in numbers[:10]) + ("…" if len(numbers) > 10 else "")
        what = say(
            "第 {rows} 行是{reason}，共 {count} 行，已跳过。",
            rows=shown,
            reason=Message(reason),
            count=len(numbers),
        )
        problems.append(Problem("warning", file, sheet, None, None, None, "", what))
    return problems


def lay_out(roster: pl.DataFrame, figures: Sequence[pl.DataFrame], items: dict[str, Item]) -> pl.DataFrame:
    """The roster with every item in its column, null where no sheet gives it; sorted by code."""
    frame = roster.select(CODE, NAME)
    for given in figures:
        if given.width == 1:
            continue  # A split sheet gives no item of its own.
        frame = frame.join(given, on=CODE, how="left", maintain_order="left")
    missing = [
        pl.lit(None, item.dtype).alias(name) for name, item in items.items() if name not in frame.columns
    ]
    return frame.with_columns(missing).select(CODE, NAME, *items).sort(CODE)
