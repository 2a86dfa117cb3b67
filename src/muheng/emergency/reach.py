"""When a ratio cannot be reached: which pollutant, how far it can go, and whose exemption would close the gap.

Each pollutant's reach is exact by itself (every line on what cuts most of it); together they can be less, which only
the plan shows. What to do about it is for people.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import Mass
from muheng.emergency.options import Built
from muheng.emergency.permission import SPARING, Rule
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.problem import LEVEL_NAMES, Integers, Problem

NAMES = ("SO2", "NOx", "PM", "VOCs")
_LIFTED: tuple[Rule, ...] = (*SPARING, "supply", "filed")
_SHOWN = 5


@dataclass(frozen=True)
class Limit:
    """One pollutant at one level; mass in the problem's units."""

    pollutant: str
    need: int
    most: int
    """With every line on what cuts most of it."""
    short: int
    """What the plan lacks; without a plan, what is lacking even so."""
    asked: Fraction | None
    """Ratio of the base, where the base is known."""
    reachable: Fraction | None


@dataclass(frozen=True)
class Closer:
    """An enterprise whose exemption stands in the way."""

    firm: str
    name: str
    rules: tuple[Rule, ...]
    adds: Mass
    """What more its lines could cut."""


@dataclass(frozen=True)
class Reach:
    """One level."""

    level: str
    limits: tuple[Limit, Limit, Limit, Limit]
    closers: tuple[Closer, ...]
    """Enough to close the gap, few; or all that add anything, where ``closes`` is False."""
    closes: bool
    notice: tuple[int, Mass] | None
    """With so many hours of notice, so much more could be cut."""
    held: Mass
    """What processes that cannot stop, or not so far, keep from being cut."""
    said: tuple[Message, ...]

    @property
    def feasible(self) -> bool:
        return not any(limit.short for limit in self.limits)


def find_reach(problem: Problem) -> Integers:
    """(levels, 4): the most that can be cut of each pollutant by itself."""
    rows = [
        _most(problem, None if problem.permitted is None else problem.permitted[v]).sum(axis=0)
        for v in range(len(problem.levels))
    ]
    return np.array(rows, np.int64).reshape(-1, 4)


def explain_reach(plan: Plan, built: Built | None = None) -> tuple[Reach, ...]:
    """By level; nothing is said of one that is reached."""
    most = find_reach(plan.problem)
    return tuple(_explain_level(plan, built, v, most[v]) for v in range(len(plan.levels)))


def lift_exemptions(built: Built, firms: Collection[str]) -> Problem:
    """The problem with these enterprises asked like others: whatever the process allows, at every level."""
    problem = built.problem
    assert problem.permitted is not None
    codes = {i for i, code in enumerate(problem.firms.names) if code in firms}
    lines = np.isin(problem.firms.codes, list(codes))
    permitted = problem.permitted.copy()
    for v in range(len(problem.levels)):
        ruled = np.array(
            [
                (own := built.rulings.get((v, i))) is not None and own.rule in _LIFTED
                for i in range(len(lines))
            ]
        )
        free = (lines & ruled)[problem.line_of]
        permitted[v, free] = built.possible[v, free]
    return replace(problem, permitted=permitted)


def _most(problem: Problem, permitted: NDArray[np.bool_] | None) -> Integers:
    able = problem.reduction if permitted is None else np.where(permitted[:, None], problem.reduction, 0)
    most: Integers = np.maximum.reduceat(able, problem.start[:-1], axis=0)
    return most


