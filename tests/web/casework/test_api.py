"""Cases over the API: the same as the pages can, and no more."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from muheng.web.casework.actions import act
from muheng.web.casework.models import Case, CaseEvent, OpeningKey
from muheng.web.jobs.actions import run_pending
from muheng.web.people.actions import appoint, make_department, make_person, make_token, take_roles
from muheng.web.people.models import Organisation, User
from web.casework.test_path import raise_demand
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n1 0 obj\n"


@pytest.fixture
def city() -> Population:
    return make_city()


@pytest.fixture
def office(city: Population) -> Organisation:
    return make_department("自然资源和规划局", city.counties[0])


@pytest.fixture
def handler(city: Population, office: Organisation) -> User:
    person = make_person("handler", "承办何", PASSWORD)
    appoint(person, take_roles()["handler"], office)
    return person


class Program:
    """What somebody's program sends."""

    def __init__(self, person: User) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {make_token(person, 'test')}"})

    def get(self, path: str, **asked: Any) -> Any:
        return self.client.get(f"/api/cases/{path}", asked)

    def post(self, path: str, given: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/cases/{path}", given or {}, content_type="application/json", headers=headers
        )

    def send(self, path: str, *files: SimpleUploadedFile, **given: Any) -> Any:
        return self.client.post(f"/api/cases/{path}", {**given, "files": list(files)})


def demand(city: Population, **more: Any) -> dict[str, Any]:
    fields = {"detail": "厂区东侧道路拓宽占去约3亩。", "contact": "吴某", "phone": "13800000001"}
    return {
        "type": "demand",
        "title": "二期用地红线需要调整",
        "enterprise": city.enterprises[0].code,
        "kind": "land",
        "fields": fields,
        **more,
    }


def test_a_demand_from_its_opening_to_its_rating(
    city: Population, handler: User, office: Organisation
) -> None:
    owner, clerk, him = Program(city.owner), Program(city.county_clerk), Program(handler)
    made = owner.post("", demand(city))
    assert made.status_code == 201, made.content
    number = made.json()["number"]
    assert {each["id"] for each in made.json()["acts"]} >= {"withdraw", "note", "attach", "urge"}

    def do(who: Program, deed: str, **given: Any) -> dict[str, Any]:
        answer = who.post(f"{number}/acts", {"act": deed, **given})
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()
        return found

    do(clerk, "accept", seen=1)
    do(clerk, "dispatch", organisation=office.pk, handler=handler.pk, seen=2)
    uploaded = him.send("uploads", SimpleUploadedFile("意见.pdf", PDF)).json()
    answered = do(
        him,
        "answer",
        note="已出具意见。",
        fields={"outcome": "已解决"},
        files=[{"file": uploaded[0]["id"], "label": "答复文书"}],
    )
    assert answered["files"][0]["label"] == "答复文书"
    do(owner, "confirm")
    closed = do(owner, "rate", rating=5)
    assert (closed["phase"], closed["rating"], closed["state_name"]) == ("closed", 5, "已办结")
    assert [each["act"] for each in closed["history"]] == [
        "评价",
        "确认办结",
        "答复",
        "交办",
        "受理",
        "登记",
    ]
    assert {each["id"] for each in closed["clocks"]} == {"acceptance", "legal", "promised"}
    file = answered["files"][0]["id"]
    got = owner.get(f"{number}/files/{file}")
    assert b"".join(got.streaming_content) == PDF
    assert "attachment" in got["Content-Disposition"]


