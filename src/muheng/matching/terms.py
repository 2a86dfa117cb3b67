"""What is matched: a need of an enterprise, an offer of a supplier, and what is known of the enterprise.

Sums are whole fen, heads are persons, rates are hundredths of a percent (385 is 3.85 %). Nothing here is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Kind = Literal["technology", "finance", "labour"]
Level = Literal["city", "county", "park", "township"]


@dataclass(frozen=True)
class Place:
    """A place of the organisation tree: ``id`` is compared, ``title`` is read."""

    id: str
    title: str


@dataclass(frozen=True)
class EnterpriseFacts:
    """What is known of the enterprise on a day. None: not known, which is not the same as none."""

    on: date
    places: Mapping[Level, tuple[Place, ...]] = field(default_factory=dict)
    industry: str | None = None
    """GB/T 4754 digits."""
    grade: str | None = None
    statuses: frozenset[str] | None = None


@dataclass(frozen=True)
class Need:
    """What an enterprise looks for. ``amount``: fen, or persons of labour; None: left open."""

    id: str
    kind: Kind
    amount: int | None = None
    months: int | None = None
    rate: int | None = None
    """The most that it would pay."""
    wanted_by: date | None = None
    tags: frozenset[str] = frozenset()
    must: frozenset[str] = frozenset()
    """Tags without which an offer is of no use."""


@dataclass(frozen=True)
class Offer:
    """What a supplier gives and to whom. An empty set, or None, is no limit."""

    id: str
    kind: Kind
    least: int | None = None
    most: int | None = None
    left: int | None = None
    """What is left to give, in the unit of the needs' amounts."""
    months: int | None = None
    rate: int | None = None
    lead_days: int | None = None
    """Days from the application until it is there."""
    since: date | None = None
    until: date | None = None
    """The last day."""
    regions: tuple[Place, ...] = ()
    industries: frozenset[str] = frozenset()
    """GB/T 4754: a section's letter, or the first digits."""
    grades: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    """One of them is enough."""
    tags: frozenset[str] = frozenset()
    places: Mapping[Level, tuple[Place, ...]] = field(default_factory=dict)
    """Where the supplier itself is."""
