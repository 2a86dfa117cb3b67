"""Facts become the columns a plan reads: units converted exactly, texts to codes, dates and levels to integers.

Says everything that does not fit (a missing item, a wrong basis, a value out of its declared range, a text that
is not among the allowed ones), all at once; binds nothing when anything does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.intake.problem import Problem
from muheng.policy.plan import CodeInput, NumberInput, Plan
from muheng.policy.program import Bounds
from muheng.standards.rounding import format_scaled, scale_half_up
from muheng.standards.units import UnitMismatch, UnknownUnit, convert

SHOWN = 20


@dataclass(frozen=True)
class Misfit:
    """One reason why the facts cannot be evaluated; ``code`` and ``name`` where it concerns one enterprise."""

    item: str
    what: Message
    fix: Message | None = None
    code: str | None = None
    name: str | None = None


class DataError(ValueError):
    """The facts do not fit the policy; nothing was computed."""

    def __init__(self, misfits: list[Misfit]) -> None:
        self.misfits = misfits
        super().__init__("；".join(str(misfit.what) for misfit in misfits[:5]))


@dataclass(frozen=True)
class Encoded:
    """``frame`` sorted by credit code: 统一社会信用代码, 企业名称, one Int64 column per input (null = missing).

    ``labels`` of text and tags inputs: code i stands for ``labels[name][i]`` (sorted).
    """

    year: int
    frame: pl.DataFrame
    labels: dict[str, tuple[str, ...]]
    bounds: dict[str, Bounds]


def bind(plan: Plan, facts: Facts) -> Encoded:
    """Raises :class:`DataError`."""
    misfits: list[Misfit] = []
    columns: list[pl.Series] = [facts.frame[CODE], facts.frame[NAME]]
    labels: dict[str, tuple[str, ...]] = {}
    frame = facts.frame
    if frame.height == 0:
        misfits.append(Misfit("", say("没有一户企业。"), say("先导入企业名单。")))
    for node in plan.nodes:
        if not isinstance(node, NumberInput | CodeInput):
            continue
        item = facts.items.get(node.name)
        if item is None:
            misfits += _absent(node)
            columns.append(pl.Series(node.name, [None] * frame.height, dtype=pl.Int64))
            if isinstance(node, CodeInput) and node.kind in ("text", "tags"):
                labels[node.name] = (node.fill,) if node.fill is not None else ()
            continue
        values = frame[node.name]
        if isinstance(node, NumberInput):
            found = list(_unfit_number(node, item))
            misfits += found
            if not found:
                values = _scale(values, node, item)
        else:
            found = list(_unfit_code(node, item))
            misfits += found
            if not found:
                values, labels_of = _encode(values, node)
                misfits += _unknown_values(node, values, labels_of, frame)
                if node.kind in ("text", "tags"):
                    labels[node.name] = labels_of
        if node.required and values.null_count():
            misfits += _missing_rows(node.name, values, frame)
        columns.append(values.alias(node.name))
    encoded = pl.DataFrame(columns)
    bounds = _bounds(encoded)
    for node in plan.nodes:
        if isinstance(node, NumberInput) and node.name in facts.items and node.name in bounds:
            misfits += _out_of_range(node, bounds[node.name], encoded)
    if misfits:
        raise DataError(misfits)
    if not encoded[CODE].is_sorted():
        encoded = encoded.sort(CODE)
    return Encoded(facts.year, encoded, labels, bounds)


def _bounds(encoded: pl.DataFrame) -> dict[str, Bounds]:
    """Least, greatest and whether anything is missing, of every integer column, in one pass."""
    names = [name for name in encoded.columns[2:] if encoded[name].dtype == pl.Int64]
    if not names:
        return {}
    least, greatest, missing = (
        encoded.select(figure).row(0)
        for figure in (pl.col(names).min(), pl.col(names).max(), pl.col(names).null_count())
    )
    return {
        name: Bounds(low or 0, high or 0, many > 0 or low is None)
        for name, low, high, many in zip(names, least, greatest, missing, strict=True)
    }


def find_unprovided(plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Figures that no file gives for anyone and the policy has no value for: an indicator of them tells nobody
    from anybody, which a lost file does as easily as a method that is ahead of its data."""
    for node in plan.nodes:
        if not isinstance(node, NumberInput) or node.fill is not None or node.required:
            continue
        if node.name in facts.items and facts.frame[node.name].null_count() < facts.frame.height:
            continue
        what = say("没有一家企业有“{item}”，全部按缺数据处理。", item=node.name)
        yield Problem("warning", "", None, None, node.name, None, "", what, _ask(node.provider))


