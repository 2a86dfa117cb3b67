"""What judgement found in hours, as events and suspicions that people work with.

Found anew each time, so what is there already is recognised by point, factor and time: an episode that goes on makes its event
grow, one that late data or a mark took away leaves it gone. What people did is never touched. The case of an event is opened
in ``cases``, the clocks of the tiers are in ``escalating``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import translation

from muheng.monitoring.judgement.episodes import Episode, Seen
from muheng.monitoring.judgement.judging import Judged
from muheng.monitoring.judgement.rules import TIERS, Repeat, Rules, TierId
from muheng.monitoring.judgement.signs import Sign
from muheng.web.casework.actions import act
from muheng.web.monitoring.actions.events import send_to_field
from muheng.web.monitoring.cases import keep_step, open_alert
from muheng.web.monitoring.escalating import set_clock, wants_answer
from muheng.web.monitoring.limit_changes import WHOLE_POINT, find_unjudged, say_whole
from muheng.web.monitoring.models import Event, EventStep, LimitChange, Mark, Point, Suspicion
from muheng.web.monitoring.moments import to_aware, to_local
from muheng.web.monitoring.pushing import LIMITS_CHANGED, MARKED, Push, push_all, tell_excused

_HOUR = timedelta(hours=1)
EDGE = timedelta(days=1)
"""What begins so near the edge of the stretch may have lost what it rested on to the edge alone."""
_NOT_OF_POINT = ("copied_neighbour", "revised")
"""Signs that judging one point does not see: of two points together, and of values that are not there any more."""


@dataclass
class Run:
    """What is there of some points, and what is found: ``keep`` each point, then ``push`` once.

    ``begin``: where the judged stretch begins, local.
    """

    points: Sequence[Point]
    begin: datetime
    now: datetime
    rules: Rules
    events: dict[tuple[int, str], list[Event]] = field(default_factory=dict)
    suspicions: dict[tuple[int, str, str], list[Suspicion]] = field(default_factory=dict)
    pushes: list[Push] = field(default_factory=list)
    excused: list[Event] = field(default_factory=list)
    """Gone, and a mark that was made since they were raised lies over them."""
    relieved: list[Event] = field(default_factory=list)
    """Gone, and the limit was changed from a day of theirs or before."""
    changes: list[LimitChange] = field(default_factory=list)
    """By which these hours are judged for the first time."""

    def __post_init__(self) -> None:
        numbers, since = [point.pk for point in self.points], to_aware(self.begin)
        of = {point.pk: point for point in self.points}
        for event in Event.objects.filter(point__in=numbers, last__gte=since).select_related("case"):
            event.point = of[event.point_id]
            self.events.setdefault((event.point_id, event.factor), []).append(event)
        self.changes = find_unjudged(numbers)
        for each in Suspicion.objects.filter(point__in=numbers, end__gt=since):
            self.suspicions.setdefault((each.point_id, each.factor, each.kind), []).append(each)

    def keep(self, point: Point, judged: Judged) -> None:
        """Lay what was found at a point over what is there."""
        met: set[int] = set()
        for episode in judged.episodes:
            met |= self._meet(point, episode)
        for (owner, _factor), events in self.events.items():
            if owner == point.pk:
                for event in events:
                    if event.pk not in met:
                        self._drop(event)
        self._keep_signs(point, judged.signs)

    def push(self) -> None:
        """Tell whoever has to know of it all, in few words where there is much."""
        push_all(self.pushes, self.now)
        tell_excused(self.excused, MARKED, self.now)
        tell_excused(self.relieved, LIMITS_CHANGED, self.now)
        LimitChange.objects.filter(pk__in=[each.pk for each in self.changes]).update(judged_at=self.now)

    # -- episodes ------------------------------------------------------------------------------------------

    def _find_events(self, point: Point, episode: Episode) -> list[Event]:
        """What is there already of an episode's pollutant and time, in order."""
        quiet = self.rules.alerts.episodes.quiet_hours * _HOUR
        return [
            event
            for event in sorted(
                self.events.get((point.pk, episode.pollutant), ()), key=lambda each: each.begin
            )
            if to_local(event.begin) <= episode.last + quiet and episode.begin <= to_local(event.last) + quiet
        ]

    def _meet(self, point: Point, episode: Episode) -> set[int]:
        """Bring an episode to its event; gives the events that it speaks for."""
        mine = self._find_events(point, episode)
        running = [event for event in mine if event.state != Event.State.CLOSED]
        met = {event.pk for event in mine if event.state == Event.State.CLOSED}
        for event in mine:
            if event.pk in met and event.gone:
                self._change(event, gone=False)
                self._say_limits(event, "again")
        if running:
            first, *others = running
            self._grow(first, episode)
            for other in others:
                # Late data closed the gap between two.
                self._drop(other, joined=first.number)
            return met | {event.pk for event in running}
        rest = _after(episode, mine)
        if rest is not None:
            met.add(self._raise(point, rest).pk)
        return met

    def _raise(self, point: Point, episode: Episode) -> Event:
        event = Event.objects.create(
            number=_next_number(self.now),
            point=point,
            factor=episode.pollutant,
            begin=to_aware(episode.begin),
            last=to_aware(episode.last),
            over=episode.closed,
            peak=episode.peak,
            seen=_write_seen(episode.seen, [], self.now),
            tier=episode.tier,
            raised_at=self.now,
        )
        self.events.setdefault((point.pk, event.factor), []).append(event)
        keep_step(event, EventStep.Kind.RAISED, self.now, None, {"tier": event.tier, "seen": event.seen})
        self._say_limits(event, "raised")
        self._follow_up(event, None)
        self._end_hint(event)
        return event

    def _grow(self, event: Event, episode: Episode) -> None:
        seen = _write_seen(episode.seen, event.seen, self.now)
        tier = max(event.tier, episode.tier, key=lambda each: TIERS.index(each))
        before = event.tier
        again = event.gone
        last = event.last
        changed = self._change(
            event,
            begin=min(event.begin, to_aware(episode.begin))
            if _is_cut(event, self.begin)
            else to_aware(episode.begin),
            last=to_aware(episode.last),
            over=episode.closed,
            peak=episode.peak,
            seen=seen,
            tier=tier,
            gone=False,
        )
        if tier != before or again:
            detail = {"from": before, "to": tier, "seen": seen, "again": again}
            keep_step(event, EventStep.Kind.GROWN, self.now, None, detail)
        if changed:
            self._say_limits(event, "again" if again else "changed", last)
        if tier != before or again:
            self._follow_up(event, before if not again else None)
        elif changed:
            self._open_case(event)
        self._end_hint(event)

    def _follow_up(self, event: Event, before: str | None) -> None:
        self._open_case(event)
        set_clock(event, self.rules.alerts, self.now)
        place = -1 if before is None else TIERS.index(before)
        reached: list[TierId] = [
            tier for tier in TIERS if place < TIERS.index(tier) <= TIERS.index(event.tier)
        ]
        self.pushes += [Push(event, tier) for tier in reached]
        self._repeat(event)

    def _open_case(self, event: Event) -> None:
        if event.case is None and wants_answer(event, self.rules.alerts):
            open_alert(event, self.now)

    def _end_hint(self, event: Event) -> None:
        """A hint is over when its hours are; nobody need close it."""
        if event.over and event.state == Event.State.OPEN and not wants_answer(event, self.rules.alerts):
            self._change(event, state=Event.State.CLOSED, closed_at=self.now)
            keep_step(event, EventStep.Kind.CLOSED, self.now, None, {"note": "已恢复正常，不需要说明。"})

    def _repeat(self, event: Event) -> None:
        """The rule that sends somebody after so many events; once for all of them."""
        rule = self.rules.alerts.repeat
        if rule is None or not _counts(event, rule):
            return
        since = self.now - timedelta(days=rule.days)
        others = [
            each
            for each in Event.objects.filter(point=event.point_id, last__gte=since, gone=False)
            if _counts(each, rule)
        ]
        if len(others) < rule.events or any(each.repeated for each in others):
            return
        self._change(event, repeated=True)
        note = f"{rule.days}天内{len(others)}起：{'、'.join(sorted(each.number for each in others))}"
        moved = send_to_field(None, event, note=note, at=self.now)
        event.state, event.due_at, event.due_until = moved.state, moved.due_at, moved.due_until

    def _drop(self, event: Event, joined: str = "") -> None:
        """Nothing speaks for an event any more; where its hours are still looked at."""
        if event.gone or (not joined and to_local(event.begin) < self.begin + EDGE):
            return
        self._change(event, gone=True, over=True, due_at=None, due_until="")
        marks = [] if joined else _find_marks_since(event)
        changes = [] if joined else self._changes_behind(event)
        detail: dict[str, object] = {
            "joined": joined,
            "marks": [mark.pk for mark in marks],
            "limits": [each.pk for each in changes],
        }
        keep_step(event, EventStep.Kind.GONE, self.now, None, detail)
        if marks:
            self.excused.append(event)
        if changes:
            self._say_limits(event, "gone")
            self.relieved.append(event)
        if event.case is not None and event.case.live:
            with translation.override("zh-hans"):
                said = _say_gone(joined, changes)
            act(None, event.case, "note", note=said, part="room", at=self.now)

    def _changes_behind(self, event: Event, last: datetime | None = None) -> list[LimitChange]:
        """Changes of its limit that are judged by for the first time and reach its hours; ``last``: its last one before."""
        until = to_local(max(event.last, last or event.last)).date()
        own = (
            each
            for each in self.changes
            if each.point_id == event.point_id and each.factor in (event.factor, WHOLE_POINT)
        )
        return [each for each in own if each.back and each.since <= until]

    def _say_limits(self, event: Event, became: str, last: datetime | None = None) -> None:
        """That an event came, went or is another because its limit was changed."""
        for each in self._changes_behind(event, last):
            detail = {"change": each.pk, "became": became, "note": each.reason}
            keep_step(event, EventStep.Kind.LIMITS, self.now, each.by, detail)

    def _change(self, event: Event, **values: Any) -> bool:
        changed = [name for name, value in values.items() if getattr(event, name) != value]
        for name in changed:
            setattr(event, name, values[name])
        if changed:
            event.save(update_fields=changed)
        return bool(changed)

    # -- signs ---------------------------------------------------------------------------------------------

    def _keep_signs(self, point: Point, signs: Iterable[Sign]) -> None:
        met: set[int] = set()
        for sign in signs:
            held = self.suspicions.setdefault((point.pk, sign.factor, sign.kind), [])
            met.add(keep_sign(point.pk, sign, held, met, self.now).pk)
        for (owner, _factor, kind), held in self.suspicions.items():
            if owner != point.pk or kind in _NOT_OF_POINT:
                continue
            for each in held:
                if each.pk not in met and not each.gone and to_local(each.begin) >= self.begin + EDGE:
                    update(each, gone=True)


