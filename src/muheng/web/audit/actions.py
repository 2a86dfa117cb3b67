"""Write the book, inside the transaction of the deed: a deed that cannot be written down does not happen."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from muheng.web.audit.models import Entry

_LOCK = 0x6D75_6865  # one number for the head of the chain, in PostgreSQL's space of advisory locks
FIRST = "0" * 64


def record(actor: Any, verb: str, target: models.Model, /, **detail: Any) -> Entry:
    """Append a deed. ``actor`` is the person, None for the site itself.

    Raises TransactionManagementError outside of a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a deed is recorded in the transaction that does it")
    hold_book()
    last = Entry.objects.order_by("-number").values_list("number", "digest").first()
    number, previous = (last[0] + 1, last[1]) if last else (1, FIRST)
    entry = Entry(
        number=number,
        at=timezone.now(),
        actor_id=getattr(actor, "pk", None),
        actor=str(actor) if actor is not None else "",
        verb=verb,
        kind=target._meta.label_lower,
        target=str(target.pk),
        title=str(target)[:300],
        detail=json.loads(json.dumps(detail, ensure_ascii=False, default=str)),
        previous=previous,
    )
    entry.digest = digest(entry)
    entry.save(force_insert=True)
    return entry


def digest(entry: Entry) -> str:
    """SHA-256 over the row in one fixed spelling."""
    spelled = json.dumps(
        [
            entry.number,
            entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            entry.actor_id,
            entry.actor,
            entry.verb,
            entry.kind,
            entry.target,
            entry.title,
            entry.detail,
            entry.previous,
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(spelled.encode()).hexdigest()


def find_break() -> int | None:
    """The number of the first row that does not fit the chain; None where all do."""
    previous, expected = FIRST, 1
    for entry in Entry.objects.order_by("number").iterator(chunk_size=2000):
        if entry.number != expected or entry.previous != previous or digest(entry) != entry.digest:
            return expected
        previous, expected = entry.digest, expected + 1
    return None


def hold_book() -> None:
    """Until the transaction ends nobody else writes in the book.

    SQLite's writers already wait for each other; PostgreSQL's would read the same head.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
