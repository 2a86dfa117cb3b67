"""Working days: the notices' own arithmetic, holidays crossed, make-up Saturdays, years without a notice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.standards.calendar import Calendar, Deadline, load_calendar

CALENDAR = load_calendar()


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (date(2026, 2, 10), 15, date(2026, 3, 9)),  # across Spring Festival and two make-up Saturdays
        (date(2026, 4, 29), 5, date(2026, 5, 9)),  # due on a make-up Saturday
        (date(2026, 2, 14), 1, date(2026, 2, 24)),  # starts on a make-up Saturday, the holiday follows
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 20), 1, date(2026, 2, 24)),  # starts within the holiday
        (date(2025, 9, 26), 2, date(2025, 9, 29)),  # Friday; Sunday the 28th is worked
        (date(2024, 12, 31), 1, date(2025, 1, 2)),
        (date(2026, 6, 13), 0, date(2026, 6, 13)),  # nothing to add, even on a Saturday
    ],
)
def test_worked_values(start: date, days: int, due: date) -> None:
    assert CALENDAR.add_working_days(start, days) == Deadline(due, provisional=False)


@pytest.mark.parametrize(("year", "days"), [(2022, 249), (2023, 249), (2024, 251), (2025, 248), (2026, 248)])
def test_working_days_of_a_year(year: int, days: int) -> None:
    assert CALENDAR.count_working_days(date(year - 1, 12, 31), date(year, 12, 31)) == days


def test_the_notices() -> None:
    assert CALENDAR.years == {
        2022: "国办发明电〔2021〕11号",
        2023: "国办发明电〔2022〕16号",
        2024: "国办发明电〔2023〕7号",
        2025: "国办发明电〔2024〕12号",
        2026: "国办发明电〔2025〕7号",
    }


def test_make_up_days_are_weekend_days_and_no_holidays() -> None:
    assert {day.weekday() for day in CALENDAR.make_up_days} == {5, 6}
    assert not CALENDAR.make_up_days & CALENDAR.holidays
    assert all(day.year in CALENDAR.years for day in CALENDAR.make_up_days | CALENDAR.holidays)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 1, 4), True),
        (date(2026, 1, 2), False),
        (date(2026, 10, 10), True),
        (date(2026, 10, 17), False),
        (date(2024, 2, 9), True),  # New Year's Eve of 2024 was only encouraged as leave
        (date(2027, 1, 1), True),  # not known yet: Monday to Friday
        (date(2027, 1, 2), False),
    ],
)
def test_days(day: date, working: bool) -> None:
    assert CALENDAR.is_working_day(day) is working


def test_beyond_the_last_notice_is_provisional() -> None:
    assert CALENDAR.add_working_days(date(2026, 12, 31), 1) == Deadline(date(2027, 1, 1), provisional=True)
    assert CALENDAR.add_working_days(date(2026, 12, 30), 1) == Deadline(date(2026, 12, 31), provisional=False)
    assert CALENDAR.add_working_days(date(2031, 5, 1), 10).provisional
    assert CALENDAR.add_working_days(date(2021, 12, 30), 1).provisional
    assert not CALENDAR.is_published(date(2027, 1, 1))


def test_days_are_not_added_backwards() -> None:
    with pytest.raises(ValueError, match="-1"):
        CALENDAR.add_working_days(date(2026, 1, 5), -1)


DATES = st.dates(date(2021, 6, 1), date(2028, 6, 1))


@given(DATES, st.integers(1, 400))
def test_counting_undoes_adding(start: date, days: int) -> None:
    deadline = CALENDAR.add_working_days(start, days)
    assert CALENDAR.is_working_day(deadline.due)
    assert CALENDAR.count_working_days(start, deadline.due) == days
    assert CALENDAR.count_working_days(deadline.due, start) == -days
    published = CALENDAR.is_published(start) and CALENDAR.is_published(deadline.due)
    assert deadline.provisional is not published


@given(DATES, DATES, DATES)
def test_counts_add_up(one: date, two: date, three: date) -> None:
    count = CALENDAR.count_working_days
    assert count(one, two) + count(two, three) == count(one, three)
    assert count(one, one) == 0
    assert count(one - timedelta(days=1), one) == CALENDAR.is_working_day(one)


def walk(calendar: Calendar, start: date, days: int) -> date:
    """Day after day, as on a calendar on the wall."""
    day = start
    while days:
        day += timedelta(days=1)
        days -= calendar.is_working_day(day)
    return day


CALENDARS = st.builds(
    Calendar,
    st.just({2026: "测试"}),
    st.frozensets(st.dates(date(2025, 12, 1), date(2026, 3, 1)), max_size=30),
    st.frozensets(st.dates(date(2025, 12, 1), date(2026, 3, 1)), max_size=10),
)


@given(CALENDARS, st.dates(date(2025, 11, 15), date(2026, 3, 15)), st.integers(0, 80))
def test_counting_without_walking_is_exact(calendar: Calendar, start: date, days: int) -> None:
    due = walk(calendar, start, days)
    assert calendar.add_working_days(start, days).due == due
    if days:
        assert calendar.count_working_days(start, due) == days
    following = next(day for n in range(200) if calendar.is_working_day(day := start + timedelta(days=n)))
    assert calendar.next_working_day(start) == following


@given(DATES, DATES, st.integers(0, 300))
def test_later_starts_and_more_days_end_no_earlier(one: date, two: date, days: int) -> None:
    early, late = sorted((one, two))
    assert CALENDAR.add_working_days(early, days).due <= CALENDAR.add_working_days(late, days).due
    assert CALENDAR.add_working_days(early, days).due <= CALENDAR.add_working_days(early, days + 1).due
    assert CALENDAR.add_calendar_days(early, days).due <= CALENDAR.add_calendar_days(late, days).due


@pytest.mark.parametrize(
    ("start", "days", "due", "provisional"),
    [
        (date(2026, 2, 1), 5, date(2026, 2, 6), False),
        (date(2026, 2, 1), 6, date(2026, 2, 9), False),  # ends on a Saturday
        (date(2026, 2, 10), 6, date(2026, 2, 24), False),  # ends in Spring Festival
        (date(2026, 5, 1), 8, date(2026, 5, 9), False),  # ends on a Saturday that is worked
        (date(2026, 2, 14), 0, date(2026, 2, 14), False),
        (date(2026, 2, 15), 0, date(2026, 2, 24), False),
        (date(2026, 12, 25), 6, date(2026, 12, 31), False),
        (date(2026, 12, 25), 7, date(2027, 1, 1), True),
        (date(2021, 12, 25), 20, date(2022, 1, 14), False),  # only the end has to be known
    ],
)
def test_calendar_days_end_on_a_working_day(start: date, days: int, due: date, provisional: bool) -> None:
    assert CALENDAR.add_calendar_days(start, days) == Deadline(due, provisional)


def test_beyond_the_last_year_there_is_nothing() -> None:
    assert CALENDAR.add_working_days(date(9999, 12, 30), 1).due == date(9999, 12, 31)
    for count in (CALENDAR.add_working_days, CALENDAR.add_calendar_days):
        with pytest.raises(OverflowError):
            count(date(9999, 12, 30), 30)
        with pytest.raises(ValueError, match="-1"):
            count(date(2026, 1, 5), -1)


def test_named_holidays_are_the_holidays() -> None:
    named = {
        holiday.first + timedelta(days=n)
        for holiday in CALENDAR.named
        for n in range((holiday.last - holiday.first).days + 1)
    }
    assert named == CALENDAR.holidays
