"""What the plans of single plants that are in force cut, and what part of the region's emissions that is.

Adds up and divides. What ought to be reached, and whether a plan is possible at all, is for others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from muheng.emergency.inventory.model import NOTHING, Filed, Inventory, Level, Line, Mass
from muheng.emergency.inventory.sheets import LEVELS

INDUSTRY = "工业源"
"""What the list itself cuts belongs to this source; a cut stated in the base for it is not counted beside the list's."""
OF_PRODUCTION = (None, "停产", "限产", "停止工序")
"""What takes production from a line, so that its part says what it cuts; None: only the part is given."""
_WHOLE = 1000


@dataclass(frozen=True)
class Share:
    """Of one level, g a day: what the region emits, what its other sources cut, what the list cuts."""

    base: Mass
    others: Mass
    listed: Mass

    @property
    def ratios(self) -> tuple[Fraction | None, ...]:
        """By pollutant; None where nothing is emitted, or the base is not known."""
        return tuple(
            Fraction(other + own, base) if base else None
            for base, other, own in zip(self.base, self.others, self.listed, strict=True)
        )


def filed_ratios(inventory: Inventory) -> dict[Level, Share]:
    """For each level, what the measures in force reach."""
    return shares(inventory, filed_cuts(inventory))


def shares(inventory: Inventory, cuts: Mapping[Level, Mass]) -> dict[Level, Share]:
    """For each level, the part of the region's emissions that ``cuts`` of the list's lines and the other sources make.

    Where the base has no industry the list's lines stand for it; without a base there is no ratio.
    """
    base = NOTHING
    if inventory.base and not any(source.name == INDUSTRY for source in inventory.base):
        base = running(inventory)
    others: dict[Level, Mass] = dict.fromkeys(LEVELS, NOTHING)
    for source in inventory.base:
        base = add(base, source.emission)
        if source.name != INDUSTRY:
            for level in LEVELS:
                others[level] = add(others[level], source.cut.get(level, NOTHING))
    return {level: Share(base, others[level], cuts.get(level, NOTHING)) for level in LEVELS}


def running(inventory: Inventory) -> Mass:
    """What the lines emit a day, those of enterprises that stand still aside."""
    still = {firm.code for firm in inventory.firms if firm.stopped}
    total = NOTHING
    for line in inventory.lines:
        if line.firm not in still:
            total = add(total, line.daily)
    return total


def filed_cuts(inventory: Inventory) -> dict[Level, Mass]:
    """What the measures in force cut of all lines together, by level; enterprises that stand still cut nothing."""
    lines = {line.id: line for line in inventory.lines}
    still = {firm.code for firm in inventory.firms if firm.stopped}
    by_line: dict[tuple[str, Level], list[Filed]] = defaultdict(list)
    for filed in inventory.filed:
        by_line[filed.line, filed.level].append(filed)
    sums: dict[Level, Mass] = dict.fromkeys(LEVELS, NOTHING)
    for (line, level), of_line in by_line.items():
        if lines[line].firm not in still:
            sums[level] = add(sums[level], line_cut(lines[line], of_line))
    return sums


def line_cut(line: Line, filed: list[Filed]) -> Mass:
    """What a line's measures of one level cut together: no more than it emits, so that no step counts twice."""
    total = NOTHING
    for each in filed:
        total = add(total, measure_cut(line, each))
    so2, nox, pm, voc = (min(cut, own) for cut, own in zip(total, line.daily, strict=True))
    return so2, nox, pm, voc


def measure_cut(line: Line, filed: Filed) -> Mass:
    """As stated; else, for a stop or a limit, that part of what the line emits, in whole grams downwards.

    Anything else (自主减排, 提高治理效率, 运输减量) counts nothing without a figure.
    """
    if filed.cut is not None:
        return filed.cut
    if filed.kind not in OF_PRODUCTION:
        return NOTHING
    so2, nox, pm, voc = (own * filed.part // _WHOLE for own in line.daily)
    return so2, nox, pm, voc


def add(one: Mass, other: Mass) -> Mass:
    """The sum by pollutant."""
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]
