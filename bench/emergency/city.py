"""Synthetic cities with heavy tails: as many lines as asked, the same for the same seed.

14 sectors with emission factors of their own, enterprises with a few or many lines, sizes of a Pareto times a log-normal
(the top hundredth of the lines makes about half of the SO2), grades, about a tenth of the lines exempt, and up to six
measures each. Nothing here is measured; it has the shape that makes a plan hard.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from muheng.emergency.plan.problem import LEVELS, Labels, Problem

SECTORS = 14
COUNTIES = 12
RATIO = {"yellow": 10, "orange": 20, "red": 30}
MEASURES = ("照常", "限产20%", "限产30%", "限产50%", "停部分工序", "停产")
_SHARE = np.array([0.0, 0.2, 0.3, 0.5, 0.8, 1.0])
_PROCESS = np.array([0.4, 0.4, 0.5, 1.0])
"""What stopping one process cuts of each pollutant: another mixture than running slower."""
_GRADES = ("A", "B", "C", "D")
_BY_GRADE = np.array([0.3, 0.6, 1.0, 1.8])


def make_city(
    lines: int, seed: int, spread: float = 0.8, levels: tuple[str, ...] = LEVELS, nested: bool = False
) -> Problem:
    """``spread``: how much emission factors differ within a sector (0: not at all).

    ``nested``: each stricter measure cuts at least as much of everything.
    """
    random = np.random.default_rng([lines, seed])
    factor = np.exp(random.normal(np.log([8, 20, 6, 10]), 1.1, (SECTORS, 4)))
    factor[random.random((SECTORS, 4)) < 0.25] *= 0.01
    firm = _number_firms(random, lines)
    firms = int(firm[-1]) + 1
    sector = random.integers(0, SECTORS, firms)[firm]
    county = random.integers(0, COUNTIES, firms)[firm]
    grade = random.choice(4, firms, p=[0.05, 0.15, 0.35, 0.45])[firm]
    size = (random.pareto(1.6, lines) + 1) * np.exp(random.normal(0, 1, lines)) * 2.0
    noise = np.exp(random.normal(0, spread, (lines, 4))) if spread else np.ones((lines, 4))
    emitted = factor[sector] * size[:, None] * _BY_GRADE[grade][:, None] * noise * 0.01
    exempt = random.random(lines) < 0.095
    kept = random.random((lines, len(_SHARE))) < 0.72
    kept[:, 0] = True
    kept[np.isin(sector, [3, 7, 11]), 5] = False
    kept[exempt, 1:] = False
    line, measure = np.nonzero(kept)
    share = _SHARE[measure]
    dearness = np.where(share < 0.5, share**1.2, share) + np.where(share == 1, 0.08, 0)
    value = dearness * size[line] * 10_000 * np.exp(random.normal(0, 0.1, len(line)))
    part = np.repeat(share[:, None], 4, axis=1)
    if not nested:
        part[measure == 4] = _PROCESS
    total = np.round(emitted.sum(0) * 1000).astype(np.int64)
    width = len(str(lines - 1))
    output = np.bincount(firm, weights=size, minlength=firms) * 1_000_000
    return Problem(
        lines=pl.Series("line", [f"L{i:0{width}d}" for i in range(lines)]),
        firms=Labels(firm.astype(np.int32), _names("企业", firms)),
        counties=Labels(county.astype(np.int32), _names("县", COUNTIES)),
        industries=Labels(sector.astype(np.int32), _names("行业", SECTORS)),
        grades=Labels(grade.astype(np.int32), _GRADES),
        start=np.concatenate([np.zeros(1, np.int64), np.cumsum(kept.sum(1))]),
        options=Labels(*_sort_labels(measure)),
        loss=np.round(value * 100).astype(np.int64),
        reduction=np.round(emitted[line] * part * 1000).astype(np.int64),
        levels=levels,
        need=np.array([total * RATIO[level] // 100 for level in levels]),
        output=np.round(output).astype(np.int64),
    )


def _number_firms(random: np.random.Generator, lines: int) -> np.ndarray:
    """Firm of each line: most have one or two, some have dozens."""
    counts = np.minimum(random.zipf(2.2, lines), 60)
    return np.repeat(np.arange(lines), counts)[:lines]


def _names(word: str, count: int) -> tuple[str, ...]:
    width = len(str(count - 1))
    return tuple(f"{word}{i:0{width}d}" for i in range(count))


def _sort_labels(measure: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    names = tuple(sorted(MEASURES))
    place = np.array([names.index(name) for name in MEASURES], np.int32)
    return place[measure], names
