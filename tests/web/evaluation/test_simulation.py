"""Sliders give what a full run of the changed text gives, to each person their own rows, and keep nothing by themselves."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from muheng.cities.pack import list_packs, load_pack
from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.compile import compile_policy
from muheng.policy.rewriting import rewrite
from muheng.policy.run import evaluate
from muheng.web.evaluation import simulations
from muheng.web.evaluation.levers import list_levers, read_changes
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.queries.results import SeenRun, Sight
from muheng.web.evaluation.runs import make_plan, read_result
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from muheng.web.policy.models import PolicyVersion
from muheng.web.refusal import Refused
from web.evaluation.results_city import Results

pytestmark = pytest.mark.django_db
TAX = "class.规上.indicator[亩均税收].weight"
SALES = "class.规上.indicator[亩均营业收入].weight"


def move(results: Results, person: User, changes: dict[str, Any]) -> HttpResponse:
    """What the page's script asks, until this process is ready."""
    client = Client()
    client.force_login(person)
    for _attempt in range(200):
        answer = client.post(
            results.address("simulation/now/"), json.dumps({"changes": changes}), "application/json"
        )
        if answer.status_code != 202:
            return answer
        with simulations.held(results.run.results):
            pass
    raise AssertionError("never ready")


def counts(run: Run, text: str, codes: set[str] | None = None) -> list[int]:
    """How many would have each grade by a full run of the text, the last: none."""
    base = read_result(run.results)
    found = evaluate(make_plan(text), base.given, previous=base.given_previous).grades
    if codes is not None:
        found = found.filter(found[CODE].is_in(sorted(codes)))
    grades = found[p.GRADE].to_list()
    return [grades.count(grade) for grade in (*"ABCD", None)]


@pytest.mark.parametrize(
    "changes",
    [
        {TAX: "50", SALES: "5"},
        {"grading.quota.A": "35"},
        {"limit.减分.cap": "0", "bonus[高新技术企业].add": 4},
        {"regrade[亩均税收不足一万元的最高评为 C].when#1": "3.5"},
        {"merge.alone#1": "1"},
    ],
)
def test_the_picture_is_that_of_a_full_run(results: Results, changes: dict[str, Any]) -> None:
    levers = list_levers(results.policy.text)
    if not set(changes) <= set(levers):
        assert move(results, results.people.clerk, changes).status_code == 422
        return
    text = rewrite(results.policy.text, read_changes(results.policy.text, changes))
    answer = move(results, results.people.clerk, changes).json()
    assert answer["after"] == counts(results.run, text)
    assert answer["before"] == counts(results.run, results.policy.text)
    assert answer["after"] != answer["before"] or answer["moved"] == 0 or "grading" not in str(changes)
    assert sum(map(sum, answer["matrix"])) == sum(answer["before"]) == sum(answer["after"])
    assert answer["moved"] == sum(
        many for at, row in enumerate(answer["matrix"]) for to, many in enumerate(row) if at != to
    )
    county = move(results, results.people.county_clerk, changes).json()
    assert county["after"] == counts(results.run, text, set(results.inside))
    assert {mover["code"] for mover in county["risers"] + county["fallers"]} <= results.inside


def test_something_moves_when_weights_do(results: Results) -> None:
    answer = move(results, results.people.clerk, {TAX: "1", SALES: "54"}).json()
    assert answer["moved"] > 0
    assert len(answer["risers"]) == min(answer["up"], simulations.MOVERS)
    back = move(results, results.people.clerk, {}).json()
    assert back["moved"] == 0


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"class.无.weight": "1"}, "class.无.weight"),
        ({TAX: "many"}, TAX),
        ({TAX: "NaN"}, TAX),
        ({TAX: "1e99"}, TAX),
        ({TAX: "0.00000001"}, TAX),
        ({"policy.valid.from": "1"}, "policy.valid.from"),
    ],
)
def test_what_is_no_number_of_the_policy_is_refused(
    results: Results, changes: dict[str, Any], at: str
) -> None:
    answer = move(results, results.people.clerk, changes)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["at"] == at
    assert error["what"]


@pytest.mark.parametrize("body", ["", "[]", '{"changes": []}', '{"changes": {"a": {}}}', "{", "[" * 9999])
def test_a_body_that_is_none_is_refused(results: Results, client: Client, body: str) -> None:
    client.force_login(results.people.clerk)
    assert client.post(results.address("simulation/now/"), body, "application/json").status_code == 422


def test_numbers_that_make_no_policy_are_said_to(results: Results) -> None:
    refused = move(results, results.people.clerk, {"grading.quota.A": "70", "grading.quota.B": "10"})
    assert refused.status_code == 422
    assert refused.json()["error"]["what"]
    # And the next is as if it had not been.
    assert move(results, results.people.clerk, {}).json()["moved"] == 0


