"""统一社会信用代码 (GB 32100-2015): clean a code as typed, and say what is wrong with a bad one.

Says only whether a code is well formed. Whether the enterprise exists is for the roster to say.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from stdnum.cn.uscc import calc_check_digit

from muheng.documents.message import Message, say

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The characters of a code by their values, 0 to 30."""
SHAPE = rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}"
"""A regular expression for a code of the right length and characters."""
_SHAPE = re.compile(SHAPE)
_EXCEL_NUMBER = re.compile(r"[0-9](\.[0-9]+)?E\+?[0-9]{2}|[0-9]{10,}\.0+")
_LOOKS_LIKE = {"I": "1", "O": "0", "S": "5", "V": "U", "Z": "2"}
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True)
class CreditCode:
    """`code` is the text after cleaning, usable as an identity only when `problem` is None."""

    code: str
    problem: Message | None


def normalise(text: str) -> str:
    """Upper case, without spaces, hyphens, invisible characters and Excel's leading apostrophe.

    Full-width characters are kept: that they are there is a problem for a person to see.
    """
    kept = (
        c
        for c in text
        if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc") and c not in "-'’‘`"
    )
    return "".join(kept).upper()


def check_credit_code(text: str) -> CreditCode:
    """Clean the code and tell its problem, the most helpful one first."""
    code = normalise(text)
    return CreditCode(code, _problem(code))


def _problem(code: str) -> Message | None:
    if not code:
        return say("没有填统一社会信用代码。")
    half_width = unicodedata.normalize("NFKC", code)
    if half_width != code:
        if _problem(half_width) is None:
            return say("信用代码里有全角字符；改成半角是 {code}。", code=half_width)
        return say("信用代码里有全角字符。")
    if _EXCEL_NUMBER.fullmatch(code):
        return say("Excel 把信用代码当成了数字（{found}），后几位已丢失；请按文本格式重新填写。", found=code)
    if _lost_digits(code):
        return say("信用代码末尾是 000：Excel 只保留 15 位数字，后 3 位已丢失；请按文本格式重新填写。")
    for position, character in enumerate(code, start=1):
        if character in _LOOKS_LIKE:
            return say(
                "第 {position} 位是字母 {found}，信用代码不用 I、O、S、V、Z；可能是 {meant}。",
                position=position,
                found=character,
                meant=_LOOKS_LIKE[character],
            )
        if not (character.isascii() and character.isalnum()):
            return say("第 {position} 位“{found}”不能出现在信用代码里。", position=position, found=character)
    if len(code) == 15 and code.isdigit():
        return say("有 15 位数字，像是旧的工商注册号；应填 18 位统一社会信用代码。")
    if len(code) != LENGTH:
        return say("有 {length} 位，统一社会信用代码应为 18 位。", length=len(code))
    if not _SHAPE.fullmatch(code):
        return say("第 3 至 8 位应是行政区划数字，写的是 {found}。", found=code[2:8])
    if (expected := calc_check_digit(code)) != code[-1]:
        return say(
            "校验码不对：末位是 {found}，按前 17 位算应为 {expected}；至少有一位写错。",
            found=code[-1],
            expected=expected,
        )
    return None


def _lost_digits(code: str) -> bool:
    """18 digits that end in 000, and whose check digits do not both bear them out.

    The check digit alone would let one damaged code in 31 through, so the organisation code's own check digit
    (GB 11714, position 17) is asked as well.
    """
    if not (len(code) == LENGTH and code.isdigit() and code.endswith("000")):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(code[8:16], ORGANISATION_WEIGHTS, strict=True))
    organisation_holds = (11 - total % 11) % 11 == int(code[16])
    return not (organisation_holds and calc_check_digit(code) == code[-1])
