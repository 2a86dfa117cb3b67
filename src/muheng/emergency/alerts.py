"""What a forecast asks for now: an alert, a higher or lower one, its end, a health notice, or nothing.

Proposals with their reasons (``alerts_explanation``); a person issues, changes and lifts alerts. No clock: ``now`` is given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from muheng.documents.message import Refusal, say
from muheng.emergency.alert_rules import AlertRules, Cause, CauseId, Clear
from muheng.emergency.alerts_episodes import Episode, Met, find_episodes, find_tier, higher, highest, is_clean
from muheng.emergency.forecast import Series
from muheng.emergency.inventory.model import Level

Action = Literal["none", "tier", "health", "decide", "issue", "keep", "upgrade", "downgrade", "lift"]
"""``health``: polluted, and nothing to cut; ``decide``: polluted, and nobody has said by what."""
Held = Literal["past", "ahead", "unknown", "cause", "above_line", "recent", "horizon"]
"""The forecast is over; it is clean, and begins later than now; nobody has said what is to come; what comes starts no
cuts; the air is not below the line yet; the level is too new; the forecast is too short."""


@dataclass(frozen=True)
class Current:
    """The alert in force; ``since``: when this level was set."""

    level: Level
    since: datetime


@dataclass(frozen=True)
class Override:
    """A person's finding of the cause, in place of what the primary pollutants say."""

    cause: CauseId
    reason: str


@dataclass(frozen=True)
class Judgement:
    """A proposal, with all that it rests on.

    ``level``: the alert that should be in force, with its cuts; None: none. ``episode``: the one that it is about.
    """

    series: Series
    rules: AlertRules
    now: datetime
    current: Current | None
    override: Override | None
    episodes: tuple[Episode, ...]
    """All that reach a level, past ones too."""
    action: Action
    level: Level | None
    episode: Episode | None = None
    met: tuple[Met, ...] = ()
    """The clauses that call for the level from now on."""
    starts: datetime | None = None
    ends: datetime | None = None
    issue_by: datetime | None = None
    """The latest moment that keeps the notice; only where an alert is to be issued or raised."""
    may_lift_at: datetime | None = None
    """From then on the air is forecast to be clean for long enough; None: not within the forecast."""
    held: Held | None = None
    """Why an alert is kept that nothing, or only a lower level, calls for."""

    @property
    def cuts(self) -> bool:
        """Whether the reduction list should be in force."""
        return self.level is not None

    @property
    def late(self) -> bool:
        """Whether the notice cannot be kept any more."""
        return self.issue_by is not None and self.issue_by < self.now

    @property
    def cause(self) -> Cause | None:
        if self.override is not None:
            return self.rules.cause(self.override.cause)
        if self.episode is None or self.episode.cause is None:
            return None
        return self.rules.cause(self.episode.cause)


def judge(
    series: Series,
    rules: AlertRules,
    now: datetime,
    current: Current | None = None,
    override: Override | None = None,
) -> Judgement:
    """What the series asks for at ``now`` (an aware time), with the alert in force and a person's finding of the cause.

    Values before ``now`` count for how long an episode has lasted. Raises Refusal: a cause or level that the rules do
    not have, an override without a reason.
    """
    _check(rules, current, override)
    episodes = find_episodes(series, rules)
    base = Judgement(series, rules, now, current, override, episodes, "none", None)
    if current is not None:
        return _judge_current(base, current)
    for episode in episodes:
        if episode.ends > now and (called := _call(base, episode)) is not None:
            return called
    tier = next(
        (each for each in find_tier(series, rules) if each.ends > now and _from_now(base, each.cut_met)), None
    )
    if tier is not None and not (override is not None and not _cause(rules, override.cause).cuts):
        met = _from_now(base, tier.cut_met)
        ends = tier.ends
        assert rules.tier is not None
        return replace(
            base, action="tier", episode=tier, met=met, starts=tier.cut_starts, ends=ends,
            may_lift_at=_clean_from(series, rules.tier.clear, ends),
        )  # fmt: skip
    return base


def _call(base: Judgement, episode: Episode) -> Judgement | None:
    """What an episode asks for where no alert is in force; None where what called for one has passed."""
    met = _due(base, episode)
    level = highest(met)
    ends = episode.ends
    lift = _clean_from(base.series, base.rules.clear, ends)
    found = replace(base, episode=episode, ends=ends, may_lift_at=lift)
    if level is not None:
        starts = base.series.values[min(each.first for each in met)].start
        return replace(
            found,
            action="issue",
            level=level,
            met=_of(met, level),
            starts=starts,
            issue_by=_issue_by(base, starts),
        )
    polluted = _from_now(base, episode.met)
    if not polluted:
        return None
    action: Action = "decide" if base.override is None and _is_unknown(episode) else "health"
    return replace(found, action=action, met=_of(polluted, highest(polluted)), starts=episode.starts)


