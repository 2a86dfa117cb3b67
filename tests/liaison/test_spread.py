"""Spreading enterprises over officers: nobody is lost, loads are even, few are moved, and the order does not matter."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.liaison.spread import Enterprise, Officer, Spread, spread

POINTS = st.none() | st.tuples(
    st.integers(0, 40).map(lambda step: 118 + step / 100),
    st.integers(0, 40).map(lambda step: 31 + step / 100),
)


@st.composite
def towns(draw: st.DrawFn, most: int = 14) -> tuple[list[Enterprise], list[Officer]]:
    """Some enterprises and officers; places restrict some officers, limits bind some."""
    officers = [
        Officer(
            number,
            draw(st.none() | st.frozensets(st.integers(1, 3), min_size=1)),
            draw(st.integers(1, 8)),
            draw(st.integers(0, 2)),
        )
        for number in range(10, 10 + draw(st.integers(1, 4)))
    ]
    enterprises = []
    for number in range(draw(st.integers(0, most))):
        place = draw(st.integers(1, 3))
        enterprises.append(
            Enterprise(
                f"E{number:03d}",
                frozenset({place}),
                place,
                draw(st.sampled_from(["26", "33", ""])),
                draw(POINTS),
                draw(st.none() | st.sampled_from([*(each.id for each in officers), 99])),
            )
        )
    return enterprises, officers


def by_officer(found: Spread) -> Counter[int]:
    return Counter(pair.officer for pair in found.pairs)


@given(towns())
@settings(max_examples=120, deadline=None)
def test_nobody_is_lost_and_nothing_forbidden(given_: tuple[list[Enterprise], list[Officer]]) -> None:
    enterprises, officers = given_
    found = spread(enterprises, officers)
    assert sorted([pair.code for pair in found.pairs] + [left.code for left in found.left]) == sorted(
        each.code for each in enterprises
    )
    of, at = {each.code: each for each in enterprises}, {each.id: each for each in officers}
    for pair in found.pairs:
        officer, enterprise = at[pair.officer], of[pair.code]
        assert (
            officer.places is None or officer.places & enterprise.places or enterprise.officer == officer.id
        )
        assert pair.reasons
    for officer in officers:
        given_here = by_officer(found)[officer.id]
        assert found.loads[officer.id] == officer.elsewhere + given_here
        assert given_here == 0 or found.loads[officer.id] <= officer.most
    for left in found.left:
        assert "。" not in str(left.reason)


@given(towns(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_input_does_not_matter(given_: tuple[list[Enterprise], list[Officer]], chance) -> None:
    enterprises, officers = given_
    shuffled, turned = list(enterprises), list(officers)
    chance.shuffle(shuffled)
    chance.shuffle(turned)
    assert spread(enterprises, officers) == spread(shuffled, turned)


def measure_pairing(
    enterprises: list[Enterprise], officers: list[Officer], choice: tuple[int | None, ...]
) -> tuple[int, int, int] | None:
    """How good one pairing is: fewer left out, then more even, then fewer moved; None where it is not allowed."""
    loads = {each.id: each.elsewhere for each in officers}
    at = {each.id: each for each in officers}
    moved = 0
    for enterprise, chosen in zip(enterprises, choice, strict=True):
        if chosen is None:
            continue
        officer = at[chosen]
        held = enterprise.officer == chosen
        if not (held or officer.places is None or officer.places & enterprise.places):
            return None
        loads[chosen] += 1
        moved += enterprise.officer in at and not held
    if any(loads[each.id] > each.most and loads[each.id] > each.elsewhere for each in officers):
        return None
    return choice.count(None), sum(load**2 for load in loads.values()), moved


@given(towns(most=5))
@settings(max_examples=80, deadline=None)
def test_no_pairing_is_more_even_or_moves_fewer(given_: tuple[list[Enterprise], list[Officer]]) -> None:
    """Against all pairings there are. Where some are left out, which ones is not compared: only how many."""
    enterprises, officers = given_
    found = spread(enterprises, officers)
    chosen = {pair.code: pair.officer for pair in found.pairs}
    mine = measure_pairing(enterprises, officers, tuple(chosen.get(each.code) for each in enterprises))
    assert mine is not None
    every = product([None, *(each.id for each in officers)], repeat=len(enterprises))
    best = min(
        measured
        for choice in every
        if (measured := measure_pairing(enterprises, officers, choice)) is not None
    )
    assert mine[0] == best[0]
    if best[0] == 0:
        assert mine == best


@given(st.integers(1, 60), st.integers(1, 7), st.data())
@settings(max_examples=40, deadline=None)
def test_loads_differ_by_one_at_most(many: int, people: int, data: st.DataObject) -> None:
    enterprises = [
        Enterprise(f"E{number}", township=number % 4, at=data.draw(POINTS)) for number in range(many)
    ]
    found = spread(enterprises, [Officer(number, most=100) for number in range(people)])
    assert max(found.loads.values()) - min(found.loads.values()) <= 1
    assert not found.left


def hundred() -> list[Enterprise]:
    return [
        Enterprise(
            f"E{number:03d}",
            frozenset({number % 5}),
            number % 5,
            ("26", "33", "38")[number % 3],
            (118.3 + number % 5 / 10 + number % 7 / 1000, 31.5 + number % 11 / 1000),
        )
        for number in range(100)
    ]


def adopt(enterprises: list[Enterprise], found: Spread) -> list[Enterprise]:
    from dataclasses import replace

    officer = {pair.code: pair.officer for pair in found.pairs}
    return [replace(each, officer=officer.get(each.code)) for each in enterprises]


def test_a_second_time_nothing_changes() -> None:
    officers = [Officer(number) for number in range(6)]
    first = spread(hundred(), officers)
    again = spread(adopt(hundred(), first), officers)
    assert again.count("kept") == 100
    assert [(pair.code, pair.officer) for pair in again.pairs] == [
        (pair.code, pair.officer) for pair in first.pairs
    ]


@pytest.mark.parametrize("leaves", range(6))
def test_when_somebody_leaves_only_theirs_are_moved(leaves: int) -> None:
    officers = [Officer(number, most=25) for number in range(6)]
    paired = adopt(hundred(), spread(hundred(), officers))
    theirs = {each.code for each in paired if each.officer == leaves}
    rest = [each for each in officers if each.id != leaves]
    found = spread(paired, rest)
    assert {pair.code for pair in found.pairs if pair.change != "kept"} == theirs
    assert set(found.loads.values()) == {20}
    assert all("原联络员不在" in str(pair.reasons[0]) for pair in found.pairs if pair.change == "moved")


def test_who_comes_new_gets_as_many_as_the_others_and_no_more_are_moved() -> None:
    officers = [Officer(number, most=25) for number in range(4)]
    paired = adopt(hundred(), spread(hundred(), officers))
    found = spread(paired, [*officers, Officer(4, most=25)])
    assert set(found.loads.values()) == {20}
    assert found.count("moved") == 20


def test_with_keep_only_who_has_nobody_is_given_out() -> None:
    officers = [Officer(number, most=60) for number in range(2)]
    paired = adopt(hundred()[:50], spread(hundred()[:50], officers[:1]))
    found = spread([*paired, *hundred()[50:]], officers, keep=True)
    assert found.count("kept") == 50
    assert found.loads == {0: 50, 1: 50}


def test_near_ones_come_together() -> None:
    """Five townships ten kilometres apart, five officers: each officer has one township."""
    officers = [Officer(number) for number in range(5)]
    found = spread(hundred(), officers)
    townships = {each.code: each.township for each in hundred()}
    having = {
        officer.id: {townships[p.code] for p in found.pairs if p.officer == officer.id}
        for officer in officers
    }
    assert all(len(each) == 1 for each in having.values())
    assert "同一镇街" in "；".join(str(reason) for reason in found.pairs[0].reasons)


def test_who_cannot_be_paired_is_told_why() -> None:
    enterprises = [
        Enterprise("A", frozenset({1})),
        Enterprise("B", frozenset({1})),
        Enterprise("C", frozenset({2})),
    ]
    found = spread(enterprises, [Officer(1, frozenset({1}), most=1)])
    assert [pair.code for pair in found.pairs] == ["A"]
    assert [(left.code, str(left.reason)[:12]) for left in found.left] == [
        ("B", "能联系它的人都已满额；请"),
        ("C", "没有人负责它所在的地方；"),
    ]
    assert [left.code for left in spread(enterprises, []).left] == ["A", "B", "C"]


def test_a_limit_leaves_out_who_never_had_an_officer() -> None:
    enterprises = [Enterprise("A"), Enterprise("B"), Enterprise("C", officer=1)]
    found = spread(enterprises, [Officer(1, most=2)])
    assert {pair.code: pair.change for pair in found.pairs} == {"A": "new", "C": "kept"}


def test_twice_the_same_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        spread([Enterprise("A"), Enterprise("A")], [Officer(1)])
