"""What is odd in a month's figures: against their own past, against the permit, and against each other.

Pure: figures in, findings out; which sentence says it is in ``wording``. An error stops the filing, a warning needs a
reason, a note only tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import log10
from statistics import median
from typing import Any, Literal

from muheng.documents.message import Refusal
from muheng.standards.energy import coal_equivalent, standard_coal
from muheng.web.filing.items import FiledItem, Form
from muheng.web.filing.months import Month

Level = Literal["error", "warning", "note"]
Figures = Mapping[str, Decimal]

_RECENT = 3
# How far, as a power of ten, a ratio may lie from a slip's own and still be taken for it: a factor of 2.5.
_NEAR = 0.4
_SHIFTS = (Decimal(10), Decimal(100), Decimal("0.1"), Decimal("0.01"))


@dataclass(frozen=True)
class Finding:
    """``kind`` names the sentence, ``params`` what it says; figures in it are plain text in the item's unit."""

    item: str
    level: Level
    kind: str
    params: dict[str, str] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Past:
    """What an enterprise's figures are held against: its other months, and the yearly amounts of its permit by item."""

    months: Mapping[Month, Figures]
    permits: Mapping[str, Decimal]


def check(figures: Figures, when: Month, past: Past, form: Form) -> list[Finding]:
    """Everything found in a month's figures, in the order of the items."""
    found: list[Finding] = []
    for item in form.items.values():
        figure = figures.get(item.name)
        if figure is None:
            found.append(Finding(item.name, "error", "missing"))
        elif figure < 0:
            found.append(Finding(item.name, "error", "negative", {"figure": _text(figure)}))
        elif figure != round(figure, item.digits):
            found.append(
                Finding(item.name, "error", "digits", {"figure": _text(figure), "digits": str(item.digits)})
            )
        else:
            odd = _against_past(item, figure, when, past.months)
            found += odd
            found += _against_permit(item, figure, when, past, form)
            if not any(each.level == "warning" for each in odd):
                # A slip in the fuel is told once, not again by what follows from it.
                found += _against_energy(item, figure, figures, when)
    return found


def needing_reason(findings: list[Finding]) -> list[str]:
    """The items that are filed only with a reason, each once."""
    return list(dict.fromkeys(each.item for each in findings if each.level == "warning"))


def _against_past(
    item: FiledItem, figure: Decimal, when: Month, months: Mapping[Month, Figures]
) -> list[Finding]:
    recent = [
        past[item.name]
        for back in range(1, _RECENT + 1)
        if (past := months.get(when.shift(-back))) and item.name in past
    ]
    a_year_ago = months.get(when.shift(-12), {}).get(item.name)
    usual = Decimal(median(recent)) if recent else None
    before = months.get(when.shift(-1), {}).get(item.name)
    if figure == 0:
        if usual is not None and usual > item.small:
            return [Finding(item.name, "warning", "zero", {"usual": _text(usual), "unit": item.unit})]
        return []
    references = [each for each in (usual, a_year_ago) if each is not None and each > 0]
    if not references or max(figure, *references) < item.small:
        return []
    ratios = [figure / each for each in references]
    if all(ratio > item.swing for ratio in ratios) or all(ratio < 1 / item.swing for ratio in ratios):
        return [_name_swing(item, figure, references[0], ratios[0], usual is not None)]
    if before == figure:
        return [Finding(item.name, "note", "same", {"figure": _text(figure), "unit": item.unit})]
    return []


def _name_swing(
    item: FiledItem, figure: Decimal, reference: Decimal, ratio: Decimal, recent: bool
) -> Finding:
    """Which slip a figure looks like; a plain deviation where it looks like none."""
    shared = {
        "figure": _text(figure),
        "unit": item.unit,
        "reference": _text(reference),
        "times": _times(ratio),
    }
    kinds = {unit: factor for unit, factor in item.factors.items() if _is_near(ratio, factor)}
    if kinds:
        unit = min(kinds, key=lambda each: _distance(ratio, kinds[each]))
        meant = _text(round(figure / kinds[unit], item.digits))
        return Finding(item.name, "warning", "unit", {**shared, "mistaken": unit, "meant": meant})
    shift = min(_SHIFTS, key=lambda each: _distance(ratio, each))
    if _is_near(ratio, shift):
        meant = _text(round(figure / shift, item.digits))
        return Finding(item.name, "warning", "shift", {**shared, "meant": meant})
    return Finding(item.name, "warning", "swing" if recent else "swing_year", shared)


def _distance(ratio: Decimal, factor: Decimal) -> float:
    return abs(log10(ratio) - log10(factor))


def _is_near(ratio: Decimal, factor: Decimal) -> bool:
    return _distance(ratio, factor) < _NEAR


def _against_permit(item: FiledItem, figure: Decimal, when: Month, past: Past, form: Form) -> list[Finding]:
    limit = past.permits.get(item.name)
    if limit is None:
        return []
    so_far = sum(
        (months.get(item.name, Decimal(0)) for at, months in past.months.items() if _earlier(at, when)),
        figure,
    )
    shared = {"sum": _text(so_far), "limit": _text(limit), "unit": item.unit, "months": str(when.month)}
    if so_far > limit:
        if figure > limit:
            return [Finding(item.name, "warning", "month_above_permit", {**shared, "figure": _text(figure)})]
        return [Finding(item.name, "warning", "above_permit", shared)]
    if limit and so_far >= form.known * limit:
        return [Finding(item.name, "note", "near_permit", {**shared, "share": f"{so_far / limit:.0%}"})]
    return []


def _earlier(at: Month, when: Month) -> bool:
    return at.year == when.year and at < when


def _against_energy(item: FiledItem, figure: Decimal, figures: Figures, when: Month) -> list[Finding]:
    """A fuel's standard coal, counted at its lowest, cannot be more than all of it."""
    if item.coal is None or (whole := figures.get(item.coal[1])) is None:
        return []
    fuel, within = item.coal
    try:
        equivalent = coal_equivalent(fuel, when.last, "当量值")
    except Refusal:
        return []
    part = standard_coal(Fraction(figure), item.unit, equivalent)
    if part <= Fraction(whole):
        return []
    coal = _text(round(Decimal(part.numerator) / Decimal(part.denominator), 2))
    return [
        Finding(
            item.name,
            "warning",
            "above_energy",
            {
                "figure": _text(figure),
                "unit": item.unit,
                "coal": coal,
                "whole": within,
                "total": _text(whole),
            },
        )
    ]


def _times(ratio: Decimal) -> str:
    """How many times the reference a figure is: two digits that count."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}" if ratio >= Decimal("0.001") else f"{ratio:.1g}"


def _text(figure: Decimal) -> str:
    """With separators, without idle zeros."""
    text = f"{figure:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
