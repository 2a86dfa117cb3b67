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
from muheng.emergency.plan.problem import LEVEL_NAMES, LEVELS
from muheng.emergency.settings import Settings, part_of

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
    measures: Measures,
    settings: Settings,
    norms: Norms | None,
    notice: Mapping[str, int],
    levels: Sequence[Level],
    grades: Mapping[str, str],
) -> Permission:
    """``grades`` by firm, as they hold today; ``notice`` by level, in hours."""
    city = _City(inventory, measures, settings, norms, notice, levels, grades)
    found = Permission()
    for level in levels:
        found.possible[level] = [frozenset()] * len(city.lines)
        found.permitted[level] = [frozenset()] * len(city.lines)
    unkept: list[str] = []
    for i in _served_first(city):
        for level in levels:
            allowed = _keep_served(city, found, i, level, _allow(city, found, i, level))
            found.possible[level][i] = allowed
            ruling, found.permitted[level][i] = _rule(city, i, level, allowed)
            if ruling is not None:
                found.rulings[level, i] = ruling
            if city.binds(i, level) and city.filed(i, level) not in allowed:
                unkept.append(city.lines[i].id)
        _nest(found, i, levels)
    found.notes += _note(city, unkept)
    if norms is not None and settings.execution.whole_lines:
        found.firm_norms = _firm_norms(city, found, norms)
    return found


class _City:
    """The list with everything that is asked once and of many lines."""

    def __init__(
        self,
        inventory: Inventory,
        measures: Measures,
        settings: Settings,
        norms: Norms | None,
        notice: Mapping[str, int],
        levels: Sequence[Level],
        grades: Mapping[str, str],
    ) -> None:
        self.lines = sorted(inventory.lines, key=lambda line: line.id)
        self.firms = {firm.code: firm for firm in inventory.firms}
        self.measures, self.settings, self.norms = measures, settings, norms
        self.notice, self.levels, self.grades = notice, levels, grades
        number = {line.id: i for i, line in enumerate(self.lines)}
        self.served = [
            [number[each] for each in line.serves if each in number and each != line.id]
            for line in self.lines
        ]
        self.small = _small(self.lines, self.firms, settings)
        self.several = _several(self.lines, self.firms) if settings.execution.whole_lines else {}

    def firm(self, i: int) -> Firm:
        return self.firms[self.lines[i].firm]

    def grade(self, i: int) -> str:
        return self.grades[self.lines[i].firm]

    def options(self, i: int) -> tuple[Option, ...]:
        return self.measures.options[self.lines[i].id]

    def filed(self, i: int, level: Level) -> int | None:
        return self.measures.filed.get((self.lines[i].id, level))

    def binds(self, i: int, level: Level) -> bool:
        return self.settings.execution.filed == "bind" and self.filed(i, level) is not None

    def stops_whole(self, i: int) -> bool:
        """Whether it is one of several lines, of which whole ones stop."""
        return self.lines[i].firm in self.several and not self.lines[i].serves


# -- the process ---------------------------------------------------------------------------------------


def _allow(city: _City, found: Permission, i: int, level: Level) -> frozenset[int]:
    """What the line itself can do; that several lines stop whole ones yields to a filed plan that binds."""
    line, notice = city.lines[i], city.notice[level]
    whole = city.stops_whole(i) and not line.continuous and line.stop_hours <= notice
    kept = city.filed(i, level) if city.binds(i, level) else None
    allowed = set()
    for j, option in enumerate(city.options(i)):
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
        elif whole and option.limits and j != kept:
            why = say("企业有几条生产线，应整条停线，不逐条降负荷。")
        if why is None:
            allowed.add(j)
        else:
            found.barred[level, i, j] = why
    return frozenset(allowed)


def _keep_served(
    city: _City, found: Permission, i: int, level: Level, allowed: frozenset[int]
) -> frozenset[int]:
    """A shared facility may stop only where everything that hangs on it can."""
    options = city.options(i)
    for each in city.served[i]:
        permitted = found.permitted[level][each]  # none yet where facilities serve each other
        if not permitted or city.firm(each).stopped or city.options(each)[max(permitted)].stops:
            continue
        why = say("{line} 靠它生产，本级不停，所以它不能停。", line=city.lines[each].id)
        for j in allowed:
            if options[j].stops:
                found.barred[level, i, j] = why
        return frozenset(j for j in allowed if not options[j].stops)
    return allowed


def _served_first(city: _City) -> list[int]:
    """Lines in an order in which those that hang on a facility come before it; circles are cut at their smallest id."""
    order: list[int] = []
    seen = [False] * len(city.lines)
    for first in range(len(city.lines)):
        pending = [] if seen[first] else [(first, iter(city.served[first]))]
        seen[first] = True
        while pending:
            i, further = pending[-1]
            following = next((each for each in further if not seen[each]), None)
            if following is None:
                order.append(i)
                pending.pop()
            else:
                seen[following] = True
                pending.append((following, iter(city.served[following])))
    return order


# -- the rules -----------------------------------------------------------------------------------------

Left = tuple[Ruling | None, frozenset[int]]


