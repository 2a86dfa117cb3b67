"""A TOML document that a person wrote: its values, and the line on which each of them stands.

`tomllib` gives the values, `toml_lines.locate` the lines, which `tomllib` does not keep. One thing is allowed
beyond TOML 1.0: a key may be written in Chinese without quotes (`税收 = { … }`); such keys are quoted before
`tomllib` sees them. Floats become `Decimal`, so that 24.097 stays 24.097.
This module knows nothing of what the document means; `schema.py` does that.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, say
from muheng.documents.toml_errors import explain_syntax_error
from muheng.documents.toml_lines import MAX_DEPTH, locate
from muheng.documents.toml_lines import KeyPath as KeyPath

MAX_BYTES = 8_000_000
MAX_POWER_OF_TEN = 60
MAX_INTEGER = 2**63 - 1


@dataclass(frozen=True)
class TomlFile:
    """`data` as `tomllib` gives it; `lines` has every table, key and array-of-tables element, 1-based.

    A plain array element has an entry only when it stands on another line than its array.
    """

    name: str
    data: dict[str, Any]
    text: str
    lines: Mapping[KeyPath, int]

    def line_of(self, path: KeyPath) -> int | None:
        """The line of `path`, or of its nearest ancestor that has one."""
        for length in range(len(path), 0, -1):
            if (line := self.lines.get(path[:length])) is not None:
                return line
        return None

    def describe(self, path: KeyPath) -> str:
        """`path` for a person: `class.规上.indicator[亩均税收].weight`; nameless elements count from 1."""
        shown = ""
        here: Any = self.data
        for part in path:
            here = _step(here, part)
            if isinstance(part, int):
                label = next((here[k] for k in ("name", "id") if isinstance(here, dict) and k in here), None)
                shown += f"[{label if isinstance(label, str) else part + 1}]"
            else:
                shown += f".{part}" if shown else part
        return shown

    def error(self, path: KeyPath, what: Message, fix: Message | None = None) -> Diagnostic:
        """A diagnostic that stops the work, placed at `path`."""
        return Diagnostic("error", self.name, self.line_of(path), self.describe(path), what, fix)

    def warning(self, path: KeyPath, what: Message, fix: Message | None = None) -> Diagnostic:
        """A diagnostic that does not stop the work, placed at `path`."""
        return Diagnostic("warning", self.name, self.line_of(path), self.describe(path), what, fix)


def read_toml(source: Path | str, name: str | None = None) -> tuple[TomlFile | None, list[Diagnostic]]:
    """Read a document: a `Path` is a file, a `str` is the text itself. `name` is what diagnostics call it.

    Never raises for a bad document: the answer is then None and one diagnostic that says what to do.
    """
    if isinstance(source, str):
        name = name or "<text>"
        return _refuse_large(name) if len(source) > MAX_BYTES else _parse(source.removeprefix("\ufeff"), name)
    name = name or str(source)
    try:
        with source.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return _refuse(name, None, say("找不到这个文件。"), say("检查文件名和所在的文件夹。"))
    except OSError as error:
        return _refuse(name, None, say("文件打不开：{reason}。", reason=error.strerror or str(error)))
    if len(raw) > MAX_BYTES:
        return _refuse_large(name)
    text = _decode(raw)
    if isinstance(text, str):
        return _parse(text, name)
    line, what = text
    return _refuse(name, line, what, say("用记事本打开后“另存为”，编码选“UTF-8”。"))


def _decode(raw: bytes) -> str | tuple[int, Message]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return 1, say("文件的编码是 UTF-16，应为 UTF-8。")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        try:
            raw.decode("gb18030")
        except UnicodeDecodeError:
            return line, say("文件不是 UTF-8 编码的文本。")
        return line, say("文件像是用 GBK 编码保存的，应为 UTF-8。")


def _parse(text: str, name: str) -> tuple[TomlFile | None, list[Diagnostic]]:
    found = locate(text)
    if found.too_deep is not None:
        what = say("嵌套超过 {depth} 层。", depth=MAX_DEPTH)
        return _refuse(name, found.too_deep, what, say("把内容拆成较浅的表。"))
    try:
        data = tomllib.loads(_quote(text, found.bare_keys), parse_float=_read_float)
    except tomllib.TOMLDecodeError as error:
        line, what, fix = explain_syntax_error(text, str(error), found)
        return _refuse(name, line, what, fix)
    except ValueError:  # Python refuses to read integers of thousands of digits
        digits = re.search(r"[0-9_]{4000,}", text)
        place = text.count("\n", 0, digits.start()) + 1 if digits else None
        return _refuse(name, place, say("整数太大，超出能精确计算的范围。"))
    file = TomlFile(name, data, text, found.lines)
    too_large = _numbers_too_large(file)
    return (None, too_large) if too_large else (file, [])


def _read_float(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # the exponent itself overflows
        return Decimal("Infinity")


def _refuse(
    name: str, line: int | None, what: Message, fix: Message | None = None
) -> tuple[None, list[Diagnostic]]:
    return None, [Diagnostic("error", name, line, "", what, fix)]


def _refuse_large(name: str) -> tuple[None, list[Diagnostic]]:
    limit = MAX_BYTES // 1_000_000
    return _refuse(name, None, say("文件超过 {limit} MB，不像是人写的规则文件。", limit=limit))


def _numbers_too_large(file: TomlFile) -> list[Diagnostic]:
    """Numbers that would hang exact arithmetic (1e999999999), overflow 64 bits, or are none (nan)."""
    found: list[Diagnostic] = []
    pending: list[tuple[KeyPath, Any]] = [((), file.data)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending.extend(((*path, key), child) for key, child in value.items())
        elif isinstance(value, list):
            pending.extend(((*path, index), child) for index, child in enumerate(value))
        elif isinstance(value, Decimal):
            if value.is_nan():
                found.append(file.error(path, say("“{found}” 不是一个确定的数。", found=value)))
            elif value.is_infinite() or (value and abs(value.adjusted()) > MAX_POWER_OF_TEN):
                found.append(
                    file.error(path, say("数字“{found}”太大或太小，超出能精确计算的范围。", found=value))
                )
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            found.append(file.error(path, say("整数太大，超出能精确计算的范围。")))
    return sorted(found, key=lambda diagnostic: diagnostic.line or 0)


def _step(here: Any, part: str | int) -> Any:
    if isinstance(here, dict):
        return here.get(part)
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return here[part]
    return None


def _quote(text: str, bare_keys: list[tuple[int, int]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in bare_keys:
        pieces += [text[done:start], '"', text[start:end], '"']
        done = end
    pieces.append(text[done:])
    return "".join(pieces)
