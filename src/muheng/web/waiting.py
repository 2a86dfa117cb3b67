"""Something that waits for a person, as a room tells it to the first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Waiting:
    """Something to do: where, until when, why. ``urgent``: now."""

    title: str
    href: str
    until: datetime | None = None
    note: str = ""
    urgent: bool = False
