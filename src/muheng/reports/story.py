"""What the report page is made of before it is HTML: sections, exhibits, tables, and the story they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from muheng.documents.message import Language, Message
from muheng.intake.problem import Problem
from muheng.policy.run import Result
from muheng.reports import words
from muheng.reports.chart import Series, grade_series
from muheng.reports.figures import Figures

Said = Message | str


@dataclass(frozen=True)
class Grid:
    """A table of texts; ``numeric`` columns stand to the right. ``more``: what the table leaves out."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int]
    more: str = ""


@dataclass(frozen=True)
class Exhibit:
    """A chart with its table one click away, or a table in sight where ``chart`` is None or ``shown``."""

    title: str
    chart: Markup | None
    grid: Grid | None
    shown: bool = False


@dataclass(frozen=True)
class Section:
    """Sentences first, then exhibits; ``points`` are a list below the sentences."""

    id: str
    title: str
    sentences: tuple[str, ...]
    exhibits: tuple[Exhibit, ...] = ()
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Story:
    """Everything that the page tells, and the language it tells it in."""

    result: Result
    problems: Sequence[Problem]
    figures: Figures
    lang: Language
    engines: Mapping[str, str]

    def tell(self, said: Said) -> str:
        return words.render(said, self.lang)

    def label(self, label: str | None, missing: Message) -> str:
        return self.tell(missing) if label is None else label

    @property
    def series(self) -> tuple[Series, ...]:
        return grade_series(self.figures.grades, self.tell(words.UNGRADED))

    def grid(
        self,
        title: Said,
        header: Sequence[Said],
        rows: Sequence[Sequence[Said]],
        numeric: Sequence[int] = (),
        more: Said = "",
    ) -> Grid:
        return Grid(
            self.tell(title),
            tuple(map(self.tell, header)),
            tuple(tuple(map(self.tell, row)) for row in rows),
            frozenset(numeric),
            self.tell(more),
        )
