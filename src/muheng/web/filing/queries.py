"""What a person may see of monthly filings: an enterprise its own, an official those of the place they look after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    FilteredRelation,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.utils import timezone

from muheng.intake.facts import CODE
from muheng.standards.units import convert
from muheng.web.filing.checks import Past
from muheng.web.filing.items import form
from muheng.web.filing.models import Duty, Filing
from muheng.web.filing.months import Month, month_of, newest_month
from muheng.web.registry import panels
from muheng.web.registry.models import Enterprise, MonthlyFigure, Permit
from muheng.web.registry.queries import official_scope

RIGHT = "filing.review"
MISSING = "missing"
_LOOK_BACK = 13


def own_enterprises(user: Any) -> QuerySet[Enterprise]:
    """The enterprises that an account acts for."""
    return Enterprise.objects.filter(
        representatives__user=user, representatives__until=None, merged_into=None
    )


def visible_filings(user: Any) -> QuerySet[Filing]:
    """Filings that a person may see. Drafts are the enterprise's own business until they are submitted."""
    own = Q(enterprise__in=own_enterprises(user))
    reviewed = official_scope(user, RIGHT)
    theirs = ~Q(state=Filing.State.DRAFT) & reviewed.q("enterprise__")
    return Filing.objects.filter(own | theirs)


def reviewed_duties(user: Any) -> QuerySet[Duty]:
    """Whose filings an official reviews."""
    return official_scope(user, RIGHT).filter(Duty.objects.all(), "enterprise__")


def find_enterprise(user: Any, code: str) -> Enterprise | None:
    """An enterprise whose filings a person may see."""
    held = Enterprise.objects.filter(code=code)
    return official_scope(user, RIGHT).filter(held).first() or own_enterprises(user).filter(code=code).first()


# -- the past that figures are held against ----------------------------------------------------------


def past_of(enterprise: Enterprise, when: Month) -> Past:
    """An enterprise's other months as far as the checks look, and what its permit allows a year."""
    first = min(when.shift(-_LOOK_BACK), Month(when.year, 1))
    rows = (
        MonthlyFigure.objects.filter(enterprise=enterprise, year__gte=first.year, year__lte=when.year)
        .exclude(state=MonthlyFigure.State.RETURNED)
        .values_list("year", "month", "item", "value", "unit")
    )
    return Past(_by_month(rows, when), permitted(enterprise, when.last))


def _by_month(
    rows: Iterable[tuple[int, int, str, Decimal, str]], when: Month
) -> dict[Month, dict[str, Decimal]]:
    months: dict[Month, dict[str, Decimal]] = {}
    for year, month, name, value, unit in rows:
        item = form().items.get(name)
        at = Month(year, month)
        if item is not None and item.unit == unit and at != when:
            months.setdefault(at, {})[name] = value
    return months


def permitted(enterprise: Enterprise, on: date) -> dict[str, Decimal]:
    """The yearly amount that permits in force on a day allow, by item of the form."""
    held = Permit.objects.filter(
        Q(since=None) | Q(since__lte=on), Q(until=None) | Q(until__gt=on), enterprise=enterprise
    )
    amounts: dict[str, Decimal] = {}
    for permit in held:
        for item in form().items.values():
            allowed = permit.limits.get(item.permit) if item.permit else None
            if isinstance(allowed, Mapping) and allowed.get("limit") and allowed.get("unit") == item.unit:
                amounts[item.name] = amounts.get(item.name, Decimal(0)) + Decimal(str(allowed["limit"]))
    return amounts


# -- an enterprise's months ----------------------------------------------------------------------------


@dataclass(frozen=True)
class MonthState:
    """One month of an enterprise's calendar. ``state``: a filing's, or ``missing``."""

    when: Month
    state: str
    due: date
    provisional: bool
    late: bool
    flagged: bool
    days: int
    """Days until it is due; negative after it."""

    @property
    def open(self) -> bool:
        """Whether the enterprise still has something to do."""
        return self.state in (MISSING, Filing.State.DRAFT, Filing.State.RETURNED)