def _absent(node: NumberInput | CodeInput) -> Iterator[Misfit]:
    """An item nobody provided is as if missing for everyone; only a rule that refuses or asks for it fails."""
    if node.required:
        yield Misfit(node.name, say("没有“{item}”的数据。", item=node.name), _ask(node.provider))


def _ask(provider: str | None) -> Message | None:
    return say("请向{provider}要这一项。", provider=provider) if provider else None


def _unfit_number(node: NumberInput, item: Item) -> Iterator[Misfit]:
    if item.kind != "number" or item.unit is None or item.digits is None:
        yield Misfit(node.name, say("“{item}”应为数值。", item=node.name))
        return
    if node.basis is not None and item.basis is not None and item.basis != node.basis:
        yield Misfit(
            node.name,
            say(
                "“{item}”的口径是{found}，规则要求{wanted}。",
                item=node.name,
                found=item.basis,
                wanted=node.basis,
            ),
            say("请统计部门按{wanted}提供，不能直接换算。", wanted=node.basis),
        )
    try:
        convert(Fraction(1), item.unit, node.unit)
    except (UnitMismatch, UnknownUnit):
        yield Misfit(
            node.name,
            say(
                "“{item}”的单位是“{found}”，规则要求“{wanted}”。",
                item=node.name,
                found=item.unit,
                wanted=node.unit,
            ),
        )


