"""On which line of a TOML text everything stands: every table, key and array-of-tables element.

One walk over the text, in time proportional to its length. It does not judge: where the text is no longer
TOML it stops, and what it found before stays true. `tomllib` has the last word on syntax.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

KeyPath = tuple[str | int, ...]

MAX_DEPTH = 64

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_SPACE = re.compile(r"[ \t]*+")
_BARE_KEY = re.compile(r"[\w-]++")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]|\\[^\n])*+"'
    r"|'[^'\n]*+'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\[\]{}#\r\n\"']++")


@dataclass
class Located:
    """What one walk over the text finds. After a syntax error it holds what came before it."""

    lines: dict[KeyPath, int] = field(default_factory=dict)
    bare_keys: list[tuple[int, int]] = field(default_factory=list)
    """[start, end) of keys written in Chinese without quotes."""
    repeated: tuple[str, int, int] | None = None
    """The first key given twice, with both lines."""
    unclosed: int | None = None
    """Line of a bracket or string that is still open at the end."""
    too_deep: int | None = None
    line_at_end: int = 1


def locate(text: str) -> Located:
    """Walk over a TOML text and note the line of everything; stops quietly at what is not TOML."""
    walk = _Walk(text)
    with suppress(_NotTomlError):
        walk.document()
    walk.found.line_at_end = walk.line(min(walk.at, len(text) - 1) if text else 0)
    return walk.found


class _NotTomlError(Exception):
    pass


class _Walk:
    """A cursor over the text. Values are walked with an explicit stack: depth is data, not Python frames."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found = Located()
        self.declared: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}
        self.newlines = [match.start() for match in re.finditer("\n", text)]

    def line(self, position: int) -> int:
        return bisect_right(self.newlines, position - 1) + 1

    def stop(self) -> NoReturn:
        raise _NotTomlError

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.take(token):
            self.stop()

    def document(self) -> None:
        table: KeyPath = ()
        while True:
            self.skip(_BLANK)
            if self.at >= len(self.text):
                return
            start = self.at
            if self.take("[["):
                table = self.header(start, "]]")
            elif self.take("["):
                table = self.header(start, "]")
            else:
                self.value(self.assign(table))
            self.skip(_SPACE)
            if self.at < len(self.text) and self.text[self.at] not in "#\r\n":
                self.stop()

    def header(self, start: int, close: str) -> KeyPath:
        keys = self.key()
        self.expect(close)
        line = self.line(start)
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            last = position == len(keys) - 1
            if last and close == "]]":
                index = self.counts[path] = self.counts.get(path, -1) + 1
                self.found.lines.setdefault(path, line)
                path = (*path, index)
            elif path in self.counts:
                path = (*path, self.counts[path])
            if last:
                self.declare(path, line)
            else:
                self.found.lines.setdefault(path, line)
        return path

    def assign(self, table: KeyPath) -> KeyPath:
        """Read `a.b =` and note a and a.b; the cursor is left before the value."""
        line = self.line(self.at)
        keys = self.key()
        self.expect("=")
        self.skip(_SPACE)
        path = table
        for key in keys[:-1]:
            path = (*path, key)
            self.found.lines.setdefault(path, line)
        path = (*path, keys[-1])
        self.check_depth(path)
        self.declare(path, line)
        return path

    def declare(self, path: KeyPath, line: int) -> None:
        first = self.declared.setdefault(path, line)
        if first != line and self.found.repeated is None:
            self.found.repeated = (str(path[-1]), first, line)
        self.found.lines[path] = line

    def check_depth(self, path: KeyPath) -> None:
        if len(path) > MAX_DEPTH:
            self.found.too_deep = self.line(self.at)
            self.stop()

    def key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self.skip(_SPACE)
            parts.append(self.key_part())
            self.check_depth(tuple(parts))
            self.skip(_SPACE)
            if not self.take("."):
                return tuple(parts)

    def key_part(self) -> str:
        if bare := _BARE_KEY.match(self.text, self.at):
            self.at = bare.end()
            if not bare.group().isascii():
                self.found.bare_keys.append(bare.span())
            return bare.group()
        quoted = _STRING.match(self.text, self.at)
        if quoted is None or quoted.group().startswith(('"""', "'''")):
            self.stop()
        self.at = quoted.end()
        literal = quoted.group()
        if "\\" not in literal or literal[0] == "'":
            return literal[1:-1]
        try:
            return str(tomllib.loads(f"key = {literal}")["key"])
        except tomllib.TOMLDecodeError:
            self.stop()

    def value(self, path: KeyPath) -> None:
        # One frame for each open bracket: its path, the next index (None: inline table), where it opened.
        frames: list[tuple[KeyPath, int | None, int]] = []
        while True:
            opened = self.at
            if self.take("["):
                frames.append((path, 0, opened))
                self.check_depth(path)
            elif self.take("{"):
                frames.append((path, None, opened))
            elif not self.plain_value():
                self.stop_in(frames)
            else:
                self.after_value(frames)
            # Here the cursor stands after an opening bracket or a comma, or the whole value has been read.
            while True:
                if not frames:
                    return
                container, index, opened = frames[-1]
                self.skip(_BLANK if index is not None else _SPACE)
                if self.take("]" if index is not None else "}"):
                    frames.pop()
                    self.after_value(frames)
                    continue
                break
            if index is None:
                try:
                    path = self.assign(container)
                except _NotTomlError:
                    self.stop_in(frames)
            else:
                path = (*container, index)
                frames[-1] = (container, index + 1, opened)
                line = self.line(self.at)
                is_table = self.text.startswith("{", self.at)
                if is_table or line != self.found.lines[self.nearest_noted(container)]:
                    self.found.lines[path] = line

    def nearest_noted(self, path: KeyPath) -> KeyPath:
        while path not in self.found.lines:
            path = path[:-1]
        return path

    def after_value(self, frames: list[tuple[KeyPath, int | None, int]]) -> None:
        """After a value inside brackets there is a comma or the closing bracket."""
        if not frames:
            return
        in_array = frames[-1][1] is not None
        self.skip(_BLANK if in_array else _SPACE)
        if not self.take(",") and not self.text.startswith("]" if in_array else "}", self.at):
            self.stop_in(frames)

    def plain_value(self) -> bool:
        match = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
        triple = self.text.startswith(('"""', "'''"), self.at)
        if triple and (match is None or match.end() - self.at < len('""""""')):
            self.found.unclosed = self.line(self.at)
            return False
        if match is None:
            return False
        self.at = match.end()
        return True

    def stop_in(self, frames: list[tuple[KeyPath, int | None, int]]) -> NoReturn:
        if frames and self.at >= len(self.text):
            self.found.unclosed = self.line(frames[-1][2])
        self.stop()
