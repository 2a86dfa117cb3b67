"""The list that is published: name, code and grade, nothing else, in no order of merit."""

from __future__ import annotations

from datetime import date

import polars as pl
from django.db.models import QuerySet

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.runs import read_grades
from muheng.web.evaluation.steps import State, today


def published(run: Run) -> pl.DataFrame:
    """企业名称, 统一社会信用代码, 等级 of everyone who is graded, by code."""
    return read_grades(run.results).filter(pl.col(p.GRADE).is_not_null()).select(NAME, CODE, p.GRADE)


def filter_published(rows: pl.DataFrame, query: str, grade: str) -> pl.DataFrame:
    if grade:
        rows = rows.filter(pl.col(p.GRADE) == grade)
    wanted = query.strip()
    if wanted:
        code = pl.col(CODE).str.contains(wanted.upper(), literal=True)
        rows = rows.filter(pl.col(NAME).str.contains(wanted, literal=True) | code)
    return rows


def in_publicity(day: date | None = None) -> QuerySet[Evaluation]:
    """The evaluations whose publicity runs: what a stranger may see."""
    day = day or today()
    return Evaluation.objects.filter(
        state=State.PUBLICITY, publicity_from__lte=day, publicity_until__gte=day
    ).select_related("organisation", "chosen")
