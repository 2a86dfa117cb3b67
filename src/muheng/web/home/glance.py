"""The city, or a person's part of it, at a glance: grades, tax per mu over the years, departments' data, deadlines.

What needs all enterprises is computed once for each stored folder and kept; a page asks the database for little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import polars as pl
from django.db.models import F, Min, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.intake.facts import CODE, Facts
from muheng.policy import plan as p
from muheng.standards.units import convert
from muheng.web.charts import Chart, Series
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.queries.procedure import evaluations_for
from muheng.web.evaluation.queries.results import STEPS, SeenRun, find_sight
from muheng.web.evaluation.runs import COUNTY_ID, TOWNSHIP_ID, read_grades
from muheng.web.filing import queries as filings
from muheng.web.filing.months import newest_month
from muheng.web.intake.models import Batch
from muheng.web.intake.queries import batches_for
from muheng.web.intake.reading import city_layouts
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds
from muheng.web.people.scope import Scope
from muheng.web.registry.figures import INDICATORS, LAND
from muheng.web.registry.models import Enterprise, Panel
from muheng.web.registry.panels import read_panel
from muheng.web.registry.queries import official_scope

YEARS = 5
_TAX = INDICATORS[0].above


# -- grades --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grades:
    """How many have each grade in the run that counts now; ``published`` while it is not signed yet."""

    run: Run
    counts: dict[str, int]
    ungraded: int
    chart: Chart | None

    @property
    def published(self) -> bool:
        return self.run.signed_at is None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def shares(self) -> list[tuple[str, int, str]]:
        return [
            (grade, count, f"{count / self.total:.0%}" if self.total else "")
            for grade, count in self.counts.items()
        ]


def show_grades(user: User) -> Grades | None:
    """Of the newest evaluation that has a result, cut to the person's place; None where there is none."""
    if not holds(user, "evaluation.view"):
        return None
    evaluations = evaluations_for(user).exclude(chosen=None).exclude(chosen__results="")
    evaluation = evaluations.order_by("-year", "-pk").first()
    if evaluation is None or evaluation.chosen is None:
        return None
    run = evaluation.chosen
    seen = SeenRun(run, find_sight(user, run))
    rows = seen.rows
    counts, ungraded = _count(rows, seen.plan.grades)
    return Grades(run, counts, ungraded, _chart_places(user, rows, seen.plan.grades, evaluation.year))


def _count(rows: pl.DataFrame, grades: Sequence[str]) -> tuple[dict[str, int], int]:
    found = dict(rows.get_column(p.GRADE).value_counts().iter_rows())
    return {grade: int(found.get(grade, 0)) for grade in grades}, int(found.get(None, 0))


def count_moves(seen: SeenRun) -> tuple[int, int]:
    """How many in sight rose, and how many fell, since last year."""
    steps = seen.rows.get_column(STEPS)
    return int((steps > 0).sum()), int((steps < 0).sum())


def _chart_places(user: User, rows: pl.DataFrame, grades: Sequence[str], year: int) -> Chart | None:
    """Grades by county for the city, by township for a county; nothing for a smaller place."""
    scope = official_scope(user, "evaluation.view")
    if not (scope.everything or scope.counties):
        return None
    column = COUNTY_ID if scope.everything else TOWNSHIP_ID
    counted = rows.drop_nulls(column).group_by(column, p.GRADE).len()
    by_place: dict[int, dict[str | None, int]] = {}
    for place, grade, count in counted.iter_rows():
        by_place.setdefault(place, {})[grade] = count
    places = Organisation.objects.filter(pk__in=by_place).order_by("parent__order", "order", "pk")
    shown = [(place.title, by_place[place.pk]) for place in places]
    if not shown:
        return None
    return Chart(
        id="grades",
        title=_("%(year)s年度各县区等级") % {"year": year}
        if scope.everything
        else _("%(year)s年度各镇街等级") % {"year": year},
        category_title=_("地方"),
        categories=[title for title, _counts in shown],
        series=[
            Series(grade, [counts.get(grade, 0) for _title, counts in shown], tone=grade[:1])
            for grade in grades
        ],
        kind="bars",
        stacked=True,
        unit=_("户"),
    )


