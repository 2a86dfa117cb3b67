"""The emergency list's workbook to an `Inventory`, all of it or nothing.

The list is a legal document: while one cell is wrong nothing of it is taken, and every problem is told at once,
each with its cell. What the list says of the world (is the cut possible, is the grade still valid) is for
`checking`.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import polars as pl

from muheng.documents.message import Message, say
from muheng.emergency.inventory import sheets
from muheng.emergency.inventory.model import (
    NOTHING,
    CountBy,
    Evidence,
    Filed,
    Firm,
    Inventory,
    Level,
    Line,
    Mass,
    MeasureKind,
    Offer,
    Source,
    Transport,
)
from muheng.intake.address import column_number
from muheng.intake.facts import CODE, NAME, ROW
from muheng.intake.header import SEARCHED_ROWS, Header, Unrecognised, recognise
from muheng.intake.identity import (
    BY_CODE,
    REASON,
    Roster,
    explain_unmatched,
    is_identity,
    match,
)
from muheng.intake.problem import Problem
from muheng.intake.progress import Progress, Report, Stopped
from muheng.intake.sheet import Flaw, TypedSheet, read_sheet
from muheng.intake.tables import TextTable, read_tables
from muheng.standards.credit_code import check_credit_code, normalise
from muheng.standards.rounding import divide_half_up

_RATE = re.compile(
    r"[(（【\[]?\s*([^()（）【】\[\]/／|]+?)\s*[/／]\s*(年|a|日|天|d)\s*[)）】\]]?\s*$", re.IGNORECASE
)
_UNIT_ALONE = re.compile(r"(?:g|kg|t|克|千克|公斤|吨|元|万元|千元)", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[(（【\[]\s*([^()（）【】\[\]]+?)\s*[)）】\]]")
_IN_DAYS = re.compile(r"[(（](?:天|日|d)[)）]|天数", re.IGNORECASE)
_YEAR = re.compile(r"(20[0-9]{2})\s*年")
_PARTED = re.compile(r"[、,;，；\s]+")
_SEPARATOR = re.compile(r"[、,;，；]")
_STOP = re.compile(r"(?:全部|整线|全厂)?停产")
_LIMIT = re.compile(r"限产\s*([0-9]{1,3}(?:\.[0-9])?)\s*[%％]")
_BARE_NUMBER = re.compile(r"[0-9][0-9,.]*")
_WHOLE = 1000


def read_inventory(path: Path, progress: Report | None = None) -> tuple[Inventory | None, list[Problem]]:
    """Read the list. None when there is an error; problems in the order of sheets and rows.

    Never raises for what is in the file; OSError when it cannot be read at all. What `progress` raises comes out
    as it is.
    """
    try:
        return _read(path, Progress(progress))
    except Stopped as stopped:
        raise stopped.reason from None


@dataclass
class _Notes:
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
        at: _Row | None = None,
        sheet: str | None = None,
        column: str | None = None,
        found: str = "",
    ) -> None:
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
class _Row:
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
        if found is None:
            return ""
        return self.sheet.table.frame.get_column(found.letters)[self.number - 1] or ""

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


def _read(path: Path, progress: Progress) -> tuple[Inventory | None, list[Problem]]:
    tables, problems = read_tables(path, progress.within(0, 0.6))
    notes = _Notes(path.name, problems)
    found: dict[str, list[TypedSheet]] = defaultdict(list)
    for at, table in enumerate(tables):
        if table.sheet.strip() in (sheets.NOTES, sheets.PLANNED, sheets.RATIOS):
            continue
        progress.tell(
            say("读取 {file}·{sheet}", file=table.file, sheet=table.sheet), 0.6 + 0.2 * at / len(tables)
        )
        header = _recognise(table, notes)
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


def _recognise(table: TextTable, notes: _Notes) -> Header | None:
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
    found = _RATE.search(text)
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
            rate = _RATE.search(text) if text else None
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


def _note_absent(found: Mapping[str, list[TypedSheet]], notes: _Notes) -> None:
    for kind in (sheets.FIRMS, sheets.LINES):
        if kind not in found:
            notes.add(
                "error",
                say("没有“{sheet}”表。", sheet=kind),
                say("清单要有“企业”和“生产线”两张表；可先下载空白模板。"),
            )
        elif not any(typed.frame.height for typed in found[kind]):
            notes.add("error", say("“{sheet}”表里没有数据。", sheet=kind), sheet=found[kind][0].table.sheet)
    if sheets.FILED not in found and sheets.FILED_BY_LEVEL not in found:
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


def _assemble(stem: str, found: Mapping[str, list[TypedSheet]], notes: _Notes) -> Inventory:
    for typed in (typed for of_kind in found.values() for typed in of_kind):
        _tell_flaws(typed, notes)
        _refuse_merged_figures(typed, notes)
    places: dict[tuple[str, str], str] = {}
    listed = list(_own_rows(found.get(sheets.FIRMS, [])))
    firms = _read_firms(listed, places, notes)
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

    def rows_of(kind: str) -> Iterator[_Row]:
        return _rows_of_firms(found.get(kind, []), roster, refused - {None}, notes)

    lines = _read_lines(list(rows_of(sheets.LINES)), places, notes)
    offers = list(_read_offers(list(rows_of(sheets.OFFERS)), lines, places, notes))
    filed = list(_read_filed(list(rows_of(sheets.FILED)), lines, places, notes))
    filed += _read_filed_by_level(list(rows_of(sheets.FILED_BY_LEVEL)), lines, places, notes)
    transport = list(_read_transport(list(rows_of(sheets.TRANSPORT)), places, notes))
    base = list(_read_base(_own_rows(found.get(sheets.BASE, [])), places, notes))
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


def _tell_flaws(typed: TypedSheet, notes: _Notes) -> None:
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


def _refuse_merged_figures(typed: TypedSheet, notes: _Notes) -> None:
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
        found = typed.table.frame.get_column(letters)[row - 1] or ""
        flaw = Flaw("error", row, name, letters, found, what, say("请取消合并，逐行填写。"))
        _tell_flaws(replace(typed, flaws=(flaw,)), notes)


def _title(firms: list[TypedSheet]) -> str | None:
    """The one text in the first row above the header of the enterprises."""
    for typed in firms:
        if typed.header.row > 1:
            texts = [text.strip() for text in typed.table.frame.row(0) if text and text.strip()]
            if len(texts) == 1:
                return str(texts[0])
    return None


def _own_rows(found: list[TypedSheet]) -> Iterator[_Row]:
    for typed in found:
        for values in typed.frame.iter_rows(named=True):
            yield _Row(typed, values[ROW], values, values.get(CODE), values.get(NAME))


def _rows_of_firms(
    found: list[TypedSheet], roster: Roster, refused: Set[str | None], notes: _Notes
) -> Iterator[_Row]:
    """The rows with the enterprises that they speak of; a row of nobody is an error and left out.

    Of an enterprise that was `refused` (by code or name) enough is said at its own row.
    """
    for typed in found:
        frame = typed.frame
        codes = frame.get_column(CODE) if CODE in frame.columns else None
        names = frame.get_column(NAME) if NAME in frame.columns else None
        matched = match(codes, names, roster)
        for values, meant in zip(frame.iter_rows(named=True), matched.iter_rows(named=True), strict=True):
            row = _Row(typed, values[ROW], values, meant[CODE], values.get(NAME))
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
                what, fix = explain_unmatched(values.get(CODE), row.name, roster)
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


def _read_firms(rows: Iterable[_Row], places: dict[tuple[str, str], str], notes: _Notes) -> dict[str, Firm]:
    firms: dict[str, Firm] = {}
    for row in rows:
        code = _firm_code(row, notes)
        _require(row, sheets.NAME, notes)
        _require(row, "县（市、区）", notes)
        _require(row, "绩效等级", notes)
        if code is None:
            continue
        if code in firms:
            notes.add(
                "error",
                say("信用代码 {code} 已在 {place}。", code=code, place=places["firm", code]),
                say("一家企业只占一行；请合并或删去一行。"),
                at=row,
                column=sheets.CODE,
            )
            continue
        places["firm", code] = row.place
        guarded = row.words("保障最高级别")
        if guarded and not row.words("保障类型"):
            notes.add(
                "error",
                say("填了保障最高级别，没有填保障类型。"),
                say("请填写保障类型，或清空保障最高级别。"),
                at=row,
                column="保障最高级别",
            )
        grade = row.words("绩效等级")
        firms[code] = Firm(
            code,
            row.name or "",
            row.words("县（市、区）"),
            row.words("行业代码"),
            row.words("重点行业"),
            "" if grade == sheets.NOT_GRADED else grade,
            _day(row.get("等级有效期至")),
            row.words("保障类型"),
            sheets.LEVEL_OF.get(guarded),
            row.get("长期停产") == "是",
            row.words("排污许可证编号"),
            row.masses("许可排放量"),
            row.get("日产值"),
            _degrees(row.get("经度")),
            _degrees(row.get("纬度")),
            row.words("联系人"),
            row.words("联系电话"),
        )
    return firms


def _firm_code(row: _Row, notes: _Notes) -> str | None:
    if row.code is None:
        notes.add(
            "error",
            say("没有填统一社会信用代码。"),
            say("请补填。"),
            at=row,
            column=sheets.CODE,
        )
        return None
    code: str = normalise(unicodedata.normalize("NFKC", row.code))
    problem = check_credit_code(code).problem
    if problem is not None:
        good = is_identity(code)
        notes.add(
            "warning" if good else "error", problem, say("请核对信用代码。"), at=row, column=sheets.CODE
        )
        return code if good else None
    return code


def _require(row: _Row, column: str, notes: _Notes) -> bool:
    if row.get(column) is None:
        notes.add("error", say("没有填“{column}”。", column=column), say("请补填。"), at=row, column=column)
        return False
    return True


def _day(value: object) -> datetime.date | None:
    return cast("datetime.date | None", value)


def _degrees(scaled: int | None) -> float | None:
    return None if scaled is None else scaled / 10**6


def _read_lines(rows: list[_Row], places: dict[tuple[str, str], str], notes: _Notes) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    serving: list[tuple[_Row, str, list[str]]] = []
    loads = _read_parts(rows, "最低负荷", notes)
    _note_no_emissions(rows, notes)
    _refuse_days_for_hours(rows, notes)
    for row, load in zip(rows, loads, strict=True):
        _require(row, "生产线名称", notes)
        line = _line_id(row, notes)
        if line is None:
            continue
        if line in lines:
            notes.add(
                "error",
                say(
                    "生产线编号“{number}”已在 {place}。",
                    number=row.get(sheets.NUMBER),
                    place=places["line", line],
                ),
                say("同一企业的生产线编号不能重复。"),
                at=row,
                column=sheets.NUMBER,
            )
            continue
        places["line", line] = row.place
        days = _within(row, "年生产天数", 1, 366, notes)
        yearly = row.masses("年排放量")
        daily = _daily(row, yearly, days, notes)
        assert row.code is not None
        lines[line] = Line(
            line,
            row.code,
            row.words("生产线名称"),
            row.words("产品"),
            _with_unit(row, "产能"),
            row.words("涉气工序"),
            row.words("生产设备"),
            row.words("燃料"),
            row.words("治理设施"),
            days,
            yearly,
            daily,
            row.get("连续工序") == "是",
            load or 0,
            _within(row, "停产准备时间", 0, 8784, notes) or 0,
            _within(row, "恢复时间", 0, 8784, notes) or 0,
            row.words("电表户号"),
            row.words("排放口编号"),
            row.get("日停产损失"),
            row.get("重启费用") or 0,
            (),
            row.words("民生供应"),
            _within(row, "日供应量", 0, 10**12, notes) or 0,
        )
        if (served := row.words("服务生产线")) != "":
            serving.append((row, line, [part for part in _PARTED.split(served) if part]))
    for row, line, named in serving:
        lines[line] = replace(lines[line], serves=_find_served(row, line, named, lines, notes))
    return lines


def _line_id(row: _Row, notes: _Notes) -> str | None:
    if not _require(row, sheets.NUMBER, notes):
        return None
    number = " ".join(unicodedata.normalize("NFKC", row.words(sheets.NUMBER)).split())
    if _SEPARATOR.search(number):
        notes.add(
            "error",
            say("生产线编号“{number}”里有顿号、逗号或分号。", number=number),
            say("一行写一条生产线；编号用字母、数字和横线。"),
            at=row,
            column=sheets.NUMBER,
        )
        return None
    assert row.code is not None
    return f"{row.code}-{number.removeprefix(f'{row.code}-')}"


def _find_served(
    row: _Row, line: str, named: list[str], lines: Mapping[str, Line], notes: _Notes
) -> tuple[str, ...]:
    served: list[str] = []
    for number in named:
        folded = unicodedata.normalize("NFKC", number)
        meant = next((each for each in (f"{row.code}-{folded}", folded) if each in lines), None)
        if meant is None or meant == line:
            notes.add(
                "error",
                say("“服务生产线”里的“{number}”不在生产线表里。", number=number)
                if meant is None
                else say("“服务生产线”写了它自己。"),
                say("请填本企业的生产线编号，几条用顿号隔开。"),
                at=row,
                column="服务生产线",
            )
        else:
            served.append(meant)
    return tuple(sorted(set(served)))


def _daily(row: _Row, yearly: tuple[int | None, ...], days: int | None, notes: _Notes) -> Mass:
    """As stated; where nothing is stated, the year's amount over its days of production."""
    daily = []
    for name, stated, year in zip(sheets.POLLUTANTS, row.masses("日排放量"), yearly, strict=True):
        if stated is None and year and days is None:
            notes.add(
                "error",
                say("{pollutant} 有年排放量，但没有年生产天数，也没有日排放量。", pollutant=name),
                say("请补填年生产天数或日排放量。"),
                at=row,
                column="年生产天数" if "年生产天数" in row.sheet.header.columns else f"年排放量|{name}",
                found=row.text(f"年排放量|{name}"),
            )
        if stated is not None:
            daily.append(stated)
        else:
            daily.append(divide_half_up(year, days) if year and days else 0)
    so2, nox, pm, voc = daily
    return so2, nox, pm, voc


