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
from muheng.monitoring.judgement.rules import Rules, Signs
from muheng.monitoring.judgement.runs import Counts, Hold, Numbers
from muheng.monitoring.judgement.signs import Sign
from muheng.monitoring.judgement.signs_of_series import put_sign
from muheng.monitoring.judgement.standing import Standing, weigh_marks

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


def code_values(value: Numbers) -> Counts:
    """Values as whole numbers that can be compared; 0 where there is none."""
    codes: Counts = np.rint(np.where(np.isfinite(value), value, 0.0) * _FINEST).astype(np.int64)
    return codes


def print_windows(value: Numbers, rule: Signs) -> Printed:
    """The prints of all windows of a series (NaN: no value)."""
    length = rule.copied_hours
    known = np.isfinite(value)
    codes = code_values(value)
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
class Blocks:
    """Prints of the telling windows that begin at whole blocks, of one factor of any number of outlets: whose, and the how
    manieth block. Small enough to hold those of a whole city."""

    owner: NDArray[np.int32]
    place: NDArray[np.int32]
    prints: Prints


def take_blocks(owner: int, printed: Printed, rule: Signs) -> Blocks:
    """Of one series; ``owner`` is a number by which its outlet is known again."""
    place = np.flatnonzero(printed.telling[:: rule.copied_hours]).astype(np.int32)
    return Blocks(
        np.full(len(place), owner, dtype=np.int32), place, printed.prints[:: rule.copied_hours][place]
    )


def join_blocks(parts: Sequence[Blocks]) -> Blocks:
    """All of them as one."""
    return Blocks(
        np.concatenate([each.owner for each in parts]),
        np.concatenate([each.place for each in parts]),
        np.concatenate([each.prints for each in parts]),
    )


@dataclass(frozen=True, eq=False)
class Series:
    """One factor of one outlet; ``value``: NaN where it does not count."""

    hours: Hours
    row: int
    value: Numbers


def take_series(hours: Hours, standing: Standing, factor: str) -> Series:
    """Raises ValueError for a factor that is not measured there."""
    row = hours.factors.index(factor)
    return Series(hours, row, np.where(standing.valid[row], hours.values[row], np.nan))


def list_blocks(hours: Hours, owner: int, rules: Rules) -> Iterator[tuple[str, Blocks]]:
    """Of every factor of an outlet that has any."""
    rule, standing = rules.alerts.signs, weigh_marks(hours, rules)
    for factor in hours.factors:
        blocks = take_blocks(owner, print_windows(take_series(hours, standing, factor).value, rule), rule)
        if len(blocks.place):
            yield factor, blocks


@dataclass(frozen=True, order=True)
class Copy:
    """``count`` blocks of ``mine`` from block ``at`` on whose prints stand at ``other`` too, ``lag`` blocks later."""

    mine: int
    other: int
    lag: int
    at: int
    count: int


def find_copies(blocks: Blocks) -> list[Copy]:
    """Of each window the nearest at another outlet, the same hours before others; windows that follow each other are one.

    Sorted once, so that the work grows with the number of windows and not with that of pairs. A print is no proof:
    ``explain_copy`` compares the values.
    """
    ordered = np.sort(blocks.prints)
    if not (doubled := ordered[1:] == ordered[:-1]).any():
        return []
    suspects = np.flatnonzero(np.isin(blocks.prints, np.unique(ordered[1:][doubled])))
    by_print = np.lexsort((blocks.owner[suspects], blocks.place[suspects], blocks.prints[suspects]))
    chosen = suspects[by_print]
    owner, place, prints = blocks.owner[chosen], blocks.place[chosen], blocks.prints[chosen]
    other, there = _choose_partners(owner, place, prints)
    found = other >= 0
    mine, other, at, lag = owner[found], other[found], place[found], (there - place)[found]
    order = np.lexsort((at, lag, other, mine))
    mine, other, at, lag = mine[order], other[order], at[order], lag[order]
    breaks = (np.diff(mine) != 0) | (np.diff(other) != 0) | (np.diff(lag) != 0) | (np.diff(at) != 1)
    begins = np.concatenate(([0], np.flatnonzero(breaks) + 1)) if len(mine) else np.zeros(0, dtype=np.int64)
    counts = np.diff(np.append(begins, len(mine)))
    rows = zip(*(each[begins].tolist() for each in (mine, other, lag, at)), counts.tolist(), strict=True)
    return [Copy(*row) for row in rows]


