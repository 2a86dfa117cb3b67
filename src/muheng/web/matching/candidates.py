"""The library's ranking over what the site holds: rows to values, candidates back to rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q

from muheng.cities.pack import UnknownIdError, find_pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.matching import ranking, terms
from muheng.matching.rules import Rules, load_rules
from muheng.matching.terms import EnterpriseFacts, Level, Place
from muheng.web.matching.models import Need, Offer
from muheng.web.people.models import Organisation
from muheng.web.reading import language
from muheng.web.registry.models import Enterprise, StatusRecord

_LEVELS: Mapping[str, Level] = {
    Organisation.Kind.CITY: "city",
    Organisation.Kind.COUNTY: "county",
    Organisation.Kind.PARK: "park",
    Organisation.Kind.TOWNSHIP: "township",
}


@cache
def rules_of(kind: terms.Kind) -> Rules:
    """The city's rules for a kind. Raises ImproperlyConfigured where the pack's files have errors."""
    try:
        folder = find_pack(settings.CITY)
    except UnknownIdError:
        folder = None
    rules, found = load_rules(folder)
    errors = [each for each in found if each.severity == "error"]
    if errors or kind not in rules:
        raise ImproperlyConfigured(format_diagnostics(errors))
    return rules[kind]


@dataclass(frozen=True)
class Ranked:
    """A candidate with the row that it is about: an offer of a need, or a need for an offer."""

    row: Any
    candidate: ranking.Candidate


def offers_for(need: Need, offers: Iterable[Offer], on: date) -> list[Ranked]:
    """Offers for a need, the best first. ``offers`` with supplier, tags and regions at hand."""
    rows = {_id(offer): offer for offer in offers}
    places = _Places()
    found = ranking.rank(
        _need(need),
        [_offer(offer, places) for offer in rows.values()],
        rules_of(need.kind),
        facts_of([need.enterprise], on, places)[need.enterprise_id],
    )
    return [Ranked(rows[each.offer], each) for each in found]


def needs_for(offer: Offer, needs: Sequence[Need], on: date) -> list[Ranked]:
    """Needs for an offer, the best first."""
    rows = {_id(need): need for need in needs}
    places = _Places()
    facts = facts_of([need.enterprise for need in needs], on, places)
    found = ranking.rank_needs(
        _offer(offer, places),
        [_need(need) for need in needs],
        rules_of(offer.kind),
        {_id(need): facts[need.enterprise_id] for need in needs},
    )
    return [Ranked(rows[each.need], each) for each in found]


def judge(need: Need, offer: Offer, on: date) -> ranking.Candidate:
    """One pair."""
    places = _Places()
    facts = facts_of([need.enterprise], on, places)[need.enterprise_id]
    return ranking.assess(_need(need), _offer(offer, places), rules_of(need.kind), facts)


def keep_reasons(candidate: ranking.Candidate) -> list[dict[str, Any]]:
    """A candidate's reasons as a row keeps them: in both languages, whatever the rules say later."""
    return [
        {
            "side": side,
            "test": reason.test,
            "points": reason.points,
            "zh": [reason.name, reason.what.render("zh")],
            "en": [reason.english, reason.what.render("en")],
        }
        for side, reasons in (
            ("for", candidate.reasons),
            ("against", candidate.against),
            ("open", candidate.open),
            ("missed", candidate.missed),
        )
        for reason in reasons
    ]


def facts_of(
    enterprises: Iterable[Enterprise], on: date, places: _Places | None = None
) -> dict[int, EnterpriseFacts]:
    """What is known of enterprises on a day, by their numbers."""
    places = places or _Places()
    rows = {each.pk: each for each in enterprises}
    held: dict[int, set[str]] = {}
    in_force = StatusRecord.objects.filter(
        Q(since=None) | Q(since__lte=on), Q(until=None) | Q(until__gt=on), enterprise__in=rows
    )
    for number, status in in_force.values_list("enterprise_id", "status"):
        held.setdefault(number, set()).add(status)
    parks: dict[int, list[int]] = {}
    through = Enterprise.parks.through.objects.filter(enterprise_id__in=rows)
    for number, park in through.values_list("enterprise_id", "organisation_id"):
        parks.setdefault(number, []).append(park)
    return {
        number: EnterpriseFacts(
            on,
            places.of(row.county_id, row.township_id, *parks.get(number, ())),
            row.industry or None,
            row.grade or None,
            frozenset(held.get(number, ())),
        )
        for number, row in rows.items()
    }


class _Places:
    """The tree of places, asked for once: some hundred rows."""

    def __init__(self) -> None:
        kinds = list(_LEVELS)
        self._nodes = {each.pk: each for each in Organisation.objects.filter(kind__in=kinds)}

    def of(self, *numbers: int | None) -> dict[Level, tuple[Place, ...]]:
        """These places and all above them, by level."""
        found: dict[Level, dict[int, Place]] = {}
        for number in numbers:
            for each in self._nodes[number].path.strip("/").split("/") if number in self._nodes else ():
                node = self._nodes.get(int(each))
                if node is not None:
                    found.setdefault(_LEVELS[node.kind], {})[node.pk] = self.place(node)
        return {level: tuple(places.values()) for level, places in found.items()}

    def place(self, node: Organisation) -> Place:
        return Place(str(node.pk), node.english if language() == "en" and node.english else node.name)


def _id(row: Need | Offer) -> str:
    """So that the order of texts is that of registration."""
    return f"{row.pk:012d}"


def _need(need: Need) -> terms.Need:
    return terms.Need(
        _id(need),
        cast(terms.Kind, need.kind),
        need.amount,
        need.months,
        need.rate,
        need.wanted_by,
        frozenset(tag.name for tag in need.tags.all()),
        frozenset(tag.name for tag in need.must.all()),
    )


def _offer(offer: Offer, places: _Places) -> terms.Offer:
    return terms.Offer(
        _id(offer),
        cast(terms.Kind, offer.kind),
        offer.least,
        offer.most,
        offer.left,
        offer.months,
        offer.rate,
        offer.lead_days,
        offer.since,
        offer.until,
        tuple(places.place(each) for each in offer.regions.all()),
        frozenset(offer.industries),
        frozenset(offer.grades),
        frozenset(offer.statuses),
        frozenset(tag.name for tag in offer.tags.all()),
        places.of(offer.supplier.place_id),
    )
