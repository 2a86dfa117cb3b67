"""Two runs of an evaluation beside each other: who moves, and which changed rule or data moved them.

Finding the causes regrades everyone once for each change, so it is background work; what it found is a stored
folder that the work's record points to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from muheng.intake.facts import CODE, write_frame
from muheng.policy import plan as p
from muheng.policy.compare import Comparison
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.queries.results import SeenRun
from muheng.web.evaluation.runs import read_grades
from muheng.web.files.actions import folder_path, store_folder
from muheng.web.jobs.models import Job
from muheng.web.reading import language

KIND = "evaluation.compare"
MOVES, CAUSES = "moves.parquet", "causes.json"
BEFORE, AFTER, CAUSE = "原等级", "新等级", "原因"


@dataclass(frozen=True)
class Compared:
    """``moves`` as ``Comparison`` has them; ``causes``: what was changed, in each language."""

    moves: pl.DataFrame
    causes: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class SeenComparison:
    """What of a comparison a person sees: who moved, how many from where to where, and by which cause."""

    moves: pl.DataFrame
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    causes: tuple[tuple[int, str, int], ...]


def narrow(found: SeenComparison, cause: str = "", before: str = "", after: str = "") -> pl.DataFrame:
    """Those who moved by one cause (its number), from one grade, to another; each only where it is known."""
    chosen = found.moves
    if cause.isdecimal():
        chosen = chosen.filter(pl.col(CAUSE).str.split("、").list.contains(cause))
    if before in found.labels:
        chosen = chosen.filter(pl.col(BEFORE) == before)
    if after in found.labels:
        chosen = chosen.filter(pl.col(AFTER) == after)
    return chosen


def find_job(first: Run, second: Run) -> Job | None:
    """The newest work that compared, or compares, two runs."""
    arguments = {"first": first.pk, "second": second.pk}
    return Job.objects.filter(kind=KIND, arguments=arguments).order_by("-pk").first()


def keep(comparison: Comparison) -> str:
    """Store what was found; gives the folder."""
    causes = [{"zh": cause.what.render("zh"), "en": cause.what.render("en")} for cause in comparison.causes]

    def fill(folder: Path) -> None:
        write_frame(comparison.moves, folder / MOVES)
        (folder / CAUSES).write_text(json.dumps(causes, ensure_ascii=False), encoding="utf-8")

    return store_folder(fill)


@lru_cache(maxsize=6)
def read(folder: str) -> Compared:
    place = folder_path(folder)
    causes: list[dict[str, Any]] = json.loads((place / CAUSES).read_text(encoding="utf-8"))
    return Compared(
        pl.read_parquet(place / MOVES, use_pyarrow=False),
        tuple(causes),
    )


@lru_cache(maxsize=6)
def standings(folder: str) -> pl.DataFrame:
    """统一社会信用代码 and 等级 of everyone in a run, members of merged subjects too; without a grade, the standing."""
    return read_grades(folder).select(CODE, pl.coalesce(p.GRADE, p.STANDING).alias(p.GRADE))


def look(seen: SeenRun, first: Run, folder: str) -> SeenComparison:
    """The comparison of ``first`` with the run in sight, cut to who is in sight."""
    found = read(folder)
    moves = found.moves
    grades = (
        standings(first.results)
        .rename({p.GRADE: BEFORE})
        .join(standings(seen.run.results).rename({p.GRADE: AFTER}), on=CODE, how="inner")
    )
    if not seen.sight.everything:
        codes = seen.rows.select(CODE)
        moves = moves.join(codes, on=CODE, how="semi", maintain_order="left")
        grades = grades.join(codes, on=CODE, how="semi")
    known = seen.plan.grades
    others = sorted({*grades[BEFORE].drop_nulls(), *grades[AFTER].drop_nulls()} - set(known))
    labels = (*known, *others)
    at = {label: number for number, label in enumerate(labels)}
    counts = [[0] * len(labels) for _label in labels]
    for before, after, many in grades.group_by(BEFORE, AFTER).len().iter_rows():
        if before is not None and after is not None:
            counts[at[before]][at[after]] = many
    numbers = moves[CAUSE].fill_null("").str.split("、").explode()
    many_by = dict(numbers.value_counts().iter_rows())
    lang = language()
    causes = tuple(
        (number, cause[lang], int(many_by.get(str(number), 0)))
        for number, cause in enumerate(found.causes, 1)
    )
    return SeenComparison(moves, labels, tuple(map(tuple, counts)), causes)
