"""What lines have borne in a season's episodes, and how that weighs when the next one is planned (轮换).

Adds up the past; does not choose.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import numpy as np

from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.problem import Integers
from muheng.standards.rounding import divide_half_up


@dataclass(frozen=True)
class Burden:
    """What one line has borne."""

    days: Mapping[str, int] = field(default_factory=dict)
    """By level: days on which it gave something up."""
    loss: int = 0
    """Fen, of all these days."""


@dataclass(frozen=True)
class Episode:
    """One episode that is over: how many days each level was in force, and what each line lost in a day at it."""

    id: str
    days: Mapping[str, int]
    losses: Mapping[tuple[str, str], int]
    """(line, level) → fen a day; those that gave nothing up are left out."""


def episode_of(id: str, plan: Plan, days: Mapping[str, int]) -> Episode:  # noqa: A002
    """An episode that went by the plan."""
    problem = plan.problem
    names = problem.lines.to_list()
    losses: dict[tuple[str, str], int] = {}
    for v, level in enumerate(problem.levels):
        if not days.get(level):
            continue
        loss = problem.loss[plan.chosen[v]]
        cutting = (loss > 0) | problem.reduction[plan.chosen[v]].any(axis=1)
        losses |= {(names[i], level): int(loss[i]) for i in np.flatnonzero(cutting).tolist()}
    return Episode(id, dict(days), losses)


def add_up_season(episodes: Iterable[Episode]) -> dict[str, Burden]:
    """By line, in the order of ids."""
    days: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    loss: defaultdict[str, int] = defaultdict(int)
    for episode in episodes:
        for (line, level), daily in episode.losses.items():
            if (count := episode.days.get(level, 0)) > 0:
                days[line][level] += count
                loss[line] += daily * count
    return {line: Burden(dict(days[line]), loss[line]) for line in sorted(days)}


def charge_for_season(
    loss: Integers,
    start: Integers,
    stop_loss: Integers,
    lines: Sequence[str],
    history: Mapping[str, Burden] | None,
    beta: Decimal,
) -> Integers | None:
    """What to minimise instead of the loss: for each day of a full stop's loss that a line has borne, ``beta`` times more.

    None where there is nothing to remember.
    """
    if not beta or not history:
        return None
    charge = loss.copy()
    for i, line in enumerate(lines):
        burden = history.get(line)
        if burden is None or not burden.loss or not stop_loss[i]:
            continue
        factor = 1 + Fraction(beta) * Fraction(burden.loss, int(stop_loss[i]))
        for j in range(start[i], start[i + 1]):
            charge[j] = divide_half_up(int(loss[j]) * factor.numerator, factor.denominator)
    return charge


@dataclass(frozen=True)
class Turn:
    """One line in the list of turns (轮停)."""

    line: str
    days: Mapping[str, int]
    borne: Fraction
    """Days of a full stop's loss borne this season."""
    now: tuple[bool, ...]
    """By level of the plan: whether it gives something up."""


def list_turns(plan: Plan, history: Mapping[str, Burden], stop_loss: Integers) -> list[Turn]:
    """Lines that have borne something or would now, who bore most first."""
    problem = plan.problem
    names = problem.lines.to_list()
    cutting = np.array([problem.loss[row] > 0 for row in plan.chosen])
    turns = []
    for i, line in enumerate(names):
        burden = history.get(line, Burden())
        if burden.loss or burden.days or cutting[:, i].any():
            borne = Fraction(burden.loss, int(stop_loss[i])) if stop_loss[i] else Fraction(0)
            turns.append(Turn(line, burden.days, borne, tuple(cutting[:, i].tolist())))
    return sorted(turns, key=lambda turn: (-turn.borne, turn.line))


@dataclass(frozen=True)
class Evenness:
    """How evenly a season lies on the lines that bore something; days of a full stop's loss."""

    lines: int
    most: Fraction
    mean: Fraction
    top: Fraction
    """Mean of the hundredth that bore most (one line at least)."""


def measure_season(history: Mapping[str, Burden], lines: Sequence[str], stop_loss: Integers) -> Evenness:
    """Of the lines on the list."""
    borne = sorted(
        (
            Fraction(history[line].loss, int(stop_loss[i]))
            for i, line in enumerate(lines)
            if line in history and history[line].loss and stop_loss[i]
        ),
        reverse=True,
    )
    if not borne:
        return Evenness(0, Fraction(0), Fraction(0), Fraction(0))
    first = max(len(borne) // 100, 1)
    return Evenness(
        len(borne), borne[0], sum(borne, Fraction(0)) / len(borne), sum(borne[:first], Fraction(0)) / first
    )
