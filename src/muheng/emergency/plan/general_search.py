"""The search for a choice's cheapest answer and for the proof of how cheap it can be.

First what rows alone rule out, then the relaxed program, whose prices prove a bound; then whole columns, as many as could
still matter. What the rows mean, and what happens where nothing keeps them, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

import numpy as np

from muheng.documents.message import Message
from muheng.emergency.plan.general_model import (
    Answer,
    Choice,
    Extra,
    Floats,
    Mask,
    Places,
    Reduced,
    bound_by,
    read_chosen,
    reduce,
    solve_relaxed,
    solve_whole,
)
from muheng.emergency.plan.general_moves import mend_singly, save_singly
from muheng.emergency.plan.general_rows import Rows

WIDE = 40_000
"""Columns beyond which only those that are nearly worth taking are decided whole."""
CORE = 2_000
"""Columns that are decided whole to begin with."""
_GIANTS = 250
_ATTEMPTS = 6


@dataclass(frozen=True, eq=False)
class Found:
    """``chosen`` is None where nothing keeps the rows (``impossible``) or nothing was found."""

    chosen: Places | None
    bound: int
    duals: Floats
    impossible: bool = False

    def within(self, choice: Choice, gap: Fraction) -> bool:
        return self.chosen is not None and choice.cost_of(self.chosen) <= self.bound * (1 + gap)


@dataclass(frozen=True)
class Contradiction(Exception):
    """A row that nothing allowed keeps."""

    row: Message


def narrow(choice: Choice) -> Choice:
    """Without the columns that some row rules out whatever the other groups take."""
    allowed = choice.allowed.copy()
    for _ in range(20):
        before = int(allowed.sum())
        for block in choice.rows:
            _rule_out(choice, block, allowed)
        if int(allowed.sum()) == before:
            break
    return choice if allowed.all() else replace(choice, allowed=allowed)


def _rule_out(choice: Choice, block: Rows, allowed: Mask) -> None:
    """Take away, in place, what leaves a row short even where all other groups give their most."""
    groups, columns = len(choice.start) - 1, len(choice.cost)
    open_to = allowed[block.option]
    option, value = block.option[open_to], block.value[open_to]
    key = block.row[open_to] * groups + choice.group[option]
    order = np.argsort(key, kind="stable")
    key, option, value = key[order], option[order], value[order]
    most = np.zeros(len(block.least), block.value.dtype)
    if len(key):
        begins = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), key[1:] != key[:-1]]))
        largest = np.maximum.reduceat(value, begins)
        keys = key[begins]
        inside = np.diff(np.concatenate([begins, [len(key)]]))
        count = np.add.reduceat(allowed, choice.start[:-1], dtype=np.intp)
        partial = inside < count[keys % groups]
        largest = np.where(partial, np.maximum(largest, 0), largest)
        np.add.at(most, keys // groups, largest)
    short = most < block.least
    if short.any():
        raise Contradiction(block.names[int(np.argmax(short))])
    if not len(key):
        return
    spare = most - block.least
    floor = largest - spare[keys // groups]
    of_entry = np.repeat(np.arange(len(begins)), inside)
    allowed[option[value < floor[of_entry]]] = False
    silent = np.flatnonzero(partial & (floor > 0))
    if len(silent):
        first, size = choice.start[keys[silent] % groups], np.diff(choice.start)[keys[silent] % groups]
        within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
        candidate = np.repeat(first, size) + within
        row = np.repeat(keys[silent] // groups, size)
        known = (key // groups) * columns + option
        allowed[candidate[~np.isin(row * columns + candidate, known)]] = False


def search(choice: Choice, gap: Fraction, start: Places | None = None, bound: int | None = None) -> Found:
    """The cheapest that was found and what nothing is cheaper than; stops when they are within ``gap``.

    ``start`` keeps the rows; ``bound`` is known from elsewhere.
    """
    try:
        choice = narrow(choice)
    except Contradiction:
        return Found(None, 0, np.zeros(len(choice.matrix.least)), impossible=True)
    relaxed = solve_relaxed(choice, reduce(choice, choice.allowed, find_first(choice)))
    duals = np.maximum(relaxed.duals, 0.0)
    if relaxed.values is None:
        return Found(None, 0, duals, impossible=relaxed.impossible)
    priced, extra = bound_by(choice, choice.allowed, duals)
    base = find_cheapest(choice, extra)
    found = Found(start, max(priced, 0 if bound is None else bound), duals)
    if found.within(choice, gap):
        return found
    alive = _keep(choice, priced + extra, found.chosen)
    if int(alive.sum()) - len(base) > 3 * CORE:
        core = alive & find_core(choice, extra, base)
        found = _decide(choice, core, base, found, gap, proof=False)
        if found.within(choice, gap):
            return found
        alive = _keep(choice, priced + extra, found.chosen)
    if int(alive.sum()) - len(base) > WIDE:
        return found
    return _decide(choice, alive, base, found, gap, proof=True)


def find_core(choice: Choice, extra: Floats, base: Places, size: int = CORE) -> Mask:
    """The columns that add least, so many, and all of the groups whose part in the cost is largest."""
    stake = np.abs(choice.cost - choice.cost[base][choice.group]).astype(np.float64)
    stake = np.where(choice.allowed, np.minimum(stake, np.maximum(stake - extra, 0.0)), 0.0)
    largest = np.maximum.reduceat(stake, choice.start[:-1])
    giants = np.zeros(len(base), np.bool_)
    giants[np.argsort(-largest, kind="stable")[:_GIANTS]] = True
    order = np.argsort(extra, kind="stable")
    core = giants[choice.group]
    core[order[: len(base) + size]] = True
    return core


def find_cheapest(choice: Choice, extra: Floats) -> Places:
    """The first column of each group that adds nothing."""
    best = np.flatnonzero(extra <= 0)
    return _begin(best, choice.group[best])


def find_first(choice: Choice) -> Places:
    """The first column that each group is allowed."""
    allowed = np.flatnonzero(choice.allowed)
    return _begin(allowed, choice.group[allowed])


def _begin(columns: Places, groups: Places) -> Places:
    """The first column of each run of a group."""
    firsts: Places = columns[np.concatenate([np.ones(1, np.bool_), groups[1:] != groups[:-1]])]
    return firsts


def _keep(choice: Choice, floor: Floats, best: Places | None) -> Mask:
    """The columns that may be in something cheaper than the best so far; ``floor``: no answer with a column is cheaper."""
    if best is None:
        return choice.allowed
    alive = choice.allowed & (floor < choice.cost_of(best) + choice.unit * 1e-6)
    alive[best] = True
    return alive


def _decide(choice: Choice, alive: Mask, base: Places, found: Found, gap: Fraction, proof: bool) -> Found:
    """Whole columns among those alive; with ``proof`` the others are known to be in nothing cheaper."""
    if found.chosen is not None:
        alive = alive.copy()
        alive[found.chosen] = True
    reduced = reduce(choice, alive, base)
    answer, chosen = solve_exactly(choice, reduced, float(gap) * 0.9, found.chosen)
    best = found.chosen
    if chosen is not None and (best is None or choice.cost_of(chosen) < choice.cost_of(best)):
        best = chosen
    low = found.bound
    if proof:
        if answer.impossible and best is None:
            return replace(found, impossible=True)
        if np.isfinite(answer.bound):
            low = max(low, ceil(answer.bound))
        if best is not None:
            low = choice.cost_of(best) if answer.impossible else min(low, choice.cost_of(best))
    return replace(found, chosen=best, bound=low)


def count_nodes(columns: int) -> int:
    """How far a search may branch: about half a minute's work, measured in nodes and not by the clock."""
    return max(50, min(10_000, 500_000 // max(columns, 1)))


def relax(choice: Choice) -> bool:
    """Whether columns taken in part could keep all rows."""
    try:
        choice = narrow(choice)
    except Contradiction:
        return False
    return solve_relaxed(choice, reduce(choice, choice.allowed, find_first(choice))).values is not None


def solve_exactly(
    choice: Choice,
    reduced: Reduced,
    gap: float,
    start: Places | None = None,
    extra: Extra | None = None,
    but_for: Rows | None = None,
) -> tuple[Answer, Places | None]:
    """The first answer, for its bound, and a choice that keeps the rows in integers (``but_for`` those that ``extra`` is in).

    What floating point let slip by a hair is asked for with a hair more.
    """
    nodes = count_nodes(len(reduced.columns))
    answer = solve_whole(choice, reduced, gap, nodes, start, extra)
    latest, asked = answer, reduced
    for attempt in range(_ATTEMPTS):
        if latest.values is None:
            return answer, None
        chosen = read_chosen(choice, reduced, latest.values)
        parts = [
            np.zeros(len(block.least)) if block is but_for else short.astype(np.float64)
            for block, short in zip(choice.rows, choice.shortages(chosen), strict=True)
        ]
        short = np.concatenate([np.zeros(0), *parts])
        if short.any() and extra is None:
            mended = mend_singly(choice, chosen)
            if choice.keeps(mended):
                return answer, save_singly(choice, mended)
        if not short.any():
            return answer, chosen if extra else save_singly(choice, chosen)
        asked = replace(asked, least=asked.least + 2.0**attempt * short / choice.matrix.scale)
        latest = solve_whole(choice, asked, gap, nodes, None, extra)
    return answer, None
