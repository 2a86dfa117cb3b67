"""How masses, ratios and money of the emergency room read on a page, exactly; and what is kept in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from muheng.emergency.plan.problem import LEVELS
from muheng.emergency.settings import Settings
from muheng.standards.rounding import divide_half_up
from muheng.web.emergency.models import EmergencyList, Level
from muheng.web.emergency.queries.lists import POLLUTANT_TITLES, show_kilograms
from muheng.web.reading import language

LEVEL_TITLES = {level.value: level.label for level in Level}
POLLUTANTS = POLLUTANT_TITLES


def in_language(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Something kept with its sentence in both languages, with ``what`` and ``fix`` in the reader's."""
    lang = language()
    return {**kept, "what": kept[lang], "fix": kept.get(f"fix_{lang}", "")}


def show_percent(part: Fraction | None, digits: int = 2) -> str:
    """12.5 %, rounded half up; a dash where there is none."""
    if part is None:
        return "—"
    scaled = divide_half_up(part.numerator * 100 * 10**digits, part.denominator)
    return f"{Decimal(scaled).scaleb(-digits):,f}%"


def show_change(part: str | None) -> str:
    """A kept part as a signed percentage: +1.25%."""
    if part is None:
        return ""
    return ("+" if Fraction(part) > 0 else "") + show_percent(Fraction(part))


def show_wan(fen: int) -> str:
    """Money in 万元 with up to four digits, in English in yuan."""
    if language() == "en":
        return f"{show_yuan(fen)} yuan"
    text = f"{Decimal(fen).scaleb(-6):,f}"
    return _trim(text) + " 万元"


def show_short_wan(fen: int) -> str:
    """Money in 万元 to two digits, as headlines have it; in English in thousand yuan."""
    if language() == "en":
        scaled = divide_half_up(fen, 1000)
        return f"{_trim(f'{Decimal(scaled).scaleb(-2):,f}')} thousand yuan"
    scaled = divide_half_up(fen, 10_000)
    return f"{_trim(f'{Decimal(scaled).scaleb(-2):,f}')} 万元"


def show_small(fen: int) -> str:
    """Money that may be small: yuan below 10,000, else 万元."""
    if abs(fen) >= 1_000_000 or language() == "en":
        return show_short_wan(fen)
    return f"{divide_half_up(fen, 100):,} 元"


def show_yuan(fen: int) -> str:
    """Money in yuan."""
    return _trim(f"{Decimal(fen).scaleb(-2):,f}")


def show_part(part: int) -> str:
    """Thousandths of the production as a percentage."""
    return _trim(f"{Decimal(part).scaleb(-1):f}") + "%"


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def base_shares(inventory: EmergencyList) -> list[dict[str, Any]]:
    """What the region emits by source, and each source's share."""
    rows: list[tuple[str, list[int]]] = [(name, mass) for name, mass in inventory.figures.get("base", [])]
    totals = [sum(mass[p] for _name, mass in rows) for p in range(4)]
    return [
        {
            "name": name,
            "cells": [
                (
                    show_kilograms(mass[p]),
                    show_percent(Fraction(mass[p], totals[p]) if totals[p] else None, 1),
                )
                for p in range(4)
            ],
        }
        for name, mass in rows
    ] + (
        [{"name": _("合计"), "cells": [(show_kilograms(total), "") for total in totals], "total": True}]
        if rows
        else []
    )


def show_ratios(inventory: EmergencyList, settings: Settings) -> list[dict[str, Any]]:
    """What the filed measures reach at each level beside what is required."""
    filed: dict[str, list[str | None]] = inventory.figures.get("filed", {})
    rows = []
    for level in LEVELS:
        reached = filed.get(level)
        if reached is None:
            continue
        required = settings.ratios(level)
        cells = []
        for p in range(4):
            text = reached[p]
            found = Fraction(text) if text is not None else None
            cells.append(
                {
                    "reached": show_percent(found),
                    "required": show_percent(required[p], 1),
                    "met": found is not None and found >= required[p],
                    "known": found is not None,
                }
            )
        rows.append({"level": level, "title": LEVEL_TITLES[level], "cells": cells})
    return rows
