"""The numbers of a policy that a person may move: where each stands, what it is called, how far its slider goes.

Every number of the file is one, also percentages and the numbers inside of conditions; not those that say how exactly
to count (decimals, ranges of valid data), nor dates and names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from muheng.policy.change import Change, Place, read_data, show_place
from muheng.web.refusal import Refused

_TEXT = re.compile(r"^(-?\d+(?:\.\d+)?)(%|倍权重)$")
_INSIDE = re.compile(r"'[^']*'|\"[^\"]*\"|(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])")
_PRECISION = frozenset({"digits", "score_digits", "total_digits", "range", "valid", "source"})
_MOST = Decimal(10) ** 9

WEIGHTS, QUOTAS, LIMITS, POINTS, LINES, OTHERS = "weights", "quotas", "limits", "points", "lines", "others"
GROUPS = {
    WEIGHTS: _("指标权重"),
    QUOTAS: _("等级比例和分数线"),
    POINTS: _("加分、减分"),
    LIMITS: _("上限、下限和基准"),
    LINES: _("条件里的数"),
    OTHERS: _("其他数字"),
}
_WORDS = {
    "cap": _("上限"),
    "floor": _("下限"),
    "below": _("小于多少户"),
    "bottom": _("保底分"),
    "add": "",
    "weight": "",
    "when": "",
}


@dataclass(frozen=True)
class Lever:
    """One number. ``key`` is its place as people write it; ``at``: which number of a condition (−1: the value itself is
    it); ``unit``: what is written after it. ``owner`` is the class whose weights add up."""

    key: str
    place: Place
    at: int
    group: str
    owner: str
    label: str
    hint: str
    value: Decimal
    unit: str
    low: Decimal
    high: Decimal
    step: Decimal


@lru_cache(maxsize=16)
def list_levers(text: str) -> Mapping[str, Lever]:
    """Every lever of a policy's text by its key, in the order of the file."""
    return {lever.key: lever for lever in _levers((), read_data(text, "policy").data)}


def _levers(place: Place, value: Any) -> Iterator[Lever]:
    if place[:1] in (("policy",), ("input",)) or (place and place[-1] in _PRECISION):
        return
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _levers((*place, str(key)), part)
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, dict) and isinstance(part.get("name"), str):
                yield from _levers((*place, part["name"]), part)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | Decimal):
        yield _lever(place, -1, Decimal(value), "")
    elif isinstance(value, str):
        found = _TEXT.match(value)
        if found is not None:
            yield _lever(place, -1, Decimal(found[1]), found[2])
        elif place[-1] == "when":
            for at, number in enumerate(_numbers(value)):
                yield _lever(place, at, Decimal(number[1]), "", value)


def _numbers(condition: str) -> list[re.Match[str]]:
    """The numbers of a condition that stand outside of its texts."""
    return [found for found in _INSIDE.finditer(condition) if found[1] is not None]


def _lever(place: Place, at: int, value: Decimal, unit: str, hint: str = "") -> Lever:
    group, owner = _group(place)
    key = show_place(place) if at < 0 else f"{show_place(place)}#{at + 1}"
    low, high, step = _reach(value, unit, group)
    return Lever(key, place, at, group, owner, _label(place), hint, value, unit, low, high, step)


def _group(place: Place) -> tuple[str, str]:
    if place[-1] == "weight":
        return WEIGHTS, place[1]
    if "when" in place:
        return LINES, ""
    if "quota" in place or "grading" in place:
        return QUOTAS, ""
    if place[0] in ("bonus", "deduction", "limit"):
        return POINTS, ""
    if "score" in place or place[0] in ("class", "scoring"):
        return LIMITS, ""
    return OTHERS, ""


def _label(place: Place) -> str:
    """What it is called: the names on the way to it, keys of the file in words."""
    skipped = {
        "class",
        "indicator",
        "score",
        "grading",
        "quota",
        "bonus",
        "deduction",
        "limit",
        "exempt",
        "regrade",
        "veto",
        "define",
        "scoring",
        "base",
        "small",
    }
    parts = [str(_WORDS.get(step, step)) for step in place if step not in skipped]
    return " · ".join(part for part in parts if part)


def _reach(value: Decimal, unit: str, group: str) -> tuple[Decimal, Decimal, Decimal]:
    if unit == "%":
        return Decimal(0), Decimal(100), Decimal(1) if value == value.to_integral() else Decimal("0.1")
    exponent = value.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if group == WEIGHTS:
        return Decimal("0.5"), max(Decimal(100), 2 * value), Decimal("0.5")
    if unit:
        return Decimal(1), max(Decimal(3), 2 * value), Decimal("0.05")
    step = (
        Decimal(1).scaleb(-places) if places else Decimal(1) if value >= 5 or value == 0 else Decimal("0.5")
    )
    return min(Decimal(0), 2 * value), max(Decimal(10), 2 * value), step


def read_changes(text: str, asked: Mapping[str, Any]) -> tuple[Change, ...]:
    """What a person moved, as changes of the file. Raises Refused for a place that has no number, or no number."""
    levers = list_levers(text)
    if len(asked) > len(levers):
        raise _wrong(next(key for key in asked if key not in levers))
    conditions: dict[Place, dict[int, Decimal]] = {}
    found: list[Change] = []
    data = read_data(text, "policy").data
    for key, given in asked.items():
        lever = levers.get(key)
        if lever is None:
            raise _wrong(key)
        value = _read(lever, given)
        if value == lever.value:
            continue
        if lever.at >= 0:
            conditions.setdefault(lever.place, {})[lever.at] = value
            continue
        before = _at(data, lever.place)
        after: Any = f"{_plain(value)}{lever.unit}" if lever.unit else _number(value)
        found.append(Change(lever.place, before, after))
    for place, numbers in conditions.items():
        before = _at(data, place)
        found.append(Change(place, before, _replaced(before, numbers)))
    return tuple(found)


def _replaced(condition: str, numbers: Mapping[int, Decimal]) -> str:
    made = condition
    for at, found in reversed(list(enumerate(_numbers(condition)))):
        if at in numbers:
            made = f"{made[: found.start(1)]}{_plain(numbers[at])}{made[found.end(1) :]}"
    return made


def _read(lever: Lever, given: Any) -> Decimal:
    try:
        value = Decimal(str(given).strip())
    except InvalidOperation:
        value = Decimal("NaN")
    exponent = value.as_tuple().exponent
    if not value.is_finite() or abs(value) > _MOST or not isinstance(exponent, int) or exponent < -6:
        raise Refused(
            _("“%(label)s”应是一个数字。") % {"label": lever.label}, status=422, code="invalid", at=lever.key
        )
    return value


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(value: Decimal) -> int | Decimal:
    return int(value) if value == value.to_integral() else Decimal(_plain(value))


def _at(data: Any, place: Sequence[str]) -> Any:
    for step in place:
        data = next(part for part in data if part["name"] == step) if isinstance(data, list) else data[step]
    return data


def _wrong(key: str) -> Refused:
    return Refused(
        _("规则中没有“%(key)s”这个数。") % {"key": key[:100]}, status=422, code="invalid", at=key[:100]
    )
