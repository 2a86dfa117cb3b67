"""Which measures a line may be asked for at each level, and the reason for every one that it may not.

First what the process allows (short notice, least load, whole lines, shared facilities), then what the rules leave of it
(who is spared, who must stop, norms, filed plans). Levels are nested, so that a later one never forbids what an
earlier one demands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Literal

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import Firm, Inventory, Level, Line
from muheng.emergency.measures import WHOLE, Measures, Option, some
from muheng.emergency.norms import Norms
from muheng.emergency.plan.problem import LEVELS
from muheng.emergency.settings import Settings, part_of

LEVEL_NAMES = {"yellow": say("黄色"), "orange": say("橙色"), "red": say("红色")}

Rule = Literal["stopped", "guarantee", "grade", "supply", "stop_grade", "small", "norm", "filed"]
SPARING: tuple[Rule, ...] = ("guarantee", "grade", "small")


@dataclass(frozen=True)
class Ruling:
    """A rule that decides what is left for a line at a level."""

    rule: Rule
    why: Message


@dataclass
class Permission:
    """For each level a list over the lines; options by their place within the line."""

    possible: dict[str, list[frozenset[int]]] = field(default_factory=dict)
    """What the process allows."""
    permitted: dict[str, list[frozenset[int]]] = field(default_factory=dict)
    rulings: dict[tuple[str, int], Ruling] = field(default_factory=dict)
    """(level, line): the rule that left less than what is possible."""
    barred: dict[tuple[str, int, int], Message] = field(default_factory=dict)
    """(level, line, option): what the process does not allow, or a later level takes away, and why."""
    firm_norms: list[tuple[str, tuple[Fraction, ...]]] = field(default_factory=list)
    """Enterprises of several lines that stop whole ones: the part of their lines that stands at each level, at least."""
    notes: list[Message] = field(default_factory=list)


def permit(
    inventory: Inventory,
    lines: Sequence[Line],
    measures: Measures,
    settings: Settings,
    norms: Norms | None,
    notice: Mapping[str, int],
    levels: Sequence[Level],
    grades: Mapping[str, str],
) -> Permission:
    """``lines`` in the order of the problem; ``grades`` by firm, as they hold today."""
    found = Permission()
    firms = {firm.code: firm for firm in inventory.firms}
    several = _several(lines, firms)
    small = _small(lines, firms, settings)
    number = {line.id: i for i, line in enumerate(lines)}
    order = _served_first(lines, number)
    for level in levels:
        found.possible[level] = [frozenset()] * len(lines)
        found.permitted[level] = [frozenset()] * len(lines)
    for i in order:
        line, firm = lines[i], firms[lines[i].firm]
        options = measures.options[line.id]
        for level in levels:
            allowed = _allow(
                found,
                i,
                line,
                options,
                level,
                notice[level],
                settings,
                line.firm in several and not line.serves,
            )
            served = [number[each] for each in line.serves if each in number]
            allowed = _keep_served(found, i, options, level, allowed, served, lines, measures, firms)
            found.possible[level][i] = allowed
            ruling, left = _rule(
                line,
                firm,
                grades[firm.code],
                options,
                allowed,
                level,
                settings,
                norms,
                firm.code in small,
                firm.code in several and not line.serves,
                measures.filed.get((line.id, level)),
            )
            found.permitted[level][i] = left
            if ruling is not None:
                found.rulings[level, i] = ruling
        _nest(found, i, levels)
    found.notes += _unsupplied(lines, firms, settings)
    if norms is not None and settings.execution.whole_lines:
        found.firm_norms = _firm_norms(found, lines, firms, grades, several, norms, levels)
    return found


# -- the process ---------------------------------------------------------------------------------------


def _allow(
    found: Permission,
    i: int,
    line: Line,
    options: Sequence[Option],
    level: Level,
    notice: int,
    settings: Settings,
    several: bool,
) -> frozenset[int]:
    can_stop = not line.continuous and line.stop_hours <= notice
    allowed = set()
    for j, option in enumerate(options):
        why: Message | None = None
        if option.stops and line.continuous:
            why = say("连续工序，不能临时停产。")
        elif option.stops and line.stop_hours > notice:
            why = say(
                "停下来要 {hours} 小时，只提前 {notice} 小时通知。", hours=line.stop_hours, notice=notice
            )
        elif 0 < option.part < WHOLE and option.part > WHOLE - line.least_load:
            why = say(
                "负荷不能低于 {least}，这项措施要降到 {left}。",
                least=_percent(line.least_load),
                left=_percent(WHOLE - option.part),
            )
        elif settings.execution.whole_lines and several and option.limits and can_stop:
            why = say("企业有几条生产线，应整条停线，不逐条降负荷。")
        if why is None:
            allowed.add(j)
        else:
            found.barred[level, i, j] = why
    return frozenset(allowed)


def _keep_served(
    found: Permission,
    i: int,
    options: Sequence[Option],
    level: Level,
    allowed: frozenset[int],
    served: Sequence[int],
    lines: Sequence[Line],
    measures: Measures,
    firms: Mapping[str, Firm],
) -> frozenset[int]:
    """A shared facility may stop only where everything that hangs on it can."""
    for each in served:
        strictest = max(found.permitted[level][each])
        if not measures.options[lines[each].id][strictest].stops and not firms[lines[each].firm].stopped:
            why = say("{line} 靠它生产，本级不停，所以它不能停。", line=lines[each].id)
            for j in allowed:
                if options[j].stops:
                    found.barred[level, i, j] = why
            return frozenset(j for j in allowed if not options[j].stops)
    return allowed


def _served_first(lines: Sequence[Line], number: Mapping[str, int]) -> list[int]:
    """Lines in an order in which those that hang on a facility come before it; circles are cut at their smallest id."""
    order: list[int] = []
    seen = [False] * len(lines)
    served = [[number[each] for each in line.serves if each in number] for line in lines]
    for first in range(len(lines)):
        pending = [] if seen[first] else [(first, iter(served[first]))]
        seen[first] = True
        while pending:
            i, further = pending[-1]
            following = next((each for each in further if not seen[each]), None)
            if following is None:
                order.append(i)
                pending.pop()
            else:
                seen[following] = True
                pending.append((following, iter(served[following])))
    return order


# -- the rules -----------------------------------------------------------------------------------------


def _rule(
    line: Line,
    firm: Firm,
    grade: str,
    options: Sequence[Option],
    allowed: frozenset[int],
    level: Level,
    settings: Settings,
    norms: Norms | None,
    small: bool,
    several: bool,
    filed: int | None,
) -> tuple[Ruling | None, frozenset[int]]:
    mildest = frozenset({min(allowed)})
    strictest = frozenset({max(allowed)})
    binds = settings.execution.filed == "bind"
    if firm.stopped:
        return Ruling("stopped", say("企业长期停产，不排放，也不计减排。")), mildest
    sparing = _sparing(firm, grade, level, settings)
    supplies_all = line.supply and not any(
        each.name == line.supply and each.part < 100 for each in settings.supply
    )
    if sparing is None and supplies_all:
        why = say("它保障{supply}，供应一概不减。", supply=line.supply)
        return Ruling("supply", why), frozenset(j for j in allowed if options[j].part == 0) or mildest
    if sparing is None and grade in settings.grades.stopped and not line.supply:
        if options[max(allowed)].stops:
            return Ruling("stop_grade", _stop_by_grade(grade)), strictest
        return Ruling("stop_grade", _strictest_by_grade(grade)), strictest
    if sparing is None and small:
        sparing = Ruling("small", _spared_as_small(settings))
    if sparing is not None:
        if filed is not None and filed in allowed and options[filed].kind == "自主减排":
            return sparing, frozenset({filed})
        return sparing, mildest
    ruling, left = _norm(firm, grade, line, options, allowed, level, norms, settings, several)
    if binds and filed is not None:
        if filed in left:
            name = options[filed].name
            return Ruling("filed", say("已备案的一厂一策在本级是“{name}”。", name=name)), frozenset({filed})
        if ruling is not None and filed in allowed:
            name = options[filed].name
            why = say("{norm}备案的“{name}”达不到，不照此执行。", norm=ruling.why, name=name)
            return Ruling(ruling.rule, why), left
    return ruling, left


def _sparing(firm: Firm, grade: str, level: Level, settings: Settings) -> Ruling | None:
    guarantee = settings.find_guarantee(firm.guarantee) if firm.guarantee else None
    if guarantee is not None and guarantee.rule == "spared":
        most = min(guarantee.most, firm.guarantee_level or guarantee.most, key=LEVELS.index)
        if LEVELS.index(level) <= LEVELS.index(most):
            return Ruling("guarantee", _spared_by_guarantee(firm.guarantee, most))
    if grade in settings.grades.spared:
        return Ruling("grade", _spared_by_grade(grade))
    return None


def _norm(
    firm: Firm,
    grade: str,
    line: Line,
    options: Sequence[Option],
    allowed: frozenset[int],
    level: Level,
    norms: Norms | None,
    settings: Settings,
    several: bool,
) -> tuple[Ruling | None, frozenset[int]]:
    norm = None if norms is None or line.supply else norms.find(firm.trade, grade, line.step)
    if norm is None:
        return None, allowed
    least = int(norm.least(level).part * 10)
    if least == 0 or (several and settings.execution.whole_lines and least < WHOLE):
        return None, allowed
    left = frozenset(j for j in allowed if options[j].part >= least)
    if left:
        return Ruling("norm", _least_by_norm(firm.trade, grade, least)), left
    return Ruling("norm", _strictest_by_norm(firm.trade, grade, least)), frozenset({max(allowed)})


def _firm_norms(
    found: Permission,
    lines: Sequence[Line],
    firms: Mapping[str, Firm],
    grades: Mapping[str, str],
    several: Mapping[str, int],
    norms: Norms,
    levels: Sequence[Level],
) -> list[tuple[str, tuple[Fraction, ...]]]:
    """Norms of a part, for who stops whole lines: counted by lines, no more than can be reached."""
    wanted = []
    own: dict[str, list[int]] = defaultdict(list)
    for i, line in enumerate(lines):
        if any(line.daily) and not line.serves:
            own[line.firm].append(i)
    for code in sorted(several):
        firm = firms[code]
        norm = norms.find(firm.trade, grades[code])
        if norm is None:
            continue
        free = [all((level, i) not in found.rulings for i in own[code]) for level in levels]
        parts = tuple(
            part_of(norm.least(level).part) if free[v] and norm.least(level).part < 100 else Fraction(0)
            for v, level in enumerate(levels)
        )
        if any(parts):
            wanted.append((code, parts))
    return wanted


def _nest(found: Permission, i: int, levels: Sequence[Level]) -> None:
    """What a level permits must not lie wholly above what the next one still can: the milder level gives way."""
    for mild, strict in zip(levels[-2::-1], levels[:0:-1], strict=True):
        most = max(found.permitted[strict][i])
        left = frozenset(j for j in found.permitted[mild][i] if j <= most)
        if not left:
            below = [j for j in found.possible[mild][i] if j <= most]
            left = frozenset({max(below, default=min(found.possible[mild][i]))})
        for j in found.permitted[mild][i] - left:
            found.barred[mild, i, j] = _LATER
        found.permitted[mild][i] = left


def _unsupplied(lines: Sequence[Line], firms: Mapping[str, Firm], settings: Settings) -> list[Message]:
    """Who is guaranteed for what it delivers, and has no line that says what that is."""
    delivering = {line.firm for line in lines if line.supply}
    silent = [
        firm.name
        for code, firm in sorted(firms.items())
        if code not in delivering
        and (own := settings.find_guarantee(firm.guarantee)) is not None
        and own.rule == "supply"
    ]
    if not silent:
        return []
    return [
        say(
            "{count} 家企业按供应量保障，但没有生产线写明供应什么，不受保障：{firms}。",
            count=len(silent),
            firms=some(silent),
        )
    ]


def _several(lines: Sequence[Line], firms: Mapping[str, Firm]) -> dict[str, int]:
    """Firms with more than one line that emits, and how many; shared facilities aside."""
    count: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        if any(line.daily) and not line.serves and not firms[line.firm].stopped:
            count[line.firm] += 1
    return {code: lines for code, lines in count.items() if lines > 1}


def _small(lines: Sequence[Line], firms: Mapping[str, Firm], settings: Settings) -> set[str]:
    if settings.small is None:
        return set()
    yearly: dict[str, int | None] = dict.fromkeys(firms, 0)
    for line in lines:
        total = yearly[line.firm]
        for stated, daily in zip(line.yearly, line.daily, strict=True):
            if stated is None and daily and line.days is None:
                total = None  # not known to be small
            elif total is not None:
                total += stated if stated is not None else daily * (line.days or 0)
        yearly[line.firm] = total
    owners = {line.firm for line in lines}
    most = settings.small.yearly * 1000
    return {code for code in owners if (total := yearly[code]) is not None and total <= most}


def _percent(thousandths: int) -> str:
    return f"{thousandths // 10}%" if thousandths % 10 == 0 else f"{thousandths / 10}%"


# One Message each, whatever the number of lines.

_LATER = say("下一级不允许这样严，为逐级加严，本级也不用。")


@cache
def _stop_by_grade(grade: str) -> Message:
    return say("绩效 {grade} 级，各级都停产。", grade=grade)


@cache
def _strictest_by_grade(grade: str) -> Message:
    return say("绩效 {grade} 级应停产；工艺不允许停，取最严的一档。", grade=grade)


@cache
def _spared_by_grade(grade: str) -> Message:
    return say("绩效 {grade} 级，自主减排，不强制。", grade=grade)


@cache
def _spared_by_guarantee(kind: str, most: str) -> Message:
    return say("保障类（{kind}），到{level}为止不强制减排。", kind=kind, level=LEVEL_NAMES[most])


def _spared_as_small(settings: Settings) -> Message:
    yearly = settings.small.yearly if settings.small is not None else 0
    return say("小微涉气企业（四项合计每年不超过 {yearly} 千克），不强制减排。", yearly=f"{yearly:f}")


@cache
def _least_by_norm(trade: str, grade: str, least: int) -> Message:
    return say("{trade} {grade} 级在本级至少减 {least}。", trade=trade, grade=grade, least=_percent(least))


@cache
def _strictest_by_norm(trade: str, grade: str, least: int) -> Message:
    return say(
        "{trade} {grade} 级在本级至少减 {least}；工艺做不到，取最严的一档。",
        trade=trade,
        grade=grade,
        least=_percent(least),
    )
