"""Hard conditions: what an offer or a rule excludes, and by how much a pair misses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from muheng.documents.message import Message, Refusal, say
from muheng.matching.document import Condition
from muheng.matching.money import WAN
from muheng.matching.pair import Pair, day_text, rate_text, same_industry

Verdict = tuple[Message | None, Message | None]
"""What fails, and what is not known; both None where it holds."""

_HOLDS: Verdict = (None, None)


def judge_condition(condition: Condition, pair: Pair) -> Verdict:
    """What a condition says of a pair."""
    failed, unknown = _TESTS[condition.test](condition, pair)
    if unknown is not None and failed is None and condition.unknown == "fail":
        return unknown, None
    return failed, unknown


def _region(condition: Any, pair: Pair) -> Verdict:
    wanted = pair.offer.regions
    if not wanted:
        return _HOLDS
    places = [place for level in pair.facts.places.values() for place in level]
    served = _listed(place.title for place in wanted)
    if not places:
        return None, say("不知道企业在哪里；只服务{served}。", served=served)
    if {place.id for place in places} & {place.id for place in wanted}:
        return _HOLDS
    return say("只服务{served}，企业在{place}。", served=served, place=_home(pair)), None


def _home(pair: Pair) -> str:
    for level in ("county", "township", "park", "city"):
        found = pair.facts.places.get(level, ())
        if found:
            return found[0].title
    return ""


def _industry(condition: Any, pair: Pair) -> Verdict:
    code = pair.facts.industry
    for served in (pair.offer.industries, condition.only):
        if not served:
            continue
        listed = _listed(sorted(served))
        if not code:
            return None, say("企业的行业没有登记；只对行业 {served}。", served=listed)
        try:
            if not any(same_industry(code, prefix) for prefix in served):
                return say("只对行业 {served}，企业是 {code}。", served=listed, code=code), None
        except Refusal:
            return None, say("企业的行业代码 {code} 不对；只对行业 {served}。", code=code, served=listed)
    return _HOLDS


def _amount(condition: Any, pair: Pair) -> Verdict:
    scale = WAN if pair.money else 1
    least = _largest(pair.offer.least, _scaled(condition.least, scale))
    most = _smallest(pair.offer.most, _scaled(condition.most, scale))
    if least is None and most is None:
        return _HOLDS
    need = pair.need.amount
    if need is None:
        return None, say("需求没有写数额，须与企业商定。")
    if most is not None and need > most:
        return say(
            "需要 {need}，最多 {most}，多出 {over}。",
            need=pair.amount(need),
            most=pair.amount(most),
            over=pair.amount(need - most),
        ), None
    if least is not None and need < least:
        return say(
            "需要 {need}，至少 {least}，还差 {short}。",
            need=pair.amount(need),
            least=pair.amount(least),
            short=pair.amount(least - need),
        ), None
    return _HOLDS


def _capacity(condition: Any, pair: Pair) -> Verdict:
    left = pair.offer.left
    if left is None:
        return _HOLDS
    need = pair.need.amount
    if left <= 0:
        return say("已经没有余量。"), None
    if need is None:
        return None, say("需求没有写数额；还剩 {left}。", left=pair.amount(left))
    if need > left:
        return say(
            "需要 {need}，只剩 {left}，差 {short}。",
            need=pair.amount(need),
            left=pair.amount(left),
            short=pair.amount(need - left),
        ), None
    return _HOLDS


def _grade(condition: Any, pair: Pair) -> Verdict:
    grade = pair.facts.grade
    for taken in (pair.offer.grades, condition.only):
        if not taken:
            continue
        listed = _listed(sorted(taken))
        if not grade:
            return None, say("企业还没有评价等级；只对 {grades} 类企业。", grades=listed)
        if grade not in taken:
            return say("只对 {grades} 类企业，企业是 {grade} 类。", grades=listed, grade=grade), None
    return _HOLDS


def _status(condition: Any, pair: Pair) -> Verdict:
    held = pair.facts.statuses
    for wanted in (pair.offer.statuses, condition.any):
        if not wanted:
            continue
        listed = _listed(sorted(wanted))
        if held is None:
            return None, say("企业有哪些称号不清楚；须有 {statuses} 之一。", statuses=listed)
        if not held & set(wanted):
            return say("须有 {statuses} 之一，企业没有。", statuses=listed), None
    return _HOLDS


def _term(condition: Any, pair: Pair) -> Verdict:
    most = _smallest(pair.offer.months, condition.most)
    if most is None:
        return _HOLDS
    need = pair.need.months
    if need is None:
        return None, say("需求没有写期限；最长 {most} 个月。", most=most)
    if need > most:
        return say(
            "需要 {need} 个月，最长 {most} 个月，差 {short} 个月。", need=need, most=most, short=need - most
        ), None
    return _HOLDS


def _rate(condition: Any, pair: Pair) -> Verdict:
    most = _smallest(pair.need.rate, _scaled(condition.most, 100))
    if most is None:
        return _HOLDS
    rate = pair.offer.rate
    if rate is None:
        return None, say("没有写利率；须不超过 {most}。", most=rate_text(most))
    if rate > most:
        return say(
            "年利率 {rate}，须不超过 {most}，高 {over} 个百分点。",
            rate=rate_text(rate),
            most=rate_text(most),
            over=rate_text(rate - most).removesuffix("%"),
        ), None
    return _HOLDS


def _lead(condition: Any, pair: Pair) -> Verdict:
    left = pair.days_left
    if left is None:
        return _HOLDS
    if left < 0:
        return say("需要的日子 {day} 已过 {days} 天。", day=day_text(_wanted(pair)), days=-left), None
    lead = pair.offer.lead_days
    if lead is None:
        return None, say("没有写几天能办好；{days} 天之内要。", days=left)
    if lead > left:
        return say(
            "要 {lead} 天才能办好，{left} 天之内要，晚 {late} 天。", lead=lead, left=left, late=lead - left
        ), None
    return _HOLDS


def _wanted(pair: Pair) -> Any:
    return pair.need.wanted_by


def _validity(condition: Any, pair: Pair) -> Verdict:
    since, until, on = pair.offer.since, pair.offer.until, pair.facts.on
    if since is not None and on < since:
        return say("{day} 起才有效，还有 {days} 天。", day=day_text(since), days=(since - on).days), None
    if until is not None and on > until:
        return say("{day} 已到期，过了 {days} 天。", day=day_text(until), days=(on - until).days), None
    return _HOLDS


def _tags(condition: Any, pair: Pair) -> Verdict:
    lacking = sorted(pair.need.must - pair.offer.tags)
    if lacking:
        return say("缺少必须有的：{tags}。", tags=_listed(lacking)), None
    return _HOLDS


_TESTS: dict[str, Callable[[Any, Pair], Verdict]] = {
    "region": _region,
    "industry": _industry,
    "amount": _amount,
    "capacity": _capacity,
    "grade": _grade,
    "status": _status,
    "term": _term,
    "rate": _rate,
    "lead": _lead,
    "validity": _validity,
    "tags": _tags,
}


def _listed(words: Iterable[str]) -> str:
    return "、".join(words)


def _scaled(value: Decimal | None, scale: int) -> int | None:
    return None if value is None else int(value * scale)


def _largest(*values: int | None) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _smallest(*values: int | None) -> int | None:
    return min((value for value in values if value is not None), default=None)
