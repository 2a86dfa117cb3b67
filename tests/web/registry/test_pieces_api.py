"""Pieces of an enterprise, merging and splitting, search and the list as a workbook, as programs have them."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.test import Client

from muheng.web.audit.models import Entry
from muheng.web.jobs.actions import run_pending
from muheng.web.people.actions import make_token
from muheng.web.registry import exports
from muheng.web.registry.models import Enterprise, Parcel
from web.population import Population, make_city, make_code


@pytest.fixture
def city(db: None) -> Population:
    return make_city()


class Program:
    """A program with a person's key, at one enterprise."""

    def __init__(self, city: Population, who: str, at: int = 0) -> None:
        self.client = Client(headers={"authorization": f"Bearer {make_token(city.people[who], 'test')}"})
        self.root = f"/api/enterprises/{city.enterprises[at].code}"

    def get(self, path: str, status: int = 200) -> Any:
        return self._read(self.client.get(self._place(path)), status)

    def post(self, path: str, given: Any, status: int = 201) -> Any:
        sent = self.client.post(self._place(path), given, content_type="application/json")
        return self._read(sent, status)

    def delete(self, path: str, status: int = 204) -> Any:
        return self._read(self.client.delete(self._place(path)), status)

    def _place(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.root}/{path}"

    def _read(self, answer: Any, status: int) -> Any:
        assert answer.status_code == status, answer.content.decode()[:500]
        return answer.json() if answer.content else None


PIECES: dict[str, dict[str, Any]] = {
    "lines": {"name": "一号线", "product": "轴承", "capacity": "1200.5", "unit": "t", "since": "2020-01-01"},
    "outlets": {
        "code": "DA001",
        "kind": "废气",
        "height": "15.5",
        "limits": [{"pollutant": "颗粒物", "limit": "20", "unit": "mg/m³", "yearly": "1.5"}],
    },
    "meters": {"kind": "用电", "number": "3401", "share": "60"},
    "permits": {
        "kind": "排污许可",
        "number": "P1",
        "limits": {"颗粒物": {"limit": "1.5", "unit": "t"}},
        "since": "2022-01-01",
        "source": "许可证",
    },
    "contacts": {"name": "王安", "mobile": "13800000123", "main": True},
    "leases": {"side": "out", "other_name": "某厂", "area": "2.5", "since": "2021-01-01", "source": "合同"},
}


@pytest.mark.parametrize("kind", PIECES)
def test_a_piece_is_added_and_listed(kind: str, city: Population) -> None:
    clerk = Program(city, "clerk")
    made = clerk.post(kind, PIECES[kind])
    assert clerk.get(kind)["items"] == [made]
    for key, value in PIECES[kind].items():
        if key in made:
            shown = made[key]
            same = (
                float(shown) == float(value)
                if key in ("capacity", "share", "height", "area")
                else shown == value
            )
            assert same, key
    # It is written into the book under the person's name; who only looks may not, who looks elsewhere sees nothing.
    entry = Entry.objects.latest("pk")
    assert (entry.actor, entry.verb.split("_")[0]) == (city.clerk.name, "registry.add")
    assert Program(city, "leader").post(kind, PIECES[kind], 403)["error"]["code"] == "forbidden"
    assert Program(city, "other_county_clerk").post(kind, PIECES[kind], 404)
    assert Program(city, "owner").get(kind)["count"] == 1
    assert Program(city, "owner").post(kind, PIECES[kind], 403)
    assert Program(city, "other_owner").get(kind, 404)


@pytest.mark.parametrize("kind", ["lines", "permits", "leases"])
def test_what_is_over(kind: str, city: Population) -> None:
    clerk = Program(city, "clerk")
    row = clerk.post(kind, PIECES[kind])["id"]
    early = clerk.post(f"{kind}/{row}/end", {"until": "2001-01-01"}, 422)
    assert early["error"]["at"] == "until"
    assert clerk.post(f"{kind}/{row}/end", {"until": "2024-01-01"}, 200)["until"] == "2024-01-01"
    # Another enterprise's row is not this one's.
    assert Program(city, "clerk", 1).post(f"{kind}/{row}/end", {"until": "2024-02-01"}, 404)


