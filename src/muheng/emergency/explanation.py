"""Why each line does what the plan says: what it loses, what its cuts are worth at the prices, and what else it could do.

The prices are reference prices, of the problem without whole measures. Where a line strays from them, the reason is
looked for in what holds lines together. Sentences are made for one line at a time; figures for all at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.emergency.options import Built
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.problem import LEVEL_NAMES, Demand, Integers, Link, Problem
from muheng.standards.rounding import unscale

Floats = NDArray[np.float64]

Reason = Literal[
    "price",
    "only",
    "nested",
    "closing",
    "enough",
    "filed",
    "cap",
    "county",
    "demand",
    "link",
    "grades",
    "fair",
    "gap",
    "short",
]
REASONS: tuple[Reason, ...] = (
    "price", "only", "nested", "closing", "enough", "filed", "cap", "county", "demand", "link", "grades", "fair", "gap",
    "short",
)  # fmt: skip
LABELS: Mapping[Reason, Message] = {
    "price": say("损失最省"),
    "only": say("只此一项"),
    "nested": say("逐级加严"),
    "closing": say("凑足零头"),
    "enough": say("已经减够"),
    "filed": say("沿用备案"),
    "cap": say("企业上限"),
    "county": say("县区份额"),
    "demand": say("最低要求"),
    "link": say("公用设施"),
    "grades": say("等级次序"),
    "fair": say("同类均衡"),
    "gap": say("误差以内"),
    "short": say("尽力减排"),
}


@dataclass(frozen=True)
class Weighed:
    """One option of a line at one level, at the prices; money in the problem's units, worth and net rounded."""

    option: int
    name: str
    loss: int
    """Or the charge, where losses are weighed by the season."""
    worth: int
    net: int
    """Loss less worth: below nought where its cuts are worth more than they cost."""
    chosen: bool
    permitted: bool
    left_out: Message | None
    """Why it may not be chosen."""


