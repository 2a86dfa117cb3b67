"""Opening cases: officials for enterprises and places, enterprises for themselves; and what an enterprise finds waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from muheng.casework.document import CaseType
from muheng.casework.standing import offers
from muheng.web.casework.actions import act, open_case, standing_of
from muheng.web.casework.forms import ask_act, ask_opening
from muheng.web.casework.kinds import case_types
from muheng.web.casework.models import Case, CaseFile, PersonalValue
from muheng.web.casework.pages.opening import types_for
from muheng.web.casework.queries import parts_of
from muheng.web.home.todo import list_todos
from muheng.web.people.models import User
from muheng.web.registry.sections import sections_at
from muheng.web.registry.timeline import events_of
from web.casework.offices import Offices, answer, hand_over, raise_demand

Login = Callable[[User], Client]
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def demand(**changed: Any) -> dict[str, Any]:
    return {
        "kind": "land",
        "field-title": "二期用地红线需要调整",
        "field-detail": "厂区东侧道路拓宽占去约3亩。",
        "field-contact": "吴某",
        "field-phone": "13800000001",
        **changed,
    }


def test_a_demand_from_a_phone(offices: Offices, login: Login) -> None:
    owner = login(offices.owner)
    form = owner.get("/cases/mine/ask/").content.decode()
    assert form.count('type="radio" name="kind"') == 9
    assert "东山精工机械有限公司" in form
    assert 'name="field-source"' not in form, "the desk's to say"
    answered = owner.post("/cases/mine/ask/", demand(file=SimpleUploadedFile("现场.png", PNG)))
    case = Case.objects.get()
    assert answered.url == f"/cases/{case.number}/"
    assert case.enterprise == offices.city.enterprises[0]
    assert CaseFile.objects.get(case=case).stored.size == len(PNG)
    assert PersonalValue.objects.filter(case=case).count() == 2


def test_whom_to_call_is_filled_in(offices: Offices, login: Login) -> None:
    offices.city.enterprises[0].contacts.create(name="钱某", mobile="13900000002", main=True)
    form = login(offices.owner).get("/cases/mine/ask/").content.decode()
    assert 'value="钱某"' in form
    assert 'value="13900000002"' in form


def test_a_refused_demand_keeps_everything(offices: Offices, login: Login) -> None:
    owner = login(offices.owner)
    sent = demand(**{"field-title": " ", "file": SimpleUploadedFile("现场.png", PNG)})
    refused = owner.post("/cases/mine/ask/", sent)
    shown = refused.content.decode()
    assert refused.status_code == 422
    assert "厂区东侧道路拓宽占去约3亩。</textarea>" in shown
    assert "现场.png" in shown
    assert 'value="land" required data-kind-of="" checked' in shown
    token = shown.split('name="kept" value="')[1].split('"')[0]
    owner.post("/cases/mine/ask/", demand(kept=token))
    assert CaseFile.objects.get().stored.name == "现场.png"
    again = owner.post("/cases/mine/ask/", demand(file=SimpleUploadedFile("坏.png", b"<html>")))
    assert again.status_code == 422
    assert "吴某" in again.content.decode()


def test_a_value_of_another_kind_is_not_asked(offices: Offices, login: Login) -> None:
    """Without a script every kind's questions stand in the form."""
    login(offices.owner).post("/cases/mine/ask/", demand(**{"field-workers": "30", "field-plot_area": "3"}))
    assert set(Case.objects.get().fields) == {"title", "detail", "contact", "phone", "plot_area"}


def test_an_enterprise_asks_only_for_itself(offices: Offices, login: Login) -> None:
    other = offices.city.enterprises[1].code
    assert login(offices.owner).post("/cases/mine/ask/", demand(enterprise=other)).status_code == 404
    assert login(offices.owner).get("/cases/mine/ask/?type=visit").status_code == 404
    assert not Case.objects.exists()
    assert login(offices.desk).get("/cases/mine/ask/").status_code == 404


def test_what_waits_for_the_enterprise_comes_first(offices: Offices, login: Login) -> None:
    answered = answer(offices, hand_over(offices, raise_demand(offices, "已答复的")))
    raise_demand(offices, "刚提的")
    owner = login(offices.owner)
    shown = owner.get("/cases/mine/").content.decode()
    assert "1 <small>件等您办" in shown
    assert shown.index("已答复的") < shown.index("刚提的")
    assert f"/cases/{answered.number}/?act=confirm#act" in shown
    act(offices.owner, answered, "confirm")
    shown = owner.get("/cases/mine/").content.decode()
    assert f"/cases/{answered.number}/?act=rate#act" in shown
    act(offices.owner, answered, "rate", rating=4)
    shown = owner.get("/cases/mine/").content.decode()
    assert "act=rate" not in shown
    assert "已答复的" in shown.partition("已经办结")[2]
    assert "已答复的" not in login(offices.city.other_owner).get("/cases/mine/").content.decode()


