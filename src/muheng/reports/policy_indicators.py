"""The chapter of a policy document on indicators: how each is computed, what it is held against, how it scores."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from muheng.documents.message import Message, say
from muheng.policy.compiling.workspace import as_fraction, read_standing
from muheng.policy.document import Base, Indicator, Score
from muheng.policy.expression import names_in, parse_expression
from muheng.reports.phrases import Said, amount, figure, joined, unit_words
from muheng.reports.policy_places import Places
from muheng.reports.policy_text import Passage, Table
from muheng.reports.words import STANDINGS
from muheng.standards.rounding import format_exact

_TIMES_WEIGHT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*倍权重\s*$")


def write_indicators(places: Places) -> Iterator[Passage | Table]:
    """A table for each class, and what its columns mean."""
    document = places.document
    used = [indicator.score for declared in document.classes.values() for indicator in declared.indicator]
    for method, said in METHODS.items():
        if any(score.by == method for score in used):
            yield Passage(f"method.{method}", said, None)
    if any(_is_of_group(score) for score in used):
        yield Passage(
            "method.group",
            say("“同组”指同一类中有该项数据的参评企业；写明分组的，再按分组。"),
            None,
        )
    yield places.passage(
        ("scoring", "score_digits"),
        say("单项得分保留 {digits} 位小数。", digits=document.scoring.score_digits),
    )
    for name, declared in document.classes.items():
        if declared.like is not None:
            said = say("{name}沿用{other}的指标、权重和计分。", name=name, other=declared.like)
            yield places.passage(("class", name, "like"), said)
            continue
        rows = tuple(
            places.row(("class", name, "indicator", index), HEADER, _cells(places, name, indicator))
            for index, indicator in enumerate(declared.indicator)
        )
        whole = sum(
            (as_fraction(indicator.weight) or Fraction(0) for indicator in declared.indicator), Fraction(0)
        )
        last: tuple[Said, ...] = (
            say("合计"), "", "", format_exact(whole), *[""] * (len(HEADER) - 4),
        )  # fmt: skip
        title = say("{name}的指标", name=name)
        yield Table(f"class.{name}.indicator", title, HEADER, rows, frozenset({3}), last)


def _cells(places: Places, class_name: str, indicator: Indicator) -> tuple[Said, ...]:
    return (
        indicator.name,
        places.reader.formula(indicator.formula),
        say("{unit}，{digits} 位小数", unit=unit_words(indicator.unit), digits=indicator.digits),
        figure(indicator.weight),
        score_words(indicator),
        _limits(indicator),
        _missing(places, indicator),
        _rule(indicator.zero, ()) if indicator.zero else "—",
        indicator.clause or "—",
    )


def score_words(indicator: Indicator) -> Said:
    """比值法，基准值 24.097 万元/亩."""
    score = indicator.score
    parts: list[Said] = [METHOD_NAMES[score.by]]
    if score.direction == "越低越好":
        parts.append(say("越低越好"))
    if score.by == "比值":
        parts.append(say("基准值：{base}", base=base_words(indicator)))
    elif score.by == "极差":
        parts.append(say("底分 {points}", points=figure(score.bottom if score.bottom is not None else 0)))
        parts.append(say("全组数值相同时得满分") if score.equal == "满分" else say("全组数值相同时得零分"))
    elif score.by == "分档":
        parts += _bands(indicator)
    if score.by in ("极差", "名次"):
        parts.append(
            say("在同一{groups}内比较", groups=joined(score.group))
            if score.group
            else say("在本类全体内比较")
        )
    return joined(parts, "，")


def base_words(indicator: Indicator) -> Said:
    """24.097 万元/亩; 同组平均的 2 倍; by group."""
    base, unit = indicator.score.base, indicator.unit
    if isinstance(base, Base):
        return _group_base(base, unit)
    if isinstance(base, dict):
        return say(
            "按{group}：{figures}", group=indicator.score.by_group or "—", figures=_by_label(base, unit)
        )
    return " " if base is None else amount(figure(base), unit)


def _group_base(base: Base, unit: str) -> Said:
    within: Said = say("本类全体") if not base.by else say("同一{groups}", groups=joined(base.by))
    named: dict[str, Message] = {
        "同组平均": say("{group}参评企业的平均值", group=within),
        "同组加权平均": say("{group}参评企业的加权平均值（分子合计÷分母合计）", group=within),
        "上年同组平均": say("{group}参评企业上年的平均值", group=within),
        "上年同组加权平均": say("{group}参评企业上年的加权平均值（分子合计÷分母合计）", group=within),
        "同组分位": say("{group}参评企业由小到大 {share} 处的值", group=within, share=base.percentile),
    }
    parts: list[Said] = [named[base.of]]
    if (times := as_fraction(base.times)) != 1:
        parts = [say("{base}的 {times} 倍", base=named[base.of], times=format_exact(times or Fraction(1)))]
    if base.values:
        parts.append(say("平均值取已公布的 {figures}", figures=_by_label(base.values, unit)))
    if base.digits is not None:
        parts.append(say("保留 {digits} 位小数", digits=base.digits))
    if base.small is not None:
        parts.append(say("不足 {below} 户的组按本类全体", below=base.small.below))
    return joined(parts, "，")


def _by_label(figures: dict[str, str | Decimal], unit: str) -> Said:
    if list(figures) == ["*"]:
        return amount(figure(figures["*"]), unit)
    return joined(
        [
            say("其余 {figure}", figure=amount(figure(value), unit))
            if label == "*"
            else say("{label} {figure}", label=label, figure=amount(figure(value), unit))
            for label, value in figures.items()
        ]
    )


def _bands(indicator: Indicator) -> list[Said]:
    shown: list[Said] = []
    for limit, points in indicator.score.bands or ():
        value = amount(figure(limit), indicator.unit)
        shown.append(
            say("不超过 {value} 的得 {points} 分", value=value, points=figure(points))
            if indicator.score.direction == "越低越好"
            else say("达到 {value} 的得 {points} 分", value=value, points=figure(points))
        )
    return [*shown, say("其余得 0 分")]


def limit_words(limit: str | Decimal | None) -> Said:
    """不设; 10 分."""
    if limit is None or (isinstance(limit, str) and limit.strip() == "不设"):
        return say("不设")
    if isinstance(limit, str) and (match := _TIMES_WEIGHT.match(limit)):
        return say("权重的 {times} 倍", times=match.group(1))
    return say("{points} 分", points=figure(limit))


def _limits(indicator: Indicator) -> Said:
    score = indicator.score
    if score.by != "比值":
        return "—"
    cap = limit_words(score.cap)
    if isinstance(score.cap, str) and (match := _TIMES_WEIGHT.match(score.cap)):
        points = (as_fraction(indicator.weight) or Fraction(0)) * Fraction(match.group(1))
        cap = say("{points} 分（{times}）", points=format_exact(points), times=cap)
    return say("上限：{cap}；下限：{floor}", cap=cap, floor=limit_words(score.floor))


def _missing(places: Places, indicator: Indicator) -> Said:
    """What the indicator's rule, or the rule of its data items, makes of missing data; — where none can be missing."""
    if indicator.missing is not None:
        return _rule(indicator.missing, indicator.missing_by)
    waiting = names_in(parse_expression(indicator.formula))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        declared, definition = places.document.input.get(name), places.document.define.get(name)
        if declared is not None and declared.missing in ("得零分", "同组平均得分"):
            return _rule(str(declared.missing), indicator.missing_by)
        if definition is not None and definition.formula is not None:
            if definition.otherwise == "得零分":
                return _rule("得零分", ())
            waiting += names_in(parse_expression(definition.formula))
    return "—"


