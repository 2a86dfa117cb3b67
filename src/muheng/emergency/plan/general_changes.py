"""Fewest changes: as many lines as can be go back to what is filed, while all rows keep their least.

What it may cost is a row like the others and is not decided here.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.plan.changes import count_away
from muheng.emergency.plan.general_model import Choice, Places
from muheng.emergency.plan.general_moves import move_singly
from muheng.emergency.plan.general_search import search

SMALL = 4_000
"""Columns up to which the fewest changes are sought exactly, not one line after the other."""


def go_back(choice: Choice, options: Places, filed: NDArray[np.int32]) -> Places:
    """``options`` keep the rows; so does the answer, with no more lines away from ``filed``."""
    away = filed[(filed >= 0) & (filed != options)].astype(np.intp)
    dearer = choice.cost[away] - choice.cost[options][choice.group[away]]
    options = move_singly(choice, options, away[np.argsort(dearer, kind="stable")])
    if len(choice.cost) > SMALL or not count_away(filed, options):
        return options
    cost = np.ones(len(choice.cost), np.int64)
    cost[np.repeat(filed < 0, np.diff(choice.start))] = 0
    cost[filed[filed >= 0]] = 0
    found = search(replace(choice, cost=cost), Fraction(0), options).chosen
    return options if found is None else found
