"""Instances worked by hand: the city T1 of eight lines, as the plan's integers (fen, grams)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from muheng.emergency.plan.problem import LEVELS, Labels, Problem

RATIO = {"yellow": (1, 10), "orange": (2, 10), "red": (3, 10)}
OTHER = (60, 700, 600, 500)
ELSEWHERE = {"yellow": (0, 30, 60, 10), "orange": (0, 70, 120, 20), "red": (0, 120, 180, 40)}
"""What dust and vehicles cut, kg a day."""
SHARE = {"none": 0, "limit30": 30, "limit50": 50, "stop": 100}


@dataclass(frozen=True)
class Line:
    line: str
    industry: str
    grade: str
    emission: tuple[int, int, int, int]
    """kg a day"""
    loss: int
    """10,000 yuan a day when stopped"""
    options: tuple[str, ...]


T1 = (
    Line("L1", "钢铁", "A", (120, 220, 90, 10), 60, ("none",)),
    Line("L2", "水泥", "B", (60, 260, 70, 0), 9, ("none", "limit30", "limit50", "stop")),
    Line("L3", "水泥", "B", (60, 240, 65, 0), 10, ("none", "limit30", "limit50", "stop")),
    Line("L4", "铸造", "C", (30, 20, 85, 40), 4, ("none", "limit50", "stop")),
    Line("L5", "涂装", "D", (0, 5, 10, 160), 5, ("stop",)),
    Line("L6", "供热", "保障", (60, 110, 40, 0), 0, ("none",)),
    Line("L7", "玻璃", "C", (90, 180, 50, 5), 14, ("none", "limit30")),
    Line("L8", "家具", "C", (0, 2, 15, 120), 3, ("none", "limit50", "stop")),
)
OPTIMUM = {"yellow": 12_500_000, "orange": 20_200_000, "red": 28_700_000}
"""fen"""
MEASURES = {
    "yellow": ("none", "limit50", "limit30", "none", "stop", "none", "none", "none"),
    "orange": ("none", "stop", "none", "limit50", "stop", "none", "limit30", "none"),
    "red": ("none", "stop", "limit50", "stop", "stop", "none", "limit30", "limit50"),
}


def make_t1(
    levels: tuple[str, ...] = LEVELS, lines: tuple[Line, ...] = T1, other: tuple[int, ...] = OTHER
) -> Problem:
    """The lines in the order of their ids; what all emit counts for the ratio, what dust and vehicles cut is taken off."""
    lines = tuple(sorted(lines, key=lambda line: line.line))
    total = [other[p] + sum(line.emission[p] for line in lines) for p in range(4)]
    need = [
        [max(0, total[p] * 1000 * RATIO[v][0] // RATIO[v][1] - ELSEWHERE[v][p] * 1000) for p in range(4)]
        for v in levels
    ]
    options = [(line, SHARE[option]) for line in lines for option in line.options]
    names = [option for line in lines for option in line.options]
    return Problem(
        lines=pl.Series("line", [line.line for line in lines]),
        firms=label([line.line for line in lines]),
        counties=label(["甲县"] * len(lines)),
        industries=label([line.industry for line in lines]),
        grades=label([line.grade for line in lines]),
        start=np.cumsum([0, *(len(line.options) for line in lines)]),
        options=label(names),
        loss=np.array([line.loss * 1_000_000 * share // 100 for line, share in options]),
        reduction=np.array([[amount * 10 * share for amount in line.emission] for line, share in options]),
        levels=levels,
        need=np.array(need),
    )


def make_unreachable() -> Problem:
    """The twin of T1 that cannot reach orange in SO2."""
    lower = {"L2": 40, "L3": 40, "L4": 10, "L6": 90, "L7": 110}
    lines = tuple(
        Line(
            line.line,
            line.industry,
            line.grade,
            (lower.get(line.line, line.emission[0]), *line.emission[1:]),
            line.loss,
            line.options,
        )
        for line in T1
    )
    return make_t1(("orange",), lines, (400, *OTHER[1:]))


def label(texts: list[str]) -> Labels:
    names = tuple(sorted(set(texts)))
    return Labels(np.array([names.index(text) for text in texts], np.int32), names)
