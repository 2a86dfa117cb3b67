"""Figures as a person types them, in a form, a workbook or a program: full-width digits, separators, a unit behind.

Uses the same reading of numbers as the departments' workbooks; knows nothing of an enterprise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from muheng.intake.numbers import NumberColumn, read_numbers
from muheng.standards.rounding import format_scaled
from muheng.web.filing.checks import Finding
from muheng.web.filing.items import FiledItem, form
from muheng.web.reading import language

_MORE = 4  # decimals kept beyond an item's own, so that too many are seen and told
_MOST = Decimal(10) ** 9


@dataclass(frozen=True)
class Entries:
    """What was typed: figures that could be read, and what is wrong with the rest."""

    figures: dict[str, Decimal]
    wrong: list[Finding]


def read_entries(typed: Mapping[str, str]) -> Entries:
    """The figures of the form's items in ``typed`` (item → text); what is blank is left out."""
    items = [item for item in form().items.values() if typed.get(item.name, "").strip()]
    frame = pl.DataFrame({item.name: [typed[item.name].strip()] for item in items})
    figures: dict[str, Decimal] = {}
    wrong: list[Finding] = []
    for item, numbers in zip(items, read_numbers(frame, [_column(item) for item in items]), strict=True):
        if numbers.faults:
            fault = numbers.faults[0]
            lang = language()
            wrong.append(
                Finding(
                    item.name,
                    "error",
                    "unreadable",
                    {
                        "what": fault.what.render(lang),
                        "fix": fault.fix.render(lang) if fault.fix is not None else "",
                    },
                )
            )
        elif numbers.values[0] is not None:
            figures[item.name] = Decimal(format_scaled(numbers.values[0], item.digits + _MORE))
    return Entries(figures, wrong)


def _column(item: FiledItem) -> NumberColumn:
    digits = item.digits + _MORE
    return NumberColumn(item.name, item.parsed_unit, item.parsed_unit, digits, -_MOST, _MOST)


def stored(figures: Mapping[str, Decimal]) -> dict[str, str]:
    """Figures as a filing keeps them: text with the item's digits where they fit."""
    kept = {}
    for name, figure in figures.items():
        digits = form().items[name].digits
        rounded = round(figure, digits)
        kept[name] = f"{rounded if rounded == figure else figure.normalize():f}"
    return kept
