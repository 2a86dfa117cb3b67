"""One recognised sheet, its cells converted by declaration; bad cells noted, skipped rows with their reason.

Knows nothing of other sheets: whose a row is, and what several rows add up to, is for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.address import column_number, split_address
from muheng.intake.archive import CellRange
from muheng.intake.facts import ROW
from muheng.intake.header import Header, HeaderColumn
from muheng.intake.identity import show_as_excel
from muheng.intake.layout import Column, header_key
from muheng.intake.numbers import Fault, NumberColumn, read_numbers
from muheng.intake.tables import TextTable
from muheng.intake.values import clean_text, read_dates, read_tags, read_texts
from muheng.standards.units import default_range

SKIP = "跳过"
TOTAL = str(say("合计行"))
FOOTNOTE = str(say("说明行"))
REPEATED_HEADER = str(say("重复的表头"))

_TOTAL = r"^.{0,12}(合计|小计|总计|共计|总和)(\(.*\))?[::]?$"
_FOOTNOTE = (
    r"^(注|备注|说明|填表|制表|填报|审核|复核|单位负责人|负责人|统计负责人|联系|数据来源|日期)[^,]{0,8}[::]"
)
_WELL_FORMED = r"[0-9A-Z]{15,}"


@dataclass(frozen=True)
class Flaw:
    """Something about a cell, or about a whole row or column. An error keeps the row out."""

    severity: Literal["error", "warning"]
    row: int | None
    column: str | None
    letters: str | None
    found: str
    what: Message
    fix: Message | None = None


@dataclass(frozen=True)
class TypedSheet:
    """`frame`: 行 and one column per declared column that is in the sheet, for the rows that are not skipped.

    Numbers are Int64 scaled by the column's digits, dates Date, all else String. `skipped`: 行, 跳过 (the
    reason); `blank` rows are only counted.
    """

    table: TextTable
    header: Header
    frame: pl.DataFrame
    skipped: pl.DataFrame
    blank: int
    flaws: tuple[Flaw, ...]


def read_sheet(table: TextTable, header: Header) -> TypedSheet:
    """Convert the cells below the header."""
    broken = _broken_cells(table, header)
    body = _cut_body(table, header, max((row for row, *_ in broken), default=0))
    columns = header.columns
    flaws = _header_flaws(header)
    body = _fill_merged(table, header, body, flaws)
    text = body.with_columns(
        clean_text(pl.col(found.letters))
        for name, found in columns.items()
        if header.sheet.columns[name].type != "数字"
    )
    kept = text.filter(~_find_blank(text, header, {row for row, *_ in broken}))
    blanks = text.height - kept.height
    reasons = _find_skipped(kept, header)
    skipped = kept.select(pl.col(ROW), reasons.alias(SKIP)).drop_nulls(SKIP)
    if skipped.height:
        kept = kept.filter(reasons.is_null())
    rows = kept.get_column(ROW)
    frame = _convert(kept, header, rows, flaws)
    left_out = set(skipped.get_column(ROW))
    flaws.extend(
        Flaw("error", row, name, header.columns[name].letters, "", what, fix)
        for row, name, what, fix in broken
        if row not in left_out
    )
    if table.delimited:
        flaws.extend(flaw for flaw in _moved_rows(table, header) if flaw.row not in left_out)
    return TypedSheet(table, header, frame, skipped, blanks, tuple(flaws))


def _cut_body(table: TextTable, header: Header, last_broken: int) -> pl.DataFrame:
    start = header.first_row - 1
    body = table.frame.slice(start)
    if last_broken > table.frame.height:
        # The reader ends the sheet at its last value; rows of formulas without results come after.
        more = last_broken - max(table.frame.height, start)
        body = pl.concat([body, pl.DataFrame({name: [None] * more for name in body.columns}, body.schema)])
    return body.with_columns(pl.int_range(start + 1, start + 1 + pl.len(), dtype=pl.UInt32).alias(ROW))


def _header_flaws(header: Header) -> list[Flaw]:
    flaws = [
        Flaw(remark.severity, header.row, None, remark.letters, remark.header, remark.what, remark.fix)
        for remark in header.remarks
    ]
    if header.unread:
        flaws.append(
            Flaw(
                "warning",
                header.row,
                None,
                None,
                "、".join(header.unread),
                say("这些列没有读入：{columns}。", columns="、".join(header.unread)),
                say("如需要，请改成布局里的列名，或在布局里加上别名。"),
            )
        )
    return flaws


def _moved_rows(table: TextTable, header: Header) -> Iterator[Flaw]:
    """Rows of a text with more cells than its header, as an unquoted 1,234 makes them."""
    if not header.row:
        return
    heads = table.frame.slice(max(header.row - 2, 0), min(header.row, 2))
    last = max(at for at, column in enumerate(heads.iter_columns()) if column.null_count() < column.len())
    beyond = table.frame.columns[last + 1 :]
    if not beyond:
        return
    body = table.frame.slice(header.first_row - 1).select(beyond)
    for at in body.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true():
        letters = next(name for name in beyond if body[name][at] is not None)
        yield Flaw(
            "error",
            header.first_row + at,
            None,
            letters,
            body[letters][at],
            say("这一行的格子比表头多，后面的数可能错位了。"),
            say("请检查数里的逗号（如 1,234 要加引号），或改交 .xlsx。"),
        )


def _fill_merged(table: TextTable, header: Header, body: pl.DataFrame, flaws: list[Flaw]) -> pl.DataFrame:
    """Give every row of a merged cell its text; a merged number belongs to one enterprise or is refused."""
    by_column = {column_number(found.letters): name for name, found in header.columns.items()}
    merged = [
        (by_column[span.first_column], span)
        for span in table.merges
        if span.first_column in by_column
        and span.first_row < span.last_row
        and span.last_row >= header.first_row
    ]
    numbers = [(name, span) for name, span in merged if header.sheet.columns[name].type == "数字"]
    texts = [(name, span) for name, span in merged if header.sheet.columns[name].type != "数字"]
    for name in dict.fromkeys(name for name, _ in texts):
        letters = header.columns[name].letters
        values = body.get_column(letters).to_list()
        for own, span in texts:
            if own == name:
                first = max(span.first_row - header.first_row, 0)
                last = min(span.last_row - header.first_row + 1, len(values))
                if first < last:
                    values[first:last] = [values[first]] * (last - first)
        body = body.with_columns(pl.Series(letters, values, dtype=pl.String))
    if numbers:
        _refuse_shared_numbers(header, body, numbers, flaws)
    return body


def _refuse_shared_numbers(
    header: Header, body: pl.DataFrame, numbers: list[tuple[str, CellRange]], flaws: list[Flaw]
) -> None:
    identity = [
        found.letters
        for name, found in header.columns.items()
        if header.sheet.columns[name].type in ("信用代码", "名称")
    ]
    for name, span in numbers:
        part = body.slice(span.first_row - header.first_row, span.last_row - span.first_row + 1)
        if part.select(identity).n_unique() > 1:
            letters = header.columns[name].letters
            place = f"{letters}{span.first_row}:{letters}{span.last_row}"
            found = part.get_column(letters)[0] or ""
            flaws.extend(
                Flaw(
                    "error",
                    row,
                    name,
                    letters,
                    found,
                    say("合并单元格 {place} 由几家企业共用一个数，分不清各是多少。", place=place),
                    say("请取消合并，逐行填写。"),
                )
                for row in part.get_column(ROW)
            )


def _find_skipped(body: pl.DataFrame, header: Header) -> pl.Series:
    """Why a row is no enterprise's: a total, a note at the foot, the header again; null for the others."""
    sheet, columns = header.sheet, header.columns
    identity = {
        f.letters: f for name, f in columns.items() if sheet.columns[name].type in ("信用代码", "名称")
    }
    codes = [f.letters for name, f in columns.items() if sheet.columns[name].type == "信用代码"]
    numbers = [f.letters for name, f in columns.items() if sheet.columns[name].type == "数字"]
    first = [letters for letters in body.columns if letters != ROW][:3]
    looked = list(dict.fromkeys([*identity, *first]))
    no_figures = pl.all_horizontal([pl.col(letters).is_null() for letters in numbers] or [True])
    suspect = (
        pl.any_horizontal(pl.col(letters).str.contains("[计总]") for letters in looked).fill_null(False)
        | no_figures
        | pl.all_horizontal(
            pl.col(letters).str.len_chars() < _HEADER_LENGTH for letters in identity
        ).fill_null(False)
    )
    found = body.select(pl.col(ROW), suspect.alias("suspect"))
    folded = {letters: pl.col(letters).str.normalize("NFKC").str.replace_all(r"\s", "") for letters in looked}
    coded = pl.any_horizontal([folded[letters].str.contains(_WELL_FORMED) for letters in codes] or [False])
    total = pl.any_horizontal(text.str.contains(_TOTAL) for text in folded.values())
    note = pl.coalesce(folded[letters] for letters in first).str.contains(_FOOTNOTE)
    again = pl.all_horizontal(
        folded[letters].str.to_lowercase() == header_key(found.header) for letters, found in identity.items()
    )
    reason = (
        pl.when(total.fill_null(False) & ~coded.fill_null(False))
        .then(pl.lit(TOTAL))
        .when(again.fill_null(False))
        .then(pl.lit(REPEATED_HEADER))
        .when(note.fill_null(False) & no_figures)
        .then(pl.lit(FOOTNOTE))
    )
    suspects = body.filter(found.get_column("suspect")).select(pl.col(ROW), reason.alias(SKIP))
    if suspects.get_column(SKIP).null_count() == suspects.height:
        return pl.Series(SKIP, [None], dtype=pl.String).new_from_index(0, body.height)
    return found.join(suspects, on=ROW, how="left", maintain_order="left").get_column(SKIP)


