"""The same for programs: bodies, refusals in one form, and a comparison that is computed in the background."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from muheng.policy.compare import compare
from muheng.policy.compile import compile_policy
from muheng.policy.run import evaluate
from muheng.web.jobs.actions import run_pending
from muheng.web.jobs.models import Job
from muheng.web.policy import comparing
from muheng.web.policy.models import Comparison
from muheng.web.registry.panels import current
from web.policy.materials import BROKEN, TEXT, WIDER, YEAR, give_facts, make_version
from web.population import Population, make_city

pytestmark = pytest.mark.django_db
ROOT = "/api/policies/"


@pytest.fixture
def city() -> Population:
    return make_city()


class Program:
    """A person's program: JSON in, JSON out."""

    def __init__(self, city: Population, name: str = "chief") -> None:
        self.client = Client()
        self.client.force_login(city.people[name])

    def ask(self, address: str, order: Any = None, method: str = "") -> tuple[int, Any]:
        method = method or ("GET" if order is None else "POST")
        answer = self.client.generic(
            method, ROOT + address, json.dumps(order or {}), content_type="application/json"
        )
        return answer.status_code, json.loads(answer.content) if answer.content else None


def test_the_way_of_a_method(city: Population) -> None:
    make_version()
    program = Program(city)
    status, made = program.ask("test-2025/versions/1/copy", {"slug": "new-2026", "title": "新办法"})
    assert (status, made["state"], made["slug"], made["findings"]) == (201, "draft", "new-2026", [])
    text = made["text"].replace('A = "25%"', 'A = "30%"')
    status, saved = program.ask(
        "new-2026/versions/1", {"text": text, "seen": made["sha256"], "note": "放宽"}, "PUT"
    )
    assert (status, saved["note"], saved["base"]) == (200, "放宽", "test-2025@1")
    status, refused = program.ask("new-2026/versions/1", {"text": TEXT, "seen": made["sha256"]}, "PUT")
    assert (status, refused["error"]["code"]) == (409, "changed_meanwhile")
    status, final = program.ask("new-2026/versions/1/finalise", {"seen": saved["sha256"]})
    assert (status, final["state"]) == (200, "final")
    status, listed = program.ask("")
    assert (status, listed["count"], [each["slug"] for each in listed["items"]]) == (
        200,
        2,
        ["new-2026", "test-2025"],
    )
    assert program.ask("new-2026/versions/1/draft", {})[0] == 201
    assert program.ask("new-2026/versions/2", method="DELETE")[0] == 204
    assert program.ask("new-2026/retire", {"why": "不用了"})[1]["retired"] is True
    assert program.ask("")[1]["count"] == 1
    assert program.ask("?retired=true")[1]["count"] == 2
    assert program.ask("new-2026/reinstate", {})[1]["retired"] is False


def test_checking_a_text(city: Population) -> None:
    program = Program(city)
    status, found = program.ask("check", {"text": BROKEN, "slug": "test-2025"})
    assert (status, found["errors"]) == (200, 1)
    assert found["findings"][0]["what"].startswith("权重合计 90")
    english = program.ask("check?lang=en", {"text": BROKEN, "slug": "test-2025"})[1]
    assert english["findings"][0]["what"].startswith("The weights add up to 90")
    assert program.ask("check", {"text": TEXT, "slug": "test-2025"})[1]["findings"] == []
    assert program.ask("check", {"text": "\ud800", "slug": "x"})[0] == 422


def test_the_document(city: Population) -> None:
    make_version()
    make_version(BROKEN, 2, final=False)
    program = Program(city)
    status, document = program.ask("test-2025/versions/1/document?lang=en")
    assert (status, document["id"]) == (200, "test-2025")
    assert {"source", "indicators", "grades"} <= {chapter["id"] for chapter in document["chapters"]}
    assert program.ask("test-2025/versions/2/document")[0] == 422


@pytest.mark.parametrize(
    "address", ["none", "none/versions/1", "test-2025/versions/9", "compare?before=x&after=test-2025@1"]
)
def test_what_is_not_there(city: Population, address: str) -> None:
    make_version()
    status, refused = Program(city).ask(address)
    assert (status, refused["error"]["code"]) == (404, "not_found")


def test_rights(city: Population) -> None:
    make_version()
    for name in ("owner", "data_clerk"):
        assert Program(city, name).ask("")[0] == 403
    assert Program(city, "leader").ask("test-2025/versions/1/copy", {})[0] == 403
    assert Client().get(ROOT).status_code == 401


def test_a_large_city_is_compared_in_the_background(
    city: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "AT_ONCE", 1)
    give_facts(city)
    make_version()
    make_version(WIDER, 2)
    program = Program(city)
    order = {"before": "test-2025@1", "after": "test-2025@2", "year": YEAR}
    status, work = program.ask("compare", order)
    assert (status, work["state"]) == (202, "waiting")
    # Asking again does not ask for the work twice.
    assert program.ask("compare", order)[1]["job"] == work["job"]
    assert run_pending() == 1
    status, found = program.ask("compare", order)
    assert (status, found["moved"], found["enterprises"]) == (200, 3, 12)
    facts = current(YEAR)
    plans = compile_policy(TEXT).plan, compile_policy(WIDER).plan
    assert facts is not None
    assert plans[0] is not None
    assert plans[1] is not None
    due = compare(evaluate(plans[0], facts), evaluate(plans[1], facts))
    assert [move["code"] for move in found["moves"]] == due.moves["统一社会信用代码"].to_list()
    assert {(each["before"], each["after"]): each["count"] for each in found["matrix"]} == {
        (old, new): many for old, new, many in due.matrix.iter_rows()
    }
    assert found["causes"] == [{"number": 1, "what": "定级办法的名额的“A”由25%改为50%", "moved": 3}]
    assert [move["causes"] for move in found["moves"]] == [[1]] * 3
    assert Comparison.objects.count() == 1
    part = program.ask("compare?limit=1&offset=1", order)[1]
    assert (part["moved"], part["moves"]) == (3, found["moves"][1:2])


def test_other_facts_are_another_question(city: Population) -> None:
    give_facts(city)
    make_version()
    make_version(WIDER, 2)
    order = {"before": "test-2025@1", "after": "test-2025@2", "year": YEAR}
    program = Program(city)
    assert program.ask("compare", order)[0] == 200
    assert program.ask("compare", order)[0] == 200
    assert Comparison.objects.count() == 1
    give_facts(city, YEAR - 1)  # last year's facts come in
    assert program.ask("compare", order)[0] == 200
    assert Comparison.objects.count() == 2
    assert Job.objects.count() == 0


def test_facts_that_do_not_fit_are_told(city: Population) -> None:
    give_facts(city)
    make_version()
    make_version(TEXT.replace("range = [0.01, 10000]", "range = [20, 10000]"), 2)
    status, refused = Program(city).ask(
        "compare", {"before": "test-2025@1", "after": "test-2025@2", "year": YEAR}
    )
    assert (status, refused["error"]["code"]) == (422, "misfit")
    assert "用地" in refused["error"]["fix"]
    assert (
        Program(city).ask("compare", {"before": "test-2025@1", "after": "test-2025@1", "year": 1999})[0]
        == 409
    )
