"""Single moves from one answer to another, each tried exactly: it is made if no row falls short.

What makes a move worth trying is the caller's.
"""

from __future__ import annotations

import numpy as np

from muheng.emergency.plan.general_model import Choice, Places


def move_singly(choice: Choice, chosen: Places, moves: Places, mend: bool = False) -> Places:
    """Take each of ``moves`` in turn (a column, in place of its group's; a group moves once) where no row becomes short.

    ``mend``: only those that give to a row that is short.
    """
    moves = moves[choice.allowed[moves]]
    if not len(moves):
        return chosen
    chosen = chosen.copy()
    taken = np.zeros(len(choice.cost), np.bool_)
    taken[chosen] = True
    touched = taken.copy()
    touched[moves] = True
    touched &= np.isin(choice.group, choice.group[moves])
    spare: list[int] = []
    gives: dict[int, list[tuple[int, int]]] = {}
    for block in choice.rows:
        total = np.zeros(len(block.least), block.value.dtype)
        of_chosen = taken[block.option]
        np.add.at(total, block.row[of_chosen], block.value[of_chosen])
        wanted = touched[block.option]
        rows = (block.row[wanted] + len(spare)).tolist()
        spare += (total - block.least).tolist()
        for column, row, value in zip(
            block.option[wanted].tolist(), rows, block.value[wanted].tolist(), strict=True
        ):
            gives.setdefault(column, []).append((row, value))
    groups = choice.group[moves].tolist()
    moved: set[int] = set()
    for column, group in zip(moves.tolist(), groups, strict=True):
        if group in moved:
            continue
        change: dict[int, int] = {}
        for row, value in gives.get(column, ()):
            change[row] = change.get(row, 0) + value
        for row, value in gives.get(int(chosen[group]), ()):
            change[row] = change.get(row, 0) - value
        if mend and not any(value > 0 and spare[row] < 0 for row, value in change.items()):
            continue
        if all(value >= 0 or spare[row] + value >= 0 for row, value in change.items()):
            for row, value in change.items():
                spare[row] += value
            chosen[group] = column
            moved.add(group)
    return chosen


def save_singly(choice: Choice, chosen: Places) -> Places:
    """Cheaper columns, the largest saving first."""
    saving = choice.cost[chosen][choice.group] - choice.cost
    moves = np.flatnonzero(saving > 0)
    return move_singly(choice, chosen, moves[np.argsort(-saving[moves], kind="stable")])


def mend_singly(choice: Choice, chosen: Places) -> Places:
    """What is short by a hair made up for by the cheapest moves."""
    dearer = choice.cost - choice.cost[chosen][choice.group]
    shorts = choice.shortages(chosen)
    giving = [
        block.option[(short > 0)[block.row] & (block.value != 0)]
        for block, short in zip(choice.rows, shorts, strict=True)
    ]
    moves = np.unique(np.concatenate([np.zeros(0, np.intp), *giving]))
    return move_singly(choice, chosen, moves[np.argsort(dearer[moves], kind="stable")], mend=True)
