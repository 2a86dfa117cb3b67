"""Layers of facts to the facts of a year: batches laid over each other, the last that gives a figure wins.

Taking a layer away is laying the others; nothing is undone inside. Sums are those of the layer that gives them:
this module adds nothing up and reads no file. Corrections are layers too, each citing its document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import polars as pl

from muheng.documents.message import Message, Refusal, say
from muheng.intake.facts import CODE, NAME, ROW, Facts, Item, SourceTable


def overlay(layers: Sequence[Facts]) -> Facts:
    """One year's layers, the first below, as one.

    Rosters and items unite. For each enterprise and item the last layer that gives a value gives it, with its
    source cells; those of the layers below are gone. A name is the last that is given. Rows that were matched to
    nobody are left out. Laying in parts (two layers first, then a third) gives the same.

    Raises Refusal for layers of different years, or with different units or digits for one item; ValueError for
    none at all.
    """
    if not layers:
        raise ValueError("no layers")
    items = unite_items(layers)
    codes = pl.concat([layer.frame.select(CODE) for layer in layers]).unique(maintain_order=False).sort(CODE)
    laid = [
        layer.frame
        if layer.frame.height == codes.height and layer.frame.get_column(CODE).equals(codes.get_column(CODE))
        else codes.join(layer.frame, on=CODE, how="left", maintain_order="left")
        for layer in layers
    ]
    above = {name: pl.repeat(False, codes.height, eager=True) for name in (NAME, *items)}
    values: dict[str, pl.Series] = {}
    tables: list[list[SourceTable]] = []
    for layer, frame in zip(reversed(layers), reversed(laid), strict=True):
        lost = codes.with_columns(above[name].alias(name) for name in layer.items)
        tables.append([kept for table in layer.sources if (kept := _keep(table, lost)) is not None])
        for name in (NAME, *layer.items):
            own = frame.get_column(name)
            values[name] = values[name].zip_with(above[name], own) if name in values else own
            above[name] = above[name] | own.is_not_null()
    columns = [codes.get_column(CODE), *(values[name].alias(name) for name in (NAME, *items))]
    sources = tuple(table for own in reversed(tables) for table in own)
    return Facts(layers[0].year, items, pl.DataFrame(columns).rechunk(), sources)


def unite_items(layers: Sequence[Facts]) -> dict[str, Item]:
    """The items of layers of one year. Raises Refusal where they are not of one year or differ in an item."""
    items: dict[str, Item] = {}
    for layer in layers:
        if layer.year != layers[0].year:
            raise Refusal(
                say("{one} 年和 {other} 年的数据不能叠在一起。", one=layers[0].year, other=layer.year)
            )
        for name, item in layer.items.items():
            known = items.setdefault(name, item)
            if known != item:
                raise Refusal(
                    say(
                        "“{item}”在先前的批次里是 {one}，在这一批里是 {other}，不能叠在一起。",
                        item=name,
                        one=_describe(known),
                        other=_describe(item),
                    ),
                    say("布局改过单位或小数位的，要按新布局重读先前的批次。"),
                )
    return items


def _describe(item: Item) -> Message:
    if item.kind != "number":
        return say("文本、日期或标签")
    unit = item.unit if item.basis is None else f"{item.unit}（{item.basis}）"
    return say("{unit}、{digits} 位小数", unit=unit, digits=item.digits)


def _keep(table: SourceTable, lost: pl.DataFrame) -> SourceTable | None:
    """The cells that count, where `lost` (统一社会信用代码, one Boolean for each item) does not take them.

    A sum's cells are kept under names of their own, as another layer may give one part and not the sum.
    """
    own = _spell_out(table)
    cited = {part: item for item, parts in own.parts.items() for part in parts}
    rows = own.frame.filter(pl.col(CODE).is_not_null())
    items = {name: cited.get(name, name) for name in own.columns}
    known = [name for name in dict.fromkeys(items.values()) if name in lost.columns]
    gone = rows.select(CODE).join(lost.select(CODE, *known), on=CODE, how="left", maintain_order="left")
    rows = rows.with_columns(
        pl.when(gone.get_column(item)).then(None).otherwise(pl.col(name)).alias(name)
        for name, item in items.items()
        if item in known and gone.get_column(item).any()
    )
    given = [name for name in own.columns if rows.get_column(name).null_count() < rows.height]
    if not given:
        return None
    kept = rows.select(CODE, ROW, *given).filter(
        pl.any_horizontal(pl.col(name).is_not_null() for name in given)
    )
    parts = {
        item: held for item, of in own.parts.items() if (held := tuple(part for part in of if part in given))
    }
    return replace(
        own, columns={name: own.columns[name] for name in given}, frame=kept.rechunk(), parts=parts
    )


_PART = "←"


def parts_of_sums(facts: Facts) -> dict[str, tuple[str, ...]]:
    """By the name of an item that is a sum, the items that it is the sum of."""
    found: dict[str, tuple[str, ...]] = {}
    for table in facts.sources:
        for item, parts in table.parts.items():
            named = (part.rpartition(_PART)[2] for part in parts)
            found[item] = tuple(dict.fromkeys((*found.get(item, ()), *named)))
    return found


def _spell_out(table: SourceTable) -> SourceTable:
    """The table with a column of its own for every part of a sum: 合计←COD beside COD."""
    parts = {
        item: tuple(part if _PART in part else f"{item}{_PART}{part}" for part in of)
        for item, of in table.parts.items()
    }
    new = {
        spelt: part
        for item, of in table.parts.items()
        for part, spelt in zip(of, parts[item], strict=True)
        if part != spelt and part in table.columns
    }
    if not new:
        return replace(table, parts=parts)
    return replace(
        table,
        columns={**table.columns, **{spelt: table.columns[part] for spelt, part in new.items()}},
        frame=table.frame.with_columns(pl.col(part).alias(spelt) for spelt, part in new.items()),
        parts=parts,
    )


@dataclass(frozen=True)
class Correction:
    """A figure that is put right: the enterprise's code, the item, the value as a person writes it, and the
    document that says so, such as 更正单 第12号."""

    code: str
    item: str
    value: str
    document: str


def corrected(facts: Facts, corrections: Sequence[Correction]) -> Facts:
    """The facts with the corrections laid over them."""
    return overlay([facts, correction_layer(facts, corrections)]) if corrections else facts


def correction_layer(facts: Facts, corrections: Sequence[Correction]) -> Facts:
    """Facts that hold the corrected figures only; each one's source is its document, cells counted from A1.

    Raises Refusal for an enterprise or item that `facts` do not have, a value of another kind, or two values for
    one figure.
    """
    values: dict[tuple[str, str], int | str | date] = {}
    documents: dict[str, list[Correction]] = {}
    names = dict(facts.frame.select(CODE, NAME).iter_rows())
    for correction in corrections:
        key = (correction.code, correction.item)
        if correction.code not in names:
            raise Refusal(say("更正的企业 {code} 不在这一年的数据里。", code=correction.code))
        if correction.item not in facts.items:
            raise Refusal(say("这一年的数据里没有“{item}”。", item=correction.item))
        if key in values:
            raise Refusal(
                say("{name}的“{item}”更正了两次。", name=names[correction.code], item=correction.item)
            )
        values[key] = read_value(correction.value, facts.items[correction.item])
        documents.setdefault(correction.document, []).append(correction)
    items = {correction.item: facts.items[correction.item] for correction in corrections}
    codes = sorted({correction.code for correction in corrections})
    frame = pl.DataFrame(
        {
            CODE: codes,
            NAME: [names[code] for code in codes],
            **{name: [values.get((code, name)) for code in codes] for name in items},
        },
        _schema(items, NAME),
    )
    return Facts(
        facts.year, items, frame, tuple(_document(*entry, values, items) for entry in documents.items())
    )


def _schema(items: Mapping[str, Item], second: str) -> dict[str, pl.DataType]:
    kind: pl.DataType = pl.UInt32() if second == ROW else pl.String()
    return {CODE: pl.String(), second: kind, **{name: item.dtype for name, item in items.items()}}


def _document(
    name: str,
    corrections: Sequence[Correction],
    values: Mapping[tuple[str, str], int | str | date],
    items: Mapping[str, Item],
) -> SourceTable:
    own = {item: items[item] for item in dict.fromkeys(each.item for each in corrections)}
    rows = [
        {CODE: each.code, ROW: row, each.item: values[each.code, each.item]}
        for row, each in enumerate(corrections, start=1)
    ]
    return SourceTable(
        name, str(say("更正")), "", "", "", dict.fromkeys(own, "A"), pl.DataFrame(rows, _schema(own, ROW))
    )


def read_value(text: str, item: Item) -> int | str | date:
    """A value as a person writes it (12.5, 2021-03-05), as facts hold it. Raises Refusal."""
    written = text.strip()
    if not written:
        raise Refusal(say("“{item}”没有填更正后的值。", item=item.name))
    if item.kind == "date":
        try:
            return date.fromisoformat(written)
        except ValueError as error:
            raise Refusal(say("“{found}”不是日期。", found=text), say("例如 2021-03-05。")) from error
    if item.kind != "number":
        return written
    try:
        scaled = Decimal(written).scaleb(item.digits or 0)
    except ArithmeticError as error:
        raise Refusal(
            say("“{found}” 不是数字。", found=text), say("单位是 {unit}；只填数值。", unit=item.unit)
        ) from error
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise Refusal(
            say(
                "“{found}”的小数位太多：“{item}”保留 {digits} 位。",
                found=text,
                item=item.name,
                digits=item.digits,
            )
        )
    if abs(scaled) > 10**17:
        raise Refusal(say("“{found}”太大。", found=text))
    return int(scaled)
