"""The same for programs: from the need to the loan, scope, and requests made from the description by everybody."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.test import Client

from muheng.matching.money import WAN
from muheng.web.people.actions import make_token
from muheng.web.people.models import User
from web.matching.market import Market

Program = Callable[[User], Any]


class Caller:
    """A program with a person's key."""

    def __init__(self, person: User) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {make_token(person, 'test')}"})

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.client.get(f"/api/matching/{path}")
        assert answer.status_code == status, answer.content.decode()
        return answer.json()

    def send(self, path: str, given: dict[str, Any], status: int = 200, how: str = "post") -> Any:
        answer = getattr(self.client, how)(f"/api/matching/{path}", given, content_type="application/json")
        assert answer.status_code == status, answer.content.decode()
        return answer.json()


@pytest.fixture
def clerk(market: Market) -> Caller:
    return Caller(market.city.clerk)


@pytest.fixture
def owner(market: Market) -> Caller:
    return Caller(market.city.owner)


def test_from_the_need_to_the_loan(market: Market, clerk: Caller, owner: Caller) -> None:
    code = market.city.enterprises[0].code
    need = owner.send(
        "needs",
        {"enterprise": code, "kind": "finance", "title": "流动资金", "amount": 200 * WAN, "months": 12},
        201,
    )
    found = owner.get(f"needs/{need['number']}/candidates")["items"]
    assert [(each["title"], each["place"]) for each in found] == [("技改贷", 1), ("大额贷", 0)]
    assert [each["what"] for each in found[1]["against"]] == [
        "需要 200 万元，至少 1,000 万元，还差 800 万元。"
    ]
    row = owner.send("introductions", {"need": need["number"], "offer": found[0]["number"]}, 201)
    assert row["state"] == "asked"
    steps = f"introductions/{row['number']}/steps"
    owner.send(steps, {"state": "introduced"}, 403)
    clerk.send(steps, {"state": "introduced"})
    clerk.send(steps, {"state": "failed"}, 422)
    row = clerk.send(steps, {"state": "agreed", "amount": 200 * WAN})
    assert [step["state"] for step in row["steps"]] == ["asked", "introduced", "agreed"]
    assert clerk.get(f"needs/{need['number']}")["state"] == "met"
    credit = clerk.send(
        "credits",
        {
            "enterprise": code,
            "bank": market.bank.pk,
            "granted": 200 * WAN,
            "since": "2026-11-03",
            "document": "批复 1 号",
            "introduction": row["number"],
        },
        201,
    )
    lines = f"credits/{credit['number']}/lines"
    clerk.send(lines, {"act": "lend", "amount": 150 * WAN, "on": "2026-11-03"})
    refused = clerk.send(lines, {"act": "lend", "amount": 60 * WAN}, 422)
    assert refused["error"] == {
        "code": "invalid",
        "what": "放款 60 万元，授信只剩 50 万元，超出 10 万元。",
        "fix": "请核对金额；确实超授信放款的，写明原因。",
        "at": "reason",
    }
    book = clerk.send(lines, {"act": "repay", "amount": 30 * WAN, "of": 1})
    assert (book["lent"], book["repaid"], book["outstanding"], book["left"]) == (
        150 * WAN,
        30 * WAN,
        120 * WAN,
        50 * WAN,
    )
    owner.send(lines, {"act": "lend", "amount": 1}, 403)
    figures = clerk.get("figures")
    assert figures["total"] == {
        "title": "合计",
        "granted": 200 * WAN,
        "lent": 150 * WAN,
        "repaid": 30 * WAN,
        "firms": 1,
    }
    answer = clerk.client.get("/api/matching/figures.xlsx?year=2026")
    book = openpyxl.load_workbook(BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert book["授信和放款"]["A1"].value == "按银行"


def test_an_enterprise_is_told_its_own_alone(market: Market, owner: Caller) -> None:
    other = Caller(market.city.other_owner)
    assert owner.get("needs")["count"] == 1
    assert other.get("needs")["count"] == 0
    other.get(f"needs/{market.need.pk}", 404)
    other.send(f"needs/{market.need.pk}/end", {"reason": "x"}, 404)
    offer = next(each for each in other.get("offers")["items"] if each["title"] == "技改贷")
    assert (offer["capacity"], offer["left"], offer["most"]) == (None, None, 500 * WAN)
    other.get("suppliers", 403)
    other.get("figures", 403)
    other.get(f"offers/{market.loan.pk}/candidates", 403)
    other.send("offers", {"supplier": market.bank.pk, "title": "x"}, 403)


def test_offers_find_needs(market: Market, clerk: Caller) -> None:
    found = clerk.get(f"offers/{market.loan.pk}/candidates")["items"]
    assert [(each["title"], each["whose"], each["fits"]) for each in found] == [
        (market.need.title, market.need.enterprise.name, True)
    ]
    offer = clerk.send(
        "offers",
        {"supplier": market.bank.pk, "title": "绿色贷", "regions": [market.city.counties[1].pk], "rate": 345},
        201,
    )
    assert clerk.get(f"offers/{offer['number']}/candidates")["items"][0]["against"][0]["what"] == (
        "只服务西湖县，企业在东山区。"
    )
    clerk.send("offers", {"supplier": market.bank.pk, "title": "x", "regions": [999999]}, 422)
    clerk.send(f"offers/{offer['number']}", {"title": "绿色贷", "version": 7}, 409, "put")
    assert clerk.send(f"offers/{offer['number']}/end", {"reason": "到期"})["state"] == "ended"


def test_gatherings(market: Market, clerk: Caller) -> None:
    row = clerk.send("gatherings", {"kind": "law", "title": "送法", "on": "2026-11-02", "place": "园区"}, 201)
    number = row["number"]
    codes = [each.code for each in market.city.enterprises[:2]]
    clerk.send(f"gatherings/{number}/invite", {"codes": [*codes, "91"]}, 422)
    assert clerk.send(f"gatherings/{number}/invite", {"codes": codes}) == {"changed": 2}
    assert clerk.send(f"gatherings/{number}/sign", {"codes": codes[:1]}) == {"changed": 1}
    clerk.send(f"gatherings/{number}/materials", {"kind": "leaflet", "title": "条例", "count": 70})
    held = clerk.send(f"gatherings/{number}/hold", {"heads": 20})
    assert (held["invited"], held["signed"], held["heads"], held["state"]) == (2, 1, 20, "held")
    assert clerk.get("figures?year=2026")["reach"] == {
        "title": "合计",
        "gatherings": 1,
        "heads": 20,
        "firms": 1,
        "visits": 1,
        "materials": 70,
    }
