"""Text to exact scaled integers, a column at a time. No float on the way.

What a cell means:

* A workbook stores numbers as binary floats. Excel shows at most 15 significant digits, so 1234.4999999999998
  is 1234.5 to everyone who has seen the sheet. The reader gives at most 9 decimals; what then still has more
  than 15 significant digits is rounded to 15, halves away from zero. Typed text is treated the same.
* Thousands separators must stand in the right places; full-width characters, blanks around the number, a
  leading plus and brackets for a negative number are accepted. A unit or 万 behind the number is refused,
  with the number that was probably meant: whether it was 万元 or 元 is for its author to say.
* Dashes, `/`, 无 and the like mean that there is no figure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import polars as pl

from muheng.documents.message import Message, say
from muheng.standards.rounding import format_scaled, scale_half_up
from muheng.standards.units import Unit, UnknownUnit, convert, parse_unit, same_dimension

EXCEL_DIGITS = 15
_DECIMALS = 9
_PLAIN = r"^-?[0-9]{1,14}(\.[0-9]{1,9})?$"

MISSING = frozenset(
    [
        "",
        "-",
        "--",
        "---",
        "—",
        "——",
        "–",
        "―",
        "/",
        "//",
        "\\",
        "无",
        "暂无",
        "没有",
        "空",
        "n/a",
        "na",
        "null",
        "none",
    ]
)

_GROUPED = re.compile(r"-?[0-9]{1,3}([, ][0-9]{3})+(\.[0-9]*)?")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_BRACKETED = re.compile(r"\(([0-9][0-9, ]*(\.[0-9]+)?)\)")
_WITH_UNIT = re.compile(r"([-+]?[0-9][0-9, ]*(?:\.[0-9]+)?)([^0-9.,]+)")
_SCIENTIFIC = re.compile(r"[-+]?[0-9.]+e[-+]?[0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_MULTIPLE = re.compile(r"^[亿万千百十]+")
_EXCEL = Context(prec=EXCEL_DIGITS, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class NumberColumn:
    """How the figures of one column stand and what they become.

    `source` is the unit in the header, `unit` and `digits` those of the item; `low` and `high` bound what is
    believable, in `unit`.
    """

    column: str
    source: Unit
    unit: Unit
    digits: int
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Fault:
    """A cell that gives no value: position in the column, what stands there, what is wrong, the remedy."""

    at: int
    found: str
    what: Message
    fix: Message | None


@dataclass(frozen=True)
class Numbers:
    """`values`: Int64, scaled; null where missing or at fault.

    `rounded` figures lost decimals, the first of them at `first_rounded`.
    """

    values: pl.Series
    faults: tuple[Fault, ...]
    rounded: int
    first_rounded: int | None


def read_numbers(frame: pl.DataFrame, columns: Sequence[NumberColumn]) -> list[Numbers]:
    """The number columns of `frame` (String), all at once: Polars works on them side by side."""
    if not columns:
        return []
    factors = [_factor(column) for column in columns]
    longest = frame.select(pl.col(column.column).str.len_bytes().max() for column in columns).row(0)
    plain = frame.select(
        _parse_plain(pl.col(column.column), length or 0)
        for column, length in zip(columns, longest, strict=True)
    )
    odd = _positions(
        frame.select(
            pl.col(column.column).is_not_null() & plain.get_column(column.column).is_null()
            for column in columns
        )
    )
    scaled = plain.select(
        expression
        for column, factor in zip(columns, factors, strict=True)
        for expression in _scale(column, factor)
    )
    beyond = _positions(scaled.select(pl.col(f"^.*{_BEYOND}$")))
    lost = scaled.select(pl.col(f"^.*{_LOST}$"))
    losses = dict(zip(lost.columns, lost.sum().row(0), strict=True))
    return [
        _finish(
            frame.get_column(column.column),
            scaled.get_column(column.column),
            column,
            factor,
            odd=odd.get(column.column, []),
            beyond=beyond.get(column.column + _BEYOND, []),
            lost=lost.get_column(column.column + _LOST) if losses[column.column + _LOST] else None,
        )
        for column, factor in zip(columns, factors, strict=True)
    ]


_LOST = "/lost"
_BEYOND = "/beyond"


def _positions(marks: pl.DataFrame) -> dict[str, list[int]]:
    """Where each Boolean column is true, for the columns that are true anywhere."""
    anywhere = marks.select(pl.all().any()).row(0)
    return {
        name: marks.get_column(name).arg_true().to_list()
        for name, some in zip(marks.columns, anywhere, strict=True)
        if some
    }


def _factor(column: NumberColumn) -> Fraction:
    """Scaled integers per unit in the cell."""
    factor: Fraction = convert(Fraction(1), column.source, column.unit) * 10**column.digits
    return factor


def _parse_plain(text: pl.Expr, longest: int) -> pl.Expr:
    """Value × 10**9 as Int128, rounded to 15 significant digits; null for all but plainly written numbers.

    No text has more than `longest` bytes.
    """
    value = (
        pl.when(text.str.contains(_PLAIN))
        .then(text.cast(pl.Decimal(38, _DECIMALS), strict=False))
        .otherwise(None)
    )
    value = value.to_physical()
    if longest <= EXCEL_DIGITS:
        return value
    signed = text.str.starts_with("-").cast(pl.Int32)
    whole = pl.coalesce(text.str.find(".", literal=True), text.str.len_bytes()).cast(pl.Int32) - signed
    step = pl.lit(1, pl.Int128)
    for count in range(EXCEL_DIGITS - _DECIMALS + 1, 15):
        step = (
            pl.when(whole == count)
            .then(pl.lit(10 ** (count + _DECIMALS - EXCEL_DIGITS), pl.Int128))
            .otherwise(step)
        )
    rounded = ((value.abs() + step // 2) // step) * step * value.sign()
    return pl.when(text.str.len_bytes() > EXCEL_DIGITS).then(rounded).otherwise(value)


def _scale(column: NumberColumn, factor: Fraction) -> list[pl.Expr]:
    """Scaled integer, whether decimals were lost, whether the value is beyond belief."""
    value = pl.col(column.column)
    ratio = factor / 10**_DECIMALS
    above = value.abs() * pl.lit(ratio.numerator, pl.Int128)
    below = pl.lit(ratio.denominator, pl.Int128)
    whole = (above + below // 2) // below if ratio.denominator > 1 else above
    scaled = whole * value.sign()
    lost = whole * below != above if ratio.denominator > 1 else pl.lit(False)
    low, high = _bounds(column)
    within = scaled.is_between(pl.lit(low, pl.Int128), pl.lit(high, pl.Int128))
    return [
        pl.when(within).then(scaled).otherwise(None).cast(pl.Int64).alias(column.column),
        (lost & within).alias(column.column + _LOST),
        (~within).alias(column.column + _BEYOND),
    ]


def _bounds(column: NumberColumn) -> tuple[int, int]:
    scale = 10**column.digits
    return scale_half_up(column.low * scale, 0), scale_half_up(column.high * scale, 0)


def _finish(
    text: pl.Series,
    values: pl.Series,
    column: NumberColumn,
    factor: Fraction,
    *,
    odd: list[int],
    beyond: list[int],
    lost: pl.Series | None,
) -> Numbers:
    faults = [_beyond(at, text[at], column) for at in beyond]
    mended: dict[int, int] = {}
    more: list[int] = []
    low, high = _bounds(column)
    for at in odd:
        found = text[at]
        number = parse_number(found, column.source)
        if number is None:
            continue
        if isinstance(number, Message):
            faults.append(Fault(at, found, number, _mend(found, column.source)))
            continue
        exact = number * factor
        value = scale_half_up(exact, 0)
        if not low <= value <= high:
            faults.append(_beyond(at, found, column))
            continue
        mended[at] = value
        if value != exact:
            more.append(at)
    if mended:
        values = values.scatter(list(mended), list(mended.values()))
    firsts = [*more[:1], *([lost.arg_max()] if lost is not None else [])]
    count = len(more) + (int(lost.sum()) if lost is not None else 0)
    faults.sort(key=lambda fault: fault.at)
    return Numbers(values, tuple(faults), count, min((at for at in firsts if at is not None), default=None))


def parse_number(text: str, unit: Unit) -> Fraction | Message | None:
    """The exact number in `text`, in `unit`; None when it says there is none; else what is wrong."""
    folded = _fold(text)
    if folded in MISSING:
        return None
    bracketed = _BRACKETED.fullmatch(folded)
    if bracketed is not None:
        folded = "-" + bracketed.group(1)
    percent = folded.endswith("%") and not unit.dimensions
    if percent:
        folded = folded[:-1].rstrip()
    if _GROUPED.fullmatch(folded):
        folded = folded.replace(",", "").replace(" ", "")
    if _NUMBER.fullmatch(folded):
        value = Fraction(_EXCEL.create_decimal(folded))
        return convert(value, parse_unit("%"), unit) if percent else value
    if _SCIENTIFIC.fullmatch(folded):
        return say("“{found}”是科学计数法，后面的位数可能已丢失。", found=text)
    if _DATE.fullmatch(folded):
        return say("“{found}”是日期格式的单元格，不是数字。", found=text[:10])
    return say("“{found}” 不是数字。", found=text)


def _fold(text: str) -> str:
    """Half-width. ① and ² stay what they are: as digits, a footnote's mark would become part of the figure."""
    folded = "".join(
        c if unicodedata.category(c) == "No" else unicodedata.normalize("NFKC", c) for c in text
    ).translate(_DASHES)
    return "".join(c for c in folded if unicodedata.category(c) != "Cf").strip().casefold()


