"""Rank the offers for a need, or the needs for an offer; every one is told what speaks for it and what against.

Points are whole numbers and ties end at the id, so the order in which offers are given cannot matter. An offer that
fails a hard condition stands behind all that fail fewer, whatever its points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from muheng.documents.message import Language, Message
from muheng.matching.conditions import judge_condition
from muheng.matching.pair import Pair
from muheng.matching.points import give_points
from muheng.matching.rules import Rules
from muheng.matching.terms import EnterpriseFacts, Need, Offer


@dataclass(frozen=True)
class Reason:
    """One rule's word on a pair. ``name`` and ``english`` are the rule's own; ``test`` says what was looked at."""

    name: str
    english: str
    test: str
    what: Message
    points: int = 0

    def title(self, lang: Language) -> str:
        return self.english if lang == "en" else self.name


@dataclass(frozen=True)
class Candidate:
    """A pair, judged. ``place`` counts from 1 among those that fit, 0 for the others.

    ``reasons``: the points that it gets; ``missed``: points that it does not get, and why; ``against``: the hard
    conditions that it fails, and by how much; ``open``: what is not known and has to be asked.
    """

    need: str
    offer: str
    points: int
    reasons: tuple[Reason, ...]
    missed: tuple[Reason, ...]
    against: tuple[Reason, ...]
    open: tuple[Reason, ...]
    place: int = 0

    @property
    def fits(self) -> bool:
        return not self.against


def rank(need: Need, offers: Iterable[Offer], rules: Rules, facts: EnterpriseFacts) -> tuple[Candidate, ...]:
    """All offers for a need, the best first. Offers of another kind are left out."""
    pairs = [
        Pair(need, offer, facts, rules.money) for offer in offers if offer.kind == need.kind == rules.kind
    ]
    return _in_order(pairs, rules, lambda pair: pair.offer.id)


def rank_needs(
    offer: Offer, needs: Iterable[Need], rules: Rules, facts: Mapping[str, EnterpriseFacts]
) -> tuple[Candidate, ...]:
    """All needs for an offer, the best first. ``facts``: of the enterprise of each need, by the need's id."""
    pairs = [
        Pair(need, offer, facts[need.id], rules.money)
        for need in needs
        if need.kind == offer.kind == rules.kind
    ]
    return _in_order(pairs, rules, lambda pair: pair.need.id)


def assess(need: Need, offer: Offer, rules: Rules, facts: EnterpriseFacts) -> Candidate:
    """One pair by itself, without a place."""
    return _judge(Pair(need, offer, facts, rules.money), rules)


def _in_order(pairs: list[Pair], rules: Rules, name: Callable[[Pair], str]) -> tuple[Candidate, ...]:
    judged = [(pair, _judge(pair, rules)) for pair in pairs]
    judged.sort(
        key=lambda each: (
            len(each[1].against),
            -each[1].points,
            *(_tie(tie, each[0], name) for tie in rules.document.ties),
        )
    )
    ranked = []
    for number, (_pair, found) in enumerate(judged, 1):
        place = number if found.fits else 0
        ranked.append(
            Candidate(
                found.need,
                found.offer,
                found.points,
                found.reasons,
                found.missed,
                found.against,
                found.open,
                place,
            )
        )
    return tuple(ranked)


def _judge(pair: Pair, rules: Rules) -> Candidate:
    against: list[Reason] = []
    asked: list[Reason] = []
    for condition in rules.conditions:
        failed, unknown = judge_condition(condition, pair)
        if failed is not None:
            against.append(Reason(condition.name, condition.english, condition.test, failed))
        elif unknown is not None:
            asked.append(Reason(condition.name, condition.english, condition.test, unknown))
    reasons: list[Reason] = []
    missed: list[Reason] = []
    for rule in rules.points:
        points, what = give_points(rule, pair)
        to = reasons if points else missed
        to.append(Reason(rule.name, rule.english, rule.test, what, points))
    return Candidate(
        pair.need.id,
        pair.offer.id,
        sum(reason.points for reason in reasons),
        tuple(reasons),
        tuple(missed),
        tuple(against),
        tuple(asked),
    )


def _tie(tie: str, pair: Pair, name: Callable[[Pair], str]) -> tuple[bool, Any]:
    """What is not known stands behind what is."""
    value: Any
    match tie:
        case "rate":
            value = pair.offer.rate
        case "lead":
            value = pair.offer.lead_days
        case "left":
            value = None if pair.offer.left is None else -pair.offer.left
        case "wanted_by":
            value = pair.need.wanted_by
        case _:
            value = name(pair)
    return value is None, 0 if value is None else value
