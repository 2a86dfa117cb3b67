"""A policy text under another number and name, everything else — comments, layout — as it was."""

from __future__ import annotations

import json
import re

from muheng.documents.message import Refusal, say
from muheng.documents.toml_file import TomlFile, read_toml

_STRING = r"""\s*=\s*("(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""


def copy_text(text: str, number: str, name: str) -> str:
    """The text with ``policy.id`` and ``policy.name`` replaced. Raises Refusal where they are not found in it."""
    file, _ = read_toml(text, "policy")
    if file is None or not isinstance(file.data.get("policy"), dict):
        raise Refusal(say("原文读不懂，不能另起一份。"), say("先在原文里改正格式错误。"))
    lines = text.split("\n")
    for key, value in (("id", number), ("name", name)):
        _replace(lines, file, key, value)
    made = "\n".join(lines)
    after, _ = read_toml(made, "policy")
    due = {**file.data, "policy": {**file.data["policy"], "id": number, "name": name}}
    if after is None or after.data != due:
        raise Refusal(say("原文的编号、名称写法特别，不能自动替换。"), say("把编号和名称各写一行。"))
    return made


def _replace(lines: list[str], file: TomlFile, key: str, value: str) -> None:
    line = file.lines.get(("policy", key))
    if line is None:
        raise Refusal(say("原文没有写“{key}”，不能另起一份。", key=key))
    written = json.dumps(value.replace("\x7f", ""), ensure_ascii=False)
    pattern = re.compile(rf"((?:^|[\s{{,.]){key}\b){_STRING}")
    found = pattern.search(lines[line - 1])
    if found is not None:
        start, end = found.span(2)
        lines[line - 1] = f"{lines[line - 1][:start]}{written}{lines[line - 1][end:]}"
