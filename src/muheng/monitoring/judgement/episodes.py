"""Episodes instead of alerts: what happens to one pollutant of one outlet, merged over quiet hours and graded.

Fed an hour at a time or a year at once, the episodes are the same. Escalation because nobody answered is in ``escalation``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from muheng.monitoring.judgement.rules import TIERS, Alerts, TierId, When
from muheng.monitoring.judgement.runs import Counts, Hold, Numbers, count_on

ALL = ""
"""Instead of a pollutant: nothing came of any."""


@dataclass(frozen=True, eq=False)
class Observed:
    """Consecutive hours of one pollutant, from ``begin``; all arrays are of one length.

    ``day_ratio`` stands at the last hour of a day whose mean is judged, NaN elsewhere.
    """

    begin: datetime
    value: Numbers
    """NaN where there is none."""
    ratio: Numbers
    """Value ÷ limit where the hour itself is judged."""
    missing: Hold
    """Ran, unmarked, nothing valid came."""
    marked: Hold
    day_ratio: Numbers


@dataclass(frozen=True)
class Seen:
    """One condition in an episode: when first and last, for how many hours (days for day and days)."""

    tier: TierId
    when: When
    first: datetime
    last: datetime
    times: int


@dataclass(frozen=True)
class Episode:
    """One event. ``begin``: the first hour of what led to it; ``last``: the last hour that added to it."""

    outlet: str
    pollutant: str
    begin: datetime
    last: datetime
    seen: tuple[Seen, ...]
    peak: float | None
    """The largest value ÷ limit among its hours and days; None where no value is above its limit's share."""
    closed: bool
    """So many quiet hours have passed that nothing more can come to it."""

    @property
    def tier(self) -> TierId:
        """The highest that it reached."""
        return max((each.tier for each in self.seen), key=TIERS.index)

    def reached(self, tier: TierId) -> datetime | None:
        """When it was first known to be of this tier or above: at the end of that hour."""
        times = [each.first for each in self.seen if TIERS.index(each.tier) >= TIERS.index(tier)]
        return min(times) + timedelta(hours=1) if times else None


@dataclass(frozen=True)
class Watch:
    """What has to be remembered of one pollutant between two feedings."""

    outlet: str
    pollutant: str
    flat_hours: int
    """So many equal hours are flat, for values as coarse as these."""
    at: datetime | None = None
    """The hour that is due next."""
    value: float | None = None
    same: int = 0
    runs: tuple[int, ...] = ()
    """How long each condition that counts hours on end has held."""
    marked: int = 0
    """Marked hours of the day so far."""
    over_days: tuple[datetime, ...] = ()
    open: Episode | None = None


class OutOfTurn(ValueError):
    """Hours were fed that do not follow those before."""


@dataclass
class _Hits:
    """Hours at which conditions held, with where what led to them began."""

    hour: list[int] = field(default_factory=list)
    begin: list[int] = field(default_factory=list)
    condition: list[int] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)


def watch(outlet: str, pollutant: str, flat_hours: int) -> Watch:
    """The watch over a pollutant of which nothing came yet."""
    return Watch(outlet, pollutant, flat_hours)


def feed(watch: Watch, observed: Observed, rules: Alerts) -> tuple[Watch, tuple[Episode, ...]]:
    """The watch after these hours, and the episodes that ended in them. Raises OutOfTurn for hours out of turn."""
    if watch.at is not None and watch.at != observed.begin:
        raise OutOfTurn(f"{observed.begin} came where {watch.at} is due")
    length = len(observed.value)
    if length == 0:
        return watch, ()
    conditions = [(tier.id, when) for tier in rules.tier for when in tier.when]
    carried = watch.runs or (0,) * len(conditions)
    hits = _Hits()
    same, last_value = _count_same(watch, observed)
    hour_of_day = (observed.begin.hour + np.arange(length)) % 24
    runs: list[int] = []
    for at, (_, when) in enumerate(conditions):
        run = 0
        if when.kind in ("near", "over", "missing"):
            run = _find_on_end(at, when, carried[at], observed, hits)
        elif when.kind == "flat":
            _add(hits, at, np.flatnonzero(same >= watch.flat_hours), same, observed.ratio)
        elif when.kind == "marked":
            _find_marked(at, when, watch.marked, observed.marked, hour_of_day, hits)
        else:
            _find_days(at, when, watch.over_days, observed, rules, hits)
        runs.append(run)
    marked = _marked_today(watch.marked, observed.marked, hour_of_day)
    over_days = _remember_days(watch.over_days, observed, rules)
    current, ended = _merge(watch, observed, conditions, hits, rules)
    after = observed.begin + timedelta(hours=length)
    return replace(
        watch, at=after, value=last_value, same=int(same[-1]), runs=tuple(runs), marked=marked,
        over_days=over_days, open=current,
    ), ended  # fmt: skip


def _count_same(watch: Watch, observed: Observed) -> tuple[Counts, float | None]:
    """For how many hours the value has been what it is; an hour without a value ends that."""
    value = observed.value
    before = np.concatenate(([np.nan if watch.value is None else watch.value], value[:-1]))
    known = np.isfinite(value)
    same = count_on(value == before, max(watch.same - 1, 0)) + known
    last = float(value[-1]) if known[-1] else None
    return same, last


