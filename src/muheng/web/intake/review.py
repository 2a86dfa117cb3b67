"""What one reading of a batch found, kept beside its facts for a person to look at: sheets and problems.

A stored folder: ``sheets.json`` (every sheet column by column, and what became of its rows) and ``problems.parquet``.
Sentences are kept in both languages, as they are shown long after the code that said them has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from muheng.documents.message import Message
from muheng.intake.facts import write_frame
from muheng.intake.header import Remark
from muheng.intake.problem import Problem
from muheng.intake.recognition import ColumnView, SheetView
from muheng.intake.workbooks import Intake, SheetReport
from muheng.web.files.actions import folder_path, store_folder

_PROBLEMS = {
    "severity": pl.String,
    "file": pl.String,
    "sheet": pl.String,
    "row": pl.UInt32,
    "column": pl.String,
    "cell": pl.String,
    "found": pl.String,
    "kind": pl.String,
    "zh": pl.String,
    "en": pl.String,
    "fix_zh": pl.String,
    "fix_en": pl.String,
    "enterprise": pl.String,
    "code": pl.String,
}


def store_review(intake: Intake) -> str:
    """Keep what a reading found; gives the folder's digest."""

    def fill(folder: Path) -> None:
        reports = {(report.file, report.sheet): report for report in intake.sheets}
        sheets = [_sheet(view, reports.get((view.file, view.sheet or ""))) for view in intake.views]
        (folder / "sheets.json").write_text(json.dumps(sheets, ensure_ascii=False), "utf-8")
        rows = [_problem(problem) for problem in intake.problems]
        write_frame(pl.DataFrame(rows, _PROBLEMS, orient="row"), folder / "problems.parquet")

    return store_folder(fill)


@lru_cache(maxsize=16)
def read_sheets(digest: str) -> list[dict[str, Any]]:
    """The sheets of a reading, in the order of files."""
    found: list[dict[str, Any]] = json.loads((folder_path(digest) / "sheets.json").read_text("utf-8"))
    return found


@lru_cache(maxsize=4)
def read_problems(digest: str) -> pl.DataFrame:
    """The problems of a reading: the columns of ``_PROBLEMS``."""
    return pl.read_parquet(folder_path(digest) / "problems.parquet", use_pyarrow=False)


def read_problem_values(digest: str, file: str) -> tuple[Problem, ...]:
    """The problems of one file as the library has them, for marking its workbook."""
    rows = read_problems(digest).filter(pl.col("file") == file)
    return tuple(
        Problem(
            row["severity"],
            row["file"],
            row["sheet"],
            row["row"],
            row["column"],
            row["cell"],
            row["found"],
            _kept(row["zh"], row["en"]),
            _kept(row["fix_zh"], row["fix_en"]) if row["fix_zh"] else None,
            row["enterprise"],
            row["code"],
        )
        for row in rows.iter_rows(named=True)
    )


class _Kept(Message):
    """A sentence that was kept as it was said in both languages."""

    def render(self, lang: str = "zh") -> str:
        return str(dict(self.params)[lang])


def _kept(zh: str, en: str) -> Message:
    return _Kept(zh, (("zh", zh), ("en", en)))


def _both(message: Message | None) -> Mapping[str, str] | None:
    return None if message is None else {"zh": message.render("zh"), "en": message.render("en")}


def _problem(problem: Problem) -> tuple[Any, ...]:
    fix = problem.fix
    return (
        problem.severity,
        problem.file,
        problem.sheet,
        problem.row,
        problem.column,
        problem.cell,
        problem.found[:500],
        problem.what.template,
        problem.what.render("zh"),
        problem.what.render("en"),
        None if fix is None else fix.render("zh"),
        None if fix is None else fix.render("en"),
        problem.enterprise,
        problem.code,
    )


def _sheet(view: SheetView, report: SheetReport | None) -> dict[str, Any]:
    return {
        "file": view.file,
        "sheet": view.sheet,
        "layout": view.layout,
        "kind": view.kind,
        "department": view.department,
        "header_row": view.header_row,
        "height": view.height,
        "rows": report.rows if report else view.rows,
        "imported": report.imported if report else 0,
        "listed": report.listed if report else 0,
        "skipped": report.skipped if report else 0,
        "read": report is not None,
        "ignored": view.ignored,
        "fixed": view.fixed,
        "what": _both(view.what),
        "fix": _both(view.fix),
        "remarks": [_remark(remark) for remark in view.remarks],
        "columns": [_column(column) for column in view.columns],
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {"severity": remark.severity, "what": _both(remark.what), "fix": _both(remark.fix)}


def _column(column: ColumnView) -> dict[str, Any]:
    return {
        "letters": column.letters,
        "header": column.header[:200],
        "column": column.column,
        "items": column.items,
        "unit": column.unit,
        "into": column.into,
        "unit_from": column.unit_from,
        "matched": column.matched,
        "samples": [sample[:60] for sample in column.samples],
        "remarks": [_remark(remark) for remark in column.remarks],
    }