# Only to find rows worth a closer look: no header of a code or name column is longer.
_HEADER_LENGTH = 16


def _convert(body: pl.DataFrame, header: Header, rows: pl.Series, flaws: list[Flaw]) -> pl.DataFrame:
    sheet = header.sheet
    specs = {
        name: _number_column(sheet.columns[name], found)
        for name, found in header.columns.items()
        if sheet.columns[name].type == "数字"
    }
    numbers = dict(zip(specs, read_numbers(body, list(specs.values())), strict=True))
    series: list[pl.Series] = [rows]
    for name, found in header.columns.items():
        column = sheet.columns[name]
        faults: Iterable[Fault] = ()
        if name in numbers:
            read = numbers[name]
            values, faults = read.values, read.faults
            if read.rounded and read.first_rounded is not None:
                flaws.append(_rounded(name, found, column, read.rounded, rows[read.first_rounded]))
            _note_negatives(name, found, column, values, body, rows, flaws)
        elif column.type == "日期":
            values, faults = read_dates(body.get_column(found.letters))
        elif column.type == "标签":
            values, faults = read_tags(body.get_column(found.letters))
        elif column.type == "文本":
            values, faults = read_texts(body.get_column(found.letters), column.values)
        else:
            values, faults = read_texts(body.get_column(found.letters), None)
            if column.type == "信用代码":
                values = show_as_excel(values)
        flaws.extend(
            Flaw("error", rows[fault.at], name, found.letters, fault.found, fault.what, fault.fix)
            for fault in faults
        )
        series.append(values.alias(name))
    return pl.DataFrame(series)


