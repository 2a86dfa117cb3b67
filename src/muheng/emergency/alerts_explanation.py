"""Why an alert is proposed, in words: what to do, the days and the clause, the cause, the times. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from muheng.casework.standing import CHINA
from muheng.documents.message import Language, Message, say
from muheng.emergency.alert_rules import CauseId
from muheng.emergency.alerts import Judgement
from muheng.emergency.alerts_episodes import Met, higher
from muheng.emergency.forecast import Value

_QUOTED = 8
"""So many days are told one by one."""


def explain_judgement(judgement: Judgement) -> tuple[Message, ...]:
    """The sentences, the proposal first."""
    return (
        _proposal(judgement),
        *_clauses(judgement),
        *_merging(judgement),
        *_cause(judgement),
        *_holding(judgement),
        *_times(judgement),
        *_later(judgement),
        *_gaps(judgement),
    )


def judgement_json(judgement: Judgement, lang: Language = "zh") -> dict[str, Any]:
    """The proposal as JSON values, sentences rendered in `lang`; times with their zone."""
    episode, cause = judgement.episode, judgement.cause
    return {
        "rules": judgement.rules.id,
        "action": judgement.action,
        "level": judgement.level,
        "cuts": judgement.cuts,
        "cause": None if cause is None else cause.id,
        "starts": _iso(judgement.starts),
        "ends": _iso(judgement.ends),
        "issue_by": _iso(judgement.issue_by),
        "late": judgement.late,
        "may_lift_at": _iso(judgement.may_lift_at),
        "peak": None if episode is None else episode.peak,
        "level_by_aqi": None if episode is None else episode.level,
        "episodes": [
            {
                "starts": _iso(each.starts),
                "ends": _iso(each.ends),
                "level": each.level,
                "cut_level": each.cut_level,
                "cause": each.cause,
                "peak": each.peak,
            }
            for each in judgement.episodes
        ],
        "explanation": [sentence.render(lang) for sentence in explain_judgement(judgement)],
    }


def _proposal(judgement: Judgement) -> Message:
    rules, current, level = judgement.rules, judgement.current, judgement.level
    span = _span(judgement)
    if judgement.action == "none":
        return say("预报期内没有达到预警条件，不需要发布预警。")
    if judgement.action == "tier" and rules.tier is not None:
        return say("未达到预警条件，建议{tier}：{span}。", tier=rules.tier.said, span=span)
    if judgement.action == "health":
        return say("不启动减排清单；建议发布健康提示：{span}。", span=span)
    if judgement.action == "decide":
        return say("{span}达到预警条件，但预报没有写首要污染物：请先认定成因。", span=span)
    if current is not None and judgement.action == "lift":
        return say("建议解除{level}。", level=rules.level(current.level).said)
    assert level is not None
    named = rules.level(level)
    if current is None:
        return say(
            "建议发布{level}（{response}）：{span}。",
            level=named.said,
            response=named.response_said,
            span=span,
        )
    old = rules.level(current.level).said
    if judgement.action == "upgrade":
        return say(
            "建议由{old}升为{level}（{response}）：{span}。",
            old=old,
            level=named.said,
            response=named.response_said,
            span=span,
        )
    if judgement.action == "downgrade":
        return say(
            "建议由{old}降为{level}（{response}）。", old=old, level=named.said, response=named.response_said
        )
    return say("建议维持{level}（{response}）。", level=named.said, response=named.response_said)


def _span(judgement: Judgement) -> Message:
    if judgement.starts is None or judgement.ends is None:
        return say("{when}起", when=_when(judgement.starts or judgement.now))
    return say("{start} 至 {end}", start=_when(judgement.starts), end=_when(judgement.ends))


def _clauses(judgement: Judgement) -> Iterator[Message]:
    for met in judgement.met:
        days = [judgement.series.values[at] for at in _counted(judgement, met)]
        name = judgement.rules.tier.said if met.level is None and judgement.rules.tier else None
        level = name or (judgement.rules.level(met.level).said if met.level else "")
        hours = max(stretch.hours for stretch in met.stretches)
        yield say(
            "{level}的条件“{clause}”已满足：{days}，计 {hours} 小时（{rules}）。",
            level=level,
            clause=met.clause.said,
            days=_quote(judgement, days),
            hours=hours,
            rules=judgement.rules.said,
        )
    episode = judgement.episode
    if (
        episode is None
        or episode.level is None
        or episode.cut_level is None
        or judgement.override is not None
    ):
        return
    if higher(episode.level, episode.cut_level):
        yield say(
            "只按启动减排的污染物计，是{cut}；连同其他污染物计，是{whole}。",
            cut=judgement.rules.level(episode.cut_level).said,
            whole=judgement.rules.level(episode.level).said,
        )


def _counted(judgement: Judgement, met: Met) -> list[int]:
    """Positions of the values above the line of the longest stretch."""
    longest = max(met.stretches, key=lambda stretch: (stretch.hours, -stretch.first))
    inside = range(longest.first, longest.last + 1)
    skipped = {at for first, last in longest.interruptions for at in range(first, last + 1)}
    return [at for at in inside if at not in skipped]


def _quote(judgement: Judgement, values: Sequence[Value]) -> Message:
    if judgement.series.kind == "daily" and len(values) <= _QUOTED:
        return _listed(
            say(
                "{month}月{day}日 {aqi}",
                month=_local(each.start).month,
                day=_local(each.start).day,
                aqi=each.aqi,
            )
            for each in values
        )
    return say(
        "{start} 至 {end}，AQI {low} 至 {high}",
        start=_when(values[0].start),
        end=_when(values[-1].end),
        low=min(each.aqi or 0 for each in values),
        high=max(each.aqi or 0 for each in values),
    )


def _merging(judgement: Judgement) -> Iterator[Message]:
    episode, rules = judgement.episode, judgement.rules
    if episode is None:
        return
    clear = rules.tier.clear if episode.level is None and rules.tier is not None else rules.clear
    for first, last in episode.merged:
        values = judgement.series.values[first : last + 1]
        yield say(
            "{start} 至 {end} 转好 {hours} 小时，没有超过解除所需的 {limit} 小时，前后按一次过程计算。",
            start=_when(values[0].start),
            end=_when(values[-1].end),
            hours=sum(value.hours for value in values),
            limit=clear.more_than_hours,
        )
    if (
        episode.reached is not None
        and higher(episode.reached, episode.unbroken)
        and judgement.override is None
    ):
        alone = say("不到预警") if episode.unbroken is None else rules.level(episode.unbroken).said
        yield say("小时数按间断前后合计（从严）；只算最长的一段，{alone}。", alone=alone)


def _cause(judgement: Judgement) -> Iterator[Message]:
    cause, override, episode = judgement.cause, judgement.override, judgement.episode
    if episode is None and override is None:
        return
    if cause is not None and override is not None:
        yield say("成因由人认定为{cause}：{reason}", cause=cause.said, reason=override.reason.strip())
        yield cause.text_said
        return
    if episode is None:
        return
    parts = [
        say("{cause} {hours} 小时", cause=_cause_name(judgement, id_), hours=hours)
        for id_, hours in episode.hours
    ]
    yield say("首要污染物：{parts}。", parts=_listed(parts))
    if judgement.action == "tier" and judgement.rules.tier is not None:
        yield judgement.rules.tier.text_said
    elif cause is not None and judgement.action != "decide":
        yield cause.text_said


def _cause_name(judgement: Judgement, id_: CauseId | None) -> Message:
    cause = None if id_ is None else judgement.rules.cause(id_)
    return say("没有写") if cause is None else cause.said


def _holding(judgement: Judgement) -> Iterator[Message]:
    rules = judgement.rules
    if judgement.held == "past":
        yield say("预报已经过期，看不出今后的空气质量，请换上新的预报。")
    elif judgement.held == "above_line":
        yield say(
            "空气还没有转好：AQI 不超过 {line} 并将持续超过 {hours} 小时，才解除。",
            line=rules.clear.at_most,
            hours=rules.clear.more_than_hours,
        )
    elif judgement.held == "ahead" and judgement.may_lift_at is not None:
        yield say("预报从 {when} 起转好，到时可以解除。", when=_when(judgement.may_lift_at))
    elif judgement.held == "unknown":
        yield say("预报没有写首要污染物，认定成因以前维持本级。")
    elif judgement.held == "cause":
        yield say("今后的污染不启动减排清单；由人认定成因后，可以解除。")
    elif judgement.held == "recent":
        yield say(
            "本级发布还没有超过 {hours} 小时，级别反复的维持较高级别。", hours=rules.lower.more_than_hours
        )
    elif judgement.held == "horizon":
        yield say("预报没有超过 {hours} 小时，还不能降级。", hours=rules.lower.more_than_hours)


def _times(judgement: Judgement) -> Iterator[Message]:
    if judgement.issue_by is not None and judgement.level is not None:
        hours = judgement.rules.notice_hours
        if judgement.late:
            yield say("已不能提前 {hours} 小时，请立即发布。", hours=hours)
        else:
            yield say("最迟 {when} 发布（提前 {hours} 小时）。", when=_when(judgement.issue_by), hours=hours)
    if judgement.level is not None and judgement.action in ("issue", "upgrade", "downgrade"):
        yield say("签发：{who}。", who=judgement.rules.level(judgement.level).sign_off_said)
    if judgement.action == "lift" and judgement.override is None:
        clear = judgement.rules.clear
        yield say(
            "AQI 已不超过 {line}，并且预测将持续超过 {hours} 小时。",
            line=clear.at_most,
            hours=clear.more_than_hours,
        )
    elif judgement.action in ("issue", "keep", "upgrade", "downgrade", "tier") and judgement.held != "ahead":
        if judgement.may_lift_at is None:
            yield say("在预报期内还看不出何时可以解除。")
        else:
            yield say("预计 {when} 起可以解除。", when=_when(judgement.may_lift_at))


def _later(judgement: Judgement) -> Iterator[Message]:
    """Episodes after the one that the proposal is about."""
    here = judgement.episode
    for episode in judgement.episodes:
        if episode is here or episode.ends <= judgement.now or episode.reached is None:
            continue
        yield say(
            "此后 {start} 至 {end} 另有一次过程，按现在的预报达到{level}。",
            start=_when(episode.starts),
            end=_when(episode.ends),
            level=judgement.rules.level(episode.reached).said,
        )


def _gaps(judgement: Judgement) -> Iterator[Message]:
    gaps = judgement.series.gaps
    if gaps:
        shown = _listed(_when(gap) for gap in gaps[:5])
        yield say("{count} 个时段没有 AQI（{gaps} 等），不算超过，也不算转好。", count=len(gaps), gaps=shown)
    if judgement.series.not_forecast:
        names = "、".join(judgement.series.not_forecast)
        yield say("没有预报 {names}，AQI 按其余污染物计算。", names=names)


def _when(moment: datetime) -> Message:
    local = _local(moment)
    day = say("{year}年{month}月{day}日", year=local.year, month=local.month, day=local.day)
    if local.minute:
        return say("{day}{hour}时{minute}分", day=day, hour=local.hour, minute=local.minute)
    return say("{day}{hour}时", day=day, hour=local.hour)


def _listed(parts: Iterable[Message]) -> Message:
    return reduce(lambda one, other: say("{one}、{other}", one=one, other=other), parts)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(CHINA)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else _local(moment).isoformat()
