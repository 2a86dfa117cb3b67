"""Places within groups against a sort of tuples, whatever the path through the packing of keys."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.policy.executors.ordering import better_counts, row_numbers

# Values of few bits are packed; pairs as far apart as these cannot be, and rows are sorted instead.
NARROW = st.integers(-3, 3)
WIDE = st.sampled_from([-(2**62), -(2**61), -1, 0, 1, 2**40, 2**62 - 1, 2**62])


@st.composite
def fields(draw: st.DrawFn) -> tuple[list[int] | None, list[tuple[list[int], bool]], list[bool], list[bool]]:
    """Groups, order keys with their direction, and two masks, of the same length."""
    count = draw(st.one_of(st.integers(0, 8), st.integers(9, 120)))

    def column(values: st.SearchStrategy[int]) -> list[int]:
        return draw(st.lists(values, min_size=count, max_size=count))

    def mask() -> list[bool]:
        kind = draw(st.sampled_from(["all", "none", "some"]))
        if kind == "some":
            return draw(st.lists(st.booleans(), min_size=count, max_size=count))
        return [kind == "all"] * count

    groups = draw(st.sampled_from([None, st.integers(0, 2), st.integers(0, 200), st.integers(0, 2**40)]))
    keys = [
        (column(draw(st.sampled_from([NARROW, NARROW, WIDE]))), draw(st.booleans()))
        for _ in range(draw(st.integers(0, 4)))
    ]
    return None if groups is None else column(groups), keys, mask(), mask()


def arrays(groups: list[int] | None) -> np.ndarray | None:
    return None if groups is None else np.asarray(groups, dtype=np.int64)


@settings(max_examples=300, deadline=None)
@given(fields())
def test_row_numbers_are_positions_in_a_sort(field: tuple) -> None:  # type: ignore[type-arg]
    groups, keys, where, _ = field
    numbers, valid = row_numbers(
        arrays(groups),
        [(np.asarray(values, dtype=np.int64), descending) for values, descending in keys],
        np.asarray(where, dtype=np.bool_),
    )
    assert valid.tolist() == where
    rows = [row for row, there in enumerate(where) if there]
    members: dict[int, list[int]] = {}
    for row in rows:
        members.setdefault(groups[row] if groups is not None else 0, []).append(row)
    for group in members.values():
        ordered = sorted(
            group, key=lambda row: (*(-values[row] if down else values[row] for values, down in keys), row)
        )
        assert [int(numbers[row]) for row in ordered] == list(range(1, len(ordered) + 1))


@settings(max_examples=300, deadline=None)
@given(fields(), st.booleans())
def test_better_counts_count_who_is_strictly_better(field: tuple, descending: bool) -> None:  # type: ignore[type-arg]
    groups, keys, where, population = field
    values = keys[0][0] if keys else [0] * len(where)
    counts, valid = better_counts(
        arrays(groups),
        np.asarray(values, dtype=np.int64),
        descending,
        np.asarray(where, dtype=np.bool_),
        np.asarray(population, dtype=np.bool_),
    )
    assert valid.tolist() == where
    for row, there in enumerate(where):
        if there:
            better = [
                other
                for other, counted in enumerate(population)
                if counted
                and (groups is None or groups[other] == groups[row])
                and (values[other] > values[row] if descending else values[other] < values[row])
            ]
            assert int(counts[row]) == len(better)


def test_a_long_field_of_ties_keeps_the_order_of_rows() -> None:
    count = 100_000
    same = np.zeros(count, dtype=np.int64)
    numbers, _ = row_numbers(same, [(same, True), (same + 2**62, False)], np.ones(count, dtype=np.bool_))
    assert (numbers == np.arange(1, count + 1)).all()