_DASHES = str.maketrans({"−": "-", "﹣": "-", "，": ",", "。": ".", "\xa0": " ", "\u3000": " ", "\t": " "})


def _mend(text: str, unit: Unit) -> Message:
    """What to write instead, with the number that was probably meant where that can be told."""
    meant = _guess(_fold(text), unit)
    if meant is None:
        return say("本列单位是 {unit}；请只填数值，没有就留空。", unit=unit.symbol)
    return say("本列单位是 {unit}；请只填数值 {value}。", unit=unit.symbol, value=meant)


def _guess(folded: str, unit: Unit) -> str | None:
    found = _WITH_UNIT.fullmatch(folded)
    if found is None:
        return None
    number = found.group(1).replace(",", "").replace(" ", "")
    suffix = found.group(2).strip()
    for written in (suffix, suffix + _MULTIPLE.sub("", unit.symbol)):
        try:
            given = parse_unit(written)
        except UnknownUnit:
            continue
        if same_dimension(given, unit) and given.dimensions:
            exact = convert(Fraction(number), given, unit)
            digits = next((digits for digits in range(13) if (exact * 10**digits).denominator == 1), None)
            return None if digits is None else format_scaled(int(exact * 10**digits), digits)
    return None


def _beyond(at: int, found: str, column: NumberColumn) -> Fault:
    return Fault(
        at,
        found,
        say(
            "“{found}” 超出一家企业一年可信的范围（{low} 至 {high} {unit}）。",
            found=found,
            low=f"{column.low:,f}",
            high=f"{column.high:,f}",
            unit=column.unit.symbol,
        ),
        say("请核对数值和单位；本列单位是 {unit}。", unit=column.source.symbol),
    )
