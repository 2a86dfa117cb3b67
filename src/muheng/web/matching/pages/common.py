"""What the pages of matching share: finding a row that the person may see, and lists in parts."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, Q, QuerySet
from django.http import Http404

from muheng.web.entrance import read_number
from muheng.web.matching.models import Kind
from muheng.web.paging import rest_of_query
from muheng.web.people.models import Organisation
from muheng.web.people.rights import posts_of
from muheng.web.registry.models import Enterprise, SearchEntry
from muheng.web.registry.search import matching as search
from muheng.web.request import Request

M = TypeVar("M", bound=Model)
PAGE = 50
MOST_CANDIDATES = 30
"""Of those that fit, and of those that do not, on one page; all of them on asking."""


def find(rows: QuerySet[M], number: int) -> M:
    """The row of a number within what the person may see. Raises Http404."""
    row = rows.filter(pk=number).first()
    if row is None:
        raise Http404
    return row


def list_page(request: Request, rows: Any) -> dict[str, Any]:
    """One part of a list, for the template's pager."""
    page: Page[Any] = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return {"page": page, "query": rest_of_query(request)}


def chosen(request: Request, name: str, known: Any, default: str = "") -> str:
    """What the address asks for, where it is known."""
    asked = request.GET.get(name, default)
    return asked if asked in known else default


def kind_of(request: Request) -> str:
    return chosen(request, "kind", Kind.values)


def named(words: str, prefix: str = "enterprise") -> Q:
    """The condition on rows whose enterprise has these words in its names or code."""
    found = search(SearchEntry.objects.all(), words).values("enterprise")
    return Q(**{f"{prefix}__in": found})


def home_place(user: Any, right: str) -> Organisation | None:
    """The place for which an official writes down what is new: the first where they hold the right."""
    numbers = [post.territory_id for post in posts_of(user) if right in post.rights]
    return Organisation.objects.filter(pk__in=numbers).order_by("path").first()


def enterprise_of(rows: QuerySet[Enterprise], code: str) -> Enterprise | None:
    return rows.filter(code=code.strip().upper(), merged_into=None).first()


def typed_version(request: Request) -> int | None:
    """The version that a form was opened with."""
    return read_number(request.POST.get("version", ""))


def split_candidates(request: Request, candidates: list[dict[str, Any]]) -> dict[str, Any]:
    """Those that fit and those that do not, for the template, with how many there are of each."""
    fitting = [each for each in candidates if each["fits"]]
    others = [each for each in candidates if not each["fits"]]
    most = len(candidates) if request.GET.get("all") else MOST_CANDIDATES
    return {
        "fitting": fitting[:most],
        "fitting_count": len(fitting),
        "others": others[:most],
        "others_count": len(others),
        "cut": max(len(fitting), len(others)) > most,
    }
