"""Whether the plans of single plants in force are possible, can be proved, and fit grade, guarantee and each other."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

from muheng.documents.message import Message, say
from muheng.emergency.inventory.filed import OF_PRODUCTION, filed_ratios, line_cut, measure_cut
from muheng.emergency.inventory.finding import Finding, about_firm, about_line, kilograms, percent
from muheng.emergency.inventory.model import NOTHING, Filed, Firm, Inventory, Level, Line, Transport
from muheng.emergency.inventory.sheets import (
    LEVELS,
    POLLUTANT_NAMES,
    find_place,
    join_names,
    own_number,
)
from muheng.emergency.plan.problem import LEVEL_NAMES
from muheng.standards.rounding import format_exact

VOLUNTARY_GRADES = ("A", "引领性")
_WHOLE = 1000

Required = Mapping[Level, tuple[Fraction, Fraction, Fraction, Fraction]]
"""The ratios to be reached, by pollutant."""
OfLine = Mapping[Level, list[Filed]]


def check_measures(inventory: Inventory, today: datetime.date | None) -> Iterator[Finding]:
    """Everything about the measures filed, line by line, then about transport."""
    firms = {firm.code: firm for firm in inventory.firms}
    filed: dict[str, dict[Level, list[Filed]]] = defaultdict(lambda: defaultdict(list))
    for each in inventory.filed:
        filed[each.line][each.level].append(each)
    for line in inventory.lines:
        of_line, firm = filed.get(line.id, {}), firms[line.firm]
        yield from _check_cuts(inventory, line, of_line)
        yield from _check_nesting(inventory, line, of_line)
        yield from _check_wording(inventory, line, of_line)
        yield from _check_process(inventory, line, of_line)
        yield from _check_evidence(inventory, line, of_line)
        yield from _check_grade(inventory, firm, line, of_line)
        yield from _check_guarantee(inventory, firm, line, of_line)
        yield from _check_served(inventory, line, filed)
    for firm in inventory.firms:
        yield from _check_validity(inventory, firm, today)
    still = {line.firm for line in inventory.lines if line.id in filed and firms[line.firm].stopped}
    for code in sorted(still):
        yield about_firm(
            inventory,
            firms[code],
            "warning",
            "measures",
            say("“{name}”长期停产，填报的减排量不计入。", name=firms[code].name),
            say("请删去它的减排措施；已经恢复生产的，改长期停产为“否”。"),
        )
    for lorries in inventory.transport:
        yield from _check_transport(inventory, firms[lorries.firm], lorries)


def check_ratios(inventory: Inventory, required: Required) -> Iterator[Finding]:
    """The ratios that the measures in force reach, against those required."""
    for level, share in filed_ratios(inventory).items():
        for name, reached, due in zip(POLLUTANT_NAMES, share.ratios, required.get(level, ()), strict=False):
            if reached is not None and reached < due:
                yield Finding(
                    "warning",
                    "ratio",
                    None,
                    None,
                    say(
                        "{level}预警现行措施的 {pollutant} 减排比例是 {reached}%，要求 {due}%。",
                        level=LEVEL_NAMES[level],
                        pollutant=name,
                        reached=format_exact(reached * 100, 2),
                        due=format_exact(due * 100, 2),
                    ),
                    say("请修订措施；可先用最小损失方案看怎样补足。"),
                )


def _levels(levels: list[Level]) -> Message:
    return join_names([LEVEL_NAMES[level] for level in levels])


def _forced(of_line: OfLine, level: Level) -> list[Filed]:
    return [each for each in of_line.get(level, ()) if each.kind in OF_PRODUCTION and (each.part or each.cut)]


def _check_cuts(inventory: Inventory, line: Line, of_line: OfLine) -> Iterator[Finding]:
    """Nothing cuts more than the line emits, and a stop covers every step of it."""
    for level in LEVELS:
        measures = of_line.get(level, [])
        total = [sum(cuts) for cuts in zip(*(measure_cut(line, each) for each in measures), strict=True)]
        over = [
            (name, cut, own)
            for name, cut, own in zip(POLLUTANT_NAMES, total or NOTHING, line.daily, strict=True)
            if cut > own
        ]
        stop = next((each for each in measures if each.kind == "停产" and each.part == _WHOLE), None)
        others = [each for each in measures if each is not stop and any(measure_cut(line, each))]
        if stop is not None and others:
            yield about_line(
                inventory,
                line,
                "error" if over else "warning",
                "twice",
                say(
                    "{level}预警已经整线停产，又另算了“{other}”的减排量。",
                    level=LEVEL_NAMES[level],
                    other=others[0].name,
                ),
                say("停产已包括这条线的各道工序；请删去其余措施。"),
            )
        elif over:
            name, cut, own = over[0]
            yield about_line(
                inventory,
                line,
                "error",
                "twice" if len(measures) > 1 else "measures",
                say(
                    "{level}预警减 {pollutant} {cut} kg，比这条线的日排放量 {own} kg 还多。",
                    level=LEVEL_NAMES[level],
                    pollutant=name,
                    cut=kilograms(cut),
                    own=kilograms(own),
                ),
                say("请核对减排量；同一工序只算一次。"),
            )


def _check_nesting(inventory: Inventory, line: Line, of_line: OfLine) -> Iterator[Finding]:
    """A higher level asks for no less."""
    below: Level | None = None
    for level in LEVELS:
        if below is not None:
            cut, less = line_cut(line, of_line.get(level, [])), line_cut(line, of_line.get(below, []))
            short = next((at for at in range(4) if cut[at] < less[at]), None)
            if short is not None:
                yield about_line(
                    inventory,
                    line,
                    "warning",
                    "measures",
                    say(
                        "{level}预警的 {pollutant} 减排 {cut} kg，比{below}预警的 {less} kg 还少。",
                        level=LEVEL_NAMES[level],
                        pollutant=POLLUTANT_NAMES[short],
                        cut=kilograms(cut[short]),
                        below=LEVEL_NAMES[below],
                        less=kilograms(less[short]),
                    ),
                    say("级别越高，措施应越严；请补齐或改正。"),
                )
        below = level


def _check_wording(inventory: Inventory, line: Line, of_line: OfLine) -> Iterator[Finding]:
    """A measure of which nobody can say what it takes or cuts."""
    for level in LEVELS:
        vague = next((each for each in of_line.get(level, ()) if each.kind is None and not each.part), None)
        if vague is not None and vague.cut is None:
            yield about_line(
                inventory,
                line,
                "warning",
                "measures",
                say(
                    "{level}预警的“{name}”看不出停什么、压多少，减排量按 0 计。",
                    level=LEVEL_NAMES[level],
                    name=vague.name,
                ),
                say("请填措施类型和限产比例，或填减排量。"),
            )
            return


def _check_process(inventory: Inventory, line: Line, of_line: OfLine) -> Iterator[Finding]:
    """Steps that do not emit are not stopped; what cannot stop is not stopped; a stop is whole."""
    forced = [each for level in LEVELS for each in _forced(of_line, level)]
    if not forced:
        return
    if not any(line.daily):
        yield about_line(
            inventory,
            line,
            "warning",
            "measures",
            say("这条线没有排放，却要求“{name}”。", name=forced[0].name),
            say("不排放的工序不停；请补上排放量，或删去措施。"),
        )
    stop = next((each for each in forced if each.kind == "停产"), None)
    if stop is not None and stop.part != _WHOLE:
        yield about_line(
            inventory,
            line,
            "warning",
            "measures",
            say("“{name}”是停产，比例却是 {part}%。", name=stop.name, part=percent(stop.part)),
            say("停产填 100；只压一部分的，措施类型选限产。"),
        )
    if stop is not None and line.continuous:
        yield about_line(
            inventory,
            line,
            "warning",
            "measures",
            say("连续工序停不下来，却要求“{name}”。", name=stop.name),
            say("请改为降负荷，或核对它是不是连续工序。"),
        )
    limit = max((each for each in forced if each.kind == "限产"), key=lambda each: each.part, default=None)
    if limit is not None and limit.part > _WHOLE - line.least_load:
        yield about_line(
            inventory,
            line,
            "warning",
            "measures",
            say(
                "“{name}”压减 {part}%，剩下的低于最低负荷 {least}%。",
                name=limit.name,
                part=percent(limit.part),
                least=percent(line.least_load),
            ),
            say("请改为停产或少压一些。"),
        )


def _check_evidence(inventory: Inventory, line: Line, of_line: OfLine) -> Iterator[Finding]:
    """可操作、可监测、可核查: a meter, an outlet or some other evidence."""
    measures = [each for level in LEVELS for each in _forced(of_line, level)]
    bare = next((each for each in measures if each.evidence is None), None)
    if bare is not None and not line.meter and not line.outlet:
        yield about_line(
            inventory,
            line,
            "warning",
            "evidence",
            say("“{name}”无法核查：没有电表户号、排放口编号，也没有写核查方式。", name=bare.name),
            say("请补上一种能证明停限产的凭据。"),
        )
    for evidence, held, what in (
        ("用电", line.meter, say("电表户号")),
        ("在线监测", line.outlet, say("排放口编号")),
    ):
        if not held and any(each.evidence == evidence for each in measures):
            yield about_line(
                inventory,
                line,
                "warning",
                "evidence",
                say("核查方式是“{evidence}”，但没有填{what}。", evidence=evidence, what=what),
                say("请补填，或改选别的核查方式。"),
            )


def _check_grade(inventory: Inventory, firm: Firm, line: Line, of_line: OfLine) -> Iterator[Finding]:
    forced = [level for level in LEVELS if _forced(of_line, level)]
    if firm.grade in VOLUNTARY_GRADES and forced:
        yield about_line(
            inventory,
            line,
            "warning",
            "grade",
            say("{grade} 级企业自主减排，{levels}却要求停限产。", grade=firm.grade, levels=_levels(forced)),
            say("请改为自主减排；等级已经变动的，先更新绩效等级。"),
        )
    if firm.grade == "D" and inventory.filed and any(line.daily) and not firm.stopped:
        running = [
            level
            for level in LEVELS
            if not any(each.part == _WHOLE and each.kind in OF_PRODUCTION for each in of_line.get(level, ()))
        ]
        if running and not line.continuous:
            yield about_line(
                inventory,
                line,
                "warning",
                "grade",
                say("D 级企业各级预警都应停产，{levels}没有停。", levels=_levels(running)),
                say("请改为停产；工艺或安全上不能停的，标明连续工序。"),
            )


def _check_guarantee(inventory: Inventory, firm: Firm, line: Line, of_line: OfLine) -> Iterator[Finding]:
    if not firm.guarantee or firm.guarantee_level is None:
        return
    order = list(LEVELS)
    last = order.index(firm.guarantee_level)
    inside = [level for level in order[: last + 1] if _forced(of_line, level)]
    if inside:
        yield about_line(
            inventory,
            line,
            "warning",
            "guarantee",
            say(
                "{guarantee}保障到{level}，{levels}却要求停限产。",
                guarantee=firm.guarantee,
                level=LEVEL_NAMES[firm.guarantee_level],
                levels=_levels(inside),
            ),
            say("请删去保障级别以内的停限产措施，或改保障最高级别。"),
        )
    beyond = [level for level in order[last + 1 :] if not of_line.get(level)]
    if (
        beyond
        and inventory.filed
        and any(line.daily)
        and not firm.stopped
        and firm.grade not in VOLUNTARY_GRADES
    ):
        yield about_line(
            inventory,
            line,
            "warning",
            "guarantee",
            say(
                "{guarantee}只保障到{level}，{levels}没有措施。",
                guarantee=firm.guarantee,
                level=LEVEL_NAMES[firm.guarantee_level],
                levels=_levels(beyond),
            ),
            say("请补上更高级别的措施。"),
        )


def _check_served(
    inventory: Inventory, line: Line, filed: Mapping[str, Mapping[Level, list[Filed]]]
) -> Iterator[Finding]:
    """A stopped boiler, and lines that run on it."""
    for level in LEVELS:
        if not _stands(filed.get(line.id, {}), level):
            continue
        running = [each for each in line.serves if not _stands(filed.get(each, {}), level)]
        if running:
            yield about_line(
                inventory,
                line,
                "warning",
                "measures",
                say(
                    "{level}预警公用设施停了，靠它生产的 {lines} 没有停。",
                    level=LEVEL_NAMES[level],
                    lines="、".join(own_number(each, line.firm) for each in running),
                ),
                say("请一起停，或让公用设施只降负荷。"),
            )
            return


def _stands(of_line: OfLine, level: Level) -> bool:
    return any(each.kind in OF_PRODUCTION and each.part == _WHOLE for each in of_line.get(level, ()))


def _check_validity(inventory: Inventory, firm: Firm, today: datetime.date | None) -> Iterator[Finding]:
    if today is not None and firm.grade_until is not None and firm.grade_until < today:
        yield about_firm(
            inventory,
            firm,
            "warning",
            "grade",
            say(
                "“{name}”的 {grade} 级有效期到 {until}，已经过期。",
                name=firm.name,
                grade=firm.grade,
                until=firm.grade_until.isoformat(),
            ),
            say("请复核等级；没有复核的，按城市规定降级。"),
        )


def _check_transport(inventory: Inventory, firm: Firm, lorries: Transport) -> Iterator[Finding]:
    counts = [lorries.usual, lorries.yellow, lorries.orange, lorries.red]
    for at, level in enumerate(LEVELS, 1):
        if counts[at] > counts[at - 1]:
            yield Finding(
                "warning",
                "transport",
                firm.code,
                None,
                say(
                    "“{name}”{level}预警的车次 {count} 比低一级的 {less} 多。",
                    name=firm.name,
                    level=LEVEL_NAMES[level],
                    count=counts[at],
                    less=counts[at - 1],
                ),
                say("级别越高，车次应不增加；请核对。"),
                find_place(inventory, "transport", firm.code),
            )
            return
