"""A sentence for a person: a Chinese template with its values, and its English twin from `english.toml`.

Every sentence that a user sees is a `Message`, so that pages, JSON and reports can show it in either
language. This module does not choose a language and does not print.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Message:
    """A template such as `权重合计 {total}，应为 100。` and the values of its `str.format` placeholders.

    A value may itself be a `Message`; it is rendered in the same language as the sentence around it.
    """

    template: str
    params: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return self.render()

    def render(self, lang: Language = "zh") -> str:
        """The sentence in `lang`; Chinese where the catalogue has no English."""
        template = english_catalogue().get(self.template, self.template) if lang == "en" else self.template
        values = {
            name: value.render(lang) if isinstance(value, Message) else value for name, value in self.params
        }
        return template.format(**values)


class Refusal(ValueError):
    """A value that a document's validator refuses, with words for the person who wrote it.

    `at` points from the refused table to the key inside it that should be looked at, where there is one.
    """

    def __init__(self, what: Message, fix: Message | None = None, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(str(what))
        self.what = what
        self.fix = fix
        self.at = at


def say(template: str, /, **params: object) -> Message:
    """The message of a Chinese template, written as a literal so that a test can find its English."""
    return Message(template, tuple(params.items()))


@cache
def english_catalogue() -> dict[str, str]:
    """Chinese template → English template."""
    text = files("muheng.documents").joinpath("english.toml").read_text(encoding="utf-8")
    return {str(chinese): str(english) for chinese, english in tomllib.loads(text).items()}
