"""Deeds and lists about a run, as programs have them: the pages' queries and actions, the same rows in sight."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.test import Client

from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.web.audit.models import Entry
from muheng.web.evaluation import exports
from muheng.web.evaluation.models import Objection
from muheng.web.evaluation.runs import read_listing
from muheng.web.files.actions import store
from muheng.web.jobs.actions import run_pending
from muheng.web.people.actions import make_token
from muheng.web.people.models import User
from muheng.web.policy.models import PolicyVersion
from web.evaluation.results_city import Results

pytestmark = pytest.mark.django_db
TAX = "class.规上.indicator[亩均税收].weight"
SALES = "class.规上.indicator[亩均营业收入].weight"
CHANGES = {TAX: "50", SALES: "5"}


class Program:
    """A program with a person's key, at one run."""

    def __init__(self, results: Results, person: User) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {make_token(person, 'test')}"})
        self.root = f"/api{results.address()}"

    def get(self, path: str, status: int = 200) -> Any:
        return self._read(self.client.get(self._place(path)), status)

    def post(self, path: str, given: Any = None, status: int = 201) -> Any:
        sent = self.client.post(self._place(path), given or {}, content_type="application/json")
        return self._read(sent, status)

    def _place(self, path: str) -> str:
        return path if path.startswith("/") else self.root + path

    def _read(self, answer: Any, status: int) -> Any:
        assert answer.status_code == status, answer.content.decode()[:500]
        return answer.json()


def test_who_moved_against_last_year(results: Results) -> None:
    clerk = Program(results, results.people.clerk)
    last = clerk.get("overview")["last_year"]
    for way, many in (("up", "rose"), ("down", "fell")):
        found = clerk.get(f"moves?way={way}&limit=200")
        assert found["count"] == (last[many] if last else 0)
    county = Program(results, results.people.county_clerk).get("moves?limit=200")["items"]
    assert {row["code"] for row in county} <= results.inside
    Program(results, results.people.owner).get("moves", 404)


def test_numbers_are_tried_compared_and_kept(results: Results) -> None:
    clerk, chief = Program(results, results.people.clerk), Program(results, results.people.chief)
    made = clerk.post("simulation/trial", {"changes": CHANGES, "title": "税重一些"})
    run_pending()
    trial = clerk.get(f"/api/evaluations/{results.evaluation.pk}/runs/{made['number']}")
    assert (trial["state"], trial["title"], trial["official"]) == ("done", "税重一些", False)
    assert "亩均税收" in trial["reason"]
    nothing = clerk.post("simulation/trial", {"changes": {}}, 422)
    assert nothing["error"]["at"] == "changes"
    Program(results, results.people.leader).post("simulation/trial", {"changes": CHANGES}, 403)
    # Against the first run: nobody asked yet, then it is computed, once.
    at = f"/api/evaluations/{results.evaluation.pk}/runs/{made['number']}"
    clerk.get(f"{at}/comparisons/{results.run.number}", 404)
    clerk.post(f"{at}/comparisons", {"against": 99}, 404)
    asked = clerk.post(f"{at}/comparisons", {"against": results.run.number}, 200)
    assert clerk.get(f"{at}/comparisons/{results.run.number}")["labels"] == []
    run_pending()
    assert clerk.post(f"{at}/comparisons", {"against": results.run.number}, 200)["job"] == asked["job"]
    found = clerk.get(f"{at}/comparisons/{results.run.number}")
    moves = clerk.get(f"{at}/comparisons/{results.run.number}/moves?limit=200")
    crossed = sum(many for i, row in enumerate(found["matrix"]) for j, many in enumerate(row) if i != j)
    assert found["state"] == "done"
    assert 0 < found["moved"] == moves["count"] == crossed
    first = moves["items"][0]
    narrowed = clerk.get(
        f"{at}/comparisons/{results.run.number}/moves?before={first['before']}&after={first['after']}"
    )
    assert first in narrowed["items"]
    assert all(row["before"] == first["before"] for row in narrowed["items"])
    by_cause = clerk.get(f"{at}/comparisons/{results.run.number}/moves?cause={first['causes'][0]}")
    assert by_cause["count"] == found["causes"][first["causes"][0] - 1]["moved"]
    assert clerk.get(f"{at}/comparisons/{results.run.number}/moves?before=Z")["items"] == []
    inside = Program(results, results.people.county_clerk).get(
        f"{at}/comparisons/{results.run.number}/moves?limit=200"
    )
    assert {row["code"] for row in inside["items"]} <= results.inside
    # As a draft: only for who may write methods.
    clerk.post("simulation/draft", {"changes": CHANGES}, 403)
    draft = chief.post("simulation/draft", {"changes": CHANGES, "title": "税重一些"})
    version = PolicyVersion.objects.get(document__slug=draft["slug"], number=draft["number"])
    assert (version.state, version.document.title) == ("draft", "税重一些")
    wrong = chief.post("simulation/draft", {"changes": {"x": "1"}}, 422)
    assert wrong["error"]["at"] == "x"


