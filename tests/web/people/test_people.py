"""Who sees whom: the page of people and organisations, and the API of persons and of one's own key."""

from __future__ import annotations

import pytest
from django.test import Client

from muheng.web.people.actions import appoint, make_token
from muheng.web.people.models import Role, Token
from web.population import Population, make_city


@pytest.fixture
def city(db: None) -> Population:
    return make_city()


def login(city: Population, who: str) -> Client:
    client = Client()
    client.force_login(city.people[who])
    return client


def program(city: Population, who: str) -> Client:
    return Client(headers={"authorization": f"Bearer {make_token(city.people[who], '夜间同步')}"})


@pytest.mark.parametrize(
    ("who", "status"),
    [("chief", 200), ("leader", 200), ("clerk", 403), ("county_clerk", 403), ("owner", 403)],
)
def test_the_page_is_for_who_may_see_people(city: Population, who: str, status: int) -> None:
    client = login(city, who)
    assert client.get("/people/").status_code == status
    assert (b'href="/people/"' in client.get("/people/me/").content) == (status == 200)
    assert program(city, who).get("/api/people/").status_code == status


def test_the_tree_counts_who_is_below(city: Population) -> None:
    (top,) = login(city, "leader").get("/people/").context["tree"]
    assert (top.organisation, top.people) == (city.root, 8)
    below = {node.organisation.name: node.people for node in top.children}
    assert below == {"东山区": 3, "西湖县": 1, "工业和信息化局": 2, "税务局": 1}


def test_a_countys_chief_sees_the_county(city: Population) -> None:
    appoint(city.county_clerk, Role.objects.get(code="section_chief"), city.counties[0])
    (top,) = login(city, "county_clerk").get("/people/").context["tree"]
    assert top.organisation == city.counties[0]
    people = program(city, "county_clerk").get("/api/people/").json()
    assert [each["username"] for each in people["items"]] == ["county_clerk", "park_clerk", "township_clerk"]
    assert people["count"] == 3
    assert {post["place"] for each in people["items"] for post in each["posts"]} == {
        "东山区",
        "东山经济开发区",
        "河口镇",
    }


def test_a_key_says_whose_it_is(city: Population) -> None:
    me = program(city, "county_clerk").get("/api/me/").json()
    assert (me["username"], me["enterprises"]) == ("county_clerk", [])
    assert me["posts"] == [
        {"role": "clerk", "title": "经办人", "organisation": city.counties[0].pk, "place": "东山区"}
    ]
    assert "registry.edit" in me["rights"]
    assert "registry.merge" not in me["rights"]
    own = program(city, "owner").get("/api/me/").json()
    assert own["enterprises"] == [city.enterprises[0].code]
    assert own["rights"] == [
        "own.view",
        "own.confirm",
        "own.file",
        "own.monitoring",
        "own.emergency",
        "own.case",
    ]


def test_a_key_is_ended_by_its_owner_only(city: Population) -> None:
    client = program(city, "clerk")
    (key,) = client.get("/api/me/keys").json()["items"]
    assert key["name"] == "夜间同步"
    assert program(city, "leader").delete(f"/api/me/keys/{key['number']}").status_code == 404
    assert client.delete(f"/api/me/keys/{key['number']}").status_code == 204
    assert client.get("/api/me/").status_code == 401
    assert Token.objects.get(pk=key["number"]).ended_at is not None


def test_the_tree_over_the_api(city: Population) -> None:
    client = program(city, "clerk")
    places = client.get("/api/people/organisations").json()
    assert (places["count"], places["items"][0]["name"], places["items"][0]["parent"]) == (10, "测试市", None)
    counties = client.get("/api/people/organisations?kind=county").json()["items"]
    assert [each["name"] for each in counties] == ["东山区", "西湖县"]
    assert client.get("/api/people/organisations?kind=x").json()["error"]["at"] == "kind"
    assert program(city, "owner").get("/api/people/organisations").status_code == 403


def test_strangers_see_nobody(city: Population) -> None:
    assert Client().get("/people/")["Location"].startswith("/people/login/")
    for address in ("/api/me/", "/api/people/", "/api/people/organisations", "/api/me/keys"):
        assert Client().get(address).status_code == 401
