"""The pages of a run open, say what the library found, and show each person no more than their own place."""

from __future__ import annotations

import pytest
from django.test import Client

from web.evaluation.results_city import Results, make_results

pytestmark = pytest.mark.django_db

PAGES = ("", "table/", "cuts/", "moves/", "groups/", "map/", "map.json", "policy/", "simulation/")


@pytest.fixture
def results() -> Results:
    return make_results()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_each_page_opens(results: Results, client: Client, language: str) -> None:
    client.force_login(results.people.clerk)
    client.cookies["django_language"] = language
    for rest in (
        *PAGES,
        f"enterprises/{results.own.code}/",
        "groups/?by=park",
        "groups/?by=county",
        "cuts/?show=close",
    ):
        answer = client.get(results.address(rest))
        assert answer.status_code == 200, (rest, answer.content.decode()[:400])
