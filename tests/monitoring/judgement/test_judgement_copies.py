"""Copies among all outlets: found by prints alone wherever the two stand in the list, and explained as among a few."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from muheng.monitoring.judgement.demo import copy_neighbour, make_hours
from muheng.monitoring.judgement.judging import judge
from muheng.monitoring.judgement.rules import load_rules
from muheng.monitoring.judgement.signs_copied import (
    Blocks,
    Copy,
    explain_copy,
    find_copies,
    join_blocks,
    list_blocks,
    take_series,
)
from muheng.monitoring.judgement.standing import weigh_marks

RULES = load_rules()[0]
assert RULES is not None
NOX = "a21002"

# A window of an owner at a place has one print.
windows = st.dictionaries(
    st.tuples(st.integers(0, 5), st.integers(0, 8)), st.integers(0, 4), min_size=0, max_size=40
)


def pair_by_pair(prints: dict[tuple[int, int], int]) -> list[Copy]:
    """What is to be found, looked for among all pairs."""
    places: dict[tuple[int, int, int], list[int]] = {}
    for (mine, at), code in prints.items():
        same = [(owner, place) for (owner, place), other in prints.items() if other == code and owner != mine]
        if same:
            other, there = min(same, key=lambda each: (abs(each[1] - at), each))
            places.setdefault((mine, other, there - at), []).append(at)
    found = []
    for (mine, other, lag), each in places.items():
        for at in sorted(each):
            if found and found[-1][:3] == (mine, other, lag) and found[-1][3] + found[-1][4] == at:
                found[-1] = (mine, other, lag, found[-1][3], found[-1][4] + 1)
            else:
                found.append((mine, other, lag, at, 1))
    return sorted(Copy(*each) for each in found)


@given(windows)
def test_what_is_found_is_what_all_pairs_show(prints: dict[tuple[int, int], int]) -> None:
    order = sorted(prints, key=lambda each: hash((each, 7)))
    blocks = Blocks(
        np.array([owner for owner, _place in order], dtype=np.int32),
        np.array([place for _owner, place in order], dtype=np.int32),
        np.array([prints[each] for each in order], dtype=np.uint64),
    )
    assert find_copies(blocks) == pair_by_pair(prints)


def test_twins_at_the_two_ends_of_a_long_list() -> None:
    """Prints are taken outlet by outlet; the values of those alone that look alike are looked at again."""
    outlets = make_hours(30, date(2026, 10, 1), 35, seed=3)
    outlets[-1] = copy_neighbour(outlets[-1], outlets[0], 300, 420)
    parts: dict[str, list[Blocks]] = {}
    for at, hours in enumerate(outlets):
        for factor, blocks in list_blocks(hours, at, RULES):
            parts.setdefault(factor, []).append(blocks)
    found = []
    for factor, some in parts.items():
        whole = join_blocks(some)
        for copy in find_copies(whole):
            assert {copy.mine, copy.other} == {0, 29}
            mine, other = (
                take_series(outlets[at], weigh_marks(outlets[at], RULES), factor)
                for at in (copy.mine, copy.other)
            )
            found += explain_copy(copy, mine, other, len(whole.prints), RULES.alerts.signs)
    assert {(sign.outlet, sign.factor) for sign in found} == {("DA0000", NOX), ("DA0029", NOX)}
    together = [
        sign for each in judge(outlets, RULES) for sign in each.signs if sign.kind == "copied_neighbour"
    ]
    assert sorted(found, key=lambda each: each.outlet) == together
    assert all(
        sign.kind != "copied_neighbour"
        for each in judge(outlets, RULES, between=False)
        for sign in each.signs
    )


def test_a_print_alone_is_no_proof() -> None:
    first, second = make_hours(2, date(2026, 10, 1), 35, seed=3)
    mine, other = (take_series(each, weigh_marks(each, RULES), NOX) for each in (first, second))
    whole = np.isfinite(mine.value).reshape(-1, RULES.alerts.signs.copied_hours).all(axis=1)
    at = next(at for at in range(len(whole)) if whole[at : at + 4].all())
    copy = Copy(0, 1, 0, at, 4)
    assert list(explain_copy(copy, mine, other, 1000, RULES.alerts.signs)) == []
    same = replace(other, value=mine.value.copy())
    (sign,) = explain_copy(copy, mine, same, 1000, RULES.alerts.signs)
    assert "48" in str(sign.seen)