def test_many_hands_at_once_each_get_their_own_picture(results: Results) -> None:
    seen = SeenRun(results.run, Sight(results.run.results, everything=True))
    asked = [{TAX: str(40 + step), SALES: str(15 - step)} for step in range(12)]
    alone = [simulations.simulate(seen, each) for each in asked]
    seen.rows  # noqa: B018 — read before the threads, which have no database
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda each: simulations.simulate(seen, each), asked * 4))
    assert together == alone * 4


def test_without_a_script_the_form_is_answered(results: Results, client: Client) -> None:
    client.force_login(results.people.clerk)
    page = client.get(results.address("simulation/"))
    assert page.context["picture"].moved == 0
    posted = client.post(results.address("simulation/"), {f"n:{TAX}": "1", f"n:{SALES}": "54"})
    assert posted.context["picture"].moved > 0
    assert (
        posted.context["picture"].json() | {}
        == simulations.simulate(
            SeenRun(results.run, Sight(results.run.results, everything=True)), {TAX: "1", SALES: "54"}
        ).json()
    )
    wrong = client.post(results.address("simulation/"), {f"n:{TAX}": "x"})
    assert wrong.context["refused"] is not None


def test_the_numbers_are_kept_as_a_draft(results: Results, client: Client) -> None:
    client.force_login(results.people.chief)
    posted = {f"n:{TAX}": "45", f"n:{SALES}": "10", "title": "税收更重"}
    answer = client.post(results.address("simulation/draft/"), posted)
    draft = PolicyVersion.objects.get(document__title="税收更重")
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"/{draft.document.slug}/{draft.number}/edit/")
    assert draft.state == PolicyVersion.State.DRAFT
    assert "45" in draft.note
    assert client.get(answer["Location"]).status_code == 200
    found = compile_policy(draft.text)
    assert found.plan is not None
    weights = {item.name: item.weight for item in found.plan.indicators if item.class_name == "规上"}
    assert (weights["亩均税收"], weights["亩均营业收入"]) == (45, 10)
    # Comments stay where they were.
    assert draft.text.count("#") == results.policy.text.count("#")
    assert client.post(results.address("simulation/draft/"), {"title": "无"}).status_code == 422
    client.force_login(results.people.clerk)
    assert client.post(results.address("simulation/draft/"), posted).status_code == 403


def test_the_numbers_are_run_as_a_trial(results: Results, client: Client) -> None:
    client.force_login(results.people.clerk)
    answer = client.post(results.address("simulation/trial/"), {f"n:{TAX}": "50", f"n:{SALES}": "5"})
    assert answer.status_code == 302
    run_pending()
    run = Run.objects.get(evaluation=results.evaluation, number=2)
    assert run.state == Run.State.DONE, run.error
    assert "亩均税收" in run.reason
    picture = move(results, results.people.clerk, {TAX: "50", SALES: "5"}).json()
    grades = read_result(run.results).grades[p.GRADE].to_list()
    assert picture["after"] == [grades.count(grade) for grade in (*"ABCD", None)]
    client.force_login(results.people.county_clerk)
    assert client.post(results.address("simulation/trial/"), {f"n:{TAX}": "60"}).status_code == 403


def test_strangers_cannot_move_anything(results: Results) -> None:
    for person in (results.people.owner, results.people.data_clerk):
        assert move(results, person, {}).status_code == 404
    assert Client().post(results.address("simulation/now/"), "{}", "application/json").status_code == 302


# -- levers --------------------------------------------------------------------------------------------------------


def shipped() -> list[str]:
    texts = []
    for name in list_packs():
        pack, _found = load_pack(name)
        assert pack is not None
        texts += [file.read_text(encoding="utf-8") for file in pack.policies]
    return texts


@pytest.mark.parametrize("text", shipped(), ids=lambda text: text.split("id")[1][:30].strip(' ="'))
def test_every_number_of_the_shipped_methods_can_be_moved_and_written(text: str) -> None:
    levers = list_levers(text)
    assert any(lever.group == "weights" for lever in levers.values())
    for key, lever in levers.items():
        assert lever.low <= lever.value <= lever.high
        changes = read_changes(text, {key: str(lever.value + lever.step)})
        assert len(changes) == 1
        made = rewrite(text, changes)
        assert len(made.split("\n")) == len(text.split("\n"))
        assert list_levers(made)[key].value == lever.value + lever.step
        assert rewrite(made, read_changes(made, {key: str(lever.value)})).count("\n") == text.count("\n")
        assert read_changes(text, {key: str(lever.value)}) == ()


TEXT = shipped()[0]


@given(st.dictionaries(st.sampled_from(sorted(list_levers(TEXT))), st.decimals(0, 999, places=2), max_size=6))
def test_several_numbers_are_written_together(moved: dict[str, Decimal]) -> None:
    made = rewrite(TEXT, read_changes(TEXT, moved))
    assert {key: lever.value for key, lever in list_levers(made).items()} == {
        key: moved.get(key, lever.value) for key, lever in list_levers(TEXT).items()
    }


def test_a_number_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused):
        read_changes(TEXT, {"nothing": "1"})
