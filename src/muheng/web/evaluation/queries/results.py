"""The run that a person looks at, and which of its rows they may see.

Officials of the city see every row; those of a county, township or park see the rows of the enterprises there, and
every count and chart is of those rows alone. Rows are kept ready in each process: what a run gave never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import polars as pl
from django.http import Http404
from django.utils.translation import gettext as _

from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.run import Result
from muheng.web.evaluation.models import Run
from muheng.web.evaluation.runs import COUNTY_ID, LAST, TOWNSHIP_ID, make_plan, read_listing, read_result
from muheng.web.people.rights import holds
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope

ROW = "~行"
"""The row's number in the run's result."""
STEPS = "~升"
"""Grades risen since last year; null where one of the years has none."""
LARGEST = 2**31 - 1
"""What a number in an address may be for a database to look for it."""
RANK = "~级"
"""The grade's number, 0 the best; null without a grade."""


@dataclass(frozen=True)
class Sight:
    """Which rows of one run's results a person sees. ``counties`` and ``townships`` are those where an enterprise
    stood when the run was made; ``codes`` those of parks."""

    folder: str
    everything: bool = False
    counties: frozenset[int] = frozenset()
    townships: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SeenRun:
    """A finished run as a person sees it."""

    run: Run
    sight: Sight

    @cached_property
    def plan(self) -> p.Plan:
        return make_plan(self.run.policy_text)

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The listing's rows that the person may see, with ~行, ~升 and ~级."""
        return rows_of(self.sight, self.plan.grades)

    @property
    def result(self) -> Result:
        """Everybody's result; what leaves it for a page is cut to ``rows`` first."""
        return read_result(self.run.results)

    def sees(self, code: str) -> bool:
        """Whether an enterprise of the run is within the person's sight."""
        return self.sight.everything or code in codes_of(self.sight, self.plan.grades)


def find_run(user: Any, evaluation: int, number: int) -> Run:
    """A run of an evaluation, for who may look at evaluations; Http404 for anyone else. Rows are cut by ``see_run``."""
    run = None
    if holds(user, "evaluation.view") and max(evaluation, number) <= LARGEST:
        asked = Run.objects.filter(evaluation=evaluation, number=number)
        run = asked.select_related("evaluation__organisation", "created_by", "signed_by", "job").first()
    if run is None:
        raise Http404
    return run


def see_run(user: Any, evaluation: int, number: int) -> SeenRun:
    """A run with its rows. Raises Http404 where the person sees nothing of it, Refused while it has no results."""
    run = find_run(user, evaluation, number)
    if not run.results:
        raise Refused(
            _("这次计算还没有结果。"),
            _("等它算完后再看；没有完成的，原因写在评价的页面上。"),
            code="not_ready",
        )
    seen = SeenRun(run, find_sight(user, run))
    if not seen.sight.everything and not seen.rows.height:
        raise Http404
    return seen


def find_sight(user: Any, run: Run) -> Sight:
    """What of a run an official sees by their posts."""
    scope = official_scope(user, "evaluation.view")
    if scope.everything:
        return Sight(run.results, everything=True)
    codes = frozenset(
        Enterprise.objects.filter(parks__in=scope.parks).values_list("code", flat=True) if scope.parks else ()
    )
    return Sight(run.results, counties=scope.counties, townships=scope.townships, codes=codes)


def visible(sight: Sight) -> pl.Expr:
    """The condition on rows of a listing."""
    found = pl.col(CODE).is_in(sorted(sight.codes)) if sight.codes else pl.lit(False)
    for name, numbers in ((COUNTY_ID, sight.counties), (TOWNSHIP_ID, sight.townships)):
        if numbers:
            found = found | pl.col(name).is_in(sorted(numbers)).fill_null(False)
    return found


@lru_cache(maxsize=16)
def rows_of(sight: Sight, grades: tuple[str, ...]) -> pl.DataFrame:
    """See ``SeenRun.rows``."""
    if not sight.everything:
        whole = rows_of(Sight(sight.folder, everything=True), grades)
        return whole.filter(visible(sight))
    order = {grade: number for number, grade in enumerate(grades)}
    rank = pl.col(p.GRADE).replace_strict(order, default=None, return_dtype=pl.Int64)
    last = pl.col(LAST).replace_strict(order, default=None, return_dtype=pl.Int64)
    return (
        read_listing(sight.folder)
        .with_row_index(ROW)
        .with_columns(rank.alias(RANK), (last - rank).alias(STEPS))
    )


@lru_cache(maxsize=16)
def codes_of(sight: Sight, grades: tuple[str, ...]) -> frozenset[str]:
    """The credit codes within a sight, to ask for one."""
    return frozenset(rows_of(sight, grades)[CODE])
