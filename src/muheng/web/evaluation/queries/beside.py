"""The policy of a run as a text, each rule beside what it did to the rows in sight."""

from __future__ import annotations

from dataclasses import dataclass

from muheng.documents.message import Language, Message
from muheng.reports import words
from muheng.reports.policy_chapters import write_policy
from muheng.reports.policy_effects import Effects, find_effects
from muheng.reports.policy_text import Passage, Row, Table, chapter_number
from muheng.web.evaluation.queries.overview import part_of
from muheng.web.evaluation.queries.results import SeenRun, Sight


@dataclass(frozen=True)
class Rule:
    """A sentence, or the cells of a row with whether each is a number; and what the rule did."""

    text: str
    cells: tuple[tuple[str, bool], ...]
    effect: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One sentence (no ``header``), or a table of rules; ``effects``: one of its rows did something."""

    title: str
    header: tuple[tuple[str, bool], ...]
    rules: tuple[Rule, ...]
    last: tuple[str, ...] = ()

    @property
    def effects(self) -> bool:
        return any(rule.effect for rule in self.rules)


@dataclass(frozen=True)
class Beside:
    """The whole text: (id, title, parts) of each chapter."""

    name: str
    illustrative: bool
    chapters: tuple[tuple[str, str, tuple[Part, ...]], ...]


_known: dict[tuple[Sight, str, Language], Beside] = {}


def read_beside(seen: SeenRun, lang: Language) -> Beside:
    """The text of a run's policy with its effects; kept, as neither changes."""
    key = (seen.sight, seen.run.policy_text, lang)
    if key not in _known:
        if len(_known) >= 8:
            _known.clear()
        _known[key] = _write(seen, lang)
    return _known[key]


def _write(seen: SeenRun, lang: Language) -> Beside:
    text = write_policy(seen.plan)
    effects = find_effects(part_of(seen), text)
    return Beside(
        text.name,
        text.illustrative,
        tuple(
            (
                chapter.id,
                f"{chapter_number(at, lang)}{words.render(chapter.title, lang)}",
                tuple(_part(part, effects, lang) for part in chapter.parts),
            )
            for at, chapter in enumerate(text.chapters, 1)
        ),
    )


def _part(part: Passage | Table, effects: Effects, lang: Language) -> Part:
    def effect(place: Passage | Row) -> tuple[str, ...]:
        return tuple(sentence.render(lang) for sentence in effects.get(place.key, ()))

    def cells(given: tuple[Message | str, ...]) -> tuple[tuple[str, bool], ...]:
        assert isinstance(part, Table)
        return tuple((words.render(cell, lang), at in part.numeric) for at, cell in enumerate(given))

    if isinstance(part, Passage):
        return Part("", (), (Rule(words.render(part.words, lang), (), effect(part)),))
    return Part(
        words.render(part.title, lang),
        cells(part.header),
        tuple(Rule("", cells(row.cells), effect(row)) for row in part.rows),
        tuple(words.render(cell, lang) for cell in part.last),
    )
