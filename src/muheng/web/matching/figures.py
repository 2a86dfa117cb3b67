"""Figures of matching: needs, credit granted and lent by bank, county and month, gatherings and whom they reached.

Every figure is of what the person may see. Sums are whole fen; a ledger's rows add up to its last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import ExtractMonth, ExtractYear
from django.utils.translation import gettext as _

from muheng.web.matching.models import (
    Attendance,
    Credit,
    CreditLine,
    Gathering,
    Introduction,
    Kind,
    Material,
    Need,
)
from muheng.web.matching.queries import credits_seen, gatherings_seen, introductions_seen, needs_seen
from muheng.web.people.models import Organisation


@dataclass(frozen=True)
class Span:
    """The days that figures are of; None: all there are."""

    year: int | None = None

    def of(self, field: str) -> Q:
        """The condition on a day."""
        if self.year is None:
            return Q()
        return Q(**{f"{field}__gte": date(self.year, 1, 1), f"{field}__lt": date(self.year + 1, 1, 1)})


@dataclass(frozen=True)
class LedgerRow:
    """Sums of a bank, a county or a month; ``outstanding`` is what was lent and not repaid within the span."""

    title: str
    granted: int = 0
    lent: int = 0
    repaid: int = 0
    firms: int = 0

    @property
    def outstanding(self) -> int:
        return self.lent - self.repaid


def totals(user: Any, span: Span) -> LedgerRow:
    """Everything granted, lent and repaid, and how many enterprises were granted credit."""
    seen = _credits(user)
    granted = seen.filter(span.of("since"))
    lines = _lines(seen).filter(span.of("on")).aggregate(lent=Sum("lent"), repaid=Sum("repaid"))
    return LedgerRow(
        _("合计"),
        int(granted.aggregate(total=Sum("granted"))["total"] or 0),
        int(lines["lent"] or 0),
        int(lines["repaid"] or 0),
        granted.order_by().values("enterprise").distinct().count(),
    )


def by_bank(user: Any, span: Span) -> list[LedgerRow]:
    return _grouped(user, span, "bank__name", lambda name: str(name))


def by_county(user: Any, span: Span) -> list[LedgerRow]:
    names = {each.pk: each.title for each in Organisation.objects.filter(kind=Organisation.Kind.COUNTY)}
    return _grouped(user, span, "county", lambda number: names.get(number, _("未定县区")))


def by_month(user: Any, span: Span) -> list[LedgerRow]:
    """Months in which something was granted, lent or repaid, in their order."""
    seen = _credits(user)
    months: dict[tuple[int, int], list[int]] = {}
    granted = _months(seen.filter(span.of("since")), "since").annotate(
        total=Sum("granted"), firms=_firms("enterprise")
    )
    for row in granted:
        months[row["year"], row["month"]] = [int(row["total"]), 0, 0, row["firms"]]
    lines = _months(_lines(seen).filter(span.of("on")), "on").annotate(
        lent_=Sum("lent"), repaid_=Sum("repaid")
    )
    for row in lines:
        sums = months.setdefault((row["year"], row["month"]), [0, 0, 0, 0])
        sums[1], sums[2] = int(row["lent_"]), int(row["repaid_"])
    return [LedgerRow(f"{year}-{month:02d}", *sums) for (year, month), sums in sorted(months.items())]


def _months(rows: Any, field: str) -> Any:
    return (
        rows.order_by().annotate(year=ExtractYear(field), month=ExtractMonth(field)).values("year", "month")
    )


def _grouped(user: Any, span: Span, by: str, title: Any) -> list[LedgerRow]:
    seen = _credits(user)
    sums: dict[Any, list[int]] = {}
    granted = seen.filter(span.of("since")).order_by().values(by)
    for row in granted.annotate(total=Sum("granted"), firms=_firms("enterprise")):
        sums[row[by]] = [int(row["total"]), 0, 0, row["firms"]]
    lines = _lines(seen).filter(span.of("on")).order_by().values(f"credit__{by}")
    for row in lines.annotate(lent_=Sum("lent"), repaid_=Sum("repaid")):
        given = sums.setdefault(row[f"credit__{by}"], [0, 0, 0, 0])
        given[1], given[2] = int(row["lent_"]), int(row["repaid_"])
    rows = [LedgerRow(title(key), *each) for key, each in sums.items()]
    return sorted(rows, key=lambda row: (-row.granted, -row.lent, row.title))


def _firms(field: str) -> Any:
    return Count(field, distinct=True)


def _credits(user: Any) -> QuerySet[Credit]:
    return credits_seen(user).filter(voided_at=None).order_by()


def _lines(seen: QuerySet[Credit]) -> QuerySet[CreditLine]:
    return CreditLine.objects.filter(credit__in=seen.values("pk")).order_by()


# -- needs and introductions ---------------------------------------------------------------------------


@dataclass(frozen=True)
class NeedRow:
    """Needs of a kind: how many there are, and how they stand."""

    kind: str
    title: Any
    every: int
    open: int
    talking: int
    met: int
    ended: int
    firms: int


def need_rows(user: Any, span: Span) -> list[NeedRow]:
    """Needs by kind, those of a span by the day on which they were filed."""
    state = Need.State
    rows = (
        needs_seen(user)
        .filter(_opened(span))
        .order_by()
        .values("kind")
        .annotate(
            every=Count("pk"),
            waiting=Count("pk", filter=Q(state=state.OPEN)),
            talking=Count("pk", filter=Q(state=state.TALKING)),
            met=Count("pk", filter=Q(state=state.MET)),
            ended=Count("pk", filter=Q(state=state.ENDED)),
            firms=_firms("enterprise"),
        )
    )
    found = {row["kind"]: row for row in rows}
    return [
        NeedRow(
            kind,
            title,
            *(
                (row["every"], row["waiting"], row["talking"], row["met"], row["ended"], row["firms"])
                if row
                else (0,) * 6
            ),
        )
        for kind, title in Kind.choices
        for row in (found.get(kind),)
    ]


def _opened(span: Span) -> Q:
    return Q() if span.year is None else Q(opened_at__year=span.year)


def introduction_counts(user: Any, span: Span) -> dict[str, int]:
    """Introductions by their state."""
    rows = introductions_seen(user).order_by()
    if span.year is not None:
        rows = rows.filter(introduced_at__year=span.year)
    counts = dict(rows.values_list("state").annotate(many=Count("pk")))
    return {state: counts.get(state, 0) for state in Introduction.State.values}


# -- gatherings ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReachRow:
    """Gatherings that were held, and whom they reached. ``firms`` counts each enterprise once, ``visits`` each time."""

    title: str
    gatherings: int = 0
    heads: int = 0
    firms: int = 0
    visits: int = 0
    materials: int = 0


def reach(user: Any, span: Span) -> ReachRow:
    held = _held(user).filter(span.of("on"))
    return _reach_of(_("合计"), held, None)


def reach_by_year(user: Any) -> list[ReachRow]:
    held = _held(user)
    years = held.order_by().annotate(year=ExtractYear("on")).values_list("year", flat=True).distinct()
    return [
        _reach_of(str(year), held.filter(Span(year).of("on")), None) for year in sorted(years, reverse=True)
    ]


def reach_by_kind(user: Any, span: Span) -> list[ReachRow]:
    held = _held(user).filter(span.of("on"))
    rows = [_reach_of(str(title), held.filter(kind=kind), None) for kind, title in Gathering.Kind.choices]
    return [row for row in rows if row.gatherings]


def reach_by_county(user: Any, span: Span) -> list[ReachRow]:
    """Gatherings, heads and materials by where they were; enterprises by where they are."""
    held = _held(user).filter(span.of("on"))
    counties: Iterable[Organisation] = Organisation.objects.filter(kind=Organisation.Kind.COUNTY)
    rows = [_reach_of(each.title, held, each) for each in counties]
    city = _reach_of(_("全市性"), held.filter(county=None), None)
    # Enterprises are counted at their own county.
    rows.append(ReachRow(city.title, city.gatherings, city.heads, 0, 0, city.materials))
    return [row for row in rows if row.gatherings or row.visits]


def _reach_of(title: str, held: QuerySet[Gathering], county: Organisation | None) -> ReachRow:
    here = held if county is None else held.filter(county=county)
    came = Attendance.objects.filter(gathering__in=held.order_by().values("pk")).exclude(signed_at=None)
    if county is not None:
        came = came.filter(enterprise__county=county)
    sums = here.order_by().aggregate(many=Count("pk"), heads=Sum("heads"))
    visits = came.order_by().aggregate(visits=Count("pk"), firms=_firms("enterprise"))
    given = Material.objects.filter(gathering__in=here.order_by().values("pk")).aggregate(total=Sum("count"))
    return ReachRow(
        title, sums["many"], sums["heads"] or 0, visits["firms"], visits["visits"], given["total"] or 0
    )


def materials_by_kind(user: Any, span: Span) -> list[tuple[str, int]]:
    held = _held(user).filter(span.of("on"))
    rows = Material.objects.filter(gathering__in=held.order_by().values("pk")).order_by().values("kind")
    found = {row["kind"]: row["total"] for row in rows.annotate(total=Sum("count"))}
    return [(str(title), found[kind]) for kind, title in Material.Kind.choices if kind in found]


def _held(user: Any) -> QuerySet[Gathering]:
    return gatherings_seen(user).filter(state=Gathering.State.HELD)


def years(user: Any) -> list[int]:
    """Years that have figures, the newest first."""
    found = set(_credits(user).annotate(year=ExtractYear("since")).values_list("year", flat=True))
    found |= set(_lines(_credits(user)).annotate(year=ExtractYear("on")).values_list("year", flat=True))
    found |= set(_held(user).order_by().annotate(year=ExtractYear("on")).values_list("year", flat=True))
    found |= set(
        needs_seen(user).order_by().annotate(year=ExtractYear("opened_at")).values_list("year", flat=True)
    )
    return sorted(found, reverse=True)