def test_the_same_opening_sent_twice_makes_one_case(city: Population) -> None:
    owner = Program(city.owner)
    first = owner.post("", demand(city), **{"Idempotency-Key": "a-1"})
    again = owner.post("", demand(city), **{"Idempotency-Key": "a-1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["number"] == again.json()["number"]
    other = owner.post("", demand(city, title="别的事"), **{"Idempotency-Key": "a-1"})
    assert other.status_code == 422
    assert other.json()["error"]["code"] == "key_used"
    assert Program(city.county_clerk).post("", demand(city), **{"Idempotency-Key": "a-1"}).status_code == 201
    assert Case.objects.count() == OpeningKey.objects.count() == 2
    # What was refused does not use up the key.
    assert owner.post("", demand(city, kind="x"), **{"Idempotency-Key": "a-2"}).status_code == 422
    assert owner.post("", demand(city), **{"Idempotency-Key": "a-2"}).status_code == 201


def test_who_is_overtaken_is_told_by_whom_and_loses_nothing(city: Population) -> None:
    case = raise_demand(city)
    Program(city.county_clerk).post(f"{case.number}/acts", {"act": "accept", "seen": 1})
    answer = Program(city.clerk).post(f"{case.number}/acts", {"act": "refuse", "seen": 1, "note": "不齐"})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "changed"
    (change,) = answer.json()["changes"]
    assert "东山赵" in change
    assert "受理" in change
    ahead = Program(city.clerk).post(f"{case.number}/acts", {"act": "accept", "seen": 99})
    assert (ahead.status_code, ahead.json()["error"]["at"]) == (422, "seen")


def test_what_an_enterprise_may_not_read_does_not_overtake_it(city: Population) -> None:
    case = raise_demand(city)
    act(city.county_clerk, case, "note", note="内部看法", internal=True)
    owner = Program(city.owner)
    shown = owner.get(case.number)
    assert "内部看法" not in shown.content.decode()
    assert owner.post(f"{case.number}/acts", {"act": "withdraw", "seen": 1}).status_code == 200


def test_lists_are_of_ones_own_and_can_be_narrowed(city: Population) -> None:
    one = raise_demand(city)
    far = Case.objects.get(
        number=Program(city.other_owner)
        .post("", demand(city, enterprise=city.enterprises[-1].code, title="西湖的事"))
        .json()["number"]
    )
    for who, expected in (
        (city.owner, {one.number}),
        (city.other_owner, {far.number}),
        (city.county_clerk, {one.number}),
        (city.clerk, {one.number, far.number}),
        (city.data_clerk, set()),
    ):
        found = Program(who).get("").json()
        assert {each["number"] for each in found["items"]} == expected
        assert found["count"] == len(expected)
    clerk = Program(city.clerk)
    assert clerk.get("", q="西湖的").json()["count"] == 1
    assert clerk.get("", enterprise=city.enterprises[0].code).json()["items"][0]["number"] == one.number
    assert clerk.get("", county=city.counties[1].pk).json()["count"] == 1
    assert clerk.get("", overdue="true").json()["count"] == 0
    assert clerk.get("", kind="money").json()["count"] == 0
    part = clerk.get("", limit=1).json()
    assert (part["count"], len(part["items"]), "offset=1" in part["next"]) == (2, 1, True)
    for number in (far.number, "SQ-2000-000001"):
        for path in (number, f"{number}/similar"):
            assert Program(city.owner).get(path).status_code == 404
        assert Program(city.owner).post(f"{number}/acts", {"act": "note", "note": "x"}).status_code == 404


def test_who_to_call_is_told_to_whom_it_concerns(
    city: Population, handler: User, office: Organisation
) -> None:
    case = raise_demand(city)
    assert Program(city.owner).get(case.number).json()["fields"]["phone"] == "13800000001"
    assert Program(city.county_clerk).get(case.number).json()["fields"]["phone"] == "13800000001"
    # The leader sees the case; who to call is not theirs to read.
    shown = Program(city.leader).get(case.number)
    assert shown.json()["hidden"] == ["contact", "phone"]
    assert "1380000" not in shown.content.decode()


def test_a_list_as_a_workbook(city: Population) -> None:
    raise_demand(city)
    clerk = Program(city.county_clerk)
    asked = clerk.client.post("/api/cases/export?kind=land")
    assert asked.status_code == 202, asked.content
    job = asked.json()["job"]
    assert clerk.get(f"export/{job}").status_code == 404
    run_pending()
    book = load_workbook(BytesIO(b"".join(clerk.get(f"export/{job}").streaming_content)))
    cells = [str(cell.value) for row in book.active.iter_rows() for cell in row]
    assert "二期用地红线需要调整" in cells
    assert not any("1380000" in cell or "吴某" in cell for cell in cells)
    assert Program(city.clerk).get(f"export/{job}").status_code == 404
    assert Program(city.owner).client.post("/api/cases/export").status_code == 403


def test_as_it_was(city: Population) -> None:
    case = raise_demand(city)
    later = case.opened_at + timedelta(microseconds=1)
    act(city.county_clerk, case, "accept")
    then = Program(city.clerk).get(case.number, at=later.isoformat()).json()
    assert (then["state"], then["version"], len(then["history"]), then["acts"]) == ("submitted", 1, 1, [])
    before = case.opened_at - timedelta(seconds=1)
    assert Program(city.clerk).get(case.number, at=before.isoformat()).status_code == 404
    assert Program(city.clerk).get(case.number, at="yesterday").status_code == 422


def test_merged_split_and_similar(city: Population) -> None:
    one, two = raise_demand(city), raise_demand(city)
    clerk = Program(city.county_clerk)
    (similar,) = clerk.get(f"{one.number}/similar").json()["items"]
    assert (similar["number"], similar["likeness"]) == (two.number, 100)
    assert Program(city.owner).get(f"{one.number}/similar").json()["items"] == []
    merged = clerk.post(f"{two.number}/merge", {"into": one.number, "seen": 1})
    assert merged.status_code == 200, merged.content
    assert merged.json()["number"] == one.number
    assert clerk.get(two.number).json()["merged_into"] == one.number
    parts = [{"title": "用地"}, {"title": "资金", "kind": "money"}]
    made = clerk.post(f"{one.number}/split", {"parts": parts, "note": "分开办"}).json()
    assert [each["title"] for each in made["made"]] == ["用地", "资金"]
    assert clerk.post(f"{one.number}/split", {"parts": []}).status_code == 422
    assert clerk.post(f"{one.number}/merge", {"into": one.number}).status_code == 422


def test_many_at_once(city: Population) -> None:
    numbers = [raise_demand(city).number for _ in range(3)]
    clerk = Program(city.county_clerk)
    asked = {"numbers": [*numbers, "SQ-2000-000001"], "act": "accept", "seen": {numbers[0]: 1}}
    dry = clerk.post("bulk", {**asked, "dry": True}).json()
    assert CaseEvent.objects.count() == 3
    done = clerk.post("bulk", asked).json()
    assert dry["done"] == done["done"]
    assert [each["after"] for each in done["done"]] == ["待交办"] * 3
    assert [each["number"] for each in done["not_done"]] == ["SQ-2000-000001"]
    assert clerk.post("bulk", {"numbers": [], "act": "accept"}).status_code == 422


def test_files_are_ones_own_and_what_they_say_they_are(city: Population) -> None:
    case = raise_demand(city)
    owner, clerk = Program(city.owner), Program(city.county_clerk)
    assert owner.send("uploads", SimpleUploadedFile("图.pdf", b"MZ\x90")).status_code == 422
    mine = owner.send("uploads", SimpleUploadedFile("图.pdf", PDF)).json()[0]["id"]
    taken = clerk.post(f"{case.number}/acts", {"act": "attach", "files": [{"file": mine}]})
    assert (taken.status_code, taken.json()["error"]["at"]) == (422, "files")
    inside = clerk.send(f"{case.number}/files", SimpleUploadedFile("底稿.pdf", PDF), internal="true")
    assert inside.status_code == 201, inside.content
    (file,) = inside.json()["files"]
    assert file["internal"]
    assert owner.get(f"{case.number}/files/{file['id']}").status_code == 404
    assert owner.get(case.number).json()["files"] == []
    assert owner.get(f"{case.number}/files/{10**30}").status_code == 404
    open_one = owner.send(f"{case.number}/files", SimpleUploadedFile("图.pdf", PDF), label="佐证材料")
    assert [each["label"] for each in open_one.json()["files"]] == ["佐证材料"]


def test_an_enterprise_does_not_say_who_handles_its_demand(
    city: Population, handler: User, office: Organisation
) -> None:
    made = Program(city.owner).post("", demand(city, organisation=office.pk, handler=handler.pk)).json()
    assert (made["organisation"]["id"], made["handler"]) == (city.counties[0].pk, None)
    foreign = Program(city.owner).post("", demand(city, enterprise=city.enterprises[1].code))
    assert foreign.status_code in (403, 404)
    wrong = Program(city.county_clerk).post(
        "", demand(city, organisation=city.department.pk, handler=handler.pk)
    )
    assert wrong.status_code == 422


def test_types_and_texts(city: Population, office: Organisation) -> None:
    types = {each["id"]: each for each in Program(city.owner).get("types", limit=200).json()["items"]}
    assert {"demand", "visit", "hazard", "rectification", "revisit"} <= set(types)
    assert [each["id"] for each in types["demand"]["clocks"]] == ["acceptance", "legal", "promised", "redo"]
    chief = Program(city.chief)
    given = {"organisation": office.pk, "type": "demand", "title": "红线", "text": "已按程序……"}
    made = chief.post("templates", given).json()
    assert made["organisation"]["name"] == "自然资源和规划局"
    assert chief.get("templates").json()["count"] == 1
    path = f"/api/cases/templates/{made['id']}"
    changed = chief.client.put(path, {**given, "title": "调整红线"}, content_type="application/json")
    assert changed.json()["title"] == "调整红线"
    other = Program(city.owner).client
    assert other.put(path, given, content_type="application/json").status_code == 404
    assert chief.client.delete(path).json() == {"removed": made["id"]}
    assert Program(city.owner).post("templates", given).status_code == 403
