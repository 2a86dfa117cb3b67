"""Fairness among peers: enterprises of one industry and grade should give up similar parts of their output.

The measure at a level is the **widest difference among peers**: of each (industry, grade) in which an enterprise has
lines, the largest share of output lost less the smallest; the widest of all groups is the plan's ``unfairness``.
Enterprises without output are left out. Where members of a group cannot come nearer whatever is chosen, as when some are
stopped by rule and others cannot stop, that much is taken as given and the widest of the other groups is made smaller.

Windows of shares are narrowed that stand where all members of a group can reach them; in a small city, then, such as may
stand anywhere. Neither way ever costs more than the budget it is given; what the budget should be is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from muheng.documents.message import say
from muheng.emergency.plan.general_model import Choice, Extra, Floats, Places, reduce
from muheng.emergency.plan.general_rows import Rows
from muheng.emergency.plan.general_search import Contradiction, narrow, relax, search, solve_exactly
from muheng.emergency.plan.problem import Integers, Problem

SMALL = 2_000
"""Columns up to which windows are free."""
_HALVINGS = 7
_STEPS_BACK = 3
_HAIR = 1e-9
_FINE = 2**10
"""Windows are rounded to this part of a unit of money."""


@dataclass(frozen=True, eq=False)
class Peers:
    """Member k of all groups is enterprise ``firm[k]`` in ``group[k]``."""

    firm: Places
    group: Places
    groups: int


def find_peers(problem: Problem) -> Peers:
    assert problem.output is not None
    grades = len(problem.grades.names)
    key = problem.industries.codes.astype(np.int64) * grades + problem.grades.codes
    pairs = np.unique(np.stack([key, problem.firms.codes.astype(np.int64)], axis=1), axis=0)
    pairs = pairs[problem.output[pairs[:, 1]] > 0]
    names, group = np.unique(pairs[:, 0], return_inverse=True)
    return Peers(pairs[:, 1].astype(np.intp), group.astype(np.intp), len(names))


def measure_unfairness(problem: Problem, options: Places) -> float:
    peers = find_peers(problem)
    return float(_measure_widths(problem, peers, options).max(initial=0.0))


def make_fairer(problem: Problem, choice: Choice, options: Places, budget: int, gap: Fraction) -> Places:
    """What costs no more than ``budget`` and sets peers less apart than ``options`` do; these where nothing does."""
    peers = find_peers(problem)
    if not peers.groups:
        return options
    choice = replace(choice, rows=(*choice.rows, limit_cost(choice, budget)))
    least, most = _find_ends(problem, peers, choice)
    forced = _span(peers, least, most)
    options = _make_fairer_by_ends(problem, peers, choice, options, least, forced, gap)
    if len(choice.cost) > SMALL:
        return options
    low, high = 0.0, _avoidable(problem, peers, options, forced)
    for _ in range(_HALVINGS):
        if high - low <= 1e-3 * max(high, _HAIR):
            break
        aim = (low + high) / 2
        found = _solve_windows(problem, peers, choice, np.maximum(forced, aim), gap)
        reached = np.inf if found is None else _avoidable(problem, peers, found, forced)
        if found is not None and reached < high:
            options, high = found, reached
        else:
            low = aim
    return options


def keep_fair(problem: Problem, options: Places) -> Rows:
    """Rows that let no enterprise leave the window that its peers have now."""
    peers = find_peers(problem)
    assert problem.output is not None
    lost = _add_losses(problem, options)
    low: dict[int, Fraction] = {}
    high: dict[int, Fraction] = {}
    for firm, group in zip(peers.firm.tolist(), peers.group.tolist(), strict=True):
        share = Fraction(int(lost[firm]), int(problem.output[firm]))
        low[group] = min(low.get(group, share), share)
        high[group] = max(high.get(group, share), share)
    return _write_windows(problem, peers, low, high)


def limit_cost(choice: Choice, budget: int) -> Rows:
    paid = np.flatnonzero(choice.cost)
    row = np.zeros(len(paid), np.intp)
    return Rows("budget", row, paid, -choice.cost[paid], np.array([-budget]), (say("损失总额的上限"),))


def _make_fairer_by_ends(
    problem: Problem,
    peers: Peers,
    choice: Choice,
    options: Places,
    least: Floats,
    forced: Floats,
    gap: Fraction,
) -> Places:
    """A common width by halving on the relaxed program, then whole options at it or a little above."""
    high = _avoidable(problem, peers, options, forced)
    low = 0.0
    for _ in range(_HALVINGS):
        aim = (low + high) / 2
        if relax(_stand(problem, peers, choice, least, np.maximum(forced, aim))):
            high = aim
        else:
            low = aim
    worst = _avoidable(problem, peers, options, forced)
    for step in range(_STEPS_BACK):
        aim = high + (worst - high) * step / _STEPS_BACK
        stood = _stand(problem, peers, choice, least, np.maximum(forced, aim))
        found = search(stood, gap).chosen
        if found is not None and _avoidable(problem, peers, found, forced) < worst:
            return found
    return options


def _stand(problem: Problem, peers: Peers, choice: Choice, least: Floats, width: Floats) -> Choice:
    """Windows that begin where their strictest-held member must be let in."""
    low = np.full(peers.groups, np.inf)
    np.minimum.at(low, peers.group, least[peers.firm])
    high = np.zeros(peers.groups)
    np.maximum.at(high, peers.group, least[peers.firm])
    low = np.maximum(low, high - width)
    ends = {g: Fraction(float(x)) for g, x in enumerate(low - _HAIR)}
    tops = {g: Fraction(float(x)) for g, x in enumerate(low + width + _HAIR)}
    return replace(choice, rows=(*choice.rows, _write_windows(problem, peers, ends, tops)))


def _write_windows(
    problem: Problem, peers: Peers, low: dict[int, Fraction], high: dict[int, Fraction]
) -> Rows:
    """Each enterprise's loss between the ends of all its groups' windows."""
    assert problem.output is not None
    floors: dict[int, int] = {}
    tops: dict[int, int] = {}
    for firm, group in zip(peers.firm.tolist(), peers.group.tolist(), strict=True):
        made = int(problem.output[firm])
        floors[firm] = max(floors.get(firm, 0), ceil(low[group] * made))
        top = floor(high[group] * made)
        tops[firm] = min(tops.get(firm, top), top)
    firms = sorted(floors)
    place = np.full(len(problem.firms.names), -1, np.intp)
    place[firms] = np.arange(len(firms))
    of_option = place[problem.firms.codes[problem.line_of]]
    option = np.flatnonzero((of_option >= 0) & (problem.loss != 0))
    row = of_option[option]
    name = say("同行业同等级企业的损失比例相近")
    return Rows(
        "peers",
        np.concatenate([row, row + len(firms)]),
        np.concatenate([option, option]),
        np.concatenate([problem.loss[option], -problem.loss[option]]),
        np.array([floors[f] for f in firms] + [-tops[f] for f in firms], np.int64),
        (name,) * (2 * len(firms)),
    )


def _solve_windows(
    problem: Problem, peers: Peers, choice: Choice, width: Floats, gap: Fraction
) -> Places | None:
    """Least cost where each group has a window of its width, wherever it begins."""
    assert problem.output is not None
    try:
        choice = narrow(choice)
    except Contradiction:
        return None
    members = len(peers.firm)
    of_firm = problem.firms.codes[problem.line_of]
    member = np.argsort(peers.firm, kind="stable")
    first = np.searchsorted(peers.firm[member], of_firm, "left")
    count = np.searchsorted(peers.firm[member], of_firm, "right") - first
    option = np.repeat(np.arange(len(problem.loss)), count)
    within = np.arange(len(option)) - np.repeat(np.cumsum(count) - count, count)
    row = member[np.repeat(first, count) + within]
    made = problem.output[peers.firm]
    tops = np.ceil((width[peers.group] + _HAIR) * made * _FINE).astype(np.int64)
    name = say("同行业同等级企业的损失比例相近")
    windows = Rows(
        "peers",
        np.concatenate([row, row + members]),
        np.concatenate([option, option]),
        np.concatenate([problem.loss[option], -problem.loss[option]]) * _FINE,
        np.concatenate([np.zeros(members, np.int64), -tops]),
        (name,) * (2 * members),
    )
    before = sum(len(block.least) for block in choice.rows)
    whole = replace(choice, rows=(*choice.rows, windows))
    scale = whole.matrix.scale[before:]
    extra = Extra(
        np.zeros(peers.groups),
        before + np.arange(2 * members),
        np.concatenate([peers.group, peers.group]),
        np.concatenate([-made / scale[:members], made / scale[members:]]) * _FINE,
    )
    allowed = np.flatnonzero(whole.allowed)
    groups = whole.group[allowed]
    base = allowed[np.concatenate([np.ones(1, np.bool_), groups[1:] != groups[:-1]])]
    reduced = reduce(whole, whole.allowed, base)
    _, chosen = solve_exactly(whole, reduced, float(gap), None, extra, but_for=windows)
    return chosen


def _add_losses(problem: Problem, options: Places) -> Integers:
    lost = np.zeros(len(problem.firms.names), np.int64)
    np.add.at(lost, problem.firms.codes, problem.loss[options])
    return lost


def _measure_widths(problem: Problem, peers: Peers, options: Places) -> Floats:
    assert problem.output is not None
    share = _add_losses(problem, options) / np.maximum(problem.output, 1)
    low = np.full(peers.groups, np.inf)
    high = np.full(peers.groups, -np.inf)
    np.minimum.at(low, peers.group, share[peers.firm])
    np.maximum.at(high, peers.group, share[peers.firm])
    return np.asarray(high - low, np.float64)


def _avoidable(problem: Problem, peers: Peers, options: Places, forced: Floats) -> float:
    """The widest of the groups that are further apart than they have to be."""
    widths = _measure_widths(problem, peers, options)
    return float(widths[widths > forced + _HAIR].max(initial=0.0))


def _find_ends(problem: Problem, peers: Peers, choice: Choice) -> tuple[Floats, Floats]:
    """The least and the largest share that each enterprise may lose, whatever the others do."""
    assert problem.output is not None
    loss = problem.loss
    few = np.minimum.reduceat(np.where(choice.allowed, loss, np.iinfo(np.int64).max), choice.start[:-1])
    much = np.maximum.reduceat(np.where(choice.allowed, loss, -1), choice.start[:-1])
    least, most = np.zeros(len(problem.firms.names)), np.zeros(len(problem.firms.names))
    np.add.at(least, problem.firms.codes, few)
    np.add.at(most, problem.firms.codes, much)
    made = np.maximum(problem.output, 1)
    return least / made, most / made


def _span(peers: Peers, least: Floats, most: Floats) -> Floats:
    """How far apart the members of each group are at the very least."""
    high = np.full(peers.groups, -np.inf)
    low = np.full(peers.groups, np.inf)
    np.maximum.at(high, peers.group, least[peers.firm])
    np.minimum.at(low, peers.group, most[peers.firm])
    return np.asarray(np.maximum(high - low, 0.0), np.float64)
