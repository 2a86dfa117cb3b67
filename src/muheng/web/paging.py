"""Lists in parts: the API's form ``{"items", "count", "next"}``, and pages of a page's table.

An API list is described by a schema but written as plain values: rows come from the database with the types
that their columns have, and checking each once more would cost more than reading it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

T = TypeVar("T")
MOST = 200


class Part(Schema):
    """Which part of a list is asked for."""

    limit: int = Field(50, ge=1, le=MOST, description="每页条数，最多 200。")
    offset: int = Field(0, ge=0, le=10_000_000, description="跳过的条数。")


class Listed(Schema, Generic[T]):
    """Part of a list. ``next`` is the address of the part after it, null at the end."""

    items: list[T]
    count: int
    next: str | None = None


class Countable(Protocol):
    """A query set, or a sequence wrapped by :class:`Rows`."""

    def count(self) -> int: ...
    def __getitem__(self, part: slice, /) -> Iterable[Any]: ...


class Rows:
    """A sequence that is listed as query sets are."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    def count(self) -> int:
        return len(self._rows)

    def __getitem__(self, part: slice, /) -> Iterable[Any]:
        return self._rows[part]


def answer_list(
    request: HttpRequest,
    rows: Any,
    part: Part,
    show: Callable[[Any], Any] | None = None,
    count: int | None = None,
) -> HttpResponse:
    """The answer with one part of ``rows`` (a query set, or a sequence). ``show`` makes a value of a row."""
    given: Countable = Rows(rows) if isinstance(rows, (list, tuple)) else rows
    if count is None:
        count = given.count()
    found = given[part.offset : part.offset + part.limit]
    items = [show(row) for row in found] if show is not None else list(found)
    return answer_part(request, items, part, count)


def answer_part(request: HttpRequest, items: Sequence[Any], part: Part, count: int) -> HttpResponse:
    """The answer with a part that is cut already; ``count`` is of the whole list."""
    return answer({"items": items, "count": count, "next": _next(request, part, count)})


def answer(value: Any, status: int = 200) -> HttpResponse:
    """Plain values as JSON: decimals as numbers are not lost, they stay text; days are ISO."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), cls=_Plain)
    return HttpResponse(text, content_type="application/json; charset=utf-8", status=status)


class _Plain(DjangoJSONEncoder):
    def default(self, value: Any) -> Any:
        return f"{value:f}" if isinstance(value, Decimal) else super().default(value)


def _next(request: HttpRequest, part: Part, count: int) -> str | None:
    following = part.offset + part.limit
    if following >= count:
        return None
    asked = request.GET.copy()
    asked["offset"], asked["limit"] = str(following), str(part.limit)
    return request.build_absolute_uri(f"{request.path}?{asked.urlencode()}")


def rest_of_query(request: HttpRequest, *without: str) -> str:
    """The address's question without ``page`` and ``without``, ready to be followed by another pair."""
    asked = request.GET.copy()
    for name in ("page", *without):
        asked.pop(name, None)
    text = asked.urlencode()
    return f"{text}&" if text else ""
