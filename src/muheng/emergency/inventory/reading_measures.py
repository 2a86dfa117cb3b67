"""Rows of measures, transport and the base to values, each wrong cell told."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import cast

from muheng.documents.message import say
from muheng.emergency.inventory import sheets
from muheng.emergency.inventory.model import (
    NOTHING,
    CountBy,
    Evidence,
    Filed,
    Level,
    Line,
    Mass,
    MeasureKind,
    Offer,
    Source,
    Transport,
)
from muheng.emergency.inventory.parts import WHOLE, read_parts
from muheng.emergency.inventory.reading_lines import known_line
from muheng.emergency.inventory.row import Notes, Row, require, within
from muheng.emergency.plan.problem import LEVEL_NAMES

_LIMIT = re.compile(r"限产\s*([0-9]{1,3}(?:\.[0-9])?)\s*[%％]")


def _cut(row: Row, head: str) -> Mass | None:
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
    if kind is None:
        kind = "限产" if limit is not None else _kinds_by_name().get(name)
    if part is None and kind == "限产" and limit is not None:
        part = int(Decimal(limit.group(1)) * 10)
    if part is None and kind in ("停产", "停止工序"):
        part = WHOLE
    return name or kind or "", kind, part or 0


@cache
def _kinds_by_name() -> dict[str, MeasureKind]:
    """The kinds by all that the column of kinds would accept."""
    values = sheets.list_layout().sheet[sheets.OFFERS].columns["措施类型"].values or {}
    return {text: cast(MeasureKind, kind) for kind, others in values.items() for text in (kind, *others)}


def _refuse_no_part(row: Row, kind: MeasureKind | None, part: int, cut: Mass | None, notes: Notes) -> None:
    if kind == "限产" and part == 0 and cut is None:
        notes.add(
            "error",
            say("限产没有写比例，也没有写减排量。"),
            say("请填限产比例，例如 30。"),
            at=row,
            column="限产比例" if "限产比例" in row.sheet.header.columns else "措施名称",
        )


def read_offers(
    rows: list[Row], lines: Mapping[str, Line], places: dict[tuple[str, str], str], notes: Notes
) -> Iterator[Offer]:
    """The measures that lines could take, in the order of rows."""
    orders: dict[tuple[str, int], str] = {}
    for row, given in zip(rows, read_parts(rows, "限产比例", notes), strict=True):
        line = known_line(row, lines, notes)
        named = require(row, "措施名称", notes)
        order = within(row, "严格程度", 0, 1000, notes) if require(row, "严格程度", notes) else None
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


def read_filed(
    rows: list[Row], lines: Mapping[str, Line], places: dict[tuple[str, str], str], notes: Notes
) -> Iterator[Filed]:
    """The measures in force, one a row."""
    for row, given in zip(rows, read_parts(rows, "限产比例", notes), strict=True):
        line = known_line(row, lines, notes)
        if not require(row, "预警级别", notes) or line is None:
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


def read_filed_by_level(
    rows: list[Row], lines: Mapping[str, Line], places: dict[tuple[str, str], str], notes: Notes
) -> Iterator[Filed]:
    """The form with the three levels side by side."""
    given = {level: read_parts(rows, f"{sheets.alert(level)}|限产比例", notes) for level in sheets.LEVELS}
    for at, row in enumerate(rows):
        line = known_line(row, lines, notes)
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
                kind = "限产" if part < WHOLE else "停产"
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
    filed: Filed, row: Row, column: str, places: dict[tuple[str, str], str], notes: Notes
) -> Iterator[Filed]:
    key = ("filed", f"{filed.line}/{filed.level}/{filed.name}")
    if key in places:
        notes.add(
            "error",
            say(
                "这条生产线{level}级的“{name}”已在 {place}。",
                level=LEVEL_NAMES[filed.level],
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


def read_transport(rows: list[Row], places: dict[tuple[str, str], str], notes: Notes) -> Iterator[Transport]:
    """Lorries by enterprise."""
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
        counts = [within(row, column, 0, 100_000, notes) for column in columns]
        for column, count in zip(columns, counts, strict=True):
            if count is None:
                require(row, column, notes)
        usual, yellow, orange, red = (count or 0 for count in counts)
        yield Transport(row.code, usual, yellow, orange, red, row.words("允许排放阶段"))


def read_base(rows: Iterable[Row], places: dict[tuple[str, str], str], notes: Notes) -> Iterator[Source]:
    """The region's sources."""
    for row in rows:
        if not require(row, "排放源", notes):
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
