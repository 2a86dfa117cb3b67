"""Objections stand among the cases: with the evaluation's own term, moved by the evaluation alone, seen by whom they concern."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from muheng.web.casework import actions as casework
from muheng.web.casework.models import Case, PersonalValue
from muheng.web.casework.queries import visible_cases
from muheng.web.casework.ways import ways_of
from muheng.web.evaluation.actions.confirmation import dispute, open_confirmation
from muheng.web.evaluation.actions.objections import answer, object_to_result, withdraw
from muheng.web.evaluation.models import Objection
from muheng.web.refusal import Refused
from web.evaluation.city import Case as City
from web.evaluation.city import make_case, moment
from web.evaluation.test_procedure_path import to_publicity
from web.population import PASSWORD

pytestmark = pytest.mark.django_db

MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)


def dispute_land(city: City) -> Objection:
    open_confirmation(city.people.clerk, city.evaluation, 10, at=moment(MONDAY))
    return dispute(
        city.people.owner,
        city.evaluation,
        city.people.enterprises[0],
        "自有用地",
        "24",
        "代征绿地。",
        at=moment(TUESDAY),
    )


def test_an_objection_is_a_case_with_the_evaluations_term() -> None:
    city = make_case()
    objection = dispute_land(city)
    case = Case.objects.get()
    assert (case.type, case.kind, case.state, case.enterprise) == (
        "objection",
        "figure",
        "raised",
        objection.enterprise,
    )
    assert case.due == objection.due
    assert case.fields["claimed"] == objection.claimed
    for person in (city.people.owner, city.people.clerk, city.people.county_clerk):
        assert case in visible_cases(person)
    for person in (city.people.other_owner, city.people.other_county_clerk):
        assert case not in visible_cases(person)
    found = ways_of(case, city.people.chief)[0]
    client = Client()
    client.login(username="chief", password=PASSWORD)
    assert client.get(found.href).status_code == 200


@pytest.mark.parametrize(
    ("outcome", "settled", "state"),
    [("upheld", "", "upheld"), ("partly", "25", "partly"), ("rejected", "", "rejected")],
)
def test_what_is_answered_there_ends_it_here(outcome: str, settled: str, state: str) -> None:
    city = make_case()
    objection = dispute_land(city)
    answer(city.people.chief, objection, outcome, "核对过红线图。", settled, at=moment(date(2026, 3, 12)))
    case = Case.objects.get()
    assert (case.state, case.phase, case.late, case.net_days) == (state, "closed", False, 2)
    assert case.events.get(number=2).data["note"] == "核对过红线图。"


def test_taken_back_it_counts_no_more() -> None:
    city = make_case()
    withdraw(city.people.owner, dispute_land(city), at=moment(date(2026, 3, 12)))
    assert Case.objects.get().phase == "void"


def test_nobody_moves_it_but_the_evaluation() -> None:
    city = make_case()
    dispute_land(city)
    case = Case.objects.get()
    for person in (city.people.owner, city.people.clerk, city.people.chief, city.people.leader):
        with pytest.raises(Refused):
            casework.act(person, case, "uphold", note="采纳")
    case.refresh_from_db()
    assert case.version == 1


def test_what_the_public_says_is_a_comment_that_the_enterprise_does_not_see() -> None:
    city = make_case()
    to_publicity(city)
    made = object_to_result(
        city.people.clerk,
        city.evaluation,
        city.people.enterprises[0],
        "夜间噪声扰民。",
        party="public",
        who="附近居民王某",
        note="来信",
        at=moment(date(2026, 3, 26)),
    )
    case = Case.objects.get(type="comment")
    assert case.fields["party"] == "公众"
    assert PersonalValue.objects.get(case=case).value == "附近居民王某"
    assert case in visible_cases(city.people.clerk)
    assert case not in visible_cases(city.people.owner)
    answer(city.people.chief, made, "rejected", "查无处罚。", at=moment(date(2026, 3, 27)))
    case.refresh_from_db()
    assert (case.state, case.phase) == ("not_adopted", "closed")
