"""The week of an officer."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.liaison.duty import Visit, reckon
from muheng.liaison.rules import VisitRule
from muheng.liaison.week import Stop, free_days, monday_of, plan_week
from muheng.standards.calendar import load_calendar

RULE = VisitRule(months=3)
MONDAY = date(2026, 11, 2)
WEEK = [date(2026, 11, day) for day in range(2, 7)]


def stop(
    code: str, *visited: date, at: tuple[float, float] | None = (118.4, 31.6), since: date = date(2026, 1, 1)
) -> Stop:
    return Stop(code, reckon(since, [Visit(day, "上门走访") for day in visited], RULE, MONDAY), at)


def test_working_days_of_a_week() -> None:
    calendar = load_calendar()
    assert free_days(MONDAY, calendar, MONDAY) == WEEK
    assert free_days(MONDAY, calendar, date(2026, 11, 4), [date(2026, 11, 5)]) == [
        date(2026, 11, 4),
        date(2026, 11, 6),
    ]
    # National Day 2026, with the make-up Saturday after it.
    assert free_days(date(2026, 10, 5), calendar, date(2026, 10, 1)) == [
        date(2026, 10, 8),
        date(2026, 10, 9),
        date(2026, 10, 10),
    ]
    assert monday_of(date(2026, 11, 8)) == MONDAY


def test_overdue_ones_come_first_and_what_does_not_fit_is_named() -> None:
    overdue = [stop(f"O{number}") for number in range(5)]
    done = [stop(f"D{number}", date(2026, 10, 12)) for number in range(3)]
    plan = plan_week([*done, *overdue], WEEK[:2], per_day=2)
    assert [len(day.route.order) for day in plan.days] == [2, 2]
    assert plan.waiting == ("O4",)
    assert not {code for day in plan.days for code in day.route.order} & {"D0", "D1", "D2"}


def test_no_more_days_than_it_takes() -> None:
    plan = plan_week([stop(f"O{number}") for number in range(5)], WEEK, per_day=4)
    assert [(day.day, len(day.route.order)) for day in plan.days] == [(WEEK[0], 3), (WEEK[1], 2)]


def test_near_ones_are_on_one_day() -> None:
    north = [stop(f"N{number}", at=(118.4 + number / 1000, 31.9)) for number in range(2)]
    south = [stop(f"S{number}", at=(118.4 + number / 1000, 31.4)) for number in range(2)]
    plan = plan_week([north[0], south[0], south[1], north[1]], WEEK[:2], per_day=2)
    assert [{code[0] for code in day.route.order} for day in plan.days] == [{"N"}, {"S"}]


def test_the_rest_goes_at_an_even_pace() -> None:
    """Eighteen to visit, nine weeks left of the quarter: two this week."""
    rest = [stop(f"R{number:02d}", date(2026, 9, 1), since=date(2026, 7, 1)) for number in range(18)]
    plan = plan_week(rest, WEEK, per_day=4)
    assert sum(len(day.route.order) for day in plan.days) == 2
    assert plan_week([], WEEK, 4).days == ()
    assert plan_week(rest, [], 4).days == ()


@given(
    st.lists(
        st.tuples(
            st.dates(date(2026, 1, 1), date(2026, 11, 1)),
            st.none() | st.dates(date(2026, 1, 1), date(2026, 11, 1)),
            st.none() | st.tuples(st.floats(118, 119), st.floats(31, 32)),
        ),
        max_size=14,
    ),
    st.integers(0, 5),
    st.integers(1, 4),
    st.randoms(),
)
@settings(max_examples=60, deadline=None)
def test_nobody_twice_nobody_urgent_lost_and_no_day_too_full(drawn, many: int, per_day: int, chance) -> None:
    stops = [
        stop(f"E{number:02d}", *([visited] if visited else []), at=at, since=since)
        for number, (since, visited, at) in enumerate(drawn)
    ]
    plan = plan_week(stops, WEEK[:many], per_day)
    planned = [code for day in plan.days for code in day.route.order]
    assert len(set(planned)) == len(planned)
    assert all(len(day.route.order) <= per_day for day in plan.days)
    urgent = {each.code for each in stops if each.duty.urgency in ("overdue", "this_week")}
    assert urgent <= {*planned, *plan.waiting}
    assert not {*planned} & {*plan.waiting}
    assert not plan.waiting or len(planned) == many * per_day
    chance.shuffle(stops)
    assert plan_week(stops, WEEK[:many], per_day) == plan
