"""All levels together: no line is milder at a worse level.

First each level between those that are settled already, beginning in the middle; then, where that is further from the
sum of the levels' own bounds than asked, one cover of all levels whose choices are one option at each, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.plan.choice import Floats, Indices
from muheng.emergency.plan.closure import close_nesting
from muheng.emergency.plan.cover import Cover, Mask, Row, cover_level, write_rows
from muheng.emergency.plan.least import Least, find_least
from muheng.emergency.plan.prices import decide, lowest, net_costs, spread_out
from muheng.emergency.plan.problem import Problem
from muheng.emergency.plan.rounding import span

_MOST_CHOICES = 1_500_000
"""Choices of the common cover, beyond which it is not tried."""


Chosen = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Alone:
    """A level solved without regard to the others."""

    cover: Cover
    """Asked for what can be reached."""
    least: Least

    @property
    def options(self) -> Chosen:
        return np.asarray(self.cover.option[0][self.least.chosen])


@dataclass(frozen=True, eq=False)
class Together:
    chosen: Chosen
    """(levels, lines)"""
    bound: float
    """No nested plan that misses no more costs less."""


def nest(problem: Problem, alone: Sequence[Alone], gap: float) -> Together:
    """A nested plan within ``gap`` of the bound, or the best that was found.

    Where order keeps levels from cutting what each could alone, all their needs together are missed by as little as
    possible, and the bound is for that.
    """
    weight = np.array(problem.weight or (1,) * len(alone), np.float64)
    bound = float(sum(w * each.least.bound for w, each in zip(weight, alone, strict=True)))
    usable = close_nesting(problem)
    chosen, whole = _settle_from_middle(problem, alone, usable, gap)
    cost = (
        float(sum(w * _charge(problem, row) for w, row in zip(weight, chosen, strict=True)))
        if whole
        else np.inf
    )
    if cost <= bound * (1 + gap) or cost - bound < 1 - 1e-9 * cost:
        return Together(chosen, bound)
    common = _cover_together(problem, alone, usable, weight, cost)
    if common is None:
        return Together(chosen, bound if whole else 0.0)
    begin = np.concatenate([w * each.least.prices for w, each in zip(weight, alone, strict=True)])
    if whole:
        found = find_least(common, gap, _find_choices(common, chosen), begin)
        return Together(common.option[:, found.chosen], max(bound, found.bound))
    asked = common.ask([row.need for v in range(len(alone)) for row in write_rows(problem, v)])
    found = find_least(asked, gap, begin=begin)
    return Together(asked.option[:, found.chosen], found.bound)


def _charge(problem: Problem, row: Chosen) -> float:
    charge = problem.loss if problem.charge is None else problem.charge
    return float(charge[row].astype(np.float64).sum())


def _settle_from_middle(
    problem: Problem, alone: Sequence[Alone], usable: Sequence[Mask], gap: float
) -> tuple[Chosen, bool]:
    """Level by level, and whether each still reaches what it could alone."""
    middle = len(alone) // 2
    order = [middle, *range(middle - 1, -1, -1), *range(middle + 1, len(alone))]
    index = np.arange(len(problem.loss), dtype=np.int32)
    settled: dict[int, Chosen] = {}
    whole = True
    for v in order:
        mask = usable[v]
        for other, row in settled.items():
            edge = row[problem.line_of]
            mask = mask & ((index <= edge) if v < other else (index >= edge))
        if mask[alone[v].options].all():
            settled[v] = alone[v].options
            continue
        cover = cover_level(problem, v, mask).ask([row.need for row in alone[v].cover.rows])
        found = find_least(cover, gap, begin=alone[v].least.prices)
        whole &= not any(found.short)
        settled[v] = cover.option[0][found.chosen]
    return np.stack([settled[v] for v in range(len(alone))]), whole


def _cover_together(
    problem: Problem, alone: Sequence[Alone], usable: Sequence[Mask], weight: Floats, cost: float
) -> Cover | None:
    """Choices of one option at each level, in order; without those that the levels' own prices prove too dear."""
    dearness, room = _find_dearness(problem, alone, weight, cost)
    end = problem.start[1:][problem.line_of]
    option = np.flatnonzero(usable[0]).astype(np.int32)[None, :]
    spent = dearness[0][option[0]]
    option, spent = option[:, spent <= room], spent[spent <= room]
    for v in range(1, len(alone)):
        open_now = np.flatnonzero(usable[v])
        first = np.searchsorted(open_now, option[-1])
        counts = np.searchsorted(open_now, end[option[-1]]) - first
        if int(counts.sum()) > 4 * _MOST_CHOICES:
            return None
        following = open_now[span(first, counts)].astype(np.int32)
        spent = np.repeat(spent, counts) + dearness[v][following]
        option = np.vstack([np.repeat(option, counts, axis=1), following])
        kept = spent <= room
        option, spent = option[:, kept], spent[kept]
    if option.shape[1] > _MOST_CHOICES:
        return None
    return _write_cover(problem, alone, option, weight)


def _find_dearness(
    problem: Problem, alone: Sequence[Alone], weight: Floats, cost: float
) -> tuple[list[Floats], float]:
    """What each option adds to the bound at its level's prices, and what may be added."""
    dearness, bound = [], 0.0
    for w, each in zip(weight, alone, strict=True):
        point = decide(each.cover, each.least.prices)
        net = net_costs(each.cover, each.least.prices)
        over = np.full(len(problem.loss), np.inf)
        over[each.cover.option[0]] = w * (net - spread_out(each.cover, lowest(each.cover, net)))
        dearness.append(over)
        bound += w * point.value
    return dearness, (cost - bound) * (1 + 1e-9) + 1e-9 * abs(bound) if np.isfinite(cost) else np.inf


def _write_cover(problem: Problem, alone: Sequence[Alone], option: Chosen, weight: Floats) -> Cover:
    rows: list[Row] = []
    scale, cut, need = [], [], []
    place = np.full(len(problem.loss), -1, np.int64)
    cost = np.zeros(option.shape[1])
    for v, each in enumerate(alone):
        place[each.cover.option[0]] = np.arange(len(each.cover.cost))
        mine = place[option[v]]
        rows.extend(each.cover.rows)
        scale.append(each.cover.scale)
        need.append(each.cover.need)
        cut.append(each.cover.cut[:, mine])
        cost += weight[v] * each.cover.cost[mine]
    line = problem.line_of[option[0]]
    start = np.searchsorted(line, np.arange(len(problem.lines) + 1)).astype(np.int64)
    return Cover(
        problem=problem,
        levels=tuple(range(len(alone))),
        rows=tuple(rows),
        option=option,
        start=start,
        cost=cost,
        cut=np.concatenate(cut),
        need=np.concatenate(need),
        scale=np.concatenate(scale),
    )


def _find_choices(cover: Cover, chosen: Chosen) -> Indices:
    """The choices of the cover that a nested plan takes."""
    line = np.repeat(np.arange(len(cover.start) - 1), np.diff(cover.start))
    same = (cover.option == chosen[:, line]).all(axis=0)
    return np.flatnonzero(same)
