"""Places on an enterprise's page where later rooms put a card of theirs.

``register_section("aside", function)``: the function gets the enterprise and the person, and gives a :class:`Section`
or None. A room registers in a module that its ``apps.py`` imports in ``ready``. Places: ``grade`` (beside the grade and
its history), ``summary`` (below the figures that matter), ``aside`` (the right-hand column), ``figures`` (below the
yearly figures).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise

Place = Literal["grade", "summary", "aside", "figures"]


@dataclass(frozen=True)
class Section:
    """A card: the template that draws it and what it is drawn from (as ``card`` in the template)."""

    template: str
    card: Mapping[str, Any] = field(default_factory=dict)


Maker = Callable[[Enterprise, User], Section | None]
_makers: dict[str, list[Maker]] = {"grade": [], "summary": [], "aside": [], "figures": []}


def register_section(place: Place, function: Maker) -> Maker:
    """Adds a card to a place, below those that are there."""
    if function not in _makers[place]:
        _makers[place].append(function)
    return function


def sections_at(enterprise: Enterprise, user: User) -> dict[str, list[Section]]:
    """The cards of each place for this person."""
    return {
        place: [made for make in makers if (made := make(enterprise, user)) is not None]
        for place, makers in _makers.items()
    }
