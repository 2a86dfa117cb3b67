"""Rows of enterprises and of production lines to values, each wrong cell told. Knows no measure."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from muheng.documents.message import say
from muheng.emergency.inventory import sheets
from muheng.emergency.inventory.model import Firm, Line, Mass
from muheng.emergency.inventory.parts import read_parts
from muheng.emergency.inventory.row import Notes, Row, require, tell_flaws, within
from muheng.intake.identity import is_identity
from muheng.intake.sheet import Flaw
from muheng.standards.credit_code import check_credit_code, normalise
from muheng.standards.rounding import divide_half_up

_IN_BRACKETS = re.compile(r"[(（【\[]\s*([^()（）【】\[\]]+?)\s*[)）】\]]")
_IN_DAYS = re.compile(r"[(（](?:天|日|d)[)）]|天数", re.IGNORECASE)
_PARTED = re.compile(r"[、,;，；\s]+")
_SEPARATOR = re.compile(r"[、,;，；]")
_BARE_NUMBER = re.compile(r"[0-9][0-9,.]*")


def read_firms(rows: Iterable[Row], places: dict[tuple[str, str], str], notes: Notes) -> dict[str, Firm]:
    """By credit code. ``places`` gains where each row stands."""
    firms: dict[str, Firm] = {}
    for row in rows:
        code = _firm_code(row, notes)
        require(row, sheets.NAME, notes)
        require(row, "县（市、区）", notes)
        require(row, "绩效等级", notes)
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


def _firm_code(row: Row, notes: Notes) -> str | None:
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


def _day(value: object) -> datetime.date | None:
    return cast("datetime.date | None", value)


def _degrees(scaled: int | None) -> float | None:
    return None if scaled is None else scaled / 10**6


def read_lines(rows: list[Row], places: dict[tuple[str, str], str], notes: Notes) -> dict[str, Line]:
    """By id. ``places`` gains where each row stands."""
    lines: dict[str, Line] = {}
    serving: list[tuple[Row, str, list[str]]] = []
    loads = read_parts(rows, "最低负荷", notes)
    _note_no_emissions(rows, notes)
    _refuse_days_for_hours(rows, notes)
    for row, load in zip(rows, loads, strict=True):
        require(row, "生产线名称", notes)
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
        days = within(row, "年生产天数", 1, 366, notes)
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
            within(row, "停产准备时间", 0, 8784, notes) or 0,
            within(row, "恢复时间", 0, 8784, notes) or 0,
            row.words("电表户号"),
            row.words("排放口编号"),
            row.get("日停产损失"),
            row.get("重启费用") or 0,
            (),
            row.words("民生供应"),
            within(row, "日供应量", 0, 10**12, notes) or 0,
        )
        if (served := row.words("服务生产线")) != "":
            serving.append((row, line, [part for part in _PARTED.split(served) if part]))
    for row, line, named in serving:
        lines[line] = replace(lines[line], serves=_find_served(row, line, named, lines, notes))
    return lines


def _line_id(row: Row, notes: Notes) -> str | None:
    if not require(row, sheets.NUMBER, notes):
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
    row: Row, line: str, named: list[str], lines: Mapping[str, Line], notes: Notes
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


def _daily(row: Row, yearly: tuple[int | None, ...], days: int | None, notes: Notes) -> Mass:
    """As stated; where nothing is stated, the year's amount over its days of production."""
    daily = []
    for at, (stated, year) in enumerate(zip(row.masses("日排放量"), yearly, strict=True)):
        if stated is None and year and days is None:
            column = f"年排放量|{sheets.POLLUTANTS[at]}"
            notes.add(
                "error",
                say(
                    "{pollutant} 有年排放量，但没有年生产天数，也没有日排放量。",
                    pollutant=sheets.POLLUTANT_NAMES[at],
                ),
                say("请补填年生产天数或日排放量。"),
                at=row,
                column="年生产天数" if "年生产天数" in row.sheet.header.columns else column,
                found=row.text(column),
            )
        if stated is not None:
            daily.append(stated)
        else:
            daily.append(divide_half_up(year, days) if year and days else 0)
    so2, nox, pm, voc = daily
    return so2, nox, pm, voc


def _note_no_emissions(rows: list[Row], notes: Notes) -> None:
    heads = [f"{head}|{name}" for head in ("年排放量", "日排放量") for name in sheets.POLLUTANTS]
    for typed in {id(row.sheet): row.sheet for row in rows}.values():
        if not any(head in typed.header.columns for head in heads):
            notes.add(
                "error",
                say("“{sheet}”里没有一列排放量。", sheet=typed.table.sheet),
                say("请补上年排放量（t）或日排放量（kg）的 SO2、NOx、颗粒物、VOCs 各列。"),
                sheet=typed.table.sheet,
            )


def _refuse_days_for_hours(rows: list[Row], notes: Notes) -> None:
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
                tell_flaws(replace(typed, flaws=(flaw,)), notes)


def _with_unit(row: Row, column: str) -> str:
    """A bare number takes the unit of its header with it: 产能(万吨/年) 50 is 50万吨/年."""
    text = row.words(column)
    if text and _BARE_NUMBER.fullmatch(text):
        raw = row.sheet.table.frame.get_column(row.sheet.header.columns[column].letters)
        heads = raw[max(row.sheet.header.row - 2, 0) : row.sheet.header.first_row - 1].drop_nulls()
        for head in heads:
            if (unit := _IN_BRACKETS.search(head)) is not None:
                return text + unit.group(1)
    return text


def known_line(row: Row, lines: Mapping[str, Line], notes: Notes) -> str | None:
    """The line that a row of measures speaks of; an error where there is none."""
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
