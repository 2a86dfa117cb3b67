"""The form, the list, the workbook and the API, as the persons who use them see them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import polars as pl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from muheng.intake.facts import CODE, Item, facts_from_table
from muheng.web.filing import actions
from muheng.web.filing.items import form
from muheng.web.filing.models import Filing
from muheng.web.people.models import User
from muheng.web.registry.panels import add_layer
from muheng.web.registry.sections import sections_at
from web.filing.figures import OCTOBER, texts
from web.population import Population

Login = Callable[[User], Client]


def at(city: Population, rest: str = "2026-10/", number: int = 0) -> str:
    return f"/filing/{city.enterprises[number].code}/{rest}"


def fields(reasons: dict[str, str] | None = None, **changed: str) -> dict[str, str]:
    typed = texts(**changed)
    names = list(form().items)
    return {f"figure-{n}": typed[name] for n, name in enumerate(names)} | {
        f"reason-{names.index(name)}": why for name, why in (reasons or {}).items()
    }


def test_the_calendar_and_the_form(city: Population, login: Login) -> None:
    page = login(city.owner).get("/filing/").content.decode()
    assert "2026年10月请在2026年11月13日前填报，还有 10 天" in page
    assert "各月合计" in page
    month = login(city.owner).get(at(city)).content.decode()
    assert 'inputmode="decimal"' in month
    assert "上月 33.245" in month, "September of the usual 30.5"


def test_a_refused_form_keeps_what_was_typed(city: Population, login: Login) -> None:
    client = login(city.owner)
    answer = client.post(at(city), {**fields(用电量="305", 用水量="一吨多"), "submit": "1"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="305"' in page
    assert 'value="一吨多"' in page
    assert "“一吨多” 不是数字" in page
    answer = client.post(at(city), {**fields(用电量="305"), "submit": "1"})
    assert "是不是 30.5？" in answer.content.decode()
    answer = client.post(at(city), {**fields({"用电量": "新上电炉"}, 用电量="305"), "submit": "1"})
    assert (answer.status_code, Filing.objects.get(year=2026, month=10).state) == (302, "submitted")
    assert 'value="305.0000"' in client.get(at(city)).content.decode(), "open until it is checked"


def test_checks_while_typing_change_nothing(city: Population, login: Login) -> None:
    answer = login(city.owner).post(at(city, "2026-10/check/"), fields(用电量="305000"))
    page = answer.content.decode()
    assert "像是按 kWh 填的" in page
    assert page.count("hx-swap-oob") == 6
    assert not Filing.objects.filter(year=2026, month=10).exists()


def test_the_official_sees_reviews_and_returns(city: Population, login: Login) -> None:
    actions.submit(city.owner, city.enterprises[0], OCTOBER, texts(用电量="305"), {"用电量": "<b>新上电炉"})
    clerk = login(city.clerk)
    page = clerk.get("/filing/review/?state=flagged").content.decode()
    assert city.enterprises[0].name in page
    assert city.enterprises[-1].name not in page
    assert "小数点错位" in page
    assert city.enterprises[-1].name in clerk.get("/filing/review/?state=missing").content.decode()
    month = clerk.get(at(city)).content.decode()
    assert "&lt;b&gt;新上电炉" in month
    assert "data-chart" in month
    assert clerk.post(at(city, "2026-10/decide/"), {"return": "1", "why": ""}).status_code == 422
    assert clerk.post(at(city, "2026-10/decide/"), {"return": "1", "why": "请改"}).status_code == 302
    assert "退回原因：</b>请改" in login(city.owner).get(at(city)).content.decode()
    actions.submit(city.owner, city.enterprises[0], OCTOBER, texts())
    assert clerk.post("/filing/review/accept/", {"month": "2026-10"}, follow=True).status_code == 200
    assert Filing.objects.get(year=2026, month=10).state == "accepted"


def test_who_may_open_what(city: Population, login: Login) -> None:
    actions.save_draft(city.owner, city.enterprises[0], OCTOBER, texts())
    expected = {
        "owner": (200, 200, 403),
        "other_owner": (200, 404, 403),
        "clerk": (403, 404, 200),  # a draft is the enterprise's own
        "county_clerk": (403, 404, 200),
        "other_county_clerk": (403, 404, 200),
        "leader": (403, 404, 403),
        "data_clerk": (403, 404, 403),
    }
    for name, codes in expected.items():
        client = login(city.people[name])
        got = tuple(client.get(url).status_code for url in ("/filing/", at(city), "/filing/review/"))
        assert got == codes, name
    actions.submit(city.owner, city.enterprises[0], OCTOBER, texts())
    seen = {name: login(city.people[name]).get(at(city)).status_code for name in expected}
    assert seen == {
        "owner": 200, "other_owner": 404, "clerk": 200, "county_clerk": 200, "other_county_clerk": 404,
        "leader": 404, "data_clerk": 404,
    }  # fmt: skip
    stranger = login(city.other_owner)
    for address in (at(city), at(city, "2026-10/check/"), at(city, "2026-10/decide/"), at(city, "upload/")):
        assert stranger.post(address, fields()).status_code in (403, 404), address
    assert stranger.get(at(city, "workbook/")).status_code == 404
    assert Client().get("/filing/").status_code == 302


def test_the_card_on_the_enterprise_page(city: Population, login: Login) -> None:
    own = city.enterprises[0]
    assert {name for name, person in city.people.items() if sections_at(own, person)["figures"]} == {
        "owner", "clerk", "chief", "county_clerk", "park_clerk", "township_clerk",
    }  # fmt: skip
    items = {"用电量": Item("用电量", "number", "kWh", 0)}
    row = pl.DataFrame({CODE: [own.code], "用电量": [3_897_900]})
    with transaction.atomic():
        add_layer(facts_from_table(row, items, 2025), "供电公司", "test", None)
    page = login(city.owner).get(f"/enterprises/{own.code}/years/").content.decode()
    assert "2025年各月合计与部门年度数据" in page
    assert "一致" in page
    assert "389.79" in page, "kilowatt-hours of the department beside ten thousands of the form"


def test_queries_do_not_grow_with_rows(
    city: Population, login: Login, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    from datetime import date

    actions.oblige(city.clerk, city.enterprises, date(2025, 1, 1))
    clerk, owner = login(city.clerk), login(city.owner)
    with django_assert_max_num_queries(14):
        clerk.get("/filing/review/")
    with django_assert_max_num_queries(16):
        owner.get("/filing/")
    with django_assert_max_num_queries(18):
        owner.get(at(city))


# -- the workbook -----------------------------------------------------------------------------------


def workbook_of(client: Client, city: Population) -> openpyxl.Workbook:
    answer = client.get(at(city, "workbook/"))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def send(client: Client, city: Population, book: openpyxl.Workbook | bytes, name: str = "填报.xlsx") -> Any:
    if isinstance(book, bytes):
        content = book
    else:
        out = io.BytesIO()
        book.save(out)
        content = out.getvalue()
    return client.post(at(city, "upload/"), {"file": SimpleUploadedFile(name, content)})


def test_a_filled_workbook_becomes_a_draft(city: Population, login: Login) -> None:
    client = login(city.owner)
    book = workbook_of(client, city)
    sheet = book["月度填报"]
    assert [cell.value for cell in sheet[5]][:1] == ["2026-10"]
    for column, value in enumerate((305, "１５０", 1.2, 20, 1.1, "1,800.5"), 2):
        sheet.cell(5, column, value)
    answer = send(client, city, book)
    assert (answer.status_code, answer.url) == (302, at(city))
    filing = Filing.objects.get(year=2026, month=10)
    assert (filing.state, filing.values["综合能耗"], filing.values["工业总产值"]) == (
        "draft",
        "150.00",
        "1800.50",
    )
    assert "是不是 30.5？" in client.get(at(city)).content.decode()
    assert workbook_of(client, city)["月度填报"].cell(5, 2).value == 305, "downloads again with the draft"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"B5": "30.5万"}, "B5：“30.5万” 不是数字。"),
        ({"B5": 30, "A5": "十月"}, "A5：“十月”"),
        ({"B4": "用电量（kWh）", "C5": 1}, "B4：表头“用电量（kWh）”不认识"),
        ({"B1": "91340500MA00000Z9X", "B5": 30}, "不是贵企业"),
        ({"A5": "2026-09", "B5": 30}, "已经核对通过"),
        ({"A5": "2026-11", "B5": 30}, "还没有结束"),
        ({"A6": "2026-10", "B6": 3, "B5": 30}, "月份重复"),
        ({}, "没有填任何数据"),
        ({"A4": "日期", "B5": 30}, "没有找到表头"),
    ],
)
def test_a_wrong_cell_is_told_and_nothing_is_taken(
    city: Population, login: Login, change: dict[str, Any], said: str
) -> None:
    client = login(city.owner)
    book = workbook_of(client, city)
    for cell, value in change.items():
        book["月度填报"][cell] = value
    answer = send(client, city, book)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Filing.objects.filter(year=2026, month=10).exists()


def test_what_is_no_workbook_is_refused(city: Population, login: Login) -> None:
    client = login(city.owner)
    for content in (b"", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0" + b"\0" * 600, b"x" * (3 << 20)):
        answer = send(client, city, content)
        assert answer.status_code == 422, content[:8]
        assert 'role="alert"' in answer.content.decode()


# -- programs ---------------------------------------------------------------------------------------


def test_the_same_by_the_api(city: Population, login: Login) -> None:
    client, clerk = login(city.owner), login(city.clerk)
    path = f"/api/filings/{city.enterprises[0].code}/2026-10"

    def send_json(method: str, address: str, body: dict[str, Any], by: Client = client) -> Any:
        return getattr(by, method)(address, body, content_type="application/json")

    assert client.get(path).status_code == 404
    checked = send_json("post", f"{path}/check", {"values": texts(用电量="305000")}).json()
    assert next(each["kind"] for each in checked["findings"] if each["item"] == "用电量") == "unit"
    refused = send_json("post", f"{path}/submit", {"values": texts(用电量="305")})
    assert (refused.status_code, refused.json()["error"]["findings"][0]["item"]) == (422, "用电量")
    assert send_json("put", path, {"values": {"用电": 3}}).json()["error"]["at"] == "用电"
    assert send_json("put", path, {"values": {"用电量": 30.5}}).json()["values"] == {"用电量": "30.5000"}
    assert send_json("post", f"{path}/submit", {"values": texts()}).json()["state"] == "submitted"
    assert clerk.post(f"{path}/accept").json()["state"] == "accepted"
    listed = clerk.get("/api/filings/?month=2026-10").json()
    assert (listed["count"], listed["items"][0]["state"], listed["next"]) == (1, "accepted", None)
    assert login(city.other_owner).get("/api/filings/?month=2026-10").json()["count"] == 0
    assert login(city.other_owner).post(f"{path}/accept").status_code == 404
    months = client.get(f"/api/filings/months/{city.enterprises[0].code}").json()["items"]
    assert (months[0]["month"], months[0]["due"]) == ("2026-10", "2026-11-13")
    assert client.get("/api/filings/items").json()["items"][0]["unit"] == "万kWh"


def test_english(city: Population, login: Login) -> None:
    client = login(city.owner)
    client.cookies["django_language"] = "en"
    page = client.get(at(city)).content.decode()
    assert "Electricity" in page
    assert "提交" not in page
