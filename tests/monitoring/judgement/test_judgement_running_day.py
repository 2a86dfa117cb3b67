"""A day that is not over yet, hours in which nobody was heard, and caps that were partly used before the stretch."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from muheng.monitoring.judgement import demo
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.judging import Judged, judge
from muheng.monitoring.judgement.outlet import Limit, Marked, Outlet
from muheng.monitoring.judgement.rules import load_rules
from muheng.monitoring.judgement.runs import Hold
from muheng.monitoring.judgement.standing import weigh_marks

RULES = load_rules()[0]
assert RULES is not None
START, DAYS = date(2026, 3, 1), 20


def judge_until(over: int | None, unheard: Hold | None = None, gap: slice | None = None) -> Judged:
    """One outlet of which nothing is known from ``over`` on."""
    (hours,) = demo.make_hours(1, START, DAYS, seed=3)
    hours = replace(hours, stopped=np.zeros(DAYS * 24, dtype=np.bool_), marks=())
    values, valid = hours.values.copy(), np.isfinite(hours.values)
    for part in (slice(over, None) if over is not None else slice(0, 0), gap or slice(0, 0)):
        values[:, part], valid[:, part] = np.nan, False
    (judged,) = judge([replace(hours, values=values, valid=valid, over=over, unheard=unheard)], RULES)
    return judged


def test_hours_to_come_are_not_missed() -> None:
    over = DAYS * 24 - 9
    blind = judge_until(over)
    assert not any(each.kind == "missing" for each in blind.signs)
    assert not any(seen.when.kind == "missing" for each in blind.episodes for seen in each.seen)
    assert all(np.isnan(each.day_ratio[-1]) for each in blind.against)
    whole = judge_until(None)
    for short, full in zip(blind.totals, whole.totals, strict=True):
        assert short.milligrams < full.milligrams
        assert short.measured_hours + short.replaced_hours + short.empty_hours + short.stopped_hours == over
    assert sum(each.running for each in blind.capture) == sum(
        each.running for each in whole.capture
    ) - 9 * len(blind.capture)


def test_an_open_episode_is_not_ended_by_hours_to_come() -> None:
    outlet = Outlet("A", "stack", (Limit(demo.SO2, 35.0),))
    over = DAYS * 24 - 12
    values = np.full((1, DAYS * 24), 20.0) + np.arange(DAYS * 24) % 7
    values[0, over - 2 : over] = 50.0
    values[0, over:] = np.nan
    valid = np.isfinite(values)
    none = np.zeros(DAYS * 24, dtype=np.bool_)
    hours = Hours(outlet, START, (demo.SO2,), values, valid, np.zeros_like(valid), none, (), over)
    (episode,) = judge([hours], RULES)[0].episodes
    assert not episode.closed
    (ended,) = judge([replace(hours, over=None)], RULES)[0].episodes[:1]
    assert ended.last > episode.last or ended.closed


def test_nobody_is_asked_for_hours_in_which_nothing_was_heard() -> None:
    gap = slice(100, 130)
    unheard = np.zeros(DAYS * 24, dtype=np.bool_)
    unheard[gap] = True
    asked, spared = judge_until(None, None, gap), judge_until(None, unheard, gap)
    kinds = [{each.kind for each in judged.signs} for judged in (asked, spared)]
    assert "missing" in kinds[0]
    assert "missing" not in kinds[1]
    assert [each.milligrams for each in asked.totals] == [each.milligrams for each in spared.totals]


def test_a_cap_counts_what_was_marked_before_the_stretch() -> None:
    (hours,) = demo.make_hours(1, START, DAYS, seed=3)
    begin = datetime(2026, 1, 5)
    before = Marked("starting", begin, begin + timedelta(hours=195))
    late = Marked("starting", datetime(2026, 3, 3), datetime(2026, 3, 3, 10))
    hours = replace(hours, marks=(before, late), stopped=np.zeros(DAYS * 24, dtype=np.bool_))
    at = (late.begin - datetime(2026, 3, 1)) // timedelta(hours=1)
    assert weigh_marks(hours, RULES).exempt[at : at + 10].tolist() == [True] * 5 + [False] * 5
    alone = replace(hours, marks=(late,))
    assert weigh_marks(alone, RULES).exempt[at : at + 10].all()
