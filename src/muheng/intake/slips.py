"""Figures that are about ten thousand times too large or too small: 元 written for 万元, kWh for 万kWh.

Only flags. A figure is compared with the enterprise's own past; where there is none, with the median of its
industry, and then only upwards: small enterprises are common, giants are not.
"""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from muheng.documents.message import say
from muheng.intake.facts import CODE, Facts, Item
from muheng.intake.problem import Problem
from muheng.standards.units import convert, parse_unit, same_dimension

INDUSTRY = "行业代码"
# Half an order of magnitude to either side of the factor: 3,162 to 31,623 times.
_SPREAD = 10**0.5
# A smaller group's median is chance; the whole roster's is taken instead.
_SMALLEST_GROUP = 5
# When this share of a column differs from the past alike, the column's unit is wrong, not each cell.
_WHOLE_COLUMN = 0.5
_WHOLE_COLUMN_FROM = 3


def find_slips(facts: Facts, past: Facts | None) -> list[Problem]:
    """Warnings for figures whose unit was probably mistaken, at the cells that they came from."""
    problems: list[Problem] = []
    for item in facts.items.values():
        if item.kind == "number" and item.unit is not None and item.unit.startswith("万"):
            problems += _check_item(facts, past, item)
    return problems


def _check_item(facts: Facts, past: Facts | None, item: Item) -> list[Problem]:
    before = _past_values(past, item)
    table = facts.frame.select(CODE, pl.col(item.name).cast(pl.Float64).alias("now"))
    if before is not None:
        table = table.join(before, on=CODE, how="left", maintain_order="left")
        table = table.with_columns(
            pl.when((pl.col("before") > 0) & (pl.col("now") > 0))
            .then(pl.col("now") / pl.col("before"))
            .alias("ratio")
        )
        own = table.filter(_about(pl.col("ratio"), 1e4) | _about(pl.col("ratio"), 1e-4))
        compared = table.get_column("ratio").count()
        if own.height >= _WHOLE_COLUMN_FROM and own.height >= compared * _WHOLE_COLUMN:
            return [_whole_column(facts, item, own.height, compared)]
    else:
        table = table.with_columns(pl.lit(None, pl.Float64).alias("ratio"))
        own = table.clear()
    problems = [
        _slip(facts, item, code, say("本企业上一年的值"), ratio)
        for code, ratio in own.select(CODE, "ratio").iter_rows()
    ]
    strange = _against_industry(facts, table.filter(pl.col("ratio").is_null()))
    return problems + [
        _slip(facts, item, code, say("同行业的中位数"), ratio) for code, ratio in strange.iter_rows()
    ]


def _past_values(past: Facts | None, item: Item) -> pl.DataFrame | None:
    known = past.items.get(item.name) if past is not None else None
    if past is None or known is None or known.unit is None or item.unit is None:
        return None
    if not same_dimension(parse_unit(known.unit), parse_unit(item.unit)):
        return None
    factor = convert(Fraction(1), known.unit, item.unit) * Fraction(10) ** (
        (item.digits or 0) - (known.digits or 0)
    )
    return past.frame.select(CODE, (pl.col(item.name).cast(pl.Float64) * float(factor)).alias("before"))


def _against_industry(facts: Facts, table: pl.DataFrame) -> pl.DataFrame:
    groups = facts.frame.select(
        CODE,
        pl.col(INDUSTRY).str.extract(r"([0-9]{2})").alias("group")
        if INDUSTRY in facts.items
        else pl.lit(None, pl.String).alias("group"),
    )
    positive = table.filter(pl.col("now") > 0).join(groups, on=CODE, how="left", maintain_order="left")
    middle = (
        pl.when((pl.len().over("group") >= _SMALLEST_GROUP) & pl.col("group").is_not_null())
        .then(pl.col("now").median().over("group"))
        .when(pl.len() >= _SMALLEST_GROUP)
        .then(pl.col("now").median())
    )
    return (
        positive.with_columns((pl.col("now") / middle).alias("ratio"))
        .filter(_about(pl.col("ratio"), 1e4))
        .select(CODE, "ratio")
    )


def _about(ratio: pl.Expr, factor: float) -> pl.Expr:
    return ratio.is_between(factor / _SPREAD, factor * _SPREAD)


def _slip(facts: Facts, item: Item, code: str, against: object, ratio: float) -> Problem:
    cells = facts.cells(code, item.name)
    name = facts.frame.filter(pl.col(CODE) == code).row(0)[1]
    first = cells[0] if cells else None
    times = f"{ratio:,.0f}" if ratio >= 1 else f"1/{1 / ratio:,.0f}"
    row = int("".join(c for c in first.cell if c.isdigit())) if first is not None else None
    return Problem(
        "warning",
        first.file if first is not None else "",
        first.sheet if first is not None else None,
        row,
        item.name,
        first.cell if first is not None else None,
        first.value if first is not None else "",
        say(
            "是{against}的 {times} 倍，像是 {small} 和 {unit} 弄混了。",
            against=against,
            times=times,
            small=(item.unit or "")[1:],
            unit=item.unit,
        ),
        say("本列单位是 {unit}；请核对。没有改动这个数。", unit=item.unit),
        name,
        code,
    )


def _whole_column(facts: Facts, item: Item, count: int, compared: int) -> Problem:
    source = next((table for table in facts.sources if item.name in table.columns), None)
    return Problem(
        "warning",
        source.file if source is not None else "",
        source.sheet if source is not None else None,
        None,
        item.name,
        None,
        "",
        say(
            "{compared} 家可比企业中有 {count} 家与上一年相差约一万倍，整列的单位像是错了（{small}、{unit}）。",
            compared=compared,
            count=count,
            small=(item.unit or "")[1:],
            unit=item.unit,
        ),
        say("请在表头写明单位。没有改动这些数。"),
    )