def keep_sign(
    point: int, sign: Sign, held: list[Suspicion], met: Collection[int], now: datetime
) -> Suspicion:
    """The suspicion that a sign is, among those ``held`` of its point, factor and kind: one that begins with it, or one of
    its time that no other sign ``met``; else a new one."""
    same = (each for each in held if to_local(each.begin) == sign.begin)
    near = (
        each
        for each in held
        if each.pk not in met and to_local(each.begin) <= sign.end and sign.begin <= to_local(each.end)
    )
    known = next(same, None) or next(near, None)
    found: dict[str, Any] = {
        "end": to_aware(sign.end),
        "times": sign.times,
        "strength": sign.strength,
        "seen": write_sign(sign),
    }
    if known is not None:
        update(known, **found, gone=False)
        return known
    made = Suspicion.objects.create(
        point_id=point,
        factor=sign.factor,
        kind=sign.kind,
        begin=to_aware(sign.begin),
        found_at=now,
        **found,
    )
    held.append(made)
    return made


def _say_gone(joined: str, changes: Sequence[LimitChange]) -> str:
    if joined:
        return f"与 {joined} 是同一起，请在那一件办理。"
    if changes:
        said = "；".join(map(say_whole, changes))
        return f"限值改动：{said}。按新限值这起事件不再成立，请核实改动的依据。"
    return "补传的数据或标记使这起事件不再成立。"