def _note_no_emissions(rows: list[_Row], notes: _Notes) -> None:
    heads = [f"{head}|{name}" for head in ("年排放量", "日排放量") for name in sheets.POLLUTANTS]
    for typed in {id(row.sheet): row.sheet for row in rows}.values():
        if not any(head in typed.header.columns for head in heads):
            notes.add(
                "error",
                say("“{sheet}”里没有一列排放量。", sheet=typed.table.sheet),
                say("请补上年排放量（t）或日排放量（kg）的 SO2、NOx、颗粒物、VOCs 各列。"),
                sheet=typed.table.sheet,
            )


def _refuse_days_for_hours(rows: list[_Row], notes: _Notes) -> None:
    for typed in {id(row.sheet): row.sheet for row in rows}.values():
        for name in ("停产准备时间", "恢复时间"):
            place = typed.header.columns.get(name)
            if place is not None and _IN_DAYS.search(place.header):
                flaw = Flaw(
                    "error",
                    typed.header.row,
                    name,
                    place.letters,
                    place.header,
                    say("“{column}”的单位是小时，表头写的是天。", column=name),
                    say("请换算成小时，并把表头改成“{column}(小时)”。", column=name),
                )
                _tell_flaws(replace(typed, flaws=(flaw,)), notes)


def _with_unit(row: _Row, column: str) -> str:
    """A bare number takes the unit of its header with it: 产能(万吨/年) 50 is 50万吨/年."""
    text = row.words(column)
    if text and _BARE_NUMBER.fullmatch(text):
        raw = row.sheet.table.frame.get_column(row.sheet.header.columns[column].letters)
        heads = raw[max(row.sheet.header.row - 2, 0) : row.sheet.header.first_row - 1].drop_nulls()
        for head in heads:
            if (unit := _IN_BRACKETS.search(head)) is not None:
                return text + unit.group(1)
    return text


