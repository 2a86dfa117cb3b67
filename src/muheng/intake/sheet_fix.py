"""What a person decided about a sheet: which kind it is, where its header stands, which column is which.

Fixes are plain data, kept beside the files and applied on every reading. One that cannot be is refused in
words; nothing is guessed in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muheng.documents.message import Message, Refusal, say
from muheng.intake.layout import Layout, Sheet
from muheng.standards.units import UnknownUnit, parse_unit, same_dimension

SheetKey = tuple[str, str]
"""The names of a file and of a sheet in it."""


@dataclass(frozen=True)
class SheetFix:
    """`layout` and `kind` say what the sheet is; `ignore`: it is not to be read. `header_row` is the (last)
    header row, 1-based, 0 where there is none. `columns` gives, by letters, the declared column that a column
    is, or None for one that is not to be read; `units` the unit that a column's figures are in.
    """

    layout: str | None = None
    kind: str | None = None
    ignore: bool = False
    header_row: int | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


NOTHING_FIXED = SheetFix()


def check_fix(
    fix: SheetFix, at: SheetKey, letters: Sequence[str], height: int, layouts: Sequence[Layout]
) -> None:
    """Raise Refusal when the sheet at `at`, with these columns and so many rows, cannot be read so."""

    def refuse(key: str, what: Message, mend: Message | None = None) -> Refusal:
        return Refusal(say("{file}·{sheet}：{what}", file=at[0], sheet=at[1], what=what), mend, (*at, key))

    sheet = _find_sheet(fix, layouts, refuse)
    if fix.header_row is not None and not 0 <= fix.header_row <= height:
        raise refuse(
            "header_row",
            say("没有第 {row} 行：这张表只有 {height} 行。", row=fix.header_row, height=height),
            say("表头行填 1 至 {height}；没有表头填 0。", height=height),
        )
    for place in (*fix.columns, *fix.units):
        if place not in letters:
            raise refuse(
                "columns",
                say("表里没有 {letters} 列。", letters=place),
                say("有数据的列是 {first} 至 {last}。", first=letters[0], last=letters[-1])
                if letters
                else None,
            )
    owners: dict[str, str] = {}
    for place, name in fix.columns.items():
        if name is None:
            continue
        if sheet is None:
            raise refuse("kind", say("指定各列之前，要先指定这是哪一种表。"))
        if name not in sheet.columns:
            raise refuse(
                "columns",
                say("“{kind}”里没有名为“{column}”的列。", kind=fix.kind, column=name),
                say("可选的列：{columns}。", columns="、".join(sheet.columns)),
            )
        if owners.setdefault(name, place) != place:
            raise refuse(
                "columns",
                say("{one} 列和 {other} 列都指定为“{column}”。", one=owners[name], other=place, column=name),
                say("只留一列，另一列改为不读。"),
            )
    for place, unit in fix.units.items():
        named = fix.columns.get(place)
        declared = sheet.columns[named] if sheet is not None and named is not None else None
        try:
            known = parse_unit(unit)
        except UnknownUnit as error:
            raise refuse(
                "units", say("不认识的单位“{unit}”。", unit=unit), say("例如 元、万元、亩。")
            ) from error
        if declared is not None and (
            declared.type != "数字" or not same_dimension(known, declared.parsed_unit)
        ):
            raise refuse("units", *wrong_unit(unit, named or "", declared.unit))


def wrong_unit(unit: str, column: str, declared: str | None) -> tuple[Message, Message | None]:
    """Why figures of `column` cannot be in `unit`, and what they can be in."""
    if declared is None:
        return say("“{column}”不是数字列，没有单位。", column=column), None
    return (
        say(
            "单位“{found}”与“{column}”的单位“{unit}”不是同一种量。", found=unit, column=column, unit=declared
        ),
        say("请指定 {unit} 或可以换算的单位。", unit=declared),
    )


def _find_sheet(fix: SheetFix, layouts: Sequence[Layout], refuse: Any) -> Sheet | None:
    if fix.layout is None and fix.kind is None:
        return None
    layout = next((layout for layout in layouts if layout.id == fix.layout), None)
    if layout is None:
        known = "、".join(layout.id for layout in layouts)
        raise refuse(
            "layout",
            say("没有布局“{layout}”。", layout=fix.layout),
            say("可选的布局：{known}。", known=known),
        )
    if fix.kind not in layout.sheet:
        known = "、".join(layout.sheet)
        raise refuse(
            "kind",
            say("布局“{layout}”里没有“{kind}”这种表。", layout=fix.layout, kind=fix.kind),
            say("可选的表：{known}。", known=known),
        )
    return layout.sheet[fix.kind]


def fixes_json(fixes: Mapping[SheetKey, SheetFix]) -> list[dict[str, Any]]:
    """The fixes as JSON values, in the order of files and sheets."""
    return [
        {
            "file": file,
            "sheet": sheet,
            "layout": fix.layout,
            "kind": fix.kind,
            "ignore": fix.ignore,
            "header_row": fix.header_row,
            "columns": dict(fix.columns),
            "units": dict(fix.units),
        }
        for (file, sheet), fix in sorted(fixes.items())
    ]


def fixes_from_json(values: object) -> dict[SheetKey, SheetFix]:
    """What `fixes_json` gave. Raises Refusal for anything else."""
    fixes: dict[SheetKey, SheetFix] = {}
    for value in values if isinstance(values, list) else [None]:
        if not isinstance(value, dict) or not _is_well_formed(value):
            raise Refusal(
                say("第 {number} 条改动的格式不对。", number=len(fixes) + 1),
                say("每条要有 file、sheet，可有 layout、kind、ignore、header_row、columns、units。"),
            )
        fixes[value["file"], value["sheet"]] = SheetFix(
            **{key: part for key, part in value.items() if key not in ("file", "sheet")}
        )
    return fixes


def _is_well_formed(value: dict[object, object]) -> bool:
    kinds: dict[object, tuple[type, ...]] = {
        "file": (str,),
        "sheet": (str,),
        "layout": (str, type(None)),
        "kind": (str, type(None)),
        "ignore": (bool,),
        "header_row": (int, type(None)),
        "columns": (dict,),
        "units": (dict,),
    }
    columns, units = value.get("columns", {}), value.get("units", {})
    return (
        {"file", "sheet"} <= set(value)
        and all(key in kinds and isinstance(part, kinds[key]) for key, part in value.items())
        and not isinstance(value.get("header_row"), bool)
        and isinstance(columns, dict)
        and all(isinstance(key, str) and isinstance(part, (str, type(None))) for key, part in columns.items())
        and isinstance(units, dict)
        and all(isinstance(key, str) and isinstance(part, str) for key, part in units.items())
    )
