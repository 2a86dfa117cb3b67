"""Days of one case and of many, against counting by hand; places shared where nothing tells them apart."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import polars as pl
from casebook import CALENDAR, Book, load
from hypothesis import given
from hypothesis import strategies as st

from muheng.casework.measure import Figures, measure, rank, tally, to_percent, to_tenths


def closed_demand() -> Book:
    book = Book(load("demand"))
    book.open("2026-02-09T10:00", kind="land", fields={"title": "要地", "detail": "三十亩"})
    book.act("2026-02-10T09:00", "accept", "desk")  # 1 working day after the opening
    book.act("2026-02-10T09:30", "dispatch", "desk", organisation=3)
    book.act("2026-02-12T09:00", "suspend", "desk", note="等批复", reason="等待上级批复")
    book.act("2026-02-25T09:00", "resume", "desk")
    book.act("2026-02-27T17:00", "answer", "handler", note="已供地", fields={"outcome": "已解决"})
    return book.act("2026-03-02T10:00", "confirm", "enterprise")


def test_one_case_by_hand() -> None:
    book = closed_demand()
    assert measure(book.case_type, book.until("2026-02-28T00:00"), CALENDAR) is None
    found = measure(book.case_type, book.standing, CALENDAR)
    assert found is not None
    # 10, 11, 12 February, then 26 and 27; the pause took out the 13th to the 25th, no clock ran after the answer.
    assert (found.net_working, found.net_calendar) == (5, 5)
    # 10–14 (the 14th is worked), 24–28 (the 28th too), 2 March; holiday from the 15th to the 23rd.
    assert (found.gross_working, found.gross_calendar) == (5 + 5 + 1, 21)
    legal, promised = found.clocks["legal"], found.clocks["promised"]
    assert (legal.net, legal.gross, legal.limit, legal.on_time) == (4, 8, 30, True)
    assert (promised.net, promised.limit) == (4, 15)
    assert found.compression == 1 - Fraction(4, 30)
    assert found.on_time is True


def test_a_reopened_case_counts_all_its_runs() -> None:
    book = closed_demand()
    book.act("2026-03-03T10:00", "reopen", "enterprise", note="又出问题")
    book.act("2026-03-12T10:00", "answer", "handler", note="再次答复", fields={"outcome": "部分解决"})
    book.act("2026-03-12T11:00", "object", "enterprise", note="没解决")
    book.act("2026-03-13T10:00", "answer", "handler", note="解决了", fields={"outcome": "已解决"})
    book.act("2026-03-13T11:00", "confirm", "enterprise")
    book.act("2026-03-13T12:00", "rate", "enterprise", rating=4)
    found = measure(book.case_type, book.standing, CALENDAR)
    assert found is not None
    redo = found.clocks["redo"]
    assert (redo.runs, redo.net, redo.on_time) == (2, 7 + 1, False)
    assert (found.on_time, found.reopened, found.rating) == (False, 1, 4)
    assert found.net_working == 5 + 8


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "county": st.sampled_from(["甲", "乙", "丙"]),
            "on_time": st.sampled_from([True, False, None]),
            "net": st.integers(0, 60),
            "gross": st.integers(0, 90),
            "rating": st.sampled_from([None, 1, 2, 3, 4, 5]),
            "reopened": st.integers(0, 2),
        }
    ),
    max_size=30,
)
SCHEMA = {
    "county": pl.String,
    "on_time": pl.Boolean,
    "net": pl.Int32,
    "gross": pl.Int32,
    "rating": pl.Int8,
    "reopened": pl.Int16,
}


@given(ROWS)
def test_many_cases_by_counting(rows: list[dict[str, object]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    groups = tally(frame, ["county"])
    assert list(groups) == sorted({(row["county"],) for row in rows})
    for (county,), found in groups.items():
        mine = [row for row in rows if row["county"] == county]
        days = sorted(int(str(row["net"])) for row in mine)
        assert found.count == len(mine)
        assert found.on_time == sum(row["on_time"] is True for row in mine)
        assert found.timed == sum(row["on_time"] is not None for row in mine)
        assert found.average_net == Fraction(sum(days), len(days))
        assert found.satisfied == sum(row["rating"] in (3, 4, 5) for row in mine)
        assert found.reopened == sum(bool(row["reopened"]) for row in mine)
        assert found.p90_net == next(d for d in days if 10 * sum(x <= d for x in days) >= 9 * len(days))
        assert found.median_net is not None
        assert (
            sum(d < found.median_net for d in days)
            <= len(days) / 2
            >= sum(d > found.median_net for d in days)
        )
    whole = sum(groups.values(), Figures())
    assert tally(frame) == {(): whole}


def test_rounding_is_half_up() -> None:
    assert to_tenths(Fraction(13, 4)) == Decimal("3.3")
    assert to_tenths(Fraction(65, 20)) == Decimal("3.3")
    assert to_percent(Fraction(2, 3)) == Decimal("66.7")
    assert to_percent(None) is None
    assert Figures().on_time_share is None


def test_places_are_shared_and_the_order_is_declared() -> None:
    groups = {
        "丙县": Figures(count=10, timed=10, on_time=9, net=50),
        "乙县": Figures(count=20, timed=20, on_time=18, net=100),
        "甲县": Figures(count=10, timed=10, on_time=9, net=50, reopened=1),
        "丁县": Figures(count=2, timed=2, on_time=2, net=2),
        "戊县": Figures(count=10, timed=10, on_time=10, net=90),
    }
    found = rank(groups, least=5)
    assert [(each.place, each.name, each.shared) for each in found] == [
        (1, "戊县", False),
        (2, "丙县", True),
        (2, "乙县", True),
        (4, "甲县", False),
        (None, "丁县", False),
    ]
    assert [each.name for each in rank(groups, order=("net",), least=5)][-2] == "戊县"
    # Compared as fractions: 66.66…% and 66.67% read alike and are not.
    near = {"一": Figures(3, timed=3, on_time=2), "二": Figures(10000, timed=10000, on_time=6667)}
    assert [(each.place, each.name) for each in rank(near)] == [(1, "二"), (2, "一")]


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=3),
        st.builds(Figures, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
        max_size=8,
    )
)
def test_the_order_of_rows_does_not_matter(groups: dict[str, Figures]) -> None:
    turned = dict(reversed(groups.items()))
    assert rank(groups) == rank(turned)
    assert {each.name for each in rank(groups)} == set(groups)