# -- tax per mu ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TaxPerMu:
    """Tax over land of everyone in sight, 万元/亩, by year, the oldest first."""

    years: tuple[tuple[int, Decimal], ...]

    @property
    def now(self) -> tuple[int, Decimal]:
        return self.years[-1]

    @property
    def said(self) -> str:
        return f"{self.now[1]:,.2f}"

    @property
    def change(self) -> str:
        """Against the year before, in percent."""
        if len(self.years) < 2 or not self.years[-2][1]:
            return ""
        return f"{self.now[1] / self.years[-2][1] - 1:+.1%}"

    @property
    def chart(self) -> Chart:
        return Chart(
            id="tax",
            title=_("亩均税收"),
            category_title=_("年度"),
            categories=[str(year) for year, _value in self.years],
            series=[Series(_("亩均税收"), [float(value) for _year, value in self.years], tone="accent")],
            unit=_("万元/亩"),
            shown=[[f"{value:,.2f}" for _year, value in self.years]],
        )


def show_tax(user: User) -> TaxPerMu | None:
    """None for who may not see enterprises, or where no year has both figures."""
    scope = official_scope(user, "registry.view")
    if scope == Scope():
        return None
    folders = list(Panel.objects.order_by("-year").values_list("year", "folder")[:YEARS])
    day = None if scope.everything else timezone.localdate()
    found = [(year, _tax_per_mu(folder, scope, day)) for year, folder in reversed(folders)]
    known = tuple((year, value) for year, value in found if value is not None)
    return TaxPerMu(known) if known else None


@lru_cache(maxsize=128)
def _tax_per_mu(folder: str, scope: Scope, day: date | None) -> Decimal | None:
    """``day``: who is where may change, so what depends on it is kept for a day."""
    facts = read_panel(folder)
    frame = facts.frame
    if not scope.everything:
        codes = list(scope.filter(Enterprise.objects.all()).values_list("code", flat=True))
        frame = frame.filter(pl.col(CODE).is_in(codes))
    parts = [(name, sign, factor) for name, sign in LAND if (factor := _factor(facts, name, "亩"))]
    factor = _factor(facts, *_TAX)
    if factor is None or not parts:
        return None
    land = pl.sum_horizontal(
        [pl.col(name).cast(pl.Float64) * (sign * each) for name, sign, each in parts], ignore_nulls=True
    )
    both = frame.select(land.alias("land"), pl.col(_TAX[0]).cast(pl.Float64).alias("tax"))
    sums = both.filter((pl.col("land") > 0) & pl.col("tax").is_not_null()).sum()
    total = sums.get_column("land")[0]
    if not total:
        return None
    return Decimal(str(round(sums.get_column("tax")[0] * factor / total, 4)))


def _factor(facts: Facts, name: str, unit: str) -> float | None:
    item = facts.items.get(name)
    if item is None or item.kind != "number":
        return None
    try:
        return float(convert(Fraction(1, 10 ** (item.digits or 0)), item.unit or "1", unit))
    except Refusal:
        return None


# -- departments' data ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Department:
    """Whether a department's data of a year are in. ``state``: accepted, review, or missing."""

    name: str
    state: str
    on: date | None
    href: str


def show_intake(user: User) -> tuple[int, list[Department]] | None:
    """The newest year, and each department that a layout waits for."""
    if not holds(user, "intake.view"):
        return None
    rows = list(
        batches_for(user)
        .filter(state__in=(Batch.State.ACCEPTED, Batch.State.REVIEW))
        .order_by("-year", "-pk")
        .values_list("year", "pk", "state", "counts", "accepted_at", "created_at")[:60]
    )
    if not rows:
        return None
    year = rows[0][0]
    found: dict[str, Department] = {}
    for each, number, state, counts, accepted_at, created_at in rows:
        if each != year:
            continue
        on = timezone.localdate(accepted_at or created_at)
        for name in counts.get("departments", ()):
            known = found.get(name)
            if known is None or (known.state == Batch.State.REVIEW and state == Batch.State.ACCEPTED):
                found[name] = Department(name, state, on, reverse("intake:show", args=[number]))
    expected = list(dict.fromkeys(layout.department for layout in city_layouts()))
    missing = reverse("intake:new") if holds(user, "intake.upload") else ""
    return year, [found.get(name) or Department(name, "missing", None, missing) for name in expected]


