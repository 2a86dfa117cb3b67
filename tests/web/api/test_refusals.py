"""Whatever goes wrong, the API says it in one form, in the reader's language."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from ninja import Schema

from muheng.web.api_errors import refuse_values
from muheng.web.intake import queries
from web.population import PASSWORD, Population

pytestmark = pytest.mark.django_db


def error(response: Any, status: int) -> dict[str, str]:
    """The error of an answer, which has the one form."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"].startswith("application/json")
    found = response.json()
    assert set(found) == {"error"}
    assert set(found["error"]) == {"code", "what", "fix", "at"}
    assert all(isinstance(said, str) for said in found["error"].values())
    assert found["error"]["what"]
    return dict(found["error"])


def test_a_stranger_and_a_wrong_key(city: Population) -> None:
    assert error(Client().get("/api/policies/"), 401)["code"] == "unauthenticated"
    wrong = Client(headers={"Authorization": "Bearer mh_wrong"})
    assert error(wrong.get("/api/policies/"), 401)["code"] == "unauthenticated"
    for client in (Client(), wrong, Client(enforce_csrf_checks=True)):
        assert error(client.post("/api/policies/check"), 401)["code"] == "unauthenticated"


def test_a_right_that_one_lacks(program: Any) -> None:
    assert error(program("owner").get("/api/policies/"), 403)["code"] == "forbidden"


def test_what_is_not_there(program: Any) -> None:
    clerk = program("clerk")
    assert error(clerk.get("/api/policies/nothing"), 404)["code"] == "not_found"
    assert error(clerk.get("/api/intake/batches/7"), 404)["code"] == "not_found"
    assert error(clerk.get("/api/policies/a%00b"), 404)["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/policies/a/b/c/d", "/api/intake/batches/x/y"]
)
def test_no_such_address(path: str, program: Any) -> None:
    for client in (program("clerk"), Client()):
        assert error(client.get(path), 404)["code"] == "unknown_address"


def test_a_stroke_at_the_end_makes_no_difference(program: Any) -> None:
    clerk = program("clerk")
    for with_stroke in ("/api/policies/", "/api/intake/batches/", "/api/filings/"):
        for path in (with_stroke, with_stroke[:-1]):
            assert clerk.get(path, {"limit": 1}).json()["items"] == []
    assert error(Client().get("/api/policies"), 401)["code"] == "unauthenticated"
    assert error(clerk.post("/api/intake/batches/"), 422)["at"] == "year"


def test_another_method(program: Any) -> None:
    response = program("clerk").delete("/api/policies/")
    found = error(response, 405)
    assert found["code"] == "method_not_allowed"
    assert "GET" in found["fix"]
    assert response["Allow"] == "GET"


@pytest.mark.parametrize("body", ["{", "", "\xff", '{"text": NaN, "slug": "x"}', "[" * 5000])
def test_a_body_that_is_no_json(body: str, program: Any) -> None:
    response = program("clerk").post(
        "/api/policies/check", body.encode("latin-1"), content_type="application/json"
    )
    assert error(response, 422 if body == "" else 400)["code"] == ("invalid" if body == "" else "malformed")


def test_a_body_that_is_not_what_is_asked_for(program: Any) -> None:
    clerk = program("clerk")

    def check(given: Any, path: str = "/api/policies/check") -> dict[str, str]:
        return error(clerk.post(path, given, content_type="application/json"), 422)

    assert check({"slug": "x"}) == {
        "code": "invalid",
        "what": "请求的内容不对：text 必填",
        "fix": "各项的写法见 /api/docs。",
        "at": "text",
    }
    assert "slug 应是文字；" in check({"slug": 3})["what"] + "；"
    assert check([1])["at"] == "text"
    found = check({"slug": "x", "text": 1}, "/api/policies/check?lang=en")
    assert found["what"] == "The request is not right: text must be text"


@pytest.mark.parametrize(
    ("question", "at"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("offset=-1", "offset"),
        ("limit=many", "limit"),
        ("limit=", "limit"),
    ],
)
def test_a_question_that_is_out_of_bounds(question: str, at: str, program: Any) -> None:
    assert error(program("clerk").get(f"/api/policies/?{question}"), 422)["at"] == at


def test_a_question_that_nobody_knows(program: Any) -> None:
    clerk = program("clerk")
    found = error(clerk.get("/api/enterprises/?grades=A&limit=5&lang=zh"), 422)
    assert (found["code"], found["at"]) == ("unknown_parameter", "grades")
    assert "“grades”" in found["what"]
    assert "limit、offset、q、county" in found["fix"]
    english = error(clerk.get("/api/enterprises/?grades=A&lang=en"), 422)
    assert english["what"] == "This address knows no such parameter: “grades”."
    # The same of an operation that knows none, of one that changes something, and of an address with a stroke too many.
    assert error(clerk.get("/api/me/?x="), 422)["fix"] == "可以用：lang。"
    given = {"slug": "x", "text": ""}
    asked = "/api/policies/check?dry=1"
    assert error(clerk.post(asked, given, content_type="application/json"), 422)["at"] == "dry"
    assert error(clerk.get("/api/enterprises?grades=A"), 422)["at"] == "grades"
    # A stranger learns nothing of it.
    assert error(Client().get("/api/enterprises/?grades=A"), 401)["code"] == "unauthenticated"


@pytest.mark.parametrize("letter", ["\\u0000", "\\ud800"])
def test_letters_that_no_database_keeps(letter: str, program: Any) -> None:
    clerk = program("clerk")
    body = f'{{"slug": "x", "text": "a{letter}"}}'
    found = error(clerk.post("/api/policies/check", body, content_type="application/json"), 422)
    assert "控制字符" in found["what"]
    error(clerk.get("/api/intake/batches?q=%00"), 422)


def test_a_body_that_is_too_large(program: Any) -> None:
    body = b'{"slug": "x", "text": "' + b"x" * (6 << 20) + b'"}'
    response = program("clerk").post("/api/policies/check", body, content_type="application/json")
    assert error(response, 413)["code"] == "too_large"


def test_a_form_that_is_broken(program: Any) -> None:
    response = program("clerk").post(
        "/api/intake/batches", b"--x\r\nnonsense", content_type="multipart/form-data"
    )
    error(response, 400)


def test_a_session_needs_its_token(city: Population) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.login(username="clerk", password=PASSWORD)
    assert browser.get("/api/policies/").status_code == 200
    response = browser.post("/api/policies/check", {"slug": "x", "text": ""}, content_type="application/json")
    assert error(response, 403)["code"] == "csrf"


def test_what_nobody_foresaw_is_told_without_its_innards(
    program: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret place")

    monkeypatch.setattr(queries, "filter_batches", fail)
    clerk = program("clerk")
    with pytest.raises(RuntimeError):
        clerk.get("/api/intake/batches")
    clerk.raise_request_exception = False
    caplog.clear()
    response = clerk.get("/api/intake/batches")
    assert error(response, 500)["code"] == "broken"
    assert "secret" not in response.content.decode()
    assert "secret place" in caplog.text


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    class Wanted(Schema):
        one: int
        two: bool

    try:
        Wanted.model_validate({"one": "x"})
    except ValueError as found:
        refused = refuse_values([{**each, "loc": ("query", *each["loc"])} for each in found.errors()])  # type: ignore[attr-defined]
    assert refused.what == "请求的内容不对：one 应是整数；two 必填"
    assert refused.at == "one"
