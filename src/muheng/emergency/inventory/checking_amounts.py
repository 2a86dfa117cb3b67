"""Whether the list's amounts agree: day with year, lines with permit and monitoring, all lines with the region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

from muheng.documents.message import say
from muheng.emergency.inventory.filed import INDUSTRY, add, running
from muheng.emergency.inventory.finding import Finding, about_firm, about_line, kilograms, tonnes
from muheng.emergency.inventory.model import NOTHING, Firm, Inventory, Line
from muheng.emergency.inventory.sheets import POLLUTANT_NAMES, find_place, join_names, own_number
from muheng.standards.rounding import divide_half_up

Monitored = Mapping[str, tuple[int | None, int | None, int | None, int | None]]
"""g a day by line id or credit code; None: not monitored."""

DAILY_TOLERANCE = Fraction(1, 100)
"""A stated kg/d may differ by so much from t/a over days: it was rounded by hand."""
LEAST_DIFFERENCE = 50
"""g a day: below, two figures are the same."""
MONITORED_TOLERANCE = Fraction(1, 5)
SMALL = 100_000
"""g a year of all pollutants together: 小微涉气企业."""


def check_amounts(inventory: Inventory, monitored: Monitored) -> Iterator[Finding]:
    """Everything about amounts."""
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in inventory.lines:
        lines[line.firm].append(line)
        yield from _compare_day_with_year(inventory, line)
        yield from _compare_with_monitoring(inventory, line, monitored)
    for firm in inventory.firms:
        own = lines[firm.code]
        if not own:
            yield about_firm(
                inventory,
                firm,
                "warning",
                "amounts",
                say("“{name}”没有一条生产线。", name=firm.name),
                say("请在“生产线”表里补上，或从清单里删去这家企业。"),
            )
            continue
        yield from _compare_with_permit(inventory, firm, own)
        yield from _compare_firm_with_monitoring(inventory, firm, own, monitored)
        yield from _find_twins(inventory, own)
        yield from _find_shared_outlets(inventory, own)
        yield from _note_small(inventory, firm, own)
    yield from _compare_with_base(inventory)


def yearly(line: Line) -> list[int | None]:
    """g a year: as stated, or the day's amount over its days; None where neither is known."""
    return [
        year
        if year is not None
        else (day * line.days if line.days is not None else (0 if day == 0 else None))
        for year, day in zip(line.yearly, line.daily, strict=True)
    ]


def _compare_day_with_year(inventory: Inventory, line: Line) -> Iterator[Finding]:
    if line.days is None:
        return
    for name, year, day in zip(POLLUTANT_NAMES, line.yearly, line.daily, strict=True):
        if year is None:
            continue
        due = divide_half_up(year, line.days)
        if abs(day - due) > max(due * DAILY_TOLERANCE, Fraction(LEAST_DIFFERENCE)):
            yield about_line(
                inventory,
                line,
                "warning",
                "amounts",
                say(
                    "{pollutant} 日排放量写的是 {stated} kg；年排放量 {year} t ÷ {days} 天是 {due} kg。",
                    pollutant=name,
                    stated=kilograms(day),
                    year=tonnes(year),
                    days=line.days,
                    due=kilograms(due),
                ),
                say("请核对年排放量、生产天数和日排放量；日排放量可以留空，由软件计算。"),
            )


def _compare_with_permit(inventory: Inventory, firm: Firm, own: list[Line]) -> Iterator[Finding]:
    amounts = [yearly(line) for line in own]
    for at, (name, allowed) in enumerate(zip(POLLUTANT_NAMES, firm.permitted, strict=True)):
        total = sum(amount[at] or 0 for amount in amounts)
        if allowed is not None and total > allowed:
            yield about_firm(
                inventory,
                firm,
                "warning",
                "permit",
                say(
                    "“{name}”各生产线的 {pollutant} 合计 {total} t/年，超过许可的 {allowed} t/年。",
                    name=firm.name,
                    pollutant=name,
                    total=tonnes(total),
                    allowed=tonnes(allowed),
                ),
                say("请核对是否有工序算了两次，或许可排放量写错。"),
            )


def _compare_with_monitoring(inventory: Inventory, line: Line, monitored: Monitored) -> Iterator[Finding]:
    for name, stated, measured in zip(
        POLLUTANT_NAMES, line.daily, monitored.get(line.id, (None,) * 4), strict=True
    ):
        if measured is not None and _differs(stated, measured):
            yield about_line(
                inventory,
                line,
                "warning",
                "monitoring",
                say(
                    "{pollutant} 日排放量写的是 {stated} kg，监测数据是 {measured} kg。",
                    pollutant=name,
                    stated=kilograms(stated),
                    measured=kilograms(measured),
                ),
                say("减排量按写的数计算，写多了会虚报；请按监测数据核对。"),
            )


