"""One enterprise's sheet (一企一单) as it was sent, and how far the answers have come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet
from django.http import Http404

from muheng.intake.facts import CODE, Facts, Item, SourceCell, show
from muheng.policy.plan import CodeInput, NumberInput
from muheng.policy.whatif import TrialError
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection
from muheng.web.evaluation.queries.disputes import objections_for
from muheng.web.evaluation.runs import make_plan
from muheng.web.people.models import Organisation
from muheng.web.people.scope import scope_of
from muheng.web.registry.models import Enterprise, SearchEntry
from muheng.web.registry.panels import read_panel
from muheng.web.registry.search import matching

SheetState = Confirmation.State


@dataclass(frozen=True)
class Figure:
    """One line of a sheet. ``used``: the method reads it. ``value`` is text, empty where nothing was provided."""

    item: str
    kind: str
    unit: str
    value: str
    cells: tuple[SourceCell, ...]
    used: bool
    objections: tuple[Objection, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """``used`` are the figures that the method reads, in its order; ``others`` what else is known."""

    evaluation: Evaluation
    enterprise: Enterprise
    confirmation: Confirmation
    used: tuple[Figure, ...]
    others: tuple[Figure, ...]


@dataclass
class Progress:
    """How many sheets of a place are in which state."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    below: list[Progress] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def answered(self) -> int:
        return self.total - self.counts.get(SheetState.WAITING, 0) - self.counts.get(SheetState.SILENT, 0)

    @property
    def percent(self) -> int:
        return self.answered * 100 // self.total if self.total else 0

    @property
    def cells(self) -> list[int]:
        return [self.counts.get(state, 0) for state in SheetState.values]

    def add(self, state: str, count: int) -> None:
        self.counts[state] = self.counts.get(state, 0) + count


def sheets_for(user: Any, evaluation: Evaluation) -> QuerySet[Confirmation]:
    """The sheets that a person may see."""
    rows = Confirmation.objects.filter(evaluation=evaluation)
    return scope_of(user, "evaluation.view").filter(rows, "enterprise__")


def own_sheets(user: Any) -> QuerySet[Confirmation]:
    """The sheets of the enterprises that an account acts for, the newest evaluation first."""
    own = scope_of(user).enterprises
    return (
        Confirmation.objects.filter(enterprise__in=own)
        .select_related("evaluation__organisation", "evaluation__policy", "enterprise")
        .order_by("-evaluation")
    )


def filter_sheets(rows: QuerySet[Confirmation], query: str, state: str) -> QuerySet[Confirmation]:
    if state in SheetState.values:
        rows = rows.filter(state=state)
    if query.strip():
        rows = rows.filter(enterprise__in=matching(SearchEntry.objects.all(), query).values("enterprise"))
    return rows.select_related("enterprise__county", "enterprise__township", "answered_by").order_by(
        "enterprise__code"
    )


def count_sheets(user: Any, evaluation: Evaluation) -> Progress:
    """All of them by state, in one question."""
    rows = sheets_for(user, evaluation).order_by().values_list("state").annotate(count=Count("pk"))
    return Progress("", dict(rows))


def measure_progress(user: Any, evaluation: Evaluation) -> Progress:
    """By county, and within by township; counted by the numbers of places, which are named afterwards."""
    rows = (
        sheets_for(user, evaluation)
        .order_by()
        .values_list("enterprise__county_id", "enterprise__township_id", "state")
        .annotate(count=Count("pk"))
    )
    places = {place.pk: place for place in Organisation.objects.all()}
    whole = Progress("")
    counties: dict[int | None, Progress] = {}
    townships: dict[tuple[int | None, int | None], Progress] = {}
    for county, township, state, count in sorted(rows, key=lambda row: _order(places, row[0], row[1])):
        if county not in counties:
            counties[county] = Progress(places[county].title if county else "")
        if (county, township) not in townships:
            below = Progress(places[township].title if township else "")
            townships[county, township] = below
            counties[county].below.append(below)
        for each in (whole, counties[county], townships[county, township]):
            each.add(state, count)
    whole.below = list(counties.values())
    return whole


def _order(places: dict[int, Organisation], *numbers: int | None) -> tuple[tuple[int, int], ...]:
    """Places in their order, those without a place last."""
    return tuple((places[n].order, n) if n is not None else (1 << 30, 0) for n in numbers)


def read_sheet(user: Any, number: int, code: str) -> Sheet:
    """The sheet of an enterprise that the person may see. Raises Http404."""
    rows = Confirmation.objects.select_related(
        "evaluation__policy__document", "evaluation__organisation", "enterprise__county", "answered_by"
    )
    found = scope_of(user, "evaluation.view").filter(rows, "enterprise__")
    sheet = found.filter(evaluation=number, enterprise__code=code).first()
    if sheet is None:
        raise Http404(code)
    objections = objections_for(user, sheet.evaluation).filter(enterprise=sheet.enterprise)
    objections = objections.exclude(item="").order_by("pk")
    return make_sheet(sheet, objections)


def make_sheet(sheet: Confirmation, objections: Iterable[Objection] = ()) -> Sheet:
    """The sheet's figures as they were when it was sent, with the cells that they came from."""
    facts = read_panel(sheet.folder)
    by_item: dict[str, list[Objection]] = {}
    for objection in objections:
        by_item.setdefault(objection.item, []).append(objection)
    used = read_by(sheet.evaluation)
    row = find_row(facts, sheet.enterprise.code)
    figures = {
        name: _figure(facts, item, sheet.enterprise.code, row, name in used, tuple(by_item.get(name, ())))
        for name, item in facts.items.items()
    }
    return Sheet(
        sheet.evaluation,
        sheet.enterprise,
        sheet,
        tuple(figures[name] for name in used if name in figures),
        tuple(figure for name, figure in figures.items() if name not in used and figure.value),
    )


def read_by(evaluation: Evaluation) -> list[str]:
    """The items that the evaluation's method reads, in its order; none where its text has errors."""
    try:
        plan = make_plan(evaluation.policy.text)
    except TrialError:
        return []
    return [node.name for node in plan.nodes if isinstance(node, NumberInput | CodeInput)]


def find_row(facts: Facts, code: str) -> int | None:
    """The row of an enterprise; None for one that is not in the facts."""
    codes = facts.frame[CODE]
    row = int(codes.search_sorted(code))
    return row if row < len(codes) and codes[row] == code else None


def _figure(
    facts: Facts, item: Item, code: str, row: int | None, used: bool, objections: tuple[Objection, ...]
) -> Figure:
    value = None if row is None else facts.frame[item.name][row]
    unit = item.unit or ""
    return Figure(
        item.name,
        item.kind,
        f"{unit}（{item.basis}）" if item.basis else unit,
        "" if value is None else written(value, item),
        tuple(facts.cells(code, item.name)),
        used,
        objections,
    )


def written(value: int | str | date, item: Item) -> str:
    """A figure as it reads on a sheet: 12,345.6; 高新技术企业、专精特新:省级."""
    text = show(value, item)
    if item.kind == "number":
        number = f"{Decimal(text):,f}"
        return number.rstrip("0").rstrip(".") if "." in number else number
    return text.replace("|", "、") if item.kind == "tags" else text