Numbered = NDArray[np.int32]


def _choose_partners(owner: Numbered, place: Numbered, prints: Prints) -> tuple[Numbered, Numbered]:
    """Of windows sorted by print, place and owner: the owner and place of the nearest with the same print, −1 where the only
    ones are one's own. Of equally near ones the lowest owner."""
    count = len(owner)
    other, there = np.full(count, -1, dtype=np.int32), place.copy()
    new_print = np.concatenate(([True], prints[1:] != prints[:-1]))
    new_place = new_print | np.concatenate(([True], place[1:] != place[:-1]))
    begins = np.flatnonzero(new_place)
    sizes = np.diff(np.append(begins, count))
    first = np.repeat(begins, sizes)
    # At the same hours: the first that is not oneself.
    together = np.repeat(sizes, sizes) > 1
    partner = np.where(np.arange(count) == first, first + 1, first)
    other[together] = owner[partner[together]]
    # Alone at its hours: look at those before and after, of the same print.
    group = np.cumsum(new_print) - 1
    edges = np.append(np.flatnonzero(new_print), count)
    for at in np.flatnonzero(~together).tolist():
        low, high = int(edges[group[at]]), int(edges[group[at] + 1])
        best = _find_nearest(owner, place, at, low, high)
        if best is not None:
            other[at], there[at] = best
    return other, there


def _find_nearest(owner: Numbered, place: Numbered, at: int, low: int, high: int) -> tuple[int, int] | None:
    """Of another owner, from ``low`` to before ``high``."""
    before, after = at - 1, at + 1
    while before >= low and owner[before] == owner[at]:
        before -= 1
    while after < high and owner[after] == owner[at]:
        after += 1
    near = min(
        (abs(int(place[each]) - int(place[at])) for each in (before, after) if low <= each < high),
        default=None,
    )
    if near is None:
        return None
    # Several may be as near, on either side.
    found = []
    for step, each in ((-1, before), (1, after)):
        while low <= each < high and abs(int(place[each]) - int(place[at])) == near:
            if owner[each] != owner[at]:
                found.append((int(owner[each]), int(place[each])))
            each += step
    return min(found)


def explain_copy(copy: Copy, mine: Series, other: Series, windows: int, rule: Signs) -> Iterator[Sign]:
    """A sign where the values are the same, one by one, and chance is out. ``windows``: of how many were compared."""
    begin, length = copy.at * rule.copied_hours, copy.count * rule.copied_hours
    source = begin + copy.lag * rule.copied_hours
    if length < find_telling_hours(code_values(mine.value), windows, rule):
        return
    own, theirs = mine.value[begin : begin + length], other.value[source : source + length]
    if not np.array_equal(np.rint(own * _FINEST), np.rint(theirs * _FINEST)):
        return
    if len(np.unique(own)) < rule.copied_distinct:
        return
    there = other.hours
    if copy.lag == 0:
        seen = say(
            "至少 {hours} 小时的数值与 {outlet} 同一时段的逐个相同。", hours=length, outlet=there.outlet.id
        )
    else:
        seen = say("至少 {hours} 小时的数值与 {outlet} {since} 起的逐个相同。", hours=length, outlet=there.outlet.id,
                   since=f"{there.calendar.time_of(source):%Y-%m-%d %H:00}")  # fmt: skip
    factor = mine.hours.factors[mine.row]
    times = length / rule.copied_hours
    yield put_sign(mine.hours, "copied_neighbour", factor, begin, begin + length, times, seen)
