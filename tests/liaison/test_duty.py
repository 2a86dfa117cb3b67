"""When a visit is due: quarters, what counts, what is overdue."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.liaison.duty import Period, Visit, first_period, period_of, reckon
from muheng.liaison.rules import VisitRule

QUARTER = VisitRule(months=3, grace=30)
Q1, Q2, Q3, Q4 = (
    Period(date(2026, first, 1), last)
    for first, last in (
        (1, date(2026, 3, 31)),
        (4, date(2026, 6, 30)),
        (7, date(2026, 9, 30)),
        (10, date(2026, 12, 31)),
    )
)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
WAYS = st.sampled_from(["上门走访", "电话", "座谈"])


def test_periods_are_those_of_the_calendar() -> None:
    assert [period_of(date(2026, month, 15), 3) for month in (1, 6, 9, 10)] == [Q1, Q2, Q3, Q4]
    assert period_of(date(2028, 2, 29), 1).last == date(2028, 2, 29)
    assert period_of(date(2026, 5, 1), 12) == Period(date(2026, 1, 1), date(2026, 12, 31))
    assert Q4.following.first == date(2027, 1, 1)
    assert Q1.preceding.last == date(2025, 12, 31)


@given(DAYS, st.sampled_from([1, 2, 3, 4, 6, 12]))
def test_every_day_is_in_one_period(day: date, months: int) -> None:
    period = period_of(day, months)
    assert day in period
    assert period.following.first == period.last + timedelta(days=1)
    assert period.following.preceding == period


@pytest.mark.parametrize(
    ("since", "first"),
    [
        (date(2026, 7, 1), Q3),
        (date(2026, 8, 31), Q3),  # thirty days are left
        (date(2026, 9, 1), Q4),
        (date(2026, 9, 30), Q4),
    ],
)
def test_a_pairing_begun_late_in_the_quarter_has_time_until_the_next(since: date, first: Period) -> None:
    assert first_period(since, QUARTER) == first
    assert reckon(since, [], QUARTER, since).due == first.last


def test_one_visit_a_quarter() -> None:
    visits = [Visit(date(2026, 2, 3), "上门走访"), Visit(date(2026, 5, 6), "上门走访")]
    duty = reckon(date(2026, 1, 5), visits, QUARTER, date(2026, 7, 10))
    assert (duty.made, duty.needed, duty.due, duty.urgency, duty.missed) == (0, 1, Q3.last, "this_period", ())
    duty = reckon(
        date(2026, 1, 5), [*visits, Visit(date(2026, 7, 9), "上门走访")], QUARTER, date(2026, 7, 10)
    )
    assert (duty.to_visit, duty.due, duty.urgency) == (False, Q4.last, "later")


def test_a_call_does_not_count_unless_the_rule_says_so() -> None:
    visits = [Visit(date(2026, 8, 3), "电话")]
    duty = reckon(date(2026, 7, 1), visits, QUARTER, date(2026, 8, 4))
    assert duty.to_visit
    assert duty.last == visits[0]
    calls = VisitRule(months=3, ways=("上门走访", "电话"))
    assert not reckon(date(2026, 7, 1), visits, calls, date(2026, 8, 4)).to_visit


def test_overdue_since_the_first_quarter_without() -> None:
    duty = reckon(date(2026, 1, 5), [Visit(date(2026, 2, 1), "上门走访")], QUARTER, date(2026, 11, 3))
    assert (duty.due, duty.urgency, duty.missed) == (Q2.last, "overdue", (Q2, Q3))


def test_a_visit_ends_what_is_overdue_but_the_quarter_stays_missed() -> None:
    duty = reckon(date(2026, 4, 1), [Visit(date(2026, 10, 9), "上门走访")], QUARTER, date(2026, 11, 3))
    assert (duty.due, duty.urgency, duty.missed) == (Q4.following.last, "later", (Q2, Q3))


def test_due_this_week() -> None:
    """31 December 2026 is a Thursday."""
    for today, urgency in (
        (date(2026, 12, 27), "this_period"),
        (date(2026, 12, 28), "this_week"),
        (date(2026, 12, 31), "this_week"),
        (date(2027, 1, 1), "overdue"),
    ):
        assert reckon(date(2026, 10, 1), [], QUARTER, today).urgency == urgency


def test_twice_a_period() -> None:
    twice = VisitRule(months=3, at_least=2)
    once = [Visit(date(2026, 7, 3), "上门走访")]
    duty = reckon(date(2026, 7, 1), once, twice, date(2026, 8, 1))
    assert (duty.made, duty.to_visit, duty.due) == (1, True, Q3.last)
    assert reckon(date(2026, 7, 1), once, twice, date(2026, 10, 1)).missed == (Q3,)
    assert reckon(date(2026, 7, 1), once, twice, date(2026, 10, 1)).due == Q3.last


@given(DAYS, st.lists(st.builds(Visit, DAYS, WAYS), max_size=12), DAYS, st.sampled_from([1, 3, 6]))
def test_what_holds_of_every_duty(since: date, visits: list[Visit], today: date, months: int) -> None:
    rule = VisitRule(months=months, grace=10)
    today = max(today, since)
    duty = reckon(since, visits, rule, today)
    assert reckon(since, visits[::-1], rule, today) == duty
    assert (duty.urgency == "overdue") == (duty.due < today)
    assert duty.due >= first_period(since, rule).last
    assert all(period.last < duty.period.first for period in duty.missed)
    assert duty.to_visit or duty.due > duty.period.last
    # One more visit today never makes it worse.
    after = reckon(since, [*visits, Visit(today, "上门走访")], rule, today)
    assert after.due >= duty.due
    assert not after.to_visit
    assert after.missed == duty.missed
