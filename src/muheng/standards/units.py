"""Units of measure as they stand in departments' workbooks and policy texts, converted exactly.

A unit is a rational factor and dimensions. Standard coal (tce) is a dimension of its own: kWh becomes tce
only by a dated coal equivalent with a stated basis (`energy.py`), never by a unit.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import ceil

from muheng.documents.message import Message, Refusal, say
from muheng.documents.spelling import nearest

Dimensions = tuple[tuple[str, int], ...]


class UnknownUnit(Refusal):
    """A text that is no unit."""


class UnitMismatch(Refusal):
    """Two units that measure different things."""


@dataclass(frozen=True)
class Unit:
    """`symbol` as written; 1 unit = `factor` base units; `dimensions` sorted by name, without zero powers.

    Two units are equal when they mean the same, however they are written.
    """

    symbol: str = field(compare=False)
    factor: Fraction
    dimensions: Dimensions


_Atom = tuple[Fraction, Dimensions]


def _atoms(dimension: str, **factors: Fraction | int) -> dict[str, _Atom]:
    return {name: (Fraction(factor), ((dimension, 1),)) for name, factor in factors.items()}


# Names are spelt as `_fold` leaves them: NFKC and lower case, so m² is m2 and kWh is kwh.
_ATOMS: dict[str, _Atom] = {
    "1": (Fraction(1), ()),
    "倍": (Fraction(1), ()),
    "%": (Fraction(1, 100), ()),
    "‰": (Fraction(1, 1000), ()),
    "个百分点": (Fraction(1, 100), ()),
    **_atoms("money", 元=1),
    **_atoms("area", m2=1, 平方米=1, 平米=1, 亩=Fraction(2000, 3), 公顷=10_000, hm2=10_000, ha=10_000),
    **_atoms("area", km2=1_000_000, 平方公里=1_000_000, 平方千米=1_000_000),
    **_atoms("electricity", kwh=1, 千瓦时=1, 度=1, mwh=1000, 兆瓦时=1000, gwh=1_000_000),
    **_atoms("coal", kgce=1, 千克标准煤=1, 公斤标准煤=1, tce=1000, 吨标准煤=1000, 吨标煤=1000),
    **_atoms("mass", g=Fraction(1, 1000), 克=Fraction(1, 1000), kg=1, 千克=1, 公斤=1, t=1000, 吨=1000),
    **_atoms("volume", m3=1, 立方米=1, 立方=1, 方=1, l=Fraction(1, 1000), 升=Fraction(1, 1000)),
    **_atoms("heat", kj=1, 千焦=1, mj=1000, 兆焦=1000, gj=1_000_000, 吉焦=1_000_000),
    **_atoms("pollution", 当量吨=1, 污染当量吨=1),
    **_atoms("people", 人=1),
    **_atoms("households", 户=1, 家=1),
    **_atoms("items", 项=1, 件=1, 个=1),
    **_atoms("points", 分=1),
    **_atoms("time", 年=1, 月=Fraction(1, 12)),
}

_MULTIPLES = {
    "亿": 10**8, "千万": 10**7, "百万": 10**6, "十万": 10**5, "万": 10**4, "千": 1000, "百": 100,
}  # fmt: skip

_TOKEN = re.compile(r"[()/·]|[^()/·]+")
_DOTS = str.maketrans(dict.fromkeys("•・∙⋅*×.", "·"))


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower().translate(_DOTS)
    return "".join(folded.split())


@cache
def parse_unit(text: str) -> Unit:
    """The unit of a text such as `万元/亩`, `万元/(人·年)`, `kWh`, `㎡`, `%`, `吨标准煤`.

    In `万元/人·年` all that follows the stroke divides. Raises UnknownUnit.
    """
    tokens = _TOKEN.findall(_fold(text))
    if not tokens:
        raise UnknownUnit(say("没有写单位。"), say("没有单位的数写 1，百分数写 %。"))
    factor, powers, rest = _quotient(tokens, text)
    if rest:
        raise _unreadable(text)
    return Unit(text.strip(), factor, _sorted(powers))


def _quotient(tokens: list[str], text: str) -> tuple[Fraction, dict[str, int], list[str]]:
    factor, powers, tokens = _product(tokens, text)
    while tokens and tokens[0] == "/":
        below, below_powers, tokens = _product(tokens[1:], text)
        factor /= below
        powers = _add(powers, below_powers, -1)
    return factor, powers, tokens


def _product(tokens: list[str], text: str) -> tuple[Fraction, dict[str, int], list[str]]:
    factor, powers, tokens = _operand(tokens, text)
    while tokens and tokens[0] == "·":
        another, another_powers, tokens = _operand(tokens[1:], text)
        factor *= another
        powers = _add(powers, another_powers, 1)
    return factor, powers, tokens


def _operand(tokens: list[str], text: str) -> tuple[Fraction, dict[str, int], list[str]]:
    if not tokens or tokens[0] in ")/·":
        raise _unreadable(text)
    if tokens[0] == "(":
        factor, powers, rest = _quotient(tokens[1:], text)
        if not rest or rest[0] != ")":
            raise _unreadable(text)
        return factor, powers, rest[1:]
    factor, dimensions = _atom(tokens[0], text)
    return factor, dict(dimensions), tokens[1:]


def _atom(name: str, text: str) -> _Atom:
    if name in _ATOMS:
        return _ATOMS[name]
    for prefix, multiple in _MULTIPLES.items():
        base = name.removeprefix(prefix)
        if base != name and base in _ATOMS and _ATOMS[base][1]:
            factor, dimensions = _ATOMS[base]
            return factor * multiple, dimensions
    raise UnknownUnit(say("不认识的单位“{unit}”。", unit=text.strip()), _suggest(name))


def _suggest(name: str) -> Message:
    spelt = {_fold(common): common for common in COMMON}
    if (meant := nearest(name, spelt)) is not None:
        return say("是不是“{meant}”？", meant=spelt[meant])
    return say("常用单位：{units}。", units="、".join(COMMON))


def _unreadable(text: str) -> UnknownUnit:
    what = say("单位“{unit}”读不懂。", unit=text.strip())
    return UnknownUnit(what, say("写成 万元/亩 或 万元/(人·年) 的样子。"))


def _add(powers: dict[str, int], more: dict[str, int], sign: int) -> dict[str, int]:
    return {name: powers.get(name, 0) + sign * more.get(name, 0) for name in powers | more}


def _sorted(powers: dict[str, int]) -> Dimensions:
    return tuple(sorted((name, power) for name, power in powers.items() if power))


COMMON = (
    *("元", "万元", "亿元", "m²", "亩", "公顷", "kWh", "万kWh", "tce", "kgce", "kg", "t", "m³", "万m³"),
    *("GJ", "百万kJ", "当量吨", "人", "户", "项", "分", "年", "月", "%", "1"),
)
"""Units offered to a person, and the names given to the results of multiplication and division."""


def multiply(u: Unit, v: Unit) -> Unit:
    """The unit of a product."""
    return _combine(u, v, 1)


def divide(u: Unit, v: Unit) -> Unit:
    """The unit of a quotient."""
    return _combine(u, v, -1)


def _combine(u: Unit, v: Unit, sign: int) -> Unit:
    factor = u.factor * v.factor if sign > 0 else u.factor / v.factor
    dimensions = _sorted(_add(dict(u.dimensions), dict(v.dimensions), sign))
    for symbol in (u.symbol, v.symbol, *COMMON):
        known = parse_unit(symbol)
        if (known.factor, known.dimensions) == (factor, dimensions):
            return known
    below = f"({v.symbol})" if sign < 0 and re.search("[/·]", _fold(v.symbol)) else v.symbol
    above = f"({u.symbol})" if sign > 0 and "/" in u.symbol else u.symbol
    return Unit(f"{above}{'·' if sign > 0 else '/'}{below}", factor, dimensions)


def same_dimension(u: Unit, v: Unit) -> bool:
    """Can values be converted from one unit to the other?"""
    return u.dimensions == v.dimensions


def convert(value: Fraction, source: str | Unit, target: str | Unit) -> Fraction:
    """`value` in `source` as an exact value in `target`. Raises UnknownUnit, UnitMismatch."""
    given = parse_unit(source) if isinstance(source, str) else source
    wanted = parse_unit(target) if isinstance(target, str) else target
    if not same_dimension(given, wanted):
        what = say(
            "单位“{source}”（{one}）不能换算成“{target}”（{other}）。",
            source=given.symbol,
            one=_describe(given),
            target=wanted.symbol,
            other=_describe(wanted),
        )
        raise UnitMismatch(what, _mismatch_fix(given, wanted))
    return value * given.factor / wanted.factor


_DIMENSION_NAMES: dict[str, Message] = {
    "money": say("金额"),
    "area": say("面积"),
    "electricity": say("电量"),
    "coal": say("标准煤"),
    "mass": say("质量"),
    "volume": say("体积"),
    "heat": say("热量"),
    "pollution": say("污染当量"),
    "people": say("人数"),
    "households": say("户数"),
    "items": say("项数"),
    "points": say("分数"),
    "time": say("时间"),
}


def _describe(unit: Unit) -> Message:
    above = [_DIMENSION_NAMES[name] for name, power in unit.dimensions for _ in range(power)]
    below = [_DIMENSION_NAMES[name] for name, power in unit.dimensions for _ in range(-power)]
    text = above[0] if above else say("无量纲")
    for factor in above[1:]:
        text = say("{one}·{other}", one=text, other=factor)
    for divisor in below:
        text = say("{one}/{other}", one=text, other=divisor)
    return text


def _mismatch_fix(given: Unit, wanted: Unit) -> Message | None:
    if "coal" in dict(given.dimensions) or "coal" in dict(wanted.dimensions):
        return say("折标准煤要用折标系数，并写明当量值或等价值。")
    return None


# What one enterprise can believably have in one year, and the decimals its figures are kept with.
_RANGES: dict[Dimensions, tuple[int, int, str]] = {
    (("money", 1),): (-(10**7), 10**7, "万元"),
    (("area", 1),): (0, 10**6, "亩"),
    (("electricity", 1),): (0, 10**7, "万kWh"),
    (("coal", 1),): (0, 10**8, "tce"),
    (("mass", 1),): (0, 10**7, "t"),
    (("volume", 1),): (0, 10**6, "万m³"),
    (("heat", 1),): (0, 10**9, "GJ"),
    (("pollution", 1),): (0, 10**7, "当量吨"),
    (("people", 1),): (0, 10**6, "人"),
    (("households", 1),): (0, 10**6, "户"),
    (("items", 1),): (0, 10**6, "项"),
    (("points", 1),): (-1000, 1000, "分"),
    (("time", 1),): (0, 1000, "年"),
    (): (-(10**4), 10**4, "1"),
}

_DIGITS = {
    "元": 2,
    "千元": 2,
    "万元": 2,
    "亿元": 6,
    "m²": 2,
    "亩": 4,
    "公顷": 6,
    "kWh": 0,
    "万kWh": 4,
    "tce": 2,
    "kgce": 0,
    "GJ": 2,
    "kJ": 0,
    "kg": 1,
    "t": 4,
    "当量吨": 4,
    "m³": 0,
    "万m³": 4,
    "人": 0,
    "户": 0,
    "项": 0,
    "分": 4,
    "年": 2,
    "月": 0,
    "%": 4,
    "1": 6,
}


def default_range(unit: Unit) -> tuple[Decimal, Decimal]:
    """The widest believable value of one enterprise for one year, in `unit`; ±10⁹ for compound units."""
    if unit.dimensions not in _RANGES:
        return Decimal(-(10**9)), Decimal(10**9)
    low, high, symbol = _RANGES[unit.dimensions]
    reference = parse_unit(symbol)
    lowest = -ceil(convert(Fraction(-low), reference, unit))
    return Decimal(lowest), Decimal(ceil(convert(Fraction(high), reference, unit)))


def default_digits(unit: Unit) -> int:
    """Decimals that figures in `unit` are kept with; 4 for compound and rare units."""
    return next((digits for symbol, digits in _DIGITS.items() if parse_unit(symbol) == unit), 4)
