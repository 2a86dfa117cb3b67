"""What a run computes, what is kept of it, and how it is had again.

A run's results are a stored folder: ``bundle.zip`` is the proof, ``listing.parquet`` is what lists and pictures are
made of. Both are read once by each process and kept while they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.facts import CODE, Facts, write_frame
from muheng.policy import plan as p
from muheng.policy.compile import compile_policy
from muheng.policy.run import Result, evaluate
from muheng.policy.seal import read_bundle, write_bundle
from muheng.policy.whatif import Simulation, TrialError
from muheng.reports.listing import list_subjects
from muheng.web.evaluation.models import Run
from muheng.web.files.actions import folder_path, store_folder
from muheng.web.registry.models import Enterprise, GradeRecord
from muheng.web.registry.panels import read_panel

BUNDLE, LISTING, SUMMARY = "bundle.zip", "listing.parquet", "summary.json"
COUNTY_ID, TOWNSHIP_ID, PARKS, LAST = "county_id", "township_id", "parks", "上年等级"

Step = Callable[[int, int, str | Message], None]


def compute(run: Run, progress: Step) -> tuple[str, str, dict[str, Any]]:
    """Evaluate, seal and keep. Gives the folder, the seal and the summary. Raises TrialError, DataError."""
    progress(0, 4, say("读取数据"))
    facts = keep_roster(read_panel(run.facts), run)
    previous = read_panel(run.previous) if run.previous else None
    plan = make_plan(run.policy_text)
    progress(1, 4, say("计算得分和等级"))
    result = evaluate(plan, facts, previous=previous)
    progress(2, 4, say("整理结果"))
    listing = make_listing(result, run)
    summary = summarise(listing, plan.grades)
    progress(3, 4, say("封存"))
    seal = ""

    def fill(folder: Path) -> None:
        nonlocal seal
        seal = write_bundle(result, folder / BUNDLE)
        write_frame(listing, folder / LISTING)
        (folder / SUMMARY).write_text(
            json.dumps(summary, ensure_ascii=False, sort_keys=True), encoding="utf-8"
        )

    return store_folder(fill), seal, summary


def make_plan(text: str) -> p.Plan:
    """The plan of a text that has no errors. Raises TrialError."""
    compiled = compile_policy(text)
    if compiled.plan is None:
        raise TrialError(compiled.diagnostics)
    return compiled.plan


def keep_roster(facts: Facts, run: Run) -> Facts:
    """The facts of those who are on the roster of the run's evaluation."""
    out = run.evaluation.participants.filter(included=False).values_list("enterprise__code", flat=True)
    inside = run.evaluation.participants.filter(included=True).values_list("enterprise__code", flat=True)
    codes = pl.Series("codes", list(inside), dtype=pl.String)
    if not out.exists() and len(codes) >= facts.frame.height:
        return facts
    return replace(facts, frame=facts.frame.filter(pl.col(CODE).is_in(codes.implode())))


def make_listing(result: Result, run: Run) -> pl.DataFrame:
    """``list_subjects`` with where each enterprise lies as the site knows it (county_id, township_id), last year's
    signed grade in place of the reported one where there is one, and every score and value of the plan as integers.
    """
    signed = GradeRecord.objects.filter(year=run.evaluation.year - 1, ended_at=None)
    grades = pl.DataFrame(
        list(signed.values_list("enterprise__code", "grade")),
        schema={CODE: pl.String, p.GRADE: pl.String},
        orient="row",
    )
    listing = list_subjects(result, grades if grades.height else None)
    places = Enterprise.objects.values_list("code", "county_id", "township_id")
    known = pl.DataFrame(
        list(places.iterator(chunk_size=20_000)),
        schema={CODE: pl.String, COUNTY_ID: pl.Int64, TOWNSHIP_ID: pl.Int64},
        orient="row",
    )
    more = [name for name in result.values.columns if name not in listing.columns]
    return listing.join(known, on=CODE, how="left", maintain_order="left").join(
        result.values.select(CODE, *more), on=CODE, how="left", maintain_order="left"
    )


def summarise(listing: pl.DataFrame, grades: tuple[str, ...]) -> dict[str, Any]:
    """Counts by grade, how many are not graded, how many rose and fell since last year."""
    counts = dict(listing.get_column(p.GRADE).value_counts().iter_rows())
    both = listing.filter(pl.col(p.GRADE).is_in(grades) & pl.col(LAST).is_in(grades))
    order = {grade: at for at, grade in enumerate(grades)}
    moved = both.select(
        pl.col(LAST).replace_strict(order, return_dtype=pl.Int64)
        - pl.col(p.GRADE).replace_strict(order, return_dtype=pl.Int64)
    ).to_series()
    return {
        "subjects": listing.height,
        "grades": {grade: int(counts.get(grade, 0)) for grade in grades},
        "ungraded": int(counts.get(None, 0)),
        "rose": int((moved > 0).sum()),
        "fell": int((moved < 0).sum()),
        "stayed": int((moved == 0).sum()),
    }


@lru_cache(maxsize=8)
def read_listing(folder: str) -> pl.DataFrame:
    """The listing of a run by its results folder; sorted by credit code."""
    return pl.read_parquet(folder_path(folder) / LISTING, use_pyarrow=False)


@lru_cache(maxsize=3)
def read_result(folder: str) -> Result:
    """The whole result of a run by its results folder, for explanation, advice and comparison."""
    return read_bundle(folder_path(folder) / BUNDLE)


@lru_cache(maxsize=2)
def read_simulation(folder: str) -> Simulation:
    """A result held ready for sliders."""
    return Simulation(read_result(folder))
