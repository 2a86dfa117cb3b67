"""What holds the lines of a list together: shares of counties, supplies, norms counted by lines, shared facilities.

Each as the rows of a problem; what the list cannot keep is asked for as far as it can, and said.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import Firm, Line
from muheng.emergency.measures import WHOLE, Option
from muheng.emergency.needs import Needs
from muheng.emergency.plan.problem import Demand, Integers, Labels, Link
from muheng.emergency.settings import Settings, part_of


@dataclass(frozen=True, eq=False)
class Rows:
    """The list as a problem has it: lines in order, their options one after the other."""

    lines: Sequence[Line]
    firms: Mapping[str, Firm]
    options: Sequence[Option]
    start: Integers
    reduction: Integers
    permitted: NDArray[np.bool_]
    """(levels, options)"""

    def running(self, i: int) -> bool:
        """Whether its enterprise isn't one that has been standing for long."""
        return not self.firms[self.lines[i].firm].stopped

    def span(self, i: int) -> range:
        return range(int(self.start[i]), int(self.start[i + 1]))

    def most(self, v: int) -> Integers:
        """(lines, 4): the most that each line can cut of each pollutant."""
        able = np.where(self.permitted[v][:, None], self.reduction, 0)
        most: Integers = np.maximum.reduceat(able, self.start[:-1], axis=0)
        return most

    def reach(self, v: int, lines: Sequence[int], amounts: Sequence[int]) -> int:
        """The most that these lines come to together, by an amount for each of their options."""
        found, at = 0, 0
        for i in lines:
            own = self.span(i)
            found += max(amounts[at + k] for k, row in enumerate(own) if self.permitted[v, row])
            at += len(own)
        return found


def share_counties(
    rows: Rows, counties: Labels, needs: Needs, settings: Settings
) -> tuple[Integers | None, list[Message]]:
    """(levels, counties, 4): each county's part of what the lines have to cut, by what its lines emit."""
    share = settings.fairness.county_share
    if share is None:
        return None, []
    emitted = np.zeros((len(counties.names), 4), np.int64)
    running = [i for i in range(len(rows.lines)) if rows.running(i)]
    daily = np.array([rows.lines[i].daily for i in running], np.int64).reshape(-1, 4)
    np.add.at(emitted, counties.codes[running], daily)
    wanted = np.zeros((len(needs.levels), len(counties.names), 4), np.int64)
    short: set[str] = set()
    for v, need in enumerate(needs.levels):
        reach = np.zeros((len(counties.names), 4), np.int64)
        np.add.at(reach, counties.codes, rows.most(v))
        for p in range(4):
            if not needs.listed[p]:
                continue
            for c, county in enumerate(counties.names):
                due = math.ceil(part_of(share) * need.exact[p] * int(emitted[c, p]) / needs.listed[p])
                if due > reach[c, p]:
                    short.add(county)
                wanted[v, c, p] = min(due, int(reach[c, p]))
    if not short:
        return wanted, []
    names = "、".join(sorted(short))
    return wanted, [say("{counties}达不到县区最低份额，只要求到各自的最大能力。", counties=names)]


def demand_supplies(rows: Rows, settings: Settings) -> tuple[list[Demand], list[Message]]:
    """What must be delivered, where it is less than all; all of it is a rule of ``permission``."""
    found, notes = [], []
    for supply in sorted(settings.supply, key=lambda each: each.name):
        own = [
            i
            for i, line in enumerate(rows.lines)
            if line.supply == supply.name and line.supplied and rows.running(i)
        ]
        if not own or supply.part == 100:
            continue
        left = [
            rows.lines[i].supplied * (WHOLE - rows.options[row].part) // WHOLE
            for i in own
            for row in rows.span(i)
        ]
        wanted = math.ceil(part_of(supply.part) * sum(rows.lines[i].supplied for i in own))
        least = tuple(min(wanted, rows.reach(v, own, left)) for v in range(len(rows.permitted)))
        if min(least) < wanted:
            notes.append(say("已备案的方案使“{name}”的供应低于最低需要，请核对。", name=supply.name))
        found.append(_demand(rows, supply.name, own, left, least))
    return found, notes


def demand_norms(rows: Rows, norms: Sequence[tuple[str, tuple[Fraction, ...]]]) -> list[Demand]:
    """Of an enterprise that stops whole lines so many at least: thousandths of lines, no more than can be."""
    lines: dict[str, list[int]] = defaultdict(list)
    for i, line in enumerate(rows.lines):
        if any(line.daily) and not line.serves:
            lines[line.firm].append(i)
    found = []
    for code, parts in norms:
        own = lines[code]
        given_up = [rows.options[row].part for i in own for row in rows.span(i)]
        least = tuple(
            min(math.ceil(part * len(own) * WHOLE), rows.reach(v, own, given_up))
            for v, part in enumerate(parts)
        )
        name = f"{rows.firms[code].name}（{rows.firms[code].trade}，按生产线计的最低措施）"
        found.append(_demand(rows, name, own, given_up, least))
    return found


def _demand(
    rows: Rows, name: str, lines: Sequence[int], amounts: Sequence[int], least: tuple[int, ...]
) -> Demand:
    options = np.array([row for i in lines for row in rows.span(i)], np.int64)
    return Demand(name, options, np.array(amounts, np.int64), least)


def link_facilities(rows: Rows) -> tuple[Link, ...]:
    """Each shared facility that could stop, with the lines that hang on it."""
    number = {line.id: i for i, line in enumerate(rows.lines)}
    found = []
    for i, line in enumerate(rows.lines):
        others = {number[each] for each in line.serves if each in number} - {i}
        served = tuple(sorted(each for each in others if rows.running(each)))
        limit = next((j for j, row in enumerate(rows.span(i)) if rows.options[row].stops), None)
        if served and limit is not None:
            found.append(Link(i, limit, served))
    return tuple(found)
