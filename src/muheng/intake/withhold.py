"""Take enterprises out of what was read, and say so at every row: those that the sender may not speak of.

Which enterprises those are is decided by the caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

import polars as pl

from muheng.documents.message import Message
from muheng.intake.assembly import FILE, IMPORTED, LISTED, STATUS, WORKSHEET
from muheng.intake.claims import GIVEN_CODE, GIVEN_NAME
from muheng.intake.facts import CODE, ROW, Facts
from muheng.intake.problem import Problem
from muheng.intake.workbooks import Intake


def withhold(intake: Intake, codes: Collection[str], what: Message, fix: Message | None = None) -> Intake:
    """The intake without the figures of `codes`; each of their rows becomes a problem that says `what` and `fix`.

    That problem says of the enterprise what the row itself says and no more; what else was found in these rows, and
    under which name the roster knows the enterprise, is nothing for this sender.
    """
    if not codes:
        return intake
    out = pl.col(CODE).is_in(list(codes))
    rows = intake.matches.filter(out & pl.col(STATUS).is_in([IMPORTED, LISTED]))
    problems = tuple(
        Problem("error", file, sheet, row, None, f"A{row}", "", what, fix, name, code)
        for file, sheet, row, name, code in rows.select(
            FILE, WORKSHEET, ROW, GIVEN_NAME, GIVEN_CODE
        ).iter_rows()
    )
    known = tuple(problem for problem in intake.problems if problem.code not in codes)
    # A row of two parties stays imported while the other one counts.
    matches = intake.matches.with_columns(
        pl.when(out & (pl.col(STATUS) == IMPORTED))
        .then(pl.lit(LISTED))
        .otherwise(pl.col(STATUS))
        .alias(STATUS)
    )
    place = [FILE, WORKSHEET, ROW]
    gone = (
        rows.filter(pl.col(STATUS) == IMPORTED)
        .select(place)
        .unique()
        .join(matches.filter(pl.col(STATUS) == IMPORTED).select(place), on=place, how="anti")
    )
    lost = Counter(gone.select(FILE, WORKSHEET).iter_rows())
    sheets = tuple(
        replace(
            sheet,
            imported=sheet.imported - lost[sheet.file, sheet.sheet],
            listed=sheet.listed + lost[sheet.file, sheet.sheet],
        )
        for sheet in intake.sheets
    )
    return replace(
        intake,
        facts=_without(intake.facts, out),
        problems=(*known, *problems),
        matches=matches,
        sheets=sheets,
    )


def _without(facts: Facts, out: pl.Expr) -> Facts:
    sources = tuple(
        replace(table, frame=table.frame.with_columns(pl.when(~out).then(pl.col(CODE)).alias(CODE)))
        for table in facts.sources
    )
    return replace(facts, frame=facts.frame.filter(~out), sources=sources)
