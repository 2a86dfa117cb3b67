"""What exceeds: by the hour or the day, by the limit of the date, without what marks take out."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.monitoring.judgement.exceedance import Against, compare_with_limits
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.judging import judge, list_exceedances
from muheng.monitoring.judgement.outlet import Limit, Marked, Outlet
from muheng.monitoring.judgement.oxygen import convert, convert_one, find_factor
from muheng.monitoring.judgement.rules import load_rules
from muheng.monitoring.judgement.standing import weigh_marks

RULES = load_rules()[0]
assert RULES is not None
START = date(2026, 1, 1)
NOX = "a21002"


def lay(
    outlet: Outlet, series: dict[str, np.ndarray], marks: tuple[Marked, ...] = (), start: date = START
) -> Hours:
    table = np.stack(list(series.values())).astype(np.float64)
    valid = np.isfinite(table)
    none = np.zeros(table.shape[1], dtype=np.bool_)
    return Hours(outlet, start, tuple(series), table, valid, np.zeros_like(valid), none, marks)


def compare(hours: Hours) -> Against:
    return compare_with_limits(hours, weigh_marks(hours, RULES), RULES)[0]


def marked(name: str, begin: int, end: int, start: date = START) -> Marked:
    origin = datetime(start.year, start.month, start.day)
    return Marked(name, origin + timedelta(hours=begin), origin + timedelta(hours=end))


def test_at_the_limit_is_not_over_it() -> None:
    values = np.full(24, 50.0)
    values[3] = 50.001
    against = compare(lay(Outlet("A", "stack", (Limit(NOX, 50.0),)), {NOX: values}))
    assert against.over_hours.tolist() == [3]
    assert against.over_days.tolist() == []


def test_the_same_data_by_the_hour_and_by_the_day() -> None:
    values = np.full(48, 40.0)
    values[:12] = 70.0
    by_hour = compare(lay(Outlet("A", "stack", (Limit(NOX, 50.0),)), {NOX: values}))
    by_day = compare(lay(Outlet("A", "incinerator", (Limit(NOX, 50.0),)), {NOX: values}))
    assert len(by_hour.over_hours) == 12
    assert by_day.over_hours.tolist() == []
    assert by_day.over_days.tolist() == [0]
    assert by_day.day_value[0] == 55.0


def test_a_day_with_too_few_hours_is_not_judged() -> None:
    values = np.full(48, 60.0)
    values[:5] = np.nan
    values[24:28] = np.nan
    assert compare(
        lay(Outlet("A", "incinerator", (Limit(NOX, 50.0),)), {NOX: values})
    ).over_days.tolist() == [1]


def test_limits_by_date() -> None:
    limits = (Limit(NOX, 100.0, until=date(2026, 1, 3)), Limit(NOX, 50.0, from_day=date(2026, 1, 2)))
    against = compare(lay(Outlet("A", "stack", limits), {NOX: np.full(72, 60.0)}))
    assert against.over_hours.tolist() == list(range(24, 72))


def test_a_limit_that_ended_judges_nothing() -> None:
    limits = (Limit(NOX, 50.0, until=date(2026, 1, 2)),)
    against = compare(lay(Outlet("A", "stack", limits), {NOX: np.full(48, 60.0)}))
    assert against.over_hours.tolist() == list(range(24))


def test_both_limits_of_ph() -> None:
    values = np.full(24, 7.0)
    values[[2, 5]] = 5.5, 9.5
    outlet = Outlet("A", "water", (Limit("w01001", 9.0, least=6.0, basis="hour"),))
    against = compare(lay(outlet, {"w01001": values}))
    assert against.over_hours.tolist() == [2, 5]


def test_values_are_judged_at_the_reference_oxygen() -> None:
    oxygen = np.full(24, 6.0)
    oxygen[4], oxygen[5], oxygen[6] = 13.5, 20.0, np.nan
    outlet = Outlet("A", "stack", (Limit(NOX, 50.0),), 6.0)
    against = compare(lay(outlet, {NOX: np.full(24, 30.0), "a19001": oxygen}))
    assert against.over_hours.tolist() == [4]
    assert against.value[4] == 60.0
    assert against.unconverted == 2


@pytest.mark.parametrize(("mark", "judged"), [("starting", False), ("maintenance", False), ("plant_stopped", False), ("plant_other", True)])  # fmt: skip
def test_marks_take_hours_out_as_the_rules_say(mark: str, judged: bool) -> None:
    outlet = Outlet("A", "stack", (Limit(NOX, 50.0),))
    hours = lay(outlet, {NOX: np.full(24, 60.0)}, (marked(mark, 2, 6),))
    standing = weigh_marks(hours, RULES)
    assert len(compare(hours).over_hours) == (24 if judged else 20)
    assert [(each.mark, each.hours) for each in standing.counts] == [(mark, 4)]
    assert (standing.valid[0, 2:6].all()) == (mark in ("starting", "plant_other"))


def test_a_mark_speaks_for_every_hour_that_it_touches() -> None:
    outlet = Outlet("A", "stack", (Limit(NOX, 50.0),))
    touching = Marked("starting", datetime(2026, 1, 1, 2, 30), datetime(2026, 1, 1, 4, 1))
    against = compare(lay(outlet, {NOX: np.full(24, 60.0)}, (touching,)))
    assert sorted(set(range(24)) - set(against.over_hours.tolist())) == [2, 3, 4]


def test_past_the_years_cap_marked_hours_are_judged() -> None:
    start = date(2025, 12, 25)
    outlet = Outlet("A", "stack", (Limit(NOX, 50.0),), trade="生活垃圾焚烧")
    hours = lay(outlet, {NOX: np.full(24 * 14, 60.0)}, (marked("starting", 0, 24 * 14, start),), start)
    standing = weigh_marks(hours, RULES)
    assert [(each.year, each.hours, each.past_cap) for each in standing.counts] == [
        ("2025", 168, 108),
        ("2026", 168, 108),
    ]
    assert int(standing.exempt.sum()) == 120
    assert len(compare(hours).over_hours) == 216


def test_the_list_says_how_many_times_over() -> None:
    values = np.full(48, 40.0)
    values[30] = 125.0
    outlets = [
        Outlet("A", "stack", (Limit(NOX, 50.0),)),
        Outlet("B", "incinerator", (Limit(NOX, 40.0),)),
    ]
    found = list_exceedances(judge([lay(each, {NOX: values}) for each in outlets], RULES))
    rows = found.rows()
    assert rows[0] == ("A", NOX, "hour", datetime(2026, 1, 2, 6), 125.0, 50.0, 1.5)
    assert rows[1][:4] == ("B", NOX, "day", datetime(2026, 1, 2))
    assert rows[1][6] == pytest.approx((40 * 23 + 125) / 24 / 40 - 1)
    assert len(rows) == 2


def test_nothing_over_is_an_empty_list_of_the_same_columns() -> None:
    outlet = Outlet("A", "stack", (Limit(NOX, 50.0),))
    quiet = list_exceedances(judge([lay(outlet, {NOX: np.full(24, 40.0)})], RULES))
    loud = list_exceedances(judge([lay(outlet, {NOX: np.full(24, 60.0)})], RULES))
    assert quiet.is_empty()
    assert quiet.schema == loud.schema


ANY = st.floats(-1e12, 1e12) | st.sampled_from((float("nan"), float("inf")))


@given(
    st.floats(0, 1000).map(lambda each: round(each, 2)) | ANY,
    st.floats(0, 21).map(lambda each: round(each, 1)) | ANY | st.none(),
    st.sampled_from((3.0, 6.0, 9.0, 11.0)),
)
def test_one_value_is_converted_as_many_are(value: float, oxygen: float | None, reference: float) -> None:
    rule = RULES.validity.oxygen
    factor = find_factor(np.array([np.nan if oxygen is None else oxygen]), reference, rule)
    many = float(convert(np.array([value]), factor, rule)[0])
    assert convert_one(value, oxygen, reference, rule) == (many if np.isfinite(many) else None)