def _find_on_end(at: int, when: When, carried: int, observed: Observed, hits: _Hits) -> int:
    if when.kind == "missing":
        holds = observed.missing
    elif when.kind == "over":
        holds = observed.ratio > 1
    else:
        holds = observed.ratio >= (when.percent or 0) / 100
    if not holds.any():
        return 0
    run = count_on(holds, carried)
    _add(hits, at, np.flatnonzero(run >= (when.hours or 1)), run, observed.ratio)
    return int(run[-1])


def _add(hits: _Hits, at: int, hours: Counts, run: Counts, ratio: Numbers) -> None:
    if len(hours) == 0:
        return
    hits.hour += hours.tolist()
    hits.begin += (hours - run[hours] + 1).tolist()
    hits.condition += [at] * len(hours)
    hits.ratio += ratio[hours].tolist()


def _find_marked(at: int, when: When, carried: int, marked: Hold, hour_of_day: Counts, hits: _Hits) -> None:
    """A condition once a day, at the hour in which the marked hours pass the line."""
    if not marked.any():
        return
    today = _count_today(carried, marked, hour_of_day)
    for hour in np.flatnonzero(marked & (today == (when.hours or 0) + 1)).tolist():
        hits.hour.append(hour)
        hits.begin.append(hour - int(hour_of_day[hour]))
        hits.condition.append(at)
        hits.ratio.append(np.nan)


def _count_today(carried: int, marked: Hold, hour_of_day: Counts) -> Counts:
    """Marked hours of the day up to each hour; ``carried``: those before the first, of its day."""
    total = np.cumsum(marked) + carried
    before = total - marked
    midnights = np.flatnonzero(hour_of_day == 0)
    base = np.zeros(len(marked), dtype=np.int64)
    base[midnights] = before[midnights]
    counted: Counts = total - np.maximum.accumulate(base)
    return counted


def _marked_today(carried: int, marked: Hold, hour_of_day: Counts) -> int:
    if hour_of_day[-1] == 23:
        return 0
    if not marked.any():
        return 0 if len(marked) > hour_of_day[-1] else carried
    return int(_count_today(carried, marked, hour_of_day)[-1])


def _over_days(observed: Observed) -> list[int]:
    found: list[int] = np.flatnonzero(observed.day_ratio > 1).tolist()
    return found


def _find_days(
    at: int, when: When, over_days: tuple[datetime, ...], observed: Observed, rules: Alerts, hits: _Hits
) -> None:
    window = timedelta(days=rules.episodes.day_window)
    past = list(over_days)
    for hour in _over_days(observed):
        moment = observed.begin + timedelta(hours=hour)
        past = [each for each in past if moment - each < window] + [moment]
        if when.kind == "day" or len(past) >= (when.days or 1):
            hits.hour.append(hour)
            hits.begin.append(hour - moment.hour)
            hits.condition.append(at)
            hits.ratio.append(float(observed.day_ratio[hour]))


def _remember_days(
    over_days: tuple[datetime, ...], observed: Observed, rules: Alerts
) -> tuple[datetime, ...]:
    """Those that still matter after these hours."""
    days = [*over_days, *(observed.begin + timedelta(hours=hour) for hour in _over_days(observed))]
    after = observed.begin + timedelta(hours=len(observed.value))
    return tuple(each for each in days if after - each < timedelta(days=rules.episodes.day_window))


def _merge(
    watch: Watch, observed: Observed, conditions: list[tuple[TierId, When]], hits: _Hits, rules: Alerts
) -> tuple[Episode | None, tuple[Episode, ...]]:
    """Hits in the order of time to episodes, the first continuing the open one."""
    quiet = timedelta(hours=rules.episodes.quiet_hours)
    ended: list[Episode] = []
    current = watch.open
    after = observed.begin + timedelta(hours=len(observed.value))
    if hits.hour:
        hour = np.array(hits.hour)
        order = np.lexsort((np.array(hits.condition), hour))
        hour = hour[order]
        cuts = np.flatnonzero(np.diff(hour) > rules.episodes.quiet_hours + 1) + 1
        for part in np.split(order, cuts):
            first = observed.begin + timedelta(hours=hits.hour[part[0]])
            if current is not None and first - current.last > quiet + timedelta(hours=1):
                ended.append(replace(current, closed=True))
                current = None
            current = _extend(watch, observed.begin, conditions, hits, part.tolist(), current)
            if part[-1] != order[-1]:
                ended.append(replace(current, closed=True))
                current = None
    if current is not None and after - current.last > quiet + timedelta(hours=1):
        ended.append(replace(current, closed=True))
        current = None
    return current, tuple(ended)


def _extend(
    watch: Watch,
    origin: datetime,
    conditions: list[tuple[TierId, When]],
    hits: _Hits,
    part: list[int],
    current: Episode | None,
) -> Episode:
    """The open episode with further hits, or a new one of them."""
    seen = {} if current is None else {(each.tier, each.when): each for each in current.seen}
    for place in part:
        time = origin + timedelta(hours=hits.hour[place])
        condition = conditions[hits.condition[place]]
        known = seen.get(condition)
        if known is None:
            seen[condition] = Seen(*condition, time, time, 1)
        else:
            seen[condition] = replace(known, last=time, times=known.times + 1)
    begin = origin + timedelta(hours=min(hits.begin[place] for place in part))
    last = origin + timedelta(hours=hits.hour[part[-1]])
    ratios = [hits.ratio[place] for place in part if hits.ratio[place] == hits.ratio[place]]
    if current is not None:
        begin = min(begin, current.begin)
        ratios += [] if current.peak is None else [current.peak]
    return Episode(
        watch.outlet, watch.pollutant, begin, last, tuple(seen.values()), max(ratios, default=None), False
    )
