"""The rows of a sheet with the enterprises they speak of, and the problems found so far. Knows no column's meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Literal

import polars as pl

from muheng.documents.message import Message, say
from muheng.emergency.inventory import sheets
from muheng.intake.address import column_number
from muheng.intake.facts import CODE, NAME, ROW
from muheng.intake.identity import BY_CODE, REASON, Roster, explain_unmatched, match
from muheng.intake.problem import Problem
from muheng.intake.sheet import Flaw, TypedSheet


@dataclass
class Notes:
    """The problems found so far, and the cells that have an error already."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    bad: set[tuple[str, int, str | None]] = field(default_factory=set)

    @property
    def bad_rows(self) -> set[tuple[str, int]]:
        return {(sheet, row) for sheet, row, _ in self.bad}

    def add(
        self,
        severity: Literal["error", "warning"],
        what: Message,
        fix: Message | None = None,
        *,
        at: Row | None = None,
        sheet: str | None = None,
        column: str | None = None,
        found: str = "",
    ) -> None:
        """A problem at a cell of a row, of a sheet, or of the whole file; of the errors of one cell the first."""
        if at is None:
            self.problems.append(Problem(severity, self.file, sheet, None, None, None, found, what, fix))
            return
        if severity == "error":
            if (at.sheet.table.sheet, at.number, column) in self.bad:
                return
            self.bad.add((at.sheet.table.sheet, at.number, column))
        self.problems.append(
            Problem(
                severity,
                self.file,
                at.sheet.table.sheet,
                at.number,
                column,
                at.cell(column),
                found or at.text(column),
                what,
                fix,
                at.name,
                at.code,
            )
        )


@dataclass(frozen=True)
class Row:
    """One row of a sheet: its values by declared column, and whose it is."""

    sheet: TypedSheet
    number: int
    values: Mapping[str, Any]
    code: str | None
    name: str | None

    def cell(self, column: str | None) -> str | None:
        found = self.sheet.header.columns.get(column) if column is not None else None
        return None if found is None else f"{found.letters}{self.number}"

    def text(self, column: str | None) -> str:
        """What stands in the cell, as it was written."""
        found = self.sheet.header.columns.get(column) if column is not None else None
        column_texts = None if found is None else self.sheet.table.frame.get_column(found.letters)
        if column_texts is None or self.number > len(column_texts):
            return ""  # Rows that hold nothing but formulas without results stand below the table.
        return column_texts[self.number - 1] or ""

    @property
    def place(self) -> str:
        return f"{self.sheet.table.sheet}!{self.sheet.table.frame.columns[0]}{self.number}"

    def get(self, column: str) -> Any:
        return self.values.get(column)

    def words(self, column: str) -> str:
        return self.values.get(column) or ""

    def masses(self, head: str) -> tuple[int | None, int | None, int | None, int | None]:
        so2, nox, pm, voc = (self.values.get(f"{head}|{name}") for name in sheets.POLLUTANTS)
        return so2, nox, pm, voc


def tell_flaws(typed: TypedSheet, notes: Notes) -> None:
    """What intake found wrong in the sheet's cells."""
    names = _names_by_row(typed)
    for flaw in typed.flaws:
        if flaw.row is not None and flaw.severity == "error":
            notes.bad.add((typed.table.sheet, flaw.row, flaw.column))
        cell = f"{flaw.letters}{flaw.row}" if flaw.letters is not None and flaw.row is not None else None
        name, code = names.get(flaw.row or 0, (None, None))
        notes.problems.append(
            Problem(
                flaw.severity,
                typed.table.file,
                typed.table.sheet,
                flaw.row,
                flaw.column,
                cell,
                flaw.found,
                flaw.what,
                flaw.fix,
                name,
                code,
            )
        )


def _names_by_row(typed: TypedSheet) -> dict[int, tuple[str | None, str | None]]:
    wanted = {flaw.row for flaw in typed.flaws if flaw.row is not None}
    frame = typed.frame.filter(pl.col(ROW).is_in(list(wanted)))
    return {
        row[ROW]: (row.get(NAME), row.get(CODE))
        for row in frame.select(name for name in (ROW, NAME, CODE) if name in frame.columns).iter_rows(
            named=True
        )
    }


