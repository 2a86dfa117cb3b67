"""Places within groups, in numpy: fast because 64-bit values are sorted, not rows.

Group, key and row number are packed into one integer and sorted; only rows that tie are taken to the next key.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def row_numbers(groups: Ints | None, order: Sequence[tuple[Ints, bool]], where: Flags) -> tuple[Ints, Flags]:
    """1, 2, … within each group by ``order`` (values, descending); equal rows keep their order.

    Returns the numbers and where they are valid.
    """
    numbers = np.zeros(len(where), dtype=np.int64)
    everyone = bool(where.all())
    rows = None if everyone else np.flatnonzero(where)
    count = len(where) if rows is None else rows.size
    if count == 0:
        return numbers, where
    start = np.zeros(count, dtype=np.int64) if groups is None else _of(groups, rows)
    ranked = _ranked(start, [(-values if descending else values, rows) for values, descending in order])
    # Groups stand one after the other, so a place is the position less where its group starts.
    is_dense = start.min() >= 0 and start.max() < 4 * count + 1024
    sizes = np.bincount(start) if is_dense else np.unique(start, return_counts=True)[1]
    places = np.arange(1, count + 1) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    numbers[ranked if rows is None else rows[ranked]] = places
    return numbers, where


def _of(values: Ints, rows: NDArray[np.intp] | None) -> Ints:
    return values if rows is None else values[rows]


def _ranked(groups: Ints, order: Sequence[tuple[Ints, NDArray[np.intp] | None]]) -> NDArray[np.intp]:
    """Positions sorted by group, then by each key; only what still ties is taken to the next key."""
    keys = [_of(values, rows) for values, rows in order]
    ranked, runs = _sort_packed([groups, *keys[:1]], want_runs=len(keys) > 1)
    for key in keys[1:]:
        tied = _tied(runs)
        if not tied.size:
            break
        members = ranked[tied]
        inner, inner_runs = _sort_packed([runs[tied], key[members]], want_runs=True)
        ranked[tied] = members[inner]
        # A run's number is the position where it starts, so that numbers stay ordered and unique.
        runs[tied] = tied[inner_runs]
    return ranked


def _sort_packed(columns: Sequence[Ints], want_runs: bool) -> tuple[NDArray[np.intp], Ints]:
    """Order by all columns, then by position; and for each place the place where its run of equals starts
    (empty unless wanted)."""
    count = len(columns[0])
    index_bits = max(int(count - 1).bit_length(), 1)
    packed = np.zeros(count, dtype=np.int64)
    bits = 0
    for column in columns:
        low, high = int(column.min()), int(column.max())
        width = int(high - low).bit_length()
        bits += width
        if bits + index_bits > 62:
            return _sort_wide(columns)
        packed <<= width
        packed |= column - low if low else column
    packed <<= index_bits
    packed |= np.arange(count)
    packed.sort()
    order = packed & ((1 << index_bits) - 1)
    return order, _run_starts(packed >> index_bits) if want_runs else order[:0]


def _sort_wide(columns: Sequence[Ints]) -> tuple[NDArray[np.intp], Ints]:
    order = np.lexsort(tuple(reversed(columns)))
    changes = np.zeros(len(order), dtype=np.bool_)
    changes[0] = True
    for column in columns:
        values = column[order]
        changes[1:] |= values[1:] != values[:-1]
    return order, np.maximum.accumulate(np.where(changes, np.arange(len(order)), 0))


def _run_starts(values: Ints) -> Ints:
    """For each position, where the run of equal values around it begins."""
    changes = np.empty(len(values), dtype=np.bool_)
    changes[0] = True
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return np.maximum.accumulate(np.where(changes, np.arange(len(values)), 0))


def _tied(runs: Ints) -> NDArray[np.intp]:
    """Positions that share their run with another."""
    same = runs[1:] == runs[:-1]
    tied = np.zeros(len(runs), dtype=np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    return np.flatnonzero(tied)


def better_counts(
    groups: Ints | None, values: Ints, descending: bool, where: Flags, population: Flags
) -> tuple[Ints, Flags]:
    """How many rows of the population in the same group are strictly better than each row of ``where``."""
    rows = np.flatnonzero(where | population)
    counts = np.zeros(len(where), dtype=np.int64)
    if rows.size:
        start = np.zeros(rows.size, dtype=np.int64) if groups is None else groups[rows]
        key = (-values if descending else values)[rows]
        ranked, runs = _sort_packed([start, key], want_runs=True)
        members = population[rows][ranked].astype(np.int64)
        before = np.cumsum(members) - members
        group_starts = _run_starts(start[ranked])
        counts[rows[ranked]] = before[runs] - before[group_starts]
    return counts, where
