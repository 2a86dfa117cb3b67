"""Pairings, weeks and visits for programs."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from muheng.web.casework.models import Case
from muheng.web.liaison.models import Pairing
from web.liaison.conftest import TODAY, Town
from web.liaison.pictures import PLACE, make_jpeg

if TYPE_CHECKING:
    from django.test import Client

AT = "/api/liaison"


@pytest.fixture
def program(town: Town) -> Any:
    from django.test import Client

    from muheng.web.people.actions import make_token

    def make(who: str) -> Client:
        user = getattr(town, who, None) or town.people.people[who]
        return Client(headers={"Authorization": f"Bearer {make_token(user, 'test')}"})

    return make


def put(client: Client, address: str, body: dict[str, Any], method: str = "post") -> Any:
    return getattr(client, method)(f"{AT}{address}", json.dumps(body), content_type="application/json")


def test_pairings_by_program(town: Town, program: Any) -> None:
    chief, code = program("chief"), town.enterprise(0).code
    made = put(chief, "/pairings", {"enterprise": code, "officer": "east", "since": "2026-07-01"})
    assert (made.status_code, made.json()["officer_name"]) == (201, "联络沈")
    again = put(chief, "/pairings", {"enterprise": code, "officer": "east_too"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "paired")
    listed = chief.get(f"{AT}/pairings", {"urgency": "overdue"}).json()
    assert [(row["enterprise"], row["days_late"]) for row in listed["items"]] == [(code, 34)]
    assert program("east").get(f"{AT}/pairings").json()["count"] == 1
    assert program("other_county_clerk").get(f"{AT}/pairings").json()["count"] == 0
    assert program("owner").get(f"{AT}/pairings").json()["count"] == 1
    moved = put(chief, f"/pairings/{code}/move", {"officer": "roving", "reason": "调岗"})
    assert moved.json()["officer"] == "roving"
    assert put(chief, f"/pairings/{code}/end", {"reason": "停产"}).json()["until"] == TODAY.isoformat()
    history = chief.get(f"{AT}/pairings/{code}/history").json()["items"]
    assert [row["officer"] for row in history] == ["roving", "east"]


@pytest.mark.parametrize(
    ("who", "address", "body", "status"),
    [
        ("east", "/pairings", {"enterprise": "{code}", "officer": "east"}, 403),
        ("chief", "/pairings", {"enterprise": "NOBODY", "officer": "east"}, 404),
        ("chief", "/pairings", {"enterprise": "{code}", "officer": "nobody"}, 422),
        ("chief", "/pairings", {"enterprise": "{code}", "officer": "leader"}, 422),
        ("chief", "/pairings", {"enterprise": "{code}", "officer": "east", "since": "9999-12-31"}, 422),
        ("chief", "/pairings/{code}/end", {"reason": "停产"}, 404),
    ],
)
def test_what_is_refused(
    town: Town, program: Any, who: str, address: str, body: dict[str, str], status: int
) -> None:
    code = town.enterprise(0).code
    body = {name: value.replace("{code}", code) for name, value in body.items()}
    assert put(program(who), address.replace("{code}", code), body).status_code == status
    assert not Pairing.objects.exists()


def test_the_week_by_program(town: Town, program: Any) -> None:
    for number in range(3):
        town.pair(number, town.east, date(2026, 7, 1))
    east = program("east")
    proposal = east.get(f"{AT}/week/proposal").json()
    codes = {stop["code"] for day in proposal["days"] for stop in day["enterprises"]}
    assert codes == {town.enterprise(number).code for number in range(3)}
    assert east.get(f"{AT}/week").json()["days"] == []
    body = {"days": [{"day": "2026-11-05", "enterprises": sorted(codes)}], "version": None}
    kept = put(east, "/week?monday=2026-11-04", body, "put").json()
    assert (kept["monday"], kept["version"], len(kept["days"][0]["enterprises"])) == ("2026-11-02", 1, 3)
    assert kept["days"][0]["metres"] > 0
    assert put(east, "/week", {**body, "version": 0}, "put").status_code == 409
    body["days"][0]["enterprises"] = [town.enterprise(11).code]
    assert put(east, "/week", body, "put").status_code == 404
    assert put(program("leader"), "/week", body, "put").status_code in (403, 404)


def visit(town: Town, **changed: Any) -> dict[str, Any]:
    return {
        "enterprise": town.enterprise(0).code,
        "day": TODAY.isoformat(),
        "way": "上门走访",
        "seen": "看了危废库。",
        "photos": ["a.jpg"],
        "hazards": [{"title": "导流沟堵塞", "kind": "hazardous", "proposal": "清理", "photos": ["b.jpg"]}],
        "demands": [{"title": "缺焊工", "kind": "labour"}],
        "key": "0123456789abcdef",
        **changed,
    }


def send(client: Client, body: Any) -> Any:
    files = [SimpleUploadedFile(name, make_jpeg(), "image/jpeg") for name in ("a.jpg", "b.jpg")]
    return client.post(f"{AT}/visits", {"visit": json.dumps(body), "files": files})


def test_a_visit_with_files_sent_twice(town: Town, program: Any) -> None:
    town.pair(0, town.east)
    east = program("east")
    first, again = send(east, visit(town)), send(east, visit(town))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["number"] == again.json()["number"]
    assert sorted(each["type"] for each in first.json()["children"]) == ["demand", "hazard", "proposal"]
    case = Case.objects.get(type="visit")
    assert case.files.count() == 1
    assert PLACE not in case.files.get().stored.path.read_bytes()
    listed = east.get(f"{AT}/visits").json()
    assert [(row["name"], row["way"]) for row in listed["items"]] == [(town.enterprise(0).name, "上门走访")]
    assert program("other_county_clerk").get(f"{AT}/visits").json()["count"] == 0
    assert east.get(f"{AT}/visits/options").json()["ways"] == ["上门走访", "电话", "座谈"]


@pytest.mark.parametrize(
    ("changed", "at"),
    [
        ({"photos": ["c.jpg"]}, "photos"),
        ({"day": "soon"}, "day"),
        ({"way": "微信"}, "way"),
        ({"hazards": [{"title": "x", "kind": "?"}]}, "hazard-0-kind"),
        ({"hazards": [{"kind": "air"}]}, "hazards.0.title"),
    ],
)
def test_a_visit_that_is_refused(town: Town, program: Any, changed: dict[str, Any], at: str) -> None:
    answer = send(program("roving"), visit(town, **changed))
    assert (answer.status_code, answer.json()["error"]["at"]) == (422, at)
    assert not Case.objects.exists()


def test_only_officers_send_visits(town: Town, program: Any) -> None:
    assert send(program("leader"), visit(town)).status_code == 403
    assert send(program("owner"), visit(town)).status_code == 403
    assert send(program("east"), visit(town, enterprise=town.enterprise(11).code)).status_code == 404
