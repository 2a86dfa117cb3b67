"""Sums of money: whole fen inside, 万元 and 亿元 for people, never a rounded figure in between."""

from __future__ import annotations

from muheng.documents.message import Language, Message, Refusal, say
from muheng.intake.numbers import parse_number
from muheng.standards.rounding import format_trimmed
from muheng.standards.units import parse_unit

YUAN = 100
WAN = 10_000 * YUAN
YI = 10_000 * WAN
MOST = 10_000 * YI
"""A trillion yuan: more than any enterprise borrows, and far from the end of a database's integers."""

_UNITS = (("亿元", YI), ("亿", YI), ("万元", WAN), ("万", WAN), ("元", YUAN))


def read_money(text: str) -> int | None:
    """The fen of “500” (万元), “23.22亿”, “1,234.56元”; None for an empty text. Raises Refusal."""
    folded = text.strip().replace("億", "亿").replace("萬", "万")
    unit = WAN
    for ending, worth in _UNITS:
        if folded.endswith(ending):
            folded, unit = folded.removesuffix(ending).strip(), worth
            break
    if not folded and not text.strip():
        return None
    number = parse_number(folded, parse_unit("元"))
    if number is None or isinstance(number, Message):
        what = say("“{found}” 不是金额。", found=text.strip())
        raise Refusal(what, say("请写数字，单位万元；也可以写成 2.5亿元、1234.56元。"))
    fen = number * unit
    if fen.denominator != 1:
        raise Refusal(say("“{found}” 不到一分的零头记不下。", found=text.strip()), say("请写到分为止。"))
    if fen < 0:
        raise Refusal(say("金额不能是负数：{found}。", found=text.strip()), say("请写正数。"))
    if fen > MOST:
        raise Refusal(say("金额太大：{found}。", found=text.strip()), say("请核对单位；不写单位就是万元。"))
    return int(fen)


def say_money(fen: int) -> Message:
    """The exact sum: 亿元 from a hundred million on where four decimals hold it, 万元 otherwise."""
    if abs(fen) >= YI and fen % WAN == 0:
        return say("{number} 亿元", number=_grouped(fen, 10))
    return say("{number} 万元", number=_grouped(fen, 6))


def show_money(fen: int, lang: Language = "zh") -> str:
    """The same as text."""
    return say_money(fen).render(lang)


def in_wan(fen: int) -> str:
    """The exact figure in 万元, without the unit: 2322.5."""
    return format_trimmed(fen, 6)


def _grouped(fen: int, digits: int) -> str:
    text = format_trimmed(fen, digits)
    whole, _, rest = text.partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{sign}{int(whole):,}"
    return f"{grouped}.{rest}" if rest else grouped
