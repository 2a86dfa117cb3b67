"""Every sentence of the library has its English, with the same placeholders, and gets the values it names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import muheng
from muheng.documents.message import english_catalogue

LIBRARY = Path(muheng.__file__).parent


def find_sentences() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `say`, with its place in the library."""
    for file in sorted(LIBRARY.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                yield f"{file.relative_to(LIBRARY)}:{node.lineno}", node


def placeholders(template: str) -> set[str]:
    return {
        name.split(".")[0].split("[")[0] for _, name, _, _ in Formatter().parse(template) if name is not None
    }


SENTENCES = list(find_sentences())


def test_the_library_speaks() -> None:
    assert len(SENTENCES) > 100


def test_every_template_is_a_literal() -> None:
    spoken = [place for place, call in SENTENCES if not isinstance(template_of(call), str)]
    assert spoken == []


def test_every_sentence_gets_the_values_it_names() -> None:
    wrong = []
    for place, call in SENTENCES:
        given = {keyword.arg for keyword in call.keywords}
        template = template_of(call)
        if isinstance(template, str) and None not in given and given != placeholders(template):
            wrong.append(f"{place} {template} {sorted(filter(None, given))}")
    assert wrong == []


def test_every_sentence_has_its_english() -> None:
    catalogue = english_catalogue()
    missing = {
        template: place for place, call in SENTENCES if (template := template_of(call)) not in catalogue
    }
    assert missing == {}


@pytest.mark.parametrize(("chinese", "english"), english_catalogue().items())
def test_english_has_the_same_placeholders(chinese: str, english: str) -> None:
    assert placeholders(english) == placeholders(chinese)


def template_of(call: ast.Call) -> object:
    return call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
