"""Runs side by side: how many got which grade, and who differs. Counts and rows are those that the person may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.runs import read_grades
from muheng.web.people.scope import scope_of
from muheng.web.registry.models import Enterprise

SHOWN = 200
ABSENT = "—"


@dataclass(frozen=True)
class SideBySide:
    """``counts``: a grade and how many got it in each run. ``rows``: code, name, and the grade in each run, of the
    first of those who differ; ``differing``: how many do."""

    runs: tuple[Run, ...]
    counts: tuple[tuple[str, tuple[int, ...]], ...]
    differing: int
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]


def place_side_by_side(user: Any, runs: Sequence[Run]) -> SideBySide:
    """Of runs that are done."""
    frames = [_seen(user, run) for run in runs]
    names = [f"~{number}" for number in range(len(runs))]
    joined = pl.concat([frame.select(CODE, NAME) for frame in frames]).unique(CODE).sort(CODE)
    for name, frame in zip(names, frames, strict=True):
        grades = frame.select(CODE, pl.col(p.GRADE).fill_null(pl.col(p.STANDING)).alias(name))
        joined = joined.join(grades, on=CODE, how="left", maintain_order="left")
    joined = joined.with_columns(pl.col(name).fill_null(ABSENT) for name in names)
    same = pl.all_horizontal(pl.col(name) == pl.col(names[0]) for name in names)
    differing = joined.filter(~same)
    labels = sorted({label for name in names for label in joined[name].unique()})
    counts = tuple((label, tuple(int((joined[name] == label).sum()) for name in names)) for label in labels)
    rows = tuple(
        (code, title or "", tuple(grades)) for code, title, *grades in differing.head(SHOWN).iter_rows()
    )
    return SideBySide(tuple(runs), counts, differing.height, rows)


def count_changed(user: Any, one: Run, other: Run) -> int:
    """How many enterprises have another grade in one of two runs than in the other."""
    return place_side_by_side(user, (one, other)).differing


def _seen(user: Any, run: Run) -> pl.DataFrame:
    frame = read_grades(run.results)
    codes = codes_in_sight(user)
    return frame if codes is None else frame.filter(pl.col(CODE).is_in(codes.implode()))


def codes_in_sight(user: Any) -> pl.Series | None:
    """The credit codes that a person may see; None where that is everyone."""
    scope = scope_of(user, "evaluation.view")
    if scope.everything:
        return None
    codes = scope.filter(Enterprise.objects.all()).values_list("code", flat=True)
    return pl.Series("codes", list(codes), dtype=pl.String)