def _rule(rule: str, by: Sequence[str]) -> Said:
    if (found := read_standing(rule)) is not None:
        return say("{standing}：{reason}", standing=STANDINGS[found[0]], reason=found[1])
    match rule:
        case "得零分":
            return say("得零分")
        case "满分":
            return say("得满分")
    if by:
        return say("取同一{groups}企业该项得分的平均", groups=joined(by))
    return say("取同组企业该项得分的平均")


def _is_of_group(score: Score) -> bool:
    return score.by in ("极差", "名次") or isinstance(score.base, Base)


HEADER: tuple[Said, ...] = (
    say("指标"), say("计算公式"), say("单位"), say("权重（分）"), say("怎样计分"), say("得分上下限"), say("没有数据时"),
    say("分母或基准不大于零时"), say("依据条款"),
)  # fmt: skip
METHOD_NAMES = {"比值": say("比值法"), "极差": say("极差法"), "名次": say("名次法"), "分档": say("分档计分")}
METHODS = {
    "比值": say(
        "比值法：得分＝权重×指标值÷基准值，越低越好的指标，得分＝权重×基准值÷指标值；再按上限、下限取值。"
    ),
    "极差": say(
        "极差法：得分＝权重×〔底分＋（100－底分）×（指标值－最小值）÷（最大值－最小值）〕÷100，"
        "越低越好的指标以“最大值－指标值”为分子；最大值、最小值取自同组。"
    ),
    "名次": say("名次法：得分＝权重×（户数－名次＋1）÷户数；数值相同的名次相同，取较好的名次。"),
    "分档": say("分档计分：由前到后判断，先达到的一档为准。"),
}
