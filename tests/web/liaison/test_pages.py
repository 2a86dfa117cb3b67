"""The pages of pairing and visits, to each kind of person, in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from muheng.web.casework.models import Case
from muheng.web.home.todo import list_todos
from muheng.web.liaison import visiting, weeks
from muheng.web.liaison.models import Pairing, WeekPlan
from muheng.web.liaison.visiting import FoundHazard, Report
from web.liaison.conftest import TODAY, Town
from web.liaison.pictures import PLACE, make_jpeg

if TYPE_CHECKING:
    from django.test import Client

Login = Callable[[Any], "Client"]
MONDAY = date(2026, 11, 2)


@pytest.fixture
def paired(town: Town) -> Town:
    for number in range(5):
        town.pair(number, town.east, date(2026, 7, 1))
    town.pair(5, town.east_too, date(2026, 7, 1))
    town.pair(11, town.roving, date(2026, 7, 1))
    leak = FoundHazard("导流沟堵塞", "hazardous", proposal="清理", limit="limited")
    visiting.record_visit(
        town.east, Report(town.enterprise(0), TODAY, "上门走访", seen="看了危废库。", hazards=(leak,))
    )
    return town


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("person", "address", "status"),
    [
        ("east", "/liaison/", 200),
        ("east", "/liaison/week/", 200),
        ("east", "/liaison/visit/", 200),
        ("east", "/liaison/visit/ready/", 200),
        ("east", "/liaison/worker.js", 200),
        ("east", "/liaison/week/map.json", 200),
        ("east", "/liaison/all/", 403),
        ("east", "/liaison/arrange/", 403),
        ("chief", "/liaison/", 302),
        ("chief", "/liaison/all/", 200),
        ("chief", "/liaison/all/?urgency=overdue&q=精工", 200),
        ("chief", "/liaison/overdue/", 200),
        ("chief", "/liaison/weeks/", 200),
        ("chief", "/liaison/arrange/", 200),
        ("leader", "/liaison/overdue/", 200),
        ("leader", "/liaison/week/", 403),
        ("leader", "/liaison/arrange/", 403),
        ("owner", "/liaison/", 403),
        ("owner", "/liaison/all/", 403),
        ("owner", "/liaison/visit/", 403),
        ("data_clerk", "/liaison/", 403),
    ],
)
def test_who_may_open_which_page(
    paired: Town, login: Login, person: str, address: str, status: int, language: str
) -> None:
    user = getattr(paired, person, None) or paired.people.people[person]
    client = login(user)
    client.cookies["django_language"] = language
    assert client.get(address).status_code == status


def test_the_officer_reads_what_is_owed(paired: Town, login: Login) -> None:
    page = login(paired.east).get("/liaison/").content.decode()
    assert "4 <small>户本期还要走访" in page
    assert "其中 4 户已逾期" in page
    assert page.count("逾期 34 天") == 4


def test_the_head_reads_who_is_late(paired: Town, login: Login) -> None:
    response = login(paired.chief).get("/liaison/overdue/")
    assert [(row.title, row.overdue) for row in response.context["by_county"]] == [
        ("东山区", 5),
        ("西湖县", 1),
    ]
    assert [(row.title, row.overdue) for row in response.context["by_officer"]] == [
        ("联络沈", 4),
        ("联络杨", 1),
        ("联络韩", 1),
    ]
    county = login(paired.people.county_clerk).get("/liaison/overdue/").context
    assert {each.enterprise.county for each in county["late"]} == {paired.people.counties[0]}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_enterprise_one_account(paired: Town, login: Login, language: str) -> None:
    code = paired.enterprise(0).code
    client = login(paired.east)
    client.cookies["django_language"] = language
    response = client.get(f"/liaison/{code}/")
    account = response.context["account"]
    assert [line.case.title for line in account.hazards] == ["导流沟堵塞"]
    assert len(account.proposals) == 1
    assert len(account.visits) == 1
    assert {line.case.type for line in account.promised} == {"hazard", "proposal", "rectification"}
    assert account.owed.duty.urgency == "later"
    for person, status in (
        (paired.east_too, 200),
        (paired.people.leader, 200),
        (paired.people.other_county_clerk, 404),
        (paired.people.owner, 404),
    ):
        assert login(person).get(f"/liaison/{code}/").status_code == status


def test_the_enterprise_sees_who_looks_after_it(paired: Town, login: Login) -> None:
    code = paired.enterprise(0).code
    own = login(paired.people.owner).get(f"/enterprises/{code}/").content.decode()
    for text in ("我的联络员", "联络沈", "东山区", "0555-8320000"):
        assert text in own
    assert "下次最迟" not in own
    official = login(paired.chief).get(f"/enterprises/{code}/").content.decode()
    assert "下次最迟" in official
    assert f"/liaison/{code}/" in official


def test_by_hand_from_the_account(paired: Town, login: Login) -> None:
    code = paired.enterprise(0).code
    client = login(paired.chief)
    address = f"/liaison/{code}/officer/"
    assert client.post(address, {"officer": "", "seen": paired.east.pk}).status_code == 422
    refused = client.post(
        address, {"officer": paired.roving.pk, "seen": paired.east_too.pk, "reason": "调岗"}
    )
    assert refused.status_code == 409
    assert "调岗" in refused.content.decode()
    given = {"officer": paired.roving.pk, "seen": paired.east.pk, "reason": "调岗"}
    assert client.post(address, given).status_code == 302
    assert client.post(address, {"end": "1", "reason": ""}).status_code == 422
    assert client.post(address, {"end": "1", "reason": "停产"}).status_code == 302
    assert not Pairing.objects.filter(enterprise=paired.enterprise(0), until=None).exists()
    assert client.post(address, {"officer": paired.east.pk}).status_code == 302
    assert login(paired.east).post(address, {"end": "1", "reason": "x"}).status_code == 403


def test_the_proposal_is_looked_at_and_adopted(paired: Town, login: Login) -> None:
    client = login(paired.chief)
    officers = [paired.east.pk, paired.east_too.pk, paired.roving.pk]
    response = client.get("/liaison/arrange/", {"show": "1", "add": "1", "officer": officers})
    proposal = response.context["proposal"]
    page = response.content.decode()
    assert page.count("data-map=") == 1
    drawn = json.loads(client.get(response.context["map"]).content)
    assert len([each for each in drawn["features"] if each["geometry"]["type"] == "Point"]) == 12
    given = {"add": "1", "officer": officers, "mark": proposal.mark, "reason": "年度调整"}
    assert client.post("/liaison/arrange/", {**given, "mark": "else"}).status_code == 409
    assert client.post("/liaison/arrange/", given).status_code == 302
    assert Pairing.objects.filter(until=None).count() == 12
    assert client.get("/liaison/arrange/", {"show": "1", "officer": ""}).status_code == 422


# -- the week --------------------------------------------------------------------------------------------


def test_a_week_is_proposed_moved_by_hand_and_kept(paired: Town, login: Login) -> None:
    client = login(paired.east)
    assert client.post("/liaison/week/", {"act": "propose"}).status_code == 422
    given = {"act": "propose", "on": ["2026-11-04", "2026-11-05"], "per_day": "2", "monday": "2026-11-02"}
    assert client.post("/liaison/week/", given).status_code == 302
    plan = WeekPlan.objects.get(officer=paired.east)
    assert {stop.day.day for stop in plan.stops.all()} == {4, 5}
    planned = {stop.enterprise for stop in plan.stops.all()}
    assert planned == {paired.enterprise(number) for number in (1, 2, 3, 4)}
    page = client.get("/liaison/week/?monday=2026-11-02").content.decode()
    assert "距上一户" in page
    by_hand = {
        f"day-{paired.enterprise(1).code}": "2026-11-06",
        f"order-{paired.enterprise(1).code}": "2",
        f"day-{paired.enterprise(2).code}": "2026-11-06",
        f"order-{paired.enterprise(2).code}": "1",
        f"day-{paired.enterprise(3).code}": "",
        "monday": "2026-11-02",
        "version": str(plan.version),
        "act": "save",
    }
    assert client.post("/liaison/week/", by_hand).status_code == 302
    stops = list(WeekPlan.objects.get().stops.values_list("enterprise__code", "day"))
    assert stops == [(paired.enterprise(number).code, date(2026, 11, 6)) for number in (2, 1)]
    assert client.post("/liaison/week/", by_hand).status_code == 409
    assert client.post("/liaison/week/", {**by_hand, "version": "2", "act": "route"}).status_code == 302
    everybody = login(paired.chief).get("/liaison/weeks/?monday=2026-11-02").content.decode()
    assert paired.enterprise(1).name in everybody
    other = login(paired.people.other_county_clerk).get("/liaison/weeks/?monday=2026-11-02").content.decode()
    assert paired.enterprise(1).name not in other
    drawn = json.loads(client.get("/liaison/week/map.json?monday=2026-11-02").content)["features"]
    assert [each["geometry"]["type"] for each in drawn].count("Point") == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"day-NOBODY": "2026-11-04"},
        {"day-{code}": "2026-12-24"},
        {"day-{code}": "tomorrow"},
        {"day-{far}": "2026-11-04"},
    ],
)
def test_a_week_that_cannot_be(paired: Town, login: Login, wrong: dict[str, str]) -> None:
    codes = {"code": paired.enterprise(1).code, "far": paired.enterprise(11).code}
    given = {name.format(**codes): value for name, value in wrong.items()}
    response = login(paired.east).post("/liaison/week/", {**given, "monday": "2026-11-02", "act": "save"})
    assert response.status_code in (404, 422)
    assert not WeekPlan.objects.filter(stops__isnull=False).exists()


def test_who_is_moved_away_leaves_the_plan(paired: Town) -> None:
    from muheng.web.liaison import actions

    weeks.load_week(paired.east, MONDAY, TODAY)
    actions.move(paired.chief, paired.enterprise(1), paired.roving)
    stops = WeekPlan.objects.get().stops
    assert paired.enterprise(1).pk not in stops.values_list("enterprise", flat=True)
    assert stops.count() == 3


# -- the form --------------------------------------------------------------------------------------------


def filled(town: Town, **changed: Any) -> dict[str, Any]:
    return {
        "enterprise": town.enterprise(1).code,
        "day": TODAY.isoformat(),
        "way": "上门走访",
        "met": "吴经理",
        "seen": "看了车间。",
        "photo": [
            SimpleUploadedFile("a.jpg", make_jpeg(), "image/jpeg"),
            SimpleUploadedFile("b.jpg", make_jpeg(6), "image/jpeg"),
        ],
        "hazard-0-title": "",
        "hazard-0-severity": "一般",
        "hazard-0-proposal_kind": "management",
        "hazard-3-title": "布袋除尘器漏风",
        "hazard-3-kind": "air",
        "hazard-3-severity": "一般",
        "hazard-3-proposal": "更换布袋",
        "hazard-3-proposal_kind": "treatment",
        "hazard-3-limit": "at_once",
        "hazard-3-photo": SimpleUploadedFile("c.jpg", make_jpeg(), "image/jpeg"),
        "demand-0-title": "",
        "demand-0-kind": "",
        **changed,
    }


def test_the_form_without_scripts(paired: Town, login: Login) -> None:
    response = login(paired.east).post("/liaison/visit/", filled(paired), follow=True)
    assert "走访已记录：ZF-2026-" in response.content.decode()
    visit = Case.objects.filter(type="visit", enterprise=paired.enterprise(1)).get()
    assert visit.files.count() == 2
    assert not any(PLACE in each.stored.path.read_bytes() for each in visit.files.all())
    hazard = visit.children.get()
    assert (hazard.title, hazard.files.count()) == ("布袋除尘器漏风", 1)
    assert {case.kind for case in hazard.children.all()} == {"treatment", "at_once"}


def test_what_was_typed_stays_when_it_is_refused(paired: Town, login: Login) -> None:
    client = login(paired.east)
    response = client.post("/liaison/visit/", filled(paired, **{"hazard-3-kind": ""}))
    assert response.status_code == 422
    page = response.content.decode()
    for text in (
        "请选第 1 处隐患的类别",
        "布袋除尘器漏风",
        "更换布袋",
        "看了车间。",
        'data-wrong="hazard-3-kind"',
    ):
        assert text in page
    assert not Case.objects.filter(enterprise=paired.enterprise(1)).exists()


def test_a_phone_sends_and_is_answered_in_json(paired: Town, login: Login) -> None:
    client = login(paired.east)
    answers = [
        client.post("/liaison/visit/", filled(paired, key="k" * 32), headers={"accept": "application/json"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Case.objects.filter(type="visit", enterprise=paired.enterprise(1)).count() == 1
    refused = client.post(
        "/liaison/visit/", filled(paired, day="soon"), headers={"accept": "application/json"}
    )
    assert (refused.status_code, refused.json()["error"]["at"]) == (422, "day")
    elsewhere = filled(paired, enterprise=paired.enterprise(11).code)
    hidden = client.post("/liaison/visit/", elsewhere, headers={"accept": "application/json"})
    assert hidden.status_code == 404


def test_a_large_photograph_is_refused_with_its_name(
    paired: Town, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visiting, "MOST_PHOTO_BYTES", 100)
    response = login(paired.east).post("/liaison/visit/", filled(paired))
    assert response.status_code == 422
    assert "照片“c.jpg”超过" in response.content.decode()


def test_the_todo_list_names_overdue_and_due_visits(paired: Town) -> None:
    titles = [todo.title for todo in list_todos(paired.east)]
    assert any("4 户" in title and "逾期" in title for title in titles), titles
    assert any("逾期" in todo.title for todo in list_todos(paired.chief))


def test_what_was_found_by_kind_period_and_enterprise(paired: Town, login: Login) -> None:
    leak = FoundHazard("管道滴漏", "water", proposal="更换阀门")
    visiting.record_visit(
        paired.roving, Report(paired.enterprise(11), TODAY, "上门走访", hazards=(leak, leak))
    )
    page = login(paired.chief).get("/liaison/found/")
    found = page.context["findings"]
    assert (found.hazards.found, found.hazards.done, found.proposals.found) == (3, 0, 3)
    assert [(row.title, row.found) for row in found.kinds] == [("废水", 2), ("危险废物", 1)]
    assert [(row.title, row.found) for row in found.periods] == [("2026年第4季度", 3)]
    assert [(row.title, row.found) for row in found.enterprises] == [
        (paired.enterprise(11).name, 2),
        (paired.enterprise(0).name, 1),
    ]
    assert login(paired.chief).get("/liaison/found/?year=2020").context["year"] is None
    county = login(paired.people.county_clerk).get("/liaison/found/?year=2026").context["findings"]
    assert (county.hazards.found, county.proposals.found) == (1, 1)
    assert login(paired.east).get("/liaison/found/").status_code == 403
