"""What visits and checks found: hazards and proposals counted by kind, period and enterprise, as far as a person may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import ExtractMonth, ExtractYear

from muheng.liaison.duty import Period, period_of
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.liaison.queries import HAZARD_TYPE, PROPOSAL_TYPE
from muheng.web.liaison.rules import city_rules
from muheng.web.liaison.wording import say_period
from muheng.web.reading import language


@dataclass(frozen=True)
class Counted:
    """How many were found, and how far they are. ``key`` leads to the enterprise, where the line is of one."""

    title: str
    found: int
    done: int
    late: int
    key: str = ""

    @property
    def waiting(self) -> int:
        return self.found - self.done


@dataclass(frozen=True)
class Findings:
    """Of some span of days: hazards and proposals in all, and hazards by kind, period and enterprise."""

    hazards: Counted
    proposals: Counted
    kinds: tuple[Counted, ...]
    periods: tuple[Counted, ...]
    enterprises: tuple[Counted, ...]


def count_findings(user: Any, first: date | None, last: date | None, today: date, most: int = 20) -> Findings:
    """Those opened from ``first`` to ``last``; the enterprises with the most come first."""
    hazards = _rows(user, HAZARD_TYPE, first, last)
    kinds = {each.id: each.title(language()) for each in find_type(HAZARD_TYPE).kinds}
    by_kind = {row["kind"]: row for row in _count(hazards.values("kind"), today)}
    months = _count(hazards.values(year=ExtractYear("opened_on"), month=ExtractMonth("opened_on")), today)
    by_enterprise = _count(hazards.values("enterprise__code", "enterprise__name"), today)
    most_first = by_enterprise.order_by("-found", "enterprise__code")[:most]
    return Findings(
        _total("", _count(hazards.values("type"), today)),
        _total("", _count(_rows(user, PROPOSAL_TYPE, first, last).values("type"), today)),
        tuple(_counted(title, by_kind[key]) for key, title in kinds.items() if key in by_kind),
        tuple(_by_period(months)),
        tuple(
            _counted(row["enterprise__name"] or "", row, row["enterprise__code"] or "") for row in most_first
        ),
    )


def years_of(user: Any) -> list[int]:
    """The years in which hazards were found, the newest first."""
    rows = visible_cases(user).filter(type=HAZARD_TYPE).order_by()
    return sorted(rows.values_list(ExtractYear("opened_on"), flat=True).distinct(), reverse=True)


def _rows(user: Any, type_id: str, first: date | None, last: date | None) -> QuerySet[Case]:
    rows = visible_cases(user).filter(type=type_id).exclude(phase=Case.Phase.VOID).order_by()
    if first is not None:
        rows = rows.filter(opened_on__gte=first)
    return rows.filter(opened_on__lte=last) if last is not None else rows


def _count(rows: Any, today: date) -> Any:
    return rows.annotate(
        found=Count("pk"),
        done=Count("pk", filter=Q(phase=Case.Phase.CLOSED)),
        late=Count("pk", filter=Q(live=True, due__lt=today)),
    )


def _counted(title: str, row: dict[str, Any], key: str = "") -> Counted:
    return Counted(title, row["found"], row["done"], row["late"], key)


def _total(title: str, rows: Iterable[dict[str, Any]]) -> Counted:
    listed = list(rows)
    found, done, late = (sum(row[name] for row in listed) for name in ("found", "done", "late"))
    return Counted(title, found, done, late)


def _by_period(rows: Iterable[dict[str, Any]]) -> list[Counted]:
    """Months put together to the city's periods of visits, the newest first."""
    rules = city_rules()
    periods: dict[Period, list[dict[str, Any]]] = {}
    for row in rows:
        period = period_of(date(row["year"], row["month"], 1), rules.visit.months)
        periods.setdefault(period, []).append(row)
    return [_total(say_period(period, rules), periods[period]) for period in sorted(periods, reverse=True)]