def _scale(values: pl.Series, node: NumberInput, item: Item) -> pl.Series:
    """The same quantity in the input's unit and digits, half away from zero where digits are lost."""
    assert item.unit is not None
    assert item.digits is not None
    factor = convert(Fraction(1), item.unit, node.unit) * Fraction(10) ** (node.digits - item.digits)
    if factor == 1:
        return values.cast(pl.Int64)
    top, bottom = factor.numerator, factor.denominator
    largest = max(abs(int(values.min() or 0)), abs(int(values.max() or 0)))  # type: ignore[arg-type]
    if (largest * top + bottom) < 2**62:
        half = bottom // 2
        frame = values.to_frame("v").with_columns(n=pl.col("v").abs() * top + half)
        quotient = frame.select(
            pl.when(pl.col("v") < 0).then(-(pl.col("n") // bottom)).otherwise(pl.col("n") // bottom)
        )
        return quotient.to_series()
    exact = [None if value is None else scale_half_up(value * factor, 0) for value in values]
    return pl.Series(
        [None if value is None else min(max(value, -(2**62)), 2**62) for value in exact], dtype=pl.Int64
    )


def _out_of_range(node: NumberInput, bounds: Bounds, frame: pl.DataFrame) -> Iterator[Misfit]:
    # ``_scale`` stops at ±2**62, so nothing from there on can be taken for the figure itself.
    low = max(scale_half_up(node.range[0], node.digits), 1 - 2**62)
    high = min(scale_half_up(node.range[1], node.digits), 2**62 - 1)
    if low <= bounds.low and bounds.high <= high:
        return
    values = frame[node.name]
    rows = ((values < low) | (values > high)).fill_null(False).arg_true()
    for row in rows[:SHOWN]:
        yield Misfit(
            node.name,
            say(
                "{name} 的“{item}”为 {found}{unit}，不在合理范围 {low}～{high} 内。",
                name=frame[NAME][row],
                item=node.name,
                found=format_scaled(values[row], node.digits),
                unit="" if node.unit == "1" else f" {node.unit}",
                low=format_scaled(low, node.digits),
                high=format_scaled(high, node.digits),
            ),
            say("核对数值和单位；确属正常的，在规则中放宽 range。"),
            frame[CODE][row],
            frame[NAME][row],
        )
    if len(rows) > SHOWN:
        yield Misfit(
            node.name, say("“{item}”另有 {count} 户超出合理范围。", item=node.name, count=len(rows) - SHOWN)
        )


def _unfit_code(node: CodeInput, item: Item) -> Iterator[Misfit]:
    wanted = {"text": "text", "tags": "tags", "date": "date", "level": "text"}[node.kind]
    if item.kind != wanted and not (wanted == "tags" and item.kind == "text"):
        yield Misfit(node.name, say("“{item}”的数据类型不符。", item=node.name))


def _encode(values: pl.Series, node: CodeInput) -> tuple[pl.Series, tuple[str, ...]]:
    if node.kind == "date":
        dates = values.to_frame("d").select(
            (pl.col("d").dt.year().cast(pl.Int64) * 10000)
            + (pl.col("d").dt.month().cast(pl.Int64) * 100)
            + pl.col("d").dt.day().cast(pl.Int64)
        )
        return dates.to_series(), ()
    numbered = values.cast(pl.String).cast(pl.Categorical)
    distinct = numbered.unique().drop_nulls()
    texts = dict(zip(distinct.to_physical().to_list(), distinct.cast(pl.String).to_list(), strict=True))
    if node.kind == "level":
        known = node.levels
    else:
        known = tuple(
            sorted({*texts.values(), *node.values, *([node.fill] if node.fill is not None else [])})
        )
    codes = {text: code for code, text in enumerate(known)}
    # What is not among the levels gets a code past their end, for ``_unknown_values`` to report.
    table = [codes.get(texts.get(number, ""), len(known)) for number in range(max(texts, default=-1) + 1)]
    numbers = numbered.to_physical().cast(pl.Int64)
    return (pl.Series(table, dtype=pl.Int64).gather(numbers) if table else numbers), known


def _unknown_values(
    node: CodeInput, codes: pl.Series, labels: tuple[str, ...], frame: pl.DataFrame
) -> Iterator[Misfit]:
    allowed = node.levels if node.kind == "level" else node.values
    if not allowed:
        return
    good = {code for code, label in enumerate(labels) if label in allowed}
    rows = (~codes.is_in(list(good)) & codes.is_not_null()).arg_true()
    for row in rows[:SHOWN]:
        yield Misfit(
            node.name,
            say(
                "{name} 的“{item}”是“{found}”，规则里没有。",
                name=frame[NAME][row],
                item=node.name,
                found=frame[node.name][row],
            ),
            say("可用：{values}。", values="、".join(allowed)),
            frame[CODE][row],
            frame[NAME][row],
        )
    if len(rows) > SHOWN:
        yield Misfit(
            node.name, say("“{item}”另有 {count} 户取值不在规则里。", item=node.name, count=len(rows) - SHOWN)
        )


def _missing_rows(item: str, values: pl.Series, frame: pl.DataFrame) -> Iterator[Misfit]:
    rows = values.is_null().arg_true()
    for row in rows[:SHOWN]:
        name = frame[NAME][row]
        yield Misfit(
            item,
            say("{name} 缺“{item}”，规则规定缺此项不得运行。", name=name, item=item),
            None,
            frame[CODE][row],
            name,
        )
    if len(rows) > SHOWN:
        yield Misfit(item, say("另有 {count} 户缺“{item}”。", item=item, count=len(rows) - SHOWN))
