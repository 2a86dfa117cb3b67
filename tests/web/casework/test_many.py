"""Bulk acts, suggestions of what to merge, texts to answer with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import perf_counter

import pytest
from django.http import Http404

from muheng.web.audit.models import Entry
from muheng.web.casework import templates
from muheng.web.casework.actions import act, merge, open_case
from muheng.web.casework.bulk import MOST, act_on_many, assign_many, preview_many
from muheng.web.casework.duplicates import find_duplicates, find_similar
from muheng.web.casework.models import AnswerTemplate, Case, CaseEvent
from muheng.web.notices.models import Notice
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import Organisation, User
from muheng.web.refusal import Refused
from web.casework.test_path import raise_demand
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db


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


def far_demand(city: Population) -> Case:
    """One that the first county does not see."""
    return open_case(
        city.other_owner,
        "demand",
        "求用工",
        enterprise=city.enterprises[-1],
        kind="labour",
        fields={"detail": "…"},
    )


def test_what_can_be_done_is_done_and_what_not_is_said(city: Population) -> None:
    one, two, three = (raise_demand(city) for _ in range(3))
    far = far_demand(city)
    act(city.county_clerk, two, "accept")
    numbers = [one.number, two.number, far.number, three.number.lower(), one.number]
    events, notices = CaseEvent.objects.count(), Notice.objects.count()
    before = preview_many(city.county_clerk, numbers, "accept")
    assert (CaseEvent.objects.count(), Notice.objects.count()) == (events, notices)
    outcome = act_on_many(city.county_clerk, numbers, "accept")
    for found in (before, outcome):
        assert [(each.case.number, each.before, each.after) for each in found.done] == [
            (one.number, "待受理", "待交办"),
            (three.number, "待受理", "待交办"),
        ]
        said = [(each.number, each.title) for each in found.not_done]
        assert said == [(two.number, two.title), (far.number, "")]
        assert "不能“受理”" in found.not_done[0].why
    assert set(Case.objects.filter(state="accepted")) == {one, two, three}


def test_who_saw_an_older_version_does_not_act_on_it(city: Population) -> None:
    one, two = raise_demand(city), raise_demand(city)
    act(city.owner, one, "note", note="又塌了一段")
    seen = {one.number: 1, two.number: 1}
    for found in (
        preview_many(city.county_clerk, seen, "accept", seen=seen),
        act_on_many(city.county_clerk, seen, "accept", seen=seen),
    ):
        assert [each.case for each in found.done] == [two]
        assert "企业吴" in found.not_done[0].why


def test_what_is_not_for_many(city: Population, office: Organisation) -> None:
    case = raise_demand(city)
    (found,) = act_on_many(city.county_clerk, [case.number], "refuse", note="…").not_done
    assert found.why == "“不予受理”要一件一件办。"
    (found,) = act_on_many(city.county_clerk, [case.number], "accept", type_id="hazard").not_done
    assert "企业诉求" in found.why
    (found,) = act_on_many(city.county_clerk, [case.number], "fly").not_done
    assert "没有这个动作" in found.why
    for numbers in ([], [f"SQ-2026-{number:06d}" for number in range(MOST + 1)]):
        with pytest.raises(Refused):
            preview_many(city.county_clerk, numbers, "accept")
    with pytest.raises(Refused):
        act(city.other_county_clerk, case, "urge")


def test_many_are_given_to_one_person_and_urged(
    city: Population, office: Organisation, handler: User
) -> None:
    cases = [raise_demand(city) for _ in range(3)]
    outcome = assign_many(city.county_clerk, [case.number for case in cases], office, handler)
    assert [each.case for each in outcome.done] == cases
    assert set(Case.objects.values_list("organisation", "handler")) == {(office.pk, handler.pk)}
    wrong = assign_many(city.county_clerk, [cases[0].number], city.department, handler)
    assert "承办何不在工业和信息化局" in wrong.not_done[0].why
    assert len(act_on_many(city.chief, [case.number for case in cases], "urge", note="快").done) == 3


def demand(city: Population, title: str, detail: str, days: int = 0, number: int = 0) -> Case:
    from django.utils import timezone

    owner = city.owner if number == 0 else None
    return open_case(
        owner or city.clerk,
        "demand",
        title,
        enterprise=city.enterprises[number],
        kind="land",
        fields={"detail": detail},
        at=timezone.now() - timedelta(days=days),
    )


def test_cases_that_say_the_same_are_proposed(city: Population) -> None:
    case = demand(city, "二期用地红线需要调整", "厂区东侧道路拓宽占去约3亩，请调整红线。")
    same = demand(city, "用地红线要调整", "东侧道路拓宽。", 10)
    words = demand(city, "请帮忙", "厂区东侧道路拓宽占去约３亩，请调整红线！", 20)
    other = demand(city, "缺电工", "招不到有证的电工。")
    old = demand(city, "二期用地红线需要调整", "…", 120)
    else_where = demand(city, "二期用地红线需要调整", "…", number=1)
    gone = demand(city, "二期用地红线需要调整", "…", 5)
    act(city.owner, gone, "withdraw")
    found = find_duplicates(city.county_clerk, case)
    assert [each.case for each in found] in ([same, words], [words, same])
    assert not {other, old, else_where, gone} & {each.case for each in found}
    assert all(each.likeness > 0.4 for each in found)
    assert find_duplicates(city.other_county_clerk, case) == []
    merge(city.county_clerk, same, case)
    assert [each.case for each in find_duplicates(city.county_clerk, case)] == [words]
    about = case.opened_at
    assert find_similar(city.owner, "demand", city.enterprises[0], "缺电工师傅", {}, about)[0].case == other


def test_proposals_are_quick_and_ask_little(
    city: Population, django_assert_max_num_queries: Callable[..., object]
) -> None:
    case = demand(city, "二期用地红线需要调整", "厂区东侧道路拓宽占去约3亩，请调整红线。" * 20)
    rows = [
        Case(
            **{
                field.attname: getattr(case, field.attname)
                for field in Case._meta.concrete_fields
                if field.attname not in ("id", "number")
            },
            number=f"SQ-2020-{number:06d}",
        )
        for number in range(300)
    ]
    Case.objects.bulk_create(rows)
    with django_assert_max_num_queries(8):
        before = perf_counter()
        assert len(find_duplicates(city.county_clerk, case)) == 5
        assert perf_counter() - before < 1


def test_texts_to_answer_with(city: Population, office: Organisation, handler: User) -> None:
    desk = make_person("desk", "受理岗", PASSWORD)
    appoint(desk, take_roles()["case_desk"], city.counties[0])
    text = templates.write_template(desk, office, "demand", "红线", "已按程序受理……", "land")
    templates.write_template(desk, office, "demand", "用工", "……", "labour")
    for who in (handler, city.owner):
        with pytest.raises(Refused):
            templates.write_template(who, office, "demand", "红线", "……")
    with pytest.raises(Refused):
        templates.write_template(desk, city.department, "demand", "红线", "……")
    for title, body, kind in (("", "……", ""), ("红线", " ", ""), ("红线", "……", "nothing")):
        with pytest.raises(Refused):
            templates.change_template(desk, text, title, body, kind)
    text.refresh_from_db()
    assert text.title == "红线"
    case = raise_demand(city)
    act(city.county_clerk, case, "accept")
    case = act(city.county_clerk, case, "dispatch", organisation=office, handler=handler)
    assert list(templates.templates_for(handler, case)) == [text]
    # What the county says serves its offices too, and no other county's.
    above = templates.write_template(desk, city.counties[0], "demand", "县里", "……")
    AnswerTemplate.objects.create(organisation=city.counties[1], type="demand", title="别县", text="……")
    assert set(templates.templates_for(handler, case)) == {text, above}
    templates.remove_template(desk, above)
    assert len(templates.templates_of(desk)) == 2
    assert not templates.templates_of(handler)
    templates.remove_template(desk, templates.find_template(desk, text.pk))
    with pytest.raises(Http404):
        templates.find_template(desk, text.pk)
    assert AnswerTemplate.objects.count() == 2
    assert Entry.objects.filter(verb__endswith="_template").count() == 5