@pytest.mark.parametrize("kind", ["outlets", "meters", "contacts"])
def test_what_was_entered_wrongly(kind: str, city: Population) -> None:
    clerk = Program(city, "clerk")
    row = clerk.post(kind, PIECES[kind])["id"]
    if kind != "contacts":
        assert clerk.post(kind, PIECES[kind], 409)["error"]["what"]
    assert Program(city, "clerk", 1).delete(f"{kind}/{row}", 404)
    assert Program(city, "owner").delete(f"{kind}/{row}", 403)
    clerk.delete(f"{kind}/{row}")
    assert clerk.get(kind)["count"] == 0
    assert Entry.objects.latest("pk").verb.startswith("registry.remove_")


def test_land(city: Population) -> None:
    clerk, first = Program(city, "clerk"), city.enterprises[0]
    new = {"number": "340500-1", "area": "10000", "township": city.townships[0].pk, "source": "划拨"}
    parcel = clerk.post("/api/enterprises/parcels/new", new)
    assert (parcel["state"], parcel["township"]) == ("in_use", "河口镇")
    assert clerk.post("/api/enterprises/parcels/new", new, 409)["error"]["at"] == "number"
    assert clerk.post("/api/enterprises/parcels/new", {**new, "township": city.counties[0].pk}, 422)
    holding = {"parcel": parcel["id"], "area": "6000", "since": "2020-01-01", "source": "证"}
    held = clerk.post("holdings", holding)
    assert (held["number"], float(held["area"])) == ("340500-1", 6000)
    assert Program(city, "clerk", 1).post("holdings", holding, 422)["error"]["at"] == "area"
    assert clerk.post("holdings", {**holding, "parcel": 999_999}, 422)["error"]["at"] == "parcel"
    turn = {"state": "idle", "since": "2024-05-01", "source": "巡查"}
    state = f"/api/enterprises/parcels/{parcel['id']}/state"
    assert clerk.post(state, turn, 200)["state"] == "idle"
    assert clerk.post(state, turn, 409)["error"]["code"] == "unchanged"
    assert Program(city, "other_county_clerk").post(state, turn, 404)
    assert Program(city, "owner").post(state, {**turn, "state": "in_use"}, 403)
    assert clerk.get("holdings")["items"][0]["state"] == "idle"
    assert Parcel.objects.get().states.count() == 2
    assert clerk.post(f"holdings/{held['id']}/end", {"until": "2024-06-01"}, 200)["until"] == "2024-06-01"
    lease = {"side": "in", "other": city.enterprises[1].code, "area": "3", "source": "合同"}
    assert clerk.post("leases", lease)["tenant"] == first.code
    far = Program(city, "county_clerk").post("leases", {**lease, "other": city.enterprises[-1].code}, 422)
    assert far["error"]["at"] == "other"


def test_a_move(city: Population) -> None:
    county = Program(city, "county_clerk")
    given = {"township": city.townships[1].pk, "parks": [], "since": "2024-03-01", "source": "迁址"}
    assert county.post("place", given, 200) == {"county": "东山区", "township": "桥头镇", "parks": []}
    assert county.post("place", given, 409)["error"]["code"] == "unchanged"
    assert county.post("place", {**given, "township": city.townships[2].pk, "since": "2024-04-01"}, 403)
    assert county.post("place", {**given, "parks": [city.townships[0].pk]}, 422)["error"]["at"] == "parks"
    grouped = {"attribute": "industry_group", "value": "通用设备", "since": "2024-01-01", "source": "x"}
    assert county.post("attributes", grouped, 200)["industry_group"] == "通用设备"


