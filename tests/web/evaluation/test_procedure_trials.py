"""Rosters and trials: who is in, what comes out, and what is said where nothing can."""

from __future__ import annotations

import pytest

from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.runs import read_grades, read_listing
from muheng.web.jobs.actions import run_pending
from web.evaluation.city import Case, make_case

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