def _judge_current(base: Judgement, current: Current) -> Judgement:
    series, now = base.series, base.now
    lift = _clean_from(series, base.rules.clear, now)
    known = series.values[-1].end > now
    here = (each for each in base.episodes if each.ends > now and (lift is None or each.starts < lift))
    episode = next(here, None)
    found = replace(base, may_lift_at=lift, episode=episode, ends=lift or (episode.ends if episode else None))
    refused = base.override is not None and not _cause(base.rules, base.override.cause).cuts
    if (lift is not None and lift <= now) or (refused and known):
        return replace(found, action="lift", may_lift_at=now)
    met = _due(base, episode) if episode is not None else ()
    due = highest(met)
    if due == current.level:
        return replace(found, action="keep", level=due, met=_of(met, due), starts=current.since)
    if due is not None and higher(due, current.level):
        met = _of(met, due)
        starts = max(now, series.values[min(each.first for each in met)].start)
        return replace(
            found, action="upgrade", level=due, met=met, starts=starts, issue_by=_issue_by(base, starts)
        )
    held = _held(found, current, due)
    if held is None:
        return replace(found, action="downgrade", level=due, met=_of(met, due), starts=now)
    return replace(
        found, action="keep", level=current.level, met=_of(met, due), starts=current.since, held=held
    )


def _held(base: Judgement, current: Current, due: Level | None) -> Held | None:
    """Why the alert is not lowered to what the forecast still calls for."""
    ahead = [value for value in base.series.values if value.end > base.now]
    if not ahead:
        return "past"
    if due is None and base.may_lift_at == ahead[0].start:
        return "ahead"
    if due is None:
        if base.episode is None or not _from_now(base, base.episode.met):
            return "above_line"
        return "unknown" if base.override is None and _is_unknown(base.episode) else "cause"
    steady = timedelta(hours=base.rules.lower.more_than_hours)
    if base.now - current.since <= steady:
        return "recent"
    unknown = next((value.start for value in ahead if value.aqi is None), ahead[-1].end)
    return "horizon" if unknown - max(base.now, ahead[0].start) <= steady else None


def _due(base: Judgement, episode: Episode) -> tuple[Met, ...]:
    """The clauses that call for cuts from now on."""
    if base.override is None:
        return _from_now(base, episode.cut_met)
    return _from_now(base, episode.met) if _cause(base.rules, base.override.cause).cuts else ()


def _from_now(base: Judgement, met: tuple[Met, ...]) -> tuple[Met, ...]:
    """Clauses whose stretches last beyond now."""
    return tuple(each for each in met if base.series.values[each.last].end > base.now)


def _of(met: tuple[Met, ...], level: Level | None) -> tuple[Met, ...]:
    return tuple(each for each in met if each.level == level)


def _is_unknown(episode: Episode) -> bool:
    """Does it have hours whose primary pollutants nobody has named?"""
    return any(cause is None for cause, _ in episode.hours)


def _issue_by(base: Judgement, starts: datetime) -> datetime:
    return starts - timedelta(hours=base.rules.notice_hours)


def _clean_from(series: Series, clear: Clear, since: datetime) -> datetime | None:
    """The first moment from ``since`` on after which the air is known to be clean for long enough."""
    start: datetime | None = None
    for value in series.values:
        if not is_clean(value, clear):
            start = None
        elif value.end > since:
            start = start or max(value.start, since)
            if value.end - start > timedelta(hours=clear.more_than_hours):
                return start
    return None


def _cause(rules: AlertRules, id_: CauseId) -> Cause:
    cause = rules.cause(id_)
    assert cause is not None
    return cause


def _check(rules: AlertRules, current: Current | None, override: Override | None) -> None:
    if current is not None and current.level not in {level.id for level in rules.levels}:
        raise Refusal(say("规则“{rules}”没有 {level} 这一级。", rules=rules.said, level=current.level))
    if override is None:
        return
    if rules.cause(override.cause) is None:
        known = "、".join(cause.id for cause in rules.causes)
        raise Refusal(
            say("没有 {cause} 这种成因。", cause=override.cause), say("可以写：{known}。", known=known)
        )
    if not override.reason.strip():
        raise Refusal(say("人工认定成因要写理由。"))
