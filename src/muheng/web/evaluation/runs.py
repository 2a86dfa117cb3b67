"""What a run computes, what is kept of it, and how it is had again.

A run's results are a stored folder: ``bundle.zip`` is the proof, ``listing.parquet`` is what lists and pictures are
made of. Both are read once by each process and kept while they are asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from muheng.documents.message import Language, Message, say
from muheng.intake.facts import CODE, NAME, Facts, write_frame
from muheng.policy import plan as p
from muheng.policy.bind import DataError
from muheng.policy.compile import compile_policy
from muheng.policy.run import Result, evaluate
from muheng.policy.seal import read_bundle, write_bundle
from muheng.policy.whatif import Simulation, TrialError
from muheng.reports.listing import list_subjects
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.files.actions import folder_path, store_folder
from muheng.web.registry.models import Enterprise, GradeRecord, Panel
from muheng.web.registry.panels import read_panel

BUNDLE, LISTING, GRADES, SUMMARY = "bundle.zip", "listing.parquet", "grades.parquet", "summary.json"
LEAD = "主体"
STAGES = 5
COUNTY_ID, TOWNSHIP_ID, PARKS, LAST = "county_id", "township_id", "parks", "上年等级"

LANGUAGES: tuple[Language, ...] = ("zh", "en")
Step = Callable[[int, int, str | Message], None]


def compute(run: Run, progress: Step) -> tuple[str, str, dict[str, Any]]:
    """Evaluate, seal and keep. Gives the folder, the seal and the summary. Raises TrialError, DataError."""
    progress(0, STAGES, say("读取数据"))
    codes = roster_codes(run.evaluation)
    facts = keep_roster(read_panel(run.facts), codes)
    previous = read_panel(run.previous) if run.previous else None
    plan = make_plan(run.policy_text)
    progress(1, STAGES, say("计算得分和等级"))
    result = evaluate(plan, facts, previous=previous)
    progress(2, STAGES, say("整理结果"))
    listing = make_listing(result, run)
    summary = {**summarise(listing, plan.grades), "roster": digest_of(codes)}
    progress(3, STAGES, say("封存"))
    seal = ""

    def fill(folder: Path) -> None:
        nonlocal seal
        seal = write_bundle(result, folder / BUNDLE)
        write_frame(listing, folder / LISTING)
        write_frame(per_enterprise(result), folder / GRADES)
        (folder / SUMMARY).write_text(
            json.dumps(summary, ensure_ascii=False, sort_keys=True), encoding="utf-8"
        )

    return store_folder(fill), seal, summary


@lru_cache(maxsize=16)
def make_plan(text: str) -> p.Plan:
    """The plan of a text that has no errors. Raises TrialError."""
    compiled = compile_policy(text)
    if compiled.plan is None:
        raise TrialError(compiled.diagnostics)
    return compiled.plan


def read_previous(plan: p.Plan, year: int) -> str:
    """The folder of last year's facts, where the method needs them and there are any."""
    if not any(isinstance(node, p.Aggregate) and node.source == "previous" for node in plan.nodes):
        return ""
    return Panel.objects.filter(pk=year - 1).values_list("folder", flat=True).first() or ""


def roster_codes(evaluation: Evaluation) -> list[str]:
    """The credit codes of those who are in, sorted."""
    rows = evaluation.participants.filter(included=True)
    return sorted(rows.values_list("enterprise__code", flat=True).iterator(chunk_size=20_000))


def digest_of(codes: list[str]) -> str:
    """What a roster is known by."""
    return hashlib.sha256("\n".join(codes).encode()).hexdigest()


def keep_roster(facts: Facts, codes: list[str]) -> Facts:
    """The facts of those who are on the roster, and nobody else's cells."""
    inside = pl.Series("codes", codes, dtype=pl.String)
    if len(codes) >= facts.frame.height and facts.frame[CODE].is_in(inside.implode()).all():
        return facts
    kept = pl.col(CODE).is_in(inside.implode())
    sources = tuple(replace(table, frame=table.frame.filter(kept)) for table in facts.sources)
    return replace(facts, frame=facts.frame.filter(kept), sources=sources)


def per_enterprise(result: Result) -> pl.DataFrame:
    """``Result.grades`` with a row for every enterprise: those that share a result have that of their 主体."""
    grades = result.grades.with_columns(pl.col(CODE).alias(LEAD))
    shared = [(member, lead) for member, lead in (result.members or {}).items() if member != lead]
    if not shared:
        return grades
    members = pl.DataFrame(shared, schema={CODE: pl.String, LEAD: pl.String}, orient="row")
    names = result.given.frame.select(CODE, NAME)
    theirs = members.join(names, on=CODE, how="left").join(grades.drop(CODE, NAME), on=LEAD, how="left")
    return pl.concat([grades, theirs.select(grades.columns)]).sort(CODE)


def describe_problems(error: DataError | TrialError) -> list[dict[str, str]]:
    """Why nothing can be computed, a sentence each in both languages, with the enterprise's name."""
    if isinstance(error, TrialError):
        return [
            {"zh": each.what.render("zh"), "en": each.what.render("en")}
            for each in error.diagnostics
            if each.severity == "error"
        ]
    found = []
    for misfit in error.misfits:
        both: dict[str, str] = {}
        for lang in LANGUAGES:
            what = misfit.what.render(lang)
            if misfit.name and misfit.name not in what:
                what = f"{misfit.name}（{misfit.code}）：{what}"
            both[lang] = what if misfit.fix is None else f"{what} {misfit.fix.render(lang)}"
        found.append(both)
    return found


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


@lru_cache(maxsize=8)
def read_grades(folder: str) -> pl.DataFrame:
    """Every enterprise's grade by the results folder (see ``per_enterprise``); sorted by credit code."""
    return pl.read_parquet(folder_path(folder) / GRADES, use_pyarrow=False)


@lru_cache(maxsize=3)
def read_result(folder: str) -> Result:
    """The whole result of a run by its results folder, for explanation, advice and comparison."""
    return read_bundle(folder_path(folder) / BUNDLE)


@lru_cache(maxsize=2)
def read_simulation(folder: str) -> Simulation:
    """A result held ready for sliders."""
    return Simulation(read_result(folder))