def test_a_merge_is_seen_done_and_undone(city: Population) -> None:
    chief = Program(city, "chief")
    source, target = city.enterprises[:2]
    for kind in ("meters", "lines"):
        chief.post(kind, PIECES[kind])
    Program(city, "chief", 1).post("meters", {"kind": "用电", "number": "3401", "share": "40"})
    asked = {"target": target.code, "day": "2025-06-01"}
    seen = chief.post("merge/preview", asked, 200)
    pieces = {group["kind"]: group["pieces"] for group in seen["groups"]}
    assert "已有" in pieces["meter"][0]["stays"]
    assert pieces["line"][0]["stays"] == ""
    assert Enterprise.objects.get(pk=source.pk).merged_into is None
    given = {**asked, "basis": "市监〔2025〕1号"}
    assert chief.post("merge", {**given, "chosen": {"shoes": [1]}}, 422)["error"]["at"] == "chosen"
    stale = chief.post("merge", {**given, "chosen": {"meter": [pieces["meter"][0]["number"]]}}, 409)
    assert "重新预览" in stale["error"]["fix"]
    assert chief.post("merge", {**given, "day": "2099-01-01"}, 422)["error"]["at"] == "day"
    assert chief.post("merge", {**given, "target": make_code(99)}, 422)["error"]["at"] == "target"
    assert Program(city, "clerk").post("merge", given, 403)
    assert Program(city, "clerk").get("reorganisations", 403)
    deed = chief.post("merge", given, 200)
    assert (deed["kind"], deed["target"], deed["moved"]) == ("merge", target.code, {"line": 1, "account": 1})
    assert chief.get(f"/api/enterprises/{source.code}")["merged_into"] == target.code
    assert chief.get("reorganisations")["items"] == [deed]
    undo = f"reorganisations/{deed['id']}/undo"
    assert chief.post(undo, {"why": ""}, 422)["error"]["at"] == "why"
    assert Program(city, "chief", 5).post(undo, {"why": "登错"}, 404)
    assert chief.post(undo, {"why": "登错"}, 200)["undone_at"] is not None
    assert chief.post(undo, {"why": "登错"}, 409)["error"]["code"] == "unchanged"
    assert chief.get("lines")["count"] == 1


def test_a_split(city: Population) -> None:
    chief = Program(city, "chief")
    row = chief.post("lines", PIECES["lines"])["id"]
    seen = chief.post("split/preview", {"day": "2025-06-01"}, 200)
    assert (seen["target"], [group["kind"] for group in seen["groups"]]) == (None, ["line", "account"])
    given = {
        "code": make_code(77),
        "name": "东山精工二厂有限公司",
        "day": "2025-06-01",
        "basis": "文",
        "chosen": {"line": [row]},
    }
    assert Program(city, "owner").post("split", given, 403)
    deed = chief.post("split", given, 200)
    assert (deed["target"], deed["moved"]) == (make_code(77), {"line": 1})
    assert chief.get(f"/api/enterprises/{make_code(77)}/lines")["count"] == 1


def test_search(city: Population) -> None:
    clerk = Program(city, "clerk")
    found = clerk.get("/api/enterprises/search?q=hxsn")["items"]
    assert [(each["name"], each["place"]) for each in found] == [("湖心水泥有限公司", "西湖县")]
    assert len(clerk.get("/api/enterprises/search?q=东山&limit=2")["items"]) == 2
    assert Program(city, "county_clerk").get("/api/enterprises/search?q=hxsn")["items"] == []
    assert Program(city, "owner").get("/api/enterprises/search?q=hxsn", 403)
    assert clerk.get("/api/enterprises/search", 422)["error"]["at"] == "q"


def cells(answer: Any) -> list[tuple[Any, ...]]:
    content = io.BytesIO(b"".join(answer.streaming_content))
    return list(openpyxl.load_workbook(content).worksheets[0].iter_rows(values_only=True))


def test_the_list_as_a_workbook(city: Population, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = Program(city, "clerk")
    address = "/api/enterprises/export?q=东山&columns=code&columns=industry"
    rows = cells(clerk.client.post(address))
    assert ("企业名称", "统一社会信用代码", "行业") in [row[:3] for row in rows]
    assert {city.enterprises[at].code for at in (0, 1, 5)} <= {row[1] for row in rows}
    wrong = clerk.client.post("/api/enterprises/export?columns=password")
    assert (wrong.status_code, wrong.json()["error"]["at"]) == (422, "columns")
    # A long one is made in the background.
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    asked = clerk.client.post(address)
    assert asked.status_code == 202
    file = f"/api/enterprises/export/{asked.json()['job']}"
    assert clerk.get(file, 404)
    run_pending()
    assert cells(clerk.client.get(file)) == rows
    assert Program(city, "chief").get(file, 404)
