"""Figures that are about ten thousand times too large or too small: 元 written for 万元, kWh for 万kWh.

Only flags. A figure is compared with the enterprise's own past; where there is none, with the median of its
industry and scale, and then only upwards: small enterprises are common, giants are not.
"""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from muheng.documents.message import say
from muheng.intake.address import split_address
from muheng.intake.facts import CODE, Facts, Item
from muheng.intake.problem import Problem
from muheng.standards.units import convert, parse_unit, same_dimension

INDUSTRY = "行业代码"
SCALE = "规模"
# Half an order of magnitude to either side of the factor: 3,162 to 31,623 times.
_SPREAD = 10**0.5
# A smaller group's median is chance; the whole roster's is taken instead.
_SMALLEST_GROUP = 5
# When this share of a column differs from the past alike, the column's unit is wrong, not each cell.
_WHOLE_COLUMN = 0.5
_WHOLE_COLUMN_FROM = 3


def find_slips(facts: Facts, past: Facts | None) -> list[Problem]:
    """Warnings for figures whose unit was probably mistaken, at the cells that they came from."""
    items = [
        item
        for item in facts.items.values()
        if item.kind == "number"
        and (item.unit or "").startswith("万")
        and facts.frame.get_column(item.name).null_count() < facts.frame.height
    ]
    if not items:
        return []
    ratios = _against_past(facts, past, items)
    ratios = ratios.with_columns(_against_industry(facts, items, ratios))
    marked = ratios.select(
        pl.any_horizontal(
            _about(pl.col(item.name + kind), factor).any() for kind, factor in _LOOKED_FOR
        ).alias(item.name)
        for item in items
    ).row(0)
    problems: list[Problem] = []
    for item, any_marked in zip(items, marked, strict=True):
        if any_marked:
            problems += _describe_item(facts, item, ratios)
    return problems


_PAST = "/past"
_INDUSTRY = "/industry"
_LOOKED_FOR = ((_PAST, 1e4), (_PAST, 1e-4), (_INDUSTRY, 1e4))


def _about(ratio: pl.Expr, factor: float) -> pl.Expr:
    return ratio.is_between(factor / _SPREAD, factor * _SPREAD)


def _against_past(facts: Facts, past: Facts | None, items: list[Item]) -> pl.DataFrame:
    """统一社会信用代码 and, for each item, the figure as a multiple of the past one; null without one."""
    table = facts.frame.select(CODE)
    factors = {item.name: factor for item in items if (factor := _past_factor(past, item)) is not None}
    if past is not None and factors:
        table = table.join(past.frame.select(CODE, *factors), on=CODE, how="left", maintain_order="left")
    return table.select(
        pl.col(CODE),
        *(
            _ratio(
                pl.lit(facts.frame.get_column(item.name)),
                pl.col(item.name).cast(pl.Float64) * factors[item.name],
            ).alias(item.name + _PAST)
            if item.name in factors
            else pl.lit(None, pl.Float64).alias(item.name + _PAST)
            for item in items
        ),
    )


def _past_factor(past: Facts | None, item: Item) -> float | None:
    known = past.items.get(item.name) if past is not None else None
    if known is None or known.unit is None or item.unit is None:
        return None
    if not same_dimension(parse_unit(known.unit), parse_unit(item.unit)):
        return None
    digits = Fraction(10) ** ((item.digits or 0) - (known.digits or 0))
    return float(convert(Fraction(1), known.unit, item.unit) * digits)


def _ratio(now: pl.Expr, before: pl.Expr) -> pl.Expr:
    return pl.when((now > 0) & (before > 0)).then(now / before)


def _against_industry(facts: Facts, items: list[Item], ratios: pl.DataFrame) -> pl.DataFrame:
    """For figures without a past: the figure as a multiple of its kin's median."""
    nothing = pl.lit(None, pl.String)
    division = pl.col(INDUSTRY).str.extract("([0-9]{2})") if INDUSTRY in facts.items else nothing
    scale = pl.col(SCALE) if SCALE in facts.items else nothing
    names = [item.name for item in items]
    positive = facts.frame.select(
        scale.alias("/scale"),
        division.alias("/division"),
        *(pl.when(pl.col(name) > 0).then(pl.col(name)).alias(name) for name in names),
    )
    middles = [
        pl.when(pl.col(name).count() >= _SMALLEST_GROUP).then(pl.col(name).median()).alias(name)
        for name in names
    ]
    # The nearest kin that are enough: the same industry and scale, the same scale, everybody.
    kin = [
        positive.select("/scale", "/division").join(
            positive.group_by(keys).agg(middles), on=keys, how="left", nulls_equal=True, maintain_order="left"
        )
        for keys in (["/scale", "/division"], ["/scale"])
    ]
    everybody = positive.select(middles)
    return pl.DataFrame(
        [
            pl.select(
                pl.when(pl.lit(ratios.get_column(name + _PAST)).is_null())
                .then(
                    _ratio(
                        pl.lit(positive.get_column(name)),
                        pl.coalesce(
                            *(pl.lit(medians.get_column(name)) for medians in kin),
                            pl.lit(everybody.get_column(name)[0], pl.Float64),
                        ),
                    )
                )
                .alias(name + _INDUSTRY)
            ).to_series()
            for name in names
        ]
    )


def _describe_item(facts: Facts, item: Item, ratios: pl.DataFrame) -> list[Problem]:
    past, industry = pl.col(item.name + _PAST), pl.col(item.name + _INDUSTRY)
    own = ratios.filter(_about(past, 1e4) | _about(past, 1e-4)).select(CODE, past)
    compared = ratios.get_column(item.name + _PAST).count()
    if own.height >= _WHOLE_COLUMN_FROM and own.height >= compared * _WHOLE_COLUMN:
        return [_whole_column(facts, item, own.height, compared)]
    strange = ratios.filter(_about(industry, 1e4)).select(CODE, industry)
    return [
        *(_slip(facts, item, code, say("本企业上一年的值"), ratio) for code, ratio in own.iter_rows()),
        *(_slip(facts, item, code, say("同行业的中位数"), ratio) for code, ratio in strange.iter_rows()),
    ]


def _slip(facts: Facts, item: Item, code: str, against: object, ratio: float) -> Problem:
    cells = facts.cells(code, item.name)
    name = facts.frame.filter(pl.col(CODE) == code).row(0)[1]
    first = cells[0] if cells else None
    times = f"{ratio:,.0f}" if ratio >= 1 else f"1/{1 / ratio:,.0f}"
    row = split_address(first.cell)[1] if first is not None else None
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
            "{compared} 家可比企业中有 {count} 家与上一年相差约一万倍，整列单位像是错了（{small}、{unit}）。",
            compared=compared,
            count=count,
            small=(item.unit or "")[1:],
            unit=item.unit,
        ),
        say("请在表头写明单位。没有改动这些数。"),
    )
