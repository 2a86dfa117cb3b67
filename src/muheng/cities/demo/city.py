"""Make a demo city: enterprises, their true figures of two years, and the damaged workbooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl

from muheng.cities.demo.defects import plant_defects
from muheng.cities.demo.enterprises import Enterprise, make_enterprises, make_stranger
from muheng.cities.demo.figures import (
    POLLUTANTS,
    STATISTICS,
    TAX,
    UNITS,
    Figures,
    calibrate_tax,
    make_figures,
    make_levels,
)
from muheng.cities.demo.land import Land, make_land
from muheng.cities.demo.parameters import SCALES, SheetKind, demo_parameters
from muheng.cities.demo.records import make_records
from muheng.cities.demo.sheets import Defect, Workbook, lay_out
from muheng.cities.demo.writing import write_workbooks
from muheng.cities.pack import Pack

_ITEMS: dict[SheetKind, tuple[str, ...]] = {
    "名单": ("*",),
    "税收": TAX,
    "用地": ("自有用地",),
    "租赁": ("承租用地", "出租用地"),
    "用电": ("用电量",),
    "分摊": ("用电量",),
    "用水": ("用水量", "自取水量"),
    "统计": STATISTICS,
    "排放": (
        *(f"{p}{kind}" for p in POLLUTANTS for kind in ("排放量", "核定量")),
        "主要污染物排放量",
        "排污权核定量",
    ),
}


@dataclass(frozen=True)
class DemoCity:
    """A synthetic city for one year.

    `truth` has a row per enterprise, sorted by 统一社会信用代码: 企业名称, the texts and dates of the roster
    as facts have them, then every figure of `units` as an exact decimal in that unit, null where nobody
    provides it. `past` is the same for the year before, without enterprises founded since. `defects` is
    everything that was planted.
    """

    pack: str
    year: int
    seed: int
    units: Mapping[str, str]
    truth: pl.DataFrame
    past: pl.DataFrame
    workbooks: tuple[Workbook, ...]
    defects: tuple[Defect, ...]


def make_demo(pack: Pack, seed: int, year: int) -> DemoCity:
    """The demo city of a pack. The same pack, seed and year give the same city.

    Enterprises depend on the seed alone, so that other years show the same ones.

    Raises ValueError, with every diagnostic, when the pack's demo files have mistakes.
    """
    parameters = demo_parameters(pack)
    enterprises = make_enterprises(pack.city, parameters, seed)
    land = make_land(enterprises, parameters, seed)
    levels = make_levels(enterprises, parameters, seed)
    factor = calibrate_tax(enterprises, levels, land, parameters)
    earlier, past, figures = (
        make_figures(enterprises, levels, land, parameters, factor, seed, y)
        for y in (year - 2, year - 1, year)
    )
    grades = grade_by_tax(enterprises, past)
    present = [e for e in enterprises if e.code in figures]
    records = make_records(present, figures, grades, land, parameters, seed, year)
    divisions = [county.code for county in pack.city.county]

    def stranger(random: Random) -> tuple[str, str]:
        return make_stranger(random, random.choice(divisions), parameters.names)

    forms = {sheet.of: sheet for workbook in parameters.workbooks for sheet in workbook.sheet}
    known = {e.code: e for e in present}
    planted = plant_defects(records, forms, known, stranger, parameters.defects, _ITEMS, seed, year)
    workbooks, defects = lay_out(parameters.workbooks, records, planted, parameters.defects.noise, seed, year)
    return DemoCity(
        pack=pack.id,
        year=year,
        seed=seed,
        units=UNITS,
        truth=make_frame(present, figures, grades, land),
        past=make_frame(
            [e for e in present if e.code in past], past, grade_by_tax(enterprises, earlier), land
        ),
        workbooks=workbooks,
        defects=defects,
    )


def write_demo(city: DemoCity, folder: Path) -> list[Path]:
    """Write the departments' workbooks into `folder`. The same city gives the same bytes."""
    return write_workbooks(city.workbooks, folder)


def grade_by_tax(enterprises: Sequence[Enterprise], figures: Mapping[str, Figures]) -> dict[str, str]:
    """Grades by tax per mu within 规上 and 规下, 20/60/95 %: a plausible 上年等级, not any city's method."""
    grades: dict[str, str] = {}
    for scale in SCALES:
        ranked = []
        for e in enterprises:
            if e.scale != scale or e.code not in figures or e.industry.utility:
                continue
            of = figures[e.code]
            held = (of["自有用地"] or 0) + (of["承租用地"] or 0) - (of["出租用地"] or 0)
            if held > 0:
                ranked.append((-(of["入库税收"] or Decimal(0)) / held, e.code))
        for rank, (_, code) in enumerate(sorted(ranked), 1):
            part = rank / len(ranked)
            grades[code] = "A" if part <= 0.2 else "B" if part <= 0.6 else "C" if part <= 0.95 else "D"
    return grades


def make_frame(
    enterprises: Sequence[Enterprise], figures: Mapping[str, Figures], grades: Mapping[str, str], land: Land
) -> pl.DataFrame:
    ordered = sorted(enterprises, key=lambda e: e.code)
    texts: dict[str, Sequence[str | None]] = {
        "统一社会信用代码": [e.code for e in ordered],
        "企业名称": [e.name for e in ordered],
        "规模": [e.scale for e in ordered],
        "行业代码": [e.kind.code for e in ordered],
        "行业组": [e.group for e in ordered],
        "乡镇": [e.township for e in ordered],
        "园区": ["|".join(e.parks) or None for e in ordered],
        "状态": [e.status for e in ordered],
        "标签": ["|".join(e.tags) or None for e in ordered],
        "安全事故等级": [e.accident for e in ordered],
        "环境违法等级": [e.violation for e in ordered],
        "失信": ["是" if e.dishonest else "否" for e in ordered],
        "上年等级": [grades.get(e.code) for e in ordered],
        "合并组": [land.groups.get(e.code, (None, None))[0] for e in ordered],
        "主体企业": [land.groups.get(e.code, (None, None))[1] for e in ordered],
    }
    dates: dict[str, Sequence[date | None]] = {
        "注册日期": [e.registered for e in ordered],
        "投产日期": [e.started for e in ordered],
        "约定投产日期": [e.agreed for e in ordered],
    }
    columns = [pl.Series(name, values, pl.String) for name, values in texts.items()]
    columns += [pl.Series(name, values, pl.Date) for name, values in dates.items()]
    columns += [
        pl.Series(name, [figures[e.code][name] for e in ordered], pl.Decimal(38, 4)) for name in UNITS
    ]
    return pl.DataFrame(columns)