def _within(row: _Row, column: str, low: int, high: int, notes: _Notes) -> int | None:
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


def _read_parts(rows: list[_Row], column: str, notes: _Notes) -> list[int | None]:
    """Thousandths of a column of percentages.

    A cell that Excel shows as 50% holds 0.5. Where no figure of a sheet passes 1, all are read so; where some
    do, those that do not are asked about. A typed per cent sign leaves no doubt.
    """
    signed = [row.text(column).rstrip().endswith(("%", "％")) for row in rows]
    most: Counter[int] = Counter()
    for row, sign in zip(rows, signed, strict=True):
        if not sign and row.get(column):
            most[id(row.sheet)] = max(most[id(row.sheet)], row.get(column))
    told: Counter[int] = Counter()
    parts: list[int | None] = []
    for row, sign in zip(rows, signed, strict=True):
        value: int | None = row.get(column)
        shares = most[id(row.sheet)] <= _WHOLE
        if value is None:
            parts.append(None)
        elif sign or not shares or value == 0:
            if not sign and 0 < value <= _WHOLE:
                notes.add(
                    "error",
                    say(
                        "“{found}”是 {share}% 还是 {percent}%，分不清：同一列别处写的是百分数。",
                        found=row.text(column),
                        share=f"{value / 10:g}",
                        percent=f"{value / 1000:g}",
                    ),
                    say("请统一写成百分数，例如 50。"),
                    at=row,
                    column=column,
                )
            parts.append(_thousandths(row, column, value, 100, notes))
        else:
            if not told[id(row.sheet)]:
                notes.add(
                    "warning",
                    say(
                        "“{column}”都不大于 1，按小数读：{found} 即 {percent}%。",
                        column=column,
                        found=row.text(column),
                        percent=f"{value / 10:g}",
                    ),
                    say("如果本来就是百分之几，请改成百分数。"),
                    at=row,
                    column=column,
                )
            told[id(row.sheet)] += 1
            parts.append(_thousandths(row, column, value, 1, notes))
    return parts


