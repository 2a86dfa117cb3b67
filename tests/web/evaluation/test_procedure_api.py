"""The procedure by its API: the same path, the same refusals, one form of error."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from muheng.policy.seal import verify_bundle
from muheng.web.evaluation import steps
from muheng.web.jobs.actions import run_pending
from muheng.web.people.actions import make_token
from muheng.web.people.models import User
from web.evaluation.city import make_case, moment

pytestmark = pytest.mark.django_db


class Caller:
    """A program with a person's key."""

    def __init__(self, person: User, number: int) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {make_token(person, 'test')}"})
        self.root = f"/api/evaluations/{number}"

    def get(self, path: str = "", status: int = 200) -> Any:
        response = self.client.get(self.root + path)
        assert response.status_code == status, response.content
        return response.json()

    def post(self, path: str, given: Any = None, status: int = 200) -> Any:
        response = self.client.post(
            self.root + path, json.dumps(given or {}), content_type="application/json"
        )
        assert response.status_code == status, response.content
        return response.json()


def test_the_path_of_programs(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case()
    people, number = case.people, case.evaluation.pk
    clerk, chief, leader, owner, county = (
        Caller(person, number)
        for person in (people.clerk, people.chief, people.leader, people.owner, people.county_clerk)
    )
    turn = lambda day: monkeypatch.setattr(steps.timezone, "now", lambda: moment(day))  # noqa: E731
    turn(date(2026, 3, 9))
    shown = clerk.get()
    assert (shown["state"], shown["rated"], shown["exempt"]) == ("roster", 11, 1)
    assert shown["policy"] == "test-city@1"
    assert clerk.client.get("/api/evaluations").json()["count"] == 1
    assert clerk.get("/roster?show=exempt")["items"][0]["ground"] == "已注销或迁出"
    assert county.get("/roster")["count"] == 7
    refused = clerk.post("/roster/exclude", {"codes": ["91X"], "reason": "停产"}, 422)["error"]
    assert refused == {
        "code": "invalid",
        "what": "没有这样的企业：91X。",
        "fix": "请核对统一社会信用代码。",
        "at": "codes",
    }
    county.post("/confirmation", {"working_days": 10}, 403)
    clerk.post("/confirmation", {"working_days": 0}, 422)
    assert clerk.post("/confirmation", {"working_days": 10})["confirm_until"] == "2026-03-23"

    code = people.enterprises[0].code
    sheet = owner.get(f"/sheets/{code}")
    (figure,) = [each for each in sheet["figures"] if each["item"] == "入库税收"]
    assert (figure["value"], figure["unit"], figure["used"]) == ("1200", "万元", True)
    assert figure["sources"] == [{"file": "宽表2025.xlsx", "sheet": "宽表", "cell": "E2", "value": "1200.00"}]
    owner.get(f"/sheets/{people.enterprises[-1].code}", 404)
    response = owner.client.post(
        f"{owner.root}/sheets/{code}/dispute",
        {
            "item": "入库税收",
            "claimed": "1300",
            "text": "总机构汇总。",
            "evidence": SimpleUploadedFile("表.pdf", b"%PDF"),
        },
    )
    assert response.status_code == 200, response.content
    objection = response.json()
    assert (objection["shown"], objection["claimed"], objection["due"]) == (
        "1200.00",
        "1300.00",
        "2026-03-16",
    )
    assert objection["evidence"][0]["name"] == "表.pdf"
    answers = f"/../objections/{objection['id']}".replace("/..", "")
    chief.root, keep = "/api/evaluations", chief.root
    assert chief.post(f"{answers}/answer", {"outcome": "upheld", "text": "属实。"})["settled"] == "1300.00"
    assert (
        chief.post(f"{answers}/answer", {"outcome": "upheld", "text": "属实。"}, 409)["error"]["code"]
        == "answered"
    )
    chief.root = keep

    turn(date(2026, 3, 24))
    clerk.post("/confirmation/close")
    assert clerk.post("/runs", {"title": "试一"})["state"] == "waiting"
    assert clerk.post("/runs", {"basis": "shown"})["basis"] == "shown"
    run_pending()
    beside = clerk.get("/side-by-side?run=1&run=2")
    assert beside["runs"] == [1, 2]
    assert sum(counts[0] for counts in beside["counts"].values()) == 12
    assert clerk.post("/runs/2/choose", status=409)["error"]["code"] == "stale"
    clerk.post("/runs/1/choose")
    chief.post("/runs/1/review", {"agreed": True})
    clerk.post("/publicity", {"working_days": 3, "first": "2026-03-25"})
    assert set(clerk.get("/publicity?limit=1")["items"][0]) == {"name", "code", "grade"}
    turn(date(2026, 3, 28))
    clerk.post("/publicity/close")
    final = clerk.post("/runs", {"kind": "final"})["number"]
    run_pending()
    assert clerk.get(f"/runs/{final}")["verified_at"] is not None
    assert clerk.post(f"/runs/{final}/sign", status=403)["error"]["code"] == "forbidden"
    assert leader.post(f"/runs/{final}/sign")["state"] == "signed"
    assert leader.get()["chosen"] == final
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(b"".join(clerk.client.get(f"{clerk.root}/runs/{final}/bundle")))
    verification = verify_bundle(bundle)
    assert verification.proved
    assert verification.seal == clerk.get(f"/runs/{final}")["seal"]
    county.get(f"/runs/{final}/bundle", 403)