def _compare_firm_with_monitoring(
    inventory: Inventory, firm: Firm, own: list[Line], monitored: Monitored
) -> Iterator[Finding]:
    totals = NOTHING
    for line in own:
        totals = add(totals, line.daily)
    for name, stated, measured in zip(
        POLLUTANT_NAMES, totals, monitored.get(firm.code, (None,) * 4), strict=True
    ):
        if measured is not None and _differs(stated, measured):
            yield about_firm(
                inventory,
                firm,
                "warning",
                "monitoring",
                say(
                    "“{name}”各生产线的 {pollutant} 合计 {stated} kg/日，监测数据是 {measured} kg/日。",
                    name=firm.name,
                    pollutant=name,
                    stated=kilograms(stated),
                    measured=kilograms(measured),
                ),
                say("减排量按写的数计算，写多了会虚报；请按监测数据核对。"),
            )


def _differs(stated: int, measured: int) -> bool:
    return abs(stated - measured) > max(measured * MONITORED_TOLERANCE, Fraction(LEAST_DIFFERENCE))


def _find_twins(inventory: Inventory, own: list[Line]) -> Iterator[Finding]:
    """Two rows of an enterprise that say the same of a line: it may be in the list twice."""
    seen: dict[tuple[object, ...], Line] = {}
    for line in own:
        if not any(line.daily):
            continue
        key = (line.name, line.step, line.equipment, line.outlet, line.daily)
        first = seen.setdefault(key, line)
        if first is not line:
            yield about_line(
                inventory,
                line,
                "warning",
                "twice",
                say(
                    "生产线 {number} 与 {other} 的名称、工序、设备和排放量都相同，可能是同一条线写了两次。",
                    number=own_number(line.id, line.firm),
                    other=own_number(first.id, first.firm),
                ),
                say("同一条线请删去一行；确是两条线的，请写明各自的设备。"),
            )


def _find_shared_outlets(inventory: Inventory, own: list[Line]) -> Iterator[Finding]:
    """A shared facility and a line that it serves, both with the emissions of one outlet."""
    lines = {line.id: line for line in own}
    for line in own:
        for served in (lines[each] for each in line.serves if each in lines):
            if line.outlet and line.outlet == served.outlet:
                both = [
                    name
                    for name, one, other in zip(POLLUTANT_NAMES, line.daily, served.daily, strict=True)
                    if one and other
                ]
                if both:
                    yield about_line(
                        inventory,
                        line,
                        "warning",
                        "twice",
                        say(
                            "公用设施 {number} 与它服务的 {served} 是同一个排放口 {outlet}，{pollutants} 两处都有。",
                            number=own_number(line.id, line.firm),
                            served=own_number(served.id, served.firm),
                            outlet=line.outlet,
                            pollutants=join_names(both),
                        ),
                        say("同一股烟气只算一次：请把它的排放量只写在公用设施上。"),
                    )


def _note_small(inventory: Inventory, firm: Firm, own: list[Line]) -> Iterator[Finding]:
    amounts = [amount for line in own for amount in yearly(line)]
    total = sum(amount or 0 for amount in amounts)
    if None not in amounts and 0 < total <= SMALL:
        yield about_firm(
            inventory,
            firm,
            "note",
            "guarantee",
            say(
                "“{name}”全年四项合计 {total} kg，属于小微涉气企业。", name=firm.name, total=kilograms(total)
            ),
            say("全市仍能达到比例的，可以不采取停限产措施；在城市设置里决定。"),
        )


def _compare_with_base(inventory: Inventory) -> Iterator[Finding]:
    if not inventory.base:
        return
    industry = next((source for source in inventory.base if source.name == INDUSTRY), None)
    if industry is None:
        yield Finding(
            "warning",
            "base",
            None,
            None,
            say("减排基数里没有“工业源”。"),
            say("请补上工业源：它至少是清单里各线的合计。"),
        )
        return
    for name, listed, stated in zip(POLLUTANT_NAMES, running(inventory), industry.emission, strict=True):
        if listed > stated:
            yield Finding(
                "error",
                "base",
                None,
                None,
                say(
                    "清单各线的 {pollutant} 合计 {listed} kg/日，大于减排基数里工业源的 {stated} kg/日。",
                    pollutant=name,
                    listed=kilograms(listed),
                    stated=kilograms(stated),
                ),
                say("清单里的企业是工业源的一部分；请核对基数和各线的排放量。"),
                find_place(inventory, "source", INDUSTRY),
            )