def _thousandths(row: _Row, column: str, value: int, per: int, notes: _Notes) -> int | None:
    if not 0 <= value <= _WHOLE * per:
        notes.add(
            "error",
            say("“{column}”应在 0 到 100% 之间，写的是 {found}。", column=column, found=row.text(column)),
            say("请核对数值。"),
            at=row,
            column=column,
        )
        return None
    part = divide_half_up(value, per)
    if part * per != value:
        notes.add(
            "warning",
            say(
                "“{found}”精确到千分之一，按 {percent}% 计。",
                found=row.text(column),
                percent=f"{part / 10:g}",
            ),
            at=row,
            column=column,
        )
    return part


def _known_line(row: _Row, lines: Mapping[str, Line], notes: _Notes) -> str | None:
    line = _line_id(row, notes)
    if line is not None and line not in lines:
        notes.add(
            "error",
            say("生产线编号“{number}”不在这家企业的生产线里。", number=row.words(sheets.NUMBER)),
            say("请核对编号，或在“生产线”表里补上这条线。"),
            at=row,
            column=sheets.NUMBER,
        )
        return None
    return line


def _cut(row: _Row, head: str) -> Mass | None:
    amounts = row.masses(head)
    if all(amount is None for amount in amounts):
        return None
    so2, nox, pm, voc = (amount or 0 for amount in amounts)
    return so2, nox, pm, voc


