"""Find an enterprise by any part of its name, a former name, the initials of its pinyin, or its code.

What an enterprise is found by stands in one short text, so that a search reads one narrow table and works alike on
every database.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Case, F, IntegerField, Model, QuerySet, Value, When
from django.db.models.functions import StrIndex
from django.db.models.lookups import Exact, GreaterThan
from pypinyin import Style, lazy_pinyin

from muheng.web.people.scope import Scope
from muheng.web.registry.models import Enterprise, NameRecord, SearchEntry

M = TypeVar("M", bound=Model)

_AFTER_CODE = 19
"""Where the line break after the code stands: a line that begins there is the name of today."""


def fold(text: str) -> str:
    """Text as it is compared: full-width forms narrowed, no spaces, lower case."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def initials(name: str) -> str:
    """The first letters of a name's pinyin; letters and digits in the name stay: 亩衡3D厂 → mh3dc."""
    return "".join(lazy_pinyin(fold(name), style=Style.FIRST_LETTER))


def search_text(code: str, names: Iterable[str]) -> str:
    """The lines that an enterprise is found by."""
    lines = [code.lower()]
    for name in dict.fromkeys(names):
        lines += [fold(name), initials(name)]
    return "\n".join(lines)


def refresh(enterprise: Enterprise) -> None:
    """Bring an enterprise's search text up to its names."""
    names = [
        enterprise.name,
        *NameRecord.objects.filter(enterprise=enterprise).values_list("name", flat=True),
    ]
    SearchEntry.objects.update_or_create(
        enterprise=enterprise, defaults={"text": search_text(enterprise.code, names)}
    )


@dataclass(frozen=True)
class Found:
    """An enterprise that a search gives. ``former``: the former name that was hit where the name now was not."""

    code: str
    name: str
    place: str
    grade: str
    former: str
    merged: bool


def search(scope: Scope, query: str, limit: int = 10) -> list[Found]:
    """The enterprises in scope that hold every word of the query, the likeliest first.

    First a code that begins with it, then a name, then a former name or initials, then whatever has it inside.
    """
    numbers = list(ranked(scope, query)[:limit])
    rows = Enterprise.objects.select_related("county", "township", "search").in_bulk(numbers)
    whole = fold(query)
    return [_found(rows[number], whole) for number in numbers]


def ranked(scope: Scope, query: str) -> QuerySet[SearchEntry, int]:
    """The numbers of the enterprises that a query finds, in order."""
    entries = matching(scope.filter(SearchEntry.objects.all(), "enterprise__"), query)
    return entries.order_by(rank(query), "pk").values_list("pk", flat=True)


def rank(query: str, field: str = "text") -> Case:
    """How likely the enterprise is meant: 0 by its code, 1 by its name, 2 by another name or initials, 3 by an inside."""
    whole = fold(query)
    return Case(
        When(Exact(_position(field, whole), 1), then=0),
        When(Exact(_position(field, f"\n{whole}"), _AFTER_CODE), then=1),
        When(_is_in(field, f"\n{whole}"), then=2),
        default=3,
        output_field=IntegerField(),
    )


def matching(rows: QuerySet[M], query: str, field: str = "text") -> QuerySet[M]:
    """The rows whose text holds every word of the query; none for an empty one.

    ``instr`` and ``strpos`` are quicker than LIKE, and need no escaping.
    """
    words = [word for word in (fold(word) for word in query.split()[:6]) if word]
    if not words:
        return rows.none()
    for word in words:
        rows = rows.filter(_is_in(field, word))
    return rows


def _position(field: str, text: str) -> StrIndex:
    return StrIndex(F(field), Value(text))


def _is_in(field: str, text: str) -> GreaterThan:
    return GreaterThan(_position(field, text), 0)


def _found(enterprise: Enterprise, query: str) -> Found:
    # Line 0 is the code; then each name is followed by its initials, the name of today first.
    lines = enterprise.search.text.split("\n")
    names = list(zip(lines[1::2], lines[2::2], strict=True))
    former = ""
    if query not in lines[0] and names and not any(query in line for line in names[0]):
        former = next((name for name, letters in names[1:] if query in name or query in letters), "")
    return Found(
        code=enterprise.code,
        name=enterprise.name,
        place=enterprise.county.title if enterprise.county is not None else "",
        grade=enterprise.grade,
        former=former,
        merged=enterprise.merged_into_id is not None,
    )
