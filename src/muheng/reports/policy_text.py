"""A policy as a document for people: chapters of sentences and tables, each knowing its place in the policy file.

Values only. `policy_chapters` writes them; pages lay them out; `policy_changes` sets two of them side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from muheng.documents.message import Language, say
from muheng.reports.phrases import Said, joined
from muheng.reports.words import render


@dataclass(frozen=True)
class Lines:
    """Where something stands in the policy file, counted from 1, both ends included."""

    first: int
    last: int


@dataclass(frozen=True)
class Passage:
    """One sentence. ``key`` names its place in the file and stays the same from one version to the next;
    ``clause`` is what the source document calls it."""

    key: str
    said: Said
    lines: Lines | None
    clause: str | None = None

    @property
    def words(self) -> Said:
        """The sentence, with its clause after it."""
        return say("{what}〔{clause}〕", what=self.said, clause=self.clause) if self.clause else self.said


@dataclass(frozen=True)
class Row:
    """One rule as a row of a table. ``said`` is the same rule as a sentence; ``header`` names its cells."""

    key: str
    cells: tuple[Said, ...]
    lines: Lines | None
    said: Said
    header: tuple[Said, ...]

    @property
    def words(self) -> Said:
        return self.said


@dataclass(frozen=True)
class Table:
    """Rules of one kind. ``numeric`` columns stand to the right; ``last`` is a row of sums, not a rule."""

    key: str
    title: Said
    header: tuple[Said, ...]
    rows: tuple[Row, ...]
    numeric: frozenset[int] = frozenset()
    last: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """``parts`` in reading order; ``numbered`` where its sentences are points of a list."""

    id: str
    title: Said
    parts: tuple[Passage | Table, ...]
    numbered: bool = False

    def places(self) -> Iterator[Passage | Row]:
        """Every rule of the chapter, rows of tables included."""
        for part in self.parts:
            if isinstance(part, Passage):
                yield part
            else:
                yield from part.rows


@dataclass(frozen=True)
class PolicyText:
    """``name`` is the policy's own; ``id`` its number."""

    id: str
    name: str
    illustrative: bool
    chapters: tuple[Chapter, ...]

    @cached_property
    def places(self) -> dict[str, tuple[Chapter, Passage | Row]]:
        """Every rule by its key."""
        return {place.key: (chapter, place) for chapter in self.chapters for place in chapter.places()}

    def lines(self, lang: Language = "zh") -> list[str]:
        """The document as plain text."""
        shown = [self.name]
        if self.illustrative:
            shown.append(say("示例规则，不是当地现行规定。").render(lang))
        for number, chapter in enumerate(self.chapters, 1):
            shown += ["", f"{chapter_number(number, lang)}{render(chapter.title, lang)}"]
            for point, part in enumerate(chapter.parts, 1):
                if isinstance(part, Passage):
                    mark = f"{point}. " if chapter.numbered else ""
                    shown.append(f"{mark}{render(part.words, lang)}")
                    continue
                shown.append(render(part.title, lang))
                for cells in (part.header, *(row.cells for row in part.rows), part.last):
                    if cells:
                        shown.append("　" + " | ".join(render(cell, lang) for cell in cells))
        return shown

    def json(self, lang: Language = "zh") -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "illustrative": self.illustrative,
            "chapters": [_chapter_json(chapter, lang) for chapter in self.chapters],
        }


_NUMERALS = "〇一二三四五六七八九"


def chapter_number(number: int, lang: Language = "zh") -> str:
    """十一、 or 11. — chapters are fewer than a hundred."""
    if lang == "en":
        return f"{number}. "
    tens, ones = divmod(number, 10)
    shown = ("" if tens == 0 else "十" if tens == 1 else f"{_NUMERALS[tens]}十") + (
        _NUMERALS[ones] if ones or not tens else ""
    )
    return f"{shown}、"


def row_sentence(header: tuple[Said, ...], cells: tuple[Said, ...]) -> Said:
    """A row read aloud: its name first, then what each column says; empty columns left out."""
    first, *rest = cells
    told = [
        say("{title}：{value}", title=title, value=value)
        for title, value in zip(header[1:], rest, strict=True)
        if value not in ("", "—")
    ]
    return say("{name}（{what}）", name=first, what=joined(told, "；")) if told else first


def _chapter_json(chapter: Chapter, lang: Language) -> dict[str, Any]:
    return {
        "id": chapter.id,
        "title": render(chapter.title, lang),
        "parts": [_part_json(part, lang) for part in chapter.parts],
    }


def _part_json(part: Passage | Table, lang: Language) -> dict[str, Any]:
    if isinstance(part, Passage):
        return {
            "key": part.key,
            "text": render(part.said, lang),
            "clause": part.clause,
            "lines": _lines_json(part.lines),
        }
    return {
        "key": part.key,
        "title": render(part.title, lang),
        "header": [render(cell, lang) for cell in part.header],
        "rows": [
            {
                "key": row.key,
                "cells": [render(cell, lang) for cell in row.cells],
                "lines": _lines_json(row.lines),
            }
            for row in part.rows
        ],
        "last": [render(cell, lang) for cell in part.last],
    }


def _lines_json(lines: Lines | None) -> list[int] | None:
    return None if lines is None else [lines.first, lines.last]