def _name_and_part(
    name: str, kind: MeasureKind | None, part: int | None
) -> tuple[str, MeasureKind | None, int]:
    """What the name alone says (停产, 限产30%) where type or part are left empty."""
    limit = _LIMIT.fullmatch(unicodedata.normalize("NFKC", name))
    if kind is None and (limit is not None or _STOP.fullmatch(name)):
        kind = "停产" if limit is None else "限产"
    if part is None and kind == "限产" and limit is not None:
        part = round(float(limit.group(1)) * 10)
    if part is None and kind in ("停产", "停止工序"):
        part = _WHOLE
    return name or kind or "", kind, part or 0


def _refuse_no_part(row: _Row, kind: MeasureKind | None, part: int, cut: Mass | None, notes: _Notes) -> None:
    if kind == "限产" and part == 0 and cut is None:
        notes.add(
            "error",
            say("限产没有写比例，也没有写减排量。"),
            say("请填限产比例，例如 30。"),
            at=row,
            column="限产比例" if "限产比例" in row.sheet.header.columns else "措施名称",
        )


def _read_offers(
    rows: list[_Row], lines: Mapping[str, Line], places: dict[tuple[str, str], str], notes: _Notes
) -> Iterator[Offer]:
    orders: dict[tuple[str, int], str] = {}
    for row, given in zip(rows, _read_parts(rows, "限产比例", notes), strict=True):
        line = _known_line(row, lines, notes)
        named = _require(row, "措施名称", notes)
        order = _within(row, "严格程度", 0, 1000, notes) if _require(row, "严格程度", notes) else None
        if line is None or not named or order is None:
            continue
        name, kind, part = _name_and_part(row.words("措施名称"), row.get("措施类型"), given)
        if ("offer", f"{line}/{name}") in places:
            notes.add(
                "error",
                say("同一生产线有两条措施都叫“{name}”。", name=name),
                say("请改名，或删去一条。"),
                at=row,
                column="措施名称",
            )
            continue
        if (line, order) in orders:
            notes.add(
                "error",
                say(
                    "“{name}”与“{other}”的严格程度都是 {order}。",
                    name=name,
                    other=orders[line, order],
                    order=order,
                ),
                say("同一生产线的措施按从松到严编号，不能相同。"),
                at=row,
                column="严格程度",
            )
            continue
        orders[line, order] = name
        places["offer", f"{line}/{name}"] = row.place
        cut = _cut(row, "日减排量")
        _refuse_no_part(row, kind, part, cut, notes)
        yield Offer(
            line,
            name,
            order,
            kind,
            part,
            cut,
            row.get("日损失"),
            cast("CountBy | None", row.get("计量方式")),
            cast("Evidence | None", row.get("核查方式")),
        )