def refuse_merged_figures(typed: TypedSheet, notes: Notes) -> None:
    """A figure in a cell merged over several rows is nobody's: intake lets it pass within one enterprise."""
    if typed.header.kind == sheets.FIRMS:
        return
    columns = {
        column_number(place.letters): name
        for name, place in typed.header.columns.items()
        if typed.header.sheet.columns[name].type == "数字"
    }
    for span in typed.table.merges:
        name = columns.get(span.first_column)
        if name is None or span.first_row == span.last_row or span.first_row < typed.header.first_row:
            continue
        letters = typed.header.columns[name].letters
        row = span.first_row
        if (typed.table.sheet, row, name) in notes.bad:
            continue
        what = say(
            "合并单元格 {place} 由几行共用一个数，分不清各是多少。",
            place=f"{letters}{span.first_row}:{letters}{span.last_row}",
        )
        texts = typed.table.frame.get_column(letters)
        found = texts[row - 1] or "" if row <= len(texts) else ""
        flaw = Flaw("error", row, name, letters, found, what, say("请取消合并，逐行填写。"))
        tell_flaws(replace(typed, flaws=(flaw,)), notes)


def own_rows(found: list[TypedSheet]) -> Iterator[Row]:
    """The rows of a sheet that names its subjects itself."""
    for typed in found:
        for values in typed.frame.iter_rows(named=True):
            yield Row(typed, values[ROW], values, values.get(CODE), values.get(NAME))


def rows_of_firms(
    found: list[TypedSheet], roster: Roster, refused: Set[str | None], notes: Notes
) -> Iterator[Row]:
    """The rows with the enterprises that they speak of; a row of nobody is an error and left out.

    Of an enterprise that was `refused` (by code or name) enough is said at its own row.
    """
    explained = cache(partial(explain_unmatched, roster=roster))
    for typed in found:
        frame = typed.frame
        codes = frame.get_column(CODE) if CODE in frame.columns else None
        names = frame.get_column(NAME) if NAME in frame.columns else None
        matched = match(codes, names, roster)
        for values, meant in zip(frame.iter_rows(named=True), matched.iter_rows(named=True), strict=True):
            row = Row(typed, values[ROW], values, meant[CODE], values.get(NAME))
            column = sheets.CODE if codes is not None else sheets.NAME
            if meant["conflict"] is not None:
                notes.add(
                    "error",
                    say("信用代码 {code} 和名称“{name}”是两家企业。", code=meant["claimed"], name=row.name),
                    say("请核对这一行是哪一家。"),
                    at=row,
                    column=column,
                )
            elif row.code is None and (values.get(CODE) in refused or row.name in refused):
                continue
            elif row.code is None:
                what, fix = explained(values.get(CODE), row.name)
                notes.add("error", what, fix, at=row, column=column)
            else:
                if meant[REASON] != BY_CODE and values.get(CODE) is not None:
                    notes.add(
                        "warning",
                        say(
                            "信用代码“{found}”对不上，按名称认作 {code}。", found=values[CODE], code=row.code
                        ),
                        say("请改正信用代码。"),
                        at=row,
                        column=sheets.CODE,
                    )
                elif meant["renamed"]:
                    notes.add(
                        "warning",
                        say("名称“{name}”与企业表里的不同，按信用代码认。", name=row.name),
                        say("请核对企业名称。"),
                        at=row,
                        column=sheets.NAME,
                    )
                yield row


def require(row: Row, column: str, notes: Notes) -> bool:
    """Whether something stands in the column; an error where nothing does."""
    if row.get(column) is None:
        notes.add("error", say("没有填“{column}”。", column=column), say("请补填。"), at=row, column=column)
        return False
    return True


def within(row: Row, column: str, low: int, high: int, notes: Notes) -> int | None:
    """The figure, or None and an error where it lies outside."""
    value: int | None = row.get(column)
    if value is not None and not low <= value <= high:
        notes.add(
            "error",
            say(
                "“{column}”应在 {low} 到 {high} 之间，写的是 {found}。",
                column=column,
                low=low,
                high=high,
                found=row.text(column),
            ),
            say("请核对数值和单位。"),
            at=row,
            column=column,
        )
        return None
    return value