def test_rules_beside_their_effect(results: Results) -> None:
    clerk = Program(results, results.people.clerk)
    rules = clerk.get("rules")
    said = [line for c in rules["chapters"] for p_ in c["parts"] for r in p_["rules"] for line in r["effect"]]
    assert len(said) > 3
    assert clerk.get("rules?lang=en")["chapters"][0]["title"] != rules["chapters"][0]["title"]
    county = Program(results, results.people.county_clerk).get("rules")
    assert county != rules, "counts are of the rows in sight"


def test_filters_are_ones_own(results: Results) -> None:
    clerk = Program(results, results.people.clerk)
    made = clerk.post("filters", {"name": " 甲类 ", "query": "grade=A&nonsense=1&sort=-总分"})
    assert made["name"] == "甲类"
    assert "grade=A" in made["query"]
    assert "nonsense" not in made["query"]
    assert clerk.get("/api/evaluations/filters")["items"] == [made]
    again = clerk.post("filters", {"name": "甲类", "query": "grade=D"})
    assert (again["id"], again["query"]) == (made["id"], "grade=D")
    assert clerk.post("filters", {"name": " ", "query": ""}, 422)["error"]["at"] == "name"
    other = Program(results, results.people.chief)
    assert other.get("/api/evaluations/filters")["items"] == []
    address = f"/api/evaluations/filters/{made['id']}"
    assert other.client.delete(address).status_code == 404
    assert clerk.client.delete(address).status_code == 204
    assert clerk.get("/api/evaluations/filters")["count"] == 0
    Program(results, results.people.owner).get("/api/evaluations/filters", 403)


def codes(answer: Any) -> set[str]:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    return {str(row[0]) for row in book.worksheets[0].iter_rows(values_only=True)}


def test_results_as_a_workbook(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    county = Program(results, results.people.county_clerk)
    address = f"{county.root}export?grade=A&column=亩均税收:v"
    listing = read_listing(results.run.results)
    right = set(listing.filter(listing[p.GRADE] == "A")[CODE]) & results.inside
    found = codes(county.client.post(address))
    assert right <= found
    assert not found & (set(listing[CODE]) - right)
    assert Entry.objects.latest("pk").verb == "evaluation.export"
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    asked = county.client.post(address)
    assert asked.status_code == 202
    job = asked.json()["job"]
    county.get(f"export/{job}", 404)
    run_pending()
    assert codes(county.client.get(f"{county.root}export/{job}")) == found
    Program(results, results.people.clerk).get(f"export/{job}", 404)


def test_evidence_is_had_back(results: Results) -> None:
    """By who may see the objection, and by nobody else."""
    owner = results.people.owner
    made = Objection.objects.create(
        evaluation=results.evaluation,
        enterprise=results.own,
        stage=Objection.Stage.CONFIRMATION,
        text="有误",
        raised_by=owner,
        raised_at=results.run.created_at,
        due=results.run.created_at.date(),
    )
    made.evidence.add(store(b"%PDF-1.7 paper", "证明.pdf", owner))
    address = f"/api/evaluations/objections/{made.pk}"
    (file,) = Program(results, owner).get(address)["evidence"]
    for person in (owner, results.people.clerk):
        answer: Any = Program(results, person).client.get(f"{address}/files/{file['id']}")
        assert b"".join(answer.streaming_content) == b"%PDF-1.7 paper"
        assert answer["Content-Disposition"].startswith("attachment")
    for person in (results.people.other_owner, results.people.data_clerk):
        Program(results, person).get(f"{address}/files/{file['id']}", 404)
    Program(results, owner).get(f"{address}/files/{file['id'] + 1}", 404)
