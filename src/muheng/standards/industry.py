"""GB/T 4754-2017: sections (门类 A–T) and divisions (大类 01–97).

A code may be written C34, 34, 341 or 3411; groups and classes below the division are accepted by their first
two digits and are not named here.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from muheng.documents.message import Message, Refusal, say

_CODE = re.compile(r"([A-T])?(\d{2})(\d{0,2})")


class UnknownIndustry(Refusal):
    """A text that is no industry code of GB/T 4754-2017."""


def section_of(code: str) -> str:
    """The section's letter: "C" for C34, 34 or 3411. Raises UnknownIndustry."""
    return _parse(code)[0]


def division_of(code: str) -> str | None:
    """The division's two digits, None for a bare section letter. Raises UnknownIndustry."""
    return _parse(code)[1]


def section_name(code: str) -> str:
    """制造业 for C34. Raises UnknownIndustry."""
    return _sections()[section_of(code)]


def division_name(code: str) -> str:
    """通用设备制造业 for C34, 34 or 3411. Raises UnknownIndustry, also for a bare section letter."""
    division = division_of(code)
    if division is None:
        raise UnknownIndustry(say("“{code}”只有门类，没有大类。", code=code), _how_to_write())
    return _divisions()[division][1]


def industry_name(code: str) -> str:
    """The name of the division, or of the section when the code is only a letter. Raises UnknownIndustry."""
    return section_name(code) if division_of(code) is None else division_name(code)


def list_divisions(section: str) -> list[str]:
    """The divisions' two digits of a section, in order."""
    return [division for division, (letter, _) in _divisions().items() if letter == section]


def _parse(code: str) -> tuple[str, str | None]:
    cleaned = code.strip().upper()
    if cleaned in _sections():
        return cleaned, None
    match = _CODE.fullmatch(cleaned)
    if match is None or match[2] not in _divisions():
        raise UnknownIndustry(say("没有“{code}”这个行业代码。", code=code), _how_to_write())
    division = match[2]
    letter = _divisions()[division][0]
    if match[1] not in (None, letter):
        what = say(
            "“{code}”的字母不对：大类 {division} 属于 {letter}。", code=code, division=division, letter=letter
        )
        raise UnknownIndustry(what, say("写成 {code}。", code=letter + cleaned[1:]))
    return letter, division


def _how_to_write() -> Message:
    return say("按 GB/T 4754-2017 写门类字母和 2 至 4 位数字，例如 C34 或 3411。")


@cache
def _sections() -> dict[str, str]:
    return {letter: section["name"] for letter, section in _table().items()}


@cache
def _divisions() -> dict[str, tuple[str, str]]:
    """Division → (section's letter, name)."""
    return {
        division: (letter, name)
        for letter, section in _table().items()
        for division, name in section["division"].items()
    }


@cache
def _table() -> dict[str, Any]:
    file = files("muheng.standards").joinpath("data/industries.toml")
    table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["section"]
    return table
