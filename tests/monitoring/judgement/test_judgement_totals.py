"""Emission totals and capture rates beside a plain reading of the same rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.monitoring.judgement.capture import find_capture
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.outlet import Limit, Outlet
from muheng.monitoring.judgement.rules import Rules, load_rules
from muheng.monitoring.judgement.standing import weigh_marks
from muheng.monitoring.judgement.totals import MonthTotal, find_totals

RULES = load_rules()[0]
assert RULES is not None
SO2, FLOW = "a21026", "a00000"


def lay(values: np.ndarray, valid: np.ndarray, stopped: np.ndarray, start: date = date(2026, 1, 1)) -> Hours:
    outlet = Outlet("A", "stack", (Limit(SO2, 35.0),))
    table = np.stack([np.full(len(values), 1000.0), values])
    both = np.stack([~stopped, valid])
    return Hours(outlet, start, (FLOW, SO2), table, both, np.zeros_like(both), stopped)


def total(hours: Hours, rules: Rules = RULES) -> tuple[MonthTotal, ...]:
    standing, method = weigh_marks(hours, rules), rules.method("stack")
    capture = find_capture(hours, standing, method)
    return find_totals(hours, standing, capture, method, rules.validity.replacement)


def plain_totals(hours: Hours, rules: Rules) -> list[tuple[int, int, int, int]]:
    """By month: milligrams, replaced, empty, outside; hour by hour, as the rule is told."""
    valid = (hours.valid.all(axis=0) & ~hours.stopped).tolist()
    stopped = hours.stopped.tolist()
    amount = [round(float(each)) for each in hours.values[0] * hours.values[1]]
    quarter_of = hours.calendar.quarter_of.tolist()
    own = (hours.valid[1] & ~hours.stopped).tolist()
    rates = []
    for at in range(len(hours.calendar.quarters)):
        places = [hour for hour, quarter in enumerate(quarter_of) if quarter == at and not stopped[hour]]
        rates.append(Fraction(sum(own[hour] for hour in places), len(places)) if places else Fraction(1))
    found = []
    for month in hours.calendar.months:
        milligrams = replaced = empty = outside = 0
        for hour in range(month.begin, month.end):
            if stopped[hour]:
                continue
            if valid[hour]:
                milligrams += amount[hour]
                continue
            first = last = hour
            while first > 0 and not valid[first - 1] and not stopped[first - 1]:
                first -= 1
            while last + 1 < len(valid) and not valid[last + 1] and not stopped[last + 1]:
                last += 1
            before = [amount[each] for each in range(first) if valid[each]]
            if not before:
                empty += 1
                continue
            rate, gap = rates[quarter_of[hour]] * 100, last - first + 1
            window = (180 if gap <= 24 else 720) if rate >= 90 else 2160
            milligrams += max(before[-window:])
            replaced += 1
            outside += rate < 75
        found.append((milligrams, replaced, empty, outside))
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.1, 0.3]), st.integers(0, 3))
def test_totals_are_those_of_the_plain_rule(seed: int, lost: float, stops: int) -> None:
    random = np.random.default_rng(seed)
    length = 24 * 50
    values = np.round(random.uniform(1, 30, length), 2)
    valid = random.random(length) > lost / 4
    for _ in range(3):
        begin = int(random.integers(length))
        valid[begin : begin + int(random.integers(1, int(400 * lost) + 20))] = False
    stopped = np.zeros(length, dtype=np.bool_)
    for _ in range(stops):
        begin = int(random.integers(length))
        stopped[begin : begin + 40] = True
    hours = lay(values, valid, stopped, date(2026, 3, 1))  # over the end of a quarter
    found = [
        (each.milligrams, each.replaced_hours, each.empty_hours, each.outside_hours) for each in total(hours)
    ]
    assert found == plain_totals(hours, RULES)


def test_every_hour_is_counted_once_and_tonnes_are_exact() -> None:
    values = np.full(24 * 31, 35.123)
    valid = np.ones(len(values), dtype=np.bool_)
    valid[100:110] = False
    stopped = np.zeros(len(values), dtype=np.bool_)
    stopped[200:224] = True
    (january,) = total(lay(values, valid & ~stopped, stopped))
    assert (january.measured_hours, january.replaced_hours, january.stopped_hours) == (710, 10, 24)
    assert january.tonnes == Decimal(35123) * 720 / 10**9


def test_a_gap_before_anything_was_measured_stays_empty() -> None:
    valid = np.ones(24 * 31, dtype=np.bool_)
    valid[:5] = False
    (january,) = total(lay(np.full(24 * 31, 10.0), valid, ~np.ones(24 * 31, dtype=np.bool_)))
    assert (january.empty_hours, january.replaced_hours) == (5, 0)


def test_the_capture_rate_leaves_out_what_stood_still() -> None:
    length = 24 * 90
    valid, stopped = np.ones(length, dtype=np.bool_), np.zeros(length, dtype=np.bool_)
    stopped[:160] = True
    valid[160:660] = False
    hours = lay(np.full(length, 10.0), valid & ~stopped, stopped)
    rate = find_capture(hours, weigh_marks(hours, RULES), RULES.method("stack"))[SO2][0]
    assert (rate.quarter, rate.rate, rate.enough) == ("2026Q1", Fraction(1500, 2000), True)
    valid[660] = False
    hours = lay(np.full(length, 10.0), valid & ~stopped, stopped)
    assert not find_capture(hours, weigh_marks(hours, RULES), RULES.method("stack"))[SO2][0].enough


@pytest.mark.parametrize("days", [1, 366])
def test_nothing_measured_is_nothing(days: int) -> None:
    none = np.zeros(24 * days, dtype=np.bool_)
    for month in total(lay(np.full(24 * days, np.nan), none, none)):
        assert (month.milligrams, month.measured_hours, month.replaced_hours) == (0, 0, 0)
