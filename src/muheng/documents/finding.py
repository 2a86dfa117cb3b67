"""One thing that does not agree in what was sealed: in which file, where, what. Finds nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from muheng.documents.message import Message


@dataclass(frozen=True)
class Finding:
    """``row``: line of a text, or data row of a table (1 is the first); None where the whole file is meant."""

    file: str
    row: int | None
    what: Message
