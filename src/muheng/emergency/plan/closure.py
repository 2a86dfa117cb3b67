"""Which options some nested plan may take: what both ways of making plans begin with.

A level that leaves a line nothing contradicts another level, whatever the ratios.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Refusal, say
from muheng.emergency.plan.problem import LEVEL_NAMES, Problem

Mask = NDArray[np.bool_]


class Impossible(Refusal):
    """The rules contradict each other even where no ratio is asked."""


def find_allowed(problem: Problem, v: int) -> Mask:
    """What may be chosen at a level, whatever the others do."""
    if problem.permitted is None:
        return np.ones(len(problem.loss), np.bool_)
    allowed: Mask = problem.permitted[v]
    return allowed


def close_nesting(problem: Problem) -> list[Mask]:
    """By level, the options that some nested plan may take. Raises Impossible: a line has none."""
    usable = [find_allowed(problem, v).copy() for v in range(len(problem.levels))]
    if problem.permitted is None:
        return usable
    options, first = np.arange(len(problem.loss)), problem.start[:-1]
    for v in range(1, len(usable)):
        mildest = np.minimum.reduceat(np.where(usable[v - 1], options, len(options)), first)
        usable[v] &= options >= mildest[problem.line_of]
        _check_open(problem, v, usable[v])
    for v in range(len(usable) - 2, -1, -1):
        strictest = np.maximum.reduceat(np.where(usable[v + 1], options, -1), first)
        usable[v] &= options <= strictest[problem.line_of]
        _check_open(problem, v, usable[v])
    return usable


def _check_open(problem: Problem, v: int, allowed: Mask) -> None:
    closed = np.flatnonzero(~np.logical_or.reduceat(allowed, problem.start[:-1]))
    if len(closed):
        raise Impossible(
            say(
                "生产线 {line} 在{level}预警时允许的措施，都比低一级预警时必须采取的还松。",
                line=problem.lines[int(closed[0])],
                level=LEVEL_NAMES[problem.levels[v]],
            ),
            say("请检查这条生产线各级允许的措施。"),
        )