def write_sign(sign: Sign) -> dict[str, Any]:
    """As ``Suspicion.seen`` keeps it: the sentence in both languages, and the list that it rests on."""
    seen: dict[str, Any] = {lang: sign.seen.render(lang) for lang in ("zh", "en")}
    if sign.cases:
        seen["cases"] = [
            {
                "begin": each.begin.isoformat(),
                "hours": each.hours,
                "ratio": each.ratio,
                "mark": each.mark,
                "made": each.made.isoformat(),
            }
            for each in sign.cases
        ]
    return seen


def _find_marks_since(event: Event) -> list[Mark]:
    """Those over an event that were made after it was raised."""
    over = Mark.objects.filter(point=event.point_id, withdrawn_at=None, at__gt=event.raised_at)
    return list(over.filter(begin__lt=event.last + _HOUR).exclude(end__lte=event.begin))


def update(suspicion: Suspicion, **values: Any) -> None:
    """Write what changed, if anything did."""
    changed = [name for name, value in values.items() if getattr(suspicion, name) != value]
    for name in changed:
        setattr(suspicion, name, values[name])
    if changed:
        suspicion.save(update_fields=changed)


def _after(episode: Episode, closed: Sequence[Event]) -> Episode | None:
    """What of an episode came after people closed what it was so far; None where nothing did."""
    if not closed:
        return episode
    until = max(
        max(to_local(event.last), to_local(event.closed_at) if event.closed_at else to_local(event.last))
        for event in closed
    )
    since = until.replace(minute=0, second=0, microsecond=0) + _HOUR
    seen = tuple(
        Seen(each.tier, each.when, max(each.first, since), each.last, each.times)
        for each in episode.seen
        if each.last >= since
    )
    if not seen:
        return None
    return Episode(
        episode.outlet,
        episode.pollutant,
        max(episode.begin, since),
        episode.last,
        seen,
        episode.peak,
        episode.closed,
    )


