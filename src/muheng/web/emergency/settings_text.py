"""A few keys of a text of settings changed, comments and all else left as they are.

The outcome is read by ``muheng.emergency.settings`` like any other text; nothing is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TABLE = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+\s*(?:#.*)?$")
_COMMENT = re.compile(r"(\s+#[^\"']*)$")


def change_settings(text: str, changes: Mapping[tuple[str, str], str | None]) -> str:
    """``changes``: (table, key) → the value as TOML writes it; None takes the key out."""
    lines = text.splitlines()
    for (table, key), value in changes.items():
        lines = _change(lines, table, key, value)
    return "\n".join(lines) + "\n"


def _change(lines: list[str], table: str, key: str, value: str | None) -> list[str]:
    first, last = _find_table(lines, table)
    if first is None:
        return lines if value is None else [*lines, "", f"[{table}]", f"{key} = {value}"]
    starts = re.compile(rf"^\s*(?:{re.escape(key)}|\"{re.escape(key)}\")\s*=")
    for at in range(first + 1, last):
        if not starts.match(lines[at]):
            continue
        end = _find_end(lines, at, last)
        if value is None:
            return [*lines[:at], *lines[end:]]
        comment = _COMMENT.search(lines[at]) if end == at + 1 else None
        head = lines[at].split("=", 1)[0].rstrip()
        return [*lines[:at], f"{head} = {value}{comment.group(1) if comment else ''}", *lines[end:]]
    if value is None:
        return lines
    return [*lines[: first + 1], f"{key} = {value}", *lines[first + 1 :]]


def _find_table(lines: list[str], table: str) -> tuple[int | None, int]:
    """The line of a table's head, and the line after its last."""
    first = None
    for at, line in enumerate(lines):
        head = _TABLE.match(line)
        if head is None:
            continue
        if first is not None:
            return first, at
        if head.group(1) == table and not line.lstrip().startswith("[["):
            first = at
    return first, len(lines)


def _find_end(lines: list[str], at: int, last: int) -> int:
    """The line after a value, which goes on while a bracket is open."""
    depth = 0
    for end in range(at, last):
        bare = re.sub(r"\"[^\"]*\"|'[^']*'|#.*", "", lines[end])
        depth += sum(bare.count(mark) for mark in "[{") - sum(bare.count(mark) for mark in "]}")
        if depth <= 0:
            return end + 1
    return last
