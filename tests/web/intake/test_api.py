"""Intake for programs: the same deeds with a key, errors of one form."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from muheng.web.intake.models import Batch
from muheng.web.jobs.actions import run_pending
from muheng.web.people.actions import make_token
from muheng.web.people.models import User
from muheng.web.registry import panels
from web.population import Population

from .conftest import Read
from .workbooks import tax, taxes, upload

pytestmark = pytest.mark.django_db


class Program:
    """A client with a person's key."""

    def __init__(self, user: User) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {make_token(user, 'test')}"})

    def __call__(self, method: str, path: str, data: Any = None, **more: Any) -> Any:
        if data is not None:
            more |= {"data": data, "content_type": "application/json"}
        return getattr(self.client, method)(f"/api/intake/batches{path}", **more)


def test_a_program_goes_the_clerks_path(city: Population) -> None:
    one, two = city.enterprises[:2]
    call = Program(city.clerk)
    files = [tax([[one.code, one.name, "坏"], [two.code, two.name, 2]])]
    response = call.client.post("/api/intake/batches", {"year": "2025", "files": files})
    assert response.status_code == 201
    batch = response.json()
    assert (batch["state"], batch["progress"]) == ("reading", 0)
    path = f"/{batch['id']}"
    run_pending()
    assert call("get", path).json()["counts"]["imported"] == 1
    (problem,) = call("get", f"{path}/problems?severity=error&limit=1").json()["items"]
    assert problem["cell"] == "C2"
    (sheet,) = call("get", f"{path}/sheets").json()["items"]
    assert [column["column"] for column in sheet["columns"]] == ["统一社会信用代码", "企业名称", "入库税收"]
    refused = call("post", f"{path}/accept", {"reading": 1})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "unacknowledged"
    assert call("post", f"{path}/accept", {"reading": 1, "withheld": 1}).json()["state"] == "accepted"
    assert call("get", f"{path}/changes").json()["figures"]["added"] == 1
    assert call("post", f"{path}/undo", {"why": "错"}).json()["undone_why"] == "错"
    assert panels.current(2025) is None


def test_decisions_about_sheets(city: Population, read: Read) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [1])))
    call = Program(city.clerk)
    key = {"file": "税务局.xlsx", "sheet": "税收"}
    refused = call("put", f"/{batch.pk}/fixes", [{**key, "header_row": 99}])
    assert refused.status_code == 422
    assert "没有第 99 行" in refused.json()["error"]["what"]
    assert call("put", f"/{batch.pk}/fixes", [{**key, "ignore": True}]).json()["fixes"][0]["ignore"]
    run_pending()
    assert call("put", f"/{batch.pk}/fixes", [key]).json()["fixes"] == []


def test_problems_come_in_parts(city: Population, read: Read) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises, ["坏"] * 12)))
    call = Program(city.clerk)
    first = call("get", f"/{batch.pk}/problems?severity=error&limit=5").json()
    assert (len(first["items"]), first["count"]) == (5, 12)
    cells = [problem["cell"] for problem in first["items"]]
    address = first["next"]
    while address:
        part = call.client.get(address).json()
        cells += [problem["cell"] for problem in part["items"]]
        address = part["next"]
    assert cells == [f"C{row}" for row in range(2, 14)]


def test_files_are_marked_and_fetched(city: Population, read: Read) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], ["坏"])))
    call = Program(city.clerk)
    path = f"/{batch.pk}/files/{batch.files.get().pk}"
    assert b"".join(call("get", path).streaming_content)[:2] == b"PK"
    assert call("get", f"{path}?annotated=true").status_code == 404
    assert call("post", f"{path}/annotate").json() == {"ready": False}
    run_pending()
    assert call("post", f"{path}/annotate").json() == {"ready": True}
    assert call("get", f"{path}?annotated=true").status_code == 200
    assert call("get", f"/{batch.pk}").json()["files"][0]["annotated"]


def test_others_find_nothing(city: Population, read: Read) -> None:
    batch = read(city.county_clerk, tax(taxes(city.enterprises[:1], [1])))
    other, owner = Program(city.other_county_clerk), Program(city.owner)
    assert other("get", "").json()["items"] == []
    assert owner("get", "").status_code == 403
    deeds: list[tuple[str, str, Any]] = [
        ("get", "", None),
        ("get", "/problems", None),
        ("get", "/sheets", None),
        ("get", "/changes", None),
        ("put", "/fixes", []),
        ("post", "/accept", {"reading": 1}),
        ("post", "/abandon", None),
        ("post", "/undo", {"why": "x"}),
        ("post", "/reread", None),
    ]
    for method, path, data in deeds:
        for call in (other, owner):
            response = call(method, f"/{batch.pk}{path}", data)
            assert response.status_code == 404, path
            assert response.json()["error"]["code"] == "not_found"
    assert Client().get("/api/intake/batches").status_code == 401


def test_what_is_no_table_is_refused(city: Population) -> None:
    call = Program(city.clerk)
    response = call.client.post("/api/intake/batches", {"year": "2025", "files": [upload("a.pdf", b"%PDF")]})
    assert response.status_code == 422
    assert response.json()["error"]["at"] == "files"
    assert Batch.objects.count() == 0
