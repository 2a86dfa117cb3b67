"""Minutes to hours to days, and conversion to the reference oxygen."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from muheng.monitoring.judgement.hours import lay_hours
from muheng.monitoring.judgement.means import average_days, average_minutes
from muheng.monitoring.judgement.outlet import Limit, Outlet
from muheng.monitoring.judgement.oxygen import convert, find_factor
from muheng.monitoring.judgement.rules import Rules, load_rules

START = datetime(2026, 1, 1)


@pytest.fixture(scope="module")
def rules() -> Rules:
    read, found = load_rules()
    assert read is not None, found
    return read


def minutes(values: list[tuple[int, float | None, str]], factor: str = "a21026") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "outlet": ["A"] * len(values),
            "factor": [factor] * len(values),
            "time": [START + timedelta(minutes=each[0]) for each in values],
            "value": [each[1] for each in values],
            "flag": [each[2] for each in values],
        },
        schema_overrides={"value": pl.Float64},
    )


@pytest.mark.parametrize(("valid", "enough", "flag"), [(45, True, "N"), (44, False, "N"), (20, False, "C")])
def test_an_hour_needs_its_minutes(rules: Rules, valid: int, enough: bool, flag: str) -> None:
    rows = [(at, 10.0, "N") if at < valid else (at, 99.0, "C") for at in range(60)]
    hours = average_minutes(minutes(rows), rules.method("stack"))
    first = hours.row(0, named=True)
    assert (first["minutes"], first["value"], first["flag"]) == (valid, 10.0, flag)
    laid = lay_hours(hours, [Outlet("A", "stack", (Limit("a21026", 35),))], date(2026, 1, 1), 1, rules)[0]
    assert bool(laid.valid[0, 0]) is enough


def test_dust_asks_for_more_minutes_and_hours(rules: Rules) -> None:
    rows = [(at, 1.0, "N") for at in range(53)]
    hours = average_minutes(minutes(rows, "a34001"), rules.method("dust"))
    for kind, valid in (("dust", False), ("stack", True)):
        laid = lay_hours(hours, [Outlet("A", kind, (Limit("a34001", 1),))], date(2026, 1, 1), 1, rules)[0]
        assert bool(laid.valid[0, 0]) is valid
    assert rules.method("dust").day_hours == 21


def test_a_minute_sent_again_counts_once_as_it_came_last(rules: Rules) -> None:
    rows = [(at, 10.0, "N") for at in range(60)] + [(0, 70.0, "N")]
    hours = average_minutes(minutes(rows), rules.method("stack"))
    assert hours["minutes"].to_list() == [60]
    assert hours["value"].to_list() == pytest.approx([11.0])


def test_rows_of_several_minutes_stand_for_them(rules: Rules) -> None:
    rows = [(at * 5, 10.0, "N" if at < 9 else "D") for at in range(12)]
    assert average_minutes(minutes(rows), rules.method("stack"), interval=5)["minutes"].to_list() == [45]


def test_flags_decide_what_counts(rules: Rules) -> None:
    frame = pl.DataFrame(
        {
            "outlet": ["A"] * 5 + ["B"],
            "factor": ["a21026"] * 6,
            "time": [START + timedelta(hours=at) for at in range(5)] + [START],
            "value": [1.0, 2.0, 3.0, None, float("nan"), 5.0],
            "flag": ["N", "M", "F", "N", "N", "N"],
        }
    )
    outlet = Outlet("A", "stack", (Limit("a21026", 35),))
    laid = lay_hours(frame, [outlet], date(2026, 1, 1), 1, rules)[0]
    assert laid.factors == ("a21026",)
    assert laid.valid[0, :5].tolist() == [True, False, False, False, False]
    assert laid.flagged[0, :5].tolist() == [False, True, True, False, False]
    assert laid.stopped[:5].tolist() == [False, False, True, False, False]


def test_days_of_water_are_weighted_by_flow(rules: Rules) -> None:
    values, flow = np.full(48, 10.0), np.ones(48)
    values[0], flow[0] = 40.0, 24.0
    counts = np.ones(48, dtype=np.bool_)
    counts[24:44] = False
    weighted, number = average_days(values, counts, rules.method("water"), flow)
    assert weighted[0] == pytest.approx((40 * 24 + 10 * 23) / 47)
    assert number.tolist() == [24, 4]
    plain, _ = average_days(values, counts, rules.method("stack"), flow)
    assert plain[0] == pytest.approx((40 + 230) / 24)


def test_conversion_and_its_guard(rules: Rules) -> None:
    oxygen = np.array([6.0, 13.5, 19.5, 19.6, 21.0, np.nan, -0.1])
    factor = find_factor(oxygen, 6.0, rules.validity.oxygen)
    assert factor[:3].tolist() == pytest.approx([1.0, 2.0, 10.0])
    assert np.isnan(factor[3:]).all()
    assert convert(np.full(7, 17.5), factor, rules.validity.oxygen)[1] == 35.0
