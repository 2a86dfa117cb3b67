"""What the first page says of how enterprises are served: the rooms' own figures, cut to what a person may see."""

from __future__ import annotations

import pytest
from django.test import Client

from muheng.web.casework.actions import open_case
from muheng.web.home.service import show_service
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> Population:
    found = make_city()
    for person, enterprise in (
        (found.owner, found.enterprises[0]),
        (found.other_owner, found.enterprises[-1]),
    ):
        for number in range(2 if person == found.owner else 1):
            open_case(
                person,
                "demand",
                f"路灯 {number}",
                enterprise=enterprise,
                kind="other",
                fields={"detail": "不亮。"},
            )
    return found


@pytest.mark.parametrize(
    ("person", "open_ones"), [("chief", "3"), ("county_clerk", "2"), ("other_county_clerk", "1")]
)
def test_demands_of_the_place_that_one_looks_after(city: Population, person: str, open_ones: str) -> None:
    (card,) = show_service(city.people[person])
    assert [each.value for each in card.numbers] == ["0", "—", open_ones, "0"]
    client = Client()
    client.login(username=person, password=PASSWORD)
    for address in (card.href, *(each.href for each in card.numbers if each.href)):
        assert client.get(address).status_code == 200


def test_who_may_not_see_them_there_is_not_told_here(city: Population) -> None:
    assert show_service(city.owner) == []
    assert show_service(city.data_clerk) == []


def test_the_page_shows_the_card(city: Population) -> None:
    client = Client()
    client.login(username="chief", password=PASSWORD)
    assert "企业诉求" in client.get("/").content.decode()
