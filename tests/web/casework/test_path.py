"""One demand from the enterprise to the end, through the site's actions."""

from __future__ import annotations

import pytest

from muheng.web.casework.actions import ChangedMeanwhile, act, open_case, standing_of
from muheng.web.casework.models import Case, CaseEvent, PersonalValue
from muheng.web.casework.queries import visible_cases
from muheng.web.notices.models import Notice
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> Population:
    return make_city()


@pytest.fixture
def handler(city: Population) -> User:
    office = make_department("自然资源和规划局", city.counties[0])
    person = make_person("handler", "承办何", PASSWORD)
    appoint(person, take_roles()["handler"], office)
    return person


def raise_demand(city: Population) -> Case:
    return open_case(
        city.owner,
        "demand",
        "二期用地红线需要调整",
        enterprise=city.enterprises[0],
        kind="land",
        fields={"detail": "厂区东侧道路拓宽占去约3亩。", "contact": "吴某", "phone": "13800000001"},
    )


def test_a_demand_from_the_enterprise_to_its_rating(city: Population, handler: User) -> None:
    case = raise_demand(city)
    assert (case.number[:3], case.state, case.organisation) == ("SQ-", "submitted", city.counties[0])
    office = handler.memberships.get().organisation
    case = act(city.county_clerk, case, "accept", seen=1)
    case = act(city.county_clerk, case, "dispatch", organisation=office, handler=handler, seen=2)
    assert case in visible_cases(handler)
    assert Notice.objects.filter(person=handler).count() == 1
    case = act(handler, case, "answer", note="已出具红线调整意见。", fields={"outcome": "已解决"}, seen=3)
    case = act(city.owner, case, "confirm", seen=4)
    case = act(city.owner, case, "rate", rating=5, seen=5)
    assert (case.phase, case.rating, case.late, case.live) == ("closed", 5, False, False)
    assert standing_of(case).version == 6
    assert CaseEvent.objects.filter(case=case).count() == 6


def test_who_to_call_is_kept_beside_the_history(city: Population) -> None:
    case = raise_demand(city)
    assert PersonalValue.objects.get(case=case, field="phone").value == "13800000001"
    assert "13800000001" not in str(list(CaseEvent.objects.values_list("data", flat=True)))


def test_the_second_of_two_editors_is_told_what_the_first_did(city: Population) -> None:
    case = raise_demand(city)
    act(city.county_clerk, case, "accept", seen=1)
    with pytest.raises(ChangedMeanwhile) as caught:
        act(city.clerk, case, "refuse", note="材料不齐", seen=1)
    assert "东山赵" in caught.value.what
    assert "受理" in caught.value.what


def test_others_neither_see_nor_move_it(city: Population) -> None:
    case = raise_demand(city)
    for person in (city.other_owner, city.other_county_clerk):
        assert case not in visible_cases(person)
        with pytest.raises(Refused):
            act(person, case, "accept")
