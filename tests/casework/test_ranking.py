"""Periods, the ranking's rule, and what is wrong with a rule."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.casework.figures import INDICATORS, LOOKS, Figures, spell
from muheng.casework.period import SPANS, Period, Span, add_months, period_of
from muheng.casework.ranking import Ranking, load_ranking, rank, read_ranking

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


# -- periods -------------------------------------------------------------------------------------------------


@given(DAYS, st.sampled_from(SPANS))
def test_periods_follow_each_other_without_a_gap(day: date, span: Span) -> None:
    period = period_of(span, day)
    assert period.first <= day <= period.last
    assert period.next.first == period.last + timedelta(days=1)
    assert period.before.next == period == period.next.before
    assert period_of(span, period.last) == period


@given(DAYS, st.sampled_from(SPANS), st.integers(-40, 400))
def test_a_running_period_is_held_against_as_many_days(day: date, span: Span, later: int) -> None:
    period = period_of(span, day)
    today = day + timedelta(days=later)
    first, last = period.alike(today)
    assert first == period.before.first
    assert last <= period.before.last
    if today >= period.last:
        assert last == period.before.last
    elif today >= period.first:
        gone = (period.until(today) - period.first).days
        assert (last - first).days in (gone, (period.before.last - first).days)


def test_weeks_begin_on_monday_and_quarters_are_named() -> None:
    assert period_of("week", date(2026, 11, 22)) == Period("week", date(2026, 11, 16))
    assert str(period_of("quarter", date(2026, 11, 22)).title) == "2026年第4季度"
    assert period_of("month", date(2026, 3, 31)).alike(date(2026, 3, 31)) == (
        date(2026, 2, 1),
        date(2026, 2, 28),
    )
    assert add_months(date(2026, 1, 1), -1) == date(2025, 12, 1)


# -- figures ---------------------------------------------------------------------------------------------------

COUNTS = st.integers(0, 50)


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    closed = draw(COUNTS)
    timed, rated, legal = (draw(st.integers(0, closed)) for _ in range(3))
    satisfied = draw(st.integers(0, rated))
    return Figures(
        opened=draw(COUNTS),
        closed=closed,
        timed=timed,
        on_time=draw(st.integers(0, timed)),
        net_days=closed * draw(st.integers(0, 30)),
        gross_days=closed * draw(st.integers(0, 30)),
        rated=rated,
        rating=satisfied * 5 + (rated - satisfied),
        satisfied=satisfied,
        reopened=draw(st.integers(0, closed)),
        legal=legal,
        legal_limit=legal * 20,
        legal_net=legal * draw(st.integers(0, 40)),
    )


@given(figures(), figures())
def test_figures_of_parts_add_up(one: Figures, other: Figures) -> None:
    both = one + other
    assert (both.closed, both.late) == (one.closed + other.closed, one.late + other.late)
    for name in INDICATORS:
        values = [each.value(name) for each in (one, other) if each.value(name) is not None]
        value = both.value(name)
        if name == "closed" or value is None:
            continue
        assert min(values) <= value <= max(values)  # type: ignore[type-var]


def test_values_are_read_as_people_write_them() -> None:
    assert spell("on_time", Fraction(2, 3)) == "66.7%"
    assert spell("net_days", Fraction(25, 4)) == "6.3"
    assert spell("rating", None) == "—"
    assert Figures(legal=1, legal_limit=20, legal_net=5).value("compression") == Fraction(3, 4)


# -- the rule ----------------------------------------------------------------------------------------------------

RULE, _FOUND = load_ranking(None, ["demand"])


def test_the_common_rule_is_clean() -> None:
    assert RULE is not None
    assert _FOUND == []


def assert_rule() -> Ranking:
    assert RULE is not None
    return RULE


@given(st.lists(figures(), min_size=1, max_size=8), st.integers(0, 1000))
def test_places_do_not_depend_on_the_order_and_better_is_never_behind(rows: list[Figures], seed: int) -> None:
    rule = assert_rule()
    given_rows = dict(enumerate(rows))
    shuffled = list(given_rows.items())
    Random(seed).shuffle(shuffled)
    first, second = rank(rule, given_rows), rank(rule, dict(shuffled))
    assert {each.key: each.place for each in first} == {each.key: each.place for each in second}
    ranked = [each for each in first if each.place is not None]
    assert len(ranked) == sum(each.closed >= rule.at_least for each in rows)
    scores = [each.score or 0 for each in ranked]
    assert scores == sorted(scores, reverse=True)
    for each in ranked:
        better = sum(1 for other in ranked if (other.place or 0) < (each.place or 0))
        assert each.place == better + 1
        assert each.shared == (sum(other.place == each.place for other in ranked) > 1)
        assert 0 <= (each.score or 0) <= 10_000


def test_more_on_time_is_worth_points_by_proportion() -> None:
    rule = assert_rule()
    [one, two, three] = rank(
        rule,
        {
            "甲": Figures(closed=10, timed=10, on_time=10, net_days=30),
            "乙": Figures(closed=10, timed=10, on_time=8, net_days=30),
            "丙": Figures(closed=2, timed=2, on_time=2),
        },
    )
    assert (one.key, one.place, one.shown_score) == ("甲", 1, "100.00")
    # 40 × (80 − 60) ÷ 40 = 20 of 40, with 30 and 10 in full; satisfaction has no figures: 60 of 80.
    assert (two.key, two.place, two.shown_score) == ("乙", 2, "75.00")
    assert two.shown_points("on_time") == "20.00"
    assert (three.key, three.place, three.shown_score) == ("丙", None, "—")


@pytest.mark.parametrize(("ties", "places"), [("gap", [1, 1, 3]), ("next", [1, 1, 2])])
def test_ties_as_the_rule_has_them(ties: str, places: list[int]) -> None:
    text = f'name="排名"\nenglish="r"\ntypes=["demand"]\norder=["on_time","net_days"]\nties="{ties}"\n'
    rule, found = read_ranking(text)
    assert rule is not None, found
    same = Figures(closed=4, timed=4, on_time=4, net_days=8)
    found_places = rank(rule, {"a": same, "b": same, "c": Figures(closed=4, timed=4, on_time=3, net_days=8)})
    assert [each.place for each in found_places] == places
    assert [each.shared for each in found_places] == [True, True, False]
    assert any("并列" in str(each) for each in rule.explain())


HEAD = 'name = "排名"\nenglish = "r"\n'
ONE = '[[indicator]]\nof = "on_time"\nweight = {}\nfull = {}\nzero = {}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + 'types = ["demnd"]\norder = ["on_time"]\n', "没有编号为“demnd”的事项类型。"),
        (HEAD + 'types = ["demand"]\norder = ["score"]\n', "没有计分的指标"),
        (HEAD + 'types = ["demand"]\norder = ["on_time", "on_time"]\n', "“按时办结率”写了两次。"),
        (
            HEAD + 'types = ["demand"]\norder = ["score"]\n' + ONE.format(90, 100, 60),
            "各项分值合计 90，应为 100。",
        ),
        (
            HEAD + 'types = ["demand"]\norder = ["score"]\n' + ONE.format(100, 60, 100),
            "满分线和零分线的大小不对",
        ),
        (
            HEAD + 'types = ["demand"]\norder = ["score"]\n' + ONE.format(50, 100, 60) * 2,
            "“按时办结率”写了两次。",
        ),
        (
            HEAD + 'types = ["demand"]\norder = ["on_time"]\n' + ONE.format(100, 100, 60),
            "计了分却不按得分排。",
        ),
        (HEAD + 'types = ["demand"]\norder = ["speed"]\n', "speed"),
        (HEAD + 'types = ["demand"]\norder = ["on_time"]\nat_leest = 2\n', "at_leest"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    rule, found = read_ranking(text, ["demand"])
    assert rule is None
    assert any(said in str(each.what) or said in each.path for each in found), found
    assert all(each.line for each in found)


def test_the_rule_is_told_in_both_languages() -> None:
    for each in assert_rule().explain():
        assert each.render("zh") != each.render("en")
    assert {look.unit for look in LOOKS.values()} == {"%", "件", "工作日", "分"}
