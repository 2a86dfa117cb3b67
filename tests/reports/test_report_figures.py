"""The figures add up: to the roster, to one another, and to what a plain recount says."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_city import POLICY, make_facts, make_plan

from muheng.intake.facts import CODE
from muheng.intake.problem import Problem
from muheng.policy import plan as p
from muheng.policy.run import Result, evaluate
from muheng.reports import words
from muheng.reports.figures import (
    BINS,
    Breakdown,
    Figures,
    compare_years,
    gather_figures,
    grades_without,
    spread_scores,
)
from muheng.reports.listing import LAST_GRADE, PLACE, list_subjects
from muheng.standards.rounding import format_trimmed


@pytest.fixture(scope="module")
def figures(result: Result, problems: list[Problem]) -> Figures:
    return gather_figures(result, problems)


def breakdowns(figures: Figures) -> list[Breakdown]:
    found = (
        figures.by_class,
        figures.by_section,
        figures.by_division,
        figures.by_township,
        figures.by_park,
    )
    return [breakdown for breakdown in found if breakdown is not None]


def test_every_breakdown_adds_to_the_roster(figures: Figures) -> None:
    listing = figures.listing
    assert len(breakdowns(figures)) == 5
    for found in breakdowns(figures):
        assert found.size == listing.height
        for label, counts in zip(found.labels, found.counts, strict=True):
            rows = listing.filter(pl.col(found.by).eq_missing(pl.lit(label, pl.String)))
            grades = rows[p.GRADE].to_list()
            assert counts == (*(grades.count(grade) for grade in found.grades), grades.count(None))


def test_largest_labels_come_first_and_the_unlabelled_last(figures: Figures) -> None:
    found = figures.by_township
    assert found is not None
    sizes = [sum(counts) for counts in found.counts]
    assert found.labels[-1] is None
    assert sizes[:-1] == sorted(sizes[:-1], reverse=True)


def test_moves_add_to_the_roster_and_agree_with_the_lists(figures: Figures) -> None:
    moves = figures.moves
    assert moves is not None
    assert sum(map(sum, moves.counts)) == figures.listing.height
    for frame, sign in ((moves.up, 1), (moves.down, -1)):
        assert frame.height > 0
        for last, now in frame.select(LAST_GRADE, p.GRADE).iter_rows():
            assert (figures.grades.index(last) - figures.grades.index(now)) * sign > 0
    graded_twice = sum(sum(row[:-1]) for row in moves.counts[: len(figures.grades)])
    assert moves.up.height + moves.down.height + moves.same == graded_twice


def test_grades_that_are_no_longer_used_are_shown_but_not_compared(result: Result) -> None:
    codes = result.values[CODE][:3]
    last_year = pl.DataFrame({CODE: codes, p.GRADE: ["E", "E", "A"]})
    listing = list_subjects(result, last_year)
    moves = compare_years(listing, result.plan.grades)
    assert moves.before == ("A", "B", "C", "D", "E", None)
    assert sum(moves.counts[4]) == 2
    assert sum(moves.counts[-1]) == listing.height - 3
    assert moves.up.height + moves.down.height + moves.same <= 1


def test_histograms_hold_every_rated_score(figures: Figures) -> None:
    for found in figures.histograms:
        rated = figures.listing.filter(
            (pl.col(p.CLASS) == found.class_name) & (pl.col(p.STANDING) == p.RATED)
        )
        assert sum(map(sum, found.counts)) == rated.height > 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=80))
def test_a_histogram_keeps_everyone_and_is_never_wide(totals: list[int]) -> None:
    many = len(totals)
    listing = pl.DataFrame(
        {p.CLASS: ["甲"] * many, p.STANDING: [p.RATED] * many, p.GRADE: ["A"] * many, p.TOTAL: totals}
    )
    found = spread_scores(listing, "甲", ("A",), 4)
    assert found is not None
    assert sum(map(sum, found.counts)) == many
    assert len(found.counts) <= BINS + 2
    end = found.start + len(found.counts) * found.width
    assert found.open_low == (min(totals) < found.start)
    assert found.open_high == (max(totals) >= end)


def test_levels_are_medians(figures: Figures, result: Result) -> None:
    level = next(level for level in figures.levels if level.indicator == "亩均增加值")
    values = result.values["亩均增加值"].to_list()
    for grade, shown in zip(figures.grades, level.medians, strict=True):
        rows = [
            value
            for value, class_name, given in zip(
                values, figures.listing[p.CLASS], figures.listing[p.GRADE], strict=True
            )
            if class_name == "规上" and given == grade and value is not None
        ]
        assert shown is not None
        assert abs(shown - median(rows)) <= 0.5


def test_ungraded_adds_to_those_without_a_grade(figures: Figures) -> None:
    assert sum(group.count for group in figures.ungraded) == figures.by_class.totals[-1]
    reasons = {group.reason: group for group in figures.ungraded}
    assert set(reasons) == {"公用事业", "投产不足两年", "无有效用地"}
    assert reasons["投产不足两年"].treated_as == "B"


def test_who_is_in_no_class_is_told_apart(result: Result) -> None:
    text = POLICY.replace('missing = "不参评：未列规模"', 'missing = "未知"').replace(
        'values = ["规上", "规下"], ', ""
    )
    facts = make_facts(60)
    frame = facts.frame.with_columns(
        pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("其他")).otherwise("规模").alias("规模")
    )
    found = gather_figures(evaluate(make_plan(text), replace(facts, frame=frame)), [])
    assert None in found.by_class.labels
    assert found.by_class.size == 60
    assert sum(group.count for group in found.ungraded) == found.by_class.totals[-1]


def test_adjustments_match_a_recount(figures: Figures, result: Result) -> None:
    rated = figures.listing[p.STANDING] == p.RATED
    bonus = next(limited for limited in figures.limited if limited.name == "创新绿色加分")
    given = result.values.filter(rated)["创新绿色加分"].to_list()
    assert bonus.subjects == sum(points > 0 for points in given)
    assert bonus.points == sum(given)
    tags = result.facts.frame.filter(rated)["标签"].to_list()
    both = sum("高新技术企业" in tag and "绿色工厂" in tag for tag in tags)
    assert bonus.cut == both > 0
    parts = {adjusted.name: adjusted for adjusted in figures.adjusted}
    assert parts["高新技术企业"].subjects == sum("高新技术企业" in tag for tag in tags)


def test_regradings_replayed_one_by_one_end_at_the_grade(figures: Figures, result: Result) -> None:
    grades = result.plan.grades
    applied: dict[str, int] = {}
    changed: dict[str, int] = {}
    for row, (first, final) in enumerate(figures.listing.select(p.FIRST_GRADE, p.GRADE).iter_rows()):
        now = first
        for move in result.moves(row):
            applied[move.title] = applied.get(move.title, 0) + 1
            place = grades.index(now)
            after = grades[max(place - 1, 0)] if move.how == "up" else grades[-1]
            changed[move.title] = changed.get(move.title, 0) + (after != now)
            now = after
        assert now == final
    assert applied.keys() == {"省级领跑者", "较大及以上安全生产事故"}
    assert {one.name: (one.subjects, one.changed) for one in figures.regraded} == {
        name: (applied[name], changed[name]) for name in applied
    }


def test_without_bonuses_is_the_policy_without_them(result: Result) -> None:
    text = POLICY
    for name in ("高新技术企业", "绿色工厂"):
        start = text.index(f'[[bonus]]\nname = "{name}"')
        text = text[:start] + text[text.index("\n\n", start) :]
    other = evaluate(make_plan(text), result.facts)
    assert grades_without(result, 1).to_list() == other.grades[p.GRADE].to_list()
    assert grades_without(result, 1).to_list() != result.grades[p.GRADE].to_list()


def test_filled_and_over_full_points(figures: Figures, result: Result) -> None:
    judged = {(one.class_name, one.indicator): one for one in figures.judged}
    energy = judged["规上", "单位能耗增加值"]
    scored = figures.listing.with_columns(result.facts.frame["综合能耗"]).filter(
        (pl.col(p.CLASS) == "规上") & (pl.col(p.STANDING) == p.RATED)
    )
    assert energy.filled == scored["综合能耗"].null_count() > 0
    tax = judged["规上", "亩均税收"]
    assert tax.over > 0
    assert tax.most == 675_000
    assert words.scaled(tax.most, tax.digits) == "67.5000"


def test_problems_go_to_the_department_whose_file_it_is(figures: Figures) -> None:
    found = [(group.department, group.errors, group.warnings) for group in figures.problems]
    assert found == [("税务", 1, 0), (None, 1, 0), ("统计", 0, 1)]


def test_place_names_township_and_park(figures: Figures) -> None:
    for township, park, place in figures.listing.select("乡镇", "园区", PLACE).iter_rows():
        both = f"{township}（{park}）" if township and park else township or park
        assert place == both


def test_an_enterprise_in_two_parks_is_counted_under_both_names_at_once(result: Result) -> None:
    facts = make_facts(40)
    parks = ["甲园|乙园", "乙园|甲园", " 甲园 ", ""] * 10
    frame = facts.frame.with_columns(pl.Series("园区", parks))
    found = gather_figures(evaluate(make_plan(), replace(facts, frame=frame)), []).by_park
    assert found is not None
    assert dict(zip(found.labels, map(sum, found.counts), strict=True)) == {
        "乙园、甲园": 20,
        "甲园": 10,
        None: 10,
    }


def test_last_year_given_by_hand_wins_over_the_facts(result: Result) -> None:
    last_year = pl.DataFrame({CODE: [result.values[CODE][0]], p.GRADE: ["D"]})
    grades = list_subjects(result, last_year)[LAST_GRADE]
    assert grades[0] == "D"
    assert grades.null_count() == result.values.height - 1


def test_one_enterprise_and_nobody(one: Result, nobody: Result) -> None:
    alone = gather_figures(one, [])
    assert alone.by_class.size == 1
    assert alone.by_class.labels == ("规上", "规下")
    assert alone.cuts == ()
    assert len(alone.histograms) == 1
    empty = gather_figures(nobody, [])
    assert empty.by_class.totals[:-1] == (0, 0, 0, 0)
    assert empty.histograms == ()
    assert all(median is None for level in empty.levels for median in level.medians)


def test_numbers_as_people_write_them() -> None:
    assert words.share(1, 3) == "33.3%"
    assert words.share(1, 0) == "—"
    assert words.scaled(-123456789, 4) == "-12,345.6789"
    assert words.scaled(None, 2) == "—"
    assert format_trimmed(4900000, 4) == "490"
    assert format_trimmed(100, 0) == "100"
    assert words.level(155_212, 4, 155_212) == "15.52"
    assert words.level(1_234, 4, 5_000) == "0.1234"
