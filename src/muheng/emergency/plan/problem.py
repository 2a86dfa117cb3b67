"""What is to be decided: each line does one of its options at each level, every pollutant's cut is met, least is lost.

All amounts are integers: money in ``10**-money_digits`` yuan a day (2: fen), mass in ``10**-mass_digits`` kg a day
(3: g). Lines stand in the order of their ids and options in the order of strictness, so that nothing depends on the
order in which rows came. Where options come from (``emergency.options``, ``plan.folder``) this module does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.documents.message import say

LEVELS = ("yellow", "orange", "red")
"""From the mildest to the strictest."""
LEVEL_NAMES = {"yellow": say("黄色"), "orange": say("橙色"), "red": say("红色")}
POLLUTANTS = ("so2", "nox", "pm", "voc")

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labels:
    """A text for each line: ``names[codes[line]]``; names ascending, unique."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Pool:
    """SO2 and NOx made up for each other: the sum of their ratios counts, not each.

    With ``base`` (all that is emitted a day, mass units, SO2 and NOx) the rows of both pollutants are replaced by
    ``cut_so2 / base_so2 + cut_nox / base_nox >= need[level]``.
    """

    base: tuple[int, int]
    need: tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class Demand:
    """Something that has to be delivered (heat, power, waste burnt): ``sum(output[option chosen]) >= least``.

    ``options`` are indices of options (all of the lines that deliver it), ``output`` what each leaves, in the same unit.
    """

    name: str
    options: Integers
    output: Integers
    least: tuple[int, ...]
    """By level."""


@dataclass(frozen=True, eq=False)
class Link:
    """A line that others hang on (a boiler): its options from ``limit`` on (order of strictness within the line,
    0-based) may be chosen only where every line of ``served`` has taken its strictest permitted option."""

    line: int
    limit: int
    served: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Problem:
    """n lines, m options, v levels."""

    lines: pl.Series
    """n ids, ascending, unique."""
    firms: Labels
    counties: Labels
    industries: Labels
    grades: Labels
    start: Integers
    """n + 1: the options of line i are ``start[i]:start[i + 1]``, from the mildest to the strictest."""
    options: Labels
    """m names."""
    loss: Integers
    """m: what is really lost in a day."""
    reduction: Integers
    """(m, 4)"""
    levels: tuple[str, ...]
    """Of ``LEVELS``, in that order."""
    need: Integers
    """(v, 4): what these lines together have to cut in a day."""
    weight: tuple[int, ...] = ()
    """v: how much a day at each level counts where levels are decided together; empty: alike."""
    permitted: NDArray[np.bool_] | None = None
    """(v, m): which options may be chosen at a level; at least one of each line. None: all."""
    charge: Integers | None = None
    """m: what is to be least instead of ``loss``: with what lines have borne already this season (rotation)."""
    filed: NDArray[np.int32] | None = None
    """(v, n): the option of the list in force; -1 none. The plan strays from it no more than it has to."""
    pool: Pool | None = None
    county_need: Integers | None = None
    """(v, counties, 4): the least that each county's lines cut."""
    firm_cap: Integers | None = None
    """(firms): the most that an enterprise may lose in a day at any level beyond its mildest permitted options."""
    output: Integers | None = None
    """(firms): what an enterprise makes in a day, in money: the share that it loses is compared with its peers'."""
    band: Fraction | None = None
    """How much more than the least loss a fairer spread may cost (1/100: one per cent). None: no fairness stage."""
    demands: tuple[Demand, ...] = ()
    links: tuple[Link, ...] = ()
    grade_order: bool = False
    """In each industry, a better grade gives up no larger part of its output than a worse one (needs ``output``)."""
    money_digits: int = 2
    mass_digits: int = 3
    line_of: NDArray[np.int32] = field(init=False, repr=False)
    """m: the line of each option."""

    def __post_init__(self) -> None:
        repeat = np.repeat(np.arange(len(self.lines), dtype=np.int32), np.diff(self.start))
        object.__setattr__(self, "line_of", repeat)

    @property
    def plain(self) -> bool:
        """Whether nothing but the ratios holds lines together, so that prices alone can decide."""
        return (
            self.county_need is None
            and self.firm_cap is None
            and self.band is None
            and not self.demands
            and not self.links
            and not self.grade_order
        )
