"""The figures of one year, exact, in the units of the department layouts. None is what nobody provides.

A figure is a level of the base year, moved by growth and by noise that depends on the seed, the enterprise
and the year alone: last year's figures are the same whichever year asks for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from math import exp
from random import Random

from muheng.cities.demo.enterprises import Enterprise
from muheng.cities.demo.land import Land, to_mu
from muheng.cities.demo.parameters import SCALES, DemoParameters

# tce for 万kWh, t, 万m³ and GJ at 当量值; 等价值 for electricity is an example level.
POWER_TCE, POWER_TCE_EQUIVALENT, COAL_TCE, GAS_TCE, STEAM_TCE = 1.229, 2.98, 0.7143, 12.143, 0.03412

UNITS = {
    "入库税收": "万元",
    "增值税": "万元",
    "企业所得税": "万元",
    "出口免抵税额": "万元",
    "先征后退": "万元",
    "即征即退": "万元",
    "房产税": "万元",
    "城镇土地使用税": "万元",
    "自有用地": "亩",
    "承租用地": "亩",
    "出租用地": "亩",
    "出租户数": "户",
    "出租规下户数": "户",
    "用电量": "万kWh",
    "用水量": "万m³",
    "自取水量": "万m³",
    "工业总产值": "万元",
    "工业增加值": "万元",
    "营业收入": "万元",
    "利润总额": "万元",
    "研发费用": "万元",
    "技改投资": "万元",
    "平均职工人数": "人",
    "综合能耗": "tce",
    "综合能耗当量值": "tce",
    "原煤消费量": "t",
    "天然气消费量": "万m³",
    "蒸汽消费量": "百万kJ",
    "COD排放量": "t",
    "氨氮排放量": "t",
    "二氧化硫排放量": "t",
    "氮氧化物排放量": "t",
    "主要污染物排放量": "t",
    "COD核定量": "t",
    "氨氮核定量": "t",
    "二氧化硫核定量": "t",
    "氮氧化物核定量": "t",
    "排污权核定量": "t",
}

TAX = ("入库税收", "增值税", "企业所得税", "出口免抵税额", "先征后退", "即征即退", "房产税", "城镇土地使用税")
STATISTICS = (
    "工业总产值",
    "工业增加值",
    "营业收入",
    "利润总额",
    "研发费用",
    "技改投资",
    "平均职工人数",
    "综合能耗",
    "综合能耗当量值",
    "原煤消费量",
    "天然气消费量",
    "蒸汽消费量",
)
POLLUTANTS = ("COD", "氨氮", "二氧化硫", "氮氧化物")

Figures = dict[str, Decimal | None]


@dataclass(frozen=True)
class Level:
    """What is drawn once for an enterprise and stays."""

    value_added: float
    tax: float
    productivity: float
    energy: float
    water: float
    research: float
    invests: bool
    has_emissions: bool
    has_energy: bool
    own_water: bool
    negative: str
    """"" , "增值税" or "入库税收"."""


def make_levels(enterprises: Sequence[Enterprise], parameters: DemoParameters, seed: int) -> dict[str, Level]:
    """The lasting levels of every enterprise, by credit code. The same seed gives the same."""
    random = Random(f"{seed}/levels")
    life = parameters.roster.life
    negative: dict[int, str] = {}
    for scale in SCALES:
        ordinary = [e.number for e in enterprises if e.scale == scale and e.status == "正常" and e.number]
        vat = random.sample(ordinary, life.negative_vat.of(scale))
        negative |= dict.fromkeys(vat, "增值税")
        negative |= dict.fromkeys(vat[: life.negative_tax.of(scale)], "入库税收")
    levels = {}
    for e in enterprises:
        industry, above = e.industry, e.scale == "规上"

        def around(middle: float, spread: float) -> float:
            return middle * exp(spread * random.gauss(0, 1))

        skill = e.skill
        researches = random.random() < (0.82 if above else 0.12)
        levels[e.code] = Level(
            value_added=min(around(industry.value_added * exp(0.10 * skill), 0.22), 0.8),
            tax=min(around(industry.tax * exp(0.15 * skill) * (1.0 if above else 0.62), 0.45), 0.9),
            productivity=around(industry.productivity * exp(0.22 * skill) * (1.0 if above else 0.6), 0.35),
            energy=around(industry.energy * exp(-0.35 * skill) * (1.0 if above else 1.15), 0.55),
            water=around(industry.water, 0.6),
            research=around(industry.research * exp(0.2 * skill), 0.5) if researches else 0.0,
            invests=random.random() < (0.5 if above else 0.08),
            has_emissions=random.random() < life.emission.of(e.scale),
            has_energy=random.random() < life.energy.of(e.scale),
            own_water=random.random() < 0.03,
            negative=negative.get(e.number, ""),
        )
    return levels


def calibrate_tax(
    enterprises: Sequence[Enterprise], levels: dict[str, Level], land: Land, parameters: DemoParameters
) -> float:
    """The factor that brings total tax ÷ total land of 规上 to the level asked for in the base year."""
    areas = land_figures(enterprises, land, parameters.roster.base_year)
    tax, mu = 0.0, 0.0
    for e in enterprises:
        if e.scale == "规上":
            held = areas[e.code]
            mu += float(
                sum(
                    (held[name] or 0) * sign
                    for name, sign in (("自有用地", 1), ("承租用地", 1), ("出租用地", -1))
                )
            )
            level, active = levels[e.code], _activity(e, parameters.roster.base_year)
            tax += e.revenue * active * level.value_added * level.tax
    return parameters.roster.tax_per_mu * mu / tax


def land_figures(enterprises: Sequence[Enterprise], land: Land, year: int) -> dict[str, Figures]:
    """自有用地, 承租用地, 出租用地, 出租户数 and 出租规下户数 by credit code.

    How large a tenant from outside the roster is, nobody knows: with only such tenants 出租规下户数 is None.
    """
    owned: dict[str, int] = defaultdict(int)
    rented: dict[str, Decimal] = defaultdict(Decimal)
    let: dict[str, Decimal] = defaultdict(Decimal)
    tenants: dict[str, set[str]] = defaultdict(set)
    small: dict[str, set[str]] = {}
    known = {e.code for e in enterprises}
    for parcel in land.parcels:
        owned[parcel.owner.code] += parcel.area
    for lease in land.leases:
        if not lease.counts_in(year):
            continue
        if lease.tenant is not None:
            rented[lease.tenant.code] += lease.area
        if lease.lessor is not None:
            let[lease.lessor.code] += lease.area
            tenants[lease.lessor.code].add(lease.tenant_name)
            if lease.tenant is not None and lease.tenant.code in known:
                of_lessor = small.setdefault(lease.lessor.code, set())
                if lease.tenant.scale == "规下":
                    of_lessor.add(lease.tenant_name)
    return {
        e.code: {
            "自有用地": to_mu(owned[e.code]) if e.code in owned else None,
            "承租用地": rented.get(e.code),
            "出租用地": let.get(e.code),
            "出租户数": Decimal(len(tenants[e.code])) if e.code in tenants else None,
            "出租规下户数": Decimal(len(small[e.code])) if e.code in small else None,
        }
        for e in enterprises
    }


def make_figures(
    enterprises: Sequence[Enterprise],
    levels: dict[str, Level],
    land: Land,
    parameters: DemoParameters,
    tax_factor: float,
    seed: int,
    year: int,
) -> dict[str, Figures]:
    """Figures of every enterprise that existed in the year, by credit code: every name in UNITS."""
    growth = (1 + parameters.roster.growth) ** (year - parameters.roster.base_year)
    areas = land_figures(enterprises, land, year)
    found = {}
    for e in enterprises:
        if e.registered.year > year:
            continue
        random = Random(f"{seed}/{e.code}/{year}")
        level, held = levels[e.code], areas[e.code]
        active = _activity(e, year)
        # A giant's years are alike; otherwise it would carry the whole city's totals up and down with it.
        restless = 0.2 if e.revenue > 1_000_000 else 1.0
        revenue = e.revenue * growth * active * exp(0.12 * restless * random.gauss(0, 1))
        value_added = revenue * level.value_added * exp(0.07 * restless * random.gauss(0, 1))
        tax = value_added * level.tax * tax_factor * exp(0.13 * restless * random.gauss(0, 1))
        figures: Figures = dict.fromkeys(UNITS)
        figures |= held
        figures |= _tax(random, e, tax, held["自有用地"], level)
        figures |= _statistics(random, e, level, revenue, value_added, active)
        figures |= _emissions(random, figures, level, value_added)
        figures["用水量"] = _round(value_added * level.water / 1e4 * random.uniform(0.85, 1.15), 4)
        if level.own_water:
            figures["自取水量"] = _round(value_added * level.water / 1e4 * random.uniform(0.2, 1.5), 4)
        if not level.has_energy:
            figures |= dict.fromkeys(
                ("综合能耗", "综合能耗当量值", "原煤消费量", "天然气消费量", "蒸汽消费量")
            )
        found[e.code] = figures
    return found


def _activity(e: Enterprise, year: int) -> float:
    """1 for an enterprise at work; less while it starts, little when it has stopped."""
    if e.status == "在建":
        return 0.0
    if e.status == "停产":
        return 0.06
    if e.started is not None and e.started > date(year, 6, 30):
        return 0.08
    if e.started is not None and e.started.year >= year - 1:
        return 0.55
    return 1.0


def _tax(random: Random, e: Enterprise, tax: float, owned: Decimal | None, level: Level) -> Figures:
    land_tax = _round(float(owned or 0) * 666.67 * 5 / 1e4, 2)
    property_tax = _round(float(owned or 0) * random.uniform(0.15, 0.45), 2)
    total = max(_round(tax, 2), (land_tax + property_tax) if e.status != "停产" else Decimal("0.00"))
    vat = _round(float(total) * random.uniform(0.38, 0.55), 2)
    income_tax = _round(float(total) * random.uniform(0.08, 0.28), 2)
    if level.negative:
        vat = -_round(float(total) * random.uniform(0.1, 0.5), 2) - Decimal("0.37")
    if level.negative == "入库税收":
        total = vat + land_tax
        total = total if total < 0 else -total - Decimal("0.11")
        income_tax = Decimal("0.00")
    exports = random.random() < (0.16 if e.scale == "规上" else 0.02)
    welfare = random.random() < 0.008
    reuse = e.industry.id == "资源利用" or random.random() < 0.01
    return {
        "入库税收": total,
        "增值税": vat,
        "企业所得税": income_tax,
        "出口免抵税额": _round(tax * random.uniform(0.02, 0.25), 2) if exports else None,
        "先征后退": _round(tax * 0.05, 2) if welfare else None,
        "即征即退": _round(tax * 0.12, 2) if reuse else None,
        "房产税": property_tax if owned else None,
        "城镇土地使用税": land_tax if owned else None,
    }


def _statistics(
    random: Random, e: Enterprise, level: Level, revenue: float, value_added: float, active: float
) -> Figures:
    industry = e.industry
    energy = value_added * level.energy
    power = energy * industry.power / POWER_TCE * random.uniform(0.9, 1.1) + (0.4 if active == 0.0 else 0.02)
    coal = energy * industry.coal / COAL_TCE
    gas = energy * industry.gas / GAS_TCE
    steam = energy * max(1 - industry.power - industry.coal - industry.gas, 0) / STEAM_TCE
    used = {
        "用电量": _round(power, 4),
        "原煤消费量": _round(coal, 2),
        "天然气消费量": _round(gas, 4),
        "蒸汽消费量": _round(steam, 2),
    }
    fuels = float(used["原煤消费量"]) * COAL_TCE + float(used["天然气消费量"]) * GAS_TCE
    fuels += float(used["蒸汽消费量"]) * STEAM_TCE
    kilowatts = float(used["用电量"])
    staff = max(value_added / level.productivity, 1.0) * random.uniform(0.95, 1.05) if active else 3.0
    figures: Figures = {
        "营业收入": _round(revenue, 2),
        "工业总产值": _round(revenue * random.uniform(0.97, 1.06), 2),
        "工业增加值": _round(value_added, 2),
        "利润总额": _round(revenue * (random.gauss(0.05, 0.05) if active >= 0.5 else -0.08), 2),
        "研发费用": _round(revenue * level.research, 2) if level.research else None,
        "技改投资": _round(revenue * random.uniform(0.005, 0.06), 2) if level.invests else None,
        "平均职工人数": _round(staff, 0),
        "综合能耗": _round(fuels + kilowatts * POWER_TCE_EQUIVALENT, 2),
        "综合能耗当量值": _round(fuels + kilowatts * POWER_TCE, 2),
        "用电量": used["用电量"],
    }
    for name in ("原煤消费量", "天然气消费量", "蒸汽消费量"):
        figures[name] = used[name] if used[name] else None
    if e.scale == "规下":
        # Small enterprises are surveyed with a short form.
        figures |= dict.fromkeys(("工业总产值", "利润总额", "技改投资"))
    return figures


def _emissions(random: Random, figures: Figures, level: Level, value_added: float) -> Figures:
    if not level.has_emissions:
        return {}
    waste_water = value_added * level.water / 1e4 * 0.7
    coal, gas = float(figures["原煤消费量"] or 0), float(figures["天然气消费量"] or 0)
    cod = waste_water * random.uniform(0.25, 0.5)
    tons = {
        "COD": cod,
        "氨氮": cod * random.uniform(0.04, 0.1),
        "二氧化硫": coal * random.uniform(0.0006, 0.0016) + gas * 0.002,
        "氮氧化物": coal * random.uniform(0.0006, 0.0014) + gas * random.uniform(0.004, 0.009),
    }
    found: Figures = {}
    total, permitted_total = Decimal(0), Decimal(0)
    for pollutant, amount in tons.items():
        emitted = _round(amount, 4)
        permitted = _round(amount * random.uniform(1.1, 1.9) + 0.001, 3)
        if pollutant in ("二氧化硫", "氮氧化物") and not emitted:
            continue
        found[f"{pollutant}排放量"], found[f"{pollutant}核定量"] = emitted, permitted
        total, permitted_total = total + emitted, permitted_total + permitted
    found["主要污染物排放量"], found["排污权核定量"] = total, permitted_total
    return found


def _round(value: float, digits: int) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
