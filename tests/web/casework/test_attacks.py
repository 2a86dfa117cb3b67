"""What must not happen: who hears, sees or does what is not theirs, and odd input that breaks a page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from muheng.web.casework import queries
from muheng.web.casework.actions import NewChild, act, open_case, split
from muheng.web.casework.models import Case
from muheng.web.notices.models import Notice
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from web.casework.offices import Offices, answer, at, hand_over, raise_demand
from web.population import PASSWORD

Login = Callable[[User], Client]


def test_who_acts_for_the_enterprise_no_more_is_told_no_more(offices: Offices) -> None:
    case = hand_over(offices, raise_demand(offices))
    offices.owner.represented.update(until=timezone.now())
    Notice.objects.all().delete()
    answer(offices, case)
    assert not Notice.objects.filter(person=offices.owner).exists()


def test_instead_of_a_handler_without_a_post_the_office_is_told(offices: Offices) -> None:
    case = hand_over(offices, raise_demand(offices))
    offices.handler.memberships.all().delete()
    Notice.objects.all().delete()
    act(offices.owner, case, "urge", note="请快办")
    assert not Notice.objects.filter(person=offices.handler).exists()
    assert Notice.objects.filter(person=offices.colleague).exists()


def test_nobody_is_on_both_sides(offices: Offices) -> None:
    case = hand_over(offices, raise_demand(offices))
    offices.handler.represented.create(enterprise=offices.city.enterprises[0])
    both = User.objects.get(pk=offices.handler.pk)
    assert queries.parts_of(both, case) == {"enterprise"}


def test_only_who_leads_or_takes_in_gives_an_order(offices: Offices) -> None:
    with pytest.raises(Refused):
        open_case(
            offices.handler,
            "supervision",
            "督办",
            kind="plain",
            place=offices.city.counties[0],
            organisation=offices.land,
        )


def test_who_only_reads_a_case_opens_none_below_it(offices: Offices) -> None:
    case = hand_over(offices, raise_demand(offices))
    reader = make_person("reader", "旁观许", PASSWORD)
    role = take_roles()["clerk"]
    role.rights = ["registry.view", "casework.view", "casework.open"]
    role.save()
    appoint(reader, role, offices.city.counties[0])
    assert queries.visible_cases(reader).filter(pk=case.pk).exists()
    with pytest.raises(Refused):
        open_case(reader, "revisit", "回访", enterprise=offices.city.enterprises[0], parent=case)


def test_a_handler_who_did_not_open_the_visit_records_a_demand(offices: Offices) -> None:
    visit = open_case(
        offices.desk,
        "visit",
        "走访",
        enterprise=offices.city.enterprises[0],
        organisation=offices.land,
        handler=offices.handler,
        at=at(3, 2),
    )
    fields = {"visited_on": "2026-03-03", "way": "上门走访"}
    act(offices.handler, visit, "record", fields=fields, at=at(3, 3))
    asked = NewChild("demand", "用地", kind="land", fields={"title": "用地", "detail": "要三亩"})
    visit = act(offices.handler, visit, "hear_demand", children=[asked], at=at(3, 3))
    assert visit.children.get().type == "demand"


def test_the_enterprise_reads_no_numbers_of_what_offices_do_among_themselves(
    offices: Offices, login: Login
) -> None:
    case = hand_over(offices, raise_demand(offices))
    asked = NewChild("assist", "请协办", fields={"title": "请协办"})
    act(offices.handler, case, "joint", children=[asked])
    child = Case.objects.get(type="assist")
    for rest in ("", "paper/", "paper/?inside"):
        shown = login(offices.owner).get(f"/cases/{case.number}/{rest}").content.decode()
        assert child.number not in shown, rest
    shown = login(offices.handler).get(f"/cases/{case.number}/paper/?inside").content.decode()
    assert child.number in shown


def test_a_part_that_is_split_off_goes_to_whom_it_was_given(offices: Offices) -> None:
    case = hand_over(offices, raise_demand(offices))
    part = NewChild("demand", "另一件", organisation=offices.land, handler=offices.colleague)
    (made,) = split(offices.desk, case, [part])
    assert made.handler == offices.colleague


def test_a_case_goes_to_no_office_of_a_county_that_it_has_nothing_to_do_with(offices: Offices) -> None:
    elsewhere = make_department("自然资源局", offices.city.counties[1])
    case = raise_demand(offices)
    act(offices.desk, case, "accept")
    for verb in ("dispatch", "assign"):
        with pytest.raises(Refused, match="不在这件事的县区"):
            act(offices.desk, case, verb, organisation=elsewhere)
    # Who looks after both counties may.
    assert act(offices.leader, case, "assign", organisation=elsewhere).organisation == elsewhere


@pytest.mark.parametrize("odd", ["9999-12-31", "0001-01-01", "9" * 20, "-1", "٣", "2026-02-30", "'\">"])
def test_odd_input_breaks_no_page(offices: Offices, login: Login, odd: str) -> None:
    case = hand_over(offices, raise_demand(offices))
    client = login(offices.leader)
    client.raise_request_exception = False
    asked = {
        "/cases/": "tab type county office handler state phase since until enterprise page",
        "/cases/measures/": "by type kind county day span",
        "/cases/measures/papers/meeting/draft/": "place day",
        f"/cases/{case.number}/": "act child until",
        f"/cases/{case.number}/paper/": "until",
    }
    broken = [
        f"{path}?{name}={odd}"
        for path, names in asked.items()
        for name in names.split()
        if client.get(path, {name: odd}).status_code >= 500
    ]
    assert broken == []
