"""Cases that may say the same: of one enterprise and one type, live, opened about the same time, alike in their words.

Words are compared by pairs of letters, which needs no dictionary. A likeness is a hint for people: nothing is merged by
it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from muheng.casework.document import CaseType
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise

WITHIN = timedelta(days=90)
ALIKE = Fraction(2, 5)
MOST_LOOKED_AT = 300
MOST_LETTERS = 2_000


@dataclass(frozen=True)
class Similar:
    """A case, and how alike it is: from 0 to 1."""

    case: Case
    likeness: Fraction


def find_duplicates(user: User, case: Case, most: int = 5) -> list[Similar]:
    """The cases that a person may see and that this one may be merged with, the most alike first."""
    if case.enterprise is None or not case.live or find_type(case.type).merged is None:
        return []
    found = find_similar(user, case.type, case.enterprise, case.title, case.fields, case.opened_at, most + 1)
    return [each for each in found if each.case.pk != case.pk][:most]


def find_similar(
    user: User,
    type_id: str,
    enterprise: Enterprise,
    title: str,
    fields: Mapping[str, Any],
    about: datetime,
    most: int = 5,
) -> list[Similar]:
    """The live cases of an enterprise like one that is, or is about to be, opened at this moment."""
    case_type = find_type(type_id)
    words, all_words = _pairs(title), _pairs(_text(case_type, title, fields))
    near = (
        visible_cases(user)
        .filter(
            enterprise=enterprise,
            type=type_id,
            live=True,
            opened_at__gte=about - WITHIN,
            opened_at__lte=about + WITHIN,
        )
        .select_related("organisation", "handler")
        .order_by("-opened_at", "-pk")[:MOST_LOOKED_AT]
    )
    found = []
    for other in near:
        likeness = max(
            _likeness(words, _pairs(other.title)),
            _likeness(all_words, _pairs(_text(case_type, other.title, other.fields))),
        )
        if likeness >= ALIKE:
            found.append(Similar(other, likeness))
    found.sort(key=lambda each: (-each.likeness, -each.case.pk))
    return found[:most]


def _text(case_type: CaseType, title: str, fields: Mapping[str, Any]) -> str:
    written = (
        str(fields[each.id])
        for each in case_type.fields
        if each.type in ("text", "long") and not each.personal and each.id != "title" and fields.get(each.id)
    )
    return " ".join((title, *written))[:MOST_LETTERS]


def _pairs(text: str) -> frozenset[str]:
    """Pairs of neighbouring letters and digits, whatever their width and case."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKC", text).lower() if letter.isalnum())
    return frozenset(plain[place : place + 2] for place in range(max(len(plain) - 1, min(len(plain), 1))))


def _likeness(one: frozenset[str], other: frozenset[str]) -> Fraction:
    """Twice what both have, of all that each has."""
    return Fraction(2 * len(one & other), len(one) + len(other)) if one and other else Fraction(0)