def list_months(enterprise: Enterprise, today: date | None = None) -> list[MonthState]:
    """Every month that an enterprise has had to file, the newest first; empty where it need not."""
    today = today or timezone.localdate()
    duty = Duty.objects.filter(enterprise=enterprise).first()
    if duty is None:
        return []
    filed = {
        (filing.year, filing.month): filing
        for filing in Filing.objects.filter(enterprise=enterprise).only(
            "year", "month", "state", "late", "flagged"
        )
    }
    newest = newest_month(today)
    if duty.until is not None:
        newest = min(newest, month_of(duty.until).shift(-1))
    months = []
    for when in month_of(duty.since).until(newest):
        filing = filed.get((when.year, when.month))
        deadline = when.deadline
        state = filing.state if filing is not None else MISSING
        handed_in = state in (Filing.State.SUBMITTED, Filing.State.ACCEPTED)
        late = filing.late if filing is not None and handed_in else today > deadline.due
        months.append(
            MonthState(
                when,
                state,
                deadline.due,
                deadline.provisional,
                late,
                filing is not None and filing.flagged,
                (deadline.due - today).days,
            )
        )
    return months[::-1]


@dataclass(frozen=True)
class YearSum:
    """Twelve months of an item beside the departments' yearly figure; figures as numbers, None where there is none."""

    item: str
    unit: str
    months: int
    total: Decimal
    yearly: Decimal | None
    agrees: bool

    @property
    def difference(self) -> Decimal | None:
        return None if self.yearly is None else self.total - self.yearly

    @property
    def share(self) -> Decimal | None:
        """The difference as a share of the yearly figure."""
        if not self.yearly or self.difference is None:
            return None
        return self.difference / self.yearly


def year_sums(enterprise: Enterprise, year: int, yearly: Mapping[str, Decimal]) -> list[YearSum]:
    """What a year's months add up to. ``yearly``: the departments' figures in the items' units."""
    rows = (
        MonthlyFigure.objects.filter(enterprise=enterprise, year=year)
        .exclude(state=MonthlyFigure.State.RETURNED)
        .values("item", "unit")
        .annotate(months=Count("pk"), total=Sum("value"))
    )
    filed = {(row["item"], row["unit"]): row for row in rows}
    sums = []
    for item in form().items.values():
        row = filed.get((item.name, item.unit))
        if row is None:
            continue
        total = Decimal(row["total"])
        due = yearly.get(item.name) if item.yearly else None
        agrees = due is not None and abs(total - due) <= abs(due) * form().rounding
        sums.append(YearSum(item.name, item.unit, row["months"], total, due, agrees))
    return sums


def yearly_figures(code: str, year: int) -> dict[str, Decimal]:
    """The departments' figures of a year for the items of the form, in the form's units."""
    facts = panels.current(year)
    if facts is None:
        return {}
    wanted = {
        item.name: facts.items[item.yearly]
        for item in form().items.values()
        if item.yearly in facts.items and facts.items[item.yearly].kind == "number"
    }
    row = facts.frame.filter(pl.col(CODE) == code).select(each.name for each in wanted.values())
    if row.is_empty():
        return {}
    found = {}
    for name, source in wanted.items():
        value = row.get_column(source.name)[0]
        if value is not None:
            exact = Fraction(value, 10 ** (source.digits or 0))
            exact = convert(exact, source.unit or "1", form().items[name].unit)
            found[name] = Decimal(exact.numerator) / Decimal(exact.denominator)
    return found


def list_figures(enterprise: Enterprise, months: list[Month]) -> dict[Month, dict[str, Decimal]]:
    """What registry holds for some months, by item of the form."""
    if not months:
        return {}
    rows = MonthlyFigure.objects.filter(
        enterprise=enterprise,
        year__gte=min(months).year,
        year__lte=max(months).year,
    ).values_list("year", "month", "item", "value", "unit")
    wanted = set(months)
    found: dict[Month, dict[str, Decimal]] = {}
    for year, month, name, value, unit in rows:
        item, at = form().items.get(name), Month(year, month)
        if at in wanted and item is not None and item.unit == unit:
            found.setdefault(at, {})[name] = value
    return found