# -- deadlines -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deadline:
    """A day until which something lasts or is due."""

    day: date
    what: str
    href: str

    @property
    def days(self) -> int:
        return (self.day - timezone.localdate()).days


def list_deadlines(user: User) -> list[Deadline]:
    """What ends soon, and what is overdue, in the order of the days."""
    return sorted([*_evaluation_days(user), *_filing_days(user)], key=lambda each: each.day)


def _evaluation_days(user: User) -> Iterator[Deadline]:
    if not holds(user, "evaluation.view"):
        return
    rows = evaluations_for(user).exclude(state=Evaluation.State.SIGNED)
    for row in rows.annotate(due=Min("objections__due", filter=Q(objections__state="open")))[:10]:
        title = {"title": row.title}
        if row.state == Evaluation.State.CONFIRMATION and row.confirm_until:
            page = reverse("evaluation:confirmation", args=[row.pk])
            yield Deadline(row.confirm_until, _("%(title)s：企业确认截止") % title, page)
        if row.state == Evaluation.State.PUBLICITY and row.publicity_until:
            page = reverse("evaluation:publicity", args=[row.pk])
            yield Deadline(row.publicity_until, _("%(title)s：公示结束") % title, page)
        if row.due:
            page = reverse("evaluation:objections", args=[row.pk])
            yield Deadline(row.due, _("%(title)s：最早一件异议应答复") % title, page)


def _filing_days(user: User) -> Iterator[Deadline]:
    if not holds(user, filings.RIGHT):
        return
    newest, today = newest_month(), timezone.localdate()
    for when in (newest, newest.shift(1)):
        if when.deadline.due >= today:
            said = _("%(month)s填报截止") % {"month": when.title}
            yield Deadline(when.deadline.due, said, f"{reverse('filing:review')}?month={newest}")


# -- an enterprise -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnGrade:
    """An enterprise's grade that counts now, and those before. ``published``: it may still change."""

    enterprise: Enterprise
    year: int | None
    grade: str
    standing: str
    score: str
    place: int | None
    published: bool
    history: tuple[tuple[int, str], ...]


def show_own(user: User) -> list[OwnGrade]:
    """Each enterprise that the account acts for, at most three."""
    own = filings.own_enterprises(user).prefetch_related("grades")[:3]
    return [_own_grade(enterprise) for enterprise in own]


def _own_grade(enterprise: Enterprise) -> OwnGrade:
    signed = [each for each in enterprise.grades.all() if each.ended_at is None]
    history = tuple((each.year, each.grade or each.standing) for each in signed)
    published = (
        Run.objects.filter(
            evaluation__state__in=("publicity", "answers", "final"),
            evaluation__participants__enterprise=enterprise,
            evaluation__participants__included=True,
            pk=F("evaluation__chosen"),
        )
        .select_related("evaluation")
        .order_by("-evaluation__year")
        .first()
    )
    if published is not None:
        row = _find(published.results, enterprise.code)
        if row is not None:
            return OwnGrade(
                enterprise,
                published.evaluation.year,
                row[p.GRADE] or "",
                row[p.STANDING] or "",
                str(row[p.TOTAL] or ""),
                row[p.PLACE],
                True,
                history,
            )
    if not signed:
        return OwnGrade(enterprise, None, "", "", "", None, False, ())
    newest = signed[0]
    return OwnGrade(
        enterprise, newest.year, newest.grade, newest.standing, newest.score, newest.place, False, history[1:]
    )


def _find(folder: str, code: str) -> dict[str, Any] | None:
    grades = read_grades(folder)
    at = grades.get_column(CODE).search_sorted(code)
    return grades.row(at, named=True) if at < grades.height and grades[CODE][at] == code else None
