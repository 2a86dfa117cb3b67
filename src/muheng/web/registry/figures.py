"""One enterprise's yearly figures out of the panels, and how it stands among its industry.

Reads stored facts; computes ratios for reading, never a score. What is the same for everybody is computed once for
each stored folder, which never changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from muheng.documents.message import Refusal
from muheng.intake.facts import CODE, Facts, SourceCell
from muheng.standards.rounding import format_scaled, scale_half_up
from muheng.standards.units import convert
from muheng.web.files.actions import folder_path
from muheng.web.registry.models import Enterprise, Layer, Panel
from muheng.web.registry.panels import read_panel
from muheng.web.registry.queries import may

GROUP = "行业组"
INDUSTRY = "行业代码"
YEARS = 5
"""Years that a page compares; the table of figures has all."""
FEWEST = 5
"""Enterprises of an industry from which on its median tells nobody's figure."""


@dataclass(frozen=True)
class Indicator:
    """A ratio that says how an enterprise does. ``below``: items added (+1) or taken off (-1); more is better."""

    key: str
    title: Any
    above: tuple[str, str]
    below: tuple[tuple[str, int], ...]
    per: str
    unit: Any
    digits: int = 2
    times: int = 1


LAND = (("自有用地", 1), ("承租用地", 1), ("出租用地", -1))
INDICATORS = (
    Indicator(
        "tax_per_mu", gettext_lazy("亩均税收"), ("入库税收", "万元"), LAND, "亩", gettext_lazy("万元/亩")
    ),
    Indicator(
        "value_per_mu",
        gettext_lazy("亩均增加值"),
        ("工业增加值", "万元"),
        LAND,
        "亩",
        gettext_lazy("万元/亩"),
    ),
    Indicator(
        "value_per_energy",
        gettext_lazy("单位能耗增加值"),
        ("工业增加值", "万元"),
        (("综合能耗", 1),),
        "tce",
        gettext_lazy("万元/吨标煤"),
    ),
    Indicator(
        "value_per_emission",
        gettext_lazy("单位排放增加值"),
        ("工业增加值", "万元"),
        (("主要污染物排放量", 1),),
        "t",
        gettext_lazy("万元/吨"),
    ),
    Indicator(
        "value_per_person",
        gettext_lazy("劳动生产率"),
        ("工业增加值", "万元"),
        (("平均职工人数", 1),),
        "人",
        gettext_lazy("万元/人"),
    ),
    Indicator(
        "research_share",
        gettext_lazy("研发投入强度"),
        ("研发费用", "万元"),
        (("营业收入", 1),),
        "万元",
        "%",
        times=100,
    ),
)


@dataclass(frozen=True)
class Standing:
    """An indicator of an enterprise in a year, and that of its industry. ``place`` of ``many`` in the industry."""

    indicator: Indicator
    own: str
    median: str
    best_quarter: str
    place: int | None
    many: int
    own_value: float | None
    median_value: float | None
    best_value: float | None

    @property
    def leads(self) -> bool | None:
        """Whether it is at least the median; None where one of them is missing."""
        if self.own_value is None or self.median_value is None:
            return None
        return self.own_value >= self.median_value


@dataclass(frozen=True)
class YearFigures:
    """An enterprise in one year: its place in the stored facts, and how it stands."""

    year: int
    group: str
    standings: tuple[Standing, ...]


@dataclass(frozen=True)
class Figure:
    """One yearly figure: text with unit, and the cells that it came from."""

    item: str
    value: str
    unit: str
    basis: str
    cells: tuple[SourceCell, ...]
    layer: Layer | None


