"""The monthly figures that some enterprises file, and the few that are planted to be noticed.

The months of a year add up exactly to the yearly figure where there is one. What is planted lies after the
demo's year, so that its sums hold.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import exp
from random import Random
from typing import Literal

import polars as pl

from muheng.cities.demo.enterprises import Enterprise
from muheng.cities.demo.figures import Figures
from muheng.cities.demo.operations import Operations, Permit

MONTHLY_UNITS = {
    "用电量": "万kWh",
    "用水量": "万m³",
    "综合能耗": "tce",
    "一般固废产生量": "t",
    "危险废物产生量": "t",
    "工业总产值": "万元",
}
MONTH = "月份"
_CODE = "统一社会信用代码"
_DIGITS = {
    "用电量": 4, "用水量": 4, "综合能耗": 2, "一般固废产生量": 2, "危险废物产生量": 3, "工业总产值": 2,
}  # fmt: skip
_FILERS = 60
# The Spring Festival empties one winter month; cooling and heating lift the power of others.
_WORK = (0.97, 0.72, 1.03, 1.03, 1.02, 1.02, 1.0, 0.98, 1.04, 1.0, 1.05, 1.08)
_CLIMATE = {
    "用电量": (1.06, 1.0, 0.97, 0.94, 0.96, 1.03, 1.14, 1.15, 1.02, 0.94, 0.95, 1.05),
    "用水量": (0.92, 0.92, 0.96, 0.99, 1.02, 1.06, 1.10, 1.10, 1.04, 1.0, 0.96, 0.93),
}


@dataclass(frozen=True)
class MonthlyAnomaly:
    """A planted figure. `right` is what belonged there; an amount truly above the permit is right as filed."""

    code: str
    month: date
    item: str
    filed: Decimal
    right: Decimal
    kind: Literal["错位十倍", "超许可量"]
    note: str


def make_monthly(
    enterprises: Sequence[Enterprise],
    figures: Mapping[int, Mapping[str, Figures]],
    permits: Sequence[Permit],
    operations: Operations,
    seed: int,
    year: int,
) -> tuple[pl.DataFrame, tuple[MonthlyAnomaly, ...]]:
    """24 months to October after the year, by code and month. `figures` are those of year−1 to year+1."""
    random = Random(f"{seed}/monthly/{year}")
    permit_of = {permit.code: permit for permit in permits}
    filers = _choose_filers(random, enterprises, figures, permit_of, year)
    months = [date(year - 1 + (10 + at) // 12, (10 + at) % 12 + 1, 1) for at in range(24)]
    rows: dict[str, dict[date, dict[str, Decimal | None]]] = {}
    for e in filers:
        own = Random(f"{seed}/monthly/{year}/{e.code}")
        by_month: dict[date, dict[str, Decimal | None]] = {month: {} for month in months}
        for item in MONTHLY_UNITS:
            for at in (year - 1, year, year + 1):
                total = _yearly(own, e, figures[at][e.code], item, operations, permit_of.get(e.code))
                for month, amount in enumerate(_share_out(own, total, item), 1):
                    if date(at, month, 1) in by_month:
                        by_month[date(at, month, 1)][item] = amount
        rows[e.code] = by_month
    anomalies = _plant(random, rows, permit_of, year)
    flat = [(code, month, figures) for code, by_month in rows.items() for month, figures in by_month.items()]
    frame = pl.DataFrame(
        [
            pl.Series(_CODE, [code for code, _, _ in flat], pl.String),
            pl.Series(MONTH, [month for _, month, _ in flat], pl.Date),
            *(
                pl.Series(item, [figures[item] for _, _, figures in flat], pl.Decimal(38, 4))
                for item in MONTHLY_UNITS
            ),
        ]
    )
    return frame.sort(_CODE, MONTH), anomalies


def _choose_filers(
    random: Random,
    enterprises: Sequence[Enterprise],
    figures: Mapping[int, Mapping[str, Figures]],
    permit_of: Mapping[str, Permit],
    year: int,
) -> list[Enterprise]:
    """Larger enterprises with a permit and every figure; the largest of the city is one of them."""
    able = [
        e
        for e in enterprises
        if e.code in permit_of
        and e.status == "正常"
        and e.registered.year < year - 3
        and all(
            (figures[at].get(e.code, {}).get(item) or 0) > 1
            for at in (year - 1, year, year + 1)
            for item in ("用电量", "用水量", "综合能耗", "工业总产值")
        )
    ]
    largest = max(able, key=lambda e: (e.revenue, e.code))
    others = random.sample([e for e in able if e is not largest], min(_FILERS - 1, len(able) - 1))
    return sorted([largest, *others], key=lambda e: e.code)


def _yearly(
    random: Random, e: Enterprise, of: Figures, item: str, operations: Operations, permit: Permit | None
) -> Decimal | None:
    """The figure of the year; wastes have none and follow production, within the permit."""
    if item in of:
        return of[item]
    if permit is None:
        return None
    most = permit.hazardous_waste if item == "危险废物产生量" else permit.general_waste
    rate = operations.of(e).hazardous if item == "危险废物产生量" else operations.of(e).general
    amount = float(of["工业增加值"] or 0) * rate * random.uniform(0.9, 1.1)
    unit = Decimal(1).scaleb(-_DIGITS[item])
    return min(Decimal(amount), most * Decimal("0.95")).quantize(unit)


def _share_out(random: Random, total: Decimal | None, item: str) -> list[Decimal | None]:
    """Twelve months that add up to the total, in the item's digits."""
    weights = []
    for month in range(12):
        days = monthrange(2001, month + 1)[1] / 30.4
        weights.append(
            days * _WORK[month] * _CLIMATE.get(item, (1.0,) * 12)[month] * exp(random.gauss(0, 0.05))
        )
    if total is None:
        return [None] * 12
    units = int(total.scaleb(_DIGITS[item]))
    whole = sum(weights)
    shares = [int(units * (weight / whole)) for weight in weights]
    shares[11] += units - sum(shares)
    return [Decimal(share).scaleb(-_DIGITS[item]) for share in shares]


def _plant(
    random: Random,
    rows: dict[str, dict[date, dict[str, Decimal | None]]],
    permit_of: Mapping[str, Permit],
    year: int,
) -> tuple[MonthlyAnomaly, ...]:
    slipped, exceeding = random.sample(sorted(rows), 2)
    july, september = date(year + 1, 7, 1), date(year + 1, 9, 1)
    right = rows[slipped][july]["用电量"] or Decimal(0)
    rows[slipped][july]["用电量"] = right * 10
    note = "小数点错了一位：当月用电量是平常的十倍。"
    slip = MonthlyAnomaly(slipped, july, "用电量", right * 10, right, "错位十倍", note)
    most = permit_of[exceeding].hazardous_waste
    filed = (most * Decimal("1.2")).quantize(Decimal("0.001"))
    rows[exceeding][september]["危险废物产生量"] = filed
    note = f"一个月的危险废物超过排污许可全年的 {most} t。"
    above = MonthlyAnomaly(exceeding, september, "危险废物产生量", filed, filed, "超许可量", note)
    return slip, above