def test_an_official_finds_the_enterprise_and_opens(offices: Offices, login: Login) -> None:
    desk = login(offices.desk)
    assert "企业诉求" in desk.get("/cases/new/").content.decode()
    found = desk.get("/cases/new/enterprises/?words=dsjg").content.decode()
    code = offices.city.enterprises[0].code
    assert f'name="enterprise" value="{code}"' in found
    other = desk.get(f"/cases/new/enterprises/?words={offices.city.enterprises[-1].code}").content.decode()
    assert "没有找到" in other, "in another county"
    kept = desk.post("/cases/new/demand/", demand(words="东山精工", find="1")).content.decode()
    assert code in kept
    assert "厂区东侧道路拓宽占去约3亩。</textarea>" in kept, (
        "looking for it loses nothing, without a script too"
    )
    refused = desk.post("/cases/new/demand/", demand())
    assert refused.status_code == 422
    assert "请选是哪家企业的事" in refused.content.decode()
    strange = desk.post("/cases/new/demand/", demand(enterprise=offices.city.enterprises[-1].code))
    assert strange.status_code == 422
    desk.post("/cases/new/demand/", demand(enterprise=code, **{"field-source": "走访发现"}))
    assert Case.objects.get().fields["source"] == "走访发现"


def test_types_that_rooms_open_are_not_offered(offices: Offices, login: Login) -> None:
    offered = {each.id for each in types_for(offices.city.chief)}
    assert "demand" in offered
    assert not {"objection", "comment"} & offered
    assert login(offices.city.chief).get("/cases/new/objection/").status_code == 404


@pytest.mark.parametrize("type_id", sorted(case_types()))
def test_every_type_has_its_pages(offices: Offices, login: Login, type_id: str) -> None:
    """Each shipped type is opened, and every act that is offered to anybody has a form that is drawn."""
    case_type = case_types()[type_id]
    case = open_case(
        None,
        type_id,
        "一件",
        enterprise=offices.city.enterprises[0] if case_type.subject == "enterprise" else None,
        place=offices.city.counties[0],
        kind=case_type.kinds[0].id if case_type.kinds else "",
        fields=sample(case_type),
        organisation=offices.land,
        handler=offices.handler,
        part=case_type.opening.by[-1],
    )
    for person in (offices.desk, offices.handler, offices.head, offices.owner):
        client = login(person)
        shown = client.get(f"/cases/{case.number}/")
        if person == offices.owner and not case.shown_to_enterprise:
            assert shown.status_code == 404
            continue
        assert shown.status_code == 200
        assert client.get(f"/cases/{case.number}/paper/").status_code == 200
    for person in (offices.desk, offices.handler, offices.head):
        for offer in offers(case_type, standing_of(case), parts_of(person, case)):
            form = login(person).get(f"/cases/{case.number}/?act={offer.act.id}").content.decode()
            assert f'name="act" value="{offer.act.id}"' in form
    for each in case_type.acts:
        sheet = ask_act(case_type, standing_of(case), each)
        assert sheet.title
        assert (sheet.child is not None) == bool(each.opens)
    if case_type in types_for(offices.city.chief):
        form = login(offices.city.chief).get(f"/cases/new/{type_id}/").content.decode()
        for declared in case_type.fields_at_opening(None):
            assert f'name="field-{declared.id}"' in form


def sample(case_type: CaseType) -> dict[str, str]:
    """Something for each value that the opening needs."""
    from muheng.web.casework.forms import Typed

    values = {"choice": lambda each: each.choices[0], "date": lambda _each: "2026-03-02"}
    return {
        each.id: values.get(each.type, lambda _each: "3")(each)
        for each in ask_opening(case_type, Typed())
        if each.required and not each.personal
    }


def test_the_first_page_says_what_waits(offices: Offices) -> None:
    case = raise_demand(offices)
    assert "受理、交办 1 件事项" in [todo.title for todo in list_todos(offices.desk)]
    hand_over(offices, case)
    assert f"办理：{case.title}" in [todo.title for todo in list_todos(offices.handler)]
    answer(offices, case)
    assert f"确认办结：{case.title}" in [todo.title for todo in list_todos(offices.owner)]
    assert not [todo for todo in list_todos(offices.city.other_owner) if case.title in todo.title]


def test_the_enterprises_page_shows_its_cases(offices: Offices) -> None:
    enterprise = offices.city.enterprises[0]
    case = raise_demand(offices)
    for person, told in ((offices.desk, True), (offices.owner, True)):
        cards = [
            section.card
            for section in sections_at(enterprise, person)["aside"]
            if section.template == "casework/card.html"
        ]
        assert [row.number for row in cards[0]["rows"]] == [case.number]
        titles = [event.title for event in events_of(enterprise, person)]
        assert (f"企业诉求：{case.title}" in titles) == told
    assert not [
        section
        for section in sections_at(enterprise, offices.city.other_county_clerk)["aside"]
        if section.template == "casework/card.html" and section.card["rows"]
    ]
