"""Who offers what to enterprises, what they look for, credit granted and lent, and the gatherings where they met.

From the pack's `demo/exchanges.toml`; plain data, sums in whole fen. Totals come out exactly as the file says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from muheng.cities.demo.stories import working_day_before, working_days
from muheng.cities.pack import Pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.documents.schema import validate
from muheng.documents.toml_file import read_toml
from muheng.standards.calendar import Calendar

WAN = 1_000_000
"""万元 in fen."""
_STEP = 10 * WAN
Kind = Literal["technology", "finance", "labour"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OfferForm(_Strict):
    """Sums in 万元; `least`, `most` and `capacity` without it are persons."""

    id: str
    title: str
    text: str = ""
    least: int | None = None
    most: int | None = None
    capacity: int | None = None
    least_wan: int | None = None
    most_wan: int | None = None
    capacity_wan: int | None = None
    months: int | None = None
    rate: int | None = None
    lead_days: int | None = None
    industries: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...]


class SupplierForm(_Strict):
    id: str
    kind: Kind
    name: str
    about: str
    offer: tuple[OfferForm, ...] = Field(min_length=1)


class NeedForm(_Strict):
    kind: Kind
    title: str
    text: str
    wan: int | None = None
    persons: int | None = None
    months: int | None = None
    tags: tuple[str, ...]
    count: int


class MaterialForm(_Strict):
    """`total` over all the gatherings of the form."""

    kind: str
    title: str
    total: int


class GatheringForm(_Strict):
    """A gathering on each of `days`, or so many in each county within a period."""

    kind: str
    title: str
    place: str
    days: tuple[date, ...] = ()
    each_county: int = 0
    since: date | None = None
    until: date | None = None
    topics: tuple[str, ...] = ()
    firms: int
    persons: int
    heads: int
    materials: tuple[MaterialForm, ...] = ()


class CreditForm(_Strict):
    firms: int
    credits: int
    granted_wan: int
    lent_wan: int
    since: date
    until: date


class AuditForm(_Strict):
    """Rounds of cleaner-production audits that were ordered on one day."""

    title: str
    listed: date | None = None
    listed_days_ago: int | None = None
    count: int
    kind: str


class ExchangePlan(_Strict):
    """`exchanges.toml`."""

    supplier: tuple[SupplierForm, ...] = ()
    need: tuple[NeedForm, ...] = ()
    gathering: tuple[GatheringForm, ...] = ()
    credit: CreditForm | None = None
    audits: tuple[AuditForm, ...] = ()


@dataclass(frozen=True)
class DemoOffer:
    """Amounts in fen or persons; `rate` in hundredths of a percent."""

    key: str
    title: str
    text: str
    least: int | None
    most: int | None
    capacity: int | None
    months: int | None
    rate: int | None
    lead_days: int | None
    industries: tuple[str, ...]
    statuses: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class DemoSupplier:
    key: str
    kind: Kind
    name: str
    about: str
    offers: tuple[DemoOffer, ...]


@dataclass(frozen=True)
class DemoNeed:
    """`outcome`: how far it has come with the offer that it was brought together with, if with one."""

    code: str
    kind: Kind
    title: str
    text: str
    amount: int | None
    months: int | None
    tags: tuple[str, ...]
    opened: date
    offer: str | None
    outcome: Literal["", "introduced", "contacted", "agreed", "failed"]


@dataclass(frozen=True)
class DemoLine:
    """A loan, or what was repaid of loan `of` (the number of its line)."""

    act: Literal["lend", "repay"]
    amount: int
    on: date
    of: int | None = None


@dataclass(frozen=True)
class DemoCredit:
    code: str
    bank: str
    granted: int
    since: date
    until: date
    document: str
    lines: tuple[DemoLine, ...]


@dataclass(frozen=True)
class DemoMaterial:
    kind: str
    title: str
    count: int


@dataclass(frozen=True)
class DemoGathering:
    """`county` is its name, None for the whole city; `signed` are the enterprises that came, `persons` from each."""

    kind: str
    title: str
    on: date
    place: str
    county: str | None
    signed: tuple[str, ...]
    persons: int
    heads: int
    materials: tuple[DemoMaterial, ...]


@dataclass(frozen=True)
class DemoExchanges:
    suppliers: tuple[DemoSupplier, ...]
    needs: tuple[DemoNeed, ...]
    credits: tuple[DemoCredit, ...]
    gatherings: tuple[DemoGathering, ...]


def read_exchanges(pack: Pack) -> ExchangePlan:
    """Nothing where there is no file. Raises ValueError, with every diagnostic, when it has mistakes."""
    path = pack.folder / "demo" / "exchanges.toml"
    if not path.exists():
        return ExchangePlan()
    file, found = read_toml(path, "/".join(path.parts[-3:]))
    plan = None
    if file is not None:
        plan, mistakes = validate(file, ExchangePlan)
        found += mistakes
    if plan is None:
        raise ValueError(format_diagnostics(found))
    return plan


def make_exchanges(
    plan: ExchangePlan, counties: Mapping[str, Sequence[str]], calendar: Calendar, seed: int, today: date
) -> DemoExchanges:
    """`counties`: the enterprises (codes) of each county, the larger ones first."""
    suppliers = tuple(
        DemoSupplier(each.id, each.kind, each.name, each.about, tuple(_offer(offer) for offer in each.offer))
        for each in plan.supplier
    )
    everybody = sorted(code for codes in counties.values() for code in codes)
    return DemoExchanges(
        suppliers=suppliers,
        needs=tuple(_needs(plan, suppliers, everybody, calendar, Random(f"{seed}/needs"), today)),
        credits=tuple(_credits(plan, suppliers, everybody, calendar, Random(f"{seed}/credits"))),
        gatherings=tuple(_gatherings(plan, counties, calendar, Random(f"{seed}/gatherings"))),
    )


def _offer(form: OfferForm) -> DemoOffer:
    def amount(persons: int | None, wan: int | None) -> int | None:
        return persons if wan is None else wan * WAN

    return DemoOffer(
        key=form.id,
        title=form.title,
        text=form.text,
        least=amount(form.least, form.least_wan),
        most=amount(form.most, form.most_wan),
        capacity=amount(form.capacity, form.capacity_wan),
        months=form.months,
        rate=form.rate,
        lead_days=form.lead_days,
        industries=form.industries,
        statuses=form.statuses,
        tags=form.tags,
    )


def _needs(
    plan: ExchangePlan,
    suppliers: Sequence[DemoSupplier],
    everybody: Sequence[str],
    calendar: Calendar,
    random: Random,
    today: date,
) -> list[DemoNeed]:
    """Each of another enterprise; some were brought together with an offer that has a tag of theirs."""
    total = sum(form.count for form in plan.need)
    codes = iter(random.sample(everybody, total))
    made = []
    for form in plan.need:
        fitting = [
            offer
            for supplier in suppliers
            if supplier.kind == form.kind
            for offer in supplier.offers
            if set(offer.tags) & set(form.tags) and not offer.statuses and not offer.industries
        ]
        for number in range(form.count):
            outcome = ("", "introduced", "contacted", "agreed", "", "failed")[number % 6] if fitting else ""
            made.append(
                DemoNeed(
                    code=next(codes),
                    kind=form.kind,
                    title=form.title,
                    text=form.text,
                    amount=form.persons if form.wan is None else form.wan * WAN,
                    months=form.months,
                    tags=form.tags,
                    opened=working_day_before(calendar, today, random.randint(12, 60)),
                    offer=random.choice(fitting).key if outcome else None,
                    outcome=outcome,  # type: ignore[arg-type]
                )
            )
    return made


def _credits(
    plan: ExchangePlan,
    suppliers: Sequence[DemoSupplier],
    everybody: Sequence[str],
    calendar: Calendar,
    random: Random,
) -> list[DemoCredit]:
    form = plan.credit
    if form is None:
        return []
    banks = [supplier.key for supplier in suppliers if supplier.kind == "finance"]
    firms = random.sample(everybody, form.firms)
    codes = firms + random.choices(firms, k=form.credits - form.firms)
    granted = _portions(random, form.granted_wan // 10, form.credits, least=20)
    # Of each credit at most what was granted; the shares differ, the sum does not.
    lent = _within(random, granted, form.lent_wan // 10)
    days = working_days(calendar, form.since, form.until)
    made = []
    for number, (code, limit, drawn) in enumerate(zip(codes, granted, lent, strict=True), 1):
        since = random.choice(days[:-60])
        lines: list[DemoLine] = []
        later = [day for day in days if day > since]
        parts = _portions(random, drawn, min(random.randint(1, 3), drawn), least=1) if drawn else []
        for part, on in zip(parts, sorted(random.sample(later[:50], len(parts))), strict=True):
            lines.append(DemoLine("lend", part * _STEP, on))
        if lines and random.random() < 0.35:
            after = [day for day in later if day > lines[-1].on]
            if after:
                half = lines[0].amount // 2 // WAN * WAN
                lines.append(DemoLine("repay", half, random.choice(after), 1))
        made.append(
            DemoCredit(
                code=code,
                bank=random.choice(banks),
                granted=limit * _STEP,
                since=since,
                until=since + timedelta(days=365 * random.choice((3, 5))),
                document=f"授信批复（演示）〔{since.year}〕{number:03d}号",
                lines=tuple(lines),
            )
        )
    return made


def _gatherings(
    plan: ExchangePlan, counties: Mapping[str, Sequence[str]], calendar: Calendar, random: Random
) -> list[DemoGathering]:
    made = []
    everybody = sorted(code for codes in counties.values() for code in codes)
    for form in plan.gathering:
        places: list[tuple[date, str | None]] = [(day, None) for day in form.days]
        if form.each_county and form.since is not None and form.until is not None:
            days = working_days(calendar, form.since, form.until)
            places += [(random.choice(days), county) for county in counties for _ in range(form.each_county)]
        places.sort(key=lambda place: (place[0], place[1] or ""))
        shares = [_portions(random, each.total, len(places), least=1) for each in form.materials]
        for number, (day, county) in enumerate(places):
            able = everybody if county is None else counties[county]
            topic = form.topics[number % len(form.topics)] if form.topics else ""
            words = {"number": number + 1, "topic": topic, "county": county or ""}
            made.append(
                DemoGathering(
                    kind=form.kind,
                    title=form.title.format(**words),
                    on=day,
                    place=form.place.format(**words),
                    county=county,
                    signed=tuple(sorted(random.sample(able, min(form.firms, len(able))))),
                    persons=form.persons,
                    heads=form.heads + random.randint(0, 9),
                    materials=tuple(
                        DemoMaterial(each.kind, each.title, share[number])
                        for each, share in zip(form.materials, shares, strict=True)
                    ),
                )
            )
    return sorted(made, key=lambda each: (each.on, each.title))


def _portions(random: Random, total: int, count: int, least: int) -> list[int]:
    """So many whole parts of a total, each at least so large, of uneven size; they add up to it."""
    weights = [random.uniform(0.4, 1.8) for _ in range(count)]
    free = total - least * count
    parts = [least + int(free * weight / sum(weights)) for weight in weights]
    for number in range(total - sum(parts)):
        parts[number % count] += 1
    return parts


def _within(random: Random, limits: Sequence[int], total: int) -> list[int]:
    """Parts that add up to a total, none larger than its limit."""
    share = total / sum(limits)
    parts = [min(limit, int(limit * share * random.uniform(0.5, 1.4))) for limit in limits]
    number = 0
    while sum(parts) != total:
        place = number % len(parts)
        gap = total - sum(parts)
        room = limits[place] - parts[place]
        parts[place] += min(gap, room) if gap > 0 else max(gap, -parts[place])
        number += 1
    return parts