def _read_filed(
    rows: list[_Row], lines: Mapping[str, Line], places: dict[tuple[str, str], str], notes: _Notes
) -> Iterator[Filed]:
    for row, given in zip(rows, _read_parts(rows, "限产比例", notes), strict=True):
        line = _known_line(row, lines, notes)
        if not _require(row, "预警级别", notes) or line is None:
            continue
        text = row.words("措施内容")
        name, kind, part = _name_and_part(row.words("措施名称"), row.get("措施类型"), given)
        if not name and not text:
            notes.add(
                "error",
                say("没有写是什么措施。"),
                say("请填措施名称或措施类型；本级不采取措施的，删去这一行。"),
                at=row,
                column="措施名称",
            )
            continue
        cut = _cut(row, "日减排量")
        _refuse_no_part(row, kind, part, cut, notes)
        filed = Filed(
            line,
            sheets.LEVEL_OF[row.get("预警级别")],
            name or text,
            kind,
            part,
            cut,
            cast("CountBy | None", row.get("计量方式")),
            cast("Evidence | None", row.get("核查方式")),
            text,
        )
        yield from _placed(filed, row, "措施名称", places, notes)


def _read_filed_by_level(
    rows: list[_Row], lines: Mapping[str, Line], places: dict[tuple[str, str], str], notes: _Notes
) -> Iterator[Filed]:
    """The form with the three levels side by side."""
    given = {level: _read_parts(rows, f"{sheets.alert(level)}|限产比例", notes) for level in sheets.LEVELS}
    for at, row in enumerate(rows):
        line = _known_line(row, lines, notes)
        if line is None:
            continue
        for level in sheets.LEVELS:
            column = f"{sheets.alert(level)}|减排措施"
            cut = _cut(row, f"{sheets.alert(level)}减排量")
            name, kind, part = _name_and_part(row.words(column), None, given[level][at])
            if not name and not part and not cut:
                continue
            if not name:
                notes.add(
                    "error",
                    say("填了减排量或比例，没有写是什么措施。"),
                    say("请填减排措施。"),
                    at=row,
                    column=column,
                )
                continue
            if kind is None and part:
                kind = "限产" if part < _WHOLE else "停产"
            filed = Filed(
                line,
                level,
                name,
                kind,
                part,
                cut,
                cast("CountBy | None", row.get("计量方式")),
                cast("Evidence | None", row.get("核查方式")),
            )
            yield from _placed(filed, row, column, places, notes)


