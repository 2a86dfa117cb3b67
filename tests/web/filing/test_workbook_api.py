"""The workbook and who has to file, as programs have them."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from muheng.web.filing.models import Filing
from muheng.web.people.actions import make_token
from muheng.web.people.models import User
from web.population import Population


def program(person: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {make_token(person, 'test')}"})


def address(city: Population, number: int = 0) -> str:
    return f"/api/filings/{city.enterprises[number].code}/workbook"


def send(client: Client, to: str, book: openpyxl.Workbook) -> Any:
    out = io.BytesIO()
    book.save(out)
    return client.post(to, {"file": SimpleUploadedFile("填报.xlsx", out.getvalue())})


def test_a_workbook_goes_out_and_comes_back(city: Population) -> None:
    owner = program(city.owner)
    got: Any = owner.get(address(city))
    book = openpyxl.load_workbook(io.BytesIO(got.content))
    sheet = book.worksheets[0]
    assert sheet["A5"].value == "2026-10"
    sheet["B5"] = 30.5
    answer = send(owner, address(city), book)
    assert (answer.status_code, answer.json()) == (200, {"months": ["2026-10"]})
    filing = Filing.objects.get(year=2026, month=10)
    assert (filing.state, filing.values["用电量"]) == ("draft", "30.5000")
    # All or nothing, each wrong cell told; another's workbook is refused.
    sheet["B5"], sheet["D5"] = 31, "一吨多"
    wrong = send(owner, address(city), book)
    error = wrong.json()["error"]
    assert (wrong.status_code, error["at"], len(error["cells"])) == (422, "file", 1)
    assert error["cells"][0].startswith("D5")
    filing.refresh_from_db()
    assert filing.values["用电量"] == "30.5000"
    assert send(program(city.other_owner), address(city, -1), book).status_code == 422
    assert program(city.clerk).get(address(city)).status_code == 404
    assert send(program(city.other_owner), address(city), book).status_code == 404
    assert owner.post(address(city)).json()["error"]["at"] == "file"


def test_who_has_to_file(city: Population) -> None:
    clerk = program(city.clerk)
    found = clerk.get("/api/filings/duties?month=2026-10").json()
    assert {(row["code"], row["state"]) for row in found["items"]} == {
        (city.enterprises[at].code, "missing") for at in (0, -1)
    }
    assert clerk.get("/api/filings/duties?month=2026-09&state=missing").json()["count"] == 0
    assert clerk.get("/api/filings/duties?month=2026-10&q=东山").json()["count"] == 1
    (one,) = program(city.county_clerk).get("/api/filings/duties?month=2026-10").json()["items"]
    assert (one["code"], one["county"]) == (city.enterprises[0].code, "东山区")
    for month in ("2026-13", "2026-11", "x"):
        refused = clerk.get(f"/api/filings/duties?month={month}")
        assert (refused.status_code, refused.json()["error"]["at"]) == (422, "month")
    assert program(city.owner).get("/api/filings/duties?month=2026-10").status_code == 403
