"""The registry's API: the same scope and the same deeds as the pages, lists in parts, errors of one form."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from muheng.web.people.actions import make_token
from muheng.web.registry import actions
from web.population import Population, make_city, make_code


@pytest.fixture
def city(db: None) -> Population:
    return make_city()


def program(city: Population, who: str) -> Client:
    """A program with the key of a person."""
    return Client(headers={"authorization": f"Bearer {make_token(city.people[who], 'test')}"})


def test_a_list_is_had_in_parts(city: Population) -> None:
    client = program(city, "clerk")
    address: str | None = "/api/enterprises/?limit=5&sort=-code"
    codes: list[str] = []
    while address is not None:
        answer = client.get(address).json()
        assert answer["count"] == 12
        codes += [row["code"] for row in answer["items"]]
        address = answer["next"]
    assert codes == sorted((firm.code for firm in city.enterprises), reverse=True)


@pytest.mark.parametrize(("who", "many"), [("leader", 12), ("county_clerk", 7), ("park_clerk", 3)])
def test_a_key_sees_what_its_owner_sees(city: Population, who: str, many: int) -> None:
    client = program(city, who)
    assert client.get("/api/enterprises/").json()["count"] == many
    there = client.get(f"/api/enterprises/{city.enterprises[-1].code}")
    assert there.status_code == (200 if many == 12 else 404)


def test_an_enterprise_has_its_own(city: Population) -> None:
    client = program(city, "owner")
    assert client.get("/api/enterprises/").status_code == 403
    assert client.get(f"/api/enterprises/{city.enterprises[0].code}").json()["name"] == "东山精工机械有限公司"
    for part in ("", "/figures", "/history", "/parcels", "/contacts"):
        assert client.get(f"/api/enterprises/{city.enterprises[0].code}{part}").status_code == 200
        assert client.get(f"/api/enterprises/{city.enterprises[1].code}{part}").status_code == 404


def test_filters(city: Population) -> None:
    client = program(city, "clerk")

    def names(**asked: object) -> list[str]:
        return [row["name"] for row in client.get("/api/enterprises/", asked).json()["items"]]

    assert names(q="shznc") == []
    assert names(q="hxsn") == ["湖心水泥有限公司"]
    assert names(county=city.counties[1].pk, scale="规下") == ["沙洲造纸有限公司"]
    wrong = client.get("/api/enterprises/", {"sort": "password"})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["at"] == "sort"
    assert client.get("/api/enterprises/", {"limit": 201}).status_code == 422
    assert client.get("/api/enterprises/", {"q": "\0"}).status_code == 422


def test_deeds(city: Population) -> None:
    client = program(city, "county_clerk")
    new = {"code": make_code(60), "name": "新厂", "township": city.townships[0].pk, "source": "执照"}
    made = client.post("/api/enterprises/", new, content_type="application/json")
    assert (made.status_code, made.json()["county"]) == (201, "东山区")
    again = client.post("/api/enterprises/", new, content_type="application/json")
    assert (again.status_code, again.json()["error"]["at"]) == (409, "code")
    renaming = {"name": "新新厂", "since": "2024-01-01", "source": "变更"}
    named = client.post(f"/api/enterprises/{make_code(60)}/name", renaming, content_type="application/json")
    assert [name["name"] for name in named.json()["names"]] == ["新厂", "新新厂"]
    far = client.post(
        "/api/enterprises/",
        {**new, "township": city.townships[3].pk, "code": make_code(61)},
        content_type="application/json",
    )
    assert far.status_code == 403


def test_history_and_contacts(city: Population) -> None:
    first = city.enterprises[0]
    actions.grant_status(None, first, "绿色工厂", date(2024, 3, 1), source="文〔2024〕1号")
    actions.add_contact(None, first, "王安", mobile="13800000123")
    actions.add_lease(None, Decimal(2), lessor=first, tenant_name="某厂", since=date(2024, 1, 1))
    history = program(city, "leader").get(f"/api/enterprises/{first.code}/history?kind=status").json()
    assert history["items"] == [
        {"day": "2024-03-01", "kind": "status", "title": "认定为绿色工厂", "note": "文〔2024〕1号"}
    ]
    english = program(city, "leader").get(f"/api/enterprises/{first.code}/history?kind=status&lang=en").json()
    assert english["items"][0]["title"] == "Recognised as 绿色工厂"
    address = f"/api/enterprises/{first.code}/contacts"
    assert program(city, "leader").get(address).json()["items"][0]["numbers"] == ["138****0123"]
    assert program(city, "clerk").get(address).json()["items"][0]["numbers"] == ["13800000123"]
