"""Rosters and trials: who is in, what comes out, and what is said where nothing can."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.intake.facts import CODE, NAME, Item, facts_from_table
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.runs import keep_roster, read_grades, read_listing
from muheng.web.jobs.actions import run_pending
from muheng.web.policy.actions import discard_draft, start_draft
from muheng.web.refusal import Refused
from muheng.web.registry.panels import add_layer
from web.evaluation.city import POLICY, Case, make_case, make_policy
from web.population import make_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    return make_case()


def test_the_roster_says_what_the_method_makes_of_each(case: Case) -> None:
    rows = case.evaluation.participants.order_by("enterprise__code")
    assert rows.count() == 12
    assert list(rows.values_list("standing", flat=True)).count("参评") == 11
    out = rows.exclude(standing="参评").get()
    assert (out.enterprise, out.ground, out.included) == (case.people.enterprises[5], "已注销或迁出", True)


def test_a_trial_is_computed_sealed_and_kept(case: Case) -> None:
    run = ask_trial(case.people.clerk, case.evaluation, "第一次试算")
    run_pending()
    run.refresh_from_db()
    assert run.state == Run.State.DONE, run.error
    assert run.summary["grades"] == {"A": 2, "B": 4, "C": 4, "D": 1}
    assert read_listing(run.results).height == 12
    assert read_grades(run.results).height == 12
    assert len(run.seal) == 64
    assert run.official


MERGED = (
    POLICY.replace(
        "[define]",
        """合并组   = { type = "文本", from = "经信", missing = "视为缺" }
主体企业 = { type = "文本", from = "经信", missing = "视为缺" }

[define]""",
    )
    + """
[merge]
by     = "合并组"
lead   = "主体企业"
land   = "自有用地"
result = "共享"
"""
)


def test_those_who_share_a_result_are_each_given_it(case: Case) -> None:
    people = case.people
    lead, member = people.enterprises[3], people.enterprises[4]
    text = {name: Item(name, "text") for name in ("合并组", "主体企业")}
    together = pl.DataFrame(
        {CODE: [lead.code, member.code], NAME: ["", ""], "合并组": ["一"] * 2, "主体企业": [lead.code] * 2}
    ).with_columns(pl.lit(None, pl.String).alias(NAME))
    add_layer(facts_from_table(together, text, 2025), "合并组", "test", None)
    run = ask_trial(people.clerk, case.evaluation, policy=make_policy(MERGED, 2))
    run_pending()
    run.refresh_from_db()
    assert run.state == Run.State.DONE, run.error
    assert read_listing(run.results).height == 11
    grades = read_grades(run.results)
    assert grades[CODE].to_list() == sorted(each.code for each in people.enterprises)
    shared = grades.filter(pl.col("主体") == lead.code)
    assert sorted(shared[CODE]) == sorted((lead.code, member.code))
    assert shared["等级"].n_unique() == 1
    assert sorted(shared[NAME]) == sorted((lead.name, member.name))


@given(out=st.sets(st.integers(0, 39)), strangers=st.integers(0, 3))
def test_only_the_roster_is_evaluated(out: set[int], strangers: int) -> None:
    codes = [make_code(number) for number in range(40)]
    frame = pl.DataFrame({CODE: codes, NAME: codes, "税": list(range(40))})
    facts = facts_from_table(frame, {"税": Item("税", "number", "万元", 0)}, 2025)
    inside = sorted(code for at, code in enumerate(codes) if at not in out)
    elsewhere = [make_code(100 + number) for number in range(strangers)]
    kept = keep_roster(facts, sorted(inside + elsewhere))
    assert kept.frame[CODE].to_list() == inside
    for source in kept.sources:
        assert set(source.frame[CODE]) == set(inside)
    for code in inside:
        assert kept.cells(code, "税") == facts.cells(code, "税")
    assert (kept is facts) == (not out)


def test_a_draft_that_a_trial_was_run_by_stays(case: Case) -> None:
    Evaluation.objects.update(state=Evaluation.State.TRIAL)
    draft = start_draft(case.policy, case.people.chief)
    ask_trial(case.people.clerk, case.fresh(), policy=draft)
    with pytest.raises(Refused, match="试算过，不能放弃"):
        discard_draft(draft, case.people.chief)
    draft.refresh_from_db()
    assert not draft.final
