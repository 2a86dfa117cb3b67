"""What is kept of a plan for its pages and for programs: by level the loss, its bound, cuts beside needs, prices, and
what cutting everybody alike would cost. Integers: fen and grams a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from muheng.documents.message import Message
from muheng.emergency.comparison import Alike, AsFiled, Comparison
from muheng.emergency.explanation import Explanation
from muheng.emergency.plan.problem import POLLUTANTS
from muheng.emergency.reach import Reach, explain_reach
from muheng.emergency.spread import Share, Spread, spread


def describe(explanation: Explanation, comparison: Sequence[Comparison], seconds: float) -> dict[str, Any]:
    """The figures of a plan with its explanation and the others beside it."""
    plan, built = explanation.plan, explanation.built
    assert built is not None
    problem = plan.problem
    levels: dict[str, Any] = {}
    for v, (figures, beside, borne) in enumerate(zip(plan.levels, comparison, spread(plan), strict=True)):
        need = built.needs[v]
        levels[figures.level] = {
            "loss": figures.loss,
            "bound": figures.bound,
            "gap": figures.gap,
            "feasible": figures.feasible,
            "reductions": list(figures.reductions),
            "need": list(need.lines),
            "shortfall": list(figures.shortfall),
            "prices": list(figures.prices),
            "base": list(need.base),
            "others": list(need.others),
            "ratio": [str(each) for each in need.ratio],
            "acting": beside.lines,
            "measures": _count_measures(explanation, v),
            "reasons": dict(explanation.count(v)),
            "uniform": _alike(beside.uniform),
            "uniform_offered": _alike(beside.uniform_offered),
            "graded": _alike(beside.graded),
            "filed": _as_filed(beside.filed),
            "changes": plan.changes[v] if plan.changes else None,
            "unfairness": plan.unfairness[v] if plan.unfairness else None,
            "borne": _borne(borne),
        }
    return {
        "lines": len(problem.lines),
        "options": len(problem.loss),
        "feasible": all(figures.feasible for figures in plan.levels),
        "charged": problem.charge is not None,
        "pooled": problem.pool is not None,
        "seconds": round(seconds, 2),
        "levels": levels,
        "joint": {"loss": plan.joint.loss, "bound": plan.joint.bound, "gap": plan.joint.gap}
        if plan.joint
        else None,
        "weight": list(problem.weight),
        "notes": [_said(each) for each in built.notes],
        "reach": {each.level: _reach(each) for each in explain_reach(plan, built) if not each.feasible},
    }


def _borne(found: Spread) -> dict[str, Any]:
    """Who bears it."""
    return {
        "firms": found.firms_cut,
        "top_lines": str(found.top_lines),
        "top_firms": str(found.top_firms),
        "hard_hit": found.hard_hit,
        "gini": round(found.gini, 4),
        "curve": [[round(x, 4), round(y, 4)] for x, y in found.curve],
        "groups": {axis: [_share(each) for each in rows] for axis, rows in found.groups.items()},
    }


def _reach(found: Reach) -> dict[str, Any]:
    """Of a level whose ratios cannot be reached: how far it can go, and whose exemption would close the gap."""
    return {
        "limits": [
            {
                "pollutant": each.pollutant,
                "need": each.need,
                "most": each.most,
                "short": each.short,
                "asked": str(each.asked) if each.asked is not None else None,
                "reachable": str(each.reachable) if each.reachable is not None else None,
            }
            for each in found.limits
        ],
        "closers": [
            {"firm": each.firm, "name": each.name, "rules": list(each.rules), "adds": list(each.adds)}
            for each in found.closers[:50]
        ],
        "closes": found.closes,
        "said": [_said(each) for each in found.said],
    }


def _share(each: Share) -> dict[str, Any]:
    return {
        "name": each.name,
        "firms": each.firms,
        "firms_cut": each.firms_cut,
        "lines": each.lines,
        "lines_cut": each.lines_cut,
        "loss": each.loss,
        "output": each.output,
        "reductions": list(each.reductions),
    }


def _alike(other: Alike | None) -> dict[str, Any] | None:
    if other is None:
        return None
    return {
        "part": str(other.part.limit_denominator(10**6)),
        "loss": other.loss,
        "reductions": list(other.reductions),
        "lines": other.lines,
    }


def _as_filed(filed: AsFiled | None) -> dict[str, Any] | None:
    if filed is None:
        return None
    return {
        "loss": filed.loss,
        "reductions": list(filed.reductions),
        "lines": filed.lines,
        "reaches": filed.reaches,
    }


def _count_measures(explanation: Explanation, v: int) -> list[list[Any]]:
    """Measures by name with how many lines take them, the most frequent first."""
    problem = explanation.plan.problem
    codes = problem.options.codes[explanation.plan.chosen[v]]
    counts = Counter(
        {
            problem.options.names[code]: int(n)
            for code, n in zip(*np.unique(codes, return_counts=True), strict=True)
        }
    )
    return [[name, many] for name, many in counts.most_common()]


def _said(message: Message) -> dict[str, str]:
    return {"zh": message.render("zh"), "en": message.render("en")}


def level_figures(figures: dict[str, Any]) -> dict[str, Any]:
    """One level as ``muheng plan --json`` prints it: yuan and kilograms a day."""
    nought = figures["bound"] == 0 and figures["loss"] > 0
    return {
        "loss": _number(figures["loss"], 2),
        "bound": _number(figures["bound"], 2),
        "gap": None if nought else figures["gap"],
        "need": _masses(figures["need"]),
        "reductions": _masses(figures["reductions"]),
        "prices": dict(zip(POLLUTANTS, figures["prices"], strict=True)),
        "feasible": figures["feasible"],
        "shortfall": _masses(figures["shortfall"]),
    }


def _masses(grams: Sequence[int]) -> dict[str, int | float]:
    return {name: _number(each, 3) for name, each in zip(POLLUTANTS, grams, strict=True)}


def _number(value: int, digits: int) -> int | float:
    """The amount as JSON writes it: 125000, 48.5."""
    scale: int = 10**digits
    whole, rest = divmod(value, scale)
    return whole if rest == 0 else value / scale
