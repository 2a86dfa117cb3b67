"""Figures of cases for people: how many, how quickly, how well, by place, office, person and kind; and who stands where.

Whole months come from the tally, days that make no whole month and whatever the tally does not know (a person, a
township) from the cases themselves; both say the same. What is in hand is asked of the cases, as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, Literal, get_args

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from muheng.casework.clock_standing import end_of
from muheng.casework.figures import Figures
from muheng.casework.measure import SATISFIED
from muheng.casework.period import add_months
from muheng.casework.ranking import Place, Ranking, load_ranking, rank
from muheng.casework.standing import CHINA
from muheng.cities.pack import find_pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.web.casework.kinds import case_types
from muheng.web.casework.models import Case, CaseTally
from muheng.web.casework.queries import VIEW, place_q
from muheng.web.casework.tally import COUNTS, closing_sums
from muheng.web.people.models import Organisation
from muheng.web.registry.queries import official_scope

By = Literal["whole", "county", "organisation", "handler", "kind", "type", "month"]
BYS: tuple[By, ...] = get_args(By)
Figure = Literal[
    "opened", "closed", "on_time", "late", "legal_late", "promised_late", "rated", "dissatisfied", "reopened",
    "open", "overdue", "escalated",
]  # fmt: skip
FIGURES: tuple[Figure, ...] = get_args(Figure)

_KEYS: Mapping[By, tuple[str, ...]] = {
    "whole": (),
    "county": ("county",),
    "organisation": ("organisation",),
    "handler": ("handler",),
    "kind": ("type", "kind"),
    "type": ("type",),
    "month": ("month",),
}
_SCANNED = {"county": "its_county", "organisation": "its_office", "handler": "handler_id"}
_COLUMNS = {"county": "county_id", "organisation": "organisation_id", "handler": "handler_id"}
Key = Any
"""Of a group: a number of an organisation or a person (0: none), a type, (type, kind), the first of a month, None."""


def day_of(moment: datetime) -> date:
    """The day in China."""
    return moment.astimezone(CHINA).date()


@dataclass(frozen=True)
class Sight:
    """The cases that a person is told figures of: all, those of counties, or (``q``) those of smaller places."""

    everything: bool = False
    counties: frozenset[int] = frozenset()
    q: Q | None = None

    @property
    def nothing(self) -> bool:
        return not self.everything and not self.counties and self.q is None


def sight_of(user: Any) -> Sight:
    """What a person may be told figures of."""
    scope = official_scope(user, VIEW)
    if scope.everything:
        return Sight(everything=True)
    if scope.townships or scope.parks:
        return Sight(q=place_q(user))
    return Sight(counties=scope.counties)


@dataclass(frozen=True)
class Cut:
    """Which cases: of a type (or several), a kind, a county, an office, a person. Empty: all."""

    types: tuple[str, ...] = ()
    kind: str = ""
    county: int | None = None
    organisation: int | None = None
    handler: int | None = None

    def q(self, columns: Mapping[str, str]) -> Q:
        # Types are always named: the indexes begin with them.
        found = Q(type__in=self.types or tuple(case_types()))
        for name in ("kind", "county", "organisation", "handler"):
            if value := getattr(self, name):
                found &= Q(**{columns.get(name, name): value})
        return found


@dataclass(frozen=True)
class InHand:
    """What is not done yet, now."""

    open: int = 0
    overdue: int = 0
    escalated: int = 0

    def __add__(self, other: InHand) -> InHand:
        return InHand(self.open + other.open, self.overdue + other.overdue, self.escalated + other.escalated)


# -- figures of a stretch of days -------------------------------------------------------------------------


def measure(
    by: By, cut: Cut, sight: Sight, first: date, last: date, today: date, opened: bool = True
) -> dict[Key, Figures]:
    """The figures of what was opened and what was closed from ``first`` to ``last``, by group.

    ``opened=False`` leaves out how many were opened.
    """
    if sight.nothing or last < first:
        return {}
    total: dict[Key, Figures] = {}
    months, rest = _split(first, last, today)
    if by == "handler" or cut.handler or sight.q is not None:
        months, rest = (), ((first, last),)
    if months:
        rows = CaseTally.objects.filter(month__range=(months[0], months[-1]))
        _add_up(total, by, _tally_rows(rows, by, cut, sight))
    for days in rest:
        _add_up(total, by, _case_rows("closed_on", by, cut, sight, days))
        if opened:
            _add_up(total, by, _case_rows("opened_on", by, cut, sight, days))
    return {key: figures for key, figures in total.items() if figures}


def _split(first: date, last: date, today: date) -> tuple[tuple[date, ...], tuple[tuple[date, date], ...]]:
    """Whole months, and the days before and after them. Nothing has happened after today."""
    end = last + timedelta(days=1)
    if last >= today:
        end = add_months(max(last, today).replace(day=1), 1)
    begin = first if first.day == 1 else add_months(first.replace(day=1), 1)
    stop = end.replace(day=1)
    if stop <= begin:
        return (), ((first, last),)
    months = [begin]
    while (following := add_months(months[-1], 1)) < stop:
        months.append(following)
    rest = ((first, begin - timedelta(days=1)), (stop, min(end - timedelta(days=1), last)))
    return tuple(months), tuple((a, b) for a, b in rest if a <= b)


def _tally_rows(rows: QuerySet[CaseTally], by: By, cut: Cut, sight: Sight) -> Iterable[Mapping[str, Any]]:
    found = rows.filter(cut.q({})).order_by()
    if not sight.everything:
        found = found.filter(county__in=sight.counties)
    sums: dict[str, Any] = {f"all_{name}": Sum(name) for name in COUNTS}
    if not _KEYS[by]:
        return [found.aggregate(**sums)]
    grouped: Iterable[Mapping[str, Any]] = found.values(*_KEYS[by]).annotate(**sums)
    return grouped


def _case_rows(
    day: str, by: By, cut: Cut, sight: Sight, days: tuple[date, date]
) -> Iterable[Mapping[str, Any]]:
    within = _opened_within(*days) if day == "opened_on" else Q(closed_on__range=days)
    if day == "closed_on":
        rows = _scanned(cut, sight).filter(within, phase=Case.Phase.CLOSED)
        sums = closing_sums()
    else:
        rows = _seen(Case.objects.order_by(), sight).filter(within, cut.q(_COLUMNS))
        rows = rows.exclude(phase=Case.Phase.VOID)
        sums = {"opened": Count("pk")}
    named = {f"all_{name}": each for name, each in sums.items()}
    if not _KEYS[by]:
        return [rows.aggregate(**named)]
    if by == "month":
        return rows.annotate(month=TruncMonth(day)).values("month").annotate(**named)
    columns = (_COLUMNS.get(name, name) for name in _KEYS[by])
    grouped: Iterable[Mapping[str, Any]] = rows.values(*columns).annotate(**named)
    return grouped


def _opened_within(first: date, last: date) -> Q:
    """By the moment, which lists are sorted and indexed by; days are China's."""
    begin, end = (datetime.combine(day, time.min, CHINA) for day in (first, last + timedelta(days=1)))
    return Q(opened_at__gte=begin, opened_at__lt=end)