def position(facts: Facts, code: str) -> int | None:
    """The row of an enterprise; codes are sorted, so it is found by halving."""
    codes = facts.frame.get_column(CODE)
    low, high = 0, len(codes)
    while low < high:
        middle = (low + high) // 2
        if codes[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low if low < len(codes) and codes[low] == code else None


def panels() -> dict[int, str]:
    """The folder of each year's facts, the newest year first."""
    return dict(Panel.objects.order_by("-year").values_list("year", "folder"))


def years_of(code: str) -> list[int]:
    """The years that have figures of this code, the newest first."""
    return [year for year, folder in panels().items() if position(read_panel(folder), code) is not None]


def compare(code: str, most: int = YEARS) -> list[YearFigures]:
    """How an enterprise stood in each of the newest years that know it, the newest first."""
    found = []
    for year, folder in list(panels().items())[:most]:
        facts = read_panel(folder)
        at = position(facts, code)
        if at is not None:
            found.append(_standings(year, folder, facts, at))
    return found


def compare_for(user: Any, enterprise: Enterprise, most: int = YEARS) -> list[YearFigures]:
    """``compare`` as a person may see it: an enterprise's account is not told the figures of two or three others."""
    found = compare(enterprise.code, most)
    if may(user, "registry.view", enterprise):
        return found
    return [
        replace(
            year,
            standings=tuple(each if each.many >= FEWEST else _alone(each) for each in year.standings),
        )
        for year in found
    ]


def _alone(standing: Standing) -> Standing:
    return replace(standing, median="", best_quarter="", place=None, median_value=None, best_value=None)


def list_figures(code: str, year: int) -> list[Figure]:
    """Every number and word that a year's facts have of an enterprise, with the cells that they came from."""
    folder = Panel.objects.filter(pk=year).values_list("folder", flat=True).first()
    if folder is None:
        return []
    facts = read_panel(folder)
    at = position(facts, code)
    if at is None:
        return []
    layers = list(Layer.objects.filter(year=year, removed_at=None).order_by("-pk"))
    row = facts.frame.row(at, named=True)
    figures = []
    for name, item in facts.items.items():
        value = row[name]
        if value is None:
            continue
        cells = tuple(facts.cells(code, name))
        figures.append(
            Figure(
                item=name,
                value=_text(value, item.digits),
                unit=item.unit or "",
                basis=item.basis or "",
                cells=cells,
                layer=next((layer for layer in layers if _gives(layer.folder, cells)), None),
            )
        )
    return figures


@lru_cache(maxsize=64)
def codes_of(folder: str) -> frozenset[str]:
    """The enterprises of a stored layer."""
    frame = pl.read_parquet(folder_path(folder) / "facts.parquet", columns=[CODE], use_pyarrow=False)
    return frozenset(frame.get_column(CODE).to_list())


@dataclass(frozen=True)
class _Industry:
    """The ratios of a stored folder: ``own`` by row, and each group's sorted."""

    ratios: dict[str, NDArray[np.float64]]
    groups: list[str | None]
    sorted: dict[tuple[str, str], NDArray[np.float64]]


@lru_cache(maxsize=8)
def _industry(folder: str) -> _Industry:
    facts = read_panel(folder)
    frame = facts.frame
    if GROUP in frame.columns and frame.get_column(GROUP).null_count() < frame.height:
        groups = frame.get_column(GROUP)
    elif INDUSTRY in frame.columns:
        groups = frame.get_column(INDUSTRY).str.slice(0, 2)
    else:
        groups = pl.Series([None] * frame.height, dtype=pl.String)
    ratios, ordered = {}, {}
    for indicator in INDICATORS:
        expression = _ratio(indicator, facts)
        if expression is None:
            continue
        values = frame.select(expression.alias("v"), groups.alias("g"))
        ratios[indicator.key] = values.get_column("v").fill_null(float("nan")).to_numpy()
        known = values.drop_nulls().group_by("g").agg(pl.col("v").sort())
        for group, many in known.iter_rows():
            ordered[group, indicator.key] = np.asarray(many)
    return _Industry(ratios, groups.to_list(), ordered)


def _ratio(indicator: Indicator, facts: Facts) -> pl.Expr | None:
    """The indicator of every row; null where something is missing or the denominator is not above zero."""
    above = _factor(facts, *indicator.above)
    if above is None:
        return None
    parts = [(name, sign, _factor(facts, name, indicator.per)) for name, sign in indicator.below]
    known = [(name, sign * float(factor)) for name, sign, factor in parts if factor is not None]
    if not known:
        return None
    terms = [pl.col(name).cast(pl.Float64) * factor for name, factor in known]
    below = pl.sum_horizontal(terms, ignore_nulls=True)
    ratio = pl.col(indicator.above[0]).cast(pl.Float64) * float(above) * indicator.times / below
    return pl.when(below > 0).then(ratio)


def _factor(facts: Facts, name: str, unit: str) -> Fraction | None:
    """What a stored integer has to be multiplied with to be in ``unit``; None where it cannot be."""
    item = facts.items.get(name)
    if item is None or item.kind != "number":
        return None
    try:
        factor = convert(Fraction(1), item.unit or "", unit)
    except Refusal:
        return None
    return factor / Fraction(10 ** (item.digits or 0))


def _standings(year: int, folder: str, facts: Facts, at: int) -> YearFigures:
    industry = _industry(folder)
    row = facts.frame.row(at, named=True)
    group = industry.groups[at]
    standings = []
    for indicator in INDICATORS:
        if indicator.key not in industry.ratios:
            continue
        own = _exact(indicator, facts, row)
        value = float(industry.ratios[indicator.key][at])
        many = industry.sorted.get((group, indicator.key)) if group is not None else None
        median = best = None
        place = None
        if many is not None and len(many):
            median, best = (float(each) for each in np.quantile(many, (0.5, 0.75)))
            if own is not None:
                place = len(many) - int(np.searchsorted(many, value, side="right")) + 1
        standings.append(
            Standing(
                indicator=indicator,
                own=_said(own, indicator.digits),
                median=_said(median, indicator.digits),
                best_quarter=_said(best, indicator.digits),
                place=place,
                many=0 if many is None else len(many),
                own_value=None if own is None else round(float(own), indicator.digits),
                median_value=None if median is None else round(median, indicator.digits),
                best_value=None if best is None else round(best, indicator.digits),
            )
        )
    return YearFigures(year, group or "", tuple(standings))


def _exact(indicator: Indicator, facts: Facts, row: Mapping[str, Any]) -> Fraction | None:
    """The enterprise's own ratio, from the integers themselves."""
    name, unit = indicator.above
    factor = _factor(facts, name, unit)
    amount: int | None = row.get(name)
    if factor is None or amount is None:
        return None
    below = Fraction(0)
    for part, sign in indicator.below:
        each = _factor(facts, part, indicator.per)
        if each is not None and row[part] is not None:
            below += sign * each * int(row[part])
    if below <= 0:
        return None
    ratio: Fraction = amount * factor * indicator.times / below
    return ratio


def _said(value: Fraction | float | None, digits: int) -> str:
    if value is None:
        return ""
    exact = value if isinstance(value, Fraction) else Fraction(value)
    return _grouped(format_scaled(scale_half_up(exact, digits), digits))


def _text(value: int | str | date, digits: int | None) -> str:
    if isinstance(value, int):
        text = format_scaled(value, digits or 0)
        return _grouped(text.rstrip("0").rstrip(".") if "." in text else text)
    return value.isoformat() if isinstance(value, date) else value


def _grouped(text: str) -> str:
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole not in ("-0", "-") else text


@lru_cache(maxsize=64)
def _sheets(folder: str) -> frozenset[tuple[str, str]]:
    head = json.loads((folder_path(folder) / "facts.json").read_text(encoding="utf-8"))
    return frozenset((source["file"], source["sheet"]) for source in head["sources"])


def _gives(folder: str, cells: tuple[SourceCell, ...]) -> bool:
    return any((cell.file, cell.sheet) in _sheets(folder) for cell in cells)
