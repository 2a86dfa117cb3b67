"""Results for programs: the same rows, scopes and figures as the pages."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from django.test import Client

from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.web.evaluation.models import Evaluation
from muheng.web.evaluation.runs import read_listing
from muheng.web.people.actions import make_token
from muheng.web.people.models import User
from web.evaluation.results_city import Results

pytestmark = pytest.mark.django_db

READ = ("results", "columns", "overview", "cuts", "groups", "groups?by=park", "parcels", "levers")


def program(person: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {make_token(person, 'test')}"})


def address(results: Results, rest: str) -> str:
    return f"/api{results.address(rest)}"


def get(person: User, path: str) -> Any:
    answer = program(person).get(path)
    assert answer.status_code == 200, answer.content.decode()[:300]
    return answer.json()


def test_each_answers(results: Results) -> None:
    for rest in READ:
        assert get(results.people.clerk, address(results, rest)) is not None


def test_the_list_comes_whole_in_parts(results: Results) -> None:
    listing = read_listing(results.run.results)
    path: str | None = address(results, "results?limit=50&sort=-总分")
    items: list[dict[str, Any]] = []
    while path is not None:
        found = get(results.people.clerk, path)
        assert found["count"] == listing.height
        items += found["items"]
        path = found["next"]
    assert sorted(item["code"] for item in items) == listing[CODE].to_list()
    totals = [float(item["total"]) for item in items if item["total"] is not None]
    assert totals == sorted(totals, reverse=True)


def test_filters_and_columns(results: Results) -> None:
    found = get(
        results.people.clerk, address(results, "results?grade=A&class=规上&column=亩均税收:v&limit=200")
    )
    listing = read_listing(results.run.results)
    right = listing.filter((pl.col(p.GRADE) == "A") & (pl.col(p.CLASS) == "规上"))
    assert {item["code"] for item in found["items"]} == set(right[CODE])
    assert all(float(item["columns"]["亩均税收:v"]) > 0 for item in found["items"])
    assert {item["class"] for item in found["items"]} == {"规上"}


def test_a_county_gets_its_own(results: Results) -> None:
    everyone = set(read_listing(results.run.results)[CODE])
    for rest in (*READ, "results?limit=200"):
        text = json.dumps(get(results.people.county_clerk, address(results, rest)))
        assert not [code for code in everyone - results.inside if code in text], rest
    outside = min(everyone - results.inside)
    client = program(results.people.county_clerk)
    for rest in (f"enterprises/{outside}", f"enterprises/{outside}/advice?grade=A"):
        assert client.get(address(results, rest)).status_code == 404
    for person in (results.people.owner, results.people.data_clerk):
        for rest in (*READ, f"enterprises/{results.own.code}"):
            answer = program(person).get(address(results, rest))
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "not_found"
    assert Client().get(address(results, "results")).status_code == 401


def test_why_advice_and_what_if(results: Results) -> None:
    why = get(results.people.clerk, address(results, f"enterprises/{results.own.code}"))
    assert why["reason"]["parts"]
    english = get(results.people.clerk, address(results, f"enterprises/{results.own.code}?lang=en"))
    assert english["reason"]["sentence"] != why["reason"]["sentence"]
    ways = get(results.people.clerk, address(results, f"enterprises/{results.own.code}/advice?grade=A"))
    assert ways["wanted"] == "A"
    levers = get(results.people.clerk, address(results, "levers?limit=200"))["items"]
    weight = next(lever for lever in levers if lever["group"] == "weights")
    client = program(results.people.clerk)
    answer = client.post(
        address(results, "simulation"), {"changes": {weight["key"]: "99"}}, "application/json"
    )
    assert answer.status_code == 200
    assert answer.json()["moved"] > 0
    wrong = client.post(address(results, "simulation"), {"changes": {"x": "1"}}, "application/json")
    assert wrong.status_code == 422
    assert wrong.json()["error"]["at"] == "x"


def test_an_enterprise_reads_its_public_results(results: Results) -> None:
    assert get(results.people.owner, "/api/evaluations/mine")["items"] == []
    Evaluation.objects.filter(pk=results.evaluation.pk).update(
        state=Evaluation.State.PUBLICITY, chosen=results.run
    )
    (line,) = get(results.people.owner, "/api/evaluations/mine")["items"]
    assert (line["code"], line["signed"]) == (results.own.code, False)
    assert get(results.people.clerk, "/api/evaluations/mine")["items"] == []
