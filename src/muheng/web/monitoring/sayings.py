"""How the room calls what it speaks of: factors and their units, conditions of events, signs, marks, kinds of outlets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from muheng.monitoring.hj212.tables import find_factor
from muheng.monitoring.judgement.signs import INNOCENT, NAMES
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.reading import language
from muheng.web.templatetags.words import moment, plain

# The standard has Chinese names only; what outlets mostly have.
_ENGLISH = {
    "a00000": "Waste gas flow",
    "a01001": "Temperature",
    "a01002": "Humidity",
    "a01011": "Flue gas velocity",
    "a01012": "Flue gas temperature",
    "a01013": "Flue gas pressure",
    "a01014": "Flue gas humidity",
    "a19001": "Oxygen",
    "a21001": "Ammonia",
    "a21002": "Nitrogen oxides",
    "a21003": "Nitric oxide",
    "a21004": "Nitrogen dioxide",
    "a21005": "Carbon monoxide",
    "a21018": "Fluoride",
    "a21022": "Chlorine",
    "a21024": "Hydrogen chloride",
    "a21026": "Sulphur dioxide",
    "a24087": "Hydrocarbons",
    "a24088": "Non-methane hydrocarbons",
    "a34001": "Suspended particles",
    "a34002": "PM10",
    "a34004": "PM2.5",
    "a34013": "Particulate matter",
    "w00000": "Waste water flow",
    "w01001": "pH",
    "w01010": "Water temperature",
    "w01018": "Chemical oxygen demand",
    "w01019": "Permanganate index",
    "w21001": "Total nitrogen",
    "w21003": "Ammonia nitrogen",
    "w21011": "Total phosphorus",
}
_UNITS = {
    "a00000": "m³/h",
    "w00000": "m³/h",
    "a19001": "%",
    "a01001": "℃",
    "a01012": "℃",
    "w01010": "℃",
    "a01002": "%",
    "a01014": "%",
    "a01011": "m/s",
    "a01013": "kPa",
    "w01001": "",
}


def factor_title(code: str) -> str:
    """氮氧化物; in English where a name is known, else the standard's Chinese one."""
    if not code:
        return ""
    found = find_factor(code)
    chinese = found.name if found is not None else code
    return _ENGLISH.get(code, chinese) if language() == "en" else chinese


def factor_unit(code: str) -> str:
    """In which a factor's values and limits are."""
    return _UNITS.get(code, "mg/L" if code.startswith("w") else "mg/m³")


def say_ratio(ratio: float | None) -> str:
    """1.27 倍; nothing where there is none."""
    return "" if ratio is None else _("%(times)s 倍") % {"times": plain(round(ratio, 2))}


def say_seen(row: Mapping[str, Any]) -> str:
    """A condition of an event: what had to be so, and how often it was."""
    kind, percent, hours, days = (row.get(name) for name in ("kind", "percent", "hours", "days"))
    values = {"percent": percent, "hours": hours, "days": days, "times": row.get("times")}
    long = int(hours or 0)
    said = {
        "near": ngettext(
            "连续 %(hours)s 小时达到限值的 %(percent)s%%", "连续 %(hours)s 小时达到限值的 %(percent)s%%", long
        ),
        "over": ngettext("连续 %(hours)s 小时超过限值", "连续 %(hours)s 小时超过限值", long),
        "flat": _("数值长时间不变"),
        "missing": ngettext(
            "连续 %(hours)s 小时没有数据，也没有标记", "连续 %(hours)s 小时没有数据，也没有标记", long
        ),
        "marked": _("一天标记超过 %(hours)s 小时"),
        "day": _("日均值超标"),
        "days": _("%(days)s 天日均值超标"),
    }.get(str(kind), str(kind))
    return said % values


def event_title(seen: list[dict[str, Any]], factor: str = "") -> str:
    """What an event is in a word: the gravest of its conditions. ``factor``: whose name stands before the word."""
    title = _title_of(seen)
    return title[:1].lower() + title[1:] if factor else title


def _title_of(seen: list[dict[str, Any]]) -> str:
    kinds = {each.get("kind") for each in seen}
    if kinds & {"day", "days"}:
        return _("日均值超标")
    if "over" in kinds:
        return _("超标")
    if "near" in kinds:
        percents = [int(each.get("percent") or 0) for each in seen if each.get("kind") == "near"]
        return _("超标") if max(percents) > 100 else _("接近限值")
    if "missing" in kinds:
        return _("数据缺失")
    if "flat" in kinds:
        return _("数值不变")
    return _("标记过多") if "marked" in kinds else _("异常")


def sign_title(kind: str) -> str:
    """A kind of suspicion."""
    found = NAMES.get(kind)  # type: ignore[call-overload]
    return found.render(language()) if found is not None else kind


def innocent_causes(kind: str) -> list[str]:
    """What else may be behind a suspicion."""
    return [each.render(language()) for each in INNOCENT.get(kind, ())]  # type: ignore[call-overload]


def mark_title(mark: str) -> str:
    """A mark of the city's rules."""
    found = city_rules().limits.marks.get(mark)
    if found is None:
        return mark
    return found.english if language() == "en" else found.name


def mark_effect(mark: str) -> str:
    """What a mark does to the hours that it touches."""
    found = city_rules().limits.marks.get(mark)
    return {
        "stopped": _("算没有生产"),
        "invalid": _("数据不算有效"),
        "exempt": _("数据有效，不判超标"),
        "none": _("照常判"),
    }.get(found.effect if found is not None else "", "")


def kind_title(kind: str) -> str:
    """A kind of outlet of the city's rules."""
    for each in city_rules().limits.kind:
        if each.id == kind:
            return each.english if language() == "en" else each.name
    return kind


def say_span(begin: datetime, end: datetime | None) -> str:
    """From when to when."""
    if end is None:
        return _("%(begin)s起") % {"begin": moment(begin)}
    return _("%(begin)s 至 %(end)s") % {"begin": moment(begin), "end": moment(end)}


def say_later(template: Any, **values: Any) -> Any:
    """A sentence for several readers, put together when each reads it: a lazy template with its values."""
    return lazy(lambda: str(template) % {name: str(value) for name, value in values.items()}, str)()