def _rule(city: _City, i: int, level: Level, allowed: frozenset[int]) -> Left:
    """The first rule that fits, and what it leaves."""
    line, grade, options = city.lines[i], city.grade(i), city.options(i)
    mildest, strictest = frozenset({min(allowed)}), frozenset({max(allowed)})
    if city.firm(i).stopped:
        return Ruling("stopped", _LONG_STOPPED), mildest
    sparing = _sparing(city, i, level)
    if sparing is None and line.supply and _all_of_it(city.settings, line.supply):
        return _supplied(line.supply), frozenset(j for j in allowed if options[j].part == 0) or mildest
    if sparing is None and grade in city.settings.grades.stopped and not line.supply:
        why = _stop_by_grade(grade) if options[max(allowed)].stops else _strictest_by_grade(grade)
        return Ruling("stop_grade", why), strictest
    if sparing is None and line.firm in city.small:
        sparing = Ruling("small", _spared_as_small(city.settings))
    if sparing is not None:
        filed = city.filed(i, level)
        own_accord = filed is not None and filed in allowed and options[filed].kind == "自主减排"
        return sparing, frozenset({filed}) if own_accord and filed is not None else mildest
    return _follow_filed(city, i, level, allowed, _norm(city, i, level, allowed))


def _follow_filed(city: _City, i: int, level: Level, allowed: frozenset[int], normed: Left) -> Left:
    """What is filed, where that binds; not what is milder than a norm."""
    filed = city.filed(i, level)
    if not city.binds(i, level) or filed is None:
        return normed
    ruling, left = normed
    name = city.options(i)[filed].name
    if filed in left:
        return Ruling("filed", say("已备案的一厂一策在本级是“{name}”。", name=name)), frozenset({filed})
    if ruling is not None and filed in allowed:
        why = say("{norm}备案的“{name}”达不到，不照此执行。", norm=ruling.why, name=name)
        return Ruling(ruling.rule, why), left
    return normed


def _sparing(city: _City, i: int, level: Level) -> Ruling | None:
    firm, grade, settings = city.firm(i), city.grade(i), city.settings
    guarantee = settings.find_guarantee(firm.guarantee) if firm.guarantee else None
    if guarantee is not None and guarantee.rule == "spared":
        most = min(guarantee.most, firm.guarantee_level or guarantee.most, key=LEVELS.index)
        if LEVELS.index(level) <= LEVELS.index(most):
            return Ruling("guarantee", _spared_by_guarantee(firm.guarantee, most))
    return Ruling("grade", _spared_by_grade(grade)) if grade in settings.grades.spared else None


def _all_of_it(settings: Settings, supply: str) -> bool:
    """Whether nothing less than all of a supply will do."""
    return not any(each.name == supply and each.part < 100 for each in settings.supply)


def _norm(city: _City, i: int, level: Level, allowed: frozenset[int]) -> Left:
    """A norm of a part is counted by lines where whole lines stop, and not here."""
    line, grade, trade = city.lines[i], city.grade(i), city.firm(i).trade
    norm = None if city.norms is None or line.supply else city.norms.find(trade, grade, line.step)
    least = 0 if norm is None else int(norm.least(level).part * 10)
    if least == 0 or (city.stops_whole(i) and least < WHOLE):
        return None, allowed
    left = frozenset(j for j in allowed if city.options(i)[j].part >= least)
    if left:
        return Ruling("norm", _least_by_norm(trade, grade, least)), left
    return Ruling("norm", _strictest_by_norm(trade, grade, least)), frozenset({max(allowed)})


def _firm_norms(city: _City, found: Permission, norms: Norms) -> list[tuple[str, tuple[Fraction, ...]]]:
    """Norms of a part, for who stops whole lines: counted by lines."""
    own: dict[str, list[int]] = defaultdict(list)
    for i, line in enumerate(city.lines):
        if any(line.daily) and not line.serves:
            own[line.firm].append(i)
    wanted = []
    for code in sorted(city.several):
        norm = norms.find(city.firms[code].trade, city.grades[code])
        if norm is None:
            continue
        parts = tuple(
            part_of(norm.least(level).part)
            if norm.least(level).part < 100 and all((level, i) not in found.rulings for i in own[code])
            else Fraction(0)
            for level in city.levels
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


def _note(city: _City, unkept: Sequence[str]) -> list[Message]:
    """What people should know of the list: who is guaranteed for nothing, what is filed and cannot be done."""
    notes = []
    delivering = {line.firm for line in city.lines if line.supply}
    silent = [
        firm.name
        for code, firm in sorted(city.firms.items())
        if code not in delivering
        and (own := city.settings.find_guarantee(firm.guarantee)) is not None
        and own.rule == "supply"
    ]
    if silent:
        notes.append(
            say(
                "{count} 家企业按供应量保障，但没有生产线写明供应什么，不受保障：{firms}。",
                count=len(silent),
                firms=some(silent),
            )
        )
    if unkept:
        lines = sorted(set(unkept))
        notes.append(
            say(
                "{count} 条生产线备案的措施工艺上做不到，未照此执行：{lines}。",
                count=len(lines),
                lines=some(lines),
            )
        )
    return notes


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

_LONG_STOPPED = say("企业长期停产，不排放，也不计减排。")
_LATER = say("下一级不允许这样严，为逐级加严，本级也不用。")


@cache
def _supplied(supply: str) -> Ruling:
    return Ruling("supply", say("它保障{supply}，供应一概不减。", supply=supply))


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
