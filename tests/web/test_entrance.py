"""What strangers and broken programs send to the pages: nothing breaks, whatever stands in an address or a form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from muheng.web.entrance import read_number
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.evaluation.models import Evaluation
from muheng.web.jobs.actions import run_pending
from muheng.web.people.actions import make_token
from web.evaluation.city import Case, make_case

HOSTILE = ("\0", "²", "9" * 5000, "-1", "９", "' OR 1=1 --", "<script>", "1e999999999", "%s", "🏭", "\u202e")
ASKED = (
    "q", "year", "page", "state", "show", "run", "sort", "columns", "column", "county", "township", "park",
    "grade", "against", "cause", "from", "to", "before", "after", "job", "month", "enterprise", "evaluation", "kind",
    "stage", "severity", "file", "box", "by", "figure", "low", "high", "class", "industry", "moved", "last",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("0", 0),
        ("", None),
        ("²", None),
        ("９", None),
        ("-1", None),
        ("1.0", None),
        ("9" * 19, None),
    ],
)
def test_numbers_of_addresses(text: str, number: int | None) -> None:
    assert read_number(text) == number


def pages(patterns: Any = None, before: str = "/") -> Iterator[str]:
    """Every address of the pages, its values in angle brackets."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        where = before + str(each.pattern)
        if where.startswith("/api") or "^api" in where or "logout" in where:
            continue
        if isinstance(each, URLResolver):
            yield from pages(each.url_patterns, where)
        elif isinstance(each, URLPattern):
            yield where


def fill(address: str, case: Case, word: str = "") -> str:
    """An address with values: things that are there; for a text, ``word`` where one is given."""
    values = {
        "evaluation": case.evaluation.pk,
        "number": case.evaluation.pk if address.startswith("/evaluations/<int:number>") else 1,
        "place": 0,
        "slug": "test-city",
        "code": quote(word) or case.people.enterprises[0].code,
        "month": quote(word) or "2025-12",
    }
    return re.sub(r"<\w+:(\w+)>", lambda found: str(values.get(found[1], 1)), address)


@pytest.fixture
def case(db: None) -> Case:
    made = make_case()
    Evaluation.objects.update(state=Evaluation.State.TRIAL)
    ask_trial(made.people.clerk, made.fresh())
    run_pending()
    return made


def test_no_address_breaks(case: Case) -> None:
    """Client raises what a page does not catch."""
    people = case.people
    addresses = list(pages())
    assert len(addresses) > 90
    assert [each for each in addresses if "<" in fill(each, case) or "//" in each] == []
    for person in (people.chief, people.owner):
        client = Client()
        client.force_login(person)
        for address in addresses:
            for at, word in enumerate(HOSTILE if person is people.chief else HOSTILE[:3]):
                # Each word once in every question, and by turns in the address itself.
                here = fill(address, case, word if at % 2 == 0 and len(word) < 100 else "")
                asked = dict.fromkeys(ASKED, word[:200] if "q" in address else word)
                response = client.get(here, asked if len(word) < 100 else {"year": word, "cause": word})
                assert response.status_code in (200, 202, 302, 400, 403, 404, 405, 409, 422), (here, word)


def test_forms_take_no_nul(case: Case) -> None:
    client = Client()
    client.force_login(case.people.chief)
    base = f"/evaluations/{case.evaluation.pk}/"
    for address, data in (
        (f"{base}roster/", {"deed": "exclude", "codes": "\0", "reason": "重复"}),
        (f"{base}review/", {"agreed": "no", "note": "退回\0"}),
        ("/people/me/tokens/", {"name": "a\0"}),
        (f"{base}runs/1/table/save/", {"name": "a\0", "query": ""}),
    ):
        response = client.post(address, data)
        assert response.status_code == 422, address
        assert "不可见的控制字符" in response.content.decode()


def test_too_much_is_turned_away_unread(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the head of the request alone: nothing of its body is taken in."""
    declared = {"CONTENT_LENGTH": str(settings.REQUEST_MAX_BYTES + 1)}
    form = "multipart/form-data; boundary=x"
    stranger, known = Client(), Client()
    known.force_login(case.people.clerk)
    token = make_token(case.people.clerk, "程序")
    assert known.generic("POST", "/intake/new/", b"", form, **declared).status_code == 413
    answer = Client().generic(
        "POST", "/api/intake/batches", b"", form, headers={"Authorization": f"Bearer {token}"}, **declared
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    some = {"CONTENT_LENGTH": str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)}
    assert stranger.generic("POST", "/people/login/", b"", form, **some).status_code == 413
