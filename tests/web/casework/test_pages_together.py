"""Merging side by side, splitting into several, joint handling, and the order to bring a late case to its end."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from muheng.web.casework.actions import open_case
from muheng.web.casework.models import AnswerTemplate, Case
from muheng.web.people.models import User
from web.casework.offices import Offices, at, hand_over, raise_demand

Login = Callable[[User], Client]


def test_two_that_say_the_same_become_one(offices: Offices, login: Login) -> None:
    first = raise_demand(offices, "二期用地红线需要调整")
    second = raise_demand(offices, "二期用地的红线要调整")
    desk = login(offices.desk)
    assert f"/cases/{second.number}/merge/?into={first.number}" in desk.get(
        f"/cases/{second.number}/"
    ).content.decode().replace("&amp;", "&")
    beside = desk.get(f"/cases/{second.number}/merge/?into={first.number}").content.decode()
    assert "不能再分开" in beside
    assert beside.count("厂区东侧道路拓宽") == 2
    assert desk.post(f"/cases/{second.number}/merge/", {"merge": "1"}).status_code == 422
    desk.post(f"/cases/{second.number}/merge/", {"into": first.number, "note": "同一件", "merge": "1"})
    second.refresh_from_db()
    assert (second.phase, second.merged_into) == ("void", first)
    assert first.number in desk.get(f"/cases/{second.number}/").content.decode()


def test_only_cases_of_the_same_enterprise_are_offered(offices: Offices, login: Login) -> None:
    first = raise_demand(offices)
    open_case(
        offices.desk,
        "demand",
        "别家的",
        enterprise=offices.city.enterprises[1],
        kind="land",
        fields={"detail": "…"},
    )
    shown = login(offices.desk).get(f"/cases/{first.number}/merge/").content.decode()
    assert "没有同类的" in shown
    assert login(offices.owner).get(f"/cases/{first.number}/merge/").status_code == 404


def test_one_becomes_several(offices: Offices, login: Login) -> None:
    case = raise_demand(offices, "用地和用工")
    desk, address = login(offices.desk), f"/cases/{case.number}/split/"
    typed = {"title-0": "补用工", "kind-0": "labour", "detail-0": "缺30人", "to-0": "", "title-1": ""}
    more = desk.post(address, {**typed, "add": "1"}).content.decode()
    assert "缺30人</textarea>" in more
    assert 'name="title-2"' in more
    refused = desk.post(address, {"title-0": "", "note": "要拆"})
    assert refused.status_code == 422
    assert "要拆</textarea>" in refused.content.decode()
    desk.post(address, typed)
    made = Case.objects.exclude(pk=case.pk).get()
    assert (made.title, made.kind, made.thread, made.fields["detail"]) == ("补用工", "labour", case, "缺30人")
    assert made.number in desk.get(f"/cases/{case.number}/").content.decode()


def test_a_part_goes_to_another_office(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    handler = login(offices.handler)
    to = f"{offices.land.pk}-{offices.colleague.pk}"
    data = {
        "act": "joint",
        "seen": case.version,
        "child-type": "assist",
        "child-field-title": "核实管线",
        "child-field-detail": "请现场核实",
        "child-to": to,
    }
    assert handler.post(f"/cases/{case.number}/act/", data).status_code == 302
    child = Case.objects.get(parent=case)
    assert (child.type, child.handler, child.thread) == ("assist", offices.colleague, case)


def test_what_a_child_lacks_is_said_and_nothing_is_opened(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    data = {"act": "joint", "seen": case.version, "child-type": "assist", "child-field-detail": "写了许多"}
    refused = login(offices.handler).post(f"/cases/{case.number}/act/", data)
    assert refused.status_code == 422
    assert "写了许多</textarea>" in refused.content.decode()
    assert Case.objects.count() == 1


def test_the_head_orders_a_late_case_to_its_end(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices, at=at(3, 2)), when=at(3, 3))
    head, address = login(offices.head), f"/cases/{case.number}/supervise/"
    assert address in head.get(f"/cases/{case.number}/").content.decode()
    form = head.get(address).content.decode()
    assert "督办：二期用地红线需要调整" in form
    assert "超期" in form
    head.post(address, {"kind": "urgent", "field-title": "督办：红线", "field-detail": "三日内办结"})
    order = Case.objects.get(type="supervision")
    assert (order.parent, order.handler, order.organisation) == (case, offices.handler, offices.land)
    assert login(offices.desk).get(address).status_code == 404
    fresh = raise_demand(offices, "刚提的")
    assert head.get(f"/cases/{fresh.number}/supervise/").status_code == 404, "it is not late"


def test_common_texts_stand_beside_the_answer(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    for kind, title in (("", "通用"), ("land", "红线"), ("money", "贷款")):
        AnswerTemplate.objects.create(
            organisation=offices.land, type="demand", kind=kind, title=title, text=f"{title}的答复"
        )
    form = login(offices.handler).get(f"/cases/{case.number}/?act=answer").content.decode()
    assert "通用的答复" in form
    assert "红线的答复" in form
    assert "贷款的答复" not in form
    assert "通用的答复" not in login(offices.owner).get(f"/cases/{case.number}/?act=note").content.decode()


def test_an_office_keeps_its_common_texts(offices: Offices, login: Login) -> None:
    desk = login(offices.desk)
    county = offices.city.counties[0]
    typed = {"title": "用地", "office": county.pk, "about": "demand.land", "text": "请到窗口办理。"}
    refused = desk.post("/cases/texts/", {**typed, "text": "  "})
    assert refused.status_code == 422
    assert 'value="用地"' in refused.content.decode()
    desk.post("/cases/texts/", typed)
    text = AnswerTemplate.objects.get()
    assert (text.organisation, text.type, text.kind) == (county, "demand", "land")
    assert "请到窗口办理。" in desk.get("/cases/texts/").content.decode()
    desk.post(f"/cases/texts/{text.pk}/", {"title": "用地", "about": "demand", "text": "另行答复。"})
    text.refresh_from_db()
    assert (text.kind, text.text) == ("", "另行答复。")
    for person in (offices.handler, offices.owner):
        assert login(person).get("/cases/texts/").status_code == 403
        assert login(person).post(f"/cases/texts/{text.pk}/remove/").status_code == 403
    desk.post(f"/cases/texts/{text.pk}/remove/")
    assert not AnswerTemplate.objects.exists()


def test_another_offices_texts_are_not_found(offices: Offices, login: Login) -> None:
    text = AnswerTemplate.objects.create(
        organisation=offices.city.counties[1], type="demand", title="别处的", text="…"
    )
    desk = login(offices.desk)
    assert "别处的" not in desk.get("/cases/texts/").content.decode()
    assert desk.post(f"/cases/texts/{text.pk}/remove/").status_code == 404
    assert AnswerTemplate.objects.exists()
