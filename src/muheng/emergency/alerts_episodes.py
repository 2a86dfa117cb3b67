"""Episodes of polluted air in a series: from where to where, which clauses they fulfil, what they are made of.

An episode is bounded by the line under which an alert may be lifted. Two with too little between them to clear are one.
What is to be done about an episode, and when, is ``alerts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from muheng.emergency.alert_rules import LEVELS, AlertRules, Cause, CauseId, Clause, Clear, Condition
from muheng.emergency.forecast import Series, Value
from muheng.emergency.inventory.model import Level

Above = Callable[[Value, int], bool | None]
"""Whether a value lies above a line; None where that is not known."""


@dataclass(frozen=True)
class Stretch:
    """Values above a line, from position ``first`` to ``last`` of the series; ``hours`` of them, interruptions left out."""

    first: int
    last: int
    hours: int
    interruptions: tuple[tuple[int, int], ...] = ()
    """Positions, both within: too short to clear."""


@dataclass(frozen=True)
class Met:
    """A clause that is fulfilled; of each of its conditions the stretches that fulfil it."""

    level: Level | None
    """None: the tier below yellow."""
    clause: Clause
    stretches: tuple[Stretch, ...]

    @property
    def first(self) -> int:
        return min(stretch.first for stretch in self.stretches)

    @property
    def last(self) -> int:
        return max(stretch.last for stretch in self.stretches)


@dataclass(frozen=True)
class Episode:
    """``starts``: where the first fulfilled clause begins; ``ends``: where the last value above the line ends."""

    starts: datetime
    ends: datetime
    level: Level | None
    """By the AQI, whatever it is made of. None: the tier below yellow."""
    cut_level: Level | None
    """By the pollutants whose pollution starts the reduction list."""
    cut_starts: datetime | None
    met: tuple[Met, ...]
    """All fulfilled clauses of all levels, by the AQI."""
    cut_met: tuple[Met, ...]
    cause: CauseId | None
    """None: nobody has said what the pollution is made of."""
    hours: tuple[tuple[CauseId | None, int], ...]
    """Hours above the line by cause, most first; an hour of two primary pollutants counts for both."""
    peak: int
    merged: tuple[tuple[int, int], ...]
    """Interruptions within, positions in the series: too short to clear, so that this is one episode."""
    unbroken: Level | None
    """What ``reached`` would be if only unbroken stretches counted."""
    positions: tuple[int, int]

    @property
    def reached(self) -> Level | None:
        """The level by the pollutants that start cuts, else by the AQI."""
        return self.level if self.cut_level is None else self.cut_level


def find_episodes(series: Series, rules: AlertRules) -> tuple[Episode, ...]:
    """The episodes that reach a level, in order of time."""
    clauses = [(level.id, clause) for level in rules.levels for clause in level.any]
    return tuple(_find(series, rules, rules.clear, clauses))


def find_tier(series: Series, rules: AlertRules) -> tuple[Episode, ...]:
    """The episodes that reach the tier below yellow by the pollutants that start cuts."""
    if rules.tier is None:
        return ()
    clauses = [(None, clause) for clause in rules.tier.any]
    found = _find(series, rules, rules.tier.clear, clauses)
    return tuple(episode for episode in found if episode.cut_met)


def higher(one: Level | None, other: Level | None) -> bool:
    """Is one level higher than the other? None is below yellow."""
    return _rank(one) > _rank(other)


def highest(met: Iterable[Met]) -> Level | None:
    return max((each.level for each in met), key=_rank, default=None)


def is_clean(value: Value, clear: Clear) -> bool:
    """Known to be at or below the line under which an alert may be lifted."""
    return value.aqi is not None and value.aqi <= clear.at_most


def _rank(level: Level | None) -> int:
    return -1 if level is None else LEVELS.index(level)


def _find(
    series: Series, rules: AlertRules, clear: Clear, clauses: Sequence[tuple[Level | None, Clause]]
) -> Iterable[Episode]:
    by_cuts = _by(rules)
    together = rules.merge.count == "together"
    gap = clear.more_than_hours
    for whole in _stretches(series.values, _by_aqi, clear.at_most, gap):
        met = _meet(series, whole, clauses, _by_aqi, gap if together else None)
        if not met:
            continue
        cut_met = _meet(series, whole, clauses, by_cuts, gap if together else None)
        unbroken = _meet(series, whole, clauses, by_cuts if cut_met else _by_aqi, None)
        inside = series.values[whole.first : whole.last + 1]
        polluted = [value for value in inside if _by_aqi(value, clear.at_most)]
        cause, hours = _cause(polluted, rules, bool(cut_met))
        yield Episode(
            starts=series.values[min(each.first for each in met)].start,
            ends=series.values[whole.last].end,
            level=highest(met),
            cut_level=highest(cut_met),
            cut_starts=series.values[min(each.first for each in cut_met)].start if cut_met else None,
            met=met,
            cut_met=cut_met,
            cause=cause,
            hours=hours,
            peak=max(value.aqi or 0 for value in polluted),
            merged=whole.interruptions,
            unbroken=highest(unbroken),
            positions=(whole.first, whole.last),
        )


def _by_aqi(value: Value, line: int) -> bool | None:
    return None if value.aqi is None else value.aqi > line


def _by(rules: AlertRules) -> Above:
    """By the index that the pollutants which start cuts give alone."""
    counted = rules.cut_pollutants

    def above(value: Value, line: int) -> bool | None:
        if value.aqi is None:
            return None
        if value.aqi <= line:
            return False
        if not value.indices:
            return None
        return any(value.indices.get(pollutant, 0) > line for pollutant in counted)

    return above


def _stretches(values: Sequence[Value], above: Above, line: int, gap: int | None) -> list[Stretch]:
    """Maximal stretches above the line. ``gap``: interruptions of at most so many hours that are known to be at or
    below it don't end one; what is not known ends none either. None: every interruption does."""
    found: list[Stretch] = []
    first = last = -1
    hours = clean = 0
    ended = True
    breaks: list[tuple[int, int]] = []
    for at, value in enumerate(values):
        state = above(value, line)
        if state:
            if not ended and (last == at - 1 or gap is not None):
                if last != at - 1:
                    breaks.append((last + 1, at - 1))
            else:
                if first >= 0:
                    found.append(Stretch(first, last, hours, tuple(breaks)))
                first, hours, breaks, ended = at, 0, [], False
            last, clean = at, 0
            hours += value.hours
        elif state is None:
            clean = 0
        else:
            clean += value.hours
            ended = ended or (gap is not None and clean > gap)
    if first >= 0:
        found.append(Stretch(first, last, hours, tuple(breaks)))
    return found


