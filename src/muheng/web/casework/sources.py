"""Where a case that another room moves is handled: that room registers the way to its page.

``Case.source`` names the object, ``evaluation.objection:12``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from muheng.web.casework.models import Case


@dataclass(frozen=True)
class Source:
    """The page of another room: what it is called, and its address."""

    title: Any
    href: str


_ways: dict[str, Callable[[int], Source]] = {}


def register_source(kind: str, way: Callable[[int], Source]) -> None:
    """``kind`` is what stands before the colon; ``way`` gets the number after it."""
    _ways[kind] = way


def source_of(case: Case) -> Source | None:
    """Where a case is handled; None for cases that are handled here."""
    kind, _colon, number = case.source.rpartition(":")
    return _ways[kind](int(number)) if kind in _ways and number.isdecimal() else None
