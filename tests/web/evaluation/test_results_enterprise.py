"""One enterprise's result: explained to officials who see it, and to itself once it is public."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.advise import advise
from muheng.policy.explain import explain
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.runs import read_listing, read_result
from muheng.web.people.models import User
from muheng.web.registry.models import GradeRecord
from web.evaluation.results_city import Results

pytestmark = pytest.mark.django_db


def as_person(person: User, language: str = "zh-hans") -> Client:
    client = Client()
    client.force_login(person)
    client.cookies["django_language"] = language
    return client


def publish(results: Results, state: str = Evaluation.State.PUBLICITY) -> None:
    Evaluation.objects.filter(pk=results.evaluation.pk).update(
        state=state, chosen=results.run, publicity_from=date(2026, 11, 2), publicity_until=date(2026, 11, 9)
    )


def sign(results: Results) -> None:
    """As it stands after signing; the deed itself is tested with the procedure."""
    publish(results, Evaluation.State.SIGNED)
    now = timezone.now()
    Run.objects.filter(pk=results.run.pk).update(
        kind=Run.Kind.FINAL, signed_by=results.people.leader, signed_at=now, verified_at=now
    )
    row = read_result(results.run.results).grades.filter(
        read_result(results.run.results).grades[CODE] == results.own.code
    )
    GradeRecord.objects.create(
        enterprise=results.own,
        year=2025,
        grade=row[p.GRADE][0] or "",
        score=row[p.TOTAL][0] or "",
        run=results.run.pk,
        given_at=now,
    )


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_enterprise_is_explained(results: Results, language: str) -> None:
    client = as_person(results.people.clerk, language)
    result = read_result(results.run.results)
    listing = read_listing(results.run.results)
    chosen = listing.unique(p.STANDING)[CODE].to_list() + listing[CODE].to_list()[::20]
    for code in (*chosen, *list(result.members or {})[:3]):
        answer = client.get(results.address(f"enterprises/{code}/"))
        assert answer.status_code == 200, code
        told = answer.context["told"]
        truth = explain(result, code)
        lang = "en" if language == "en" else "zh"
        assert told.tree.said == truth.root.sentence.render(lang)
        assert told.grade == (truth.grade or "")
        assert told.name in answer.content.decode()


def test_the_cells_behind_the_figures_are_shown(results: Results) -> None:
    answer = as_person(results.people.clerk).get(results.address(f"enterprises/{results.own.code}/"))
    assert "宽表.xlsx" in answer.content.decode()


def test_points_beside_their_weight_add_up(results: Results) -> None:
    listing = read_listing(results.run.results)
    code = listing.filter(listing[p.STANDING] == "参评")[CODE][3]
    told = as_person(results.people.clerk).get(results.address(f"enterprises/{code}/")).context["told"]
    result = read_result(results.run.results)
    subtotal = result.values[p.SUBTOTAL][result.rows[code]]
    digits = result.plan.numeric(p.SUBTOTAL).digits
    assert sum(float(score.points) for score in told.scores) == pytest.approx(subtotal / 10**digits, abs=0.01)


def test_advice_is_the_librarys_and_its_ways_are_told(results: Results) -> None:
    result = read_result(results.run.results)
    listing = read_listing(results.run.results)
    worst = listing.filter(listing[p.GRADE] == "C")[CODE].to_list()[:4]
    client = as_person(results.people.clerk)
    for code in worst:
        truth = advise(result, code, "B")
        answer = client.get(
            results.address(f"enterprises/{code}/advice/?grade=B"), headers={"HX-Request": "true"}
        )
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "<html" not in page
        told: Any = answer.context["answer"]
        assert [way["text"] for way in told["ways"]] == [way["text"] for way in truth.json("zh")["ways"]]
        whole = client.get(results.address(f"enterprises/{code}/advice/?grade=B")).content.decode()
        assert "<html" in whole
        assert all(way["text"][:10] in whole for way in told["ways"])


@pytest.mark.parametrize(
    "rest",
    ["enterprises/913405000000000000/", "enterprises/x/", "enterprises/913405000000000000/advice/?grade=A"],
)
def test_who_is_not_in_the_run_is_not_found(results: Results, rest: str) -> None:
    assert as_person(results.people.clerk).get(results.address(rest)).status_code == 404


def test_a_grade_that_is_none_is_not_found(results: Results) -> None:
    address = results.address(f"enterprises/{results.own.code}/advice/?grade=Z")
    assert as_person(results.people.clerk).get(address, headers={"HX-Request": "true"}).status_code == 404


# -- the enterprise itself -----------------------------------------------------------------------------------------


def mine(person: User, query: str = "") -> Any:
    return as_person(person).get(f"/evaluations/mine/{query}")


def test_nothing_is_shown_before_publicity(results: Results) -> None:
    for state in (Evaluation.State.TRIAL, Evaluation.State.REVIEW, Evaluation.State.CONFIRMATION):
        publish(results, state)
        answer = mine(results.people.owner, f"?enterprise={results.own.code}")
        assert answer.status_code == 200
        assert "told" not in answer.context
        advice = f"/evaluations/mine/{results.evaluation.pk}/{results.own.code}/advice/?grade=A"
        assert as_person(results.people.owner).get(advice).status_code == 404


def test_in_publicity_the_enterprise_reads_why_and_what_would_help(results: Results) -> None:
    publish(results)
    answer = mine(results.people.owner, f"?enterprise={results.own.code}")
    truth = explain(read_result(results.run.results), results.own.code)
    assert answer.context["told"].tree.said == truth.root.sentence.render("zh")
    page = answer.content.decode()
    assert "还不是最后结果" in page
    for name in (results.other.name,):
        assert name not in page
    advice = f"/evaluations/mine/{results.evaluation.pk}/{results.own.code}/advice/?grade=A"
    assert as_person(results.people.owner).get(advice).status_code == 200


def test_signed_it_stays(results: Results) -> None:
    sign(results)
    page = mine(results.people.owner, f"?enterprise={results.own.code}").content.decode()
    assert "签发" in page
    assert "还不是最后结果" not in page


def test_nobody_elses_result_is_reached(results: Results) -> None:
    publish(results)
    other = mine(results.people.owner, f"?enterprise={results.other.code}")
    assert results.other.name not in other.content.decode()
    advice = f"/evaluations/mine/{results.evaluation.pk}/{results.other.code}/advice/?grade=A"
    assert as_person(results.people.owner).get(advice).status_code == 404
    assert (
        as_person(results.people.other_owner)
        .get(f"/evaluations/mine/{results.evaluation.pk}/{results.own.code}/advice/?grade=A")
        .status_code
        == 404
    )
    assert mine(results.people.clerk).status_code == 403
    assert Client().get("/evaluations/mine/").status_code == 302


def test_the_card_on_the_enterprises_file_leads_here(results: Results) -> None:
    address = f"/enterprises/{results.own.code}/"
    assert (
        "enterprises/" + results.own.code + "/#help"
        not in as_person(results.people.clerk).get(address).content.decode()
    )
    sign(results)
    official = as_person(results.people.clerk).get(address).content.decode()
    assert results.address(f"enterprises/{results.own.code}/") in official
    own = as_person(results.people.owner).get(address).content.decode()
    assert f"/evaluations/mine/?enterprise={results.own.code}" in own
    assert results.address() not in own