def _meet(
    series: Series,
    whole: Stretch,
    clauses: Sequence[tuple[Level | None, Clause]],
    above: Above,
    gap: int | None,
) -> tuple[Met, ...]:
    """The clauses that this episode fulfils."""
    known: dict[int, list[Stretch]] = {}

    def fulfilling(condition: Condition) -> list[Stretch]:
        line = condition.line
        if line not in known:
            inside = series.values[whole.first : whole.last + 1]
            known[line] = _stretches(inside, above, line, gap)
        return [stretch for stretch in known[line] if stretch.hours >= (condition.hours or 1)]

    met: list[Met] = []
    for level, clause in clauses:
        each = [fulfilling(condition) for condition in clause.all]
        if all(each):
            moved = (_move(stretch, whole.first) for stretches in each for stretch in stretches)
            met.append(Met(level, clause, tuple(moved)))
    return tuple(met)


def _move(stretch: Stretch, by: int) -> Stretch:
    breaks = tuple((first + by, last + by) for first, last in stretch.interruptions)
    return Stretch(stretch.first + by, stretch.last + by, stretch.hours, breaks)


def _cause(
    polluted: Sequence[Value], rules: AlertRules, cuts: bool
) -> tuple[CauseId | None, tuple[tuple[CauseId | None, int], ...]]:
    """What an episode is made of: a cause that starts cuts where those alone reach a level, else that of most hours."""
    hours: dict[CauseId | None, int] = {}
    causes: dict[CauseId, Cause] = {}
    for value in polluted:
        named = {
            cause.id: cause for each in value.primary or () if (cause := rules.cause_of(each)) is not None
        }
        causes |= named
        for id_ in named or (None,):
            hours[id_] = hours.get(id_, 0) + value.hours
    order = [cause.id for cause in rules.causes]
    listed = sorted(
        hours.items(), key=lambda each: (-each[1], order.index(each[0]) if each[0] else len(order))
    )
    named_first = [id_ for id_, _ in listed if id_ is not None]
    cutting = next((id_ for id_ in named_first if causes[id_].cuts), None)
    if cuts:
        # Their own index reached the level; where another pollutant was above them every hour, the first that cuts.
        return cutting or next(cause.id for cause in rules.causes if cause.cuts and cause.pollutants), tuple(
            listed
        )
    others = [id_ for id_ in named_first if not causes[id_].cuts]
    return next(iter([*others, *named_first]), None), tuple(listed)
