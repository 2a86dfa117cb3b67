"""Signs of copying: the same row of values at another time, or at another outlet.

Within a series any shift is found. Between outlets only shifts by whole blocks of ``copied_hours`` are, the same hours among
them. Values that were scaled or had noise added are not found.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import say
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.rules import Signs
from muheng.monitoring.judgement.runs import Counts, Hold, Numbers
from muheng.monitoring.judgement.signs import Sign
from muheng.monitoring.judgement.signs_of_series import put_sign

Prints = NDArray[np.uint64]
_MIX = np.array([0x9E3779B97F4A7C15], dtype=np.uint64)
_FINEST = 1000.0
"""Values are compared to the thousandth."""


@dataclass(frozen=True, eq=False)
class Printed:
    """Finger prints of the windows that begin at each hour; ``telling``: complete, and varied enough to tell."""

    codes: Counts
    prints: Prints
    telling: Hold


def print_windows(value: Numbers, rule: Signs) -> Printed:
    """The prints of all windows of a series (NaN: no value)."""
    length = rule.copied_hours
    known = np.isfinite(value)
    codes = np.rint(np.where(known, value, 0.0) * _FINEST).astype(np.int64)
    width = len(value) - length + 1
    if width <= 0:
        return Printed(codes, np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.bool_))
    parts = codes.view(np.uint64)
    prints, size, mix = parts, 1, _MIX
    # A window is put together of two halves and, for odd lengths, one hour more.
    for bit in f"{length:b}"[1:]:
        prints, size, mix = prints[:-size] * mix + prints[size:], size * 2, mix * mix
        if bit == "1":
            prints, size, mix = prints[:-1] * _MIX + parts[size:], size + 1, mix * _MIX
    changes = np.concatenate(([0], np.cumsum(codes[1:] != codes[:-1], dtype=np.int32)))
    gaps = np.concatenate(([0], np.cumsum(~known, dtype=np.int32)))
    telling = gaps[length:] == gaps[:width]
    telling &= changes[length - 1 :] - changes[:width] >= rule.copied_distinct - 1
    return Printed(codes, prints, telling)


def find_copied_time(hours: Hours, row: int, printed: Printed, rule: Signs) -> Iterator[Sign]:
    """Stretches of a series that stand in it once more, earlier."""
    places = np.flatnonzero(printed.telling)
    prints = printed.prints[places]
    ordered = np.sort(prints)
    if not (ordered[1:] == ordered[:-1]).any():
        return
    order = np.argsort(prints, kind="stable")
    same = prints[order][1:] == prints[order][:-1]
    later, earlier = places[order[1:][same]], places[order[:-1][same]]
    by_time = np.argsort(later)
    later, earlier = later[by_time], earlier[by_time]
    # Windows one after another with one lag are one stretch.
    needed = find_telling_hours(printed.codes, len(places), rule)
    cuts = np.flatnonzero((np.diff(later) != 1) | (np.diff(later - earlier) != 0)) + 1
    for group in np.split(np.arange(len(later)), cuts):
        begin, source = int(later[group[0]]), int(earlier[group[0]])
        length = len(group) + rule.copied_hours - 1
        mine, theirs = printed.codes[begin : begin + length], printed.codes[source : source + length]
        if length < needed or (mine != theirs).any() or len(np.unique(mine)) < rule.copied_distinct:
            continue
        seen = say("{hours} 小时的数值与 {since} 起的逐个相同。", hours=length,
                   since=f"{hours.calendar.time_of(source):%Y-%m-%d %H:00}")  # fmt: skip
        times = length / rule.copied_hours
        yield put_sign(hours, "copied_time", hours.factors[row], begin, begin + length, times, seen)


def find_telling_hours(codes: Counts, windows: int, rule: Signs) -> int:
    """From how many equal hours on chance is out: coarse values, that change by few different steps, need more."""
    counts = np.unique(np.diff(codes), return_counts=True)[1]
    again = float(((counts / counts.sum()) ** 2).sum())
    if again >= 1:
        return len(codes) + 1
    return 1 + math.ceil(math.log(2 * float(rule.chance) / max(windows, 2) ** 2) / math.log(again))


@dataclass(frozen=True, eq=False)
class Block:
    """The prints of one series at whole blocks, for the comparison between outlets."""

    hours: Hours
    row: int
    codes: Counts
    prints: Prints
    telling: Hold


def take_blocks(hours: Hours, row: int, printed: Printed, rule: Signs) -> Block:
    every = slice(None, None, rule.copied_hours)
    return Block(hours, row, printed.codes, printed.prints[every].copy(), printed.telling[every].copy())


def find_copied_neighbours(blocks: Sequence[Block], rule: Signs) -> Iterator[Sign]:
    """Stretches that stand at another outlet too, at the same hours or shifted by whole blocks. All of one factor."""
    if len(blocks) < 2:
        return
    telling = [np.flatnonzero(each.telling) for each in blocks]
    prints = np.concatenate([each.prints[places] for each, places in zip(blocks, telling, strict=True)])
    owner = np.repeat(np.arange(len(blocks)), [len(places) for places in telling])
    place = np.concatenate(telling)
    ordered = np.sort(prints)
    if not (doubled := ordered[1:] == ordered[:-1]).any():
        return
    suspects = np.flatnonzero(np.isin(prints, np.unique(ordered[1:][doubled])))
    groups: dict[int, list[tuple[int, int]]] = {}
    for at in suspects.tolist():
        groups.setdefault(int(prints[at]), []).append((int(owner[at]), int(place[at])))
    pairs: dict[tuple[int, int, int], list[int]] = {}
    for group in groups.values():
        for mine, at in group:
            # The same hours speak more clearly than others.
            others = [each for each in group if each[0] != mine]
            if others:
                other, there = min(others, key=lambda each: (abs(each[1] - at), each))
                pairs.setdefault((mine, other, there - at), []).append(at)
    for (mine, other, lag), places in sorted(pairs.items()):
        places.sort()
        for part in np.split(np.array(places), np.flatnonzero(np.diff(places) != 1) + 1):
            yield from _compare(blocks[mine], blocks[other], int(part[0]), len(part), lag, len(prints), rule)


def _compare(
    mine: Block, other: Block, at: int, count: int, lag: int, windows: int, rule: Signs
) -> Iterator[Sign]:
    begin, length = at * rule.copied_hours, count * rule.copied_hours
    source = begin + lag * rule.copied_hours
    if length < find_telling_hours(mine.codes, windows, rule):
        return
    own = mine.hours.values[mine.row, begin : begin + length]
    theirs = other.hours.values[other.row, source : source + length]
    if (np.rint(own * _FINEST) != np.rint(theirs * _FINEST)).any() or len(
        np.unique(own)
    ) < rule.copied_distinct:
        return
    if lag == 0:
        seen = say(
            "至少 {hours} 小时的数值与 {outlet} 同一时段的逐个相同。",
            hours=length,
            outlet=other.hours.outlet.id,
        )
    else:
        seen = say("至少 {hours} 小时的数值与 {outlet} {since} 起的逐个相同。", hours=length, outlet=other.hours.outlet.id,
                   since=f"{other.hours.calendar.time_of(source):%Y-%m-%d %H:00}")  # fmt: skip
    factor = mine.hours.factors[mine.row]
    times = length / rule.copied_hours
    yield put_sign(mine.hours, "copied_neighbour", factor, begin, begin + length, times, seen)
