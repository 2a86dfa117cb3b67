"""Points: what speaks for a pair, in whole numbers, and why it gets none where it gets none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from muheng.documents.message import Message, Refusal, say
from muheng.matching.document import PointRule
from muheng.matching.pair import Pair, rate_text, same_industry
from muheng.matching.terms import Level
from muheng.standards.industry import section_of

Given = tuple[int, Message]


def give_points(rule: PointRule, pair: Pair) -> Given:
    """The points of a pair by one rule, and the sentence for them."""
    return _RULES[rule.test](rule, pair)


def _tags(rule: Any, pair: Pair) -> Given:
    shared = sorted(pair.need.tags & pair.offer.tags)
    if not shared:
        return 0, say("没有相同的标签。")
    return min(len(shared) * rule.each, rule.most), say("标签相同：{tags}。", tags="、".join(shared))


def _industry(rule: Any, pair: Pair) -> Given:
    code = pair.facts.industry
    named = sorted(pair.offer.industries)
    if not named:
        return 0, say("没有指明服务的行业。")
    if not code:
        return 0, say("企业的行业没有登记。")
    best, what = 0, say("没有服务企业所在行业的专长。")
    for prefix in named:
        level, points = _industry_level(rule.digits, code, prefix)
        if points > best:
            best, what = (
                points,
                say(
                    "专做行业 {prefix}，企业是 {code}（{level}相同）。", prefix=prefix, code=code, level=level
                ),
            )
    return best, what


def _industry_level(digits: dict[str, int], code: str, prefix: str) -> tuple[Message, int]:
    """The finest level at which an offer's industry is the enterprise's, and its points."""
    none = say("门类"), 0
    try:
        inside = same_industry(code, prefix)
        same_section = section_of(code) == section_of(prefix)
    except Refusal:
        return none
    if not inside:
        return none
    bare = prefix[1:] if prefix[:1].isalpha() else prefix
    for length in ("4", "3", "2"):
        if length in digits and len(bare) >= int(length):
            return say("前 {length} 位", length=length), digits[length]
    return (say("门类"), digits.get("门类", 0)) if same_section else none


_LEVELS: dict[str, Message] = {
    "township": say("镇街"),
    "park": say("园区"),
    "county": say("县区"),
    "city": say("市"),
}


def _nearness(rule: Any, pair: Pair) -> Given:
    best, what = 0, say("不在同一地方。")
    if not any(pair.offer.places.values()):
        return 0, say("供方所在地没有登记。")
    for level, points in rule.same.items():
        mine = pair.facts.places.get(cast(Level, level), ())
        theirs = {place.id for place in pair.offer.places.get(cast(Level, level), ())}
        common = next((place for place in mine if place.id in theirs), None)
        if common is not None and points > best:
            best, what = points, say("同在一个{level}：{place}。", level=_LEVELS[level], place=common.title)
    return best, what


def _grade(rule: Any, pair: Pair) -> Given:
    grade = pair.facts.grade
    if not grade:
        return 0, say("企业还没有评价等级。")
    return rule.grades.get(grade, 0), say("企业是 {grade} 类。", grade=grade)


def _status(rule: Any, pair: Pair) -> Given:
    if pair.facts.statuses is None:
        return 0, say("企业有哪些称号不清楚。")
    held = [status for status in rule.statuses if status in pair.facts.statuses]
    if not held:
        return 0, say("企业没有 {statuses}。", statuses="、".join(rule.statuses))
    return min(len(held) * rule.each, rule.most), say("企业是 {statuses}。", statuses="、".join(held))


def _urgency(rule: Any, pair: Pair) -> Given:
    left = pair.days_left
    if left is None:
        return 0, say("没有写什么时候要。")
    if left < 0:
        return 0, say("需要的日子已过。")
    return _step(rule.steps, left), say("{days} 天之内要。", days=left)


def _lead(rule: Any, pair: Pair) -> Given:
    lead = pair.offer.lead_days
    if lead is None:
        return 0, say("没有写几天能办好。")
    return _step(rule.steps, lead), say("{days} 天能办好。", days=lead)


def _rate(rule: Any, pair: Pair) -> Given:
    rate = pair.offer.rate
    if rate is None:
        return 0, say("没有写利率。")
    points = next((step.points for step in rule.steps if rate <= int(step.within * 100)), 0)
    return points, say("年利率 {rate}。", rate=rate_text(rate))


def _step(steps: Any, value: int) -> int:
    return next((step.points for step in steps if value <= step.within), 0)


_RULES: dict[str, Callable[[Any, Pair], Given]] = {
    "tags": _tags,
    "industry": _industry,
    "nearness": _nearness,
    "grade": _grade,
    "status": _status,
    "urgency": _urgency,
    "lead": _lead,
    "rate": _rate,
}