def _placed(
    filed: Filed, row: _Row, column: str, places: dict[tuple[str, str], str], notes: _Notes
) -> Iterator[Filed]:
    key = ("filed", f"{filed.line}/{filed.level}/{filed.name}")
    if key in places:
        notes.add(
            "error",
            say(
                "这条生产线{level}级的“{name}”已在 {place}。",
                level=sheets.LEVEL_NAMES[filed.level],
                name=filed.name,
                place=places[key],
            ),
            say("同一措施只写一次；请删去重复的一行。"),
            at=row,
            column=column,
        )
        return
    places[key] = row.place
    yield filed


def _read_transport(
    rows: list[_Row], places: dict[tuple[str, str], str], notes: _Notes
) -> Iterator[Transport]:
    columns = ["日常车次", *(f"{sheets.alert(level)}车次" for level in sheets.LEVELS)]
    for row in rows:
        assert row.code is not None
        if ("transport", row.code) in places:
            notes.add(
                "error",
                say("这家企业的运输已在 {place}。", place=places["transport", row.code]),
                say("一家企业只占一行。"),
                at=row,
                column=sheets.CODE,
            )
            continue
        places["transport", row.code] = row.place
        counts = [_within(row, column, 0, 100_000, notes) for column in columns]
        for column, count in zip(columns, counts, strict=True):
            if count is None:
                _require(row, column, notes)
        usual, yellow, orange, red = (count or 0 for count in counts)
        yield Transport(row.code, usual, yellow, orange, red, row.words("允许排放阶段"))


def _read_base(rows: Iterable[_Row], places: dict[tuple[str, str], str], notes: _Notes) -> Iterator[Source]:
    for row in rows:
        if not _require(row, "排放源", notes):
            continue
        name = row.words("排放源")
        if ("source", name) in places:
            notes.add(
                "error",
                say("排放源“{name}”已在 {place}。", name=name, place=places["source", name]),
                say("一个排放源只占一行。"),
                at=row,
                column="排放源",
            )
            continue
        places["source", name] = row.place
        cuts: dict[Level, Mass] = {}
        for level in sheets.LEVELS:
            cut = _cut(row, f"{sheets.alert(level)}减排量")
            if cut is not None:
                cuts[level] = cut
        yield Source(name, _cut(row, "日排放量") or NOTHING, cuts)
