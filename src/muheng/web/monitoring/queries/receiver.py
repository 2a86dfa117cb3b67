"""How the receiver fares, as it says itself in its store. Nothing here talks to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from muheng.web.monitoring.store import store_folder

STATE = "state.json"
SILENT = timedelta(seconds=60)
"""It writes every few seconds; after so long it does not run."""
_DEVICES = ', "by_device": '
"""Comes last in the file and is nearly all of it."""


@dataclass(frozen=True)
class Receiver:
    """``written``: when it last said so; None where it never ran here."""

    written: datetime | None = None
    begun: datetime | None = None
    per_second: float = 0.0
    connected: int = 0
    records: int = 0
    quarantined: int = 0
    """Since it began."""

    def runs(self, now: datetime) -> bool:
        return self.written is not None and now - self.written <= SILENT


def read_receiver() -> Receiver:
    """Without the devices, which are many."""
    try:
        text = (store_folder() / STATE).read_text(encoding="utf-8")
        head, _, rest = text.partition(_DEVICES)
        found: dict[str, Any] = json.loads(head + "}" if rest else head)
        return Receiver(
            _moment(found.get("now")),
            _moment(found.get("begun")),
            float(found.get("records_per_second", 0)),
            int(found.get("connected", 0)),
            int(found.get("records", 0)),
            int(found.get("counts", {}).get("quarantined", 0)),
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return Receiver()


def read_contact(mn: str) -> dict[str, Any]:
    """What the receiver knows of one device; empty where it knows nothing."""
    try:
        found = json.loads((store_folder() / STATE).read_text(encoding="utf-8"))
        contact = found["by_device"][mn]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {
        **contact,
        "since": _moment(contact.get("since")),
        "last": _moment(contact.get("last")),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