def _number_column(column: Column, found: HeaderColumn) -> NumberColumn:
    unit = column.parsed_unit
    low, high = column.range or default_range(unit)
    if column.range is None and column.negative != "拒绝":
        low = min(low, -high)
    elif column.range is None:
        # A negative figure has words of its own, better than "beyond belief".
        low = -high
    return NumberColumn(found.letters, found.unit or unit, unit, column.scale, Decimal(low), Decimal(high))


def _rounded(name: str, found: HeaderColumn, column: Column, count: int, row: int) -> Flaw:
    return Flaw(
        "warning",
        None,
        name,
        None,
        f"{found.letters}{row}",
        say(
            "有 {count} 个数按 {unit} 保留 {digits} 位小数时四舍五入（第一个在 {cell}）。",
            count=f"{count:,}",
            unit=column.unit,
            digits=column.scale,
            cell=f"{found.letters}{row}",
        ),
    )


def _note_negatives(
    name: str,
    found: HeaderColumn,
    column: Column,
    values: pl.Series,
    body: pl.DataFrame,
    rows: pl.Series,
    flaws: list[Flaw],
) -> None:
    if column.negative == "允许":
        return
    text = body.get_column(found.letters)
    refused = column.negative == "拒绝"
    fix = say("请核对；没有就留空。") if refused else say("请核对；确是负数（如退税）就不用改。")
    flaws.extend(
        Flaw(
            "error" if refused else "warning",
            rows[at],
            name,
            found.letters,
            text[at],
            say("“{found}” 是负数。", found=text[at]),
            fix,
        )
        for at in (values < 0).arg_true()
    )


def _find_blank(text: pl.DataFrame, header: Header, broken: set[int]) -> pl.Series:
    """True for rows without anything in a declared column; cells of blanks only count as empty."""
    numbers = [f.letters for name, f in header.columns.items() if header.sheet.columns[name].type == "数字"]
    others = [f.letters for name, f in header.columns.items() if header.sheet.columns[name].type != "数字"]
    bare = pl.all_horizontal(pl.col(letters).is_null() for letters in others)
    empty = pl.all_horizontal(
        [pl.col(letters).is_null() | (pl.col(letters).str.strip_chars() == "") for letters in numbers]
        or [True]
    )
    candidates = text.select(bare & ~pl.col(ROW).is_in(list(broken))).to_series()
    if not candidates.any():
        return candidates
    rows = text.filter(candidates).filter(empty).get_column(ROW)
    return text.select(pl.col(ROW).is_in(rows.implode())).to_series()


def _broken_cells(table: TextTable, header: Header) -> list[tuple[int, str, Message, Message]]:
    """Formulas without a result and error values came as blanks; they are no blanks. Row, column, words."""
    names = {found.letters: name for name, found in header.columns.items()}
    broken = []
    for addresses, what, fix in (
        (table.uncomputed, say("公式没有结果。"), say("请用 Excel 打开，等计算完成后保存一次再交。")),
        (table.errors, say("单元格是错误值（如 #N/A、#DIV/0!）。"), say("请改正公式，或填数值。")),
    ):
        for address in sorted(addresses):
            letters, row = split_address(address)
            if letters in names and row >= header.first_row:
                broken.append((row, names[letters], what, fix))
    return broken
