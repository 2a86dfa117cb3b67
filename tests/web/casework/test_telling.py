"""Who is told what: the next one that it is theirs, the waiting one what was done, nobody of their own deeds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from muheng.web.casework.actions import NewChild, act, merge, open_case
from muheng.web.casework.holders import leaders_above, people_of
from muheng.web.casework.models import Case
from muheng.web.notices.actions import set_preference
from muheng.web.notices.models import Notice
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import Organisation, User
from web.casework.test_path import raise_demand
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def city() -> Population:
    return make_city()


@pytest.fixture
def office(city: Population) -> Organisation:
    return make_department("自然资源和规划局", city.counties[0])


@pytest.fixture
def handler(city: Population, office: Organisation) -> User:
    person = make_person("handler", "承办何", PASSWORD)
    appoint(person, take_roles()["handler"], office)
    return person


@pytest.fixture
def other_handler(office: Organisation) -> User:
    person = make_person("handler2", "承办施", PASSWORD)
    appoint(person, take_roles()["handler"], office)
    return person


def told(person: User) -> list[str]:
    return list(Notice.objects.filter(person=person).order_by("pk").values_list("subject_line", flat=True))


def new(person: User, deed: Callable[[], object]) -> list[str]:
    """What a person is told by a deed."""
    before = len(told(person))
    deed()
    return told(person)[before:]


def test_each_step_is_told_to_whom_it_concerns(
    city: Population, handler: User, other_handler: User, office: Organisation
) -> None:
    clerk, owner = city.county_clerk, city.owner
    cases: list[Case] = []
    assert new(clerk, lambda: cases.append(raise_demand(city))) == ["“二期用地红线需要调整”等您办：待受理"]
    (case,) = cases
    assert told(city.other_county_clerk) == []
    assert told(owner) == []
    assert new(owner, lambda: act(clerk, case, "accept")) == ["“二期用地红线需要调整”有新进展：受理"]
    # To an office, and nobody in it: to all who handle there.
    act(clerk, case, "dispatch", organisation=office)
    assert told(handler) == told(other_handler) == ["“二期用地红线需要调整”已交给您办理"]
    assert new(other_handler, lambda: act(clerk, case, "assign", handler=handler)) == []
    assert told(handler)[1:] == ["“二期用地红线需要调整”已交给您办理"]
    assert new(handler, lambda: act(owner, case, "note", note="补一句")) == [
        "“二期用地红线需要调整”有补充，请看"
    ]
    assert new(handler, lambda: act(clerk, case, "urge", note="快些")) == [
        "催办：请尽快办理“二期用地红线需要调整”"
    ]
    assert Notice.objects.filter(person=handler).latest("pk").urgent
    assert new(owner, lambda: act(clerk, case, "note", note="内部", internal=True)) == []
    assert told(handler)[-1] == "“二期用地红线需要调整”有内部备注"

    def answer() -> object:
        return act(handler, case, "answer", note="已出具意见。", fields={"outcome": "已解决"})

    assert new(owner, answer) == ["“二期用地红线需要调整”已答复，请您确认并评价"]
    assert "已出具意见。" in Notice.objects.filter(person=owner).latest("pk").text
    assert new(handler, lambda: act(owner, case, "object", note="没有解决")) == [
        "“二期用地红线需要调整”被退回，请看理由后再办"
    ]
    assert "没有解决" in Notice.objects.filter(person=handler).latest("pk").text
    answer()
    assert new(handler, lambda: act(owner, case, "confirm")) == ["“二期用地红线需要调整”已办结"]
    assert new(handler, lambda: act(owner, case, "rate", rating=2)) == ["企业评价了“二期用地红线需要调整”"]
    assert new(handler, lambda: act(owner, case, "reopen", note="又塌了")) == [
        "“二期用地红线需要调整”要求重新办理，请接着办"
    ]
    # Nobody was ever told of what they did themselves.
    for person in (clerk, owner, handler):
        for notice in Notice.objects.filter(person=person):
            pk, number = notice.key.removeprefix("case:").split(":")
            assert Case.objects.get(pk=pk).events.get(number=number).actor != person


def test_returned_to_the_enterprise_and_merged(city: Population) -> None:
    first, second = raise_demand(city), raise_demand(city)

    def send_back() -> object:
        return act(city.county_clerk, first, "return", note="请附图")

    assert new(city.owner, send_back) == ["“二期用地红线需要调整”被退回，请按理由补正后再报"]
    assert new(city.owner, lambda: merge(city.county_clerk, first, second)) == [
        f"“二期用地红线需要调整”已并入 {second.number}，请到那一件看进展"
    ]


def test_the_parent_may_go_on_when_its_children_have_ended(
    city: Population, handler: User, other_handler: User, office: Organisation
) -> None:
    case = raise_demand(city)
    act(city.county_clerk, case, "accept")
    act(city.county_clerk, case, "dispatch", organisation=office, handler=handler)
    helpers = [NewChild("assist", f"请会同{n}", organisation=office, handler=other_handler) for n in "甲乙"]
    act(handler, case, "joint", children=helpers)
    assert told(other_handler) == ["“请会同甲”已交给您办理", "“请会同乙”已交给您办理"]
    one, two = Case.objects.filter(parent=case)
    before = len(told(handler))
    act(other_handler, one, "finish", note="办好了")
    act(other_handler, two, "finish", note="办好了")
    assert told(handler)[before:] == [
        "“请会同乙”已办结",
        "“二期用地红线需要调整”引出的事项办完一件，还有 1 件",
        "“请会同甲”已办结",
        "“二期用地红线需要调整”引出的事项都已办完，可以接着办了",
    ]


def test_everybody_reads_it_in_their_own_language(city: Population) -> None:
    set_preference(city.county_clerk, "none", "en", "")
    raise_demand(city)
    assert told(city.county_clerk) == ["“二期用地红线需要调整” waits for you: To be accepted"]


def test_an_office_without_anybody_is_looked_after_by_its_place(city: Population) -> None:
    empty = make_department("水利局", city.counties[0])
    case = raise_demand(city)
    act(city.county_clerk, case, "accept")
    act(city.clerk, case, "dispatch", organisation=empty)
    assert people_of(Case.objects.get(pk=case.pk), "handler") == [city.county_clerk]
    place, leaders = leaders_above(empty, 1)
    assert (place, leaders) == (city.counties[0], [city.leader])
    place, leaders = leaders_above(empty, 9)
    assert (place, leaders) == (city.root, [city.leader])


def test_what_happened_long_ago_goes_nowhere_outside(city: Population) -> None:
    case = open_case(
        city.owner,
        "demand",
        "旧事",
        enterprise=city.enterprises[0],
        kind="land",
        fields={"detail": "…"},
        at=START - timedelta(days=400),
    )
    assert case.opened_on.year == 2025
    assert Notice.objects.get(person=city.county_clerk).mail_at is None
