"""What lies outside of a person's place stays there: a county looking at the city's evaluation, an enterprise at another's."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from muheng.web.evaluation.actions.objections import object_to_result
from muheng.web.evaluation.actions.roster import open_evaluation
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.evaluation.models import Evaluation, Objection, Run
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from muheng.web.policy.actions import retire
from muheng.web.refusal import Refused
from web.evaluation.city import Case, make_case, moment
from web.evaluation.test_procedure_path import to_publicity

pytestmark = pytest.mark.django_db


def page(person: User, address: str, **data: Any) -> tuple[int, str]:
    client = Client()
    client.force_login(person)
    response = client.post(address, data) if data else client.get(address)
    text = b"".join(response).decode()
    if "json" in response.headers["Content-Type"]:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    return response.status_code, text


def make_trial(case: Case) -> Run:
    """A trial under review: nobody outside may know what came out."""
    Evaluation.objects.filter(pk=case.evaluation.pk).update(state=Evaluation.State.TRIAL)
    run = ask_trial(case.people.clerk, case.fresh(), "内部试算")
    run_pending()
    run.refresh_from_db()
    Evaluation.objects.filter(pk=case.evaluation.pk).update(state=Evaluation.State.REVIEW, chosen=run)
    return run


def test_a_county_does_not_read_the_citys_list_before_it_is_published() -> None:
    case = make_case()
    make_trial(case)
    people, address = case.people, f"/evaluations/{case.evaluation.pk}/publicity/"
    theirs = people.enterprises[-1].name
    assert theirs in page(people.clerk, address)[1]
    status, text = page(people.county_clerk, address)
    assert status == 200
    assert theirs not in text
    today = timezone.localdate()
    Evaluation.objects.update(state=Evaluation.State.PUBLICITY, publicity_from=today, publicity_until=today)
    assert theirs in page(people.county_clerk, address)[1]


def test_a_county_hears_neither_the_citys_counts_nor_names_of_other_counties_enterprises() -> None:
    case = make_case()
    run = make_trial(case)
    people, base = case.people, f"/evaluations/{case.evaluation.pk}/"
    theirs = people.enterprises[-1].name
    told = [{"zh": f"{theirs}：用地为负", "en": f"{theirs}: negative land"}]
    Run.objects.create(
        evaluation=case.evaluation,
        number=run.number + 1,
        kind=Run.Kind.TRIAL,
        state=Run.State.FAILED,
        title="失败的试算",
        policy=case.policy,
        policy_text=case.policy.text,
        facts=run.facts,
        problems=told,
        created_at=timezone.now(),
    )
    Evaluation.objects.update(roster_problems=told)
    failed = f"{base}runs/{run.number + 1}/"
    for address in (base, f"{base}trials/", f"{base}roster/", failed):
        assert page(people.county_clerk, address)[0] == 200
        assert theirs not in page(people.county_clerk, address)[1], address
    assert theirs in page(people.clerk, f"{base}trials/")[1]
    assert theirs in page(people.clerk, failed)[1]
    counted = 'data-grade="A"'
    for address in (base, f"{base}trials/", f"{base}review/"):
        assert counted in page(people.clerk, address)[1], address
        assert counted not in page(people.county_clerk, address)[1], address
    api = f"/api{base}"
    assert theirs not in page(people.county_clerk, f"{api}runs")[1]
    assert theirs not in page(people.county_clerk, api.rstrip("/"))[1]
    assert theirs in page(people.clerk, f"{api}runs")[1]
    assert theirs in page(people.clerk, api.rstrip("/"))[1]
    assert '"grades"' not in page(people.county_clerk, f"{api}runs")[1]


def test_a_county_does_not_find_another_countys_run_that_waits() -> None:
    case = make_case()
    people = case.people
    other = open_evaluation(people.other_county_clerk, 2025, "西湖县评价", people.counties[1], case.policy)
    run_pending()
    run = ask_trial(people.other_county_clerk, other, "西湖县内部试算")
    address = f"/evaluations/{other.pk}/runs/{run.number}/"
    assert page(people.other_county_clerk, address)[0] == 200
    status, text = page(people.county_clerk, address)
    assert status == 404
    assert "西湖县内部试算" not in text


def test_a_bundle_with_last_years_facts_of_all_is_for_who_sees_all() -> None:
    case = make_case()
    people = case.people
    own = open_evaluation(people.county_clerk, 2025, "东山区评价", people.counties[0], case.policy)
    run_pending()
    run = ask_trial(people.county_clerk, own)
    run_pending()
    address = f"/evaluations/{own.pk}/runs/{run.number}/bundle.zip"
    client = Client()
    client.force_login(people.county_clerk)
    assert client.get(address).status_code == 200
    Run.objects.filter(pk=run.pk).update(previous=run.facts)
    assert client.get(address).status_code == 403
    client.force_login(people.leader)
    assert client.get(address).status_code == 200


def test_an_enterprise_objects_only_where_it_is_evaluated() -> None:
    case = make_case()
    people = case.people
    other = open_evaluation(
        people.other_county_clerk, 2025, "西湖县内部评价", people.counties[1], case.policy
    )
    run_pending()
    code = people.enterprises[0].code
    address = f"/evaluations/{other.pk}/sheets/{code}/object/"
    status, text = page(people.owner, address)
    assert status == 404
    assert "西湖县内部评价" not in text
    today = timezone.localdate()
    Evaluation.objects.filter(pk=other.pk).update(
        state=Evaluation.State.PUBLICITY, publicity_from=today, publicity_until=today
    )
    assert page(people.owner, address)[0] == 404
    with pytest.raises(Refused, match="没有参加"):
        object_to_result(people.owner, other, people.enterprises[0], "异议")
    assert not Objection.objects.exists()
    # Its own county's evaluation, not yet published, is not shown by its address either.
    assert page(people.owner, f"/evaluations/{case.evaluation.pk}/sheets/{code}/object/")[0] == 404


def test_an_enterprise_off_the_roster_may_still_object() -> None:
    case = make_case()
    to_publicity(case)
    people = case.people
    case.evaluation.participants.filter(enterprise=people.enterprises[0]).update(included=False)
    made = object_to_result(
        people.owner,
        case.fresh(),
        people.enterprises[0],
        "没有列入名单。",
        at=moment(date(2026, 3, 26)),
    )
    assert made.state == Objection.State.OPEN


def test_nothing_new_is_begun_by_a_method_out_of_use() -> None:
    case = make_case()
    people = case.people
    retire(case.policy.document, people.chief, "已有新办法")
    case.policy.document.refresh_from_db()
    with pytest.raises(Refused, match="停用"):
        open_evaluation(people.clerk, 2025, "又一次", people.department, case.policy)
    assert case.policy.document.title not in page(people.clerk, "/evaluations/new/")[1]