def _explain_level(plan: Plan, built: Built | None, v: int, most: Integers) -> Reach:
    problem, figures = plan.problem, plan.levels[v]
    limits = tuple(
        Limit(
            NAMES[p],
            _due(problem, built, v, p),
            int(most[p]),
            figures.shortfall[p],
            None if built is None else built.needs[v].ratio[p],
            _reachable(built, v, p, int(figures.reductions[p])) if figures.shortfall[p] else None,
        )
        for p in range(4)
    )
    four = (limits[0], limits[1], limits[2], limits[3])
    if figures.feasible:
        return Reach(figures.level, four, (), False, None, (0, 0, 0, 0), ())
    said = [_say_limit(problem, figures.level, limit) for limit in four if limit.short]
    closers: tuple[Closer, ...] = ()
    closes, notice, held = False, None, (0, 0, 0, 0)
    if built is not None:
        closers, left = _find_closers(built, v, figures.shortfall)
        closes = not any(left)
        notice = _find_notice(built, v, figures.shortfall)
        held = _find_held(built, v)
        said += _say_closers(problem, closers, closes, left)
        if notice is not None:
            said.append(
                say(
                    "提前 {hours} 小时通知，还能多减 {amounts}。",
                    hours=notice[0],
                    amounts=_say_masses(problem, notice[1], figures.shortfall),
                )
            )
    if any(mass for mass, lacking in zip(held, figures.shortfall, strict=True) if lacking):
        said.append(
            say(
                "工艺不能停或不能再降，少减 {amounts}：只有治理提升才减得下来。",
                amounts=_say_masses(problem, held, figures.shortfall),
            )
        )
    beyond = [limit.pollutant for limit in four if limit.short and limit.most >= limit.need]
    if beyond:
        said.append(
            say(
                "{pollutants}单独看达得到，合在一起（或加上其他限制）达不到。",
                pollutants="、".join(beyond),
            )
        )
    return Reach(figures.level, four, closers, closes, notice, held, tuple(said))


def _due(problem: Problem, built: Built | None, v: int, p: int) -> int:
    if built is not None and problem.pool is not None and p < 2:
        return built.needs[v].lines[p]
    return int(problem.need[v, p])


def _reachable(built: Built | None, v: int, p: int, cut: int) -> Fraction | None:
    if built is None or not built.needs[v].base[p]:
        return None
    return Fraction(cut + built.needs[v].others[p], built.needs[v].base[p])


# -- whose exemption --------------------------------------------------------------------------------------


def _find_closers(built: Built, v: int, short: Sequence[int]) -> tuple[tuple[Closer, ...], tuple[int, ...]]:
    """Greedily those that add most to what is lacking, then without those that turned out not to be needed."""
    candidates = _list_closers(built, v)
    wanted = list(short)
    need = [max(int(built.problem.need[v, p]), 1) for p in range(4)]
    taken: list[Closer] = []
    while any(wanted):
        scored = [
            (sum((Fraction(min(each.adds[p], wanted[p]), need[p]) for p in range(4)), Fraction(0)), each)
            for each in candidates
            if each not in taken
        ]
        gain, best = max(
            scored, key=lambda pair: (pair[0], pair[1].adds, pair[1].firm), default=(Fraction(0), None)
        )
        if best is None or not gain:
            break
        taken.append(best)
        wanted = [max(left - adds, 0) for left, adds in zip(wanted, best.adds, strict=True)]
    if not any(wanted):
        for each in sorted(taken, key=lambda each: (sum(each.adds), each.firm)):
            others = [other for other in taken if other is not each]
            if all(sum(other.adds[p] for other in others) >= short[p] for p in range(4)):
                taken = others
    return tuple(taken), tuple(wanted)


def _list_closers(built: Built, v: int) -> list[Closer]:
    """Every enterprise that is spared something it could do."""
    problem = built.problem
    assert problem.permitted is not None
    more = _most(problem, built.possible[v]) - _most(problem, problem.permitted[v])
    adds: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 4)
    rules: defaultdict[str, list[Rule]] = defaultdict(list)
    for i in np.flatnonzero(more.any(axis=1)).tolist():
        ruling = built.rulings.get((v, i))
        if ruling is None or ruling.rule not in _LIFTED:
            continue
        code = problem.firms.names[int(problem.firms.codes[i])]
        for p in range(4):
            adds[code][p] += int(more[i, p])
        if ruling.rule not in rules[code]:
            rules[code].append(ruling.rule)
    names = {firm.code: firm.name for firm in built.inventory.firms}
    return [
        Closer(code, names[code], tuple(rules[code]), (own[0], own[1], own[2], own[3]))
        for code, own in sorted(adds.items())
    ]