def _scanned(cut: Cut, sight: Sight) -> QuerySet[Case]:
    """The cases of a cut, so asked for that an index is read which holds all that is counted, and not the cases of a
    county or an office one by one: as sums, their numbers have no index of their own.
    """
    rows = Case.objects.order_by().alias(its_county=F("county_id") + 0, its_office=F("organisation_id") + 0)
    if sight.q is not None:
        rows = rows.filter(sight.q)
    elif not sight.everything:
        rows = rows.filter(its_county__in=sight.counties)
    return rows.filter(cut.q(_SCANNED))


def _seen(rows: QuerySet[Case], sight: Sight) -> QuerySet[Case]:
    if sight.everything:
        return rows
    return rows.filter(sight.q if sight.q is not None else Q(county__in=sight.counties))


def _add_up(total: dict[Key, Figures], by: By, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        figures = Figures(**{name: row.get(f"all_{name}") or 0 for name in COUNTS})
        key = _key(by, row)
        total[key] = total[key] + figures if key in total else figures


def _key(by: By, row: Mapping[str, Any]) -> Key:
    names = _KEYS[by]
    if not names:
        return None
    values = tuple(row[_COLUMNS[name]] or 0 if _COLUMNS.get(name) in row else row[name] for name in names)
    return values[0] if len(values) == 1 else values


def _as_of(today: date) -> datetime:
    """When it is told what is overdue: now, and of another day its end."""
    now = timezone.now()
    return now if today == day_of(now) else end_of(today)


def count_in_hand(by: By, cut: Cut, sight: Sight, today: date) -> dict[Key, InHand]:
    """What is open, overdue and escalated now, by group. A paused case is not overdue."""
    if sight.nothing:
        return {}
    rows = _scanned(cut, sight).filter(live=True)
    sums = {
        "open": Count("pk"),
        "overdue": Count("pk", filter=Q(turn_at__lt=_as_of(today))),
        "escalated": Count("pk", filter=Q(level__gt=0)),
    }
    named = {f"all_{name}": each for name, each in sums.items()}
    if by in ("whole", "month"):
        found: Iterable[Mapping[str, Any]] = [rows.aggregate(**named)]
    else:
        found = rows.values(*(_COLUMNS.get(name, name) for name in _KEYS[by])).annotate(**named)
    return {
        (None if by == "month" else _key(by, row)): InHand(**{name: row[f"all_{name}"] or 0 for name in sums})
        for row in found
    }


# -- the cases behind a figure --------------------------------------------------------------------------------


def cases_behind(
    figure: Figure, cut: Cut, sight: Sight, first: date, last: date, today: date
) -> QuerySet[Case]:
    """The very cases that a figure counts, the newest first."""
    if sight.nothing:
        return Case.objects.none()
    rows = _seen(Case.objects.all(), sight).filter(cut.q(_COLUMNS))
    if figure in ("open", "overdue", "escalated"):
        rows = rows.filter(live=True)
        if figure == "overdue":
            rows = rows.filter(turn_at__lt=_as_of(today))
        if figure == "escalated":
            rows = rows.filter(level__gt=0)
        return rows.order_by("turn_at", "pk")
    if figure == "opened":
        rows = rows.filter(_opened_within(first, last)).exclude(phase=Case.Phase.VOID)
        return rows.order_by("-opened_at", "-pk")
    rows = rows.filter(closed_on__range=(first, last), phase=Case.Phase.CLOSED)
    return rows.filter(_BEHIND[figure]).order_by("-closed_on", "-pk")


_BEHIND: Mapping[str, Q] = {
    "closed": Q(),
    "on_time": Q(late=False) & (Q(late_legal__isnull=False) | Q(late_promised__isnull=False)),
    "late": Q(late=True),
    "legal_late": Q(late_legal=True),
    "promised_late": Q(late_promised=True),
    "rated": Q(rating__isnull=False),
    "dissatisfied": Q(rating__lt=SATISFIED),
    "reopened": Q(reopened__gt=0),
}


# -- the ranking of the counties ----------------------------------------------------------------------------


@cache
def city_ranking() -> Ranking:
    """The rule of the city that the site serves; raises ValueError where the file has a mistake."""
    ranking, found = load_ranking(find_pack(settings.CITY), case_types())
    if ranking is None:
        raise ValueError(format_diagnostics(found))
    return ranking


@dataclass(frozen=True)
class Ranked:
    """A county's place, what is in hand there, and its place in the period before (None: it was not ranked)."""

    county: Organisation
    place: Place[int]
    in_hand: InHand
    before: int | None
    has_before: bool

    @property
    def moved(self) -> int | None:
        """Places up (below zero: down); None where it was not ranked now or then."""
        if self.place.place is None or self.before is None:
            return None
        return self.before - self.place.place

    @property
    def moved_down(self) -> int:
        return -(self.moved or 0)


def list_counties() -> list[Organisation]:
    return list(Organisation.objects.filter(kind=Organisation.Kind.COUNTY).order_by("order", "pk"))


def rank_counties(
    first: date,
    last: date,
    before: tuple[date, date],
    today: date,
    only: frozenset[int] | None = None,
) -> list[Ranked]:
    """The counties in the order of the rule. ``only``: these are told of, at the places that they have among all."""
    rule = city_ranking()
    counties = {each.pk: each for each in list_counties()}
    cut, all_of_it = Cut(types=rule.types), Sight(everything=True)
    earlier = {each.key: each.place for each in _rank(rule, cut, counties, *before, today)}
    in_hand = count_in_hand("county", cut, all_of_it, today)
    return [
        Ranked(counties[each.key], each, in_hand.get(each.key, InHand()), earlier[each.key], bool(earlier))
        for each in _rank(rule, cut, counties, first, last, today)
        if only is None or each.key in only
    ]


def _rank(
    rule: Ranking, cut: Cut, counties: Iterable[int], first: date, last: date, today: date
) -> list[Place[int]]:
    figures = measure("county", cut, Sight(everything=True), first, last, today, opened=False)
    return rank(rule, {each: figures.get(each, Figures()) for each in counties})