def _write_seen(
    seen: Iterable[Seen], before: Iterable[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """As the event keeps it; a condition that was known keeps when it became so."""
    known = {_name(each): each["known"] for each in before}
    rows = []
    for each in seen:
        row: dict[str, Any] = {
            "tier": each.tier,
            "kind": each.when.kind,
            "percent": each.when.percent,
            "hours": each.when.hours,
            "days": each.when.days,
            "first": each.first.isoformat(),
            "last": each.last.isoformat(),
            "times": each.times,
        }
        row["known"] = known.get(_name(row)) or to_local(now).isoformat(timespec="seconds")
        rows.append(row)
    return rows


def _name(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("tier", "kind", "percent", "hours", "days"))


def _is_cut(event: Event, begin: datetime) -> bool:
    """Whether an event begins before the stretch that is judged."""
    return to_local(event.begin) < begin + EDGE


def _counts(event: Event, rule: Repeat) -> bool:
    return TIERS.index(event.tier) >= TIERS.index(rule.tier) and bool(
        {each["kind"] for each in event.seen} & set(rule.kinds)
    )


def _next_number(now: datetime) -> str:
    """JC-20261122-001: the day, and how many there were."""
    prefix = f"JC-{to_local(now):%Y%m%d}-"
    return f"{prefix}{Event.objects.filter(number__startswith=prefix).count() + 1:03d}"
