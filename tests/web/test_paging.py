"""The API's lists: every row once, whatever the parts; pages keep the rest of their question."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from django.http import QueryDict
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from muheng.web.paging import Part, answer, answer_list, rest_of_query


@given(st.integers(0, 23), st.integers(1, 10), st.text(st.characters(codec="utf-8"), max_size=5))
def test_following_the_parts_gives_every_row_once(many: int, limit: int, question: str) -> None:
    rows = list(range(many))
    asked = QueryDict(mutable=True)
    asked["q"] = question
    address: str | None = f"/api/x/?{asked.urlencode()}&limit={limit}"
    seen: list[int] = []
    while address is not None:
        request = RequestFactory().get(address)
        assert request.GET["q"] == question
        part = Part(limit=limit, offset=int(request.GET.get("offset", 0)))
        body = json.loads(answer_list(request, rows, part).content)
        assert body["count"] == many
        seen += body["items"]
        following = urlsplit(body["next"]) if body["next"] else None
        address = f"{following.path}?{following.query}" if following is not None else None
    assert seen == rows


def test_exact_numbers_stay_exact() -> None:
    body = answer({"value": Decimal("0.10"), "large": Decimal("1E+3"), "day": date(2026, 3, 9)}).content
    assert json.loads(body) == {"value": "0.10", "large": "1000", "day": "2026-03-09"}


def test_the_rest_of_a_question() -> None:
    request = RequestFactory().get("/?page=3&q=机械&sort=name&columns=a&columns=b")
    assert QueryDict(rest_of_query(request, "sort")) == QueryDict("q=机械&columns=a&columns=b")
    assert rest_of_query(RequestFactory().get("/?page=2")) == ""