@dataclass(frozen=True)
class Answer:
    """To “why me?”, for one line at one level."""

    line: str
    level: str
    option: str
    reason: Reason
    loss: int
    worth: int
    stray: int
    """How much more than the option that is cheapest at the prices."""
    why: Message
    change: Message | None
    """What would have to be otherwise for another measure."""
    weighed: tuple[Weighed, ...]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Of a whole plan; arrays are (levels, lines)."""

    plan: Plan
    built: Built | None
    prices: Floats
    """(levels, 4): money units for each unit of mass."""
    best: NDArray[np.int64]
    """The option that is cheapest at the prices of those permitted."""
    worth: Floats
    """Of the option chosen."""
    stray: Floats
    reason: NDArray[np.int8]
    """Places in ``REASONS``."""

    def count(self, v: int) -> dict[Reason, int]:
        """How many lines at a level are there for each reason, the most frequent first."""
        counts = np.bincount(self.reason[v], minlength=len(REASONS))
        order = sorted(range(len(REASONS)), key=lambda code: (-int(counts[code]), code))
        return {REASONS[code]: int(counts[code]) for code in order if counts[code]}

    def answer(self, line: int, v: int) -> Answer:
        return _Speech(self, line, v).answer()

    def find(self, line: str) -> int:
        """The place of a line. Raises KeyError."""
        place = self.plan.problem.lines.search_sorted(line)
        if place >= len(self.plan.problem.lines) or self.plan.problem.lines[place] != line:
            raise KeyError(line)
        return int(place)

    def table(self) -> pl.DataFrame:
        """A row for each line and level: what it does, loses, what that is worth, by how much it strays, and why."""
        problem = self.plan.problem
        money, n = problem.money_digits, len(problem.lines)
        names = pl.Series("option", problem.options.names, pl.String)
        words = pl.Series("why", [str(LABELS[reason]) for reason in REASONS], pl.String)
        parts = []
        for v, level in enumerate(problem.levels):
            chosen = self.plan.chosen[v]
            parts.append(
                pl.DataFrame(
                    {
                        "line": problem.lines,
                        "level": pl.repeat(level, n, eager=True, dtype=pl.String),
                        "option": names.gather(problem.options.codes[chosen]),
                        "loss": problem.loss[chosen] / 10**money,
                        "worth": np.round(self.worth[v] / 10**money, money),
                        "stray": np.round(self.stray[v] / 10**money, money),
                        "reason": words.gather(self.reason[v]),
                    }
                )
            )
        return pl.concat(parts)


def explain(plan: Plan, built: Built | None = None) -> Explanation:
    """``built`` says what the rules left out; without it (a plain folder) the figures speak alone."""
    problem = plan.problem
    charge = problem.loss if problem.charge is None else problem.charge
    unit = 10.0 ** (problem.money_digits - problem.mass_digits)
    prices = np.array([figures.prices for figures in plan.levels], np.float64) * unit
    shape = plan.chosen.shape
    best, worth, stray = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
    reason = np.zeros(shape, np.int8)
    most = _tolerance(problem, charge)
    for v in range(shape[0]):
        value = problem.reduction @ prices[v]
        net = charge - value
        if problem.permitted is not None:
            net[~problem.permitted[v]] = np.inf
        best[v] = _least(net, problem)
        worth[v] = value[plan.chosen[v]]
        stray[v] = np.maximum(charge[plan.chosen[v]] - worth[v] - net[best[v]], 0.0)
        single = _count_permitted(problem, v) == 1
        strays = (stray[v] > most) & ~single
        reason[v, single] = REASONS.index("only")
        ties = _Ties(plan, v, net)
        for line in np.flatnonzero(strays).tolist():
            reason[v, line] = REASONS.index(ties.find_reason(line, int(best[v, line])))
        stray[v, ~strays] = 0.0
    return Explanation(plan, built, prices, best, worth, stray, reason)


def _tolerance(problem: Problem, charge: Integers) -> float:
    """Below this a line follows the prices: a yuan, or less where everything is small."""
    losses = charge[charge > 0]
    typical = float(np.median(losses)) if len(losses) else 0.0
    return min(10.0**problem.money_digits, typical / 1000)


def _least(net: Floats, problem: Problem) -> NDArray[np.int64]:
    """Of each line the option with the least net; of several the mildest."""
    least = np.minimum.reduceat(net, problem.start[:-1])
    hit = np.flatnonzero(net == least[problem.line_of])
    found = np.zeros(len(problem.lines), np.int64)
    found[problem.line_of[hit[::-1]]] = hit[::-1]
    return found


def _count_permitted(problem: Problem, v: int) -> Integers:
    if problem.permitted is None:
        return np.diff(problem.start)
    counts: Integers = np.add.reduceat(problem.permitted[v].astype(np.int64), problem.start[:-1])
    return counts


# -- why a line strays -----------------------------------------------------------------------------------


class _Ties:
    """What holds lines together at one level, by line."""

    def __init__(self, plan: Plan, v: int, net: Floats) -> None:
        self.plan, self.v, self.net = plan, v, net
        self.problem: Problem = plan.problem
        self.row = plan.chosen[v]
        self.demands: defaultdict[int, list[Demand]] = defaultdict(list)
        for demand in self.problem.demands:
            for line in np.unique(self.problem.line_of[demand.options]).tolist():
                self.demands[line].append(demand)
        self.links: defaultdict[int, list[Link]] = defaultdict(list)
        for link in self.problem.links:
            for line in (link.line, *link.served):
                self.links[line].append(link)
        self.mildest, self.strictest = _ends(self.problem, v)

    def find_reason(self, line: int, best: int) -> Reason:
        """The first thing that stands in the way of the option that is cheapest at the prices."""
        problem, chosen, wanted = self.problem, int(self.row[line]), best
        low, high = self._room(line)
        if not low <= wanted <= high:
            inside = np.arange(low, high + 1)
            wanted = int(inside[np.argmin(self.net[inside])])
            if self.net[chosen] <= self.net[wanted] + _tolerance(problem, problem.loss):
                return "nested"
        if (rule := self._broken_rule(line, chosen, wanted)) is not None:
            return rule
        if self._would_miss(chosen, wanted):
            return "closing" if self.plan.levels[self.v].feasible else "short"
        if problem.filed is not None and problem.filed[self.v, line] == chosen:
            return "filed"
        if problem.band is not None:
            return "fair"
        if problem.grade_order:
            return "grades"
        return "enough" if problem.reduction[wanted].sum() > problem.reduction[chosen].sum() else "gap"

    def _room(self, line: int) -> tuple[int, int]:
        """What the levels beside it leave."""
        chosen, v = self.plan.chosen, self.v
        low = int(chosen[v - 1, line]) if v else int(self.problem.start[line])
        high = int(chosen[v + 1, line]) if v + 1 < len(chosen) else int(self.problem.start[line + 1]) - 1
        return low, high

    def _broken_rule(self, line: int, chosen: int, wanted: int) -> Reason | None:
        """What would be broken with ``wanted`` instead."""
        problem = self.problem
        if any(self._unlinked(link, line, wanted) for link in self.links.get(line, ())):
            return "link"
        for demand in self.demands.get(line, ()):
            left = dict(zip(demand.options.tolist(), demand.output.tolist(), strict=True))
            taken = self.row[problem.line_of[demand.options]] == demand.options
            total = int(demand.output[taken].sum()) - left.get(chosen, 0) + left.get(wanted, 0)
            if total < demand.least[self.v]:
                return "demand"
        if problem.firm_cap is not None:
            firm = int(problem.firms.codes[line])
            own = problem.firms.codes == firm
            extra = int((problem.loss[self.row[own]] - problem.loss[self.mildest[own]]).sum())
            if extra + int(problem.loss[wanted] - problem.loss[chosen]) > int(problem.firm_cap[firm]):
                return "cap"
        if problem.county_need is not None:
            county = int(problem.counties.codes[line])
            cut = problem.reduction[self.row[problem.counties.codes == county]].sum(axis=0)
            after = cut - problem.reduction[chosen] + problem.reduction[wanted]
            if ((after < problem.county_need[self.v, county]) & (after < cut)).any():
                return "county"
        return None

    def _unlinked(self, link: Link, line: int, wanted: int) -> bool:
        facility = wanted if line == link.line else int(self.row[link.line])
        if facility - int(self.problem.start[link.line]) < link.limit:
            return False
        return any(
            (wanted if each == line else self.row[each]) < self.strictest[each] for each in link.served
        )

    def _would_miss(self, chosen: int, wanted: int) -> bool:
        """Whether the ratios would no longer be reached as they are."""
        problem, figures = self.problem, self.plan.levels[self.v]
        after = [
            int(figures.reductions[p] - problem.reduction[chosen, p] + problem.reduction[wanted, p])
            + figures.shortfall[p]
            for p in range(4)
        ]
        first = 0
        if problem.pool is not None:
            first = 2
            cut = sum((Fraction(after[p], problem.pool.base[p]) for p in (0, 1)), Fraction(0))
            if cut < problem.pool.need[self.v]:
                return True
        return any(after[p] < int(problem.need[self.v, p]) for p in range(first, 4))


def _ends(problem: Problem, v: int) -> tuple[Integers, Integers]:
    """The mildest and the strictest option of each line that the level permits."""
    if problem.permitted is None:
        return problem.start[:-1], problem.start[1:] - 1
    m = len(problem.loss)
    place = np.arange(m)
    first: Integers = np.minimum.reduceat(np.where(problem.permitted[v], place, m), problem.start[:-1])
    last: Integers = np.maximum.reduceat(np.where(problem.permitted[v], place, -1), problem.start[:-1])
    return first, last


# -- in words --------------------------------------------------------------------------------------------


class _Speech:
    """The sentences of one line at one level."""

    def __init__(self, explanation: Explanation, line: int, v: int) -> None:
        self.of, self.line, self.v = explanation, line, v
        self.problem: Problem = explanation.plan.problem
        self.built = explanation.built
        self.chosen = int(explanation.plan.chosen[v, line])
        self.charged = self.problem.charge is not None
        self.charge = self.problem.loss if self.problem.charge is None else self.problem.charge

    def answer(self) -> Answer:
        weighed = tuple(self._weigh(option) for option in range(*self._span()))
        own = weighed[self.chosen - self._span()[0]]
        reason = REASONS[int(self.of.reason[self.v, self.line])]
        return Answer(
            self.problem.lines[self.line],
            self.problem.levels[self.v],
            own.name,
            reason,
            int(self.problem.loss[self.chosen]),
            own.worth,
            round(float(self.of.stray[self.v, self.line])),
            self._why(reason, own, weighed),
            self._change(reason, own, weighed),
            weighed,
        )

    def _span(self) -> tuple[int, int]:
        return int(self.problem.start[self.line]), int(self.problem.start[self.line + 1])

    def _weigh(self, option: int) -> Weighed:
        worth = round(float(self.problem.reduction[option] @ self.of.prices[self.v]))
        loss = int(self.charge[option])
        permitted = self.problem.permitted is None or bool(self.problem.permitted[self.v, option])
        left_out = None if permitted or self.built is None else self.built.left_out(self.v, option)
        name = self.problem.options.names[int(self.problem.options.codes[option])]
        return Weighed(option, name, loss, worth, loss - worth, option == self.chosen, permitted, left_out)

    def _why(self, reason: Reason, own: Weighed, weighed: Sequence[Weighed]) -> Message:
        best = self._name(int(self.of.best[self.v, self.line]))
        extra = self._yuan(round(float(self.of.stray[self.v, self.line])))
        values: dict[str, Any] = {"name": own.name, "best": best, "extra": extra}
        match reason:
            case "only":
                ruling = None if self.built is None else self.built.rulings.get((self.v, self.line))
                if ruling is not None:
                    return ruling.why
                barred = [each.left_out for each in weighed if each.left_out is not None]
                if barred:
                    return say("只能是“{name}”：{why}", name=own.name, why=barred[0])
                return say("只能是“{name}”，没有别的措施可选。", name=own.name)
            case "price":
                return self._at_the_prices(own, weighed)
            case "nested":
                return self._nested(own, best, extra)
            case "closing":
                return say("为凑足减排量的零头而选“{name}”，按参考价比“{best}”多 {extra}。", **values)
            case "enough":
                return say("减排量已够，不必做到“{best}”；按参考价相差 {extra}。", **values)
            case "filed":
                return say("沿用备案的“{name}”，少一处改动；按参考价比“{best}”多 {extra}。", **values)
            case "cap":
                return say(
                    "再严就超过企业一天损失的上限，所以不取“{best}”，取“{name}”；按参考价相差 {extra}。",
                    **values,
                )
            case "county":
                return say(
                    "所在县区要达到最低份额，所以不取“{best}”，取“{name}”；按参考价多 {extra}。", **values
                )
            case "demand":
                return say("换成“{best}”就低于最低要求，所以取“{name}”；按参考价多 {extra}。", **values)
            case "link":
                return say(
                    "它与公用设施连在一起，要一同安排，所以取“{name}”；按参考价比“{best}”多 {extra}。",
                    **values,
                )
            case "grades":
                return say(
                    "同行业绩效好的不能比差的减得多，所以取“{name}”；按参考价比“{best}”多 {extra}。", **values
                )
            case "fair":
                return say("为了同类企业之间均衡，取“{name}”；按参考价比“{best}”多 {extra}。", **values)
            case "short":
                return say(
                    "减排量达不到要求，能减的都减，所以取“{name}”；按参考价比“{best}”多 {extra}。", **values
                )
            case "gap":
                return say("在求解误差以内：按参考价比“{best}”多 {extra}。", best=best, extra=extra)

    def _at_the_prices(self, own: Weighed, weighed: Sequence[Weighed]) -> Message:
        others = [each for each in weighed if each.permitted and not each.chosen]
        if own.loss == 0 and own.worth == 0:
            nearest = min(others, key=lambda each: (each.net, each.option))
            return say(
                "减它不划算：“{other}”要损失 {loss}，减下的量按参考价只值 {worth}。",
                other=nearest.name,
                loss=self._yuan(nearest.loss),
                worth=self._yuan(nearest.worth),
            )
        if self.charged:
            return say(
                "“{name}”的损失按轮换折算为 {loss}，减下的量按参考价值 {worth}，在可选的 {count} 项里最省。",
                name=own.name,
                loss=self._yuan(own.loss),
                worth=self._yuan(own.worth),
                count=len(others) + 1,
            )
        return say(
            "“{name}”损失 {loss}，减下的量按参考价值 {worth}，在可选的 {count} 项里最省。",
            name=own.name,
            loss=self._yuan(own.loss),
            worth=self._yuan(own.worth),
            count=len(others) + 1,
        )

    def _nested(self, own: Weighed, best: str, extra: Message) -> Message:
        """Which other level holds it."""
        stricter = int(self.of.best[self.v, self.line]) > self.chosen
        other = self.v + 1 if stricter else self.v - 1
        level = LEVEL_NAMES[self.problem.levels[other]]
        if stricter:
            return say(
                "{level}取“{name}”，本级不能更严，所以不取“{best}”；按参考价相差 {extra}。",
                level=level,
                name=self._name(int(self.of.plan.chosen[other, self.line])),
                best=best,
                extra=extra,
            )
        return say(
            "{level}已取“{name}”，本级不能更松，所以不取“{best}”；按参考价相差 {extra}。",
            level=level,
            name=self._name(int(self.of.plan.chosen[other, self.line])),
            best=best,
            extra=extra,
        )

    def _change(self, reason: Reason, own: Weighed, weighed: Sequence[Weighed]) -> Message | None:
        if reason == "only":
            ruling = None if self.built is None else self.built.rulings.get((self.v, self.line))
            match None if ruling is None else ruling.rule:
                case "stop_grade" | "norm":
                    return say("绩效等级提高后，要求放宽。")
                case "guarantee" | "small" | "grade":
                    return say("不再符合免于强制的条件时，才参加减排。")
                case "filed":
                    return say("修订备案的一厂一策后，才能改。")
            return None
        if reason != "price":
            return None
        others = [each for each in weighed if each.permitted and not each.chosen]
        nearest = min(others, key=lambda each: (each.net, each.option))
        margin = self._yuan(max(nearest.net - own.net, 0))
        if nearest.option > own.option:
            return say(
                "按参考价，“{other}”的损失要少 {margin} 以上，才会改为“{other}”。",
                other=nearest.name,
                margin=margin,
            )
        return say(
            "按参考价，“{name}”的损失要多 {margin} 以上，才会改为“{other}”。",
            name=own.name,
            other=nearest.name,
            margin=margin,
        )

    def _name(self, option: int) -> str:
        return self.problem.options.names[int(self.problem.options.codes[option])]

    def _yuan(self, value: int) -> Message:
        return say_money(value, self.problem.money_digits)


def say_money(value: int, digits: int = 2) -> Message:
    """Yuan with thousands apart, fen where there are any."""
    exact = unscale(value, digits)
    text = f"{exact:,.{digits}f}" if exact % 1 else f"{int(exact):,}"
    return say("{amount} 元", amount=text)


def explain_prices(plan: Plan, v: int) -> tuple[Message, ...]:
    """What the last kilogram of each pollutant costs at a level; one that isn't scarce costs nothing."""
    said = []
    for name, price in zip(("SO2", "NOx", "PM", "VOCs"), plan.levels[v].prices, strict=True):
        if price <= 0:
            said.append(say("{pollutant} 不紧：不再多减也达标。", pollutant=name))
        else:
            said.append(
                say("{pollutant} 最后一千克的代价 {price} 元。", pollutant=name, price=f"{price:,.2f}")
            )
    return tuple(said)