def _find_notice(built: Built, v: int, short: Sequence[int]) -> tuple[int, Mass] | None:
    """What lines that need longer to stop than they are told ahead could add."""
    problem = built.problem
    level = problem.levels[v]
    lines = sorted(built.inventory.lines, key=lambda line: line.id)
    assert problem.permitted is not None
    now = _most(problem, problem.permitted[v])
    hours, adds = 0, [0] * 4
    for i, line in enumerate(lines):
        if line.continuous or line.stop_hours <= built.notice[level] or (v, i) in built.rulings:
            continue
        stops = [option for option in built.line_options(i) if built.options[option].stops]
        gained = [
            max((int(problem.reduction[option, p]) for option in stops), default=0) - int(now[i, p])
            for p in range(4)
        ]
        if any(gained[p] > 0 and short[p] for p in range(4)):
            hours = max(hours, line.stop_hours)
            adds = [total + max(each, 0) for total, each in zip(adds, gained, strict=True)]
    return (hours, (adds[0], adds[1], adds[2], adds[3])) if hours else None


def _find_held(built: Built, v: int) -> Mass:
    """What continuous processes keep lines that are asked from cutting."""
    problem = built.problem
    more = _most(problem, None) - _most(problem, built.possible[v])
    asked = np.array(
        [
            line.continuous
            and ((ruling := built.rulings.get((v, i))) is None or ruling.rule not in (*_LIFTED, "stopped"))
            for i, line in enumerate(sorted(built.inventory.lines, key=lambda line: line.id))
        ]
    )
    so2, nox, pm, voc = (int(each) for each in more[asked].sum(axis=0))
    return so2, nox, pm, voc


# -- in words ---------------------------------------------------------------------------------------------


def _say_limit(problem: Problem, level: str, limit: Limit) -> Message:
    values = {
        "level": LEVEL_NAMES[level],
        "pollutant": limit.pollutant,
        "need": kilograms(problem, limit.need),
        "short": kilograms(problem, limit.short),
    }
    if limit.asked is None or limit.reachable is None:
        return say("{level}：{pollutant} 应减 {need} 千克/日，还差 {short} 千克/日。", **values)
    return say(
        "{level}：{pollutant} 应减 {need} 千克/日，还差 {short} 千克/日；要求 {asked}，最高只能到 {reachable}。",
        **values,
        asked=percent(limit.asked),
        reachable=percent(limit.reachable),
    )


def _say_closers(
    problem: Problem, closers: Sequence[Closer], closes: bool, left: Sequence[int]
) -> list[Message]:
    if not closers:
        return [say("没有企业因免于强制而留有余地：只能调整比例、基数或其他源的减排。")]
    names = "、".join(each.name for each in closers[:_SHOWN])
    shown: Message | str = (
        names if len(closers) <= _SHOWN else say("{names}等 {count} 家", names=names, count=len(closers))
    )
    if closes:
        return [say("{firms}现在免于强制；不再免除，就能补上缺口。", firms=shown)]
    return [
        say(
            "{firms}现在免于强制；即使都不再免除，仍差 {amounts}。",
            firms=shown,
            amounts=_say_masses(problem, left, left),
        )
    ]


def _say_masses(problem: Problem, masses: Sequence[int], shown: Sequence[int]) -> Message:
    parts = [
        say("{pollutant} {amount} 千克/日", pollutant=name, amount=kilograms(problem, mass))
        for name, mass, wanted in zip(NAMES, masses, shown, strict=True)
        if wanted
    ]
    joined = parts[0]
    for each in parts[1:]:
        joined = say("{one}、{other}", one=joined, other=each)
    return joined


def kilograms(problem: Problem, mass: int) -> str:
    """With no more decimals than there are, three at most, rounded up: nobody is told that less will do."""
    unit = 10**problem.mass_digits
    thousandths = math.ceil(Fraction(mass * 1000, unit))
    text = f"{thousandths / 1000:,.3f}" if thousandths % 1000 else f"{thousandths // 1000:,}"
    return text.rstrip("0") if "." in text else text


def percent(part: Fraction) -> str:
    """Two decimals, rounded down: what is reachable is not made more."""
    hundredths = math.floor(part * 10_000)
    return f"{hundredths / 100:.2f}".rstrip("0").rstrip(".") + "%"
