"""Episodes: the same whether fed hour by hour or at once; merged over quiet hours; graded; escalated."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.monitoring.judgement.episodes import Episode, Observed, OutOfTurn, feed, watch
from muheng.monitoring.judgement.escalation import Arrival, Due, escalate
from muheng.monitoring.judgement.rules import load_rules

RULES = load_rules()[0]
assert RULES is not None
ALERTS = RULES.alerts
START = datetime(2026, 1, 1)


def observe(
    ratio: list[float],
    begin: datetime = START,
    value: list[float] | None = None,
    missing: list[int] | None = None,
    marked: list[int] | None = None,
    days: dict[int, float] | None = None,
) -> Observed:
    length = len(ratio)
    day_ratio = np.full(length, np.nan)
    for hour, over in (days or {}).items():
        day_ratio[hour] = over
    holds = [np.isin(np.arange(length), each or []) for each in (missing, marked)]
    values = np.arange(length, dtype=np.float64) if value is None else np.array(value)
    return Observed(begin, values, np.array(ratio, dtype=np.float64), holds[0], holds[1], day_ratio)


def cut(observed: Observed, begin: int, end: int) -> Observed:
    part = slice(begin, end)
    return Observed(
        observed.begin + timedelta(hours=begin),
        observed.value[part],
        observed.ratio[part],
        observed.missing[part],
        observed.marked[part],
        observed.day_ratio[part],
    )


def feed_all(
    observed: Observed, cuts: list[int], flat_hours: int = 4
) -> tuple[tuple[Episode, ...], Episode | None]:
    state, ended = watch("A", "a21026", flat_hours), []
    edges = [0, *cuts, len(observed.value)]
    for begin, end in pairwise(edges):
        state, more = feed(state, cut(observed, begin, end), ALERTS)
        ended += more
    return tuple(ended), state.open


@st.composite
def stretches(draw: st.DrawFn) -> Observed:
    begin = START + timedelta(hours=draw(st.integers(0, 23)))
    length = draw(st.integers(1, 150))
    random = np.random.default_rng(draw(st.integers(0, 100_000)))
    level = draw(st.sampled_from([0.5, 0.75, 0.95, 1.1]))
    slow = np.repeat(random.uniform(0.3, 1.6, length // 8 + 1), 8)[:length]
    ratio = np.round(slow * level, 1)
    value = ratio * 10
    missing = np.repeat(random.random(length // 3 + 1) < 0.1, 3)[:length]
    marked = np.repeat(random.random(length // 6 + 1) < draw(st.sampled_from([0.0, 0.3, 0.7])), 6)[:length]
    value[missing] = np.nan
    ratio[missing | marked] = np.nan
    day_ratio = np.full(length, np.nan)
    last = (begin.hour + np.arange(length)) % 24 == 23
    day_ratio[last] = random.uniform(0.6, 1.3, int(last.sum()))
    return Observed(begin, value, ratio, missing & ~marked, marked, day_ratio)


@settings(max_examples=80, deadline=None)
@given(stretches(), st.data())
def test_however_it_is_fed_the_episodes_are_the_same(observed: Observed, data: st.DataObject) -> None:
    length = len(observed.value)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(length - 1, 1)), max_size=12)))
    cuts = [each for each in cuts if each < length]
    at_once = feed_all(observed, [])
    assert feed_all(observed, cuts) == at_once
    assert feed_all(observed, list(range(1, length))) == at_once


@settings(max_examples=100, deadline=None)
@given(stretches())
def test_episodes_lie_apart_and_in_order(observed: Observed) -> None:
    ended, current = feed_all(observed, [])
    episodes = [*ended, *([current] if current else [])]
    for each in episodes:
        assert each.begin <= min(seen.first for seen in each.seen)
        assert each.last == max(seen.last for seen in each.seen)
    for one, next_one in pairwise(episodes):
        first = min(seen.first for seen in next_one.seen)
        assert first - one.last > timedelta(hours=ALERTS.episodes.quiet_hours + 1)
        assert one.closed


def only(observed: Observed, flat_hours: int = 4) -> Episode:
    ended, current = feed_all(observed, [], flat_hours)
    (episode,) = [*ended, *([current] if current else [])]
    return episode


def test_two_exceedances_with_six_quiet_hours_between_are_one() -> None:
    ratio = [0.1] * 40
    ratio[5] = ratio[12] = 1.2
    assert only(observe(ratio)).last == START + timedelta(hours=12)
    ratio[12], ratio[13] = 0.1, 1.2
    ended, current = feed_all(observe(ratio), [])
    assert len(ended) == 2
    assert current is None


@pytest.mark.parametrize(
    ("ratio", "tier"),
    [
        ([0.1] * 5 + [0.79, 0.8] + [0.1] * 5, None),
        ([0.1] * 5 + [0.8, 0.8] + [0.1] * 5, "remind"),
        ([0.1] * 5 + [1.0] + [0.1] * 5, None),
        ([0.1] * 5 + [1.01] + [0.1] * 5, "remind"),
        ([0.1] * 5 + [1.01] * 2 + [0.1] * 5, "remind"),
        ([0.1] * 5 + [1.01] * 3 + [0.1] * 5, "warn"),
        ([0.1] * 5 + [3.0] + [0.1] * 5, "supervise"),
    ],
)
def test_tiers_by_hours(ratio: list[float], tier: str | None) -> None:
    ended, current = feed_all(observe(ratio), [])
    found = [*ended, *([current] if current else [])]
    assert [each.tier for each in found] == ([] if tier is None else [tier])


def test_the_beginning_is_where_it_began_and_the_tier_is_known_at_the_end_of_the_hour() -> None:
    episode = only(observe([0.1] * 5 + [1.5] * 4 + [0.1] * 3))
    assert episode.begin == START + timedelta(hours=5)
    assert episode.reached("remind") == START + timedelta(hours=6)
    assert episode.reached("warn") == START + timedelta(hours=8)
    assert episode.reached("supervise") is None
    assert episode.peak == 1.5


def test_flat_missing_and_marked() -> None:
    quiet = [0.1] * 24
    assert only(observe(quiet, value=[1, 2, 3, 4, 4, 4, 4, *range(5, 22)])).seen[0].when.kind == "flat"
    assert feed_all(observe(quiet, value=[1, 2, 3, 4, 4, 4, *range(5, 23)]), []) == ((), None)
    assert only(observe(quiet, missing=[3, 4])).seen[0].when.kind == "missing"
    assert feed_all(observe(quiet, missing=[3, 5]), []) == ((), None)
    assert only(observe(quiet, marked=list(range(9)))).tier == "warn"
    assert feed_all(observe(quiet, marked=list(range(8))), []) == ((), None)
    two_days = [0.1] * 48
    assert feed_all(observe(two_days, marked=list(range(16, 32))), []) == ((), None)


def test_a_day_over_its_limit_goes_to_the_city() -> None:
    episode = only(observe([0.1] * 24, days={23: 1.1}))
    assert (episode.tier, episode.peak) == ("supervise", 1.1)
    assert episode.reached("supervise") == START + timedelta(days=1)


def test_hours_out_of_turn_are_refused() -> None:
    state, _ = feed(watch("A", "a21026", 4), observe([0.1] * 3), ALERTS)
    with pytest.raises(OutOfTurn):
        feed(state, observe([0.1]), ALERTS)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def test_unanswered_it_rises_and_unclosed_it_rises_again() -> None:
    episode = only(observe([0.1] * 5 + [1.2] + [0.1] * 3))
    reminded = Arrival("remind", at(6))
    assert escalate(episode, ALERTS, at(6), key=True) == ((reminded,), (Due("warn", "answered", at(7)),))
    warned = Arrival("warn", at(7), "answered")
    arrivals, due = escalate(episode, ALERTS, at(8), key=True)
    assert (arrivals, due) == ((reminded, warned), (Due("supervise", "closed", at(11)),))
    arrivals, due = escalate(episode, ALERTS, at(12), key=True)
    assert (arrivals[-1], due) == (Arrival("supervise", at(11), "closed"), ())
    assert escalate(episode, ALERTS, at(12), key=False)[1] == (Due("supervise", "closed", at(55)),)


def test_answered_in_time_it_stays() -> None:
    episode = only(observe([0.1] * 5 + [1.2] + [0.1] * 3))
    assert escalate(episode, ALERTS, at(99), key=True, answered=at(6.5)) == ((Arrival("remind", at(6)),), ())
    late = escalate(episode, ALERTS, at(99), key=True, answered=at(7.5), closed=at(9))[0]
    assert [each.tier for each in late] == ["remind", "warn"]


def test_what_the_data_raise_needs_no_clock() -> None:
    episode = only(observe([0.1] * 5 + [3.5] + [0.1] * 3))
    arrivals, _ = escalate(episode, ALERTS, at(6), key=False)
    assert [(each.tier, each.at, each.because) for each in arrivals] == [
        ("remind", at(6), None),
        ("warn", at(6), None),
        ("supervise", at(6), None),
    ]
