"""A policy text with some of its values changed, everything else — comments, layout, order — as it was.

`change.make_change` changes the data; this changes what a person wrote, and is checked against it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from muheng.documents.message import Refusal, say
from muheng.documents.toml_file import KeyPath, TomlFile, read_toml
from muheng.policy.change import Change, Place, make_change, read_data, show_place

_VALUE = r"""\s*=\s*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[-+]?[0-9][0-9_.eE+-]*)"""
_REACH = 12
"""Lines below the place's own on which its value may still stand: an inline table in several lines."""


def rewrite(text: str, changes: Sequence[Change]) -> str:
    """The text with numbers and texts replaced. Raises Refusal for a value that is not written where it is read, such
    as one that stands nowhere yet."""
    for change in changes:
        text = _rewrite(text, change)
    return text


def _rewrite(text: str, change: Change) -> str:
    file = read_data(text, "policy")
    due = make_change(file, change).data
    lines = text.split("\n")
    path = _path(file, change.place)
    start = file.line_of(path) if path else None
    if start is not None:
        pattern = re.compile(rf"""(?:^|[\s{{,.])["']?{re.escape(change.place[-1])}["']?{_VALUE}""")
        for at in range(start - 1, min(len(lines), start - 1 + _REACH)):
            for found in pattern.finditer(lines[at]):
                head, tail = lines[at][: found.start(1)], lines[at][found.end(1) :]
                made = "\n".join([*lines[:at], f"{head}{_spell(change.after)}{tail}", *lines[at + 1 :]])
                after, _ = read_toml(made, "policy")
                if after is not None and after.data == due:
                    return made
    raise Refusal(
        say("“{place}”的写法特别，不能自动改。", place=show_place(change.place)), say("请在原文里手工修改。")
    )


def _spell(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _path(file: TomlFile, place: Place) -> KeyPath:
    """The place with the numbers of list elements for their names; empty where it leads nowhere."""
    here: Any = file.data
    path: list[str | int] = []
    for step in place:
        if isinstance(here, dict) and step in here:
            path.append(step)
            here = here[step]
        elif isinstance(here, list):
            named = [
                at for at, each in enumerate(here) if isinstance(each, dict) and each.get("name") == step
            ]
            if not named:
                return ()
            path.append(named[0])
            here = here[named[0]]
        else:
            return ()
    return tuple(path)