# -- what officials review -----------------------------------------------------------------------------


def _on_duty(user: Any, when: Month) -> QuerySet[Duty]:
    """Who in a person's place has to file a month."""
    first = when.first
    return reviewed_duties(user).filter(Q(until=None) | Q(until__gt=first), since__lte=first)


def month_duties(user: Any, when: Month) -> QuerySet[Any]:
    """Who in a person's place had to file a month, each with what it did: ``state``, ``late``, ``flagged``."""
    return (
        _on_duty(user, when)
        .annotate(
            filing=FilteredRelation(
                "enterprise__filings",
                condition=Q(enterprise__filings__year=when.year, enterprise__filings__month=when.month),
            )
        )
        .annotate(
            filing_id=F("filing__pk"),
            filing_late=F("filing__late"),
            filing_flagged=F("filing__flagged"),
            submitted_at=F("filing__submitted_at"),
            filing_findings=F("filing__findings"),
            state=Case(
                When(filing__pk=None, then=Value(MISSING)),
                # An official sees that nothing was handed in, not what is being drafted.
                When(filing__state=Filing.State.DRAFT, then=Value(MISSING)),
                default=F("filing__state"),
                output_field=CharField(),
            ),
        )
    )


def filter_duties(rows: QuerySet[Any], when: Month, state: str, words: str) -> QuerySet[Any]:
    """Of :func:`month_duties`: ``state`` is a filing's, ``missing``, ``flagged`` (to be looked at) or ``late``."""
    if state in (MISSING, *Filing.State.values):
        rows = rows.filter(state=state)
    elif state == "flagged":
        rows = rows.filter(state=Filing.State.SUBMITTED, filing_flagged=True)
    elif state == "late":
        late = rows.filter(state__in=HANDED_IN, filing_late=True)
        rows = late | rows.filter(state=MISSING) if timezone.localdate() > when.deadline.due else late
    return rows.filter(enterprise__search__text__contains=words.lower()) if words else rows


def count_month(user: Any, when: Month) -> dict[str, int]:
    """How many of a month are in each state, how many are late or flagged, and all.

    Whoever has filed had to (see ``actions``), so who is missing need not be looked for one by one.
    """
    filed = official_scope(user, RIGHT).filter(
        Filing.objects.filter(year=when.year, month=when.month).exclude(state=Filing.State.DRAFT),
        "enterprise__",
    )
    rows = filed.order_by().values_list("state", "late", "flagged").annotate(many=Count("pk"))
    counts = {"every": _on_duty(user, when).count(), "late": 0, "flagged": 0}
    counts |= {state.value: 0 for state in Filing.State if state != Filing.State.DRAFT}
    for state, late, flagged, many in rows:
        counts[state] += many
        counts["late"] += many if late and state in HANDED_IN else 0
        counts["flagged"] += many if flagged and state == Filing.State.SUBMITTED else 0
    counts[MISSING] = counts["every"] - sum(counts[state] for state in (*HANDED_IN, Filing.State.RETURNED))
    if timezone.localdate() > when.deadline.due:
        counts["late"] += counts[MISSING]
    return counts


HANDED_IN = (Filing.State.SUBMITTED.value, Filing.State.ACCEPTED.value)


@dataclass(frozen=True)
class Waiting:
    """How many filings of a month wait for an official, and how many of those were questioned."""

    when: Month
    every: int
    flagged: int


def list_waiting(user: Any) -> list[Waiting]:
    """The months with filings that wait, the oldest first."""
    waiting = official_scope(user, RIGHT).filter(
        Filing.objects.filter(state=Filing.State.SUBMITTED), "enterprise__"
    )
    rows = (
        waiting.order_by("year", "month")
        .values_list("year", "month")
        .annotate(every=Count("pk"), flagged=Count("pk", filter=Q(flagged=True)))
    )
    return [Waiting(Month(year, month), every, flagged) for year, month, every, flagged in rows]
