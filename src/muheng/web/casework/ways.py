"""Ways from a case into other rooms: where it is handled, or what can be made of it. Later rooms register theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from muheng.web.casework.models import Case
from muheng.web.people.models import User


@dataclass(frozen=True)
class Way:
    """A link on the page of a case; a room gives it only to whom it leads somewhere."""

    title: Any
    href: str


Finder = Callable[[Case, User], Way | None]
_finders: list[Finder] = []


def register_way(find: Finder) -> Finder:
    """Adds a room's way."""
    if find not in _finders:
        _finders.append(find)
    return find


def ways_of(case: Case, user: User) -> list[Way]:
    """The ways that are open to a person from a case."""
    return [way for find in _finders if (way := find(case, user)) is not None]
