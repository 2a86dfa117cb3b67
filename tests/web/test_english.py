"""Every sentence of the pages has its English, with the same values in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

import muheng.web

WEB = Path(muheng.web.__file__).parent
ROOMS = sorted(file.parent for file in WEB.rglob("apps.py") if "node_modules" not in file.parts)
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
}  # fmt: skip
PLACE = re.compile(r"%\((\w+)\)[sd]|%[sd]")


@cache
def sentences(room: Path) -> tuple[tuple[str, str], ...]:
    """Where a sentence of a room stands, and the sentence."""
    return tuple(_find_sentences(room))


def _find_sentences(room: Path) -> Iterator[tuple[str, str]]:
    files = [*room.rglob("*.py"), *room.rglob("*.html"), *room.rglob("*.txt")]
    for file in sorted(files):
        inside = file.relative_to(room)
        if "node_modules" in inside.parts or "migrations" in inside.parts:
            continue
        if room == WEB and inside.parts[0] in {path.name for path in ROOMS if path != WEB}:
            continue
        text = file.read_text(encoding="utf-8")
        if file.suffix in (".html", ".txt"):
            # What is left between the sentences is no Python: without indents a tokenizer does not mind.
            text = "\n".join(line.lstrip() for line in templatize(text, origin=str(file)).splitlines())
        for line, found, _comments, _context in extract("python", BytesIO(text.encode()), KEYWORDS):
            for message in (found,) if isinstance(found, str) else found[:1]:
                if message:
                    yield f"{inside}:{line}", message


def english(room: Path) -> Catalog:
    file = room / "locale" / "en" / "LC_MESSAGES" / "django.po"
    if not file.exists():
        return Catalog()
    with file.open("rb") as stream:
        return read_po(stream, locale="en")


@pytest.fixture(scope="module")
def all_english() -> dict[str, str]:
    """The one catalogue that the site has at run time. Two rooms that say the same say it alike."""
    found: dict[str, str] = {}
    for room in ROOMS:
        for entry in english(room):
            if entry.id and not entry.fuzzy and (text := _first(entry.string)):
                assert found.setdefault(_first(entry.id), text) == text, f"{room.name}: {_first(entry.id)}"
    return found


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_each_sentence_has_its_english(room: Path, all_english: dict[str, str]) -> None:
    missing = []
    for where, message in sentences(room):
        text = all_english.get(message, "")
        if not text:
            missing.append(f"{where} {message}")
        elif sorted(set(PLACE.findall(message))) != sorted(set(PLACE.findall(text))):
            missing.append(f"{where} {message} → {text}: other values")
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_no_english_without_its_sentence(room: Path) -> None:
    used = {message for each in ROOMS for _where, message in sentences(each)}
    assert [entry.id for entry in english(room) if entry.id and _first(entry.id) not in used] == []


def _first(message: str | tuple[str, ...] | list[str]) -> str:
    return message if isinstance(message, str) else message[0]
